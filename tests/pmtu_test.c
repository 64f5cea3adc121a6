/* pmtu: the search for a path's MTU, against a path that takes what it takes, in virtual time. */
#include "core/path/pmtu.h"
#include "tap.h"

#define RTT	MSEC(20)
#define BOUND	MSEC(45)

/* A path, and what the search makes of it.  Something small goes behind each probe. */
struct way {
	struct pmtu pmtu;
	unsigned takes;		/* larger packets vanish */
	unsigned says;		/* the router answers so; 0: it is silent */
	uint32_t loss_ppm;
	bool dead;
	uint64_t number;
	nsec_t now;
	unsigned probes;	/* sent so far */
	unsigned largest;	/* of them */
};

static struct way a_way(unsigned takes, unsigned limit)
{
	struct way w = { .takes = takes, .now = SEC(100) };

	pmtu_init(&w.pmtu, false, limit);
	return w;
}

/* One round trip: a probe if one is wanted, and what comes of it. */
static void round_trip(struct way *w)
{
	unsigned size = pmtu_wanted(&w->pmtu);
	nsec_t sent_at = w->now;

	if (size != 0) {
		pmtu_sent(&w->pmtu, w->number++, w->now);
		w->probes++;
		w->largest = size > w->largest ? size : w->largest;
	}
	w->now += RTT;
	if (size > w->takes && w->says != 0)
		pmtu_too_big(&w->pmtu, w->says, w->now);
	if (!w->dead) {
		if (size != 0 && size <= w->takes)
			pmtu_confirmed(&w->pmtu, size, sent_at);
		pmtu_arrived(&w->pmtu, 100, sent_at);
		pmtu_heard(&w->pmtu, w->number++, BOUND, w->loss_ppm);
	}
	w->now += BOUND;
	pmtu_tick(&w->pmtu, true, w->now);
}

/* Until nothing is asked any more. */
static void search(struct way *w)
{
	for (unsigned i = 0; w->pmtu.probe != 0; i++) {
		assert_true(i < 200);
		round_trip(w);
	}
}

static void until_something_arrives_the_base_is_used(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	assert_int_equal(w.pmtu.size, PMTU_BASE);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
	pmtu_sent(&w.pmtu, 0, w.now);
	assert_int_equal(w.pmtu.size, PMTU_BASE);
	assert_int_equal(pmtu_wanted(&w.pmtu), 0);
}

static void a_link_s_full_size_is_found_with_one_probe(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	round_trip(&w);
	assert_int_equal(w.pmtu.size, 1500);
	assert_int_equal(w.probes, 1);
	assert_int_equal(pmtu_deadline(&w.pmtu, true), NSEC_NEVER);
}

static void what_a_path_takes_is_found_whatever_it_is(void **state)
{
	(void)state;
	for (unsigned takes = PMTU_FLOOR; takes <= 1500; takes++) {
		struct way w = a_way(takes, 1500);

		for (unsigned i = 0; w.pmtu.probe != 0 && i < 200; i++) {
			round_trip(&w);
			/* never more than passes, once the base was tried */
			assert_true(w.pmtu.size <= takes || w.pmtu.size == PMTU_BASE);
		}
		assert_int_equal(w.pmtu.probe, 0);
		assert_true(w.pmtu.size <= takes);
		assert_true(takes - w.pmtu.size < (takes < PMTU_BASE ? 140 : 40));
		assert_true(w.probes <= 24);
	}
}

static void usual_sizes_are_found_exactly(void **state)
{
	static const unsigned usual[] = { 576, 1200, 1240, 1280, 1358, 1400, 1420, 1440, 1460, 1472, 1480,
					  1492, 1500 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		struct way w = a_way(usual[i], 1500);

		search(&w);
		assert_int_equal(w.pmtu.size, usual[i]);
	}
}

static void a_router_that_answers_saves_the_search(void **state)
{
	struct way w = a_way(1337, 1500);

	(void)state;
	w.says = 1337;
	round_trip(&w);
	round_trip(&w);
	assert_int_equal(w.pmtu.size, 1337);
	search(&w);
	assert_int_equal(w.pmtu.size, 1337);
	assert_true(w.probes < 8);
}

static void nothing_above_the_link_s_own_is_tried(void **state)
{
	struct way w = a_way(1500, 1280), narrow = a_way(1500, 576), less = a_way(1500, 100);

	(void)state;
	search(&w);
	assert_int_equal(w.pmtu.size, 1280);
	assert_int_equal(w.largest, 1280);
	search(&narrow);
	assert_int_equal(narrow.pmtu.size, 576);
	search(&less);		/* nothing below the floor */
	assert_int_equal(less.pmtu.size, PMTU_FLOOR);
}

static void jumbo_frames_are_tried_after_the_usual_ones(void **state)
{
	struct way w = a_way(1500, 9000), wide = a_way(9000, 9000);

	(void)state;
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
	round_trip(&w);
	assert_int_equal(w.pmtu.size, 1500);
	search(&w);
	assert_int_equal(w.pmtu.size, 1500);
	search(&wide);
	assert_int_equal(wide.pmtu.size, PMTU_MAX);
}

static void over_ipv6_nothing_below_1280_is_tried(void **state)
{
	struct way w = a_way(1280, 1500);

	(void)state;
	pmtu_init(&w.pmtu, true, 1500);
	assert_int_equal(w.pmtu.size, 1280);
	search(&w);
	assert_int_equal(w.pmtu.size, 1280);
	pmtu_vanished(&w.pmtu, 1280, w.now);
	assert_int_equal(w.pmtu.probe, 0);
	pmtu_too_big(&w.pmtu, 600, w.now);
	assert_int_equal(w.pmtu.size, 1280);
}

static void a_silent_path_says_nothing_of_its_mtu(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	w.dead = true;
	for (unsigned i = 0; i < 500; i++)
		round_trip(&w);
	/* asked again now and then, and nothing concluded */
	assert_true(w.probes > 10 && w.probes < 60);
	assert_int_equal(w.pmtu.probe, 1500);
	assert_int_equal(w.pmtu.lost, 0);
	w.dead = false;
	search(&w);
	assert_int_equal(w.pmtu.size, 1500);
}

static void a_probe_is_not_lost_before_something_later_arrived_and_its_time_is_over(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	pmtu_sent(&w.pmtu, 7, w.now);
	pmtu_heard(&w.pmtu, 6, BOUND, 0);	/* sent before */
	pmtu_tick(&w.pmtu, true, w.now + BOUND);
	assert_int_equal(w.pmtu.lost, 0);
	pmtu_heard(&w.pmtu, 8, BOUND, 0);
	pmtu_tick(&w.pmtu, true, w.now + BOUND - 1);
	assert_int_equal(w.pmtu.lost, 0);
	assert_int_equal(pmtu_deadline(&w.pmtu, false), w.now + BOUND);
	pmtu_tick(&w.pmtu, true, w.now + BOUND);
	assert_int_equal(w.pmtu.lost, 1);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
}

static void an_answer_counts_however_late(void **state)
{
	struct way w = a_way(1400, 1500);

	(void)state;
	search(&w);
	assert_int_equal(w.pmtu.size, 1400);
	pmtu_confirmed(&w.pmtu, 1500, SEC(100));
	assert_int_equal(w.pmtu.size, 1500);
}

static void a_path_that_loses_much_is_asked_more_often(void **state)
{
	struct way w = a_way(1400, 1500);
	unsigned asked = 0;

	(void)state;
	w.loss_ppm = 100000;
	while (w.pmtu.probe == 1500) {
		round_trip(&w);
		asked++;
	}
	assert_int_equal(asked, 8);
	w.loss_ppm = 1000000;
	search(&w);		/* but not for ever */
	assert_int_equal(w.pmtu.size, 1400);
}

/* The size of what may go again, when so large a one vanished now while small ones arrived. */
static unsigned vanish(struct way *w, unsigned size)
{
	pmtu_vanished(&w->pmtu, size, w->now);
	return pmtu_safe(&w->pmtu);
}

static void what_vanishes_goes_again_in_a_size_that_passes(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	assert_int_equal(pmtu_safe(&w.pmtu), 1500);
	assert_int_equal(vanish(&w, 1476), PMTU_BASE);
	assert_int_equal(w.pmtu.size, 1500);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
	for (unsigned i = 0; i < PMTU_CAUTIOUS; i++) {
		assert_int_equal(pmtu_safe(&w.pmtu), PMTU_BASE);
		pmtu_was_cautious(&w.pmtu);
	}
	assert_int_equal(pmtu_safe(&w.pmtu), 1500);
	/* the size arrives again: it was chance, and the next doubt has all its caution */
	round_trip(&w);
	assert_int_equal(pmtu_safe(&w.pmtu), 1500);
	assert_int_equal(w.pmtu.probe, 0);
	assert_int_equal(vanish(&w, 1476), PMTU_BASE);
}

static void a_black_hole_is_left_for_the_base_and_then_for_what_passes(void **state)
{
	struct way w = a_way(1500, 1500);
	nsec_t began;

	(void)state;
	search(&w);
	w.takes = 1400;
	began = w.now;
	vanish(&w, 1476);
	round_trip(&w);
	assert_int_equal(w.pmtu.size, 1500);
	round_trip(&w);
	assert_int_equal(w.pmtu.size, PMTU_BASE);
	search(&w);
	assert_int_equal(w.pmtu.size, 1400);
	assert_true(w.now - began <= 20 * (RTT + BOUND));
}

static void a_path_narrower_than_the_base_is_left_for_the_floor(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	w.takes = 900;
	vanish(&w, 1476);
	for (unsigned i = 0; w.pmtu.doubted; i++) {
		assert_true(i < 5);
		round_trip(&w);
	}
	assert_int_equal(w.pmtu.size, PMTU_BASE);
	assert_int_equal(vanish(&w, 1190), PMTU_FLOOR);
	search(&w);
	assert_int_equal(w.pmtu.size, 840);
}

static void a_loss_with_as_large_a_one_behind_it_is_no_black_hole(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	pmtu_arrived(&w.pmtu, 1476, w.now + 10);
	pmtu_vanished(&w.pmtu, 1476, w.now);
	assert_false(w.pmtu.doubted);
	/* smaller ones say nothing of it */
	pmtu_arrived(&w.pmtu, 1300, w.now + 30);
	pmtu_vanished(&w.pmtu, 1476, w.now + 20);
	assert_true(w.pmtu.doubted);
	/* one that was on its way ends the doubt; one from before does not */
	pmtu_arrived(&w.pmtu, 1476, w.now + 19);
	assert_true(w.pmtu.doubted);
	pmtu_arrived(&w.pmtu, 1476, w.now + 21);
	assert_false(w.pmtu.doubted);
	assert_int_equal(w.pmtu.probe, 0);
	/* what was lost before the last one that arrived */
	pmtu_vanished(&w.pmtu, 1476, w.now + 5);
	assert_false(w.pmtu.doubted);
	/* and what was sent when more was allowed than now */
	pmtu_set_limit(&w.pmtu, 1400);
	pmtu_vanished(&w.pmtu, 1476, w.now + 50);
	assert_false(w.pmtu.doubted);
}

/* Of two sizes that are nearly alike one passes, the other does not, and both are sent all the time. */
static void a_black_hole_for_the_larger_of_sizes_nearly_alike_is_found(void **state)
{
	struct way w = a_way(1500, 1500);
	unsigned lost = 0;

	(void)state;
	search(&w);
	w.takes = 1480;
	while (w.pmtu.size > w.takes) {
		assert_true(++lost < 10);
		pmtu_arrived(&w.pmtu, 1476, w.now + 1);
		pmtu_vanished(&w.pmtu, 1489, w.now);
		assert_int_equal(pmtu_safe(&w.pmtu), lost < PMTU_PROBES ? 1500 : PMTU_BASE);
		round_trip(&w);
		pmtu_arrived(&w.pmtu, 1476, w.now);
	}
	search(&w);
	assert_int_equal(w.pmtu.size, 1480);
}

static void such_a_loss_is_chance_when_as_large_a_one_arrives_in_between(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	for (unsigned i = 0; i < 100; i++) {
		pmtu_arrived(&w.pmtu, 1476, w.now + 1);
		pmtu_vanished(&w.pmtu, 1489, w.now);
		assert_false(w.pmtu.doubted);
		w.now += MSEC(1);
		if (i % 2 == 1)
			pmtu_arrived(&w.pmtu, 1489, w.now);
	}
	/* where many are lost, so may some be in a row */
	w.loss_ppm = 60000;
	round_trip(&w);
	for (unsigned i = 0; i < 5; i++) {
		pmtu_arrived(&w.pmtu, 1476, w.now + 1);
		pmtu_vanished(&w.pmtu, 1489, w.now);
		assert_false(w.pmtu.doubted);
	}
	pmtu_vanished(&w.pmtu, 1489, w.now);
	assert_true(w.pmtu.doubted);
}

static void a_hint_about_data_only_makes_it_ask(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	pmtu_too_big(&w.pmtu, 1300, w.now);
	assert_int_equal(w.pmtu.size, 1500);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
	round_trip(&w);
	assert_int_equal(w.pmtu.size, 1500);
	assert_int_equal(w.pmtu.probe, 0);
	/* who floods us with them gets one probe a second */
	w.probes = 0;
	for (nsec_t end = w.now + SEC(10); w.now < end;) {
		pmtu_too_big(&w.pmtu, 1300, w.now);
		if (pmtu_wanted(&w.pmtu) != 0)
			round_trip(&w);
		else
			w.now += MSEC(1);
	}
	assert_true(w.probes <= 11);
	assert_int_equal(w.pmtu.size, 1500);
}

/* As 1476 of 1480 are. */
static void what_is_smaller_than_a_hint_says_nothing_of_it(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	pmtu_too_big(&w.pmtu, 1480, w.now);
	pmtu_arrived(&w.pmtu, 1476, w.now + 1);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
	pmtu_arrived(&w.pmtu, 1481, w.now + 1);
	assert_int_equal(pmtu_wanted(&w.pmtu), 0);
}

static void a_router_s_word_after_a_change_takes_two_probes(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	w.takes = w.says = 1280;
	pmtu_too_big(&w.pmtu, 1280, w.now);
	w.probes = 0;
	round_trip(&w);
	assert_int_equal(w.pmtu.size, PMTU_BASE);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1280);
	round_trip(&w);
	assert_int_equal(w.pmtu.size, 1280);
	assert_int_equal(w.probes, 2);
}

static void impossible_hints_are_not_believed(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	pmtu_too_big(&w.pmtu, 68, w.now);		/* below the floor */
	pmtu_too_big(&w.pmtu, 1000, w.now);		/* below the base, which passes */
	pmtu_too_big(&w.pmtu, 1500, w.now);		/* what passes */
	pmtu_too_big(&w.pmtu, 65536, w.now);
	pmtu_too_big(&w.pmtu, 0, w.now);		/* nothing was asked */
	assert_int_equal(w.pmtu.size, 1500);
	assert_int_equal(w.pmtu.probe, 0);
	/* of a probe: a size as large is a lie; one below the base counts as its loss only */
	w = a_way(1500, 1500);
	pmtu_sent(&w.pmtu, 0, w.now);
	pmtu_too_big(&w.pmtu, 1500, w.now);
	assert_true(w.pmtu.out);
	pmtu_too_big(&w.pmtu, 600, w.now);
	assert_int_equal(w.pmtu.lost, 1);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
	/* and the answer to it ends what was said of it */
	pmtu_sent(&w.pmtu, 1, w.now);
	pmtu_too_big(&w.pmtu, 1300, w.now);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1300);
	pmtu_confirmed(&w.pmtu, 1500, w.now);
	assert_int_equal(w.pmtu.size, 1500);
	assert_int_equal(w.pmtu.probe, 0);
}

static void the_search_is_taken_up_again_after_ten_minutes_of_use(void **state)
{
	struct way w = a_way(1400, 1500);

	(void)state;
	search(&w);
	w.takes = 1500;
	pmtu_tick(&w.pmtu, true, w.now);
	assert_int_equal(pmtu_deadline(&w.pmtu, true), w.now + PMTU_RAISE);
	assert_int_equal(pmtu_deadline(&w.pmtu, false), NSEC_NEVER);
	w.now += PMTU_RAISE;
	pmtu_tick(&w.pmtu, false, w.now);		/* the radio sleeps when the user does */
	assert_int_equal(w.pmtu.probe, 0);
	pmtu_tick(&w.pmtu, true, w.now);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1500);
	assert_int_equal(w.pmtu.size, 1400);
	search(&w);
	assert_int_equal(w.pmtu.size, 1500);
	assert_int_equal(pmtu_deadline(&w.pmtu, true), NSEC_NEVER);
}

static void a_changed_link_is_asked_at_once(void **state)
{
	struct way w = a_way(1500, 1500);

	(void)state;
	search(&w);
	w.takes = 1280;
	pmtu_set_limit(&w.pmtu, 1280);
	assert_int_equal(w.pmtu.size, 1280);
	assert_int_equal(w.pmtu.probe, 0);
	w.takes = 1492;
	pmtu_set_limit(&w.pmtu, 1492);
	assert_int_equal(w.pmtu.size, 1280);
	assert_int_equal(pmtu_wanted(&w.pmtu), 1492);
	search(&w);
	assert_int_equal(w.pmtu.size, 1492);
	pmtu_set_limit(&w.pmtu, 600);
	assert_int_equal(w.pmtu.size, 600);
	pmtu_set_limit(&w.pmtu, 1500);
	search(&w);
	assert_int_equal(w.pmtu.size, 1492);
}

/* Whatever is said of it in whatever order, what is used stays within floor and limit. */
static void random_events_keep_it_within_its_bounds(void **state)
{
	struct way w = a_way(1400, 1500);
	uint64_t x = 88172645463325252;

	(void)state;
	for (unsigned n = 0; n < 200000; n++) {
		unsigned size;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		size = (unsigned)(x >> 20) % 2200;
		w.now += x % MSEC(30);
		switch (x % 9) {
		case 0: pmtu_vanished(&w.pmtu, size, w.now - MSEC(20)); break;
		case 1: pmtu_arrived(&w.pmtu, size, w.now - MSEC(20)); break;
		case 2: pmtu_too_big(&w.pmtu, size, w.now); break;
		case 3: pmtu_heard(&w.pmtu, w.number, BOUND, (uint32_t)(x >> 40) % 1000000); break;
		case 4: pmtu_tick(&w.pmtu, x & 1024, w.now); break;
		case 5: if (x & 2048) pmtu_set_limit(&w.pmtu, size); break;
		case 6: if (size <= 1500) pmtu_confirmed(&w.pmtu, size, w.now - MSEC(20)); break;
		case 7: pmtu_was_cautious(&w.pmtu); break;
		default:
			if (pmtu_wanted(&w.pmtu) != 0)
				pmtu_sent(&w.pmtu, w.number++, w.now);
		}
		assert_in_range(w.pmtu.size, PMTU_FLOOR, w.pmtu.limit);
		assert_in_range(pmtu_safe(&w.pmtu), PMTU_FLOOR, w.pmtu.size);
		assert_true(w.pmtu.probe == 0 || (w.pmtu.probe >= PMTU_FLOOR && w.pmtu.probe <= w.pmtu.limit));
		assert_true(w.pmtu.good < w.pmtu.bad || w.pmtu.doubted);
	}
	w.takes = 1500;
	pmtu_set_limit(&w.pmtu, 1400);
	pmtu_set_limit(&w.pmtu, 1500);
	w.loss_ppm = 0;
	search(&w);
	assert_int_equal(w.pmtu.size, 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("until something arrives the base is used", until_something_arrives_the_base_is_used),
		TEST("a link's full size is found with one probe", a_link_s_full_size_is_found_with_one_probe),
		TEST("what a path takes is found, whatever it is", what_a_path_takes_is_found_whatever_it_is),
		TEST("usual sizes are found exactly", usual_sizes_are_found_exactly),
		TEST("a router that answers saves the search", a_router_that_answers_saves_the_search),
		TEST("nothing above the link's own is tried", nothing_above_the_link_s_own_is_tried),
		TEST("jumbo frames are tried after the usual ones", jumbo_frames_are_tried_after_the_usual_ones),
		TEST("over IPv6 nothing below 1280 is tried", over_ipv6_nothing_below_1280_is_tried),
		TEST("a silent path says nothing of its MTU", a_silent_path_says_nothing_of_its_mtu),
		TEST("a probe is not lost before something later arrived and its time is over",
		     a_probe_is_not_lost_before_something_later_arrived_and_its_time_is_over),
		TEST("an answer counts, however late", an_answer_counts_however_late),
		TEST("a path that loses much is asked more often", a_path_that_loses_much_is_asked_more_often),
		TEST("what vanishes goes again in a size that passes", what_vanishes_goes_again_in_a_size_that_passes),
		TEST("a black hole is left for the base, and then for what passes",
		     a_black_hole_is_left_for_the_base_and_then_for_what_passes),
		TEST("a path narrower than the base is left for the floor",
		     a_path_narrower_than_the_base_is_left_for_the_floor),
		TEST("a loss with as large a one behind it is no black hole",
		     a_loss_with_as_large_a_one_behind_it_is_no_black_hole),
		TEST("a black hole for the larger of sizes nearly alike is found",
		     a_black_hole_for_the_larger_of_sizes_nearly_alike_is_found),
		TEST("such a loss is chance when as large a one arrives in between",
		     such_a_loss_is_chance_when_as_large_a_one_arrives_in_between),
		TEST("a hint about data only makes it ask", a_hint_about_data_only_makes_it_ask),
		TEST("what is smaller than a hint says nothing of it", what_is_smaller_than_a_hint_says_nothing_of_it),
		TEST("a router's word after a change takes two probes", a_router_s_word_after_a_change_takes_two_probes),
		TEST("impossible hints are not believed", impossible_hints_are_not_believed),
		TEST("the search is taken up again after ten minutes of use",
		     the_search_is_taken_up_again_after_ten_minutes_of_use),
		TEST("a changed link is asked at once", a_changed_link_is_asked_at_once),
		TEST("random events keep it within its bounds", random_events_keep_it_within_its_bounds),
	};

	return RUN_TESTS(tests);
}
