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

static void aggregate_gives_a_slow_path_what_is_wanted_when_it_comes(void **state)
{
	struct fixture f;
	path_set on = 0;
	size_t ahead;

	(void)state;
	prepare(&f, 2);
	f.path[0].srtt = MSEC(20);
	f.path[0].rate = 5000000;
	f.path[0].free_at = f.view.now + MSEC(1);
	f.path[1].srtt = MSEC(60);
	f.path[1].rate = 1400000;
	/* 20 ms more on its way and 1 ms on its wire: 100 kB leave before */
	ahead = strategy_aggregate.ahead(&f.view, 1400, &on);
	assert_int_equal(on, PATH_BIT(1));
	assert_in_range(ahead, 99000, 101500);
	f.path[1].free_at = f.view.now + 1;
	assert_true(strategy_aggregate.ahead(&f.view, 1400, &on) == SIZE_MAX);
	/* one that is free, and nearer than what waits for the other, takes the head: nothing is ahead */
	f.path[1] = f.path[0];
	f.path[1].id = 1;
	f.path[1].free_at = 0;
	assert_true(strategy_aggregate.ahead(&f.view, 1400, &on) == SIZE_MAX);
}

static void aggregate_gives_work_to_a_path_that_has_shown_little_yet(void **state)
{
	struct fixture f;
	path_set on = 0;

	(void)state;
	prepare(&f, 2);
	/* the busy one is even longer, by its queue; but the other is thought to take 5 ms for a packet */
	f.path[0].srtt = MSEC(44);
	f.path[0].rate = 3700000;
	f.path[0].free_at = f.view.now + MSEC(1) / 2;
	f.path[1].srtt = MSEC(40);
	f.path[1].rate = 280000;
	assert_int_equal(pick(&strategy_aggregate, &f), PATH_BIT(0));
	assert_in_range(strategy_aggregate.ahead(&f.view, 1400, &on), 9000, 11000);
	assert_int_equal(on, PATH_BIT(1));
}

static void redundant_takes_every_path_that_has_room_in_a_moment(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	for (int i = 0; i < 3; i++)
		f.path[i].rate = 1000000;
	assert_int_equal(pick(&strategy_redundant, &f), 7);
	f.path[1].free_at = f.view.now + MSEC(2);
	f.path[2].free_at = f.view.now + MSEC(2) + 1;
	assert_int_equal(pick(&strategy_redundant, &f), 3);
	/* but it waits for the path where it arrives first */
	f.path[0].free_at = f.view.now + MSEC(1);
	f.path[2].free_at = 0;
	f.path[2].srtt = MSEC(10);
	assert_int_equal(pick(&strategy_redundant, &f), PATH_BIT(0));
	f.path[0].free_at = NSEC_NEVER;		/* not for its window */
	f.path[1].free_at = NSEC_NEVER;
	f.path[0].srtt = f.path[1].srtt = MSEC(20);
	assert_int_equal(pick(&strategy_redundant, &f), PATH_BIT(2));
}

static void redundant_copies_nothing_onto_metered_links_beside_others(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	f.path[0].metered = f.path[2].metered = true;
	assert_int_equal(pick(&strategy_redundant, &f), PATH_BIT(1));
	f.path[1].suspect = true;	/* what works is not left out for what does not */
	assert_int_equal(pick(&strategy_redundant, &f), 7);
	f.path[1].suspect = false;
	f.path[1].metered = true;
	assert_int_equal(pick(&strategy_redundant, &f), 7);
}

static void redundant_waits_for_no_suspect_path_beside_others(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 2);
	f.path[0].rate = f.path[1].rate = 1000000;
	f.path[1].srtt = MSEC(100);
	f.path[0].free_at = NSEC_NEVER;
	assert_int_equal(pick(&strategy_redundant, &f), PATH_BIT(0));
	f.path[0].suspect = true;
	assert_int_equal(pick(&strategy_redundant, &f), PATH_BIT(1));
	f.path[1].suspect = true;
	assert_int_equal(pick(&strategy_redundant, &f), PATH_BIT(0));
}

static void lowest_latency_leaves_for_an_eighth_and_5_ms(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	f.path[0].srtt = f.path[0].latency = MSEC(20);
	f.path[1].srtt = f.path[1].latency = MSEC(30);	/* nothing is known of the third */
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(0));
	f.path[0].latency = MSEC(50);
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(0));	/* 35 now */
	f.path[0].latency = MSEC(50) + 2;
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(1));
	f.path[0].latency = MSEC(32);						/* 26 */
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(1));
	f.path[0].srtt = f.path[0].latency = MSEC(350);
	f.path[1].srtt = f.path[1].latency = MSEC(400);
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(1));	/* an eighth is 50 */
	f.path[0].latency -= 2;
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(0));
}

static void lowest_latency_leaves_a_path_that_is_gone(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	for (int i = 0; i < 3; i++)
		f.path[i].srtt = f.path[i].latency = MSEC(20 + 100 * i);
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(0));
	f.view.path++;
	f.view.count--;
	assert_int_equal(pick(&strategy_lowest_latency, &f), PATH_BIT(1));
}

static path_set pick_flow(struct fixture *f, uint32_t flow, size_t len)
{
	const struct strategy_packet packet = { .len = len, .flow = flow };
	path_set set = strategy_flow.pick(f->state, &f->view, &packet);

	strategy_flow.sent(f->state, &packet, set, f->view.now);
	return set;
}

static void flow_gives_new_flows_to_who_has_least_to_do(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 2);
	f.path[0].rate = 3000000;
	f.path[1].rate = 1000000;
	f.path[0].srtt = MSEC(20);
	f.path[1].srtt = MSEC(40);
	assert_int_equal(pick_flow(&f, 1, 300000), PATH_BIT(0));	/* 10 ms for half the round trip, against 20 */
	assert_int_equal(pick_flow(&f, 2, 300000), PATH_BIT(1));	/* 100 ms to do, against nothing */
	assert_int_equal(pick_flow(&f, 3, 300000), PATH_BIT(0));	/* against 300 */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pick_flow(&f, 1, 1000), PATH_BIT(0));
		assert_int_equal(pick_flow(&f, 2, 1000000), PATH_BIT(1));
		assert_int_equal(pick_flow(&f, 3, 1000), PATH_BIT(0));
	}
	f.view.now += SEC(20);						/* all is forgotten */
	assert_int_equal(pick_flow(&f, 4, 1000), PATH_BIT(0));
}

static void flow_expects_something_of_flows_that_have_not_sent_yet(void **state)
{
	struct fixture f;
	int on[2] = { 0 };

	(void)state;
	prepare(&f, 2);
	f.path[0].rate = 1400000;
	f.path[1].rate = 700000;
	f.path[0].srtt = MSEC(10);
	f.path[1].srtt = MSEC(20);
	for (uint32_t flow = 1; flow <= 9; flow++)
		on[pick_flow(&f, flow, 40) == PATH_BIT(1)]++;
	assert_int_equal(on[0], 6);	/* by their rates */
	assert_int_equal(on[1], 3);
}

static void flow_moves_only_when_the_path_goes_or_after_half_a_minute(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 2);
	f.path[0].rate = f.path[1].rate = 1000000;
	assert_int_equal(pick_flow(&f, 1, 1000), PATH_BIT(0));
	f.view.path = &f.path[1];
	f.view.count = 1;
	assert_int_equal(pick_flow(&f, 1, 1000), PATH_BIT(1));
	f.view.path = f.path;
	f.view.count = 2;
	f.path[1].srtt = MSEC(100);
	for (int i = 0; i < 10; i++) {
		f.view.now += SEC(20);
		assert_int_equal(pick_flow(&f, 1, 1000), PATH_BIT(1));
	}
	f.view.now += SEC(36);
	assert_int_equal(pick_flow(&f, 1, 1000), PATH_BIT(0));
}

static path_set pick_adaptive(struct fixture *f, bool sparse, bool steady, uint64_t spare)
{
	const struct strategy_packet packet = { .len = 200, .sparse = sparse, .steady = steady, .spare = spare };

	return strategy_adaptive.pick(f->state, &f->view, &packet);
}

static void adaptive_sends_what_is_sparse_twice_within_its_budget(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 3);
	for (int i = 0; i < 3; i++) {
		f.path[i].rate = 1000000;
		f.path[i].srtt = MSEC(20 + 10 * i);
	}
	assert_int_equal(pick_adaptive(&f, false, false, 1 << 20), PATH_BIT(0));
	assert_int_equal(pick_adaptive(&f, true, true, 200), PATH_BIT(0) | PATH_BIT(1));
	assert_int_equal(pick_adaptive(&f, true, true, 199), PATH_BIT(0));
	/* who is new has the upper half of it */
	assert_int_equal(pick_adaptive(&f, true, false, 200 + (1 << 19)), PATH_BIT(0) | PATH_BIT(1));
	assert_int_equal(pick_adaptive(&f, true, false, 199 + (1 << 19)), PATH_BIT(0));
	f.path[1].metered = true;
	assert_int_equal(pick_adaptive(&f, true, true, 200), PATH_BIT(0) | PATH_BIT(2));
	f.path[2].free_at = f.view.now + MSEC(2);
	assert_int_equal(pick_adaptive(&f, true, true, 200), PATH_BIT(0) | PATH_BIT(2));
	f.path[2].free_at++;
	assert_int_equal(pick_adaptive(&f, true, true, 200), PATH_BIT(0));
	/* the better path is occupied for less than the other is longer: it is waited for, with no copy yet */
	f.path[0].free_at = f.view.now + MSEC(1);
	f.path[1].metered = false;
	assert_int_equal(pick_adaptive(&f, true, true, 200), PATH_BIT(0));
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
	static const char *const promised[] = {
		"aggregate", "adaptive", "weighted", "round-robin", "lowest-latency", "failover", "redundant", "flow",
	};

	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		assert_ptr_equal(strategy_find(strategy_at(n)->name), strategy_at(n));
		assert_true(strategy_at(n)->state_size <= STRATEGY_STATE);
		assert_non_null(strategy_at(n)->summary);
	}
	for (size_t i = 0; i < ARRAY_SIZE(promised); i++)
		assert_non_null(strategy_find(promised[i]));
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
		TEST("aggregate gives work to a path that has shown little yet",
		     aggregate_gives_work_to_a_path_that_has_shown_little_yet),
		TEST("aggregate gives a slow path what is wanted when it comes",
		     aggregate_gives_a_slow_path_what_is_wanted_when_it_comes),
		TEST("redundant takes every path that has room in a moment",
		     redundant_takes_every_path_that_has_room_in_a_moment),
		TEST("redundant copies nothing onto metered links beside others",
		     redundant_copies_nothing_onto_metered_links_beside_others),
		TEST("redundant waits for no suspect path beside others",
		     redundant_waits_for_no_suspect_path_beside_others),
		TEST("lowest-latency leaves for an eighth, and 5 ms",
		     lowest_latency_leaves_for_an_eighth_and_5_ms),
		TEST("lowest-latency leaves a path that is gone", lowest_latency_leaves_a_path_that_is_gone),
		TEST("flow gives new flows to who has least to do", flow_gives_new_flows_to_who_has_least_to_do),
		TEST("flow expects something of flows that have not sent yet",
		     flow_expects_something_of_flows_that_have_not_sent_yet),
		TEST("flow moves only when the path goes, or after half a minute",
		     flow_moves_only_when_the_path_goes_or_after_half_a_minute),
		TEST("adaptive sends what is sparse twice, within its budget",
		     adaptive_sends_what_is_sparse_twice_within_its_budget),
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
