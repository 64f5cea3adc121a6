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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a link that is nearly gone holds nothing up", a_link_that_is_nearly_gone_holds_nothing_up),
	};

	return RUN_TESTS(tests);
}
