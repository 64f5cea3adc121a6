/* firewall: see firewall.h. */
#include "firewall.h"

#include <netinet/in.h>
#include <stddef.h>

int firewall_server(struct ruleset *ret)
{
	struct prefix inner[2], routed;
	struct ruleset_forward forward[2] = { { IPPROTO_TCP, 8080, { 0 } }, { IPPROTO_UDP, 53, { 0 } } };
	const struct ruleset_server_options o = {
		.tun = "ttt0", .inner = inner, .inner_count = 2, .masquerade_ipv4 = true, .masquerade_ipv6 = true,
		.routed = &routed, .routed_count = 1, .isolate = true, .forward = forward, .forward_count = 2,
	};

	prefix_parse("10.84.0.1/24", &inner[0]);
	prefix_parse("fd84::1/64", &inner[1]);
	prefix_parse("fd84::8/125", &routed);
	addr_parse_port("10.84.0.2:80", 0, &forward[0].to);
	addr_parse_port("[fd84::2]:53", 0, &forward[1].to);
	return ruleset_server(&o, ret);
}

const char FIREWALL_SERVER[] =
	"table inet ttt-ttt0 {\n"
	"	flags owner\n"
	"\n"
	"	chain prerouting {\n"
	"		type filter hook prerouting priority raw; policy accept;\n"
	"		iifname != \"ttt0\" iifname != \"lo\" ip saddr 10.84.0.0/24 drop\n"
	"		iifname != \"ttt0\" iifname != \"lo\" ip6 saddr fd84::/64 drop\n"
	"		iifname \"ttt0\" ip saddr 10.84.0.0/24 accept\n"
	"		iifname \"ttt0\" ip6 saddr fd84::/64 accept\n"
	"		iifname \"ttt0\" drop\n"
	"	}\n"
	"\n"
	"	chain dstnat {\n"
	"		type nat hook prerouting priority dstnat; policy accept;\n"
	"		iifname != \"ttt0\" fib daddr type local meta nfproto ipv4 tcp dport 8080 dnat ip to 10.84.0.2:80\n"
	"		iifname != \"ttt0\" fib daddr type local meta nfproto ipv6 udp dport 53 dnat ip6 to [fd84::2]:53\n"
	"	}\n"
	"\n"
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		iifname \"ttt0\" tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
	"		oifname \"ttt0\" tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
	"		iifname \"ttt0\" oifname \"ttt0\" drop\n"
	"		oifname != \"ttt0\" ip daddr 10.84.0.0/24 drop\n"
	"		oifname != \"ttt0\" ip6 daddr fd84::/64 drop\n"
	"		iifname \"ttt0\" accept\n"
	"		oifname \"ttt0\" accept\n"
	"	}\n"
	"\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"		ip6 saddr fd84::8/125 accept\n"
	"		oifname != \"ttt0\" oifname != \"lo\" ip saddr 10.84.0.0/24 masquerade\n"
	"		oifname != \"ttt0\" oifname != \"lo\" ip6 saddr fd84::/64 masquerade\n"
	"	}\n"
	"}\n";

int firewall_client(struct ruleset *ret)
{
	struct addr inner[1], endpoint[2];
	const struct ruleset_link link[2] = { { "wan0", ADDR_IPV6, 0x7501 }, { "wan1", ADDR_NONE, 0x7502 } };
	const struct ruleset_client_options o = {
		.tun = "ttt0", .inner = inner, .inner_count = 1, .endpoint = endpoint, .endpoint_count = 2,
		.fwmark = 0x7474, .link = link, .link_count = 2,
	};

	addr_parse("10.84.0.2", &inner[0]);
	addr_parse_port("192.0.2.1:7474", 0, &endpoint[0]);
	addr_parse_port("[2001:db8::1]:7474", 0, &endpoint[1]);
	return ruleset_client(&o, ret);
}

const char FIREWALL_CLIENT[] =
	"table inet ttt-ttt0 {\n"
	"	flags owner\n"
	"\n"
	"	chain prerouting {\n"
	"		type filter hook prerouting priority mangle; policy accept;\n"
	"		iifname != \"ttt0\" iifname != \"lo\" ip daddr 10.84.0.2 drop\n"
	"		ip saddr 192.0.2.1 udp sport 7474 meta mark set 0x00007474\n"
	"		ip6 saddr 2001:db8::1 udp sport 7474 meta mark set 0x00007474\n"
	"		iifname \"wan0\" meta nfproto ipv6 ct state new ct mark set 0x00007501\n"
	"		iifname \"wan1\" ct state new ct mark set 0x00007502\n"
	"		ct direction reply ct mark 0x00007501 meta mark set 0x00007501\n"
	"		ct direction reply ct mark 0x00007502 meta mark set 0x00007502\n"
	"	}\n"
	"\n"
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		iifname \"ttt0\" tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
	"		oifname \"ttt0\" tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
	"		oifname \"ttt0\" ip6 daddr ::/0 meta mark 0x00000000 meta l4proto tcp reject with tcp reset\n"
	"		oifname \"ttt0\" ip6 daddr ::/0 meta mark 0x00000000 reject\n"
	"	}\n"
	"\n"
	"	chain output {\n"
	"		type route hook output priority mangle; policy accept;\n"
	"		ct direction reply ct mark 0x00007501 meta mark set 0x00007501\n"
	"		ct direction reply ct mark 0x00007502 meta mark set 0x00007502\n"
	"		oifname \"ttt0\" ip6 daddr ::/0 meta mark 0x00000000 meta l4proto tcp reject with tcp reset\n"
	"		oifname \"ttt0\" ip6 daddr ::/0 meta mark 0x00000000 reject\n"
	"	}\n"
	"}\n";

int firewall_paused(struct ruleset *ret)
{
	struct prefix inner[2];

	prefix_parse("10.84.0.1/20", &inner[0]);
	prefix_parse("fd84::1/64", &inner[1]);
	return ruleset_paused("ttt0", inner, 2, ret);
}

const char FIREWALL_PAUSED[] =
	"table inet ttt-ttt0-paused {\n"
	"	flags owner\n"
	"\n"
	"	chain prerouting {\n"
	"		type filter hook prerouting priority mangle; policy accept;\n"
	"		ct original ip saddr 10.84.0.0/20 drop\n"
	"		ct reply ip saddr 10.84.0.0/20 drop\n"
	"		ct original ip6 saddr fd84::/64 drop\n"
	"		ct reply ip6 saddr fd84::/64 drop\n"
	"	}\n"
	"}\n";

int firewall_closed(struct ruleset *ret)
{
	const char *const link[1] = { "wan0" };
	struct ruleset_network network[3] = { { .name = "wan0" }, { .name = "wan0" }, { .name = "wg0" } };
	const struct uids uids[2] = { { 64774, 64774 }, { 64000, 64009 } };
	struct prefix outside[1];
	const struct ruleset_closed_options o = {
		.outside = outside, .outside_count = 1, .uids = uids, .uids_count = 2,
		.tun = "ttt0", .fwmark = 0x7474, .link = link, .link_count = 1, .network = network, .network_count = 3,
	};

	prefix_parse("192.168.1.7/24", &network[0].prefix);
	prefix_parse("fd01::/64", &network[1].prefix);
	prefix_parse("172.16.0.0/12", &network[2].prefix);
	prefix_parse("198.51.100.0/24", &outside[0]);
	return ruleset_closed(&o, ret);
}

const char FIREWALL_CLOSED[] =
	"table inet ttt-ttt0-closed {\n"
	"	flags owner,persist\n"
	"\n"
	"	chain prerouting {\n"
	"		type filter hook prerouting priority filter; policy accept;\n"
	"		iifname \"wan0\" meta mark 0x00000000 fib daddr type local meta mark set 0x00007474\n"
	"	}\n"
	"\n"
	"	chain input {\n"
	"		type filter hook input priority raw; policy accept;\n"
	"		meta mark 0x00007474 meta mark set 0x00000000\n"
	"	}\n"
	"\n"
	"	chain output {\n"
	"		type filter hook output priority filter; policy accept;\n"
	"		meta mark & 0x0000ffff == 0x00007474 accept\n"
	"		oifname \"lo\" accept\n"
	"		oifname \"ttt0\" ip daddr 224.0.0.0/4 drop\n"
	"		oifname \"ttt0\" ip6 daddr ff00::/8 drop\n"
	"		oifname \"ttt0\" accept\n"
	"		meta oifkind \"tun\" accept\n"
	"		meta oifkind \"wireguard\" accept\n"
	"		oifname \"wan0\" ct direction reply ct mark != 0x00000000 accept\n"
	"		oifname \"wan0\" ip daddr 192.168.1.0/24 accept\n"
	"		oifname \"wan0\" ip6 daddr fd01::/64 accept\n"
	"		oifname \"wg0\" ip daddr 172.16.0.0/12 accept\n"
	"		ip daddr 198.51.100.0/24 accept\n"
	"		meta skuid 64774 accept\n"
	"		meta skuid 64000-64009 accept\n"
	"		ip daddr 224.0.0.0/4 accept\n"
	"		ip daddr 255.255.255.255 accept\n"
	"		ip6 daddr ff00::/8 accept\n"
	"		ip6 daddr fe80::/10 accept\n"
	"		icmpv6 type nd-router-solicit accept\n"
	"		icmpv6 type nd-neighbor-solicit accept\n"
	"		icmpv6 type nd-neighbor-advert accept\n"
	"		udp sport 68 udp dport 67 accept\n"
	"		udp sport 546 udp dport 547 accept\n"
	"		drop\n"
	"	}\n"
	"}\n";

int firewall_traced(struct ruleset *ret)
{
	const struct ruleset_traced_options o = { .tun = "ttt0", .fwmark = 0x7474, .listen = 7474 };

	return ruleset_traced(&o, ret);
}

const char FIREWALL_TRACED[] =
	"table inet ttt-ttt0-traced {\n"
	"	flags owner\n"
	"\n"
	"	chain out {\n"
	"		type filter hook output priority -350; policy accept;\n"
	"		meta mark & 0x0000ffff == 0x00007474 limit rate 1/second burst 1 packets meta nftrace set 1\n"
	"	}\n"
	"\n"
	"	chain in {\n"
	"		type filter hook prerouting priority -350; policy accept;\n"
	"		udp dport 7474 limit rate 1/second burst 1 packets meta nftrace set 1\n"
	"	}\n"
	"\n"
	"	chain through {\n"
	"		type filter hook prerouting priority -350; policy accept;\n"
	"		iifname \"ttt0\" limit rate 1/second burst 1 packets meta nftrace set 1\n"
	"	}\n"
	"}\n";
