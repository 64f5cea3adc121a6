/* beside: what a call sees of the download beside it, and how much of a queue a bulk flow may have. */
#include <stdio.h>

#include "sim/model_call.h"
#include "sim/model_tcp.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static uint64_t repaired(struct sim *s)
{
	struct engine_peer_status peer;

	engine_peer_status(sim_client(s, 0), 0, sim_now(s), &peer);
	return peer.repaired;
}

/*
 * The call takes the first link, which works well all the time.  Of the second
 * some hundred packets are in doubt whenever it falls silent, and go again over
 * the first, which takes a third of a second for them.
 */
static void a_call_does_not_wait_for_the_repairs_of_a_download(void **state)
{
	struct sim *s = sim_new(1, 1, "aggregate");
	const struct model_tcp_config config = { .direction = SIM_UP };
	const struct sim_via via = { 0 };
	struct model_tcp *tcp;
	uint64_t all = 0;

	(void)state;
	sim_add_link(s, 0, 10 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 50 * MBIT, MSEC(100), 0);
	sim_run(s, SEC(2));
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(5));
	for (unsigned i = 0; i < 8; i++) {
		struct model_call *call = model_call_new(s, &via);
		uint64_t before = repaired(s);
		struct model_call_stats c;

		sim_run(s, SEC(1));
		sim_cut(s, 0, 1, true);
		sim_run(s, SEC(1));
		model_call_stop(call);
		sim_cut(s, 0, 1, false);
		sim_run(s, SEC(3));
		c = model_call_stats(call, SIM_UP);
		printf("# %lu repaired, and of the call p50 %.1f ms, p99 %.1f, gap %.1f\n",
		       (unsigned long)(repaired(s) - before), (double)c.p50 / 1e6, (double)c.p99 / 1e6,
		       (double)c.longest_gap / 1e6);
		all += repaired(s) - before;
		assert_true(c.p99 < MSEC(35) && c.longest_gap < MSEC(45));
		assert_int_equal(c.received, c.sent);
		model_call_free(call);
	}
	assert_true(all > 8 * 150);
	model_tcp_free(tcp);
	sim_free(s);
}

/* Such is a QUIC that still looks for its window: its sender hears of a queue a round trip later. */
static void a_bulk_flow_that_is_too_fast_for_a_moment_loses_nothing(void **state)
{
	const struct engine_link link = { .fixed = true, .rate = 10 * MBIT / 8, .weight = 1 };
	struct sim *s = sim_new(1, 1, "aggregate");
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_add_link(s, 0, 12 * MBIT, MSEC(20), 0);
	engine_path_set_link(sim_client(s, 0), 0, &link, sim_now(s));
	sim_run(s, SEC(1));
	flow = sim_flow(s, 0, SIM_UP, 1200, 800 * NSEC_PER_USEC);
	sim_run(s, MSEC(700));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	printf("# waited %.0f ms at most\n", (double)f.latency_max / 1e6);
	assert_true(f.latency_max > MSEC(100));
	assert_int_equal(f.received, f.sent);
	/* but who goes on is told */
	flow = sim_flow(s, 0, SIM_UP, 1200, 800 * NSEC_PER_USEC);
	sim_run(s, SEC(4));
	f = sim_flow_stats(s, flow);
	assert_true(f.received + 100 < f.sent);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a call does not wait for the repairs of a download",
		     a_call_does_not_wait_for_the_repairs_of_a_download),
		TEST("a bulk flow that is too fast for a moment loses nothing",
		     a_bulk_flow_that_is_too_fast_for_a_moment_loses_nothing),
	};

	return RUN_TESTS(tests);
}
