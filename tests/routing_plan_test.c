/* links, plan, compare: on hand-made snapshots, without a kernel. */
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "routing/compare.h"
#include "numbers.h"
#include "tap.h"

static struct snapshot host;
static struct route_marks marks;
static struct links links;

static void add_link(int index, const char *name, const char *kind, uint32_t flags)
{
	struct kernel_link l = { .index = index, .flags = flags, .mtu = 1500, .rp_filter = 1, .accept_ra = 0 };

	strcpy(l.name, name);
	strcpy(l.kind, kind);
	assert_int_equal(link_list_add(&host.links, &l), 0);
}

static void add_address(int index, const char *text)
{
	struct kernel_address a = { .index = index, .scope = RT_SCOPE_UNIVERSE };

	assert_true(prefix_parse(text, &a.prefix));
	assert_int_equal(address_list_add(&host.addresses, &a), 0);
}

static void add_default(int index, const char *gateway, uint32_t metric)
{
	struct kernel_route r = { .type = RTN_UNICAST, .table = RT_TABLE_MAIN, .oif = index, .metric = metric };

	assert_true(addr_parse(gateway, &r.gateway));
	r.family = r.dst.addr.family = r.gateway.family;
	assert_int_equal(route_list_add(&host.routes, &r), 0);
}

/* Two uplinks, one of them with both families, and much that is none. */
static int prepare(void **state)
{
	const uint32_t up = IFF_UP | IFF_RUNNING;

	(void)state;
	snapshot_done(&host);
	memset(&links, 0, sizeof(links));
	marks = usual_marks();
	add_link(1, "lo", "", up | IFF_LOOPBACK);
	add_link(2, "wan1", "veth", up);
	add_link(3, "wan2", "", up);
	add_link(4, "usb0", "", IFF_UP);
	add_link(5, "wg0", "wireguard", up);
	add_link(6, "ttt0", "tun", up);
	add_link(7, "eth9", "", up);
	add_address(2, "10.0.1.2/24");
	add_address(2, "2001:db8:1::2/64");
	add_address(3, "10.0.2.2/24");
	add_address(5, "10.9.9.9/24");
	add_address(7, "10.0.9.2/24");
	add_default(2, "10.0.1.1", 100);
	add_default(2, "fe80::1", 1024);
	add_default(3, "10.0.2.1", 200);
	add_default(5, "10.9.9.1", 50);
	return 0;
}

static void find(void)
{
	const struct link_options o = { .tun = "ttt0", .marks = &marks };
	struct links found;

	links_find(&host, &o, &found);
	links_update(&links, &found);
}

static const char *why(const char *name)
{
	for (size_t i = 0; i < links.unused_count; i++)
		if (strcmp(links.unused[i].ifname, name) == 0)
			return links.unused[i].reason;
	return "";
}

static void uplinks_are_found_and_the_others_have_a_reason(void **state)
{
	(void)state;
	find();
	assert_int_equal(links.count, 3);
	assert_string_equal(links.link[0].ifname, "wan1");
	assert_int_equal(links.link[1].family, ADDR_IPV6);
	assert_string_equal(links.link[2].ifname, "wan2");
	assert_string_equal(why("usb0"), "no carrier");
	assert_string_equal(why("wg0"), "is a tunnel itself");
	assert_string_equal(why("eth9"), "no default route");
	assert_string_equal(why("ttt0"), "");
}

static void a_link_keeps_its_slot_while_others_go(void **state)
{
	struct links before;
	struct link_change change[LINKS_CHANGES];

	(void)state;
	find();
	before = links;
	host.links.item[1].flags = IFF_UP;	/* wan1 loses carrier */
	find();
	assert_int_equal(links.count, 1);
	assert_int_equal(links.link[0].slot, before.link[2].slot);
	assert_int_equal(links_changes(&before, &links, change), 2);
	assert_int_equal(change[0].kind, LINK_REMOVED);
	host.links.item[1].flags = IFF_UP | IFF_RUNNING;
	find();
	assert_int_equal(links.count, 3);
	for (size_t i = 0; i < links.count; i++)
		for (size_t k = 0; k < i; k++)
			assert_true(links.link[i].slot != links.link[k].slot);
}

static unsigned slot_of(int index, uint8_t family)
{
	for (size_t i = 0; i < links.count; i++)
		if (links.link[i].index == index && links.link[i].family == family)
			return links.link[i].slot;
	return LINKS_MAX;
}

static void a_link_is_known_by_its_index_and_then_by_its_name(void **state)
{
	struct links before;
	struct link_change change[LINKS_CHANGES];
	unsigned wan1, wan2;

	(void)state;
	/* two identical routers */
	host.addresses.item[3].prefix = host.addresses.item[0].prefix;
	find();
	wan1 = slot_of(2, ADDR_IPV4);
	wan2 = slot_of(3, ADDR_IPV4);
	before = links;
	/* they change their names */
	strcpy(host.links.item[1].name, "wan2");
	strcpy(host.links.item[2].name, "wan1");
	find();
	assert_int_equal(slot_of(2, ADDR_IPV4), wan1);
	assert_int_equal(slot_of(3, ADDR_IPV4), wan2);
	assert_int_equal(links_changes(&before, &links, change), 3);
	assert_int_equal(change[0].kind, LINK_CHANGED);
	/* one is re-plugged: another index; and the other takes its name */
	before = links;
	host.links.item[2].index = host.addresses.item[3].index = host.routes.item[2].oif = 8;
	strcpy(host.links.item[1].name, "wan1");
	strcpy(host.links.item[2].name, "wan2");
	find();
	assert_int_equal(slot_of(2, ADDR_IPV4), wan1);
	assert_int_not_equal(slot_of(8, ADDR_IPV4), wan1);
	/* re-plugged, it has its own name, and its slot */
	before = links;
	wan2 = slot_of(8, ADDR_IPV4);
	host.links.item[2].index = host.addresses.item[3].index = host.routes.item[2].oif = 9;
	find();
	assert_int_equal(slot_of(9, ADDR_IPV4), wan2);
	assert_int_equal(links_changes(&before, &links, change), 1);
	assert_int_equal(change[0].kind, LINK_MOVED);
}

static void an_address_is_missing_in_several_ways(void **state)
{
	struct kernel_address *a;

	(void)state;
	add_link(20, "eth1", "", IFF_UP | IFF_RUNNING);
	find();
	assert_string_equal(why("eth1"), "no address");
	add_address(20, "fe80::1/64");
	a = &host.addresses.item[host.addresses.count - 1];
	a->scope = RT_SCOPE_LINK;
	find();
	assert_string_equal(why("eth1"), "no address");
	add_address(20, "169.254.3.4/16");
	host.addresses.item[host.addresses.count - 1].scope = RT_SCOPE_LINK;
	find();
	assert_string_equal(why("eth1"), "only a link-local address: no DHCP server has answered");
	add_address(20, "2001:db8:7::1/64");
	a = &host.addresses.item[host.addresses.count - 1];
	a->flags = IFA_F_TENTATIVE;
	find();
	assert_string_equal(why("eth1"), "its address is still being checked for being taken");
	a->flags = IFA_F_TENTATIVE | IFA_F_DADFAILED;
	find();
	assert_string_equal(why("eth1"), "its address is taken: another machine there has the same");
	a->flags = 0;
	find();
	assert_string_equal(why("eth1"), "no default route");
}

static void what_cannot_be_an_uplink_says_so(void **state)
{
	static const struct { const char *name, *kind, *why; } row[] = {
		{ "tun5", "tun", "is a tunnel itself" }, { "d0", "dummy", "leads nowhere: it is a dummy" },
		{ "p0", "veth", "is a port of a bridge" }, { "s0", "veth", "belongs to another interface" },
	};

	(void)state;
	add_link(30, "br0", "bridge", IFF_UP);
	add_link(31, "bond0", "bond", IFF_UP);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		add_link(32 + (int)i, row[i].name, row[i].kind, IFF_UP | IFF_RUNNING);
	host.links.item[host.links.count - 2].master = 30;
	host.links.item[host.links.count - 1].master = 31;
	host.links.item[2].operstate = IF_OPER_DORMANT;
	host.links.item[2].flags = IFF_UP;
	host.links.item[1].flags = 0;
	find();
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_string_equal(why(row[i].name), row[i].why);
	assert_string_equal(why("wan2"), "has carrier, but may not send yet (dormant): is it logged in?");
	assert_string_equal(why("wan1"), "is down");
}

static void the_seventeenth_link_is_told_that_it_is_one(void **state)
{
	char name[SNAPSHOT_NAME], address[32];

	(void)state;
	for (int i = 0; i < 14; i++) {
		snprintf(name, sizeof(name), "lte%d", i);
		snprintf(address, sizeof(address), "10.1.%d.2/24", i);
		add_link(40 + i, name, "", IFF_UP | IFF_RUNNING);
		add_address(40 + i, address);
		add_default(40 + i, "10.1.0.1", 300);
	}
	find();
	assert_int_equal(links.count, LINKS_MAX);
	assert_string_equal(why("lte13"), "too many links: 16 are used already");
}

static void build(struct plan_options *o, struct plan *ret)
{
	o->marks = marks;
	o->tun = "ttt0";
	assert_int_equal(plan_build(o, &host, &links, ret), 0);
}

static size_t rules_at(const struct plan *p, uint32_t priority)
{
	size_t n = 0;

	for (size_t i = 0; i < p->rules.count; i++)
		n += p->rules.item[i].priority == priority;
	return n;
}

static void a_full_tunnel_has_its_rules_in_both_families(void **state)
{
	struct prefix address;
	struct plan_options o = { .address = &address, .address_count = 1, .full_tunnel = true, .kill_switch = true };
	struct plan p;

	(void)state;
	find();
	assert_true(prefix_parse("10.84.0.2/24", &address));
	build(&o, &p);
	for (uint32_t slot = 0; slot < 3; slot++)
		assert_int_equal(rules_at(&p, 7401 + slot), 1);
	assert_int_equal(rules_at(&p, 7440), 1);
	assert_int_equal(rules_at(&p, 7460), 2);
	assert_int_equal(rules_at(&p, 7470), 2);
	assert_int_equal(rules_at(&p, 7479), 2);
	plan_done(&p);
	o.kill_switch = false;
	build(&o, &p);
	assert_int_equal(rules_at(&p, 7479), 0);
	plan_done(&p);
}

static size_t defaults_into(const struct plan *p, uint8_t family, uint8_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < p->routes.count; i++)
		n += p->routes.item[i].table == 7400 && p->routes.item[i].dst.len == 0 &&
		     p->routes.item[i].family == family && p->routes.item[i].type == type;
	return n;
}

static void a_family_that_the_tunnel_lacks_is_refused_and_not_swallowed(void **state)
{
	struct prefix address;
	struct plan_options o = { .address = &address, .address_count = 1, .full_tunnel = true, .kill_switch = true };
	struct plan p;

	(void)state;
	find();
	assert_true(prefix_parse("10.84.0.2/24", &address));
	build(&o, &p);
	assert_int_equal(defaults_into(&p, ADDR_IPV4, RTN_UNICAST), 1);
	assert_int_equal(defaults_into(&p, ADDR_IPV4, RTN_UNREACHABLE), 1);
	assert_int_equal(defaults_into(&p, ADDR_IPV6, RTN_UNICAST), 0);
	assert_int_equal(defaults_into(&p, ADDR_IPV6, RTN_UNREACHABLE), 1);
	plan_done(&p);
	o.kill_switch = false;
	build(&o, &p);
	assert_int_equal(defaults_into(&p, ADDR_IPV4, RTN_UNREACHABLE), 0);
	assert_int_equal(defaults_into(&p, ADDR_IPV6, RTN_UNREACHABLE), 0);
	/* the firewall refuses it there, and the route goes with the device */
	assert_int_equal(defaults_into(&p, ADDR_IPV6, RTN_UNICAST), 1);
	plan_done(&p);
	host.links.item[5].disable_ipv6 = 1;
	build(&o, &p);
	assert_int_equal(defaults_into(&p, ADDR_IPV6, RTN_UNICAST), 0);
	plan_done(&p);
}

static void replies_leave_by_the_link_that_was_reached(void **state)
{
	struct plan_options o = { .reply_rules = true };
	struct plan p;

	(void)state;
	find();
	build(&o, &p);
	for (uint32_t slot = 0; slot < 3; slot++)
		assert_int_equal(rules_at(&p, 7421 + slot), 1);
	for (size_t i = 0; i < p.rules.count; i++)
		if (p.rules.item[i].priority == 7423) {
			assert_int_equal(p.rules.item[i].fwmark, 0x7503);
			assert_int_equal(p.rules.item[i].table, 7403);
		}
	plan_done(&p);
}

/* Where what has that mark goes, as a program of wan1's or wan2's: a table; 0: nowhere; -1: as all else. */
static int way_of(const struct plan *p, uint8_t family, uint32_t mark)
{
	for (uint32_t at = 7437; at <= 7438; at++)
		for (size_t i = 0; i < p->rules.count; i++) {
			const struct kernel_rule *r = &p->rules.item[i];

			if (r->priority == at && r->family == family && (mark & r->fwmask) == r->fwmark)
				return r->action == FR_ACT_UNREACHABLE ? 0 : (int)r->table;
		}
	return -1;
}

static uint32_t mark_of(int index)
{
	return marks_portal(&marks, links_portal(&links, index));
}

/* wan1 has both families, wan2 only IPv4. */
static void a_program_of_the_portal_has_one_mark_for_both_families(void **state)
{
	struct plan_options o = { .reply_rules = true };
	struct plan p;

	(void)state;
	find();
	build(&o, &p);
	assert_int_equal(mark_of(2) & 0xffff, 0x7474);
	assert_int_not_equal(mark_of(2), mark_of(3));
	assert_int_equal(way_of(&p, ADDR_IPV4, mark_of(2)), 7401);
	assert_int_equal(way_of(&p, ADDR_IPV6, mark_of(2)), 7402);
	assert_int_equal(way_of(&p, ADDR_IPV4, mark_of(3)), 7403);
	assert_int_equal(way_of(&p, ADDR_IPV6, mark_of(3)), 0);
	assert_int_equal(way_of(&p, ADDR_IPV4, 0x7474), -1);	/* our own sockets */
	plan_done(&p);
}

static void a_program_of_the_portal_keeps_its_link_while_addresses_change(void **state)
{
	struct plan_options o = { .reply_rules = true };
	uint32_t wan1, wan2;
	struct plan p;

	(void)state;
	find();
	wan1 = mark_of(2);
	wan2 = mark_of(3);
	assert_true(prefix_parse("10.0.2.77/24", &host.addresses.item[2].prefix));
	find();
	build(&o, &p);
	assert_int_equal(mark_of(3), wan2);
	assert_int_equal(way_of(&p, ADDR_IPV4, wan2), 7401 + (int)slot_of(3, ADDR_IPV4));
	plan_done(&p);
	/* its link goes, and another comes: its mark leads nowhere until it is back */
	host.links.item[2].flags = 0;
	add_link(19, "wan3", "", IFF_UP | IFF_RUNNING);
	add_address(19, "10.0.3.2/24");
	add_default(19, "10.0.3.1", 300);
	find();
	build(&o, &p);
	assert_int_equal(way_of(&p, ADDR_IPV4, wan2), 0);
	assert_int_equal(way_of(&p, ADDR_IPV4, mark_of(19)), 7401 + (int)slot_of(19, ADDR_IPV4));
	assert_int_equal(way_of(&p, ADDR_IPV4, wan1), 7401 + (int)slot_of(2, ADDR_IPV4));
	plan_done(&p);
	host.links.item[2].flags = IFF_UP | IFF_RUNNING;
	find();
	assert_int_equal(mark_of(3), wan2);
}

/* Two tunnels have sixteen marks each, wherever the first of their replies' stands. */
static void marks_of_the_portal_are_one_tunnels_own(void **state)
{
	(void)state;
	for (uint32_t first = 1; first <= 0xfff0 - 16; first += 7) {
		const struct route_marks one = { .reply_mark = first, .fwmark = 0x7474 },
			other = { .reply_mark = first + 16, .fwmark = 0x7474 };

		for (unsigned n = 0; n < MARKS_LINKS; n++) {
			assert_int_equal(marks_portal(&one, n) & MARKS_PORTAL_MASK, marks_portal(&one, 0));
			assert_int_not_equal(marks_portal(&other, n) & MARKS_PORTAL_MASK, marks_portal(&one, 0));
		}
		assert_int_not_equal(one.fwmark & MARKS_PORTAL_MASK, marks_portal(&one, 0));
	}
}

static void a_number_of_the_portal_is_given_again_only_when_all_are(void **state)
{
	unsigned first;

	(void)state;
	find();
	first = links_portal(&links, 3);
	for (int index = 100; index < 100 + MARKS_LINKS; index++) {	/* one after the other */
		host.links.item[2].index = host.addresses.item[2].index = host.routes.item[2].oif = index;
		find();
		assert_int_not_equal(links_portal(&links, index), links_portal(&links, 2));
		if (index < 100 + MARKS_LINKS - 2)
			assert_int_not_equal(links_portal(&links, index), first);
		assert_int_equal(links.portal[links_portal(&links, index)], index);
		assert_int_equal(links.portal[links_portal(&links, 2)], 2);
	}
}

static void what_is_excluded_looks_into_the_main_table_first(void **state)
{
	const struct uids uids = { 1000, 1999 };
	struct prefix outside[2];
	struct plan_options o = { .full_tunnel = true, .kill_switch = true, .outside = outside, .outside_count = 2,
				  .uids = &uids, .uids_count = 1 };
	struct plan p;

	(void)state;
	assert_true(prefix_parse("192.0.2.0/24", &outside[0]) && prefix_parse("2001:db8::/32", &outside[1]));
	find();
	build(&o, &p);
	assert_int_equal(rules_at(&p, 7450), 2);
	assert_int_equal(rules_at(&p, 7451), 2);
	for (size_t i = 0; i < p.rules.count; i++)
		if (p.rules.item[i].priority == 7450 || p.rules.item[i].priority == 7451)
			assert_int_equal(p.rules.item[i].table, RT_TABLE_MAIN);
	plan_done(&p);
}

static void a_unique_local_address_is_the_last_choice_and_the_oldest_the_first(void **state)
{
	(void)state;
	host.addresses.count = 0;	/* the newest comes first, as the kernel lists them */
	add_address(2, "fd00:aaaa::2/64");
	add_address(2, "2001:db8:1::3/64");
	add_address(2, "2001:db8:1::2/64");
	find();
	assert_int_equal(links.count, 1);
	assert_int_equal(links.link[0].source.ip[0], 0x20);
	assert_int_equal(links.link[0].source.ip[15], 2);
}

static void without_ipv6_on_the_device_the_tunnel_has_only_ipv4(void **state)
{
	struct prefix address[2];
	struct plan_options o = { .address = address, .address_count = 2, .full_tunnel = true, .kill_switch = true };
	struct plan p;

	(void)state;
	host.links.item[5].disable_ipv6 = 1;
	find();
	assert_true(prefix_parse("10.84.0.2/24", &address[0]) && prefix_parse("fd84::2/64", &address[1]));
	build(&o, &p);
	assert_int_equal(p.address_count, 1);
	assert_int_equal(defaults_into(&p, ADDR_IPV6, RTN_UNICAST), 0);
	assert_int_equal(defaults_into(&p, ADDR_IPV6, RTN_UNREACHABLE), 1);
	plan_done(&p);
}

static void a_server_keeps_the_routes_that_it_was_advertised(void **state)
{
	struct plan_options o = { .server = true };
	struct plan p;

	(void)state;
	host.links.item[1].accept_ra = 2;	/* as we set it, and as it has to stay */
	host.links.item[2].accept_ra = 1;
	host.routes.item[1].protocol = RTPROT_RA;
	find();
	build(&o, &p);
	assert_int_equal(p.sysctl_count, 3);
	assert_string_equal(p.sysctl[0].name, "net/ipv6/conf/wan1/accept_ra");
	assert_string_equal(p.sysctl[1].name, "net/ipv4/ip_forward");
	plan_done(&p);
}

static const struct sysctl_row *setting(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->sysctl_count; i++)
		if (strcmp(p->sysctl[i].name, name) == 0)
			return &p->sysctl[i];
	return NULL;
}

static void interfaces_in_one_network_answer_for_themselves(void **state)
{
	static const char *const address[] = { "10.0.1.3/24", "10.0.0.9/16", "10.0.1.2/24" };
	struct plan_options o = { .full_tunnel = true };
	struct plan p;

	(void)state;
	find();
	build(&o, &p);
	assert_null(setting(&p, "net/ipv4/conf/wan1/arp_ignore"));
	assert_false(plan_is_careful(&p, "wan1"));
	plan_done(&p);
	for (size_t i = 0; i < ARRAY_SIZE(address); i++) {
		assert_true(prefix_parse(address[i], &host.addresses.item[2].prefix));
		find();
		build(&o, &p);
		assert_string_equal(setting(&p, "net/ipv4/conf/wan1/arp_ignore")->wanted, "1");
		assert_string_equal(setting(&p, "net/ipv4/conf/wan1/arp_announce")->wanted, "2");
		assert_string_equal(setting(&p, "net/ipv4/conf/wan2/arp_ignore")->wanted, "1");
		assert_string_equal(setting(&p, "net/ipv4/conf/wan2/arp_announce")->wanted, "2");
		assert_true(plan_is_careful(&p, "wan1") && plan_is_careful(&p, "wan2"));
		plan_done(&p);
	}
}

static void another_tunnels_route_in_the_main_table_is_not_ours(void **state)
{
	struct prefix address;
	struct plan_options o = { .server = true, .address = &address, .address_count = 1 };
	struct kernel_route r = { .family = ADDR_IPV4, .type = RTN_UNICAST, .table = RT_TABLE_MAIN, .oif = 7,
				  .protocol = marks.protocol, .metric = 1024, .dst.addr.family = ADDR_IPV4 };
	struct operation_list ops = { 0 };
	struct plan p;

	(void)state;
	find();
	assert_true(prefix_parse("10.85.0.0/24", &r.dst) && prefix_parse("10.84.0.1/24", &address));
	route_list_add(&host.routes, &r);
	build(&o, &p);
	assert_int_equal(compare_plan(&p, &host, &ops), 0);
	for (size_t i = 0; i < ops.count; i++)
		assert_int_not_equal(ops.item[i].kind, OPERATION_ROUTE_DELETE);
	operations_done(&ops);
	plan_done(&p);
}

static void before_a_session_only_the_links_are_routed(void **state)
{
	struct plan_options o = { 0 };
	struct plan p;

	(void)state;
	find();
	build(&o, &p);
	assert_int_equal(p.rules.count, 3);
	for (size_t i = 0; i < p.routes.count; i++)
		assert_true(p.routes.item[i].table > 7400);
	plan_done(&p);
}

/* What the kernel would hold after these operations. */
static void perform(const struct operation_list *ops)
{
	for (size_t i = 0; i < ops->count; i++) {
		const struct operation *o = &ops->item[i];

		if (o->kind == OPERATION_ROUTE_ADD)
			route_list_add(&host.routes, &o->route);
		if (o->kind == OPERATION_RULE_ADD)
			rule_list_add(&host.rules, &o->rule);
		if (o->kind == OPERATION_ADDRESS_ADD)
			add_address(o->address.index, "10.84.0.2/24");
	}
}

static void applying_twice_changes_nothing_and_undo_removes_what_was_added(void **state)
{
	struct prefix address;
	struct plan_options o = { .address = &address, .address_count = 1, .full_tunnel = true, .kill_switch = true };
	struct operation_list ops = { 0 };
	size_t added;
	struct plan p, nothing;

	(void)state;
	find();
	assert_true(prefix_parse("10.84.0.2/24", &address));
	build(&o, &p);
	assert_int_equal(compare_plan(&p, &host, &ops), 0);
	added = ops.count;
	assert_true(added > 10);
	perform(&ops);
	operations_done(&ops);
	assert_int_equal(compare_plan(&p, &host, &ops), 0);
	assert_int_equal(ops.count, 0);
	operations_done(&ops);
	plan_empty(&marks, &nothing);
	assert_int_equal(compare_plan(&nothing, &host, &ops), 0);
	assert_int_equal(ops.count, added - 1);	/* the address goes with its device */
	for (size_t i = 0; i < ops.count; i++)
		assert_true(ops.item[i].kind == OPERATION_RULE_DELETE || ops.item[i].kind == OPERATION_ROUTE_DELETE);
	operations_done(&ops);
	plan_done(&p);
}

static void what_is_not_ours_is_never_touched(void **state)
{
	struct kernel_rule foreign = { .family = ADDR_IPV4, .priority = 7450, .protocol = 0, .table = 99,
				       .action = FR_ACT_TO_TBL, .suppress_prefixlen = -1 };
	struct operation_list ops = { 0 };
	struct plan nothing;

	(void)state;
	rule_list_add(&host.rules, &foreign);
	plan_empty(&marks, &nothing);
	assert_int_equal(compare_plan(&nothing, &host, &ops), 0);
	assert_int_equal(ops.count, 0);
	assert_ptr_equal(compare_foreign_rule(&marks, &host), &host.rules.item[0]);
	host.rules.item[0].priority = 7399;
	assert_null(compare_foreign_rule(&marks, &host));
	operations_done(&ops);
}

#define ON_HOST(sentence, function) { .name = (sentence), .test_func = (function), .setup_func = prepare }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST("uplinks are found, and the others have a reason",
			uplinks_are_found_and_the_others_have_a_reason),
		ON_HOST("a link keeps its slot while others go", a_link_keeps_its_slot_while_others_go),
		ON_HOST("a link is known by its index, and then by its name",
			a_link_is_known_by_its_index_and_then_by_its_name),
		ON_HOST("an address is missing in several ways", an_address_is_missing_in_several_ways),
		ON_HOST("what cannot be an uplink says so", what_cannot_be_an_uplink_says_so),
		ON_HOST("the seventeenth link is told that it is one", the_seventeenth_link_is_told_that_it_is_one),
		ON_HOST("a full tunnel has its rules in both families",
			a_full_tunnel_has_its_rules_in_both_families),
		ON_HOST("a family that the tunnel lacks is refused, and not swallowed",
			a_family_that_the_tunnel_lacks_is_refused_and_not_swallowed),
		ON_HOST("a program of the portal has one mark for both families",
		     a_program_of_the_portal_has_one_mark_for_both_families),
		ON_HOST("a program of the portal keeps its link while addresses change",
			a_program_of_the_portal_keeps_its_link_while_addresses_change),
		ON_HOST("marks of the portal are one tunnel's own", marks_of_the_portal_are_one_tunnels_own),
		ON_HOST("a number of the portal is given again only when all are",
			a_number_of_the_portal_is_given_again_only_when_all_are),
		ON_HOST("what is excluded looks into the main table first",
		     what_is_excluded_looks_into_the_main_table_first),
		ON_HOST("replies leave by the link that was reached", replies_leave_by_the_link_that_was_reached),
		ON_HOST("a unique local address is the last choice, and the oldest the first",
			a_unique_local_address_is_the_last_choice_and_the_oldest_the_first),
		ON_HOST("without IPv6 on the device the tunnel has only IPv4",
			without_ipv6_on_the_device_the_tunnel_has_only_ipv4),
		ON_HOST("a server keeps the routes that it was advertised",
			a_server_keeps_the_routes_that_it_was_advertised),
		ON_HOST("interfaces in one network answer for themselves",
			interfaces_in_one_network_answer_for_themselves),
		ON_HOST("another tunnel's route in the main table is not ours",
			another_tunnels_route_in_the_main_table_is_not_ours),
		ON_HOST("before a session only the links are routed",
			before_a_session_only_the_links_are_routed),
		ON_HOST("applying twice changes nothing, and undo removes what was added",
			applying_twice_changes_nothing_and_undo_removes_what_was_added),
		ON_HOST("what is not ours is never touched", what_is_not_ours_is_never_touched),
	};
	int failed = RUN_TESTS(tests);

	snapshot_done(&host);
	return failed;
}
