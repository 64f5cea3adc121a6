/* wire: header, numbers, frames, inner packets, replay, loss and ACKs: tables and boundaries. */
#include <string.h>

#include "base/bytes.h"
#include "core/crypto/replay.h"
#include "core/flow/contexts.h"
#include "core/frame.h"
#include "core/inner.h"
#include "core/packet.h"
#include "core/path/ack.h"
#include "core/path/loss.h"
#include "core/path/path.h"
#include "tap.h"

static void a_header_survives_the_wire_and_reserved_bits_do_not(void **state)
{
	uint8_t datagram[24] = { 0 };
	struct packet_header in = { .path = 15, .index = 0xabcdef, .number = 0x123456 }, h;

	(void)state;
	packet_write_header(datagram, &in);
	assert_true(packet_read_header(datagram, 24, &h));
	assert_int_equal(h.path, 15);
	assert_int_equal(h.index, 0xabcdef);
	assert_int_equal(h.number, 0x123456);
	assert_false(packet_read_header(datagram, 23, &h));
	for (uint8_t bit = 0x10; bit <= 0x40; bit <<= 1) {
		datagram[0] ^= bit;
		assert_false(packet_read_header(datagram, 24, &h));
		datagram[0] ^= bit;
	}
}

static void numbers_are_expanded_to_the_nearest(void **state)
{
	const uint64_t w = 1u << 24;
	const struct {
		uint64_t expected;
		uint32_t low;
		uint64_t number;
	} row[] = {
		{ 0, 0, 0 }, { 0, 0xffffff, 0xffffff }, { 1, 0, 0 },
		{ w, 0, w }, { w, 0xffffff, w - 1 }, { w - 1, 0, w },
		{ 5 * w + w / 2, 0, 6 * w }, { 5 * w + w / 2 - 1, 0, 5 * w },
		{ 5 * w + 10, 20, 5 * w + 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_true(packet_expand_number(row[i].low, row[i].expected) == row[i].number);
}

static void the_replay_window_takes_each_number_once(void **state)
{
	struct replay r = { 0 };

	(void)state;
	assert_true(replay_check(&r, 0));
	replay_accept(&r, 0);
	assert_false(replay_check(&r, 0));
	replay_accept(&r, REPLAY_WINDOW);
	assert_false(replay_check(&r, 0));		/* one too old */
	assert_true(replay_check(&r, 1));		/* the last that is known */
	replay_accept(&r, 1);
	assert_false(replay_check(&r, 1));
	assert_true(replay_check(&r, REPLAY_WINDOW - 1));
	replay_accept(&r, 1000 * REPLAY_WINDOW);	/* a jump over the whole window */
	for (uint64_t n = 999 * REPLAY_WINDOW + 1; n < 1000 * REPLAY_WINDOW; n++)
		assert_true(replay_check(&r, n));
	assert_false(replay_check(&r, 1000 * REPLAY_WINDOW));
}

static void every_frame_cut_short_is_refused(void **state)
{
	const struct frame_run runs[] = { { 90, 100 }, { 50, 60 }, { 1, 1 } };
	const struct frame_path_status status = { .path = 3, .state = 1, .weight = 1000 };
	const struct frame_config config = { .serial = 255, .copies_ppm = 1000000, .strategy = "weighted" };
	const struct frame_came came = { .delay = MSEC(3), .clock = 1 };
	uint8_t ticket[16] = { 0 }, token[8] = { 0 }, at[256];
	struct frame f;
	const struct ecn_counts counts = { 1, 2, 3 };
	size_t len[7], n = 0;

	(void)state;
	for (unsigned kind = 0; kind < 7; kind++) {
		switch (kind) {
		case 0: len[0] = frame_write_token(at, FRAME_PING, token); break;
		case 1: len[1] = frame_write_ack(at, 2, &came, runs, 3, NULL); break;
		case 2: len[2] = frame_write_ack(at, 2, &came, runs, 3, &counts); break;
		case 3: len[3] = frame_write_path_status(at, &status); break;
		case 4: len[4] = frame_write_ticket(at, ticket); break;
		case 5: len[5] = frame_write_config(at, &config); break;
		case 6: len[6] = frame_write_close(at, 1); break;
		}
		assert_int_equal(frame_read(at, len[kind], &f), len[kind]);
		for (n = 0; n < len[kind]; n++)
			assert_int_equal(frame_read(at, n, &f), 0);
	}
	at[0] = 0x0b;
	assert_int_equal(frame_read(at, sizeof(at), &f), 0);
	at[0] = FRAME_DATA | FRAME_DATA_NEEDS_CHECKSUM | FRAME_DATA_FRAGMENT;	/* a piece has no header to say it by */
	assert_int_equal(frame_read(at, sizeof(at), &f), 0);
}

static void a_piece_says_where_it_belongs_and_stays_within_a_packet(void **state)
{
	const struct piece piece = { .lane = 1023, .seq = 0x3fffff, .unordered = true, .partial = true,
				     .last = true, .offset = PIECE_END_MAX - 2 * PIECE_UNIT };
	uint8_t at[64] = { 0 };
	struct frame f;

	(void)state;
	frame_write_data_header(at, &piece, false);
	assert_int_equal(frame_read(at, FRAME_PIECE_HEADER + 20, &f), FRAME_PIECE_HEADER + 20);
	assert_int_equal(f.data.piece.lane, 1023);
	assert_int_equal(f.data.piece.seq, 0x3fffff);
	assert_true(f.data.piece.unordered && f.data.piece.partial && f.data.piece.last && !f.data.no_repair);
	assert_int_equal(f.data.piece.offset, piece.offset);
	assert_int_equal(f.data.len, 20);
	assert_ptr_equal(f.data.packet, at + FRAME_PIECE_HEADER);
	/* an empty one, and one that ends beyond the largest packet */
	assert_int_equal(frame_read(at, FRAME_PIECE_HEADER, &f), 0);
	assert_int_equal(frame_read(at, FRAME_PIECE_HEADER + 2 * PIECE_UNIT, &f), FRAME_PIECE_HEADER + 2 * PIECE_UNIT);
	assert_int_equal(frame_read(at, FRAME_PIECE_HEADER + 2 * PIECE_UNIT + 1, &f), 0);
	/* all but the last are whole units */
	at[5] &= 0x7f;
	assert_int_equal(frame_read(at, FRAME_PIECE_HEADER + 20, &f), 0);
	assert_int_equal(frame_read(at, FRAME_PIECE_HEADER + 16, &f), FRAME_PIECE_HEADER + 16);
	assert_false(f.data.piece.last);
}

static void packets_that_share_a_datagram_have_lengths_but_the_last(void **state)
{
	const struct piece first = { .lane = 7, .seq = 9, .unordered = true }, last = { .lane = 1023, .seq = 0x3fffff };
	uint8_t at[64] = { 0 };
	struct frame f;

	(void)state;
	frame_write_data_among(at, &first, true, 20);
	frame_write_data_header(at + FRAME_AMONG_HEADER + 20, &last, false);
	assert_int_equal(frame_read(at, sizeof(at), &f), FRAME_AMONG_HEADER + 20);
	assert_ptr_equal(f.data.packet, at + FRAME_AMONG_HEADER);
	assert_int_equal(f.data.len, 20);
	assert_true(f.data.piece.unordered && f.data.no_repair && !f.data.piece.partial && !f.data.last);
	assert_int_equal(f.data.piece.lane, 7);
	assert_int_equal(f.data.piece.seq, 9);
	assert_int_equal(frame_read(at + FRAME_AMONG_HEADER + 20, 30, &f), 30);
	assert_int_equal(f.data.len, 30 - FRAME_DATA_HEADER);
	assert_int_equal(f.data.piece.seq, 0x3fffff);
	assert_true(f.data.last);
	/* nothing in it, and more than there is */
	frame_write_data_among(at, &first, true, 0);
	assert_int_equal(frame_read(at, sizeof(at), &f), 0);
	frame_write_data_among(at, &first, true, sizeof(at) - FRAME_AMONG_HEADER + 1);
	assert_int_equal(frame_read(at, sizeof(at), &f), 0);
}

static void what_is_in_shorthand_says_by_what_it_is_to_be_read(void **state)
{
	struct piece piece = { .lane = 1023, .seq = 0x31f2e3, .unordered = true, .needs_checksum = true };
	uint8_t at[64] = { 0 };
	struct frame f;

	(void)state;
	frame_write_short_header(at, &piece, contexts_tag(127, 255), true);
	assert_int_equal(frame_short_header(&piece), 5);
	assert_int_equal(frame_read(at, 25, &f), 25);
	assert_int_equal(f.type, FRAME_DATA);
	assert_int_equal(f.data.by, contexts_tag(127, 255));
	assert_int_equal(f.data.piece.seq, 0xf2e3);
	assert_int_equal(f.data.piece.offers, 0);
	assert_true(f.data.piece.unordered && f.data.no_repair && f.data.last && f.data.piece.needs_checksum);
	assert_ptr_equal(f.data.packet, at + 5);
	assert_int_equal(f.data.len, 20);
	piece.needs_checksum = false;
	piece.offers = contexts_tag(0, 9);
	frame_write_short_header(at, &piece, contexts_tag(127, 255), false);
	assert_int_equal(frame_short_header(&piece), 7);
	assert_int_equal(frame_read(at, 27, &f), 27);
	assert_false(f.data.piece.needs_checksum);
	assert_int_equal(f.data.piece.offers, contexts_tag(0, 9));
	assert_ptr_equal(f.data.packet, at + 7);
	for (size_t cut = 0; cut <= 7; cut++)
		assert_int_equal(frame_read(at, cut, &f), 0);
	/* no such slot, and no piece has a shorthand */
	at[3] = 128;
	assert_int_equal(frame_read(at, 27, &f), 0);
	at[3] = 127;
	at[5] = 128;
	assert_int_equal(frame_read(at, 27, &f), 0);
	at[5] = 0;
	at[0] |= FRAME_DATA_FRAGMENT;
	assert_int_equal(frame_read(at, 27, &f), 0);
	/* with a length, and something behind it */
	at[0] = (at[0] & ~FRAME_DATA_FRAGMENT) | FRAME_DATA_LEN;
	memcpy(at + 5, (uint8_t[]){ 10, 0, 0, 9 }, 4);
	assert_int_equal(frame_read(at, 27, &f), 19);
	assert_int_equal(f.data.len, 10);
	assert_int_equal(f.data.piece.offers, contexts_tag(0, 9));
	assert_false(f.data.last);
	assert_int_equal(frame_read(at, 18, &f), 0);
}

static void a_whole_packet_may_offer_its_header(void **state)
{
	struct piece piece = { .lane = 7, .seq = 0x31f2e3, .offers = contexts_tag(5, 0) };
	uint8_t at[64] = { 0 };
	struct frame f;

	(void)state;
	frame_write_data_header(at, &piece, false);
	assert_int_equal(frame_data_header(&piece), 7);
	assert_int_equal(frame_read(at, 27, &f), 27);
	assert_int_equal(f.data.by, 0);
	assert_int_equal(f.data.piece.lane, 7);
	assert_int_equal(f.data.piece.seq, 0x31f2e3);
	assert_int_equal(f.data.piece.offers, piece.offers);
	assert_int_equal(f.data.len, 20);
	assert_int_equal(frame_read(at, 7, &f), 0);
	/* a part of it does not */
	piece = piece_of(&piece, 16, true);
	assert_int_equal(frame_data_header(&piece), FRAME_PIECE_HEADER);
	frame_write_data_header(at, &piece, false);
	assert_int_equal(frame_read(at, 26, &f), 26);
	assert_int_equal(f.data.piece.offers, 0);
	at[0] |= FRAME_DATA_OFFER;
	assert_int_equal(frame_read(at, 28, &f), 0);
}

static void an_ack_says_what_came_marked(void **state)
{
	const struct frame_came came = { .delay = MSEC(4), .clock = 0xfedcba };
	const struct frame_run runs[] = { { 90, 100 }, { 50, 60 } };
	const struct ecn_counts counts = { .ect0 = 0x1fffffe, .ect1 = 7, .ce = 0x123456 };
	struct frame_run got[FRAME_ACK_RUNS];
	uint8_t at[FRAME_ACK_MAX];
	struct frame f;

	(void)state;
	assert_int_equal(frame_write_ack(at, 2, &came, runs, 2, &counts), 26);
	assert_int_equal(at[0], FRAME_ACK_ECN);
	assert_int_equal(frame_read(at, 26, &f), 26);
	assert_int_equal(f.type, FRAME_ACK);
	assert_true(f.ack.has_counts);
	assert_int_equal(f.ack.counts.ect0, 0xfffffe);
	assert_int_equal(f.ack.counts.ect1, 7);
	assert_int_equal(f.ack.counts.ce, 0x123456);
	assert_int_equal(frame_ack_runs(&f.ack, 100, got), 2);
	assert_memory_equal(got, runs, sizeof(runs));
}

static void an_ack_says_what_was_written(void **state)
{
	const struct frame_came came = { .delay = MSEC(4), .clock = 0xfedcba };
	const struct frame_run runs[] = { { 90, 100 }, { 50, 60 }, { 1, 1 } };
	struct frame_run got[FRAME_ACK_RUNS];
	uint8_t at[FRAME_ACK_MAX];
	struct frame f;

	(void)state;
	assert_int_equal(frame_read(at, frame_write_ack(at, 2, &came, runs, 3, NULL), &f), 21);
	assert_int_equal(f.ack.path, 2);
	assert_true(f.ack.came.delay == MSEC(4));
	assert_int_equal(f.ack.came.clock, 0xfedcba);
	assert_int_equal(frame_ack_runs(&f.ack, 100, got), 3);
	assert_memory_equal(got, runs, sizeof(runs));
	/* runs that reach below zero are left out */
	assert_int_equal(frame_ack_runs(&f.ack, 55, got), 2);
	assert_int_equal(frame_ack_runs(&f.ack, 9, got), 0);
}

static void a_link_s_wishes_survive_the_wire_within_their_ranges(void **state)
{
	static const struct { size_t at; uint8_t value; } beyond[] = {
		{ 1, PATHS_MAX }, { 2, 2 }, { 4, 4 }, { 5, 17 << 1 }, { 7, 4 }, { 14, 16 },
	};
	const struct frame_path_status status = {
		.path = 15, .state = FRAME_PATH_AVAILABLE, .priority = 255, .tier = 3, .metered = true, .interface = 16,
		.weight = 1000, .max_latency_ms = UINT32_MAX, .max_loss_ppm = 1000000, .rate = UINT64_MAX,
		.mtu = 1280, .serial = 200,
	};
	uint8_t at[FRAME_PATH_STATUS_BYTES];
	struct frame f;

	(void)state;
	assert_int_equal(frame_write_path_status(at, &status), sizeof(at));
	assert_int_equal(frame_read(at, sizeof(at), &f), sizeof(at));
	assert_int_equal(f.path_status.path, 15);
	assert_int_equal(f.path_status.priority, 255);
	assert_int_equal(f.path_status.tier, 3);
	assert_true(f.path_status.metered);
	assert_int_equal(f.path_status.interface, 16);
	assert_int_equal(f.path_status.weight, 1000);
	assert_int_equal(f.path_status.max_latency_ms, UINT32_MAX);
	assert_int_equal(f.path_status.max_loss_ppm, 1000000);
	assert_true(f.path_status.rate == UINT64_MAX);
	assert_int_equal(f.path_status.mtu, 1280);
	assert_int_equal(f.path_status.serial, 200);
	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		frame_write_path_status(at, &status);
		at[beyond[i].at] = beyond[i].value;
		assert_int_equal(frame_read(at, sizeof(at), &f), 0);
	}
}

static const uint8_t key[INNER_KEY];

static void an_inner_packet_is_whole_or_refused(void **state)
{
	uint8_t p[60] = { 0x45, 0, 0, 60, [8] = 64, [9] = 17 };
	struct inner a, b;

	(void)state;
	assert_true(inner_read(p, 60, key, &a));
	assert_false(inner_read(p, 59, key, &a));
	p[21] = 1;
	assert_true(inner_read(p, 60, key, &b));
	assert_true(a.flow != b.flow);
	p[6] = 0x20;	/* a fragment: ports do not count */
	assert_true(inner_read(p, 60, key, &a));
	p[21] = 2;
	assert_true(inner_read(p, 60, key, &b));
	assert_true(a.flow == b.flow);
	p[0] = 0x44;
	assert_false(inner_read(p, 60, key, &a));
	p[0] = 0x60;
	put_be16(p + 4, 20);
	p[6] = 58;
	assert_true(inner_read(p, 60, key, &a));
	assert_true(a.unordered);
	assert_false(inner_read(p, 39, key, &a));
	p[0] = 0x50;
	assert_false(inner_read(p, 60, key, &a));
	assert_false(inner_read(p, 0, key, &a));
}

static void real_time_udp_is_known_by_its_dscp(void **state)
{
	uint8_t v4[60] = { 0x45, 0, 0, 60, [8] = 64, [9] = 17 }, v6[60] = { 0x60, [5] = 20, [6] = 17 };
	static const uint8_t real_time[] = { 40, 44, 46, 48, 56 };
	struct inner a, b;

	(void)state;
	for (uint8_t dscp = 0; dscp < 64; dscp++) {
		bool expected = memchr(real_time, dscp, sizeof(real_time)) != NULL;

		v4[1] = (uint8_t)(dscp << 2 | 1);	/* ECN is no part of it, */
		v6[0] = (uint8_t)(0x60 | dscp >> 2);
		v6[1] = (uint8_t)(dscp << 6 | 0x3f);	/* nor is the flow label */
		v4[9] = v6[6] = 17;
		assert_true(inner_read(v4, 60, key, &a) && inner_read(v6, 60, key, &b));
		assert_int_equal(a.real_time, expected);
		assert_int_equal(b.real_time, expected);
		v4[9] = v6[6] = 6;		/* a TCP minds the order whatever it says */
		assert_true(inner_read(v4, 60, key, &a) && inner_read(v6, 60, key, &b));
		assert_false(a.real_time || b.real_time);
	}
}

static void tcp_s_pure_acks_and_icmp_are_unordered(void **state)
{
	uint8_t p[60] = { 0x45, 0, 0, 52, [8] = 64, [9] = 6, [32] = 0x80, [33] = 0x10 };
	struct inner in;

	(void)state;
	assert_true(inner_read(p, 52, key, &in));
	assert_true(in.unordered && in.in_order);	/* 12 bytes of options */
	p[33] = 0x11;					/* FIN takes a number */
	assert_true(inner_read(p, 52, key, &in));
	assert_false(in.unordered);
	p[33] = 0x12;
	assert_true(inner_read(p, 52, key, &in));
	assert_false(in.unordered);
	p[33] = 0x10;
	p[32] = 0x50;					/* the 12 bytes are data */
	assert_true(inner_read(p, 52, key, &in));
	assert_false(in.unordered);
	p[32] = 0x80;
	p[6] = 0x20;					/* a fragment */
	assert_true(inner_read(p, 52, key, &in));
	assert_false(in.unordered);
	p[6] = 0;
	p[9] = 17;					/* what UDP is shows only with time */
	assert_true(inner_read(p, 52, key, &in));
	assert_false(in.unordered || in.in_order);
	p[9] = 1;
	assert_true(inner_read(p, 52, key, &in));
	assert_true(in.unordered);
	p[9] = 6;
	put_be16(p + 2, 39);				/* not even a TCP header */
	assert_true(inner_read(p, 39, key, &in));
	assert_false(in.unordered);
}

static unsigned acked, lost;

static void count_acked(void *ctx, const struct loss_record *r, nsec_t now)
{
	(void)ctx; (void)r; (void)now;
	acked++;
}

static void count_lost(void *ctx, const struct loss_record *r, nsec_t now)
{
	(void)ctx; (void)r; (void)now;
	lost++;
}

static const struct loss_observer observer = { .acked = count_acked, .lost = count_lost, .doubted = count_lost };

static bool ack_runs(struct loss *l, uint64_t first, uint64_t last, nsec_t now)
{
	const struct frame_run run = { first, last };
	const struct frame_came came = { .clock = transit_clock(now) };
	bool news = false;

	return loss_ack(l, &run, 1, &came, now, &observer, &news) && news;
}

static void what_is_remembered_is_full_before_anything_falls_out(void **state)
{
	struct loss l;

	(void)state;
	lost = 0;
	assert_int_equal(loss_init(&l), 0);
	while (!loss_is_full(&l))
		loss_sent(&l, 100, 0, true, SEC(1), &observer);
	assert_int_equal(l.next - l.oldest, LOSS_WINDOW);
	assert_int_equal(lost, 0);
	loss_sent(&l, 100, 0, true, SEC(1), &observer);
	assert_int_equal(lost, 1);
	assert_true(loss_is_full(&l));
	ack_runs(&l, l.oldest, l.oldest, SEC(1));
	assert_false(loss_is_full(&l));
	loss_done(&l);
}

static void a_packet_is_lost_when_three_later_ones_arrived(void **state)
{
	struct loss l;

	(void)state;
	acked = lost = 0;
	assert_int_equal(loss_init(&l), 0);
	for (int i = 0; i < 6; i++)
		loss_sent(&l, 1000, 0, true, SEC(1), &observer);
	assert_true(ack_runs(&l, 1, 2, SEC(1) + MSEC(20)));
	assert_int_equal(lost, 0);
	assert_true(ack_runs(&l, 3, 3, SEC(1) + MSEC(20)));
	assert_int_equal(lost, 1);
	assert_int_equal(acked, 3);
	assert_int_equal(l.in_flight, 2000);
	/* it was only late: more reordering is believed in from now on */
	assert_true(ack_runs(&l, 0, 0, SEC(1) + MSEC(21)));
	assert_int_equal(l.spurious, 1);
	assert_int_equal(order_packets(&l.order), 4);
	loss_done(&l);
}

/* One packet, and so many behind it that are acknowledged one by one before it. */
static void one_is_late(struct loss *l, unsigned depth, nsec_t now)
{
	uint64_t first = l->next;

	for (unsigned i = 0; i <= depth; i++)
		loss_sent(l, 1000, 0, true, now, &observer);
	for (unsigned i = 1; i <= depth; i++)
		ack_runs(l, first + 1, first + i, now + MSEC(20));
	ack_runs(l, first, first + depth, now + MSEC(21));
}

/* So many, of one round trip, by time. */
static void some_are_lost(struct loss *l, unsigned count, nsec_t now)
{
	for (unsigned i = 0; i < count; i++)
		loss_sent(l, 1000, 0, true, now, &observer);
	loss_sent(l, 1000, 0, true, now + MSEC(30), &observer);
	ack_runs(l, l->next - 1, l->next - 1, now + MSEC(50));
}

static void reordering_that_is_known_costs_nothing_until_it_is_over(void **state)
{
	struct loss l;
	nsec_t now = SEC(1);

	(void)state;
	lost = 0;
	assert_int_equal(loss_init(&l), 0);
	one_is_late(&l, 5, now);
	assert_int_equal(lost, 1);
	assert_int_equal(l.spurious, 1);
	assert_int_equal(order_packets(&l.order), 6);
	one_is_late(&l, 5, now += SEC(1));
	assert_int_equal(lost, 1);
	/* so deep it still was, meanwhile: 16 recoveries later, too, it is believed in */
	for (unsigned i = 0; i < ORDER_RECOVERIES; i++)
		some_are_lost(&l, 10, now += SEC(1));
	assert_int_equal(lost, 1 + 10 * ORDER_RECOVERIES);
	assert_int_equal(order_packets(&l.order), 6);
	one_is_late(&l, 4, now += SEC(1));
	for (unsigned i = 0; i < ORDER_RECOVERIES; i++)
		some_are_lost(&l, 1, now += SEC(1));
	assert_int_equal(order_packets(&l.order), 5);
	for (unsigned i = 0; i < ORDER_RECOVERIES - 1; i++)
		some_are_lost(&l, 1, now += SEC(1));
	assert_int_equal(order_packets(&l.order), 5);
	some_are_lost(&l, 1, now += SEC(1));
	assert_int_equal(order_packets(&l.order), 3);
	one_is_late(&l, 5, now += SEC(1));
	assert_int_equal(l.spurious, 2);
	assert_int_equal(order_packets(&l.order), 6);
	loss_done(&l);
}

/* A link that goes takes with it what was under way, and some of that may have arrived. */
static void what_was_given_up_with_its_link_is_no_reordering(void **state)
{
	struct loss l;
	uint64_t first;

	(void)state;
	assert_int_equal(loss_init(&l), 0);
	for (unsigned forget = 0; forget < 2; forget++) {
		first = l.next;
		for (unsigned i = 0; i < 100; i++)
			loss_sent(&l, 1000, 0, true, SEC(1 + forget), &observer);
		if (forget) {
			ack_runs(&l, first + 3, first + 99, SEC(1 + forget) + MSEC(20));
			loss_forget_order(&l, SEC(1 + forget) + MSEC(20));
		} else {
			loss_abandon(&l, SEC(1 + forget) + MSEC(20), &observer);
		}
		ack_runs(&l, first, first + 99, SEC(1 + forget) + MSEC(40));
		assert_int_equal(l.spurious, forget ? 103 : 100);
		assert_int_equal(order_packets(&l.order), 3);
	}
	loss_done(&l);
}

static void another_way_has_an_order_of_its_own(void **state)
{
	const struct engine_link link = { .weight = 1 };
	const struct endpoint to = { .socket = 1 };
	const uint8_t random[16] = { 0 };
	struct path *p = path_new(0);
	nsec_t now = SEC(1);

	(void)state;
	assert_non_null(p);
	for (unsigned i = 0; i < 4; i++, now += SEC(1)) {
		if (i == 2)
			p->state = ENGINE_PATH_OK;	/* so that there is somewhere to come back to */
		if (i < 2)
			path_open(p, &to, &link, true, random, now);
		else if (i == 2)
			path_roam(p, &(struct endpoint){ .socket = 2 }, random, now);
		else
			assert_true(path_claim_back(p, &to, p->former_challenge, now - SEC(1)));
		assert_int_equal(order_packets(&p->loss.order), 3);
		one_is_late(&p->loss, 100, now + MSEC(1));
		assert_int_equal(order_packets(&p->loss.order), 101);
	}
	path_free(p);
}

/* An id that a short link had goes to a long one. */
static void another_link_of_an_id_has_a_way_back_of_its_own(void **state)
{
	const struct engine_link link = { .weight = 1 };
	const struct endpoint to = { .socket = 1 };
	const uint8_t random[16] = { 0 };
	struct path *p = path_new(0);

	(void)state;
	assert_non_null(p);
	for (unsigned i = 1; i <= 2; i++) {
		nsec_t half = MSEC(5) * 20 * (i - 1) + MSEC(5), sent = SEC(i), now = sent + 2 * half;
		struct frame_pong pong = { .clock = transit_clock(sent + half) };

		path_open(p, &to, &link, true, random, sent);
		path_proven(p, p->challenge, sent);
		put_le64(pong.token, sent);
		path_pong(p, &pong, now);
		/* what is taken for the way back is all of it: the clocks are one */
		assert_in_range(p->transit.back, half - 2 * TRANSIT_UNIT, half + 2 * TRANSIT_UNIT);
		path_close(p);
	}
	path_free(p);
}

static void a_path_that_was_never_opened_can_be_counted_on(void **state)
{
	struct path *p = path_new(0);

	(void)state;
	assert_non_null(p);
	path_count_tx(p, 1000, SEC(1));
	assert_int_equal(p->tx_packets, 1);
	assert_true(path_send_at(p, 1000, SEC(1)) < SEC(2));
	path_free(p);
}

static void a_packet_is_lost_after_nine_eighths_of_a_round_trip(void **state)
{
	struct loss l;

	(void)state;
	acked = lost = 0;
	assert_int_equal(loss_init(&l), 0);
	loss_sent(&l, 1000, 0, true, SEC(1), &observer);
	loss_sent(&l, 1000, 0, true, SEC(1), &observer);
	assert_true(ack_runs(&l, 1, 1, SEC(1) + MSEC(80)));
	assert_true(l.loss_at == SEC(1) + MSEC(90));
	loss_tick(&l, SEC(1) + MSEC(90) - 1, &observer);
	assert_int_equal(lost, 0);
	loss_tick(&l, SEC(1) + MSEC(90), &observer);
	assert_int_equal(lost, 1);
	assert_true(loss_oldest_sent_at(&l) == NSEC_NEVER);
	loss_done(&l);
}

static void what_was_never_sent_cannot_be_acknowledged(void **state)
{
	struct loss l;

	(void)state;
	acked = lost = 0;
	assert_int_equal(loss_init(&l), 0);
	loss_sent(&l, 1000, 0, true, SEC(1), &observer);
	assert_false(ack_runs(&l, 0, 1, SEC(1)));
	assert_int_equal(acked, 0);
	assert_int_equal(l.in_flight, 1000);
	for (int i = 0; i < 3 * LOSS_WINDOW; i++)
		loss_sent(&l, 1, 0, true, SEC(2), &observer);
	assert_int_equal(lost, 3 * LOSS_WINDOW + 1 - LOSS_WINDOW);
	loss_abandon(&l, SEC(3), &observer);
	assert_int_equal(l.in_flight, 0);
	loss_done(&l);
}

static void acks_are_prompt_for_gaps_and_rare_for_streams(void **state)
{
	struct ack a;
	uint8_t at[FRAME_ACK_MAX];
	nsec_t now = SEC(1);
	unsigned written = 0;

	(void)state;
	ack_init(&a);
	ack_received(&a, 0, ECN_NOT_ECT, true, MSEC(5), now);
	assert_true(ack_deadline(&a) == now + MSEC(5));
	ack_received(&a, 1, ECN_NOT_ECT, true, MSEC(5), now);
	assert_true(ack_deadline(&a) == now);		/* every second one, at first */
	ack_write(&a, 0, at, now);
	assert_true(ack_deadline(&a) == NSEC_NEVER);
	ack_received(&a, 3, ECN_NOT_ECT, true, MSEC(5), now);	/* a gap */
	assert_true(ack_deadline(&a) == now);
	ack_write(&a, 0, at, now);
	for (uint64_t n = 4; n < 10004; n++) {		/* 10 000 a second */
		now += MSEC(1) / 10;
		if (now >= ack_deadline(&a)) {
			ack_write(&a, 0, at, now);
			written++;
		}
		ack_received(&a, n, ECN_NOT_ECT, true, MSEC(5), now);
	}
	assert_in_range(written, 180, 205);
	/* far more gaps than runs: the oldest are forgotten */
	for (uint64_t n = 20000; n < 21000; n += 2)
		ack_received(&a, n, ECN_NOT_ECT, true, MSEC(5), now);
	assert_true(ack_write(&a, 0, at, now) <= FRAME_ACK_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a header survives the wire, and reserved bits do not",
		     a_header_survives_the_wire_and_reserved_bits_do_not),
		TEST("numbers are expanded to the nearest", numbers_are_expanded_to_the_nearest),
		TEST("the replay window takes each number once", the_replay_window_takes_each_number_once),
		TEST("every frame cut short is refused", every_frame_cut_short_is_refused),
		TEST("a piece says where it belongs, and stays within a packet",
		     a_piece_says_where_it_belongs_and_stays_within_a_packet),
		TEST("packets that share a datagram have lengths, but the last",
		     packets_that_share_a_datagram_have_lengths_but_the_last),
		TEST("what is in shorthand says by what it is to be read",
		     what_is_in_shorthand_says_by_what_it_is_to_be_read),
		TEST("a whole packet may offer its header", a_whole_packet_may_offer_its_header),
		TEST("an ACK says what came marked", an_ack_says_what_came_marked),
		TEST("an ACK says what was written", an_ack_says_what_was_written),
		TEST("a link's wishes survive the wire, within their ranges",
		     a_link_s_wishes_survive_the_wire_within_their_ranges),
		TEST("real-time UDP is known by its DSCP", real_time_udp_is_known_by_its_dscp),
		TEST("an inner packet is whole, or refused", an_inner_packet_is_whole_or_refused),
		TEST("TCP's pure ACKs and ICMP are unordered", tcp_s_pure_acks_and_icmp_are_unordered),
		TEST("what is remembered is full before anything falls out",
		     what_is_remembered_is_full_before_anything_falls_out),
		TEST("a packet is lost when three later ones arrived",
		     a_packet_is_lost_when_three_later_ones_arrived),
		TEST("reordering that is known costs nothing, until it is over",
		     reordering_that_is_known_costs_nothing_until_it_is_over),
		TEST("what was given up with its link is no reordering",
		     what_was_given_up_with_its_link_is_no_reordering),
		TEST("another way has an order of its own", another_way_has_an_order_of_its_own),
		TEST("another link of an id has a way back of its own",
		     another_link_of_an_id_has_a_way_back_of_its_own),
		TEST("a path that was never opened can be counted on",
		     a_path_that_was_never_opened_can_be_counted_on),
		TEST("a packet is lost after nine eighths of a round trip",
		     a_packet_is_lost_after_nine_eighths_of_a_round_trip),
		TEST("what was never sent cannot be acknowledged",
		     what_was_never_sent_cannot_be_acknowledged),
		TEST("ACKs are prompt for gaps and rare for streams",
		     acks_are_prompt_for_gaps_and_rare_for_streams),
	};

	return RUN_TESTS(tests);
}
