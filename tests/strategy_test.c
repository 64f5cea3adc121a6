/* strategies: called with numbers. */
#include <string.h>

#include "strategy/strategy.h"
#include "tap.h"

struct fixture {
	_Alignas(16) uint8_t state[STRATEGY_STATE];
	struct strategy_path path[3];
	struct strategy_view view;
};

static void prepare(struct fixture *f, size_t paths)
{
	memset(f, 0, sizeof(*f));
	for (uint8_t i = 0; i < 3; i++)
		f->path[i] = (struct strategy_path){ .id = i, .weight = 1, .rate = 1, .priority = i };
	f->view = (struct strategy_view){ .now = SEC(100), .path = f->path, .count = paths };
}

static path_set pick(const struct strategy_ops *ops, struct fixture *f)
{
	const struct strategy_packet packet = { .len = 1000 };

	return ops->pick(f->state, &f->view, &packet);
}

static void weighted_keeps_its_shares_over_every_hundred_packets(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 2);
	f.path[0].weight = 75;
	f.path[1].weight = 25;
	for (int round = 0; round < 20; round++) {
		int first = 0;

		for (int i = 0; i < 100; i++)
			first += pick(&strategy_weighted, &f) == PATH_BIT(0);
		assert_int_equal(first, 75);
	}
}

static void weighted_gives_a_returning_path_no_burst(void **state)
{
	struct fixture f;
	int second = 0;

	(void)state;
	prepare(&f, 2);
	for (int i = 0; i < 10; i++)
		pick(&strategy_weighted, &f);
	f.view.count = 1;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(pick(&strategy_weighted, &f), PATH_BIT(0));
	f.view.count = 2;
	for (int i = 0; i < 10; i++)
		second += pick(&strategy_weighted, &f) == PATH_BIT(1);
	assert_in_range(second, 4, 6);
}

static void round_robin_takes_turns_over_the_ids_there_are(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	f.path[2].id = 9;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pick(&strategy_round_robin, &f), PATH_BIT(0));
		assert_int_equal(pick(&strategy_round_robin, &f), PATH_BIT(1));
		assert_int_equal(pick(&strategy_round_robin, &f), PATH_BIT(9));
	}
}

static void redundant_takes_every_path(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	assert_int_equal(pick(&strategy_redundant, &f), 7);
}

/* A path beyond its limits, or suspect, is not in the view. */
static void failover_leaves_at_once_and_returns_after_two_good_seconds(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 2);
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(0));
	f.view.path = &f.path[1];
	f.view.count = 1;
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(1));
	f.view.path = f.path;
	f.view.count = 2;
	f.path[0].good_since = f.view.now;
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(1));
	f.view.now += SEC(2) - 1;
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(1));
	f.view.now += 1;
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(0));
}

static void failover_begins_with_the_best_of_those_that_have_just_come(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	for (int i = 0; i < 3; i++)
		f.path[i].good_since = f.view.now;
	f.path[1].priority = 0;
	f.path[0].priority = 1;
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(1));
}

static void failover_prefers_a_steady_path_to_one_that_has_just_come(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	pick(&strategy_failover, &f);
	f.view.path = &f.path[1];
	f.view.count = 2;
	f.path[1].good_since = f.view.now;
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(2));
}

static void failover_uses_what_there_is_when_nothing_is_good(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 2);
	f.path[0].suspect = f.path[1].suspect = true;
	assert_int_equal(pick(&strategy_failover, &f), PATH_BIT(0));
}

static void every_strategy_is_found_by_its_name(void **state)
{
	size_t n = 0;

	(void)state;
	for (; strategy_at(n) != NULL; n++) {
		assert_ptr_equal(strategy_find(strategy_at(n)->name), strategy_at(n));
		assert_true(strategy_at(n)->state_size <= STRATEGY_STATE);
		assert_non_null(strategy_at(n)->summary);
	}
	assert_int_equal(n, 5);
	assert_null(strategy_find("fastest"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("weighted keeps its shares over every hundred packets",
		     weighted_keeps_its_shares_over_every_hundred_packets),
		TEST("weighted gives a returning path no burst", weighted_gives_a_returning_path_no_burst),
		TEST("round-robin takes turns over the ids there are",
		     round_robin_takes_turns_over_the_ids_there_are),
		TEST("redundant takes every path", redundant_takes_every_path),
		TEST("failover leaves at once and returns after two good seconds",
		     failover_leaves_at_once_and_returns_after_two_good_seconds),
		TEST("failover begins with the best of those that have just come",
		     failover_begins_with_the_best_of_those_that_have_just_come),
		TEST("failover prefers a steady path to one that has just come",
		     failover_prefers_a_steady_path_to_one_that_has_just_come),
		TEST("failover uses what there is when nothing is good",
		     failover_uses_what_there_is_when_nothing_is_good),
		TEST("every strategy is found by its name", every_strategy_is_found_by_its_name),
	};

	return RUN_TESTS(tests);
}
