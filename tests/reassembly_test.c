/* reassembly: packets cut into pieces, and back; also by a peer that means no good. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/flow/reassembly.h"
#include "tap.h"

#define BUFS	512

static struct buf_pool *pool;
static struct reassembly *pieces;
static uint8_t packet[PIECE_END_MAX];

static int begin(void **state)
{
	(void)state;
	pool = buf_pool_new(BUFS);
	pieces = pool != NULL ? reassembly_new(pool) : NULL;
	srand(1);
	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)rand();
	return pieces == NULL;
}

static int finish(void **state)
{
	size_t left;

	(void)state;
	reassembly_free(pieces);
	left = buf_pool_left(pool);
	buf_pool_free(pool);
	return left != BUFS;
}

static struct buf *put(uint32_t seq, size_t offset, size_t len, bool last, nsec_t now)
{
	const struct piece piece = { .lane = 3, .seq = seq, .partial = true, .last = last,
				     .offset = (uint16_t)offset };

	return reassembly_put(pieces, &piece, packet + offset, len, now);
}

static void is_whole(struct buf *b, size_t len)
{
	assert_non_null(b);
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, packet, len);
	buf_put(b);
}

static void a_packet_is_cut_into_as_few_pieces_as_fit_and_about_equal(void **state)
{
	static const struct { size_t len, room, first; } cut[] = {
		{ 1420, 1420, 1420 }, { 1421, 1420, 720 }, { 1420, 1419, 720 }, { 1420, 724, 720 },
		{ 1420, 719, 480 }, { 17, 16, 16 }, { 16, 16, 16 }, { 16, 15, 0 }, { 1, 1, 1 }, { 1, 0, 0 },
		{ 1984, 16, 16 }, { 1984, 1983, 992 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cut); i++)
		assert_int_equal(piece_cut(cut[i].len, cut[i].room), cut[i].first);
	for (size_t len = 1; len <= PIECE_END_MAX; len += 7) {
		for (size_t room = PIECE_UNIT; room <= len; room++) {
			size_t count = 0, most = room / PIECE_UNIT * PIECE_UNIT, at, n;

			for (at = 0; at < len; at += n, count++) {
				n = piece_cut(len - at, room);
				assert_true(n > 0 && n <= room);
				assert_true(n % PIECE_UNIT == 0 || at + n == len);
			}
			assert_int_equal(at, len);
			assert_true(count <= (len + most - 1) / most);
		}
	}
}

static void a_piece_of_a_piece_ends_the_packet_only_if_both_are_the_last(void **state)
{
	const struct piece all = { .lane = 1, .seq = 2, .unordered = true };
	struct piece first = piece_of(&all, 0, false), rest = piece_of(&all, 160, true);

	(void)state;
	assert_true(first.partial && !first.last && first.unordered && first.offset == 0);
	assert_true(rest.partial && rest.last && rest.offset == 160);
	assert_false(piece_of(&first, 32, true).last);
	assert_false(piece_of(&rest, 32, false).last);
	assert_true(piece_of(&rest, 32, true).last);
	assert_int_equal(piece_of(&rest, 32, true).offset, 192);
}

static void pieces_make_a_packet_in_any_order(void **state)
{
	(void)state;
	assert_null(put(1, 0, 480, false, 0));
	assert_null(put(1, 480, 480, false, 0));
	is_whole(put(1, 960, 460, true, 0), 1420);
	assert_null(put(2, 960, 460, true, 0));
	assert_null(put(2, 480, 480, false, 0));
	is_whole(put(2, 0, 480, false, 0), 1420);
	assert_int_equal(reassembly_stats(pieces).waiting, 0);
	assert_int_equal(reassembly_stats(pieces).whole, 2);
}

static void one_piece_may_be_all_of_it(void **state)
{
	(void)state;
	is_whole(put(1, 0, 1, true, 0), 1);
	is_whole(put(1, 0, PIECE_END_MAX, true, 0), PIECE_END_MAX);
}

static void what_was_cut_differently_for_another_path_fills_the_gap(void **state)
{
	(void)state;
	assert_null(put(1, 0, 720, false, 0));
	/* 720 to 1420 is lost, and goes again in smaller pieces; one of them reaches back */
	assert_null(put(1, 1072, 348, true, 0));
	is_whole(put(1, 640, 432, false, 0), 1420);
}

static void a_piece_that_comes_twice_changes_nothing(void **state)
{
	(void)state;
	assert_null(put(1, 0, 16, false, 0));
	assert_null(put(1, 0, 16, false, 0));
	assert_null(put(1, 32, 5, true, 0));
	assert_null(put(1, 32, 5, true, 0));
	is_whole(put(1, 16, 16, false, 0), 37);
}

static void the_first_bytes_that_come_for_a_place_stay(void **state)
{
	const struct piece first = { .lane = 3, .seq = 1, .partial = true };
	uint8_t other[48];
	struct buf *b;

	(void)state;
	memset(other, 0xee, sizeof(other));
	assert_null(put(1, 16, 16, false, 0));
	assert_null(reassembly_put(pieces, &first, other, 48, 0));
	b = put(1, 48, 3, true, 0);
	assert_non_null(b);
	assert_memory_equal(b->data, other, 16);
	assert_memory_equal(b->data + 16, packet + 16, 16);
	assert_memory_equal(b->data + 32, other, 16);
	buf_put(b);
}

static void pieces_that_contradict_each_other_spoil_their_packet(void **state)
{
	(void)state;
	assert_null(put(1, 160, 16, true, 0));		/* it ends at 176 */
	assert_null(put(1, 176, 16, false, 0));		/* and goes on: no */
	assert_int_equal(reassembly_stats(pieces).forgotten, 1);
	assert_null(put(2, 160, 16, true, 0));
	assert_null(put(2, 160, 15, true, 0));		/* and ends at 175: no */
	assert_int_equal(reassembly_stats(pieces).forgotten, 2);
	assert_null(put(3, 160, 32, false, 0));
	assert_null(put(3, 176, 15, true, 0));		/* it ends before what has come */
	assert_int_equal(reassembly_stats(pieces).forgotten, 3);
	assert_int_equal(reassembly_stats(pieces).waiting, 0);
	assert_int_equal(buf_pool_left(pool), BUFS);
}

static void packets_of_all_lanes_stand_apart(void **state)
{
	struct piece piece = { .partial = true };

	(void)state;
	for (uint16_t lane = 0; lane < 16; lane++) {
		piece.lane = lane;
		assert_null(reassembly_put(pieces, &piece, packet, 16, 0));
	}
	piece.offset = 16;
	piece.last = true;
	for (uint16_t lane = 0; lane < 16; lane++) {
		piece.lane = lane;
		is_whole(reassembly_put(pieces, &piece, packet + 16, 4, 0), 20);
	}
}

static void a_piece_whose_others_never_come_is_forgotten_in_time(void **state)
{
	(void)state;
	assert_int_equal(reassembly_deadline(pieces), NSEC_NEVER);
	put(1, 0, 16, false, SEC(10));
	put(2, 0, 16, false, SEC(11));
	assert_int_equal(reassembly_deadline(pieces), SEC(10) + REASSEMBLY_WAIT);
	reassembly_tick(pieces, SEC(10) + REASSEMBLY_WAIT - 1);
	assert_int_equal(reassembly_stats(pieces).waiting, 2);
	reassembly_tick(pieces, SEC(10) + REASSEMBLY_WAIT);
	assert_int_equal(reassembly_stats(pieces).waiting, 1);
	assert_int_equal(reassembly_deadline(pieces), SEC(11) + REASSEMBLY_WAIT);
	reassembly_tick(pieces, SEC(11) + REASSEMBLY_WAIT);
	assert_int_equal(reassembly_deadline(pieces), NSEC_NEVER);
	assert_int_equal(buf_pool_left(pool), BUFS);
}

static void time_in_which_nothing_could_come_is_no_time(void **state)
{
	(void)state;
	put(1, 0, 16, false, SEC(10));
	put(2, 0, 16, false, SEC(11));
	reassembly_wake(pieces, SEC(30));
	assert_int_equal(reassembly_deadline(pieces), SEC(30) + REASSEMBLY_WAIT);
	reassembly_tick(pieces, SEC(30) + REASSEMBLY_WAIT - 1);
	assert_int_equal(reassembly_stats(pieces).waiting, 2);
	reassembly_tick(pieces, SEC(30) + REASSEMBLY_WAIT);
	assert_int_equal(reassembly_stats(pieces).waiting, 0);
	reassembly_wake(pieces, SEC(40));
	assert_int_equal(reassembly_deadline(pieces), NSEC_NEVER);
}

static void beginnings_without_end_take_no_more_than_the_bound(void **state)
{
	struct piece piece = { .partial = true };

	(void)state;
	for (uint32_t n = 0; n < 100000; n++) {
		piece.lane = (uint16_t)(rand() % 1024);
		piece.seq = (uint32_t)rand() % (1u << 22);
		assert_null(reassembly_put(pieces, &piece, packet, 16, n));
		assert_true(BUFS - buf_pool_left(pool) <= REASSEMBLY_PACKETS);
	}
	assert_int_equal(reassembly_stats(pieces).waiting, BUFS - buf_pool_left(pool));
}

static void numbers_of_a_lane_in_a_row_fit_up_to_the_bound(void **state)
{
	(void)state;
	for (uint32_t seq = 1000; seq < 1000 + REASSEMBLY_PACKETS; seq++)
		assert_null(put(seq, 0, 16, false, seq));
	assert_int_equal(reassembly_stats(pieces).forgotten, 0);
	assert_null(put(1000 + REASSEMBLY_PACKETS, 0, 16, false, 2000));
	assert_int_equal(reassembly_stats(pieces).forgotten, 1);
	assert_null(put(1000, 16, 4, true, 2000));	/* it was the oldest */
	is_whole(put(1002, 16, 4, true, 2000), 20);
}

static void without_a_buffer_a_piece_is_dropped_and_counted(void **state)
{
	struct buf_queue all = { 0 };
	struct buf *b;

	(void)state;
	while ((b = buf_get(pool)) != NULL)
		buf_queue_push(&all, b);
	assert_null(put(1, 0, 16, true, 0));
	assert_int_equal(reassembly_stats(pieces).no_buffer, 1);
	buf_queue_clear(&all);
	is_whole(put(1, 0, 16, true, 0), 16);
}

/* Cut at random, twice, shuffled, some of it in smaller pieces again. */
static void random_cuts_make_the_packet_that_was_cut(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 2000; n++) {
		size_t len = 1 + (size_t)rand() % PIECE_END_MAX, units = (len + PIECE_UNIT - 1) / PIECE_UNIT;
		struct buf *b = NULL;

		for (unsigned tries = 0; b == NULL; tries++) {
			size_t from = (size_t)rand() % units, to = from + 1 + (size_t)rand() % (units - from);
			size_t end = to == units ? len : to * PIECE_UNIT;

			assert_true(tries < 100000);
			b = put(n, from * PIECE_UNIT, end - from * PIECE_UNIT, to == units, n);
		}
		is_whole(b, len);
	}
	assert_int_equal(reassembly_stats(pieces).forgotten, 0);
}

#define CASE(sentence, function) { .name = (sentence), .test_func = (function), .setup_func = begin, \
				   .teardown_func = finish }

static void asked_for_room_it_forgets_the_oldest(void **state)
{
	(void)state;
	for (uint32_t seq = 0; seq < 5; seq++)
		assert_null(put((seq * 3) % 5, 0, 64, false, SEC(1) + seq));
	for (unsigned i = 0; i < 2; i++)
		assert_true(reassembly_yield(pieces));	/* 0 and 3 */
	assert_null(put(3, 64, 64, true, SEC(2)));
	is_whole(put(1, 64, 64, true, SEC(2)), 128);
	for (unsigned i = 0; i < 3; i++)
		assert_true(reassembly_yield(pieces));
	assert_false(reassembly_yield(pieces));
	assert_int_equal(buf_pool_left(pool), BUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("a packet is cut into as few pieces as fit, and about equal",
		     a_packet_is_cut_into_as_few_pieces_as_fit_and_about_equal),
		CASE("a piece of a piece ends the packet only if both are the last",
		     a_piece_of_a_piece_ends_the_packet_only_if_both_are_the_last),
		CASE("pieces make a packet in any order", pieces_make_a_packet_in_any_order),
		CASE("one piece may be all of it", one_piece_may_be_all_of_it),
		CASE("what was cut differently for another path fills the gap",
		     what_was_cut_differently_for_another_path_fills_the_gap),
		CASE("a piece that comes twice changes nothing", a_piece_that_comes_twice_changes_nothing),
		CASE("the first bytes that come for a place stay", the_first_bytes_that_come_for_a_place_stay),
		CASE("pieces that contradict each other spoil their packet",
		     pieces_that_contradict_each_other_spoil_their_packet),
		CASE("packets of all lanes stand apart", packets_of_all_lanes_stand_apart),
		CASE("a piece whose others never come is forgotten in time",
		     a_piece_whose_others_never_come_is_forgotten_in_time),
		CASE("time in which nothing could come is no time", time_in_which_nothing_could_come_is_no_time),
		CASE("beginnings without end take no more than the bound",
		     beginnings_without_end_take_no_more_than_the_bound),
		CASE("numbers of a lane in a row fit, up to the bound",
		     numbers_of_a_lane_in_a_row_fit_up_to_the_bound),
		CASE("without a buffer a piece is dropped and counted",
		     without_a_buffer_a_piece_is_dropped_and_counted),
		CASE("asked for room it forgets the oldest", asked_for_room_it_forgets_the_oldest),
		CASE("random cuts make the packet that was cut", random_cuts_make_the_packet_that_was_cut),
	};

	return RUN_TESTS(tests);
}
