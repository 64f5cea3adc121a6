/* strategies: what each makes of traffic, in virtual time. */
#include <stdio.h>
#include <string.h>

#include "sim/model_call.h"
#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "strategy/strategy.h"
#include "tap.h"

#define SERVER	(-1)
#define MBIT	UINT64_C(1000000)

static const struct sim_via via;	/* the first client's tunnel */

/* Two links: Mbit/s, and one way in ms. */
static struct sim *two(uint64_t seed, const char *strategy, unsigned rate, unsigned way, unsigned rate2,
		       unsigned way2, uint32_t loss_ppm)
{
	const struct sim_way a = { .rate = rate * MBIT, .delay = MSEC(way), .loss_ppm = loss_ppm };
	const struct sim_way b = { .rate = rate2 * MBIT, .delay = MSEC(way2), .loss_ppm = loss_ppm };
	struct sim *s = sim_new(seed, 1, strategy);

	sim_add_ways(s, 0, &a, &a);
	sim_add_ways(s, 0, &b, &b);
	sim_run(s, SEC(2));
	return s;
}

/* Datagrams of so many bytes that went up on each link, and how often that changed. */
struct count {
	size_t least, most;	/* most 0: no limit; one that asks for the MTU has 1472 */
	unsigned on[2], changes, last;
};

static bool count_up(void *ctx, struct sim *s, unsigned client, unsigned link, enum sim_direction direction,
		     uint8_t *datagram, size_t *len)
{
	struct count *c = ctx;

	(void)s;
	(void)client;
	(void)datagram;
	if (direction != SIM_UP || *len < c->least || (c->most != 0 && *len > c->most))
		return true;
	c->on[link]++;
	c->changes += link != c->last;
	c->last = link;
	return true;
}

/* --- lowest-latency ----------------------------------------------------------- */

static void lowest_latency_follows_the_shorter_path(void **state)
{
	struct sim *s = two(81, "lowest-latency", 20, 20, 20, 30, 0);
	struct count c = { .least = 500 };
	struct sim_flow_stats f;
	unsigned flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));

	(void)state;
	sim_set_tap(s, count_up, &c);
	sim_run(s, SEC(5));
	assert_true(c.on[0] > 2400 && c.on[1] == 0);
	sim_link(s, 0, 0)->up.delay = sim_link(s, 0, 0)->down.delay = MSEC(45);
	sim_run(s, SEC(1));
	c = (struct count){ .least = 500, .last = 1 };
	sim_run(s, SEC(5));
	assert_true(c.on[1] > 2400 && c.on[0] == 0);
	sim_link(s, 0, 0)->up.delay = sim_link(s, 0, 0)->down.delay = MSEC(20);
	sim_run(s, SEC(3));
	c = (struct count){ .least = 500 };
	sim_run(s, SEC(5));
	assert_true(c.on[0] > 2400 && c.on[1] == 0);
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	assert_int_equal(f.received, f.sent);
	assert_int_equal(f.reordered, 0);
	sim_free(s);
}

static void lowest_latency_does_not_flutter_between_equal_paths(void **state)
{
	struct sim *s = two(82, "lowest-latency", 20, 20, 20, 20, 0);
	struct count c = { .least = 500 };

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		sim_link(s, 0, i)->up.jitter = sim_link(s, 0, i)->down.jitter = MSEC(2);
	sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
	sim_run(s, SEC(2));
	sim_set_tap(s, count_up, &c);
	sim_run(s, SEC(60));
	printf("# %u changes in a minute\n", c.changes);
	assert_true(c.changes <= 3);
	sim_free(s);
}

/* Of a TCP that fills what it gets while a link of 300 ms stands by: what a round trip of its grows to. */
static nsec_t round_trip_of_a_tcp(const char *strategy)
{
	struct sim *s = two(92, strategy, 20, 10, 10, 300, 0);
	const struct model_tcp_config config = { .direction = SIM_UP };
	struct model_tcp *tcp = model_tcp_new(s, &config);
	nsec_t longest = 0;

	sim_run(s, SEC(2));
	for (int i = 0; i < 80; i++) {
		sim_run(s, MSEC(100));
		longest = nsec_max(longest, model_tcp_stats(tcp).srtt);
	}
	model_tcp_free(tcp);
	sim_free(s);
	return longest;
}

static void who_uses_one_path_keeps_no_queue_for_the_others(void **state)
{
	static const char *const strategy[] = { "lowest-latency", "failover", "flow", "redundant" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategy); i++) {
		nsec_t longest = round_trip_of_a_tcp(strategy[i]);

		printf("# %s: %.0f ms\n", strategy[i], (double)longest / 1e6);
		assert_true(longest < MSEC(250));
	}
}

/* --- flow ----------------------------------------------------------------------- */

static void two_downloads_fill_a_link_each(void **state)
{
	struct sim *s = two(83, "flow", 40, 20, 10, 20, 0);
	const struct model_tcp_config config = { .direction = SIM_UP };
	struct model_tcp *tcp[2];
	double rate[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		tcp[i] = model_tcp_new(s, &config);
		sim_run(s, SEC(2));
	}
	sim_run(s, SEC(20));
	for (int i = 0; i < 2; i++) {
		rate[i] = model_tcp_rate(tcp[i], 5, 20);
		model_tcp_free(tcp[i]);
	}
	printf("# %.1f and %.1f Mbit/s\n", rate[0], rate[1]);
	assert_true(rate[0] > 35 && rate[1] > 8);
	sim_free(s);
}

/* As a browser or a measurement of speed opens them: none has sent anything yet. */
static void downloads_that_begin_at_once_share_the_links(void **state)
{
	struct sim *s = two(91, "flow", 20, 10, 10, 20, 0);
	const struct model_tcp_config config = { .direction = SIM_DOWN };
	struct model_tcp *tcp[6];
	double sum = 0;

	(void)state;
	for (int i = 0; i < 6; i++)
		tcp[i] = model_tcp_new(s, &config);
	sim_run(s, SEC(10));
	for (int i = 0; i < 6; i++) {
		sum += model_tcp_rate(tcp[i], 3, 10);
		model_tcp_free(tcp[i]);
	}
	printf("# %.1f Mbit/s together\n", sum);
	assert_true(sum > 26);
	sim_free(s);
}

static void flows_move_only_when_their_path_goes(void **state)
{
	struct sim *s = two(84, "flow", 20, 20, 20, 20, 0);
	struct count c = { .least = 500, .most = 1400 };
	unsigned flow[6];

	(void)state;
	sim_set_tap(s, count_up, &c);
	for (int i = 0; i < 6; i++) {
		flow[i] = sim_flow(s, 0, SIM_UP, 1000, MSEC(4));
		sim_run(s, SEC(1));
	}
	memset(c.on, 0, sizeof(c.on));
	sim_run(s, SEC(4));
	/* each has some of them */
	assert_in_range(c.on[0], 1900, 4100);
	assert_in_range(c.on[1], 1900, 4100);
	sim_link_down(s, 0, 1);
	sim_run(s, SEC(2));
	memset(c.on, 0, sizeof(c.on));
	sim_link_up(s, 0, 1);
	sim_run(s, SEC(4));
	assert_int_equal(c.on[1], 0);		/* they have a path */
	for (int i = 0; i < 6; i++) {
		sim_flow_stop(s, flow[i]);
		sim_run(s, SEC(1));
		assert_int_equal(sim_flow_stats(s, flow[i]).received, sim_flow_stats(s, flow[i]).sent);
		assert_int_equal(sim_flow_stats(s, flow[i]).reordered, 0);
	}
	sim_free(s);
}

/* --- adaptive, redundant ---------------------------------------------------------- */

static nsec_t call_beside_a_download(uint64_t seed, const char *strategy, double *ret_rate, double *ret_copies)
{
	struct sim *s = two(seed, strategy, 20, 20, 20, 30, 20000);
	const struct model_tcp_config config = { .direction = SIM_UP };
	struct model_tcp *tcp = model_tcp_new(s, &config);
	struct model_call *call = model_call_new(s, &via);
	struct engine_peer_status peer;
	nsec_t p99;

	for (unsigned i = 0; i < 2; i++)
		sim_link(s, 0, i)->up_bytes = 0;
	sim_run(s, SEC(30));
	engine_peer_status(sim_client(s, 0), 0, sim_now(s), &peer);
	*ret_rate = model_tcp_rate(tcp, 5, 30);
	*ret_copies = (double)(sim_link(s, 0, 0)->up_bytes + sim_link(s, 0, 1)->up_bytes) / (double)peer.tx_bytes;
	p99 = model_call_stats(call, SIM_UP).p99;
	printf("# %s: %.1f Mbit/s, call p99 %.1f ms, %.2f bytes for one\n", strategy, *ret_rate, (double)p99 / 1e6,
	       *ret_copies);
	model_call_free(call);
	model_tcp_free(tcp);
	sim_free(s);
	return p99;
}

/* Means of a few runs: what a TCP makes of lossy links is a matter of luck. */
static void adaptive_gives_a_call_two_ways_beside_a_full_download(void **state)
{
	double sum[2] = { 0 }, bytes[2] = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		double rate, copies;

		assert_true(call_beside_a_download(seed, "aggregate", &rate, &copies) > MSEC(60));
		sum[0] += rate;
		bytes[0] += copies;
		/* 2 % are lost: the copy comes 10 ms later */
		assert_true(call_beside_a_download(seed, "adaptive", &rate, &copies) < MSEC(50));
		sum[1] += rate;
		bytes[1] += copies;
	}
	assert_true(sum[1] > sum[0] * 0.95);
	assert_true(bytes[1] < bytes[0] + 6 * 0.05);
}

static void redundant_sends_everything_twice_while_both_have_room(void **state)
{
	double rate, copies;

	(void)state;
	assert_true(call_beside_a_download(86, "redundant", &rate, &copies) < MSEC(40));
	assert_true(copies > 1.95);
}

/* Calls and nothing else: a megabyte in advance, and then one byte in twenty. */
static void adaptive_keeps_to_its_budget(void **state)
{
	struct sim *s = two(87, "adaptive", 20, 20, 20, 30, 0);
	struct count c = { .least = 500 };
	uint64_t sent = 0, copies;

	(void)state;
	sim_set_tap(s, count_up, &c);
	for (int i = 0; i < 4; i++)
		sim_flow(s, 0, SIM_UP, 600, MSEC(20));
	sim_run(s, SEC(120));
	for (unsigned i = 0; i < 4; i++)
		sent += sim_flow_stats(s, i).sent;
	copies = c.on[0] + c.on[1] - sent;
	printf("# %lu copies of %lu packets\n", (unsigned long)copies, (unsigned long)sent);
	assert_true(copies > ((1u << 20) + sent * 600 / 20) / 600 * 95 / 100);
	assert_true(copies < ((1u << 20) + sent * 600 / 20) / 600 * 105 / 100);
	sim_free(s);
}

/* All that came twice, at either end. */
static uint64_t copies_under(uint32_t ppm, int end)
{
	struct sim *s = two(90, "adaptive", 20, 20, 20, 30, 0);
	uint64_t copies;

	sim_set_copies(s, ppm);
	sim_restart_client(s, 0);
	sim_run(s, SEC(2));
	sim_flow(s, 0, SIM_UP, 600, MSEC(10));
	sim_flow(s, 0, SIM_DOWN, 600, MSEC(10));
	sim_run(s, SEC(60));
	copies = sim_drops(s, end, DROP_DUPLICATE);
	sim_free(s);
	return copies;
}

static void the_client_s_share_of_copies_holds_for_both_directions(void **state)
{
	static const int end[] = { SERVER, 0 };
	const uint64_t advance = (1u << 20) / 600;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(end); i++) {
		assert_int_equal(copies_under(ENGINE_NO_COPIES, end[i]), 0);
		assert_in_range(copies_under(100000, end[i]), advance + 550, advance + 650);
		assert_true(copies_under(1000000, end[i]) > 5900);
	}
}

static void a_flood_of_new_flows_leaves_a_call_its_budget(void **state)
{
	struct sim *s = two(88, "adaptive", 20, 20, 20, 30, 20000);
	struct model_call *call = model_call_new(s, &via);
	uint8_t packet[100] = { 0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 10, 84, 0, 2, 10, 84, 0, 1 };

	(void)state;
	for (int i = 0; i < 30000; i++) {
		packet[20] = (uint8_t)(i >> 8);
		packet[21] = (uint8_t)i;
		packet[22] = (uint8_t)(i >> 16);
		sim_tun_in(s, 0, packet, sizeof(packet));
		sim_run(s, MSEC(1));
	}
	assert_true(model_call_stats(call, SIM_UP).p99 < MSEC(45));
	model_call_free(call);
	sim_free(s);
}

/* --- all of them -------------------------------------------------------------------- */

static void all_can_be_changed_under_traffic_without_a_lost_packet(void **state)
{
	struct sim *s = two(89, "aggregate", 20, 20, 20, 30, 0);
	const struct model_tcp_config config[] = { { .direction = SIM_UP }, { .direction = SIM_DOWN } };
	struct model_tcp *tcp[2] = { model_tcp_new(s, &config[0]), model_tcp_new(s, &config[1]) };
	struct model_call *call = model_call_new(s, &via);
	nsec_t began = sim_now(s);
	unsigned seconds;

	(void)state;
	sim_run(s, SEC(5));
	for (int round = 0; round < 5; round++)
		for (size_t n = 0; strategy_at(n) != NULL; n++) {
			struct engine_peer_status peer;

			assert_int_equal(engine_set_strategy(sim_client(s, 0), strategy_at(n)->name, sim_now(s)), 0);
			sim_run(s, MSEC(700));
			engine_peer_status(sim_server(s), 0, sim_now(s), &peer);
			assert_string_equal(peer.strategy, strategy_at(n)->name);
		}
	seconds = (unsigned)((sim_now(s) - began) / SEC(1));
	model_call_stop(call);
	sim_run(s, SEC(1));
	for (int d = SIM_UP; d <= SIM_DOWN; d++) {
		struct model_call_stats c = model_call_stats(call, (enum sim_direction)d);
		struct model_tcp_stats t = model_tcp_stats(tcp[d]);
		struct engine_peer_status peer;
		int from = d == SIM_UP ? 0 : SERVER;

		engine_peer_status(d == SIM_UP ? sim_server(s) : sim_client(s, 0), 0, sim_now(s), &peer);
		printf("# call p99 %.1f gap %.1f ms, TCP %.1f Mbit/s, %lu resent, %lu by the queue, stall %.0f ms\n",
		       (double)c.p99 / 1e6, (double)c.longest_gap / 1e6, model_tcp_rate(tcp[d], 5, seconds),
		       (unsigned long)t.resent, (unsigned long)sim_drops(s, from, DROP_CONGESTION),
		       (double)t.longest_stall / 1e6);
		assert_int_equal(c.received, c.sent);
		assert_int_equal(c.duplicates, 0);
		assert_int_equal(peer.holes, 0);
		assert_true(c.longest_gap < MSEC(100));
		/* from two links to one: what is sent again waits behind what waits */
		assert_true(t.longest_stall < SEC(3));
		assert_int_equal(sim_drops(s, from, DROP_NO_PATH) + sim_drops(s, from, DROP_QUEUE_FULL) +
				 sim_drops(s, from, DROP_NO_BUFFER), 0);
		/* what the queue drops is told, and nothing else is missing */
		assert_true(t.resent <= sim_drops(s, from, DROP_CONGESTION) + 2);
		assert_true(model_tcp_rate(tcp[d], 5, seconds) > 15);
		model_tcp_free(tcp[d]);
	}
	model_call_free(call);
	sim_free(s);
}

/* Of a stream each way beside a download, when the first link falls silent and only one of another kind is left. */
static nsec_t gap_of_a_black_hole(const char *strategy, const struct engine_link *wish)
{
	struct sim *s = two(93, strategy, 20, 20, 10, 40, 0);
	const struct model_tcp_config config = { .direction = SIM_DOWN };
	struct model_tcp *tcp = model_tcp_new(s, &config);
	unsigned flow[2];
	nsec_t gap = 0;

	sim_wish(s, 0, 1, wish);
	for (int d = SIM_UP; d <= SIM_DOWN; d++)
		flow[d] = sim_flow(s, 0, (enum sim_direction)d, 200, MSEC(10));
	sim_run(s, SEC(5));
	sim_cut(s, 0, 0, true);
	sim_run(s, SEC(5));
	for (int d = SIM_UP; d <= SIM_DOWN; d++)
		sim_flow_stop(s, flow[d]);
	sim_run(s, SEC(1));
	for (int d = SIM_UP; d <= SIM_DOWN; d++) {
		struct sim_flow_stats f = sim_flow_stats(s, flow[d]);

		assert_int_equal(f.received, f.sent);
		gap = nsec_max(gap, f.longest_gap);
	}
	model_tcp_free(tcp);
	sim_free(s);
	return gap;
}

static void a_link_of_any_kind_takes_over_from_one_that_falls_silent(void **state)
{
	static const struct engine_link wish[] = {
		{ .weight = 1 }, { .weight = 1, .metered = true }, { .weight = 1, .tier = ENGINE_TIER_OVERFLOW },
		{ .weight = 1, .tier = ENGINE_TIER_BACKUP, .metered = true }, { .weight = 1, .priority = 1 },
	};

	nsec_t gap, worst = 0;

	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++)
		for (size_t i = 0; i < ARRAY_SIZE(wish); i++) {
			gap = gap_of_a_black_hole(strategy_at(n)->name, &wish[i]);

			if (gap > MSEC(200))
				printf("# %s, kind %zu: %.0f ms\n", strategy_at(n)->name, i, (double)gap / 1e6);
			worst = nsec_max(worst, gap);
		}
	assert_true(worst <= MSEC(200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("lowest-latency follows the shorter path", lowest_latency_follows_the_shorter_path),
		TEST("lowest-latency does not flutter between equal paths",
		     lowest_latency_does_not_flutter_between_equal_paths),
		TEST("who uses one path keeps no queue for the others",
		     who_uses_one_path_keeps_no_queue_for_the_others),
		TEST("two downloads fill a link each, under flow", two_downloads_fill_a_link_each),
		TEST("downloads that begin at once share the links, under flow",
		     downloads_that_begin_at_once_share_the_links),
		TEST("flows move only when their path goes", flows_move_only_when_their_path_goes),
		TEST("adaptive gives a call two ways beside a full download",
		     adaptive_gives_a_call_two_ways_beside_a_full_download),
		TEST("redundant sends everything twice while both have room",
		     redundant_sends_everything_twice_while_both_have_room),
		TEST("adaptive keeps to its budget", adaptive_keeps_to_its_budget),
		TEST("the client's share of copies holds for both directions",
		     the_client_s_share_of_copies_holds_for_both_directions),
		TEST("a flood of new flows leaves a call its budget", a_flood_of_new_flows_leaves_a_call_its_budget),
		TEST("all can be changed under traffic without a lost packet",
		     all_can_be_changed_under_traffic_without_a_lost_packet),
		TEST("a link of any kind takes over from one that falls silent",
		     a_link_of_any_kind_takes_over_from_one_that_falls_silent),
	};

	return RUN_TESTS(tests);
}
