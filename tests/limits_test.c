/* limits: what becomes of traffic when a link breaks the limits that it was given. */
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"
#include "strategy/strategy.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)
#define DATA	500	/* bytes of a datagram that carries a packet of ours, at least, */
#define PROBE	1400	/* and of one that asks for the path's MTU */

/* When data last left on each link, upwards. */
struct watch {
	nsec_t last[2];
	unsigned count[2];
};

static bool note_data(void *ctx, struct sim *s, unsigned client, unsigned link,
		      enum sim_direction direction, uint8_t *datagram, size_t *len)
{
	struct watch *w = ctx;

	(void)client;
	(void)datagram;
	if (direction == SIM_UP && *len >= DATA && *len < PROBE) {
		w->last[link] = sim_now(s);
		w->count[link]++;
	}
	return true;
}

static void set_rtt(struct sim *s, unsigned link, nsec_t rtt)
{
	sim_link(s, 0, link)->up.delay = sim_link(s, 0, link)->down.delay = rtt / 2;
}

/* A good link of 40 ms with these wishes, and one of 60 ms; a flow of 4 Mbit/s upwards. */
static struct sim *running(const char *strategy, const struct engine_link *wish, struct watch *w)
{
	struct sim *s = sim_new(41, 1, strategy);
	struct engine_link second = { .weight = 1, .priority = 1 };

	memset(w, 0, sizeof(*w));
	sim_set_tap(s, note_data, w);
	sim_add_link(s, 0, 20 * MBIT, MSEC(40), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(60), 0);
	engine_path_set_link(sim_client(s, 0), 0, wish, sim_now(s));
	engine_path_set_link(sim_client(s, 0), 1, &second, sim_now(s));
	sim_run(s, SEC(1));
	sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
	sim_run(s, SEC(5));
	return s;
}

/* Under the strategy flow those that have moved stay where they are; a new one comes. */
static void begin_another(struct sim *s, const struct strategy_ops *strategy)
{
	if (strategy->by_flow)
		sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
}

/* No later than the first late answer can be there, or a second question has waited for too long. */
static void a_link_that_gets_slow_is_left_within_a_round_trip(void **state)
{
	static const unsigned rtt[] = { 155, 170, 200, 300, 500 };
	const struct engine_link wish = { .weight = 1, .max_latency_ms = 150 };

	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++)
		for (size_t i = 0; i < ARRAY_SIZE(rtt); i++) {
			struct watch w;
			struct sim *s = running(strategy_at(n)->name, &wish, &w);
			nsec_t jumped = sim_now(s);

			assert_true(w.last[0] + MSEC(5) > jumped);
			set_rtt(s, 0, MSEC(rtt[i]));
			sim_run(s, SEC(2));
			printf("# %s, 40 to %u ms: last packet after %lu ms\n", strategy_at(n)->name, rtt[i],
			       (unsigned long)((w.last[0] - jumped) / MSEC(1)));
			/* it is asked twice in a round trip of before */
			assert_true(w.last[0] <= jumped + MSEC(rtt[i]) + MSEC(20));
			sim_free(s);
		}
}

static void it_is_used_again_when_it_has_been_good_for_two_seconds(void **state)
{
	const struct engine_link wish = { .weight = 1, .max_latency_ms = 150 };

	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		struct watch w;
		struct sim *s = running(strategy_at(n)->name, &wish, &w);

		set_rtt(s, 0, MSEC(200));
		sim_run(s, SEC(3));
		w.count[0] = 0;
		sim_run(s, SEC(3));
		assert_int_equal(w.count[0], 0);
		assert_true(w.count[1] > 1400);
		set_rtt(s, 0, MSEC(40));
		sim_run(s, SEC(2));
		assert_int_equal(w.count[0], 0);
		sim_run(s, SEC(1));
		begin_another(s, strategy_at(n));
		/* its smoothed round trip, which some go by, comes down more slowly */
		if (strcmp(strategy_at(n)->name, "failover") != 0)
			sim_run(s, SEC(2));
		assert_true(w.count[0] > 0);
		sim_free(s);
	}
}

/* But what the queue itself drops, while repairs of all that is under way go ahead of it. */
static void nothing_is_lost_while_a_link_gets_slow_and_fast(void **state)
{
	const struct engine_link wish = { .weight = 1, .max_latency_ms = 150 };
	struct sim_flow_stats f;
	struct watch w;
	struct sim *s = running("failover", &wish, &w);

	(void)state;
	for (int i = 0; i < 5; i++) {
		set_rtt(s, 0, MSEC(400));
		sim_run(s, SEC(3));
		set_rtt(s, 0, MSEC(40));
		sim_run(s, SEC(5));
	}
	sim_flow_stop(s, 0);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, 0);
	assert_int_equal(f.received + sim_drops(s, 0, DROP_CONGESTION), f.sent);
	assert_true(sim_drops(s, 0, DROP_CONGESTION) <= 5);
	assert_int_equal(f.reordered, 0);
	sim_free(s);
}

static void the_better_of_two_bad_links_is_used(void **state)
{
	const struct engine_link wish = { .weight = 1, .max_latency_ms = 150 };

	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		struct watch w;
		struct sim *s = running(strategy_at(n)->name, &wish, &w);

		engine_path_set_link(sim_client(s, 0), 1, &wish, sim_now(s));
		set_rtt(s, 0, MSEC(400));
		set_rtt(s, 1, MSEC(200));
		sim_run(s, SEC(4));
		memset(&w, 0, sizeof(w));
		sim_run(s, SEC(1));
		assert_int_equal(w.count[0], 0);
		assert_true(w.count[1] > 450);
		sim_free(s);
	}
}

/* 10 % are lost, 5 % are allowed. */
static void a_lossy_link_is_left_and_tried_again_ever_more_rarely(void **state)
{
	const struct engine_link wish = { .weight = 1, .max_loss_ppm = 50000 };

	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		struct watch w;
		struct sim *s = running(strategy_at(n)->name, &wish, &w);
		unsigned before;

		sim_link(s, 0, 0)->up.loss_ppm = 100000;
		w.count[0] = 0;
		sim_run(s, SEC(10));
		before = w.count[0];
		w.count[0] = w.count[1] = 0;
		sim_run(s, SEC(60));
		printf("# %s: %u packets there in 10 s, then %u in 60 s\n", strategy_at(n)->name, before,
		       w.count[0]);
		assert_true(before < 1500);
		assert_true(w.count[0] < w.count[1] / 10);
		sim_link(s, 0, 0)->up.loss_ppm = 0;
		sim_run(s, SEC(34));
		begin_another(s, strategy_at(n));
		w.count[0] = 0;
		sim_run(s, SEC(1));
		assert_true(w.count[0] > 0);
		sim_free(s);
	}
}

/* What was under way when it fell silent is given up, which is no reason to call it lossy. */
static void failover_returns_to_a_link_that_was_a_black_hole(void **state)
{
	const struct engine_link wish = { .weight = 1 };
	struct watch w;
	struct sim *s = running("failover", &wish, &w);

	(void)state;
	sim_cut(s, 0, 0, true);
	sim_run(s, SEC(3));
	sim_cut(s, 0, 0, false);
	w.count[0] = 0;
	sim_run(s, SEC(2));
	assert_int_equal(w.count[0], 0);
	sim_run(s, SEC(1));
	assert_true(w.count[0] > 200);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a link that gets slow is left within a round trip, under every strategy",
		     a_link_that_gets_slow_is_left_within_a_round_trip),
		TEST("it is used again when it has been good for two seconds",
		     it_is_used_again_when_it_has_been_good_for_two_seconds),
		TEST("nothing is lost or out of order while a link gets slow and fast",
		     nothing_is_lost_while_a_link_gets_slow_and_fast),
		TEST("the better of two bad links is used", the_better_of_two_bad_links_is_used),
		TEST("a lossy link is left, and tried again ever more rarely",
		     a_lossy_link_is_left_and_tried_again_ever_more_rarely),
		TEST("failover returns to a link that was a black hole",
		     failover_returns_to_a_link_that_was_a_black_hole),
	};

	return RUN_TESTS(tests);
}
