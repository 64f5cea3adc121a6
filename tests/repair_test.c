/* repair: copies of what is under way, on handles and times. */
#include <stdlib.h>

#include "base/buf.h"
#include "core/flow/lane.h"
#include "core/flow/repair.h"
#include "tap.h"

#define ITEMS	8

static struct buf_pool *pool;
static struct repair *repair;

static int begin(void **state)
{
	(void)state;
	pool = buf_pool_new(64);
	repair = repair_new(ITEMS);
	return pool == NULL || repair == NULL;
}

static int finish(void **state)
{
	size_t left;

	(void)state;
	repair_free(repair);
	left = buf_pool_left(pool);
	buf_pool_free(pool);
	return left != 64;
}

static uint32_t keep(unsigned lane, uint32_t seq, nsec_t deadline)
{
	const struct piece piece = { .lane = (uint16_t)lane, .seq = seq };

	return repair_keep(repair, buf_get(pool), &piece, deadline);
}

/* A packet of lane 1 that is under way once. */
static uint32_t send(uint32_t seq, nsec_t deadline)
{
	uint32_t handle = keep(1, seq, deadline);

	repair_sent(repair, handle);
	return handle;
}

static void what_arrives_is_forgotten(void **state)
{
	uint32_t handle = send(1, SEC(1));

	(void)state;
	repair_acked(repair, handle);
	assert_int_equal(buf_pool_left(pool), 64);
	repair_lost(repair, handle, 0);
	assert_null(repair_next(repair, 0));
}

static void what_is_lost_waits_once_in_the_order_of_losses(void **state)
{
	uint32_t a = send(1, SEC(1)), b = send(2, SEC(1));

	(void)state;
	repair_doubted(repair, b, 0);
	repair_lost(repair, b, 0);
	repair_lost(repair, a, 0);
	assert_int_equal(repair_next(repair, 0)->piece.seq, 2);
	repair_take(repair);
	assert_int_equal(repair_next(repair, 0)->piece.seq, 1);
	repair_take(repair);
	assert_null(repair_next(repair, 0));
	assert_int_equal(repair_stats(repair).resent, 2);
}

static void a_copy_elsewhere_keeps_a_packet_from_being_lost(void **state)
{
	uint32_t a = send(1, SEC(1));

	(void)state;
	repair_sent(repair, a);
	repair_lost(repair, a, 0);
	assert_null(repair_next(repair, 0));
	repair_lost(repair, a, 0);
	assert_non_null(repair_next(repair, 0));
}

static void what_arrives_while_it_waits_is_not_sent_again(void **state)
{
	uint32_t a = send(1, SEC(1)), b = send(2, SEC(1));

	(void)state;
	repair_lost(repair, a, 0);
	repair_lost(repair, b, 0);
	repair_acked(repair, a);
	assert_int_equal(repair_next(repair, 0)->piece.seq, 2);
}

static void what_is_too_late_is_given_up_and_told_in_ranges(void **state)
{
	struct skips_range skip[4];
	uint16_t batch;

	(void)state;
	for (uint32_t seq = 1; seq <= 5; seq++)
		repair_lost(repair, send(seq == 3 ? LANE_SEQ_MASK : seq, MSEC(10)), 0);
	assert_null(repair_next(repair, MSEC(10)));
	assert_true(repair_has_skips(repair));
	assert_int_equal(repair_skips(repair, skip, 4, &batch), 3);
	assert_int_equal(skip[0].seq, 1);
	assert_int_equal(skip[0].count, 2);
	assert_int_equal(skip[1].seq, LANE_SEQ_MASK);
	assert_int_equal(skip[1].count, 1);
	assert_int_equal(skip[2].seq, 4);
	assert_int_equal(skip[2].count, 2);
	assert_false(repair_has_skips(repair));
	repair_repeat_skips(repair, batch);
	assert_int_equal(repair_skips(repair, skip, 4, &batch), 3);
	assert_int_equal(repair_stats(repair).given_up, 5);
}

static void too_late_with_a_copy_under_way_is_not_given_up(void **state)
{
	uint32_t a = send(1, MSEC(10));

	(void)state;
	repair_sent(repair, a);
	repair_doubted(repair, a, 0);
	assert_null(repair_next(repair, MSEC(20)));
	assert_false(repair_has_skips(repair));
	repair_lost(repair, a, 0);
	assert_null(repair_next(repair, MSEC(20)));
	assert_true(repair_has_skips(repair));
}

/* A queue that has just overflown says late what is lost, and has no room for it at once. */
static void what_nobody_has_sent_again_yet_may_wait_longer_once(void **state)
{
	uint32_t a = send(1, MSEC(10));

	(void)state;
	repair_lost(repair, a, MSEC(30));
	assert_non_null(repair_next(repair, MSEC(29)));
	repair_take(repair);
	repair_sent(repair, a);
	repair_lost(repair, a, MSEC(60));
	assert_null(repair_next(repair, MSEC(30)));
	assert_true(repair_has_skips(repair));
}

/* Where it is in doubt nobody will ever say that it is lost. */
static void what_was_in_doubt_and_is_lost_elsewhere_is_sent_once_more(void **state)
{
	uint32_t a = send(1, SEC(1));

	(void)state;
	repair_doubted(repair, a, 0);
	assert_non_null(repair_next(repair, 0));
	repair_take(repair);
	repair_sent(repair, a);
	assert_null(repair_next(repair, 0));
	repair_lost(repair, a, 0);
	assert_non_null(repair_next(repair, 0));
}

static void what_cannot_be_sent_is_given_up_unless_it_is_under_way(void **state)
{
	uint32_t a = keep(1, 1, SEC(1)), b = send(2, SEC(1));
	struct skips_range skip[4];
	uint16_t batch;

	(void)state;
	repair_unsent(repair, a);
	repair_unsent(repair, b);
	repair_unsent(repair, REPAIR_NONE);
	assert_int_equal(repair_skips(repair, skip, 4, &batch), 1);
	assert_int_equal(skip[0].seq, 1);
	assert_int_equal(repair_stats(repair).kept, 1);
}

static void pieces_of_one_packet_are_told_as_one_number(void **state)
{
	struct piece piece = { .lane = 1, .seq = 7, .partial = true };
	struct skips_range skip[4];
	uint16_t batch;

	(void)state;
	for (unsigned i = 0; i < 3; i++, piece.offset += PIECE_UNIT)
		repair_unsent(repair, repair_keep(repair, buf_get(pool), &piece, SEC(1)));
	piece.seq = 8;
	repair_skip(repair, &piece);
	repair_skip(repair, &piece);
	assert_int_equal(repair_skips(repair, skip, 4, &batch), 1);
	assert_int_equal(skip[0].seq, 7);
	assert_int_equal(skip[0].count, 2);
}

static void what_is_withdrawn_is_nobody_s_but_the_caller_s(void **state)
{
	uint32_t a = send(1, SEC(1)), b = send(2, SEC(1));
	struct buf *packet;

	(void)state;
	repair_doubted(repair, a, 0);
	repair_doubted(repair, b, 0);
	packet = repair_next(repair, 0)->packet;
	assert_ptr_equal(repair_withdraw(repair), packet);
	buf_put(packet);
	repair_acked(repair, a);
	repair_lost(repair, a, 0);
	assert_int_equal(repair_next(repair, 0)->piece.seq, 2);
	repair_take(repair);
	assert_null(repair_next(repair, 0));
	assert_false(repair_has_skips(repair));
}

static void without_room_the_oldest_is_given_up(void **state)
{
	struct skips_range skip[4];
	uint16_t batch;
	uint32_t first = send(1, SEC(1));

	(void)state;
	for (uint32_t seq = 2; seq <= ITEMS + 1; seq++)
		send(seq, SEC(1));
	assert_int_equal(buf_pool_left(pool), 64 - ITEMS);
	assert_int_equal(repair_skips(repair, skip, 4, &batch), 1);
	assert_int_equal(skip[0].seq, 1);
	repair_lost(repair, first, 0);
	assert_null(repair_next(repair, 0));
}

static void those_that_are_gone_do_not_fill_the_line(void **state)
{
	uint32_t first = send(1, SEC(1));

	(void)state;
	repair_lost(repair, first, 0);	/* stays in front, so nobody clears up behind it */
	for (uint32_t seq = 2; seq < 4 * ITEMS; seq++) {
		uint32_t handle = send(seq, SEC(1));

		repair_lost(repair, handle, 0);
		if (seq % 2 == 0)
			repair_acked(repair, handle);
		if (seq % (ITEMS - 2) == 0)
			keep(2, seq, SEC(1));
	}
	repair_lost(repair, send(99, SEC(1)), 0);
	for (const struct repair_item *i; (i = repair_next(repair, 0)) != NULL && i->piece.seq != 99;)
		repair_take(repair);
	assert_non_null(repair_next(repair, 0));
}

static void neighbours_across_the_wrap_are_one_range(void **state)
{
	struct skips_range skip[4];
	uint16_t batch;

	(void)state;
	repair_lost(repair, send(LANE_SEQ_MASK, 1), 0);
	repair_lost(repair, send(0, 1), 0);
	assert_null(repair_next(repair, 1));
	assert_int_equal(repair_skips(repair, skip, 4, &batch), 1);
	assert_int_equal(skip[0].count, 2);
}

/* A path that carried both has died: the one that has lost two hundred, and the one that has lost three. */
static void lanes_take_turns_and_each_keeps_its_order(void **state)
{
	static const unsigned lane[] = { 5, 5, 5, 5, 5, 9, 9, 9 };
	static const uint32_t wanted[] = { 105, 106, 205, 206, 107, 108, 207 };
	uint32_t handle;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(lane); i++) {
		const struct piece piece = { .lane = (uint16_t)lane[i], .seq = i < 5 ? 105 + i : 200 + i };
		struct buf *b = buf_get(pool);

		buf_append(b, 800);
		handle = repair_keep(repair, b, &piece, SEC(1));
		repair_sent(repair, handle);
		repair_lost(repair, handle, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_int_equal(repair_next(repair, 0)->piece.seq, wanted[i]);
		assert_true(repair_lane_waits(repair, 5));
		assert_int_equal(repair_lane_waits(repair, 9), true);
		repair_take(repair);
	}
	assert_false(repair_lane_waits(repair, 9));
	while (repair_next(repair, 0) != NULL)
		repair_take(repair);
	assert_false(repair_is_waiting(repair) || repair_lane_waits(repair, 5));
}

static void what_nobody_could_send_is_not_too_late(void **state)
{
	uint32_t a = send(1, MSEC(10));

	(void)state;
	send(2, SEC(60));
	repair_lost(repair, a, 0);
	repair_extend(repair, SEC(31));
	assert_int_equal(repair_next(repair, SEC(30))->piece.seq, 1);
	assert_null(repair_next(repair, SEC(31)));
	assert_true(repair_has_skips(repair));
}

static void random_lives_lose_no_buffer(void **state)
{
	uint32_t handle[64] = { 0 };

	(void)state;
	srand(1);
	for (int n = 0; n < 200000; n++) {
		uint32_t *h = &handle[rand() % 64];

		switch (rand() % 6) {
		case 0:
			if (buf_pool_left(pool) > 0)
				*h = send((uint32_t)n & LANE_SEQ_MASK, (nsec_t)(n + rand() % 50));
			break;
		case 1:
			repair_acked(repair, *h);
			break;
		case 2:
			repair_lost(repair, *h, 0);
			break;
		case 3:
			repair_doubted(repair, *h, 0);
			break;
		case 4:
			repair_sent(repair, *h);
			break;
		case 5:
			if (repair_next(repair, (nsec_t)n) != NULL)
				repair_take(repair);
			break;
		}
		assert_int_equal(buf_pool_left(pool), 64 - repair_stats(repair).kept);
	}
}

#define CASE(sentence, function) { .name = (sentence), .test_func = (function), .setup_func = begin, \
				   .teardown_func = finish }

static void asked_for_room_it_gives_up_its_oldest(void **state)
{
	struct skips_range skip[4];
	uint16_t batch;

	(void)state;
	/* more than it has places for, some of them gone */
	for (uint32_t seq = 0; seq < 2 * ITEMS; seq++) {
		uint32_t handle = send(seq, SEC(1));

		if (seq >= ITEMS && seq % 2 == 0)
			repair_acked(repair, handle);
	}
	while (repair_has_skips(repair))
		repair_skips(repair, skip, 4, &batch);
	for (uint32_t seq = ITEMS + 1; seq < 2 * ITEMS; seq += 2) {
		assert_true(repair_yield(repair));
		assert_int_equal(repair_skips(repair, skip, 4, &batch), 1);
		assert_int_equal(skip[0].seq, seq);
	}
	assert_false(repair_yield(repair));
	assert_int_equal(buf_pool_left(pool), 64);
	send(100, SEC(1));
	assert_true(repair_yield(repair));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("what arrives is forgotten", what_arrives_is_forgotten),
		CASE("what is lost waits once, in the order of losses",
		     what_is_lost_waits_once_in_the_order_of_losses),
		CASE("lanes take turns, and each keeps its order", lanes_take_turns_and_each_keeps_its_order),
		CASE("what was in doubt and is lost elsewhere is sent once more",
		     what_was_in_doubt_and_is_lost_elsewhere_is_sent_once_more),
		CASE("what nobody has sent again yet may wait longer, once",
		     what_nobody_has_sent_again_yet_may_wait_longer_once),
		CASE("what nobody could send is not too late", what_nobody_could_send_is_not_too_late),
		CASE("a copy elsewhere keeps a packet from being lost",
		     a_copy_elsewhere_keeps_a_packet_from_being_lost),
		CASE("what arrives while it waits is not sent again",
		     what_arrives_while_it_waits_is_not_sent_again),
		CASE("what is too late is given up, and told in ranges",
		     what_is_too_late_is_given_up_and_told_in_ranges),
		CASE("too late with a copy under way is not given up",
		     too_late_with_a_copy_under_way_is_not_given_up),
		CASE("what cannot be sent is given up unless it is under way",
		     what_cannot_be_sent_is_given_up_unless_it_is_under_way),
		CASE("pieces of one packet are told as one number", pieces_of_one_packet_are_told_as_one_number),
		CASE("what is withdrawn is nobody's but the caller's", what_is_withdrawn_is_nobody_s_but_the_caller_s),
		CASE("without room the oldest is given up", without_room_the_oldest_is_given_up),
		CASE("asked for room it gives up its oldest", asked_for_room_it_gives_up_its_oldest),
		CASE("those that are gone do not fill the line", those_that_are_gone_do_not_fill_the_line),
		CASE("neighbours across the wrap are one range", neighbours_across_the_wrap_are_one_range),
		CASE("random lives lose no buffer", random_lives_lose_no_buffer),
	};

	return RUN_TESTS(tests);
}
