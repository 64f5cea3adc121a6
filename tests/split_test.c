/* split: what is cut out of one large packet, byte by byte, and what is not cut at all. */
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/units.h"
#include "inner_packet.h"
#include "offload/split.h"
#include "base/sum.h"
#include "tap.h"

#define ROOM	1984
#define OUT	70

static uint8_t large[VIRTIO_PACKET_MAX];
static struct buf_pool *pool;
static struct buf *out[OUT];
static size_t outs;

static void forget(void)
{
	while (outs > 0)
		buf_put(out[--outs]);
}

static struct virtio_header header_of(const struct inner_packet *p, size_t gso_size)
{
	size_t transport = inner_packet_headers(p) - (p->udp ? 8 : 20 + p->options);

	return (struct virtio_header){
		.flags = VIRTIO_NEEDS_CSUM,
		.gso_type = gso_size == 0 ? VIRTIO_GSO_NONE : p->udp ? VIRTIO_GSO_UDP :
			    p->is6 ? VIRTIO_GSO_TCP6 : VIRTIO_GSO_TCP4,
		.header_len = (uint16_t)inner_packet_headers(p),
		.gso_size = (uint16_t)gso_size,
		.csum_start = (uint16_t)transport,
		.csum_offset = p->udp ? 6 : 16,
	};
}

/* As the kernel hands it over: the checksum is only begun. */
static size_t write_large(const struct inner_packet *p)
{
	size_t len = inner_packet_write(p, large);
	struct virtio_header h = header_of(p, 0);

	put_be16(large + h.csum_start + h.csum_offset, inner_packet_pseudo(large, len, p));
	return len;
}

static bool are_left[OUT];	/* their checksums; here they are made, so that packets can be compared */

static enum split_verdict cut(const struct virtio_header *h, size_t len)
{
	enum split_verdict verdict;
	struct split s;

	forget();
	verdict = split_begin(&s, h, large, len, ROOM);
	while (verdict == SPLIT_GOOD && split_has_more(&s)) {
		assert_in_range(outs, 0, OUT - 1);
		out[outs] = buf_get(pool);
		split_next(&s, out[outs]);
		are_left[outs] = out[outs]->needs_checksum;
		if (are_left[outs])
			assert_true(ip_finish_checksum(out[outs]->data, out[outs]->len));
		outs++;
	}
	return verdict;
}

static void the_sum_is_that_of_the_book(void **state)
{
	static uint8_t bytes[70000];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t len = 0; len < 300; len++)
		for (size_t from = 0; from < 9; from++) {
			uint8_t ours[2], plain[2];

			sum_put(ours, sum_add(0, bytes + from, len));
			put_be16(plain, inner_packet_sum(bytes + from, len, 0));
			assert_memory_equal(ours, plain, 2);
		}
	memset(bytes, 0xff, sizeof(bytes));	/* as large as a sum can be */
	assert_int_equal(sum_fold(sum_add(sum_add(0, bytes, 65536), bytes, 65536)), 0xffff);
}

/* Each of these, as the sender would have sent it by itself. */
static void every_segment_is_as_if_sent_alone(void **state)
{
	static const struct { bool is6, udp; size_t ip_options, options, size; } row[] = {
		{ false, false, 0, 12, 5000 }, { true, false, 0, 12, 5000 }, { false, false, 0, 0, 1001 },
		{ false, false, 40, 40, 4321 }, { true, false, 16, 20, 3999 }, { false, true, 0, 0, 5000 },
		{ true, true, 0, 0, 4999 }, { true, true, 8, 0, 1999 }, { false, true, 4, 0, 1002 },
		{ false, false, 0, 12, 1000 }, { false, false, 0, 12, 1 }, { true, false, 0, 0, 64000 },
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(row); r++) {
		struct inner_packet p = inner_packet(row[r].is6, row[r].udp);
		struct virtio_header h;
		static uint8_t alone[VIRTIO_PACKET_MAX];
		size_t left;

		p.ip_options = row[r].ip_options;
		p.options = row[r].options;
		p.options_fill = 1;
		p.size = left = row[r].size;
		p.id = 0xfffe;
		p.seq = 0xfffffe00;
		p.tos = 0xb9;
		h = header_of(&p, 1000);
		assert_int_equal(cut(&h, write_large(&p)), SPLIT_GOOD);
		assert_int_equal(outs, (left + 999) / 1000);
		for (size_t i = 0; i < outs; i++)
			assert_true(are_left[i]);
		for (size_t i = 0; i < outs; i++, left -= p.size) {
			p.size = left < 1000 ? left : 1000;
			assert_int_equal(out[i]->len, inner_packet_write(&p, alone));
			assert_memory_equal(out[i]->data, alone, out[i]->len);
			assert_true(inner_packet_is_right(out[i]->data, out[i]->len, &p));
			p.id++;
			p.seq += 1000;
			p.offset += 1000;
		}
	}
}

static void flags_stand_where_they_belong(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	struct virtio_header h = header_of(&p, 1000);

	(void)state;
	p.size = 3000;
	p.flags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR | TCP_ECE;
	h.gso_type |= VIRTIO_GSO_ECN;
	assert_int_equal(cut(&h, write_large(&p)), SPLIT_GOOD);
	assert_int_equal(outs, 3);
	assert_int_equal(out[0]->data[33], TCP_ACK | TCP_CWR | TCP_ECE);
	assert_int_equal(out[1]->data[33], TCP_ACK | TCP_ECE);
	assert_int_equal(out[2]->data[33], TCP_ACK | TCP_ECE | TCP_PSH | TCP_FIN);
}

static void the_urgent_pointer_shows_the_same_byte(void **state)
{
	static const struct { uint16_t pointer; uint16_t at[3]; } row[] = {
		{ 1, { 1, 0, 0 } }, { 1000, { 1000, 0, 0 } }, { 1001, { 1001, 1, 0 } },
		{ 2000, { 2000, 1000, 0 } }, { 2500, { 2500, 1500, 500 } }, { 9000, { 9000, 8000, 7000 } },
	};
	struct inner_packet p = inner_packet(true, false);
	struct virtio_header h = header_of(&p, 1000);

	(void)state;
	p.size = 3000;
	p.flags = TCP_ACK | TCP_URG;
	for (size_t r = 0; r < ARRAY_SIZE(row); r++) {
		p.urgent = row[r].pointer;
		assert_int_equal(cut(&h, write_large(&p)), SPLIT_GOOD);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(get_be16(out[i]->data + 58), row[r].at[i]);
			assert_int_equal((out[i]->data[53] & TCP_URG) != 0, row[r].at[i] != 0);
			assert_true(inner_packet_is_right(out[i]->data, out[i]->len, &p));
		}
	}
}

static void a_checksum_that_was_left_to_us_is_left_to_the_other_end(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct inner_packet p = inner_packet(kind & 1, kind & 2);
		struct virtio_header h;

		for (p.size = 0; p.size < 200; p.size++) {
			h = header_of(&p, 0);
			assert_int_equal(cut(&h, write_large(&p)), SPLIT_GOOD);
			assert_int_equal(outs, 1);
			assert_true(are_left[0]);
			assert_true(inner_packet_is_right(out[0]->data, out[0]->len, &p));
		}
	}
}

/* A source route: the sum is over the last hop's address, while the header has the next one's. */
static void a_sum_over_another_address_is_finished_here(void **state)
{
	struct inner_packet p = inner_packet(false, true);
	struct virtio_header h = header_of(&p, 0);
	size_t len = write_large(&p), at = 20 + 6;
	uint32_t pseudo = get_be16(large + at);

	(void)state;
	large[19]++;		/* the packet goes to somebody else now */
	assert_int_equal(cut(&h, len), SPLIT_GOOD);
	assert_false(are_left[0]);
	/* what was to be summed up is, from what stood there on */
	put_be16(large + at, 0);
	assert_int_equal(get_be16(out[0]->data + at),
			 (uint16_t)~inner_packet_sum(large + 20, len - 20, pseudo));
}

/* A datagram whose checksum would be 0 has 0xffff: 0 says that there is none. */
static void no_datagram_loses_its_checksum(void **state)
{
	struct inner_packet p = inner_packet(false, true);
	struct virtio_header h = header_of(&p, 0);
	size_t len;
	uint16_t sum;

	(void)state;
	p.size = 2;
	len = write_large(&p);
	memset(large + 28, 0, 2);
	sum = inner_packet_sum(large + 20, len - 20, 0);
	put_be16(large + 28, (uint16_t)~sum);
	assert_int_equal(cut(&h, len), SPLIT_GOOD);
	assert_int_equal(get_be16(out[0]->data + 26), 0xffff);
	assert_true(inner_packet_is_right(out[0]->data, out[0]->len, &p));
}

static void what_nothing_is_asked_of_stays_as_it_is(void **state)
{
	const struct virtio_header h = { 0 };
	static uint8_t as_it_was[ROOM];

	(void)state;
	for (size_t len = 1; len <= ROOM; len += len < 100 ? 1 : 157) {
		for (size_t i = 0; i < len; i++)
			large[i] = (uint8_t)(i * i >> 3);
		memcpy(as_it_was, large, len);
		assert_int_equal(cut(&h, len), SPLIT_GOOD);
		assert_int_equal(outs, 1);
		assert_int_equal(out[0]->len, len);
		assert_memory_equal(out[0]->data, as_it_was, len);
	}
	assert_int_equal(cut(&h, 0), SPLIT_INVALID);
	assert_int_equal(cut(&h, ROOM + 1), SPLIT_TOO_LONG);
}

static void a_segment_has_room_or_there_is_none(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	struct virtio_header h = header_of(&p, ROOM - 40);
	size_t len;

	(void)state;
	p.size = 5000;
	len = write_large(&p);
	assert_int_equal(cut(&h, len), SPLIT_GOOD);
	assert_int_equal(out[0]->len, ROOM);
	h.gso_size++;
	assert_int_equal(cut(&h, len), SPLIT_TOO_LONG);
	h.gso_size = 0xffff;
	assert_int_equal(cut(&h, len), SPLIT_TOO_LONG);
	p.size = ROOM - 40;
	assert_int_equal(cut(&h, write_large(&p)), SPLIT_GOOD);
	assert_int_equal(outs, 1);
}

/* Each row is one thing wrong with a packet that is good without it. */
static void what_the_packet_does_not_bear_out_is_refused(void **state)
{
	static const struct {
		bool is6, udp;
		size_t header_at, header_size;	/* in the virtio header */
		uint16_t header_value;
		size_t at;			/* in the packet; 0: nowhere */
		uint8_t value;
		size_t cut_to;			/* the packet's length; 0: whole */
	} row[] = {
		{ .header_at = 1, .header_size = 1, .header_value = 2 },	/* no such type */
		{ .header_at = 1, .header_size = 1, .header_value = 3 },	/* fragments of a datagram */
		{ .header_at = 1, .header_size = 1, .header_value = VIRTIO_GSO_TCP6 },
		{ .header_at = 1, .header_size = 1, .header_value = VIRTIO_GSO_UDP },
		{ .header_at = 1, .header_size = 1, .header_value = VIRTIO_GSO_ECN },
		{ .udp = true, .header_at = 1, .header_size = 1, .header_value = VIRTIO_GSO_TCP4 },
		{ .udp = true, .header_at = 1, .header_size = 1, .header_value = VIRTIO_GSO_UDP | VIRTIO_GSO_ECN },
		{ .is6 = true, .header_at = 1, .header_size = 1, .header_value = VIRTIO_GSO_TCP4 },
		{ .header_at = 4, .header_size = 2, .header_value = 0 },	/* nothing in a segment */
		{ .header_at = 6, .header_size = 2, .header_value = 19 },
		{ .header_at = 6, .header_size = 2, .header_value = 21 },
		{ .header_at = 6, .header_size = 2, .header_value = 0xffff },
		{ .header_at = 8, .header_size = 2, .header_value = 6 },
		{ .header_at = 8, .header_size = 2, .header_value = 0xffff },
		{ .at = 0, .value = 0x44 },	/* a header shorter than one */
		{ .at = 0, .value = 0x4f },	/* or longer: then there is no TCP */
		{ .at = 0, .value = 0x55 },
		{ .at = 2, .value = 1 },	/* another length than there is */
		{ .at = 6, .value = 0x20 },	/* more fragments */
		{ .at = 7, .value = 1 },	/* not the first one */
		{ .at = 9, .value = 1 },	/* ICMP */
		{ .at = 32, .value = 0x40 },	/* TCP's header, too short */
		{ .is6 = true, .at = 6, .value = 44 },	/* a fragment */
		{ .is6 = true, .at = 6, .value = 43 },	/* routed: the destination is another */
		{ .is6 = true, .at = 6, .value = 60 },	/* options that are none */
		{ .is6 = true, .at = 4, .value = 1 },
		{ .udp = true, .at = 25, .value = 1 },	/* the datagram's length */
		{ .cut_to = 19 }, { .cut_to = 39 }, { .cut_to = 3039 }, { .cut_to = 1 },
		{ .is6 = true, .cut_to = 39 }, { .udp = true, .cut_to = 27 },
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(row); r++) {
		struct inner_packet p = inner_packet(row[r].is6, row[r].udp);
		struct virtio_header h = header_of(&p, 1000);
		size_t len;

		p.size = 3000;
		len = write_large(&p);
		assert_int_equal(cut(&h, len), SPLIT_GOOD);
		if (row[r].header_size == 1)
			((uint8_t *)&h)[row[r].header_at] = (uint8_t)row[r].header_value;
		else if (row[r].header_size == 2)
			memcpy((uint8_t *)&h + row[r].header_at, &row[r].header_value, 2);
		if (row[r].at != 0 || row[r].value != 0)
			large[row[r].at] = row[r].value;
		if (cut(&h, row[r].cut_to != 0 ? row[r].cut_to : len) != SPLIT_INVALID)
			fail_msg("row %zu was taken", r);
		assert_int_equal(outs, 0);
	}
}

static void a_checksum_outside_of_the_packet_is_refused(void **state)
{
	static const struct { uint16_t start, offset; enum split_verdict verdict; } row[] = {
		{ 20, 16, SPLIT_GOOD }, { 20, 78, SPLIT_GOOD }, { 20, 79, SPLIT_INVALID }, { 98, 0, SPLIT_GOOD },
		{ 99, 0, SPLIT_INVALID }, { 0xffff, 0xffff, SPLIT_INVALID }, { 19, 16, SPLIT_INVALID },
		{ 0, 10, SPLIT_INVALID }, { 0xffff, 16, SPLIT_INVALID },
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(row); r++) {
		struct virtio_header h = { .flags = VIRTIO_NEEDS_CSUM, .csum_start = row[r].start,
					   .csum_offset = row[r].offset };

		assert_int_equal(cut(&h, 100), row[r].verdict);
	}
}

/* In one packet, or in one that is to be cut at its end. */
static void headers_longer_than_the_packet_are_refused(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	struct virtio_header h = header_of(&p, 10);
	size_t len;

	(void)state;
	p.size = 39;
	len = write_large(&p);
	assert_int_equal(cut(&h, len), SPLIT_GOOD);
	large[32] = 0xf0;	/* 60 bytes, of which 59 are there */
	assert_int_equal(cut(&h, len), SPLIT_INVALID);
	large[32] = 0xe0;
	assert_int_equal(cut(&h, len), SPLIT_GOOD);
	assert_int_equal(outs, 1);
}

/* The checksum would be where it is, but not of the bytes that it is of. */
static void a_sum_that_begins_elsewhere_is_refused(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	struct virtio_header h = header_of(&p, 1000);
	size_t len;

	(void)state;
	p.size = 3000;
	len = write_large(&p);
	h.csum_start += 2;
	h.csum_offset -= 2;
	assert_int_equal(cut(&h, len), SPLIT_INVALID);
}

/* The kernel says the length of its first piece there, which need not be the headers'. */
static void the_hint_is_not_taken(void **state)
{
	static const uint16_t hint[] = { 0, 1, 39, 41, 3000, 0xffff };
	struct inner_packet p = inner_packet(false, false);
	struct virtio_header h = header_of(&p, 1000);

	(void)state;
	p.size = 3000;
	for (size_t i = 0; i < ARRAY_SIZE(hint); i++) {
		h.header_len = hint[i];
		assert_int_equal(cut(&h, write_large(&p)), SPLIT_GOOD);
		assert_int_equal(outs, 3);
		assert_int_equal(out[0]->len, 1040);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the sum is that of the book", the_sum_is_that_of_the_book),
		TEST("every segment is as if its sender had sent it alone", every_segment_is_as_if_sent_alone),
		TEST("CWR is the first one's, FIN and PSH are the last one's", flags_stand_where_they_belong),
		TEST("the urgent pointer shows the same byte", the_urgent_pointer_shows_the_same_byte),
		TEST("a checksum that was left to us is left to the other end", a_checksum_that_was_left_to_us_is_left_to_the_other_end),
		TEST("a sum over another address is finished here", a_sum_over_another_address_is_finished_here),
		TEST("no datagram loses its checksum", no_datagram_loses_its_checksum),
		TEST("what nothing is asked of stays as it is", what_nothing_is_asked_of_stays_as_it_is),
		TEST("a segment has room, or there is none", a_segment_has_room_or_there_is_none),
		TEST("what the packet does not bear out is refused", what_the_packet_does_not_bear_out_is_refused),
		TEST("a checksum outside of the packet is refused", a_checksum_outside_of_the_packet_is_refused),
		TEST("headers longer than the packet are refused", headers_longer_than_the_packet_are_refused),
		TEST("a sum that begins elsewhere is refused", a_sum_that_begins_elsewhere_is_refused),
		TEST("the hint is not taken", the_hint_is_not_taken),
	};
	int failed;

	pool = buf_pool_new(OUT);
	failed = RUN_TESTS(tests);
	forget();
	buf_pool_free(pool);
	return failed;
}
