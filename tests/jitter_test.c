/* jitter: how far calm round trips are spread, and what is another route instead. */
#include "core/path/jitter.h"

#include <stdio.h>

#include "tap.h"

#define RTT	MSEC(40)

static uint32_t seed;

/* Evenly spread between -spread and spread; the same numbers in each run (xorshift32). */
static nsec_t around(nsec_t rtt, nsec_t spread)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return rtt - spread + (nsec_t)((double)seed / UINT32_MAX * 2 * (double)spread);
}

static void calm_rtts(struct jitter *j, unsigned count, nsec_t rtt, nsec_t spread)
{
	for (unsigned i = 0; i < count; i++)
		jitter_calm_rtt(j, around(rtt, spread));
}

static void what_jitters_is_known_by_its_mean_distance(void **state)
{
	struct jitter j = { 0 };

	(void)state;
	seed = 1;
	calm_rtts(&j, 100, RTT, MSEC(20));
	printf("# spread over 20 ms: %.1f ms\n", (double)jitter_of(&j) / 1e6);
	assert_in_range(jitter_of(&j), MSEC(7), MSEC(13));	/* 10 */
}

static void a_route_that_is_left_for_a_longer_one_and_back_is_no_jitter(void **state)
{
	(void)state;
	/* however much is known of it when it is left, and of the longer one */
	for (unsigned before = 1; before <= 24; before++) {
		for (unsigned there = 4; there <= 24; there++) {
			struct jitter j = { 0 };

			seed = before;
			calm_rtts(&j, before, RTT, MSEC(1) / 4);
			calm_rtts(&j, there, RTT + MSEC(200), MSEC(1) / 4);
			assert_true(jitter_of(&j) < MSEC(1));
			calm_rtts(&j, 4, RTT, MSEC(1) / 4);
			assert_true(jitter_of(&j) < MSEC(1));
		}
	}
}

static void jitter_is_learned_on_another_route(void **state)
{
	struct jitter j = { 0 };

	(void)state;
	seed = 3;
	calm_rtts(&j, 24, RTT, MSEC(1) / 4);
	calm_rtts(&j, 48, RTT + MSEC(200), MSEC(20));
	assert_in_range(jitter_of(&j), MSEC(6), MSEC(14));
}

static void one_wild_rtt_is_no_jitter(void **state)
{
	struct jitter j = { 0 };

	(void)state;
	seed = 4;
	calm_rtts(&j, 12, RTT, MSEC(1) / 4);
	jitter_calm_rtt(&j, RTT + SEC(1));
	calm_rtts(&j, 2, RTT, MSEC(1) / 4);
	assert_true(jitter_of(&j) < MSEC(1));
}

static void acks_show_jitter_that_begins_under_load(void **state)
{
	struct jitter j = { 0 };

	(void)state;
	seed = 5;
	calm_rtts(&j, 24, RTT, 0);
	for (int i = 0; i < 1000; i++)	/* a queue that builds is none */
		jitter_rtt(&j, RTT + (nsec_t)i * MSEC(1) / 10, (nsec_t)i * MSEC(3));
	assert_true(jitter_of(&j) < MSEC(1));
	for (int i = 0; i < 1000; i++)
		jitter_rtt(&j, around(RTT, MSEC(10)), SEC(1) + (nsec_t)i * MSEC(3));
	assert_in_range(jitter_of(&j), MSEC(3), MSEC(15));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what jitters is known by its mean distance", what_jitters_is_known_by_its_mean_distance),
		TEST("a route that is left for a longer one, and back, is no jitter",
		     a_route_that_is_left_for_a_longer_one_and_back_is_no_jitter),
		TEST("jitter is learned on another route", jitter_is_learned_on_another_route),
		TEST("one wild RTT is no jitter", one_wild_rtt_is_no_jitter),
		TEST("ACKs show jitter that begins under load", acks_show_jitter_that_begins_under_load),
	};

	return RUN_TESTS(tests);
}
