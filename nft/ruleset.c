/*
 * ruleset: see ruleset.h.  A rule is begun, gets its matches and ends with its
 * action; the first mistake on the way sticks in build.err, so that the lists
 * below read as the table that they make.
 */
#include "nft/ruleset.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct build {
	struct ruleset *r;
	struct ruleset_rule *rule;	/* that is being said */
	uint8_t chain;
	int err;
};

/* --- the parts of a rule ---------------------------------------------------- */

static void begin_chain(struct build *b, const char *name, enum ruleset_chain_type type,
			enum ruleset_hook hook, int32_t priority)
{
	struct ruleset_chain *c = &b->r->chain[b->r->chain_count];

	b->chain = (uint8_t)b->r->chain_count++;
	*c = (struct ruleset_chain){ .type = (uint8_t)type, .hook = (uint8_t)hook, .priority = priority };
	text_copy(c->name, sizeof(c->name), name);
}

/* Unless one is being said. */
static void begin_rule(struct build *b)
{
	if (b->rule != NULL)
		return;
	if (b->r->rule_count == RULESET_RULES)
		b->err = -E2BIG;
	if (b->err != 0)
		return;
	b->rule = &b->r->rule[b->r->rule_count];
	*b->rule = (struct ruleset_rule){ .chain = b->chain };
}

static struct ruleset_match *add_match(struct build *b, enum ruleset_match_type type)
{
	static struct ruleset_match nowhere;
	struct ruleset_match *m = &nowhere;

	begin_rule(b);
	if (b->err == 0)
		m = &b->rule->match[b->rule->match_count++];
	*m = (struct ruleset_match){ .type = (uint8_t)type };
	return m;
}

static bool is_name(const char *name)
{
	size_t len = name != NULL ? strnlen(name, RULESET_IFNAME) : 0;

	return len > 0 && len < RULESET_IFNAME;
}

static void by_name(struct build *b, enum ruleset_match_type type, const char *name, bool not)
{
	struct ruleset_match *m = add_match(b, type);

	if (!is_name(name)) {
		b->err = b->err != 0 ? b->err : -EINVAL;
		return;
	}
	text_copy(m->name, sizeof(m->name), name);
	m->not = not;
}

static void by_prefix(struct build *b, enum ruleset_match_type type, const struct prefix *p)
{
	struct ruleset_match *m = add_match(b, type);

	if (p->addr.family == ADDR_NONE || p->len > 8 * addr_size(&p->addr)) {
		b->err = b->err != 0 ? b->err : -EINVAL;
		return;
	}
	m->prefix = prefix_network(p);
}

static void by_value(struct build *b, enum ruleset_match_type type, uint32_t value)
{
	add_match(b, type)->value = value;
}

static void then(struct build *b, enum ruleset_action action, uint32_t value)
{
	begin_rule(b);	/* one without a match: always */
	if (b->err == 0) {
		b->rule->action = (uint8_t)action;
		b->rule->value = value;
		b->r->rule_count++;
	}
	b->rule = NULL;
}

static void then_dnat(struct build *b, const struct addr *to)
{
	if (to->family == ADDR_NONE || to->port == 0)
		b->err = b->err != 0 ? b->err : -EINVAL;
	if (b->err == 0)
		b->rule->to = *to;
	then(b, RULESET_DNAT, 0);
}

/* --- what client and server share ------------------------------------------- */

static int begin(struct build *b, const char *tun, struct ruleset *ret)
{
	if (!is_name(tun))
		return -EINVAL;
	*ret = (struct ruleset){ .owner = true };
	ruleset_table_name(tun, ret->table);
	ret->rule = calloc(RULESET_RULES, sizeof(*ret->rule));
	*b = (struct build){ .r = ret };
	return ret->rule != NULL ? 0 : -ENOMEM;
}

static int finish(struct build *b)
{
	if (b->err != 0)
		ruleset_done(b->r);
	return b->err;
}

/* The host talks to itself with inner addresses over the loopback. */
static void elsewhere(struct build *b, enum ruleset_match_type type, const char *tun)
{
	by_name(b, type, tun, true);
	by_name(b, type, "lo", true);
}

static void fit_segments(struct build *b, const char *tun)
{
	static const enum ruleset_match_type way[] = { RULESET_MATCH_IIFNAME, RULESET_MATCH_OIFNAME };

	for (size_t i = 0; i < 2; i++) {
		by_name(b, way[i], tun, false);
		add_match(b, RULESET_MATCH_TCP_SYN);
		then(b, RULESET_MSS_TO_ROUTE, 0);
	}
}

/* --- server ------------------------------------------------------------------ */

static void check_sources(struct build *b, const struct ruleset_server_options *o)
{
	begin_chain(b, "prerouting", RULESET_FILTER, RULESET_PREROUTING, RULESET_PRIORITY_RAW);
	for (size_t i = 0; i < o->inner_count; i++) {
		elsewhere(b, RULESET_MATCH_IIFNAME, o->tun);
		by_prefix(b, RULESET_MATCH_SADDR, &o->inner[i]);
		then(b, RULESET_DROP, 0);
	}
	for (size_t i = 0; i < o->inner_count; i++) {
		by_name(b, RULESET_MATCH_IIFNAME, o->tun, false);
		by_prefix(b, RULESET_MATCH_SADDR, &o->inner[i]);
		then(b, RULESET_ACCEPT, 0);
	}
	by_name(b, RULESET_MATCH_IIFNAME, o->tun, false);
	then(b, RULESET_DROP, 0);
}

static void forward_ports(struct build *b, const struct ruleset_server_options *o)
{
	if (o->forward_count == 0)
		return;
	begin_chain(b, "dstnat", RULESET_NAT, RULESET_PREROUTING, RULESET_PRIORITY_DSTNAT);
	for (size_t i = 0; i < o->forward_count; i++) {
		const struct ruleset_forward *f = &o->forward[i];
		struct ruleset_match *m;

		by_name(b, RULESET_MATCH_IIFNAME, o->tun, true);
		add_match(b, RULESET_MATCH_LOCAL);
		by_value(b, RULESET_MATCH_FAMILY, f->to.family);
		m = add_match(b, RULESET_MATCH_SERVICE);
		m->service.protocol = f->protocol;
		m->service.port = f->port;
		then_dnat(b, &f->to);
	}
}

/* A packet of a client that found another way out, while the TUN is away, would be lost to it. */
static void pass_through(struct build *b, const struct ruleset_server_options *o)
{
	begin_chain(b, "forward", RULESET_FILTER, RULESET_FORWARD, RULESET_PRIORITY_FILTER);
	fit_segments(b, o->tun);
	if (o->isolate) {
		by_name(b, RULESET_MATCH_IIFNAME, o->tun, false);
		by_name(b, RULESET_MATCH_OIFNAME, o->tun, false);
		then(b, RULESET_DROP, 0);
	}
	for (size_t i = 0; i < o->inner_count; i++) {
		by_name(b, RULESET_MATCH_OIFNAME, o->tun, true);
		by_prefix(b, RULESET_MATCH_DADDR, &o->inner[i]);
		then(b, RULESET_DROP, 0);
	}
	by_name(b, RULESET_MATCH_IIFNAME, o->tun, false);
	then(b, RULESET_ACCEPT, 0);
	by_name(b, RULESET_MATCH_OIFNAME, o->tun, false);
	then(b, RULESET_ACCEPT, 0);
}

static void masquerade(struct build *b, const struct ruleset_server_options *o)
{
	begin_chain(b, "postrouting", RULESET_NAT, RULESET_POSTROUTING, RULESET_PRIORITY_SRCNAT);
	for (size_t i = 0; i < o->routed_count; i++) {
		by_prefix(b, RULESET_MATCH_SADDR, &o->routed[i]);
		then(b, RULESET_ACCEPT, 0);
	}
	for (size_t i = 0; i < o->inner_count; i++) {
		bool wanted = o->inner[i].addr.family == ADDR_IPV4 ? o->masquerade_ipv4
								   : o->masquerade_ipv6;

		if (!wanted)
			continue;
		elsewhere(b, RULESET_MATCH_OIFNAME, o->tun);
		by_prefix(b, RULESET_MATCH_SADDR, &o->inner[i]);
		then(b, RULESET_MASQUERADE, 0);
	}
}

int ruleset_server(const struct ruleset_server_options *o, struct ruleset *ret)
{
	struct build b;
	int err = begin(&b, o->tun, ret);

	if (err < 0)
		return err;
	check_sources(&b, o);
	forward_ports(&b, o);
	pass_through(&b, o);
	masquerade(&b, o);
	return finish(&b);
}

int ruleset_paused(const char *tun, const struct prefix *inner, size_t inner_count, struct ruleset *ret)
{
	static const enum ruleset_match_type end[] = { RULESET_MATCH_CT_FROM, RULESET_MATCH_CT_TO };
	struct build b;
	int err = begin(&b, tun, ret);

	if (err < 0)
		return err;
	ruleset_paused_name(tun, ret->table);
	begin_chain(&b, "prerouting", RULESET_FILTER, RULESET_PREROUTING, RULESET_PRIORITY_MANGLE);
	for (size_t i = 0; i < inner_count; i++)
		for (size_t k = 0; k < 2; k++) {
			by_prefix(&b, end[k], &inner[i]);
			then(&b, RULESET_DROP, 0);
		}
	return finish(&b);
}

/* --- client ------------------------------------------------------------------ */

static void mark_server(struct build *b, const struct ruleset_client_options *o)
{
	for (size_t i = 0; i < o->endpoint_count; i++) {
		struct prefix host = prefix_host(&o->endpoint[i]);

		by_prefix(b, RULESET_MATCH_SADDR, &host);
		by_value(b, RULESET_MATCH_UDP_SPORT, o->endpoint[i].port);
		if (o->endpoint[i].port == 0)
			b->err = b->err != 0 ? b->err : -EINVAL;
		then(b, RULESET_SET_MARK, o->fwmark);
	}
}

static void guard_inner(struct build *b, const struct ruleset_client_options *o)
{
	for (size_t i = 0; i < o->inner_count; i++) {
		struct prefix host = prefix_host(&o->inner[i]);

		elsewhere(b, RULESET_MATCH_IIFNAME, o->tun);
		by_prefix(b, RULESET_MATCH_DADDR, &host);
		then(b, RULESET_DROP, 0);
	}
}

/* A connection remembers the link that it came in on. */
static void remember_links(struct build *b, const struct ruleset_client_options *o)
{
	for (size_t i = 0; i < o->link_count; i++) {
		by_name(b, RULESET_MATCH_IIFNAME, o->link[i].name, false);
		if (o->link[i].family != ADDR_NONE)
			by_value(b, RULESET_MATCH_FAMILY, o->link[i].family);
		add_match(b, RULESET_MATCH_CT_NEW);
		then(b, RULESET_SET_CT_MARK, o->link[i].reply_mark);
	}
}

static void mark_replies(struct build *b, const struct ruleset_client_options *o)
{
	for (size_t i = 0; i < o->link_count; i++) {
		add_match(b, RULESET_MATCH_CT_REPLY);
		by_value(b, RULESET_MATCH_CT_MARK, o->link[i].reply_mark);
		then(b, RULESET_SET_MARK, o->link[i].reply_mark);
	}
}

/* A changed mark routes the packet again; its inner source it has by then. */
static void lead_outside(struct build *b, const struct ruleset_client_options *o)
{
	for (size_t i = 0; i < o->cgroup_count; i++) {
		by_name(b, RULESET_MATCH_OIFNAME, "lo", true);
		add_match(b, RULESET_MATCH_CGROUP)->cgroup = o->cgroup[i];
		then(b, RULESET_SET_MARK, o->fwmark);
	}
}

static void leave_inner_source(struct build *b, const struct ruleset_client_options *o)
{
	begin_chain(b, "postrouting", RULESET_NAT, RULESET_POSTROUTING, RULESET_PRIORITY_SRCNAT);
	for (size_t i = 0; i < o->inner_count; i++) {
		struct prefix host = prefix_host(&o->inner[i]);

		elsewhere(b, RULESET_MATCH_OIFNAME, o->tun);
		by_prefix(b, RULESET_MATCH_SADDR, &host);
		by_value(b, RULESET_MATCH_MARK_LOW, o->fwmark);
		then(b, RULESET_MASQUERADE, 0);
	}
}

static bool has_inner(const struct ruleset_client_options *o, uint8_t family)
{
	for (size_t i = 0; i < o->inner_count; i++)
		if (o->inner[i].family == family)
			return true;
	return false;
}

/* Its family a packet says by its address: nft(8) does not list nfproto beside a reset. */
static void into_tunnel_by(struct build *b, const char *tun, uint8_t family)
{
	const struct prefix anywhere = { .addr.family = family };

	by_name(b, RULESET_MATCH_OIFNAME, tun, false);
	by_prefix(b, RULESET_MATCH_DADDR, &anywhere);
	by_value(b, RULESET_MATCH_MARK, 0);	/* replies by a link are led there only now */
}

/* Nothing could come back: who sends is told, so that it tries the other family without a wait. */
static void refuse_lacking(struct build *b, const struct ruleset_client_options *o)
{
	static const uint8_t family[] = { ADDR_IPV4, ADDR_IPV6 };

	for (size_t i = 0; i < 2; i++) {
		if (has_inner(o, family[i]))
			continue;
		into_tunnel_by(b, o->tun, family[i]);
		by_value(b, RULESET_MATCH_PROTOCOL, IPPROTO_TCP);
		then(b, RULESET_RESET, 0);
		into_tunnel_by(b, o->tun, family[i]);
		then(b, RULESET_REFUSE, 0);
	}
}

int ruleset_client(const struct ruleset_client_options *o, struct ruleset *ret)
{
	bool lacks = !has_inner(o, ADDR_IPV4) || !has_inner(o, ADDR_IPV6);
	struct build b;
	int err = begin(&b, o->tun, ret);

	if (err < 0)
		return err;
	begin_chain(&b, "prerouting", RULESET_FILTER, RULESET_PREROUTING, RULESET_PRIORITY_MANGLE);
	guard_inner(&b, o);
	mark_server(&b, o);
	remember_links(&b, o);
	mark_replies(&b, o);	/* of what is behind this host: a container, the LAN */
	begin_chain(&b, "forward", RULESET_FILTER, RULESET_FORWARD, RULESET_PRIORITY_FILTER);
	fit_segments(&b, o->tun);
	refuse_lacking(&b, o);
	if (o->link_count > 0 || o->cgroup_count > 0 || lacks) {
		begin_chain(&b, "output", RULESET_ROUTE, RULESET_OUTPUT, RULESET_PRIORITY_MANGLE);
		lead_outside(&b, o);
		mark_replies(&b, o);
		refuse_lacking(&b, o);
	}
	if (o->cgroup_count > 0)
		leave_inner_source(&b, o);
	return finish(&b);
}

/* --- traced ------------------------------------------------------------------- */

static void trace(struct build *b)
{
	by_value(b, RULESET_MATCH_SECOND, 1);
	then(b, RULESET_TRACE, 0);
}

int ruleset_traced(const struct ruleset_traced_options *o, struct ruleset *ret)
{
	struct build b;
	int err = begin(&b, o->tun, ret);

	if (err < 0)
		return err;
	ruleset_traced_name(o->tun, ret->table);
	begin_chain(&b, "out", RULESET_FILTER, RULESET_OUTPUT, RULESET_PRIORITY_FIRST);
	by_value(&b, RULESET_MATCH_MARK_LOW, o->fwmark);
	trace(&b);
	begin_chain(&b, "in", RULESET_FILTER, RULESET_PREROUTING, RULESET_PRIORITY_FIRST);
	for (size_t i = 0; i < o->port_count; i++) {
		by_value(&b, RULESET_MATCH_UDP_SPORT, o->port[i]);
		trace(&b);
	}
	if (o->listen != 0) {
		by_value(&b, RULESET_MATCH_UDP_DPORT, o->listen);
		trace(&b);
		begin_chain(&b, "through", RULESET_FILTER, RULESET_PREROUTING, RULESET_PRIORITY_FIRST);
		by_name(&b, RULESET_MATCH_IIFNAME, o->tun, false);
		trace(&b);
	}
	return finish(&b);
}

void ruleset_traced_name(const char *ifname, char ret[RULESET_NAME])
{
	if (is_name(ifname))
		snprintf(ret, RULESET_NAME, "ttt-%s-traced", ifname);
	else
		ret[0] = '\0';
}

/* --- closed ------------------------------------------------------------------- */

static void to(struct build *b, const char *prefix)
{
	struct prefix p = { 0 };

	prefix_parse(prefix, &p);
	by_prefix(b, RULESET_MATCH_DADDR, &p);
}

/* Nobody in the tunnel has asked for multicast: it would only wake radios. */
static void leave_by_tunnel(struct build *b, const char *tun)
{
	static const char *const multicast[] = { "224.0.0.0/4", "ff00::/8" };
	static const char *const kind[] = { "tun", "wireguard" };

	for (size_t i = 0; i < 2; i++) {
		by_name(b, RULESET_MATCH_OIFNAME, tun, false);
		to(b, multicast[i]);
		then(b, RULESET_DROP, 0);
	}
	by_name(b, RULESET_MATCH_OIFNAME, tun, false);
	then(b, RULESET_ACCEPT, 0);
	for (size_t i = 0; i < 2; i++) {
		by_name(b, RULESET_MATCH_OIFKIND, kind[i], false);
		then(b, RULESET_ACCEPT, 0);
	}
}

/* What a host says to its neighbours, and to whom it wants an address from. */
static void talk_to_neighbours(struct build *b)
{
	static const char *const near[] = { "224.0.0.0/4", "255.255.255.255", "ff00::/8", "fe80::/10" };
	static const uint32_t discovery[] = { 133, 135, 136 };	/* RFC 4861: router, neighbour solicited; here I am */

	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		to(b, near[i]);
		then(b, RULESET_ACCEPT, 0);
	}
	for (size_t i = 0; i < sizeof(discovery) / sizeof(discovery[0]); i++) {
		by_value(b, RULESET_MATCH_ICMPV6, discovery[i]);
		then(b, RULESET_ACCEPT, 0);
	}
	by_value(b, RULESET_MATCH_UDP_SPORT, 68);
	by_value(b, RULESET_MATCH_UDP_DPORT, 67);
	then(b, RULESET_ACCEPT, 0);
	by_value(b, RULESET_MATCH_UDP_SPORT, 546);
	by_value(b, RULESET_MATCH_UDP_DPORT, 547);
	then(b, RULESET_ACCEPT, 0);
}

static void go_outside(struct build *b, const struct ruleset_closed_options *o)
{
	for (size_t i = 0; i < o->outside_count; i++) {
		by_prefix(b, RULESET_MATCH_DADDR, &o->outside[i]);
		then(b, RULESET_ACCEPT, 0);
	}
	for (size_t i = 0; i < o->uids_count; i++) {
		add_match(b, RULESET_MATCH_UIDS)->uids = o->uids[i];
		then(b, RULESET_ACCEPT, 0);
	}
}

/*
 * Where a link's rp_filter is not 0 Linux asks for a way back to whoever sent what
 * comes in for this host, and while the tunnel is down there is none but for our
 * mark: neither the server's answer would be heard, nor one to who goes past the
 * tunnel.  Only that question sees the mark: it is set when translation is done, so
 * that nothing is routed elsewhere by it, and taken off before anybody else looks.
 */
static void find_way_back(struct build *b, const struct ruleset_closed_options *o)
{
	begin_chain(b, "prerouting", RULESET_FILTER, RULESET_PREROUTING, RULESET_PRIORITY_FILTER);
	for (size_t i = 0; i < o->link_count; i++) {
		by_name(b, RULESET_MATCH_IIFNAME, o->link[i], false);
		by_value(b, RULESET_MATCH_MARK, 0);
		add_match(b, RULESET_MATCH_LOCAL);
		then(b, RULESET_SET_MARK, o->fwmark);
	}
	begin_chain(b, "input", RULESET_FILTER, RULESET_INPUT, RULESET_PRIORITY_RAW);
	by_value(b, RULESET_MATCH_MARK, o->fwmark);
	then(b, RULESET_SET_MARK, 0);
}

int ruleset_closed(const struct ruleset_closed_options *o, struct ruleset *ret)
{
	struct build b;
	int err = begin(&b, o->tun, ret);

	if (err < 0)
		return err;
	ret->persist = true;
	ruleset_closed_name(o->tun, ret->table);
	find_way_back(&b, o);
	begin_chain(&b, "output", RULESET_FILTER, RULESET_OUTPUT, RULESET_PRIORITY_FILTER);
	by_value(&b, RULESET_MATCH_MARK_LOW, o->fwmark);
	then(&b, RULESET_ACCEPT, 0);
	by_name(&b, RULESET_MATCH_OIFNAME, "lo", false);
	then(&b, RULESET_ACCEPT, 0);
	leave_by_tunnel(&b, o->tun);
	for (size_t i = 0; i < o->link_count; i++) {
		by_name(&b, RULESET_MATCH_OIFNAME, o->link[i], false);
		add_match(&b, RULESET_MATCH_CT_REPLY);
		add_match(&b, RULESET_MATCH_CT_MARK)->not = true;	/* any but 0 */
		then(&b, RULESET_ACCEPT, 0);
	}
	for (size_t i = 0; i < o->network_count; i++) {
		by_name(&b, RULESET_MATCH_OIFNAME, o->network[i].name, false);
		by_prefix(&b, RULESET_MATCH_DADDR, &o->network[i].prefix);
		then(&b, RULESET_ACCEPT, 0);
	}
	go_outside(&b, o);
	talk_to_neighbours(&b);
	/*
	 * Not a policy: while the kernel replaces a table, its chain has no rules for a
	 * moment, and the next one not yet its policy.
	 */
	then(&b, RULESET_DROP, 0);
	return finish(&b);
}

void ruleset_closed_name(const char *ifname, char ret[RULESET_NAME])
{
	if (is_name(ifname))
		snprintf(ret, RULESET_NAME, "ttt-%s-closed", ifname);
	else
		ret[0] = '\0';
}

void ruleset_table_name(const char *ifname, char ret[RULESET_NAME])
{
	if (is_name(ifname))
		snprintf(ret, RULESET_NAME, "ttt-%s", ifname);
	else
		ret[0] = '\0';
}

void ruleset_paused_name(const char *ifname, char ret[RULESET_NAME])
{
	if (is_name(ifname))
		snprintf(ret, RULESET_NAME, "ttt-%s-paused", ifname);
	else
		ret[0] = '\0';
}

void ruleset_done(struct ruleset *r)
{
	free(r->rule);
	*r = (struct ruleset){ 0 };
}
