/* search: how far above what arrives is tried, and what ends it. */
#include "core/path/search.h"

#include "tap.h"

#define PACKET	1500
#define RATE	UINT64_C(6250000)	/* 50 Mbit/s */

struct way {
	struct standing standing;
	struct capacity capacity;
	struct search search;
	nsec_t now;
};

static void begin(struct way *w, bool wide)
{
	search_begin(&w->search, search_first(&w->standing, &w->capacity, wide), &w->capacity, w->now);
}

/* A path that is known to deliver RATE, and on which nothing stands. */
static void open_way(struct way *w, nsec_t rtt)
{
	*w = (struct way){ .now = SEC(1), .capacity.mtu = PACKET };
	standing_acked(&w->standing, rtt, rtt, w->now);
	capacity_set(&w->capacity, RATE);
	begin(w, false);
}

/* So much stands now. */
static void stand(struct way *w, nsec_t queue)
{
	nsec_t rtt = w->standing.floor + queue;

	window_reset(&w->standing.rtt, rtt, w->now);
}

static double gain(const struct way *w)
{
	return search_gain(&w->search, &w->standing, &w->capacity, w->now);
}

/* Filled rounds without a queue: each brings so much more than the last, in per cent, and loses so much. */
static void pass(struct way *w, int rounds, unsigned brings, double loss)
{
	struct capacity_round round = { .filled = true, .loss = loss, .least = w->standing.floor };

	for (int i = 0; i < rounds; i++) {
		w->now += w->standing.floor;
		capacity_age(&w->capacity);
		capacity_set(&w->capacity, capacity_rate(&w->capacity) * (100 + brings) / 100);
		search_round(&w->search, &w->standing, &w->capacity, &round, w->now);
	}
}

static bool is_about(double a, double b)
{
	return a > b - 1e-6 && a < b + 1e-6;
}

static void the_queue_says_how_much_is_sent(void **state)
{
	nsec_t target, limit;
	struct way w;

	(void)state;
	open_way(&w, MSEC(40));
	target = standing_target(&w.standing, capacity_packet(&w.capacity));
	limit = standing_limit(&w.standing, capacity_packet(&w.capacity));
	w.search.up = 0.5;
	assert_true(is_about(gain(&w), 1.5));
	stand(&w, target / 2);
	assert_true(is_about(gain(&w), 1.25));
	stand(&w, target);
	assert_true(is_about(gain(&w), 1));
	stand(&w, (target + limit) / 2);
	assert_true(is_about(gain(&w), 0.95));
	stand(&w, limit);
	assert_true(is_about(gain(&w), 0.9));
	stand(&w, 10 * limit);
	assert_true(is_about(gain(&w), 0.9));
}

/* One that a queue shows within a round trip; after STARTUP a wide one, if that is more. */
static void the_first_step_is_one_that_shows(void **state)
{
	static const struct {
		nsec_t rtt;
		double first, wide;
	} row[] = {
		{ MSEC(6), 0.05, 0.25 },
		{ MSEC(40), 0.0375, 0.075 },
		{ MSEC(100), 0.015, 0.03 },
		{ MSEC(250), 0.01, 0.012 },
		{ MSEC(500), 0.01, 0.01 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct way w;

		open_way(&w, row[i].rtt);
		assert_true(is_about(w.search.up, row[i].first));
		begin(&w, true);
		assert_true(is_about(w.search.up, row[i].wide));
	}
}

static void steps_grow_blindly_to_three_per_cent_and_beyond_while_they_bring_something(void **state)
{
	struct way w;

	(void)state;
	open_way(&w, MSEC(100));	/* 1.5 % */
	pass(&w, 1, 0, 0);
	assert_true(is_about(w.search.up, 0.015));	/* one round is too early to tell */
	pass(&w, 1, 0, 0);
	assert_true(is_about(w.search.up, 0.03));
	pass(&w, 20, 0, 0);
	assert_true(is_about(w.search.up, 0.06));
	pass(&w, 2, 2, 0);
	assert_true(is_about(w.search.up, 0.12));
	pass(&w, 20, 20, 0);
	assert_true(is_about(w.search.up, 0.5));
}

static void a_round_with_a_queue_begins_anew(void **state)
{
	struct capacity_round round = { .filled = true };
	nsec_t half;
	struct way w;

	(void)state;
	open_way(&w, MSEC(40));
	half = w.standing.floor + standing_target(&w.standing, capacity_packet(&w.capacity)) / 2;
	w.search.up = 0.4;
	round.least = half - 1;
	search_round(&w.search, &w.standing, &w.capacity, &round, w.now);
	assert_true(is_about(w.search.up, 0.4));
	round.least = half;
	search_round(&w.search, &w.standing, &w.capacity, &round, w.now);
	assert_true(is_about(w.search.up, 0.0375));
}

/* A second, or ten round trips; what is always lost is no sign. */
static void a_step_that_brings_only_loss_is_not_tried_again_soon(void **state)
{
	static const nsec_t rtt[] = { MSEC(40), MSEC(300) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rtt); i++) {
		struct way w;

		open_way(&w, rtt[i]);
		w.capacity.loss = 0.02;
		w.search.up = 0.2;
		pass(&w, 5, 0, 0.06);
		assert_false(search_is_held(&w.search, &w.standing, w.now));
		pass(&w, 1, 0, 0.08);
		assert_true(search_is_held(&w.search, &w.standing, w.now));
		assert_true(is_about(gain(&w), 1));
		w.now += nsec_max(SEC(1), 10 * rtt[i]) - 1;
		assert_true(search_is_held(&w.search, &w.standing, w.now));
		w.now++;
		assert_false(search_is_held(&w.search, &w.standing, w.now));
		assert_true(gain(&w) > 1);
	}
}

/* Two rounds say nothing where it jitters. */
static void where_it_jitters_a_step_lasts_for_a_whole_span(void **state)
{
	struct way w;
	double first;

	(void)state;
	open_way(&w, MSEC(40));
	for (unsigned i = 0; i < 2 * JITTER_CALM; i++)
		standing_calm(&w.standing, i % 2 != 0 ? MSEC(46) : MSEC(34));
	begin(&w, false);
	first = w.search.up;
	w.capacity.last.since = w.now + standing_rtt(&w.standing) - 1;	/* begun before the step shows */
	pass(&w, 10, 0, 0);
	assert_true(is_about(w.search.up, first));
	w.capacity.last.since++;
	pass(&w, 1, 0, 0);
	assert_true(is_about(w.search.up, 2 * first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the queue says how much is sent", the_queue_says_how_much_is_sent),
		TEST("the first step is one that shows", the_first_step_is_one_that_shows),
		TEST("steps grow blindly to three per cent, and beyond while they bring something",
		     steps_grow_blindly_to_three_per_cent_and_beyond_while_they_bring_something),
		TEST("a round with a queue begins anew", a_round_with_a_queue_begins_anew),
		TEST("a step that brings only loss is not tried again soon",
		     a_step_that_brings_only_loss_is_not_tried_again_soon),
		TEST("where it jitters a step lasts for a whole span",
		     where_it_jitters_a_step_lasts_for_a_whole_span),
	};

	return RUN_TESTS(tests);
}
