/* shorthand: what is left out of a header comes back bit by bit, or nothing is left out. */
#include "core/flow/shorthand.h"

#include <string.h>

#include "base/bytes.h"
#include "base/ip.h"
#include "core/flow/lane.h"
#include "tap.h"

#define PAYLOAD	100

/* What differs from packet to packet; the rest is the flow's. */
struct fields {
	bool ipv6, stamped;
	uint8_t class, flags;
	uint32_t seq, ack, value, echo;
	uint16_t window, id;
	size_t payload;
};

static const struct fields usual = {
	.stamped = true, .flags = 0x10, .seq = 1000000, .ack = 77, .value = 5000, .echo = 6000,
	.window = 502, .id = 4711, .payload = PAYLOAD,
};

static void put_ipv4_checksum(uint8_t *p)
{
	uint32_t sum = 0;

	put_be16(p + 10, 0);
	for (unsigned i = 0; i < 20; i += 2)
		sum += get_be16(p + i);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	put_be16(p + 10, (uint16_t)~sum);
}

/* Gives the packet's length. */
static size_t build(uint8_t *p, const struct fields *f)
{
	size_t ip = f->ipv6 ? 40 : 20, header = f->stamped ? 32 : 20, len = ip + header + f->payload;
	uint8_t *tcp = p + ip;

	memset(p, 0xab, len);
	if (f->ipv6) {
		put_be32(p, 6u << 28 | (uint32_t)f->class << 20 | 0x12345);
		put_be16(p + 4, (uint16_t)(len - 40));
		p[6] = 6;
	} else {
		p[0] = 0x45;
		p[1] = f->class;
		put_be16(p + 2, (uint16_t)len);
		put_be16(p + 4, f->id);
		put_be16(p + 6, 0x4000);
		p[9] = 6;
		put_ipv4_checksum(p);
	}
	put_be32(tcp + 4, f->seq);
	put_be32(tcp + 8, f->ack);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = f->flags;
	put_be16(tcp + 14, f->window);
	put_be16(tcp + 16, (uint16_t)(f->seq * 31 + f->value));
	put_be16(tcp + 18, 0);
	if (f->stamped) {
		put_be32(tcp + 20, 0x0101080a);
		put_be32(tcp + 24, f->value);
		put_be32(tcp + 28, f->echo);
	}
	return len;
}

static struct shorthand_context context_of(const struct fields *f, uint32_t seq)
{
	struct shorthand_context c;
	uint8_t packet[400];

	assert_true(shorthand_learn(&c, packet, build(packet, f), 9, seq));
	return c;
}

/* There and back by c; the length of the shorthand, 0: there is none. */
static size_t there_and_back(const struct shorthand_context *c, const uint8_t *packet, size_t len, uint32_t seq)
{
	uint8_t wire[SHORTHAND_MAX + 400], header[SHORTHAND_HEADER];
	size_t n = shorthand_write(c, packet, len, seq, false, wire);

	if (n == 0)
		return 0;
	assert_in_range(n, SHORTHAND_MIN, SHORTHAND_MAX);
	memcpy(wire + n, packet + c->len, len - c->len);
	assert_int_equal(shorthand_seq(c, (uint16_t)seq), seq);
	assert_int_equal(shorthand_read(c, wire, n + len - c->len, seq, false, header), n);
	assert_memory_equal(header, packet, c->len);
	return n;
}

/* The same of a packet whose checksum is still to be made: nothing is said of it. */
static void without_its_checksum(const struct shorthand_context *c, uint8_t *packet, size_t len, uint32_t seq, size_t n)
{
	uint8_t wire[SHORTHAND_MAX + 400], header[SHORTHAND_HEADER];
	struct ip ip;

	assert_true(ip_read(packet, len, &ip));
	ip_leave_checksum(packet, &ip, len);
	assert_int_equal(shorthand_write(c, packet, len, seq, true, wire), n == 0 ? 0 : n - 2);
	if (n == 0)
		return;
	memcpy(wire + n - 2, packet + c->len, len - c->len);
	assert_int_equal(shorthand_read(c, wire, n - 2 + len - c->len, seq, true, header), n - 2);
	assert_memory_equal(header, packet, c->len);
}

static size_t shorthand_of(const struct fields *f, const struct fields *after, uint32_t seq)
{
	struct shorthand_context c = context_of(f, 500);
	uint8_t packet[400];
	size_t len = build(packet, after), n;

	n = there_and_back(&c, packet, len, seq);
	without_its_checksum(&c, packet, len, seq, n);
	return n;
}

static void a_download_goes_on_in_a_few_bytes(void **state)
{
	struct fields next = usual;

	(void)state;
	assert_int_equal(shorthand_of(&usual, &next, 500), 3);
	next.seq += 7 * PAYLOAD;
	next.id += 7;
	assert_int_equal(shorthand_of(&usual, &next, 507), 3);
	next.value += 100;
	next.echo += 90;
	assert_int_equal(shorthand_of(&usual, &next, 507), 5);
	next.flags |= 0x08;
	assert_int_equal(shorthand_of(&usual, &next, 507), 5);
	next.flags |= 0x40;
	assert_int_equal(shorthand_of(&usual, &next, 507), 6);
	next.value += 100;
	assert_int_equal(shorthand_of(&usual, &next, 507), 7);
}

static void what_goes_back_fits_too(void **state)
{
	struct fields next = usual;

	(void)state;
	next.seq -= 1;
	next.ack -= 1;
	next.value -= 1;
	next.echo -= 1;
	next.id -= 1;
	next.window -= 1;
	next.class = 3;
	next.flags = 0xff;
	/* mask, checksum, class, flags, seq, ack, window, id, value, echo */
	assert_int_equal(shorthand_of(&usual, &next, 500), 3 + 1 + 1 + 1 + 5 + 2 + 1 + 5 + 5);
	next.seq = usual.seq + 0x80000000;
	next.id = (uint16_t)(usual.id + 0x8000);
	assert_int_equal(shorthand_of(&usual, &next, 500), SHORTHAND_MAX);
}

static void who_gives_no_id_is_not_expected_to_count(void **state)
{
	struct fields first = usual, next;

	(void)state;
	first.id = 0;
	next = first;
	next.seq += 3 * PAYLOAD;
	assert_int_equal(shorthand_of(&first, &next, 503), 3);
	next.id = 3;
	assert_int_equal(shorthand_of(&first, &next, 503), 4);
}

static void numbers_go_round(void **state)
{
	struct fields first = usual, next;
	struct shorthand_context c;
	uint8_t packet[400];
	size_t len;

	(void)state;
	first.seq = UINT32_MAX - 50;
	first.ack = UINT32_MAX;
	first.value = UINT32_MAX;
	first.id = UINT16_MAX;
	next = first;
	next.seq += 2 * PAYLOAD;
	next.ack += 5;
	next.value += 1;
	next.id += 2;
	c = context_of(&first, LANE_SEQ_MASK);
	len = build(packet, &next);
	assert_int_equal(there_and_back(&c, packet, len, 1), 6);
	assert_int_equal(shorthand_seq(&c, 0x7ffe), 0x7ffe);
	assert_int_equal(shorthand_seq(&c, 0x7fff), (LANE_SEQ_MASK - 0x8000) & LANE_SEQ_MASK);
}

static void who_is_too_far_has_none(void **state)
{
	static const struct { int32_t off; bool has; } row[] = {
		{ 0x7fff, true }, { 0x8000, false }, { -0x8000, true }, { -0x8001, false },
	};
	struct fields next = usual;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		uint32_t seq = (500u + (uint32_t)row[i].off) & LANE_SEQ_MASK;

		assert_int_equal(shorthand_of(&usual, &next, seq) > 0, row[i].has);
	}
}

static void every_kind_of_header_comes_back(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct fields first = usual, next;

		first.ipv6 = i & 1;
		first.stamped = i & 2;
		next = first;
		for (unsigned field = 0; field < 10; field++) {
			uint32_t by;

			random = random * 1664525 + 1013904223;
			by = random >> (random >> 27);
			switch (random >> 8 & 0x1f) {
			case 0: next.class = (uint8_t)by; break;
			case 1: next.flags = (uint8_t)by; break;
			case 2: next.seq += by; break;
			case 3: next.ack += by; break;
			case 4: next.value += by; break;
			case 5: next.echo -= by; break;
			case 6: next.window = (uint16_t)by; break;
			case 7: next.id += by; break;
			case 8: next.payload = by % 300; break;
			}
		}
		assert_true(shorthand_of(&first, &next, 500 + (random >> 18)) > 0);
	}
}

/* One bit of a packet is another: then it has no shorthand, or one from which that bit comes back. */
static void no_bit_is_lost(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		struct fields f = usual;
		struct shorthand_context c;
		uint8_t packet[400];
		size_t len, none = 0;

		f.ipv6 = kind & 1;
		f.stamped = kind & 2;
		c = context_of(&f, 500);
		len = build(packet, &f);
		for (size_t bit = 0; bit < 8 * (size_t)c.len; bit++) {
			packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
			none += there_and_back(&c, packet, len, 501) == 0;
			packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_true(none > 0);
	}
}

static void only_plain_segments_are_remembered(void **state)
{
	static const struct { size_t at; uint8_t xor; } wrong[] = {
		{ 0, 0x03 }, { 2, 1 }, { 6, 0x20 }, { 9, 0x17 }, { 10, 1 }, { 32, 0x40 }, { 32, 0xf0 },
		{ 33, 0x01 }, { 33, 0x02 }, { 33, 0x04 }, { 43, 1 }, { 40, 4 },
	};
	struct shorthand_context c = { .len = 1 };
	uint8_t packet[400];
	size_t len = build(packet, &usual);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		packet[wrong[i].at] ^= wrong[i].xor;
		if (wrong[i].at < 10 && wrong[i].at > 0)
			put_ipv4_checksum(packet);
		assert_false(shorthand_learn(&c, packet, len, 9, 1));
		len = build(packet, &usual);
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_false(shorthand_learn(&c, packet, cut, 9, 1));
	assert_int_equal(c.len, 1);
	assert_true(shorthand_learn(&c, packet, len, 9, 1));
}

/* In a buffer of its own length, for the sanitizer. */
static void what_is_cut_short_is_not_read(void **state)
{
	struct shorthand_context c = context_of(&usual, 500);
	struct fields next = usual;
	uint8_t packet[400], wire[SHORTHAND_MAX], header[SHORTHAND_HEADER];
	size_t len, n;

	(void)state;
	next.seq = 1;
	next.ack = 1;
	next.value = next.echo = 1;
	next.class = 1;
	next.window = next.id = 1;
	len = build(packet, &next);
	n = shorthand_write(&c, packet, len, 501, false, wire);
	assert_true(n > 20);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = test_malloc(cut + 1);

		memcpy(exact + 1, wire, cut);
		assert_int_equal(shorthand_read(&c, exact + 1, cut, 501, false, header), 0);
		test_free(exact);
	}
	assert_int_equal(shorthand_read(&c, wire, n, 501, false, header), n);
	/* a number of more than 32 bits */
	memcpy(wire, (uint8_t[]){ 0x08, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x1f }, 8);
	assert_int_equal(shorthand_read(&c, wire, 8, 501, false, header), 0);
	wire[7] = 0x0f;
	assert_int_equal(shorthand_read(&c, wire, 8, 501, false, header), 8);
	c.len = 0;
	assert_int_equal(shorthand_read(&c, wire, 8, 501, false, header), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a download goes on in a few bytes", a_download_goes_on_in_a_few_bytes),
		TEST("what goes back fits, too", what_goes_back_fits_too),
		TEST("who gives no id is not expected to count", who_gives_no_id_is_not_expected_to_count),
		TEST("numbers go round", numbers_go_round),
		TEST("who is too far from the context has none", who_is_too_far_has_none),
		TEST("every kind of header comes back as it was", every_kind_of_header_comes_back),
		TEST("no bit is lost", no_bit_is_lost),
		TEST("only plain segments are remembered", only_plain_segments_are_remembered),
		TEST("what is cut short is not read", what_is_cut_short_is_not_read),
	};

	return RUN_TESTS(tests);
}
