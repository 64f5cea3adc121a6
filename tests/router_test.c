/*
 * router: on the real kernel, in a network namespace of the test's own.
 *
 *   wan1 10.0.1.2 via 10.0.1.1, 2001:db8:1::2      wan2 10.0.2.2 via 10.0.2.1
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "io/open.h"
#include "routing/apply.h"
#include "numbers.h"
#include "tap.h"

#define LOOK	"ip rule; ip -6 rule; ip route show table all; ip -6 route show table all | grep -v fe80; " \
		"cat /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/src_valid_mark"

static char dir[] = "/tmp/router-test-XXXXXX";

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static char *output_of(const char *command)
{
	char *text = calloc(1, 65536);
	FILE *f = popen(command, "r");

	assert_non_null(text);
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) < 65535);
	pclose(f);
	return text;
}

static bool shows(const char *command, const char *what)
{
	char *text = output_of(command);
	bool found = strstr(text, what) != NULL;

	if (!found)
		print_message("# not shown by %s: %s\n%s", command, what, text);
	free(text);
	return found;
}

/* The kernel gives a link its own IPv6 addresses when it sees the carrier, which may be late. */
static bool is_settled(void)
{
	return system("for try in $(seq 200); do "
		      "[ $(ip -6 route show table all | grep -cE '^(local|multicast) (fe80|ff00).* dev (wan|isp)') = 8 ] && "
		      "ip -6 route show table local | grep -q '^local 2001:db8:1::2' && exit 0; "
		      "sleep 0.05; done; exit 1") == 0;
}

static struct router_options options(void)
{
	return (struct router_options){ .marks = usual_marks(), .tun = "ttt0", .runtime_dir = dir };
}

static struct router *new_router(void)
{
	const struct router_options o = options();
	char error[ROUTER_ERROR];
	struct router *r = NULL;

	assert_int_equal(router_new(&o, &r, error), 0);
	return r;
}

static int apply_full(struct router *r)
{
	struct prefix address[2];
	const struct plan_options o = { .mtu = 1420, .address = address, .address_count = 2, .full_tunnel = true,
					.kill_switch = true };
	int n;

	assert_true(prefix_parse("10.84.0.2/24", &address[0]));
	assert_true(prefix_parse("fd84::2/64", &address[1]));
	n = router_apply(r, &o);
	if (n < 0)
		print_message("# %s\n", router_error(r));
	return n;
}

static void a_tunnel_captures_the_host_and_leaves_it_as_it_was(void **state)
{
	char *before = output_of(LOOK), *after;
	struct router *r = new_router();
	int tun = open_tun("ttt0");

	(void)state;
	assert_true(tun >= 0);
	assert_true(apply_full(r) > 10);
	assert_int_equal(router_links(r)->count, 3);
	assert_true(shows("ip rule", "from 10.0.1.2 fwmark 0x7474/0xffff oif wan1 lookup 7401 proto 84"));
	assert_true(shows("ip rule", "not from all fwmark 0x7474/0xffff lookup 7400 proto 84"));
	assert_true(shows("ip rule", "lookup main suppress_prefixlength 0 proto 84"));
	assert_true(shows("ip -6 rule", "unreachable"));
	assert_true(shows("ip route get 192.0.2.1", "dev ttt0"));
	assert_true(shows("ip route get 192.0.2.1 from 10.0.2.2 oif wan2 mark 0x7474", "via 10.0.2.1 dev wan2"));
	assert_true(shows("ip addr show dev ttt0", "fd84::2/64"));
	assert_int_equal(apply_full(r), 0);
	assert_true(router_undo(r) > 10);
	router_free(r);
	close(tun);
	after = output_of(LOOK);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

static void what_a_killed_daemon_left_is_found_without_memory(void **state)
{
	char *before = output_of(LOOK), *after, error[ROUTER_ERROR];
	const struct router_options o = options();
	struct router *r = new_router();
	int tun = open_tun("ttt0");

	(void)state;
	assert_true(apply_full(r) > 0);
	router_free(r);		/* as if killed: nothing is undone */
	close(tun);
	assert_true(router_cleanup(&o, error) > 0);
	assert_int_equal(router_cleanup(&o, error), 0);
	after = output_of(LOOK);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

/* RFC 5549: a router that has only an IPv6 address on that link; the second time as one of several next hops. */
static void an_ipv4_link_may_have_an_ipv6_router(void **state)
{
	static const char *const route[] = {
		"ip -4 route replace default via inet6 fe80::7 dev wan2 metric 200",
		"ip -4 route replace default metric 200 nexthop via 10.0.1.1 dev wan1 "
			"nexthop via inet6 fe80::7 dev wan2",
	};
	char *before = output_of(LOOK), *after;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(route); i++) {
		struct router *r = new_router();
		int tun = open_tun("ttt0");

		run(route[i]);
		assert_true(apply_full(r) > 0);
		assert_true(shows("ip route show table 7403", "default via inet6 fe80::7 dev wan2"));
		assert_true(shows("ip route get 192.0.2.1 from 10.0.2.2 oif wan2 mark 0x7474",
				  "via inet6 fe80::7 dev wan2"));
		assert_int_equal(apply_full(r), 0);
		assert_true(router_undo(r) > 0);
		router_free(r);
		close(tun);
	}
	run("ip route replace default via 10.0.2.1 dev wan2 metric 200");
	after = output_of(LOOK);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

static void events_are_heard_and_links_followed(void **state)
{
	struct router *r = new_router();
	struct pollfd p = { .fd = router_fd(r), .events = POLLIN };

	(void)state;
	assert_int_equal(router_refresh(r), 0);
	assert_int_equal(router_links(r)->count, 3);
	router_read_events(r);
	run("ip addr del 10.0.2.2/24 dev wan2");
	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_true(router_read_events(r));
	assert_int_equal(router_refresh(r), 0);
	assert_int_equal(router_links(r)->count, 2);
	run("ip addr add 10.0.2.2/24 dev wan2; ip route add default via 10.0.2.1 dev wan2 metric 200");
	assert_int_equal(router_refresh(r), 0);
	assert_int_equal(router_links(r)->count, 3);
	router_free(r);
}

static void a_rule_of_another_program_in_our_range_is_an_error(void **state)
{
	struct router *r = new_router();
	int tun = open_tun("ttt0");

	(void)state;
	run("ip rule add priority 7450 lookup main");
	assert_int_equal(apply_full(r), -EEXIST);
	assert_non_null(strstr(router_error(r), "7450"));
	run("ip rule del priority 7450");
	assert_true(router_undo(r) > 0);
	router_free(r);
	close(tun);
}

/* Its own address as a router: Linux takes that in the main table, and for no table of ours. */
static void a_link_whose_route_is_refused_is_not_used(void **state)
{
	static const char reason[] = "its IPv4 route is refused: Nexthop has invalid gateway";
	struct router *r = new_router();
	int tun = open_tun("ttt0");
	const struct links *l = router_links(r);

	(void)state;
	run("ip route replace default via 10.0.2.2 dev wan2 metric 200");
	assert_true(apply_full(r) > 0);
	assert_int_equal(l->count, 2);
	assert_string_equal(l->unused[l->unused_count - 1].ifname, "wan2");
	assert_string_equal(l->unused[l->unused_count - 1].reason, reason);
	assert_int_equal(apply_full(r), 0);
	assert_int_equal(l->count, 2);
	run("ip route replace default via 10.0.2.1 dev wan2 metric 200");
	assert_true(apply_full(r) > 0);
	assert_int_equal(l->count, 3);
	assert_int_equal(apply_full(r), 0);

	run("ip route replace default via 10.0.2.2 dev wan2 metric 200; ip -6 route del default; "
	    "ip route del default dev wan1");
	assert_int_equal(apply_full(r), -EIO);
	assert_string_equal(router_error(r), "wan2: its IPv4 route is refused: Nexthop has invalid gateway");
	run("ip route replace default via 10.0.2.1 dev wan2 metric 200; "
	    "ip route add default via 10.0.1.1 dev wan1 metric 100; "
	    "ip -6 route add default via 2001:db8:1::1 dev wan1");
	assert_true(router_undo(r) > 0);
	router_free(r);
	close(tun);
}

/* A device that persists is there without anybody; other kinds have no process. */
static void a_tun_is_held_as_long_as_a_process_has_it(void **state)
{
	int tun = open_tun("ttt0");

	(void)state;
	assert_true(tun >= 0);
	assert_int_equal(router_tun_is_held("ttt0"), 1);
	run("ip link set dev ttt0 down");
	assert_int_equal(router_tun_is_held("ttt0"), 1);
	close(tun);
	assert_int_equal(router_tun_is_held("ttt0"), 0);
	run("ip tuntap add dev ttt0 mode tun; ip link set dev ttt0 up");
	assert_int_equal(router_tun_is_held("ttt0"), 0);
	run("ip tuntap del dev ttt0 mode tun");
	assert_int_equal(router_tun_is_held("wan1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a tunnel captures the host, and leaves it as it was",
		     a_tunnel_captures_the_host_and_leaves_it_as_it_was),
		TEST("what a killed daemon left is found without memory",
		     what_a_killed_daemon_left_is_found_without_memory),
		TEST("an IPv4 link may have an IPv6 router", an_ipv4_link_may_have_an_ipv6_router),
		TEST("events are heard, and links followed", events_are_heard_and_links_followed),
		TEST("a rule of another program in our range is an error",
		     a_rule_of_another_program_in_our_range_is_an_error),
		TEST("a link whose route is refused is not used", a_link_whose_route_is_refused_is_not_used),
		TEST("a TUN is held as long as a process has it", a_tun_is_held_as_long_as_a_process_has_it),
	};
	int failed;

	if (unshare(CLONE_NEWNET) != 0) {
		printf("1..0 # SKIP needs root for a network namespace\n");
		return geteuid() == 0;
	}
	if (mkdtemp(dir) == NULL ||
	    system("for i in all default; do echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; done; "
		   "ip link set dev lo up; ip link add wan1 type veth peer name isp1; "
		   "ip link add wan2 type veth peer name isp2; for i in wan1 wan2 isp1 isp2; do "
		   "ip link set dev $i up; done; ip addr add 10.0.1.2/24 dev wan1; ip addr add 10.0.2.2/24 dev wan2; "
		   "ip -6 addr add 2001:db8:1::2/64 dev wan1 nodad; ip route add default via 10.0.1.1 dev wan1 metric 100; "
		   "ip route add default via 10.0.2.1 dev wan2 metric 200; "
		   "ip -6 route add default via 2001:db8:1::1 dev wan1; "
		   "echo 1 >/proc/sys/net/ipv4/conf/wan1/rp_filter") != 0 || !is_settled())
		return 1;
	failed = RUN_TESTS(tests);
	rmdir(dir);
	return failed;
}
