/* codel: when strikes are due, without a queue. */
#include "core/flow/codel.h"
#include "tap.h"

#define START	SEC(10)

static const struct codel_params params = { .target = MSEC(5), .interval = MSEC(100) };

/* A queue that is found standing at START. */
static struct codel standing(void)
{
	struct codel c = { 0 };

	codel_above(&c, &params, START - params.interval);
	codel_above(&c, &params, START);
	return c;
}

/* When the next strike falls on one of many arrivals, looked at every 10 us from `from` on. */
static nsec_t next_strike(struct codel *c, nsec_t from)
{
	for (nsec_t now = from; now < from + SEC(1); now += 10 * NSEC_PER_USEC)
		if (codel_strike(c, &params, now))
			return now;
	return NSEC_NEVER;
}

static void a_queue_stands_after_an_interval_above(void **state)
{
	struct codel c = { 0 };

	(void)state;
	codel_above(&c, &params, START);
	assert_false(codel_strike(&c, &params, START + MSEC(100)));
	codel_above(&c, &params, START + MSEC(100) - 1);
	assert_false(codel_strike(&c, &params, START + MSEC(100)));
	codel_above(&c, &params, START + MSEC(100));
	assert_true(codel_strike(&c, &params, START + MSEC(100)));
	assert_false(codel_strike(&c, &params, START + MSEC(100)));
}

static void one_packet_in_time_begins_the_interval_anew(void **state)
{
	struct codel c = { 0 };

	(void)state;
	codel_above(&c, &params, START);
	codel_below(&c);
	codel_above(&c, &params, START + MSEC(99));
	codel_above(&c, &params, START + MSEC(198));
	assert_false(codel_strike(&c, &params, START + MSEC(198)));
	codel_above(&c, &params, START + MSEC(199));
	assert_true(codel_strike(&c, &params, START + MSEC(199)));
}

/* 100 ms / sqrt(1 .. 5) */
static void strikes_come_closer_by_the_square_root(void **state)
{
	static const unsigned gap_us[] = { 100000, 70711, 57735, 50000, 44721 };
	struct codel c = standing();
	nsec_t at = next_strike(&c, START);

	(void)state;
	assert_int_equal(at, START);
	for (size_t i = 0; i < ARRAY_SIZE(gap_us); i++) {
		nsec_t next = next_strike(&c, at);

		assert_in_range((next - at) / NSEC_PER_USEC, gap_us[i] - 20, gap_us[i] + 20);
		at = next;
	}
}

static void strikes_end_when_a_packet_leaves_in_time(void **state)
{
	struct codel c = standing();

	(void)state;
	assert_true(codel_strike(&c, &params, START));
	codel_below(&c);
	assert_int_equal(next_strike(&c, START), NSEC_NEVER);
}

/* Strikes that came due at 100, 171, 228, 278 ms: arrivals at 250 ms take three in a row. */
static void a_burst_takes_the_strikes_that_came_due_before_it(void **state)
{
	struct codel c = standing();

	(void)state;
	assert_true(codel_strike(&c, &params, START));
	for (unsigned i = 0; i < 2; i++)
		assert_true(codel_strike(&c, &params, START + MSEC(200)));
	assert_false(codel_strike(&c, &params, START + MSEC(200)));
	assert_true(codel_strike(&c, &params, START + MSEC(250)));
	assert_false(codel_strike(&c, &params, START + MSEC(250)));
}

/* After ten seconds 2500 strikes would be due; an interval's are made up. */
static void who_was_silent_pays_for_one_interval_only(void **state)
{
	struct codel c = standing();
	unsigned strikes = 0;

	(void)state;
	assert_true(codel_strike(&c, &params, START));
	while (codel_strike(&c, &params, START + SEC(10)))
		strikes++;
	assert_int_equal(strikes, 2);	/* at 9900 and 9971 ms, the next at 10028 */
}

/* Ends the standing after n strikes, and lets the queue stand again `pause` later: the gap it begins with. */
static nsec_t gap_after(unsigned n, nsec_t pause)
{
	struct codel c = standing();
	nsec_t at = START;

	for (unsigned i = 0; i < n; i++)
		at = next_strike(&c, at);
	codel_below(&c);
	codel_above(&c, &params, at + pause - params.interval);
	codel_above(&c, &params, at + pause);
	at = next_strike(&c, at + pause);
	return next_strike(&c, at) - at;
}

static void a_queue_that_soon_stands_again_goes_on_where_it_was(void **state)
{
	(void)state;
	/* 10 strikes, the first of which it began with: 100 ms / sqrt(9) */
	assert_in_range(gap_after(10, MSEC(500)) / NSEC_PER_USEC, 33320, 33350);
	assert_in_range(gap_after(10, SEC(5)) / NSEC_PER_USEC, 99990, 100010);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a queue stands after an interval above", a_queue_stands_after_an_interval_above),
		TEST("one packet in time begins the interval anew",
		     one_packet_in_time_begins_the_interval_anew),
		TEST("strikes come closer by the square root", strikes_come_closer_by_the_square_root),
		TEST("strikes end when a packet leaves in time", strikes_end_when_a_packet_leaves_in_time),
		TEST("a burst takes the strikes that came due before it",
		     a_burst_takes_the_strikes_that_came_due_before_it),
		TEST("who was silent pays for one interval only", who_was_silent_pays_for_one_interval_only),
		TEST("a queue that soon stands again goes on where it was",
		     a_queue_that_soon_stands_again_goes_on_where_it_was),
	};

	return RUN_TESTS(tests);
}
