/* transit: round trips without what happens to answers on their way back. */
#include <stdio.h>

#include "core/path/transit.h"
#include "sim/dice.h"
#include "tap.h"

#define SLACK	(MSEC(1) / 5)	/* what a way back may seem to grow by in a third of a second, and units */
#define APART	SEC(86400 * 3)	/* the peer's clock is so far ahead */

/* One datagram: so long there and back, by a peer whose clock is that far ahead, or behind. */
static nsec_t measure(struct transit *t, nsec_t at, nsec_t there, nsec_t back, int64_t ahead)
{
	nsec_t came = (nsec_t)((int64_t)(at + there) + ahead);

	return transit_rtt(t, at, transit_clock(came), there + back, at + there + back);
}

static bool is_near(nsec_t a, nsec_t b, nsec_t off)
{
	return (a > b ? a - b : b - a) <= off;
}

static void what_delays_answers_is_left_out(void **state)
{
	struct transit t = { 0 };

	(void)state;
	for (nsec_t at = SEC(1); at < SEC(30); at += MSEC(10)) {
		nsec_t back = MSEC(20) + at / MSEC(10) % 7 * MSEC(9);
		nsec_t rtt = measure(&t, at, MSEC(30), back, (int64_t)APART);

		if (at > SEC(2))
			assert_true(is_near(rtt, MSEC(50), SLACK));
	}
}

static void what_delays_datagrams_is_seen_at_once_and_to_the_full(void **state)
{
	struct transit t = { 0 };

	(void)state;
	for (nsec_t at = SEC(1); at < SEC(30); at += MSEC(10)) {
		nsec_t there = MSEC(30) + at / MSEC(10) % 5 * MSEC(40);

		assert_true(is_near(measure(&t, at, there, MSEC(20), (int64_t)APART), there + MSEC(20), 2 * TRANSIT_UNIT));
	}
}

/* For a day; the clock goes over 134 s many times. */
static void clocks_of_different_speed_do_no_harm(void **state)
{
	static const int64_t ppm[] = { -100, -20, 20, 100 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ppm); i++) {
		struct transit t = { 0 };

		for (nsec_t at = SEC(1); at < SEC(86400); at += MSEC(100)) {
			int64_t ahead = (int64_t)(at / 1000000) * ppm[i];
			nsec_t back = MSEC(20) + at / MSEC(100) % 3 * MSEC(40);
			nsec_t rtt = measure(&t, at, MSEC(30), back, ahead);

			if (at > SEC(2))
				assert_true(is_near(rtt, MSEC(50), SLACK));
		}
	}
}

/* It slept, or another has its address now: what was known is known to be wrong, or is forgotten. */
static void a_clock_that_jumps_is_believed_anew(void **state)
{
	static const int64_t jump[] = { -(int64_t)SEC(3600), -(int64_t)SEC(1), -(int64_t)MSEC(40), (int64_t)MSEC(40),
					(int64_t)SEC(1), (int64_t)SEC(3600) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jump); i++) {
		bool at_once = jump[i] < -(int64_t)MSEC(50) || jump[i] > 0;
		struct transit t = { 0 };

		for (nsec_t at = SEC(1); at < SEC(60); at += MSEC(50)) {
			int64_t ahead = (int64_t)APART + (at >= SEC(30) ? jump[i] : 0);
			nsec_t rtt = measure(&t, at, MSEC(30), MSEC(20), ahead);

			assert_true(rtt >= 1 && rtt <= MSEC(50));
			if (at < SEC(30) || at_once)
				assert_true(is_near(rtt, MSEC(50), 2 * TRANSIT_UNIT));
		}
	}
}

/* Whatever a peer says of its clock: no more than the whole, and never nothing. */
static void a_peer_that_lies_cannot_make_a_round_trip_longer(void **state)
{
	struct dice dice;
	struct transit t = { 0 };

	(void)state;
	dice_sow(&dice, 5);
	for (nsec_t at = SEC(1); at < SEC(1000); at += MSEC(10)) {
		nsec_t whole = MSEC(1) + dice_draw(&dice) % SEC(1);
		nsec_t rtt = transit_rtt(&t, at, (uint32_t)dice_draw(&dice) & ((1u << TRANSIT_BITS) - 1), whole, at + whole);

		assert_in_range(rtt, 1, whole);
	}
}

/* Each time as far on as its clock can say: what it adds up to is a number all the same. */
static void a_clock_that_runs_away_is_begun_anew(void **state)
{
	(void)state;
	for (int way = -1; way <= 1; way += 2) {
		struct transit t = { 0 };
		uint32_t clock = 0;
		int64_t farthest = 0;

		for (nsec_t at = SEC(1), n = 0; n < 1u << 18; n++, at += TRANSIT_UNIT) {
			clock += (uint32_t)(way * ((1 << (TRANSIT_BITS - 1)) - 1));
			assert_in_range(transit_rtt(&t, at, clock & ((1u << TRANSIT_BITS) - 1), MSEC(1), at + MSEC(1)),
					1, MSEC(1));
			if (t.there * way > farthest)
				farthest = t.there * way;
		}
		assert_in_range(farthest, INT64_C(1) << 40, (INT64_C(1) << 40) + (1 << TRANSIT_BITS));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what delays answers is left out", what_delays_answers_is_left_out),
		TEST("what delays datagrams is seen at once, and to the full",
		     what_delays_datagrams_is_seen_at_once_and_to_the_full),
		TEST("clocks of different speed do no harm", clocks_of_different_speed_do_no_harm),
		TEST("a clock that jumps is believed anew", a_clock_that_jumps_is_believed_anew),
		TEST("a peer that lies cannot make a round trip longer",
		     a_peer_that_lies_cannot_make_a_round_trip_longer),
		TEST("a clock that runs away is begun anew", a_clock_that_runs_away_is_begun_anew),
	};

	return RUN_TESTS(tests);
}
