/* habit: what counts as sparse, steady and bulk, and who keeps its place. */
#include "core/flow/habit.h"

#include <stdlib.h>

#include "tap.h"

struct fixture {
	struct habit_table table;
	nsec_t now;
};

static struct fixture *prepare(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = SEC(5000);	/* beyond the 32 bits of microseconds, too */
	return f;
}

/* So many packets at a pace; gives the last one's. */
static struct habit send(struct fixture *f, uint32_t flow, unsigned count, size_t len, nsec_t interval)
{
	struct habit h = { 0 };

	for (unsigned i = 0; i < count; i++) {
		f->now += interval;
		h = habit_note(&f->table, flow, len, f->now);
	}
	return h;
}

static bool stays_steady(size_t len, nsec_t interval)
{
	struct fixture *f = prepare();
	bool steady = true;

	send(f, 1, 50, len, interval);
	for (int i = 0; i < 1000; i++)
		steady &= send(f, 1, 1, len, interval).steady;
	free(f);
	return steady;
}

static void calls_and_games_are_steady(void **state)
{
	(void)state;
	assert_true(stays_steady(200, MSEC(20)));	/* a call */
	assert_true(stays_steady(120, MSEC(10)));
	assert_true(stays_steady(500, NSEC_PER_SEC / 128));	/* a game */
	assert_true(stays_steady(84, SEC(1)));
}

static void downloads_and_pictures_are_not(void **state)
{
	(void)state;
	assert_false(stays_steady(1400, MSEC(10)));
	assert_false(stays_steady(1200, MSEC(60)));	/* slow, but it may be a beginning */
	assert_false(stays_steady(1200, MSEC(40)));
	assert_false(stays_steady(601, MSEC(40)));
	assert_false(stays_steady(600, MSEC(5)));
}

static void a_flow_is_steady_after_eight_packets_and_200_ms(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	assert_true(send(f, 1, 1, 200, MSEC(20)).sparse);
	for (int i = 2; i <= 10; i++) {
		struct habit h = send(f, 1, 1, 200, MSEC(20));

		assert_true(h.sparse);
		assert_false(h.steady);
	}
	assert_true(send(f, 1, 1, 200, MSEC(20)).steady);
	assert_false(send(f, 2, 7, 200, MSEC(100)).steady);
	assert_true(send(f, 2, 1, 200, MSEC(100)).steady);
	free(f);
}

static void a_download_shows_with_its_second_packet(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	assert_true(send(f, 1, 1, 1400, 0).sparse);
	assert_false(send(f, 1, 1, 1400, MSEC(1)).sparse);
	/* of a flow that was steady, too */
	assert_true(send(f, 2, 100, 200, MSEC(100)).steady);
	assert_false(send(f, 2, 1, 1200, MSEC(24)).steady);
	assert_true(send(f, 2, 1, 200, MSEC(100)).sparse);
	assert_false(send(f, 2, 1, 200, MSEC(100)).steady);
	assert_true(send(f, 2, 8, 200, MSEC(100)).steady);
	/* small ones may come a dozen at once */
	assert_true(send(f, 3, 12, 600, 0).sparse);
	assert_false(send(f, 3, 1, 600, 0).sparse);
	free(f);
}

static void what_sends_only_small_ones_for_a_while_is_answers(void **state)
{
	struct fixture *f = prepare();
	struct habit h;

	(void)state;
	/* far more than the allowance: 2000 a second */
	assert_false(send(f, 1, 401, HABIT_ANSWER, NSEC_PER_SEC / 2000 - 10).answers);
	h = send(f, 1, 1, HABIT_ANSWER, MSEC(1));
	assert_true(h.answers);
	assert_false(h.sparse);
	assert_false(h.steady);
	/* a larger one is none, and those after it may be of its kind */
	assert_false(send(f, 1, 1, HABIT_ANSWER + 1, MSEC(1)).answers);
	assert_false(send(f, 1, 199, 60, MSEC(1)).answers);
	assert_true(send(f, 1, 1, 60, MSEC(1)).answers);
	assert_false(send(f, 2, 7, 60, MSEC(100)).answers);
	assert_true(send(f, 2, 1, 60, MSEC(100)).answers);
	free(f);
}

static void bulk_is_forgiven_after_a_quiet_second(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	send(f, 1, 100, 1400, MSEC(1));
	assert_false(send(f, 1, 9, 200, MSEC(100)).sparse);
	assert_true(send(f, 1, 1, 200, MSEC(100)).sparse);
	assert_true(send(f, 1, 1, 200, MSEC(20)).steady);
	free(f);
}

static void a_flood_of_new_flows_pushes_no_steady_one_out(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	for (uint32_t flow = 0; flow < 16; flow++)
		send(f, flow << 10, 20, 200, MSEC(20));
	for (uint32_t i = 0; i < 1000000; i++) {
		f->now += 1000;		/* a million a second */
		habit_note(&f->table, i * 2654435761u | 1, 60, f->now);
	}
	for (uint32_t flow = 0; flow < 16; flow++)
		assert_true(send(f, flow << 10, 1, 200, 0).steady);
	free(f);
}

static void a_flow_that_finds_no_place_is_bulk(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	for (uint32_t n = 0; n < HABIT_WAYS; n++)	/* all of one place */
		send(f, n << 18, 20, 200, MSEC(20));
	assert_false(send(f, 100u << 18, 1, 200, MSEC(20)).sparse);
	/* ten seconds later theirs is free */
	assert_true(send(f, 100u << 18, 1, 200, SEC(10)).sparse);
	free(f);
}

static void the_clock_s_low_bits_may_wrap(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	f->now = ((nsec_t)1 << 32) * NSEC_PER_USEC - MSEC(500);
	send(f, 1, 20, 200, MSEC(20));
	for (int i = 0; i < 100; i++)
		assert_true(send(f, 1, 1, 200, MSEC(20)).steady);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("calls and games are steady", calls_and_games_are_steady),
		TEST("downloads and pictures are not", downloads_and_pictures_are_not),
		TEST("a flow is steady after eight packets and 200 ms",
		     a_flow_is_steady_after_eight_packets_and_200_ms),
		TEST("a download shows with its second packet", a_download_shows_with_its_second_packet),
		TEST("what sends only small ones for a while is answers",
		     what_sends_only_small_ones_for_a_while_is_answers),
		TEST("bulk is forgiven after a quiet second", bulk_is_forgiven_after_a_quiet_second),
		TEST("a flood of new flows pushes no steady one out",
		     a_flood_of_new_flows_pushes_no_steady_one_out),
		TEST("a flow that finds no place is bulk", a_flow_that_finds_no_place_is_bulk),
		TEST("the clock's low bits may wrap", the_clock_s_low_bits_may_wrap),
	};

	return RUN_TESTS(tests);
}
