/* fading: a link that is nearly gone still lets a packet through now and then. */
#include <stdio.h>

#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static void fade(void *ctx, struct sim *s)
{
	struct sim_link *link = sim_link(s, 0, 0);

	link->up.rate = link->down.rate = *(const uint64_t *)ctx;
}

/* 24 kbit/s are two full packets a second: each of them looks like an answer. */
static void a_link_that_is_nearly_gone_holds_nothing_up(void **state)
{
	struct sim_way wifi = { .rate = 25 * MBIT, .delay = MSEC(10), .netem = true, .queue = 500, .framing = 14 };
	struct sim_way cellular = { .rate = 40 * MBIT, .delay = MSEC(30), .netem = true, .queue = 500, .framing = 14 };
	struct sim *s = sim_new(11, 1, "aggregate");
	struct model_tcp_config config = { .direction = SIM_UP };
	uint64_t little = 24000;
	struct model_tcp *tcp;
	nsec_t stall;

	(void)state;
	sim_add_ways(s, 0, &wifi, &wifi);
	sim_add_ways(s, 0, &cellular, &cellular);
	sim_run(s, SEC(2));
	tcp = model_tcp_new(s, &config);
	sim_at(s, sim_now(s) + SEC(8), fade, &little);
	sim_run(s, SEC(20));
	stall = model_tcp_stats(tcp).longest_stall;
	printf("# longest stall %.0f ms, then %.1f Mbit/s\n", (double)stall / 1e6, model_tcp_rate(tcp, 9, 20));
	assert_true(stall <= MSEC(300));
	assert_true(model_tcp_rate(tcp, 9, 20) > 0.85 * 40);
	model_tcp_free(tcp);
	sim_free(s);
}

/*
 * For eight seconds it carries a PING in a while, and what is asked meanwhile is answered
 * when it carries again: neither those round trips nor what they seem to say of jitter
 * may keep the path from its load.
 */
static void a_link_that_comes_back_is_used_at_once(void **state)
{
	struct sim_way wifi = { .rate = 40 * MBIT, .delay = MSEC(10), .netem = true, .queue = 500, .framing = 14 };
	struct sim_way cellular = { .rate = 8 * MBIT, .delay = MSEC(30), .netem = true, .queue = 500, .framing = 14 };
	struct sim *s = sim_new(12, 1, "aggregate");
	struct model_tcp_config config = { .direction = SIM_UP };
	static const struct sim_rate rate[] = { { 0, 40 * MBIT }, { SEC(8), 3000 }, { SEC(16), 40 * MBIT } };
	struct model_tcp *tcp;

	(void)state;
	sim_add_ways(s, 0, &wifi, &wifi);
	sim_add_ways(s, 0, &cellular, &cellular);
	sim_run(s, SEC(2));
	tcp = model_tcp_new(s, &config);
	sim_way_follow(s, &sim_link(s, 0, 0)->up, rate, ARRAY_SIZE(rate), 0);
	sim_way_follow(s, &sim_link(s, 0, 0)->down, rate, ARRAY_SIZE(rate), 0);
	sim_run(s, SEC(24));
	for (unsigned i = 14; i < 24; i++)
		printf("# second %u: %.1f Mbit/s\n", i, model_tcp_rate(tcp, i, i + 1));
	assert_true(model_tcp_rate(tcp, 17, 21) > 35);
	model_tcp_free(tcp);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a link that is nearly gone holds nothing up", a_link_that_is_nearly_gone_holds_nothing_up),
		TEST("a link that comes back is used at once", a_link_that_comes_back_is_used_at_once),
	};

	return RUN_TESTS(tests);
}
