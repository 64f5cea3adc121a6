/* race: of the paths of one interface, as both families of addresses are, one carries. */
#include <stdio.h>
#include <string.h>

#include "core/eligible.h"
#include "sim/model_ping.h"
#include "sim/sim.h"
#include "strategy/strategy.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static const struct engine_link wan0 = { .weight = 1, .interface = 1 }, wan1 = { .weight = 1, .interface = 2 };

/* --- who is chosen ------------------------------------------------------------- */

static struct eligible_path works(uint8_t interface, nsec_t way)
{
	return (struct eligible_path){ .health = ELIGIBLE_WORKS, .fit = true, .interface = interface, .way = way };
}

static void one_path_of_each_interface_carries(void **state)
{
	const struct eligible_path path[PATHS_MAX] = {
		works(1, MSEC(20)), works(1, MSEC(21)), works(2, MSEC(31)), works(2, MSEC(30)),
		works(0, MSEC(40)), works(0, MSEC(40)),
	};
	const struct eligible before = { 0 };
	struct eligible e = eligible_find(path, &before);

	(void)state;
	assert_int_equal(e.now, PATH_BIT(0) | PATH_BIT(3) | PATH_BIT(4) | PATH_BIT(5));
	assert_int_equal(e.chosen, PATH_BIT(0) | PATH_BIT(3));
	assert_int_equal(e.stand_by, PATH_BIT(1) | PATH_BIT(2));
}

static void who_carries_stays_unless_another_way_is_much_shorter(void **state)
{
	static const struct { nsec_t chosen, other; bool stays; } row[] = {
		{ MSEC(20), MSEC(20), true }, { MSEC(20), MSEC(15), true }, { MSEC(20), MSEC(15) - 1, false },
		{ MSEC(4), 1, true }, { MSEC(100), MSEC(75), true }, { MSEC(100), MSEC(75) - 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct eligible_path path[PATHS_MAX] = { works(1, row[i].other), works(1, row[i].chosen) };
		const struct eligible before = { .chosen = PATH_BIT(1) };

		assert_int_equal(eligible_find(path, &before).now, row[i].stays ? PATH_BIT(1) : PATH_BIT(0));
	}
}

static void who_is_silent_or_breaks_a_limit_is_left(void **state)
{
	struct eligible_path path[PATHS_MAX] = { works(1, MSEC(20)), works(1, MSEC(90)) };
	const struct eligible before = { .chosen = PATH_BIT(0) };
	struct eligible e;

	(void)state;
	path[0].fit = false;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(1));
	path[0].fit = true;
	path[0].health = ELIGIBLE_LOST;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(1));
	/* overdue for once: the other fills in, and steps back when an answer comes */
	path[0].health = ELIGIBLE_DOUBTED;
	e = eligible_find(path, &before);
	assert_int_equal(e.now, PATH_BIT(1));
	assert_int_equal(e.chosen, PATH_BIT(0));
	assert_int_equal(e.stand_by, 0);
	path[0].health = ELIGIBLE_WORKS;
	assert_int_equal(eligible_find(path, &e).now, PATH_BIT(0));
	/* none works; and one that is never to be used is not chosen */
	path[0].health = path[1].health = ELIGIBLE_LOST;
	assert_int_equal(eligible_find(path, &before).chosen, 0);
	path[0].health = path[1].health = ELIGIBLE_WORKS;
	path[0].tier = ENGINE_TIER_NEVER;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(1));
}

static void a_server_follows_its_client(void **state)
{
	struct eligible_path path[PATHS_MAX] = { works(1, MSEC(20)), works(1, MSEC(90)) };
	const struct eligible before = { .chosen = PATH_BIT(0) };

	(void)state;
	path[1].leads = true;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(1));
	path[1].health = ELIGIBLE_DOUBTED;	/* but not to where it is not heard */
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(0));
	path[1].health = ELIGIBLE_WORKS;
	path[1].fit = false;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(0));
}

static void both_paths_of_a_backup_wait_together(void **state)
{
	struct eligible_path path[PATHS_MAX] = { works(1, MSEC(20)), works(2, MSEC(20)), works(2, MSEC(30)) };
	const struct eligible before = { 0 };

	(void)state;
	path[1].tier = path[2].tier = ENGINE_TIER_BACKUP;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(0));
	path[0].health = ELIGIBLE_LOST;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(1));
	path[1].health = ELIGIBLE_LOST;
	assert_int_equal(eligible_find(path, &before).now, PATH_BIT(2));
}

/* --- in the tunnel ---------------------------------------------------------------- */

/* Both families over one interface, and as many further links as asked for. */
static struct sim *families(uint64_t seed, const char *strategy, nsec_t first, nsec_t second)
{
	const struct sim_way way[2] = {
		{ .rate = 20 * MBIT, .delay = first / 2 }, { .rate = 20 * MBIT, .delay = second / 2 },
	};
	struct sim *s = sim_new(seed, 1, strategy);

	for (unsigned i = 0; i < 2; i++) {
		sim_add_bare(s, 0, &way[i], &way[i]);
		sim_link(s, 0, i)->bare = false;
		sim_link(s, 0, i)->wish = wan0;
	}
	return s;
}

static void join(struct sim *s, unsigned links)
{
	for (unsigned i = 0; i < links; i++)
		sim_link_up(s, 0, i);
}

static void forget(struct sim *s, unsigned link)
{
	struct sim_link *l = sim_link(s, 0, link);

	l->up_packets = l->down_packets = 0;
}

static uint64_t carried(struct sim *s, unsigned link)
{
	return sim_link(s, 0, link)->up_packets + sim_link(s, 0, link)->down_packets;
}

static void under_every_strategy_one_family_carries_both_directions(void **state)
{
	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		struct sim *s = families(71, strategy_at(n)->name, MSEC(40), MSEC(30));
		unsigned up, down;

		join(s, 2);
		sim_run(s, SEC(1));
		up = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
		down = sim_flow(s, 0, SIM_DOWN, 1000, MSEC(2));
		sim_run(s, SEC(1));
		forget(s, 0);
		forget(s, 1);
		sim_run(s, SEC(10));
		assert_true(sim_flow_stats(s, up).received > 5400 && sim_flow_stats(s, down).received > 5400);
		/* the other one is asked now and then whether it works */
		assert_true(carried(s, 0) < 8 || carried(s, 1) < 8);
		assert_true(carried(s, 0) > 9900 || carried(s, 1) > 9900);
		sim_free(s);
	}
}

static void a_family_that_is_broken_does_not_delay(void **state)
{
	for (unsigned broken = 0; broken < 2; broken++) {
		struct sim *s = families(72, "aggregate", MSEC(40), MSEC(40));
		nsec_t begin = sim_now(s);
		unsigned flow;

		(void)state;
		sim_cut(s, 0, broken, true);
		join(s, 2);
		flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
		sim_run(s, MSEC(500));
		/* a handshake, and an answer on the path */
		assert_true(sim_flow_stats(s, flow).first_at < begin + MSEC(140));
		assert_true(sim_flow_stats(s, flow).received > 150);
		sim_free(s);
	}
}

static void when_the_family_in_use_falls_silent_the_other_goes_on(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		struct sim *s = families(73 + n, "aggregate", MSEC(30), MSEC(60));
		struct sim_flow_stats f;
		unsigned flow;

		join(s, 2);
		sim_run(s, SEC(1));
		flow = sim_flow(s, 0, n == 0 ? SIM_UP : SIM_DOWN, 1000, MSEC(2));
		sim_run(s, SEC(3));
		assert_true(carried(s, 0) > 1400);
		sim_flow_forget(s, flow);
		sim_cut(s, 0, 0, true);
		sim_run(s, SEC(3));
		f = sim_flow_stats(s, flow);
		assert_true(f.longest_gap < MSEC(150));
		assert_true(f.received > 1450);
		/* and back when it is next asked, since its way is much shorter */
		sim_cut(s, 0, 0, false);
		sim_run(s, SEC(30));
		forget(s, 0);
		forget(s, 1);
		sim_run(s, SEC(3));
		assert_true(carried(s, 0) > 1450);
		assert_true(carried(s, 1) < 8);
		sim_free(s);
	}
}

/* Both ends notice, but the one follows the other. */
static void a_question_and_its_answer_are_not_held_up_twice(void **state)
{
	const struct sim_via via = { .client = 0 };
	nsec_t sum = 0, worst = 0;

	(void)state;
	for (unsigned n = 0; n < 20; n++) {
		struct sim *s = families(80 + n, "aggregate", MSEC(40), MSEC(44));
		struct model_ping *ping;
		nsec_t took;

		join(s, 2);
		sim_run(s, SEC(1));
		ping = model_ping_new(s, &via);
		sim_run(s, SEC(2) + n * MSEC(13));
		model_ping_forget(ping);
		sim_cut(s, 0, 0, true);
		sim_run(s, SEC(1));
		took = samples_percentile(model_ping_round_trips(ping), 100);
		sum += took;
		worst = nsec_max(worst, took);
		model_ping_free(ping);
		sim_free(s);
	}
	printf("# the longest round trip of a ping: %.0f ms on average, %.0f at most\n", (double)sum / 20e6,
	       (double)worst / 1e6);
	assert_true(sum / 20 < MSEC(80));
	assert_true(worst < MSEC(130));
}

static void the_family_that_is_not_used_lets_a_radio_sleep(void **state)
{
	struct sim *s = families(75, "aggregate", MSEC(30), MSEC(40));

	(void)state;
	join(s, 2);
	sim_run(s, SEC(10));
	forget(s, 0);
	forget(s, 1);
	sim_run(s, SEC(600));
	assert_int_equal(carried(s, 1), 0);
	assert_true(carried(s, 0) > 20);
	sim_free(s);
}

static void two_interfaces_carry_beside_each_other(void **state)
{
	const struct sim_way way = { .rate = 20 * MBIT, .delay = MSEC(20) };
	struct sim *s = families(76, "round-robin", MSEC(40), MSEC(40));
	uint64_t first;

	(void)state;
	for (unsigned i = 2; i < 4; i++) {
		sim_add_bare(s, 0, &way, &way);
		sim_link(s, 0, i)->bare = false;
		sim_link(s, 0, i)->wish = wan1;
	}
	join(s, 4);
	sim_run(s, SEC(1));
	sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
	sim_run(s, SEC(1));
	for (unsigned i = 0; i < 4; i++)
		forget(s, i);
	sim_run(s, SEC(4));
	first = sim_link(s, 0, 0)->up_packets + sim_link(s, 0, 1)->up_packets;
	assert_in_range(first, 950, 1100);
	assert_in_range(sim_link(s, 0, 2)->up_packets + sim_link(s, 0, 3)->up_packets, 950, 1100);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("one path of each interface carries", one_path_of_each_interface_carries),
		TEST("who carries stays unless another way is much shorter",
		     who_carries_stays_unless_another_way_is_much_shorter),
		TEST("who is silent or breaks a limit is left", who_is_silent_or_breaks_a_limit_is_left),
		TEST("a server follows its client", a_server_follows_its_client),
		TEST("both paths of a backup wait together", both_paths_of_a_backup_wait_together),
		TEST("under every strategy one family carries, in both directions",
		     under_every_strategy_one_family_carries_both_directions),
		TEST("a family that is broken does not delay", a_family_that_is_broken_does_not_delay),
		TEST("when the family in use falls silent the other goes on",
		     when_the_family_in_use_falls_silent_the_other_goes_on),
		TEST("a question and its answer are not held up twice", a_question_and_its_answer_are_not_held_up_twice),
		TEST("the family that is not used lets a radio sleep", the_family_that_is_not_used_lets_a_radio_sleep),
		TEST("two interfaces carry beside each other", two_interfaces_carry_beside_each_other),
	};

	return RUN_TESTS(tests);
}
