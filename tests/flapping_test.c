/* flapping: a TCP over two links, of which one is silent again and again, and nobody says so. */
#include <stdio.h>

#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)
#define TIMES	8
#define RUNS	3

struct scene {
	uint64_t rate[2];	/* bits per second; the second is the one that flaps */
	nsec_t rtt[2];
	nsec_t silence, every;
};

/* Mbit/s while it flaps.  Nothing is left to chance, so each run has links of a little other length. */
static double carried(const struct scene *scene, unsigned run)
{
	struct sim *s = sim_new_clear(1, 1, "aggregate");
	const struct model_tcp_config config = { .direction = SIM_UP };
	struct model_tcp *tcp;
	uint64_t before;
	double rate;

	for (unsigned i = 0; i < 2; i++)
		sim_add_link(s, 0, scene->rate[i], scene->rtt[i] + run * 100 * NSEC_PER_USEC, 0);
	sim_run(s, SEC(2));
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(5));
	before = model_tcp_bytes(tcp);
	for (unsigned i = 0; i < TIMES; i++) {
		sim_cut(s, 0, 1, true);
		sim_run(s, scene->silence);
		sim_cut(s, 0, 1, false);
		sim_run(s, scene->every - scene->silence);
	}
	rate = (double)(model_tcp_bytes(tcp) - before) * 8 * 1e3 / (double)(TIMES * scene->every);
	model_tcp_free(tcp);
	sim_free(s);
	return rate;
}

static double mean(const struct scene *scene)
{
	double sum = 0;

	for (unsigned run = 0; run < RUNS; run++)
		sum += carried(scene, run);
	printf("# %.1f Mbit/s\n", sum / RUNS);
	return sum / RUNS;
}

/*
 * What waits and is given up while the link is silent costs the TCP its window, which it
 * takes seconds to fill again (decision 033): 25 Mbit/s where that is done from 200 ms on.
 */
static void a_link_that_is_silent_one_second_in_five_keeps_most_of_its_use(void **state)
{
	static const struct scene scene = { { 10 * MBIT, 50 * MBIT }, { MSEC(20), MSEC(100) }, SEC(1), SEC(5) };

	(void)state;
	assert_true(mean(&scene) > 30);
}

static void one_that_is_silent_for_a_moment_keeps_nearly_all(void **state)
{
	static const struct scene scene = { { 5 * MBIT, 50 * MBIT }, { MSEC(60), MSEC(20) }, MSEC(200), SEC(2) };

	(void)state;
	assert_true(mean(&scene) > 43.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a link that is silent one second in five keeps most of its use",
		     a_link_that_is_silent_one_second_in_five_keeps_most_of_its_use),
		TEST("one that is silent for a moment keeps nearly all",
		     one_that_is_silent_for_a_moment_keeps_nearly_all),
	};

	return RUN_TESTS(tests);
}
