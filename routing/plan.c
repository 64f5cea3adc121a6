/* plan: see plan.h. */
#include "routing/plan.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#define METRIC_FLOOR	9999	/* of the unreachable default: 4294967295 is skipped by ip -6 route flush */
#define METRIC_LINK	1024	/* IPv6's default, so that both families look alike */

static const uint8_t families[] = { ADDR_IPV4, ADDR_IPV6 };

static struct prefix whole(uint8_t family)
{
	return (struct prefix){ .addr.family = family, .len = 0 };
}

static struct kernel_route route_of(const struct plan *p, uint8_t family, uint32_t table)
{
	return (struct kernel_route){
		.family = family, .type = RTN_UNICAST, .protocol = p->marks.protocol, .table = table,
		.dst = whole(family), .metric = METRIC_LINK,
	};
}

static struct kernel_rule rule_of(const struct plan *p, uint8_t family, uint32_t at, uint32_t table)
{
	return (struct kernel_rule){
		.family = family, .action = FR_ACT_TO_TBL, .protocol = p->marks.protocol,
		.priority = p->marks.priority + at, .table = table, .suppress_prefixlen = -1,
	};
}

/* A link's own table and the rules that lead there: for its sockets, and for replies. */
static int add_link(struct plan *p, const struct link *l, bool reply_rules)
{
	uint32_t table = marks_link_table(&p->marks, l->slot);
	struct kernel_route route = route_of(p, l->family, table);
	struct kernel_rule rule = rule_of(p, l->family, MARKS_RULE_LINK + l->slot, table);
	int err = 0;

	route.oif = l->index;
	for (size_t i = 0; i < l->onlink_count && err == 0; i++) {
		route.dst = l->onlink[i];
		err = route_list_add(&p->routes, &route);
	}
	route.dst = whole(l->family);
	route.gateway = l->gateway;
	if (err == 0)
		err = route_list_add(&p->routes, &route);
	rule.from = prefix_host(&l->source);
	rule.fwmark = p->marks.fwmark;
	rule.fwmask = p->marks.fwmask;
	memcpy(rule.oif, l->ifname, sizeof(rule.oif));
	if (err == 0)
		err = rule_list_add(&p->rules, &rule);
	if (err < 0 || !reply_rules)
		return err;
	rule = rule_of(p, l->family, MARKS_RULE_REPLY + l->slot, table);
	rule.fwmark = p->marks.reply_mark + l->slot;
	rule.fwmask = p->marks.fwmask;
	return rule_list_add(&p->rules, &rule);
}

static int add_tunnel_route(struct plan *p, const struct prefix *dst)
{
	struct kernel_route route = route_of(p, dst->addr.family, p->marks.table);

	if (p->tun_index == 0)
		return 0;
	route.dst = prefix_network(dst);
	route.oif = p->tun_index;
	return route_list_add(&p->routes, &route);
}

static int add_floor(struct plan *p, uint8_t family)
{
	struct kernel_route route = route_of(p, family, p->marks.table);

	route.type = RTN_UNREACHABLE;
	route.metric = METRIC_FLOOR;
	return route_list_add(&p->routes, &route);
}

static int add_rule(struct plan *p, const struct kernel_rule *rule)
{
	return rule_list_add(&p->rules, rule);
}

/*
 * A program of `ttt portal` has one mark for both families: its sockets may speak
 * both.  Where its interface has no link, or none in a family, it goes nowhere,
 * least of all into the tunnel or, past it, by another link.
 */
static int add_portal(struct plan *p, const struct links *links, const struct link *l)
{
	struct kernel_rule rule = rule_of(p, l->family, MARKS_RULE_PORTAL, marks_link_table(&p->marks, l->slot));

	rule.fwmark = marks_portal(&p->marks, links_portal(links, l->index));
	rule.fwmask = 0xffffffff;
	return rule_list_add(&p->rules, &rule);
}

static int end_portals(struct plan *p, uint8_t family)
{
	struct kernel_rule rule = rule_of(p, family, MARKS_RULE_NO_PORTAL, 0);

	rule.fwmark = marks_portal(&p->marks, 0);
	rule.fwmask = MARKS_PORTAL_MASK;
	rule.action = FR_ACT_UNREACHABLE;
	return rule_list_add(&p->rules, &rule);
}

static int add_portals(struct plan *p, const struct links *links, bool no_ipv6)
{
	int err = end_portals(p, ADDR_IPV4);

	if (err == 0 && !no_ipv6)
		err = end_portals(p, ADDR_IPV6);
	for (size_t i = 0; i < links->count && err == 0; i++)
		err = add_portal(p, links, &links->link[i]);
	return err;
}

/* What goes past the tunnel, by the host's own routes. */
static int add_outside(struct plan *p, const struct plan_options *o, uint8_t family)
{
	struct kernel_rule rule = rule_of(p, family, MARKS_RULE_OUTSIDE, RT_TABLE_MAIN);
	int err = 0;

	for (size_t i = 0; i < o->outside_count && err == 0; i++) {
		rule.to = o->outside[i];
		if (rule.to.addr.family == family)
			err = rule_list_add(&p->rules, &rule);
	}
	rule = rule_of(p, family, MARKS_RULE_USER, RT_TABLE_MAIN);
	rule.has_uids = true;
	for (size_t i = 0; i < o->uids_count && err == 0; i++) {
		rule.uids = o->uids[i];
		err = rule_list_add(&p->rules, &rule);
	}
	return err;
}

/* The rules that lead into the tunnel, in the order in which they are asked. */
static int add_capture(struct plan *p, uint8_t family, bool kill_switch)
{
	struct kernel_rule rule;
	int err = 0;

	if (family == ADDR_IPV4) {
		rule = rule_of(p, family, MARKS_RULE_DHCP, RT_TABLE_MAIN);
		rule.ip_proto = IPPROTO_UDP;
		rule.sport = (struct kernel_ports){ 68, 68 };
		rule.dport = (struct kernel_ports){ 67, 67 };
		err = add_rule(p, &rule);
	}
	rule = rule_of(p, family, MARKS_RULE_LOCAL, RT_TABLE_MAIN);
	rule.suppress_prefixlen = 0;
	if (err == 0)
		err = add_rule(p, &rule);
	rule = rule_of(p, family, MARKS_RULE_TUNNEL, p->marks.table);
	rule.invert = true;
	rule.fwmark = p->marks.fwmark;
	rule.fwmask = p->marks.fwmask;
	if (err == 0)
		err = add_rule(p, &rule);
	if (err != 0 || !kill_switch)
		return err;
	rule.priority = p->marks.priority + MARKS_RULE_CLOSED;
	rule.action = FR_ACT_UNREACHABLE;
	rule.table = 0;
	return add_rule(p, &rule);
}

__attribute__((format(printf, 3, 4)))
static int add_sysctl(struct plan *p, const char *wanted, const char *format, ...)
{
	struct sysctl_row *row;
	va_list args;

	if (p->sysctl_count == PLAN_SYSCTLS)
		return -E2BIG;
	row = &p->sysctl[p->sysctl_count++];
	*row = (struct sysctl_row){ .at_least = true };
	va_start(args, format);
	vsnprintf(row->name, sizeof(row->name), format, args);
	va_end(args);
	snprintf(row->wanted, sizeof(row->wanted), "%s", wanted);
	return 0;
}

static bool overlap(const struct prefix *a, const struct prefix *b)
{
	return prefix_holds(a, &b->addr) || prefix_holds(b, &a->addr);
}

/* Another interface is, or may be, in the same network as this one. */
static bool shares_network(const struct links *links, const struct link *l)
{
	for (size_t i = 0; i < links->count; i++) {
		const struct link *other = &links->link[i];

		for (size_t k = 0; k < other->onlink_count && other->index != l->index; k++)
			for (size_t n = 0; n < l->onlink_count; n++)
				if (overlap(&l->onlink[n], &other->onlink[k]))
					return true;
	}
	return false;
}

/*
 * Who asks for the address of one of two interfaces in one network would be
 * answered by both, and send what is for the one to the other, whose socket
 * does not hear it.  An interface answers, and asks, for itself only.
 */
static int add_arp(struct plan *p, const struct link *l)
{
	int err = add_sysctl(p, "1", "net/ipv4/conf/%s/arp_ignore", l->ifname);

	return err == 0 ? add_sysctl(p, "2", "net/ipv4/conf/%s/arp_announce", l->ifname) : err;
}

bool plan_is_careful(const struct plan *p, const char *ifname)
{
	char name[SYSCTL_NAME];

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/arp_ignore", ifname);
	for (size_t i = 0; i < p->sysctl_count; i++)
		if (strcmp(p->sysctl[i].name, name) == 0)
			return true;
	return false;
}

/* Strict reverse-path filtering would drop what comes in on any link but the best one. */
static int add_link_sysctls(struct plan *p, const struct snapshot *s, const struct links *links,
			    const struct link *l)
{
	const struct kernel_link *k = snapshot_link(s, l->index);
	int err = 0;

	if (l->family != ADDR_IPV4 || k == NULL)
		return 0;
	/* 2 is as good as what we want, also when it is our own: else the row would come and go */
	if (k->rp_filter > 0 || s->rp_filter_all > 0)
		err = add_sysctl(p, "2", "net/ipv4/conf/%s/rp_filter", l->ifname);
	if (err == 0)
		err = add_sysctl(p, "1", "net/ipv4/conf/%s/src_valid_mark", l->ifname);
	return err == 0 && shares_network(links, l) ? add_arp(p, l) : err;
}

static bool has_advertised_route(const struct snapshot *s, int index)
{
	for (size_t i = 0; i < s->routes.count; i++)
		if (s->routes.item[i].oif == index && s->routes.item[i].protocol == RTPROT_RA)
			return true;
	return false;
}

static int add_forwarding(struct plan *p, const struct snapshot *s)
{
	int err;

	/*
	 * A host that forwards ignores router advertisements unless told otherwise,
	 * and would lose the routes that it has from them.  2 is what we wrote.
	 */
	for (size_t i = 0; i < s->links.count && p->sysctl_count < PLAN_SYSCTLS / 2; i++)
		if (s->links.item[i].accept_ra >= 1 && has_advertised_route(s, s->links.item[i].index))
			add_sysctl(p, "2", "net/ipv6/conf/%s/accept_ra", s->links.item[i].name);
	err = add_sysctl(p, "1", "net/ipv4/ip_forward");
	if (err == 0 && !s->no_ipv6)
		err = add_sysctl(p, "1", "net/ipv6/conf/all/forwarding");
	return err;
}

static int add_routes(struct plan *p, const struct plan_options *o)
{
	int err = 0;

	for (size_t i = 0; i < o->route_count && err == 0; i++)
		err = add_tunnel_route(p, &o->route[i]);
	return err;
}

/* On a server the peers' prefixes go into the main table: forwarding looks there. */
static int add_server_routes(struct plan *p, const struct plan_options *o)
{
	int err = 0;

	for (size_t i = 0; i < o->route_count && err == 0 && p->tun_index != 0; i++) {
		struct kernel_route route = route_of(p, o->route[i].addr.family, RT_TABLE_MAIN);

		route.dst = prefix_network(&o->route[i]);
		route.oif = p->tun_index;
		err = route_list_add(&p->routes, &route);
	}
	return err;
}

static bool carries(const struct plan *p, uint8_t family)
{
	for (size_t i = 0; i < p->address_count; i++)
		if (p->address[i].addr.family == family)
			return true;
	return false;
}

/* An administrator may have switched IPv6 off, for all or for new interfaces: then we go without. */
static bool has_ipv6(const struct snapshot *s, const struct kernel_link *tun)
{
	return !s->no_ipv6 && (tun == NULL || tun->disable_ipv6 != 1);
}

/*
 * A family without an inner address is refused.  The kill switch's floor does so
 * best: who asks for a route has the answer.  Without one, such a route would outlive
 * a crash, so it is the device's, which does not, and the firewall refuses there.
 */
static bool leads_into_device(const struct plan *p, const struct plan_options *o, const struct snapshot *s,
			      uint8_t family)
{
	if (carries(p, family))
		return true;
	return !o->kill_switch && (family == ADDR_IPV4 || has_ipv6(s, snapshot_link_named(s, o->tun)));
}

/*
 * Without full_tunnel, too, answers to who came through the tunnel (a port that
 * the server forwards) go back through it: they have an inner source.
 */
static int add_inner(struct plan *p)
{
	int err = 0;

	for (size_t i = 0; i < p->address_count && err == 0 && p->tun_index != 0; i++) {
		uint8_t family = p->address[i].addr.family;
		uint32_t table = marks_inner_table(&p->marks);
		struct kernel_route route = route_of(p, family, table);
		struct kernel_rule rule = rule_of(p, family, MARKS_RULE_INNER, table);

		route.oif = p->tun_index;
		err = route_list_add(&p->routes, &route);
		rule.from = prefix_host(&p->address[i].addr);
		if (err == 0)
			err = add_rule(p, &rule);
	}
	return err;
}

static bool wants_capture(const struct plan_options *o)
{
	return o->full_tunnel || o->route_count > 0;
}

static int build_client(struct plan *p, const struct plan_options *o, const struct snapshot *s,
			const struct links *links)
{
	int err = 0;

	for (size_t i = 0; i < links->count && err == 0; i++) {
		err = add_link(p, &links->link[i], o->reply_rules);
		if (err == 0)
			err = add_link_sysctls(p, s, links, &links->link[i]);
	}
	if (err == 0 && o->reply_rules)
		err = add_portals(p, links, s->no_ipv6);
	if (err == 0)
		err = add_routes(p, o);
	if (err == 0 && !o->full_tunnel && !o->down)
		err = add_inner(p);
	for (size_t i = 0; i < 2 && err == 0 && wants_capture(o); i++) {
		struct prefix all = whole(families[i]);

		if (families[i] == ADDR_IPV6 && s->no_ipv6)
			continue;
		err = add_outside(p, o, families[i]);
		if (err == 0)
			err = add_capture(p, families[i], o->full_tunnel && o->kill_switch);
		if (err == 0 && o->full_tunnel && !o->down && leads_into_device(p, o, s, families[i]))
			err = add_tunnel_route(p, &all);
		if (err == 0 && o->full_tunnel && o->kill_switch)
			err = add_floor(p, families[i]);
	}
	return err;
}

void plan_empty(const struct route_marks *marks, struct plan *ret)
{
	*ret = (struct plan){ .marks = *marks };
}

int plan_build(const struct plan_options *o, const struct snapshot *s, const struct links *links,
	       struct plan *ret)
{
	const struct kernel_link *tun = snapshot_link_named(s, o->tun);
	struct plan p = { .marks = o->marks, .mtu = o->mtu };
	int err;

	if (o->address_count > PLAN_ADDRESSES || o->route_count > PLAN_ROUTES)
		return -E2BIG;
	snprintf(p.tun, sizeof(p.tun), "%s", o->tun);
	p.tun_index = tun != NULL ? tun->index : 0;
	for (size_t i = 0; i < o->address_count; i++)
		if (o->address[i].addr.family != ADDR_IPV6 || has_ipv6(s, tun))
			p.address[p.address_count++] = o->address[i];
	if (o->server) {
		err = add_server_routes(&p, o);
		if (err == 0)
			err = add_forwarding(&p, s);
	} else {
		err = build_client(&p, o, s, links);
	}
	if (err < 0)
		plan_done(&p);
	else
		*ret = p;
	return err;
}

void plan_done(struct plan *p)
{
	route_list_done(&p->routes);
	rule_list_done(&p->rules);
}

void plan_print(const struct plan *p, const struct snapshot *names, FILE *out)
{
	char buf[SNAPSHOT_TEXT];

	for (size_t i = 0; i < p->address_count; i++)
		fprintf(out, "address %s dev %s\n", prefix_print(&p->address[i], buf), p->tun);
	for (size_t i = 0; i < p->routes.count; i++)
		fprintf(out, "route %s\n", snapshot_print_route(&p->routes.item[i], names, buf));
	for (size_t i = 0; i < p->rules.count; i++)
		fprintf(out, "rule %s\n", snapshot_print_rule(&p->rules.item[i], buf));
	for (size_t i = 0; i < p->sysctl_count; i++)
		fprintf(out, "setting %s = %s\n", p->sysctl[i].name, p->sysctl[i].wanted);
}
