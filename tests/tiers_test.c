/* tiers: which links carry, and which are left alone, as they were given their tier. */
#include <stdio.h>
#include <string.h>

#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "strategy/strategy.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static const struct engine_link primary = { .weight = 1 };
static const struct engine_link overflow = { .weight = 1, .priority = 1, .tier = ENGINE_TIER_OVERFLOW };
static const struct engine_link backup = { .weight = 1, .priority = 1, .tier = ENGINE_TIER_BACKUP };
static const struct engine_link never = { .weight = 1, .priority = 1, .tier = ENGINE_TIER_NEVER };
static const struct engine_link metered = { .weight = 1, .priority = 1, .metered = true };

/* Two links of 20 Mbit/s and 40 ms, joined as they are wished. */
static struct sim *two(uint64_t seed, const char *strategy, const struct engine_link *first,
		       const struct engine_link *second)
{
	const struct sim_way way = { .rate = 20 * MBIT, .delay = MSEC(20) };
	struct sim *s = sim_new(seed, 1, strategy);

	sim_add_bare(s, 0, &way, &way);
	sim_add_bare(s, 0, &way, &way);
	sim_link(s, 0, 0)->bare = sim_link(s, 0, 1)->bare = false;
	sim_link(s, 0, 0)->wish = *first;
	sim_link(s, 0, 1)->wish = *second;
	sim_link_up(s, 0, 0);
	sim_link_up(s, 0, 1);
	sim_run(s, SEC(2));
	return s;
}

static void forget(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sim_link *l = sim_link(s, 0, i);

		l->up_packets = l->down_packets = l->up_bytes = l->down_bytes = 0;
	}
}

static double upwards(struct sim *s, unsigned link, nsec_t time)
{
	return (double)sim_link(s, 0, link)->up_bytes * 8 / ((double)time / 1e9) / 1e6;
}

/* --- backup and never ------------------------------------------------------- */

static void a_backup_carries_only_while_no_other_works(void **state)
{
	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		struct sim *s = two(51, strategy_at(n)->name, &primary, &backup);
		struct sim_flow_stats f;
		unsigned flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));

		sim_run(s, SEC(1));
		forget(s);
		sim_run(s, SEC(10));
		assert_true(sim_link(s, 0, 1)->up_packets + sim_link(s, 0, 1)->down_packets < 8);
		sim_flow_forget(s, flow);
		sim_cut(s, 0, 0, true);
		sim_run(s, SEC(5));
		f = sim_flow_stats(s, flow);
		assert_true(f.received > 2450);
		assert_true(f.longest_gap < MSEC(150));
		sim_cut(s, 0, 0, false);
		sim_run(s, SEC(3));
		forget(s);
		sim_run(s, SEC(10));
		assert_true(sim_link(s, 0, 0)->up_packets > 4900);
		assert_true(sim_link(s, 0, 1)->up_packets < 8);
		sim_free(s);
	}
}

static void a_backup_s_radio_sleeps_when_the_user_does(void **state)
{
	struct sim *s = two(52, "aggregate", &primary, &backup);

	(void)state;
	sim_run(s, SEC(10));
	forget(s);
	sim_run(s, SEC(600));
	/* over five rekeys, too */
	assert_int_equal(sim_link(s, 0, 1)->up_packets + sim_link(s, 0, 1)->down_packets, 0);
	assert_true(sim_link(s, 0, 0)->up_packets > 20);
	/* when the other goes it is there, and is kept alive */
	sim_link_down(s, 0, 0);
	sim_run(s, SEC(60));
	assert_true(sim_link(s, 0, 1)->up_packets >= 2);
	sim_free(s);
}

/* Neither end sends anything that the other would have to ask for first. */
static void a_download_goes_on_over_a_backup_that_slept_for_long(void **state)
{
	struct sim *s = two(53, "aggregate", &primary, &backup);
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_run(s, SEC(300));
	flow = sim_flow(s, 0, SIM_DOWN, 1000, MSEC(2));
	sim_run(s, SEC(1));
	sim_flow_forget(s, flow);
	sim_cut(s, 0, 0, true);
	sim_run(s, SEC(3));
	f = sim_flow_stats(s, flow);
	assert_true(f.longest_gap < MSEC(150));
	assert_true(f.received > 1400);
	sim_free(s);
}

static void nothing_at_all_is_sent_on_a_link_that_is_never_to_be_used(void **state)
{
	struct sim *s = two(54, "redundant", &primary, &never);
	unsigned flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));

	(void)state;
	sim_flow(s, 0, SIM_DOWN, 1000, MSEC(2));
	sim_run(s, SEC(300));
	assert_int_equal(sim_link(s, 0, 1)->up_packets + sim_link(s, 0, 1)->down_packets, 0);
	sim_cut(s, 0, 0, true);
	sim_run(s, SEC(10));
	assert_int_equal(sim_link(s, 0, 1)->up_packets + sim_link(s, 0, 1)->down_packets, 0);
	/* the user changes his mind */
	sim_flow_forget(s, flow);
	engine_path_set_link(sim_client(s, 0), 1, &primary, sim_now(s));
	sim_run(s, SEC(3));
	assert_true(sim_flow_stats(s, flow).received > 1000);
	sim_free(s);
}

static void a_link_that_is_taken_out_of_use_falls_silent(void **state)
{
	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		struct sim *s = two(55, strategy_at(n)->name, &primary, &primary);
		unsigned up = sim_flow(s, 0, SIM_UP, 1000, MSEC(2)), down = sim_flow(s, 0, SIM_DOWN, 1000, MSEC(2));

		sim_run(s, SEC(2));
		engine_path_set_link(sim_client(s, 0), 0, &never, sim_now(s));
		sim_run(s, MSEC(200));
		forget(s);
		sim_run(s, SEC(5));
		assert_int_equal(sim_link(s, 0, 0)->up_packets + sim_link(s, 0, 0)->down_packets, 0);
		sim_flow_stop(s, up);
		sim_flow_stop(s, down);
		sim_run(s, SEC(1));
		assert_int_equal(sim_flow_stats(s, up).received, sim_flow_stats(s, up).sent);
		assert_int_equal(sim_flow_stats(s, down).received, sim_flow_stats(s, down).sent);
		sim_free(s);
	}
}

/* --- overflow ----------------------------------------------------------------- */

static void an_overflow_link_takes_only_what_the_primary_cannot(void **state)
{
	static const struct {
		nsec_t interval;	/* of packets of 1000 bytes */
		double least, most;	/* Mbit/s over the overflow link */
	} load[] = {
		{ MSEC(1), 0, 0.05 },		/* 8 Mbit/s */
		{ 500000, 0, 0.1 },		/* 16: the primary takes 20 */
		{ 333333, 3, 8 },		/* 24 */
		{ 250000, 11, 16 },		/* 32 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(load); i++) {
		struct sim *s = two(56, "aggregate", &primary, &overflow);
		struct sim_flow_stats f;
		unsigned flow = sim_flow(s, 0, SIM_UP, 1000, load[i].interval);
		double carried;

		sim_run(s, SEC(3));
		forget(s);
		sim_flow_forget(s, flow);
		sim_run(s, SEC(10));
		carried = upwards(s, 1, SEC(10));
		f = sim_flow_stats(s, flow);
		printf("# %.0f Mbit/s: %.2f over the overflow link, %lu of %lu packets came\n",
		       8e-3 / ((double)load[i].interval / 1e9), carried, (unsigned long)f.received,
		       (unsigned long)f.sent);
		assert_true(carried >= load[i].least && carried <= load[i].most);
		assert_true(f.received >= f.sent * 98 / 100);
		sim_free(s);
	}
}

static void a_burst_now_and_then_stays_on_the_primary(void **state)
{
	struct sim *s = two(57, "aggregate", &primary, &overflow);

	(void)state;
	forget(s);
	for (int i = 0; i < 20; i++) {
		unsigned flow = sim_flow(s, 0, SIM_UP, 1000, 1);

		sim_run(s, 100);	/* a hundred at once: 40 ms */
		sim_flow_stop(s, flow);
		sim_run(s, MSEC(500));
		if (i % 8 == 7) {
			sim_free(s);
			s = two(57, "aggregate", &primary, &overflow);
			forget(s);
		}
		assert_true(sim_link(s, 0, 1)->up_bytes < 10000);
	}
	sim_free(s);
}

static void one_tcp_gets_both_once_the_primary_is_full(void **state)
{
	(void)state;
	for (size_t n = 0; strategy_at(n) != NULL; n++) {
		const char *name = strategy_at(n)->name;
		struct sim *s = two(58, name, &primary, &overflow);
		const struct model_tcp_config config = { .direction = SIM_UP };
		struct model_tcp *tcp = model_tcp_new(s, &config);
		double rate;

		sim_run(s, SEC(20));
		rate = model_tcp_rate(tcp, 5, 20);
		printf("# %s: %.1f Mbit/s\n", name, rate);
		assert_true(rate > (strcmp(name, "aggregate") == 0 ? 28 : 16));
		model_tcp_free(tcp);
		sim_run(s, SEC(3));
		forget(s);
		sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
		sim_run(s, SEC(5));
		assert_true(upwards(s, 1, SEC(5)) < 0.05);
		sim_free(s);
	}
}

static void an_overflow_link_alone_is_as_good_as_a_primary(void **state)
{
	struct sim *s = two(59, "aggregate", &overflow, &backup);
	struct sim_flow_stats f;
	unsigned flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));

	(void)state;
	sim_run(s, SEC(5));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	assert_int_equal(f.received, f.sent);
	assert_true(sim_link(s, 0, 1)->up_packets < 20);
	sim_free(s);
}

/* --- metered ------------------------------------------------------------------ */

static void a_metered_link_carries_but_gets_no_copies(void **state)
{
	struct sim *s = two(60, "aggregate", &primary, &metered);
	const struct model_tcp_config config = { .direction = SIM_UP };
	struct model_tcp *tcp;

	(void)state;
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(20));
	assert_true(model_tcp_rate(tcp, 5, 20) > 32);
	model_tcp_free(tcp);
	sim_free(s);
	s = two(60, "redundant", &primary, &metered);
	sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
	forget(s);
	sim_run(s, SEC(10));
	assert_true(sim_link(s, 0, 0)->up_packets > 4900);
	assert_true(sim_link(s, 0, 1)->up_packets < 50);
	sim_free(s);
}

static void a_metered_link_is_silent_beside_others(void **state)
{
	struct sim *s = two(61, "failover", &primary, &metered);

	(void)state;
	sim_run(s, SEC(10));
	forget(s);
	sim_run(s, SEC(600));
	assert_int_equal(sim_link(s, 0, 1)->up_packets + sim_link(s, 0, 1)->down_packets, 0);
	sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
	sim_run(s, SEC(66));
	/* one probe in 22 s, with its answers, and one of the other end */
	assert_true(sim_link(s, 0, 1)->up_packets <= 16);
	assert_true(sim_link(s, 0, 1)->up_packets >= 3);
	sim_free(s);
}

static void a_metered_link_alone_is_kept_alive(void **state)
{
	struct sim *s = two(62, "aggregate", &metered, &never);

	(void)state;
	sim_run(s, SEC(10));
	forget(s);
	sim_run(s, SEC(100));
	assert_true(sim_link(s, 0, 0)->up_packets >= 4);
	assert_true(sim_link(s, 0, 0)->up_packets <= 20);
	sim_free(s);
}

static void a_rate_holds_in_both_directions(void **state)
{
	const struct engine_link capped = { .weight = 1, .rate = 5 * MBIT / 8 };
	struct sim *s = two(63, "aggregate", &capped, &never);

	(void)state;
	sim_flow(s, 0, SIM_UP, 1000, 500000);
	sim_flow(s, 0, SIM_DOWN, 1000, 500000);
	sim_run(s, SEC(2));
	forget(s);
	sim_run(s, SEC(10));
	assert_true(sim_link(s, 0, 0)->up_bytes * 8 / 10 < 5 * MBIT * 103 / 100);
	assert_true(sim_link(s, 0, 0)->down_bytes * 8 / 10 < 5 * MBIT * 103 / 100);
	assert_true(sim_link(s, 0, 0)->up_bytes * 8 / 10 > 5 * MBIT * 95 / 100);
	assert_true(sim_link(s, 0, 0)->down_bytes * 8 / 10 > 5 * MBIT * 95 / 100);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a backup carries only while no other works", a_backup_carries_only_while_no_other_works),
		TEST("a backup's radio sleeps when the user does", a_backup_s_radio_sleeps_when_the_user_does),
		TEST("a download goes on over a backup that slept for long",
		     a_download_goes_on_over_a_backup_that_slept_for_long),
		TEST("nothing at all is sent on a link that is never to be used",
		     nothing_at_all_is_sent_on_a_link_that_is_never_to_be_used),
		TEST("a link that is taken out of use falls silent", a_link_that_is_taken_out_of_use_falls_silent),
		TEST("an overflow link takes only what the primary cannot",
		     an_overflow_link_takes_only_what_the_primary_cannot),
		TEST("a burst now and then stays on the primary", a_burst_now_and_then_stays_on_the_primary),
		TEST("one TCP gets both once the primary is full", one_tcp_gets_both_once_the_primary_is_full),
		TEST("an overflow link alone is as good as a primary",
		     an_overflow_link_alone_is_as_good_as_a_primary),
		TEST("a metered link carries, but gets no copies", a_metered_link_carries_but_gets_no_copies),
		TEST("a metered link is silent beside others", a_metered_link_is_silent_beside_others),
		TEST("a metered link alone is kept alive", a_metered_link_alone_is_kept_alive),
		TEST("a rate holds in both directions", a_rate_holds_in_both_directions),
	};

	return RUN_TESTS(tests);
}
