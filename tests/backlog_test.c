/* backlog: what waits for paths that carry much less than when it came. */
#include <stdio.h>

#include "core/engine.h"
#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static void carry(struct sim *s, uint64_t rate)
{
	const struct engine_link link = { .fixed = true, .rate = rate / 8, .weight = 1 };

	for (unsigned i = 0; i < 2; i++) {
		engine_path_set_link(sim_client(s, 0), i, &link, sim_now(s));
		sim_link(s, 0, i)->up.rate = rate;
	}
}

struct outcome {
	nsec_t stall;
	uint64_t given_up;	/* packets, in the first 200 ms after */
	double rate;		/* Mbit/s, in the ten seconds after */
};

/* A TCP over two links whose rates are known at each moment: 40 Mbit/s each, and after ten seconds another. */
static struct outcome change_to(uint64_t rate)
{
	struct sim_way way = { .rate = 40 * MBIT, .delay = MSEC(25), .netem = true, .queue = 500, .framing = 14 };
	struct sim *s = sim_new(3, 1, "aggregate");
	struct model_tcp_config config = { .direction = SIM_UP };
	struct model_tcp *tcp;
	struct outcome ret;
	uint64_t before;

	sim_add_ways(s, 0, &way, &way);
	sim_add_ways(s, 0, &way, &way);
	sim_run(s, SEC(2));
	carry(s, 38 * MBIT);
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(10));
	before = sim_drops(s, 0, DROP_CONGESTION);
	carry(s, rate);
	sim_run(s, MSEC(200));
	ret.given_up = sim_drops(s, 0, DROP_CONGESTION) - before;
	sim_run(s, SEC(10));
	ret.stall = model_tcp_stats(tcp).longest_stall;
	ret.rate = model_tcp_rate(tcp, 10, 20);
	printf("# %.0f Mbit/s: %lu packets given up, longest stall %.0f ms, then %.1f Mbit/s\n", (double)rate / 1e6,
	       (unsigned long)ret.given_up, (double)ret.stall / 1e6, ret.rate);
	model_tcp_free(tcp);
	sim_free(s);
	return ret;
}

/* What is repeated would wait behind all that came when the links carried thirteen times as much. */
static void links_that_fade_hold_nothing_up_for_long(void **state)
{
	struct outcome faded = change_to(3 * MBIT);

	(void)state;
	assert_true(faded.given_up > 100);
	assert_true(faded.stall <= MSEC(600));
	assert_true(faded.rate > 4.8);
}

/* Then the queue is what it was for, and CoDel's. */
static void what_fades_a_little_gives_nothing_up(void **state)
{
	(void)state;
	assert_true(change_to(20 * MBIT).given_up <= 1);
	assert_true(change_to(15 * MBIT).given_up <= 1);
}

/* The other link was never used, so it seems to carry next to nothing; and it carries all. */
static void what_waits_for_a_link_that_was_never_tried_is_not_given_up(void **state)
{
	static const unsigned rate[] = { 12, 16 };

	(void)state;
	for (unsigned told = 0; told < 2; told++)
		for (size_t i = 0; i < ARRAY_SIZE(rate); i++) {
			struct sim *s = sim_new(1, 1, "failover");
			struct sim_flow_stats f;
			unsigned flow;

			sim_add_link(s, 0, 40 * MBIT, MSEC(40), 0);
			sim_add_link(s, 0, 40 * MBIT, MSEC(60), 0);
			sim_run(s, SEC(2));
			flow = sim_flow(s, 0, SIM_UP, 1200, 1200 * 8 * NSEC_PER_SEC / (rate[i] * MBIT));
			sim_run(s, SEC(3));
			if (told)
				sim_link_down(s, 0, 0);
			else
				sim_cut(s, 0, 0, true);
			sim_run(s, SEC(3));
			sim_flow_stop(s, flow);
			sim_run(s, SEC(1));
			f = sim_flow_stats(s, flow);
			assert_int_equal(sim_drops(s, 0, DROP_CONGESTION), 0);
			assert_int_equal(f.received, f.sent);
			printf("# %u Mbit/s: latest after %.0f ms\n", rate[i], (double)f.latency_max / 1e6);
			assert_true(f.latency_max < MSEC(150));
			sim_free(s);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("links that fade hold nothing up for long", links_that_fade_hold_nothing_up_for_long),
		TEST("what fades a little gives nothing up", what_fades_a_little_gives_nothing_up),
		TEST("what waits for a link that was never tried is not given up",
		     what_waits_for_a_link_that_was_never_tried_is_not_given_up),
	};

	return RUN_TESTS(tests);
}
