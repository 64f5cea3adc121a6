/* standing: what of a round trip is a queue of ours, and how much of one may stand. */
#include "core/path/standing.h"

#include "tap.h"

#define RTT	MSEC(40)
#define PACKET	(MSEC(1) / 4)	/* of 1500 bytes at 48 Mbit/s */

/* So many ACKs, one every millisecond, with nothing that waits on the way back. */
static nsec_t acks(struct standing *q, unsigned count, nsec_t rtt, nsec_t now)
{
	for (unsigned i = 0; i < count; i++)
		standing_acked(q, rtt, rtt, now += MSEC(1));
	return now;
}

/* By turns more and less. */
static void jitters(struct standing *q, nsec_t off)
{
	for (unsigned i = 0; i < 2 * JITTER_CALM; i++)
		standing_calm(q, i % 2 != 0 ? RTT + off : RTT - off);
}

static void what_stands_for_a_while_is_a_queue(void **state)
{
	struct standing q = { 0 };
	nsec_t now = acks(&q, 10, RTT, SEC(1));

	(void)state;
	assert_int_equal(standing_queue(&q), 0);
	now = acks(&q, 15, RTT + MSEC(8), now);
	assert_int_equal(standing_queue(&q), 0);	/* 20 ms are not over */
	now = acks(&q, 10, RTT + MSEC(8), now);
	assert_int_equal(standing_rtt(&q), RTT + MSEC(8));
	assert_int_equal(standing_queue(&q), MSEC(8));
	acks(&q, 1, RTT + MSEC(2), now);
	assert_int_equal(standing_queue(&q), MSEC(2));
}

static void the_floor_goes_down_at_once_and_up_only_when_told(void **state)
{
	struct standing q = { 0 };
	nsec_t now = acks(&q, 10, RTT, SEC(1));

	(void)state;
	now = acks(&q, 10000, RTT + MSEC(30), now);
	assert_int_equal(q.floor, RTT);
	standing_raise(&q, RTT + MSEC(30), false);
	assert_int_equal(q.floor, RTT + MSEC(30));
	assert_int_equal(standing_queue(&q), 0);
	acks(&q, 1, RTT - MSEC(10), now);
	assert_in_range(q.floor, RTT - MSEC(10), RTT - MSEC(9));	/* so far a step looks like jitter */
}

/* 50 ms above what is sure are not believed of a light brake, and of a long path a quarter. */
static void a_floor_that_rises_far_is_unsure_until_a_deep_brake_has_seen_it(void **state)
{
	static const nsec_t rtt[] = { MSEC(40), MSEC(200), MSEC(400) };
	static const nsec_t far[] = { MSEC(50), MSEC(50), MSEC(100) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rtt); i++) {
		struct standing q = { 0 };

		acks(&q, 10, rtt[i], SEC(1));
		assert_false(standing_is_unsure(&q, rtt[i] + far[i]));
		assert_true(standing_is_unsure(&q, rtt[i] + far[i] + 1));
		standing_raise(&q, rtt[i] + far[i], false);
		assert_true(standing_is_unsure(&q, rtt[i] + far[i] + 1));
		standing_raise(&q, rtt[i] + far[i], true);
		assert_false(standing_is_unsure(&q, rtt[i] + far[i] + 1));
	}
}

/* Six packets may stand and three more before it is too much, but of slow ones 10 ms, or just one. */
static void slow_packets_widen_target_and_limit(void **state)
{
	static const struct {
		nsec_t packet, target, more;
	} row[] = {
		{ 0, MSEC(3), MSEC(5) },
		{ MSEC(1) / 4, MSEC(3), MSEC(5) + 3 * MSEC(1) / 4 },
		{ MSEC(1), MSEC(6), MSEC(8) },
		{ MSEC(2), MSEC(10), MSEC(11) },
		{ MSEC(12), MSEC(12), MSEC(17) },
	};
	struct standing q = { 0 };

	(void)state;
	acks(&q, 10, RTT, SEC(1));
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(standing_target(&q, row[i].packet), row[i].target);
		assert_int_equal(standing_limit(&q, row[i].packet), row[i].target + row[i].more);
	}
}

static void jitter_widens_both_and_brakes_in_vain_the_limit(void **state)
{
	struct standing q = { 0 }, calm = { 0 };
	nsec_t limit;

	(void)state;
	acks(&calm, 10, RTT, SEC(1));
	jitters(&q, MSEC(6));
	acks(&q, 10, RTT - MSEC(6), SEC(1));
	assert_true(standing_is_jittery(&q));
	assert_false(standing_is_jittery(&calm));
	assert_true(standing_target(&q, PACKET) > standing_target(&calm, PACKET) + MSEC(6));
	limit = standing_limit(&q, PACKET);
	for (int i = 0; i < 100; i++)
		standing_widen(&q);
	assert_int_equal(q.slack, MSEC(20));
	assert_in_range(standing_limit(&q, PACKET), limit + MSEC(4), limit + MSEC(20));
	for (int i = 0; i < 10; i++)
		standing_narrow(&q);
	assert_int_equal(standing_limit(&q, PACKET), limit);
}

/* In an hour there is one RTT that is far below all others; the path is the same after it. */
static void one_rtt_far_below_the_others_takes_no_room_away(void **state)
{
	struct standing q = { 0 };
	nsec_t now;

	(void)state;
	jitters(&q, MSEC(6));
	now = acks(&q, 10, RTT - MSEC(6), SEC(1));
	standing_raise(&q, RTT + MSEC(8), true);
	assert_in_range(standing_room(&q), MSEC(3), MSEC(6));
	now = acks(&q, 1, RTT - MSEC(28), now);
	standing_raise(&q, RTT + MSEC(8), true);
	assert_in_range(standing_room(&q), MSEC(3), MSEC(6));
	/* so short that the way must be another one */
	acks(&q, 1, RTT - MSEC(36), now);
	standing_raise(&q, RTT + MSEC(8), true);
	assert_int_equal(standing_room(&q), 0);
}

static void answers_that_wait_are_no_queue_but_are_waited_for(void **state)
{
	struct standing q = { 0 };
	nsec_t now = SEC(1);

	(void)state;
	for (int i = 0; i < 1000; i++)
		standing_acked(&q, RTT + MSEC(10), RTT, now += MSEC(1));
	assert_int_equal(standing_queue(&q), 0);
	assert_in_range(standing_wait(&q), MSEC(9), MSEC(11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what stands for a while is a queue", what_stands_for_a_while_is_a_queue),
		TEST("the floor goes down at once, and up only when told",
		     the_floor_goes_down_at_once_and_up_only_when_told),
		TEST("a floor that rises far is unsure until a deep brake has seen it",
		     a_floor_that_rises_far_is_unsure_until_a_deep_brake_has_seen_it),
		TEST("slow packets widen target and limit", slow_packets_widen_target_and_limit),
		TEST("jitter widens both, and brakes in vain the limit",
		     jitter_widens_both_and_brakes_in_vain_the_limit),
		TEST("one RTT far below the others takes no room away", one_rtt_far_below_the_others_takes_no_room_away),
		TEST("answers that wait are no queue, but are waited for",
		     answers_that_wait_are_no_queue_but_are_waited_for),
	};

	return RUN_TESTS(tests);
}
