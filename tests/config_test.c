/* config: what is read, and every refusal with its line and its words. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "tap.h"

#define K1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define K2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define CLIENT "[tunnel]\nprivate-key-file = key\n[peer vps]\npublic-key = " K1 "\n"
#define SERVER "[tunnel]\nrole = server\nlisten = 7474\naddress = 10.84.0.1/24, fd84::1/64\n" \
	"private-key-file = /k\n"

#define FORWARDS(list) SERVER "forward=" list "\n[peer a]\npublic-key=" K1 "\naddress=10.84.0.2\n"

static const char *const strategies[] = { "weighted", "failover", NULL };

static struct config *parsed(const char *text)
{
	char error[CONFIG_ERROR] = "";
	struct config *c = NULL;

	if (config_parse(text, strlen(text), "/etc/ttt/x.conf", strategies, &c, error) < 0)
		fail_msg("%s", error);
	return c;
}

static void a_client_needs_little_and_gets_the_defaults(void **state)
{
	struct config *c = parsed(CLIENT "endpoint = vpn.example.org, [2001:db8::1]:99\n"
				  "endpoint = 192.0.2.1 ; a third\n");

	(void)state;
	assert_int_equal(c->role, CONFIG_CLIENT);
	assert_string_equal(c->interface, "ttt0");
	assert_string_equal(c->strategy, "weighted");
	assert_string_equal(c->private_key_file, "/etc/ttt/key");
	assert_true(c->full_tunnel && c->kill_switch);
	assert_int_equal(c->mtu, 1420);
	assert_int_equal(c->copies_ppm, 50000);
	assert_true(c->offload);
	assert_true(c->coalesce);
	assert_int_equal(c->threads, CONFIG_THREADS_AUTO);
	assert_int_equal(c->marks.table, 7400);
	assert_int_equal(c->peer[0].endpoint_count, 3);
	assert_string_equal(c->peer[0].endpoint[0].host, "vpn.example.org");
	assert_int_equal(c->peer[0].endpoint[0].port, 7474);
	assert_int_equal(c->peer[0].endpoint[0].addr.family, ADDR_NONE);
	assert_string_equal(c->peer[0].endpoint[1].host, "2001:db8::1");
	assert_int_equal(c->peer[0].endpoint[1].addr.port, 99);
	assert_int_equal(c->peer[0].endpoint[2].addr.family, ADDR_IPV4);
	config_free(c);
}

static void a_server_has_its_peers_and_prefixes(void **state)
{
	struct config *c = parsed(SERVER "[peer a]\npublic-key=" K1 "\naddress=10.84.0.2, fd84::2\n"
				  "[peer b]\npublic-key=" K2 "\naddress=10.84.0.3\n");

	(void)state;
	assert_int_equal(c->peer_count, 2);
	assert_int_equal(c->peer[0].prefix_count, 2);
	assert_int_equal(c->peer[0].prefix[1].len, 128);
	assert_int_equal(c->address_count, 2);
	assert_int_equal(c->listen, 7474);
	assert_false(c->full_tunnel || c->kill_switch);
	config_free(c);
}

static void networks_users_and_cgroups_may_go_past_the_tunnel(void **state)
{
	struct config *c = parsed("[tunnel]\nexclude = 192.0.2.7/24, 2001:db8::/32\nexclude-uid = backup, 1000\n"
				  "exclude-uid = 2000-2999\nexclude-cgroup = /user.slice/x, a\nprivate-key-file = k\n"
				  "[peer vps]\npublic-key = " K1 "\nendpoint = 192.0.2.1\n");

	(void)state;
	assert_int_equal(c->outside_count, 2);
	assert_int_equal(c->outside[0].addr.ip[3], 0);
	assert_int_equal(c->outside_user_count, 3);
	assert_string_equal(c->outside_user[2], "2000-2999");
	assert_int_equal(c->outside_cgroup_count, 2);
	assert_string_equal(c->outside_cgroup[0], "user.slice/x");
	config_free(c);
}

static struct config *client_with(const char *key, const char *value)
{
	char text[512];

	snprintf(text, sizeof(text), "[tunnel]\n%s = %s\n%sendpoint=a\n", key, value, strchr(CLIENT, '\n') + 1);
	return parsed(text);
}

static void copies_may_take_a_share_or_nothing(void **state)
{
	static const struct { const char *text; uint32_t ppm; } row[] = {
		{ "0.01%", 100 }, { "7.5%", 75000 }, { "100%", 1000000 }, { "none", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct config *c = client_with("copies", row[i].text);

		assert_int_equal(c->copies_ppm, row[i].ppm);
		config_free(c);
	}
}

static void threads_are_a_number_or_what_suits_the_machine(void **state)
{
	static const struct { const char *text; uint8_t threads; } row[] = {
		{ "auto", CONFIG_THREADS_AUTO }, { "0", 0 }, { "1", 1 }, { "8", CONFIG_THREADS_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct config *c = client_with("threads", row[i].text);

		assert_int_equal(c->threads, row[i].threads);
		config_free(c);
	}
}

static void a_link_is_read_and_others_have_defaults(void **state)
{
	struct config *c = parsed(CLIENT "endpoint=a\n[link wlan0]\npriority=1\nweight=75\n"
				  "max-latency = 2s\ngateway = 10.0.0.1, fe80::1\n[link eth0]\n");
	struct config_link d = config_link_default("x");

	(void)state;
	assert_int_equal(config_link(c, "wlan0")->weight, 75);
	assert_int_equal(config_link(c, "wlan0")->max_latency, SEC(2));
	assert_int_equal(config_link(c, "wlan0")->gateway_count, 2);
	assert_int_equal(config_link(c, "eth0")->priority, d.priority);
	assert_null(config_link(c, "lo"));
	config_free(c);
}

static void assert_same_words(const struct config_link *a, const struct config_link *b)
{
	char words[CONFIG_LINK_TEXT], others[CONFIG_LINK_TEXT];

	assert_string_equal(config_link_print(a, NULL, words), config_link_print(b, NULL, others));
}

static void a_link_may_be_told_everything_about_its_use(void **state)
{
	struct config *c = parsed(CLIENT "endpoint=a\n[link usb0]\ntier = backup\nmax-latency = 0.3s\nmax-loss = 2.5 %\n"
				  "rate = 20 Mbit\ncongestion = fixed\nmetered = yes\nbudget = 20GB\nbudget-reset = 28\n"
				  "[link eth0]\nmax-latency = none\nmax-loss = none\nrate = none\nbudget = none\n");
	const struct config_link *usb = config_link(c, "usb0"), *eth = config_link(c, "eth0");
	const struct config_link usual = config_link_default("eth0");

	(void)state;
	assert_int_equal(usb->tier, CONFIG_TIER_BACKUP);
	assert_int_equal(usb->max_latency, MSEC(300));
	assert_int_equal(usb->max_loss_ppm, 25000);
	assert_int_equal(usb->rate, 2500000);
	assert_true(usb->fixed && usb->metered);
	assert_int_equal(usb->budget, 20000000000);
	assert_int_equal(usb->budget_reset, 28);
	assert_same_words(eth, &usual);
	config_free(c);
}

static void a_pattern_stands_for_interfaces_that_have_no_section(void **state)
{
	struct config *c = parsed(CLIENT "endpoint=a\n[link wwan*]\nweight=2\n[link w*]\nweight=3\n[link wwan7]\nweight=4\n");

	(void)state;
	assert_int_equal(config_link(c, "wwan0")->weight, 2);	/* the first that fits */
	assert_int_equal(config_link(c, "wlan0")->weight, 3);
	assert_int_equal(config_link(c, "wwan7")->weight, 4);	/* its own section, wherever it stands */
	assert_null(config_link(c, "eth0"));
	assert_true(config_link_is_pattern("wwan*") && config_link_is_pattern("eth?"));
	assert_false(config_link_is_pattern("wwan7"));
	config_free(c);
}

static void a_change_is_read_as_the_file_is_and_is_whole_or_nothing(void **state)
{
	static const struct { const char *word[3], *error; } row[] = {
		{ { "weight=0" }, "usb0: weight: 0 is not a number from 1 to 1000" },
		{ { "tier=backup", "wieght=4" }, "usb0: unknown key wieght; did you mean weight?" },
		{ { "tier=backup", "tier" }, "usb0: tier is not KEY=VALUE" },
		{ { "=backup" }, "usb0: =backup is not KEY=VALUE" },
		{ { "tier=" }, "usb0: tier: no value" },
		{ { "tier=backup", "congestion=fixed" }, "usb0: congestion: fixed needs" },
		{ { "gateway=10.0.0.1" }, "usb0: gateway: cannot be changed while" },
		{ { "mtu=1400" }, "usb0: mtu: does not belong into [link" },
	};
	struct config_link usual = config_link_default("usb0"), link = usual;
	const char *good[] = { "tier = overflow", "rate=8kbit", "congestion=fixed" };
	char error[CONFIG_ERROR], words[CONFIG_LINK_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		size_t count = row[i].word[1] == NULL ? 1 : 2;

		assert_int_equal(config_link_change(&link, row[i].word, count, error), -EINVAL);
		if (strncmp(error, row[i].error, strlen(row[i].error)) != 0)
			fail_msg("%s: %s", row[i].word[0], error);
		assert_same_words(&link, &usual);
	}
	assert_int_equal(config_link_change(&link, good, 3, error), 0);
	assert_string_equal(config_link_print(&link, &usual, words), "tier=overflow rate=8kbit congestion=fixed");
}

/* Whatever holds can be said in words, and said back. */
static void a_link_prints_as_the_words_that_make_it(void **state)
{
	struct config_link usual = config_link_default("usb0"), link = usual, back = usual;
	const char *word[16];
	char words[CONFIG_LINK_TEXT], error[CONFIG_ERROR];
	size_t count = 0;

	(void)state;
	assert_string_equal(config_link_print(&usual, &usual, words), "");
	assert_string_equal(config_link_print(&usual, NULL, words), "tier=primary priority=100 weight=1 "
			    "max-latency=none max-loss=none rate=none congestion=auto metered=no budget=none "
			    "budget-reset=1");
	link = (struct config_link){ .name = "usb0", .tier = CONFIG_TIER_NEVER, .priority = 255, .weight = 1000,
				     .max_latency = SEC(60), .max_loss_ppm = 1000000, .rate = 12500000000,
				     .fixed = true, .metered = true, .budget = UINT64_C(1000000000000000),
				     .budget_reset = 28 };
	config_link_print(&link, NULL, words);
	for (char *w = strtok(words, " "); w != NULL; w = strtok(NULL, " "))
		word[count++] = w;
	assert_int_equal(config_link_change(&back, word, count, error), 0);
	assert_same_words(&back, &link);
}

static void a_client_may_have_several_servers_and_a_way_without_them(void **state)
{
	struct config *c = parsed(CLIENT "endpoint=a\n[peer b]\npublic-key=" K2 "\nendpoint=b, c\n");

	(void)state;
	assert_int_equal(c->peer_count, 2);
	assert_int_equal(c->peer[1].endpoint_count, 2);
	assert_true(c->kill_switch && !c->fallback_direct);
	config_free(c);
	c = parsed("[tunnel]\nfallback = direct\nprivate-key-file=k\n[peer v]\npublic-key=" K1 "\nendpoint=a\n");
	assert_true(c->full_tunnel && c->fallback_direct && !c->kill_switch);
	config_free(c);
}

static void a_server_forwards_ports_to_its_peers(void **state)
{
	static const char text[] = SERVER "forward=tcp/8080 -> b:80, udp/53->a\nforward = tcp/22 -> b\n"
		"coalesce=no\noffload=off\nisolation=no\nrouted=10.84.0.128/25\n"
		"[peer a]\nrate=50mbit\npublic-key=" K1 "\naddress=10.84.0.2\n[peer b]\npublic-key=" K2 "\naddress=10.84.0.3\n";
	struct config *c = parsed(text);

	(void)state;
	assert_int_equal(c->forward_count, 3);
	assert_int_equal(c->forward[0].protocol, IPPROTO_TCP);
	assert_int_equal(c->forward[0].port, 8080);
	assert_int_equal(c->forward[0].to_port, 80);
	assert_int_equal(c->forward[0].peer, 1);
	assert_int_equal(c->forward[1].protocol, IPPROTO_UDP);
	assert_int_equal(c->forward[1].to_port, 53);
	assert_int_equal(c->forward[1].peer, 0);
	assert_int_equal(c->forward[2].port, 22);
	assert_int_equal(c->peer[0].rate, 6250000);
	assert_int_equal(c->peer[1].rate, 0);
	assert_false(c->isolation);
	assert_false(c->offload);
	assert_false(c->coalesce);
	assert_int_equal(c->routed_count, 1);
	config_free(c);
}

static void each_mistake_has_its_line_and_its_words(void **state)
{
	static const struct { const char *text, *error; } row[] = {
		{ "", "f: no [tunnel] section" },
		{ "mtu = 1400\n", "f:1: mtu stands before the first section" },
		{ "[tunel]\n", "f:1: unknown section [tunel]" },
		{ "[tunnel\n", "f:1: a section's name ends with a bracket" },
		{ "[tunnel]\n\nhello\n", "f:3: neither [section]" },
		{ "[tunnel]\nmtuu = 1400\n", "f:2: unknown key mtuu; did you mean mtu?" },
		{ "[tunnel]\nweight = 4\n", "f:2: weight: does not belong" },
		{ "[tunnel]\nmtu = 1400\nmtu = 1400\n", "f:3: mtu: given twice (first in line 2)" },
		{ "[tunnel]\nmtu =\n", "f:2: mtu: no value" },
		{ "[tunnel]\nexclude = 0.0.0.0/0\n", "f:2: exclude: 0.0.0.0/0 is everything" },
		{ "[tunnel]\nexclude-uid = 9-8\n", "f:2: exclude-uid: 9-8 is no user" },
		{ "[tunnel]\nexclude-uid = a b\n", "f:2: exclude-uid: a b is no user" },
		{ "[tunnel]\nexclude-cgroup = /\n", "f:2: exclude-cgroup: / is no cgroup" },
		{ "[tunnel]\nexclude-cgroup = a/../b\n", "f:2: exclude-cgroup: a/../b is no cgroup" },
		{ "[tunnel]\nmtu = 1279\n", "f:2: mtu: 1279 is not a number from 1280 to 1900" },
		{ "[tunnel]\nmtu = 1901\n", "f:2: mtu: 1901 is not" },
		{ "[tunnel]\nrole = both\n", "f:2: role: both is neither client nor server" },
		{ "[tunnel]\nstrategy = fast\n", "f:2: strategy: there is no fast; there are weighted, failover" },
		{ "[tunnel]\ncopies = 0\n", "f:2: copies: 0 is not from 0.01% to 100%; write 5%, or none" },
		{ "[tunnel]\nthreads = 9\n", "f:2: threads: 9 is neither auto nor a number from 0 to 8" },
		{ "[tunnel]\nthreads = all\n", "f:2: threads: all is neither auto nor" },
		{ "[tunnel]\ncopies = 101%\n", "f:2: copies: 101% is not from" },
		{ "[tunnel]\nlisten = 65536\n", "f:2: listen: 65536 is not a port" },
		{ "[tunnel]\nuser = root\n", "f:2: user: the worker must not be root" },
		{ "[tunnel]\ntable = 200\n", "f:2: table: the 100 tables" },
		{ "[tunnel]\ninterface = a/b\n", "f:2: interface: a/b is no name" },
		{ "[tunnel]\n[tunnel]\n", "f:2: a second [tunnel]" },
		{ "[tunnel]\n[peer vps]\n", "f:1: a client needs private-key-file" },
		{ "[tunnel]\nprivate-key-file=k\n", "f: no [peer NAME] section" },
		{ CLIENT, "f:3: [peer vps] has no endpoint" },
		{ CLIENT "endpoint=1.2.3.4:0\n", "f:5: endpoint: 1.2.3.4:0 is not HOST:PORT" },
		{ CLIENT "endpoint=a,,b\n", "f:5: endpoint: an empty or overlong item" },
		{ CLIENT "endpoint=a\naddress=10.0.0.1\n", "f:6: address: only a server has it" },
		{ CLIENT "endpoint=a\n[link w]\nmax-latency=61s\n",
		  "f:7: max-latency: 61s is not from 1ms to 60s; write 150ms or 2s, or none" },
		{ CLIENT "endpoint=a\n[link w]\ntier=spare\n",
		  "f:7: tier: there is no spare; there are primary, overflow, backup, never" },
		{ CLIENT "endpoint=a\n[link w]\nmax-loss=3\n", "f:7: max-loss: 3 is not from 0.01% to 100%; write 3%, or none" },
		{ CLIENT "endpoint=a\n[link w]\nmax-loss=101%\n", "f:7: max-loss: 101% is not" },
		{ CLIENT "endpoint=a\n[link w]\nrate=20\n", "f:7: rate: 20 is not from 8kbit to 100gbit; write 20mbit, or none" },
		{ CLIENT "endpoint=a\n[link w]\nrate=7999bit\n", "f:7: rate: 7999bit is not" },
		{ CLIENT "endpoint=a\n[link w]\n\ncongestion=fixed\n", "f:6: congestion: fixed needs to know the link's rate" },
		{ CLIENT "endpoint=a\n[link w]\ncongestion=bbr\n", "f:7: congestion: bbr is neither auto nor fixed" },
		{ CLIENT "endpoint=a\n[link w]\nmetered=maybe\n", "f:7: metered: maybe is neither yes nor no" },
		{ CLIENT "endpoint=a\n[link w]\nbudget=20\n", "f:7: budget: 20 is not from 1kB to 1000TB; write 20GB, or none" },
		{ CLIENT "endpoint=a\n[link w]\nbudget-reset=29\n", "f:7: budget-reset: 29 is not a number from 1 to 28" },
		{ CLIENT "endpoint=a\n[link w*]\ngateway=10.0.0.1\n", "f:7: gateway: one router cannot be all of [link w*]'s" },
		{ CLIENT "endpoint=a\n[link w]\nweight=0\n", "f:7: weight: 0 is not a number from 1" },
		{ SERVER "[peer a]\nrate=50\n", "f:7: rate: 50 is not from 8kbit to 100gbit; write 50mbit, or none" },
		{ CLIENT "endpoint=a\nrate=50mbit\n", "f:6: rate: only a server has it" },
		{ "[tunnel]\nfallback=open\n", "f:2: fallback: open is neither block nor direct" },
		{ "[tunnel]\nkill-switch=yes\nfallback=direct\nprivate-key-file=k\n[peer v]\npublic-key=" K1 "\nendpoint=a\n",
		  "f:3: fallback: direct would let out what the kill switch (line 2)" },
		{ CLIENT "[peer vps]\n", "f:5: a second [peer vps] (the first is in line 3)" },
		{ "[tunnel]\n[peer x]\npublic-key=abc\n", "f:3: public-key: not a key" },
		{ "[tunnel]\nfull-tunnel=no\nkill-switch=yes\nprivate-key-file=k\n[peer v]\npublic-key=" K1 "\nendpoint=a\n",
		  "f:3: kill-switch: needs full-tunnel" },
		{ "[tunnel]\nrole=server\nprivate-key-file=k\n", "f:1: a server needs listen" },
		{ "[tunnel]\nrole=server\nprivate-key-file=k\nlisten=1\n", "f:1: a server needs address" },
		{ "[tunnel]\naddress=10.0.0.0/24\n", "f:2: address: 10.0.0.0/24 is the whole network" },
		{ SERVER, "f: no [peer NAME] section: nobody" },
		{ SERVER "[peer a]\npublic-key=" K1 "\n", "f:6: [peer a] has no address" },
		{ SERVER "[peer a]\npublic-key=" K1 "\naddress=10.84.1.0\n", "f:8: address: 10.84.1.0/32 lies outside" },
		{ SERVER "[peer a]\npublic-key=" K1 "\naddress=10.84.0.0\n", "f:8: address: 10.84.0.0/32 is the first of the" },
		{ SERVER "[peer a]\npublic-key=" K1 "\naddress=10.84.0.1\n", "f:8: address: 10.84.0.1/32 is, or holds" },
		{ SERVER "[peer a]\npublic-key=" K1 "\naddress=10.84.0.2\n[peer b]\npublic-key=" K1 "\naddress=10.84.0.3\n",
		  "f:10: public-key: the same as [peer a]'s in line 7" },
		{ SERVER "[peer a]\npublic-key=" K1 "\naddress=10.84.0.2\n[peer b]\npublic-key=" K2 "\naddress=10.84.0.2/31\n",
		  "f:11: address: 10.84.0.2/31 overlaps that of [peer a] in line 8" },
		{ SERVER "[peer a]\npublic-key=" K1 "\naddress=10.84.0.2\n[link w]\n", "f:9: [link w]: only a client" },
		{ "[tunnel]\ncoalesce=auto\n", "f:2: coalesce: auto is neither yes nor no" },
		{ "[tunnel]\noffload=on\n", "f:2: offload: on is neither auto nor off" },
		{ "[tunnel]\nisolation=some\n", "f:2: isolation: some is neither yes nor no" },
		{ "[tunnel]\nforward=tcp/80\n", "f:2: forward: tcp/80 is not PROTOCOL/PORT -> PEER:PORT; write tcp/8080 -> laptop:80" },
		{ "[tunnel]\nforward=icmp/8 -> a\n", "f:2: forward: icmp/8 -> a is not" },
		{ "[tunnel]\nforward=tcp/0 -> a\n", "f:2: forward: tcp/0 -> a is not" },
		{ "[tunnel]\nforward=tcp/65536 -> a\n", "f:2: forward: tcp/65536 -> a is not" },
		{ "[tunnel]\nforward=tcp/80 -> a:0\n", "f:2: forward: tcp/80 -> a:0 is not" },
		{ "[tunnel]\nforward=tcp/80 -> a:b\n", "f:2: forward: tcp/80 -> a:b is not" },
		{ "[tunnel]\nforward=tcp/80 ->\n", "f:2: forward: tcp/80 -> is not" },
		{ FORWARDS("tcp/80 -> b"), "f:6: forward: there is no [peer b]" },
		{ FORWARDS("tcp/80 -> a, udp/80 -> a:81, tcp/80 -> a:82"), "f:6: forward: tcp/80 is given in line 6 already" },
		{ FORWARDS("tcp/7474 -> a, udp/7474 -> a"), "f:6: forward: udp/7474 is the port that the tunnel itself listens on (line 3)" },
		{ SERVER "routed=10.84.0.128/25, 10.84.1.0/24\n[peer a]\npublic-key=" K1 "\naddress=10.84.0.2\n",
		  "f:6: routed: 10.84.1.0/24 lies outside the server's own networks" },
		{ "[tunnel]\nprivate-key-file=k\nisolation=no\n[peer v]\npublic-key=" K1 "\nendpoint=a\n",
		  "f:3: isolation: only a server has it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char error[CONFIG_ERROR] = "";
		struct config *c = NULL;
		int r = config_parse(row[i].text, strlen(row[i].text), "f", strategies, &c, error);

		if (r != -EINVAL || c != NULL || strncmp(error, row[i].error, strlen(row[i].error)) != 0)
			fail_msg("%s\ngave %d: %s\nnot: %s", row[i].text, r, error, row[i].error);
	}
}

/* So many peers, whose addresses are those after the server's, one by one. */
static int parse_with_peers(const char *network, unsigned peers, char error[CONFIG_ERROR], struct config **ret)
{
	static char text[64 * 1024];
	size_t len = (size_t)snprintf(text, sizeof(text), "[tunnel]\nrole=server\nlisten=1\naddress=10.84.0.1/%s\n"
				      "private-key-file=/k\n", network);

	for (unsigned i = 0; i < peers; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "[peer p%u]\npublic-key=%c%c%s\naddress=10.84.%u.%u\n",
					i, 'A' + (int)(i / 26), 'A' + (int)(i % 26), K1 + 2, (i + 2) / 256, (i + 2) % 256);
	assert_true(len < sizeof(text));
	return config_parse(text, len, "f", strategies, ret, error);
}

static void a_server_has_as_many_peers_as_fit_its_network_and_no_more_than_256(void **state)
{
	static const struct { const char *network; unsigned peers; const char *error; } row[] = {
		{ "16", 256, NULL },
		{ "16", 257, "f:774: more than 256 peers" },
		{ "29", 5, NULL },
		{ "29", 6, "f:23: address: 10.84.0.7/32 is the last of the network in line 4, which is no host's" },
		{ "24", 253, NULL },
		{ "24", 254, "f:767: address: 10.84.0.255/32 is the last" },
		{ "31", 1, "f:8: address: 10.84.0.2/32 lies outside" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char error[CONFIG_ERROR] = "";
		struct config *c = NULL;
		int r = parse_with_peers(row[i].network, row[i].peers, error, &c);

		if (row[i].error == NULL ? r != 0 : r != -EINVAL || strncmp(error, row[i].error, strlen(row[i].error)) != 0)
			fail_msg("%u peers in a /%s gave %d: %s", row[i].peers, row[i].network, r, error);
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a client needs little and gets the defaults", a_client_needs_little_and_gets_the_defaults),
		TEST("a server has its peers and prefixes", a_server_has_its_peers_and_prefixes),
		TEST("networks, users and cgroups may go past the tunnel",
		     networks_users_and_cgroups_may_go_past_the_tunnel),
		TEST("copies may take a share, or nothing", copies_may_take_a_share_or_nothing),
		TEST("threads are a number, or what suits the machine",
		     threads_are_a_number_or_what_suits_the_machine),
		TEST("a link is read and others have defaults", a_link_is_read_and_others_have_defaults),
		TEST("a link may be told everything about its use", a_link_may_be_told_everything_about_its_use),
		TEST("a pattern stands for interfaces that have no section",
		     a_pattern_stands_for_interfaces_that_have_no_section),
		TEST("a change is read as the file is, and is whole or nothing",
		     a_change_is_read_as_the_file_is_and_is_whole_or_nothing),
		TEST("a link prints as the words that make it", a_link_prints_as_the_words_that_make_it),
		TEST("a client may have several servers, and a way without them",
		     a_client_may_have_several_servers_and_a_way_without_them),
		TEST("a server forwards ports to its peers", a_server_forwards_ports_to_its_peers),
		TEST("a server has as many peers as fit its network, and no more than 256",
		     a_server_has_as_many_peers_as_fit_its_network_and_no_more_than_256),
		TEST("each mistake has its line and its words", each_mistake_has_its_line_and_its_words),
	};

	return RUN_TESTS(tests);
}
