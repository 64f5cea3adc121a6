/* tcp: segments as bytes, whole and cut short, and which of them are plain acknowledgements. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/units.h"
#include "core/inner.h"
#include "core/tcp.h"
#include "tap.h"

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10, URG = 0x20, ECE = 0x40, CWR = 0x80 };

#define SEQ	0x01020304
#define ACKED	0xf1f2f3f4

struct packet {
	uint8_t bytes[256];
	size_t len;
};

/* What of an IPv4 packet differs from test to test: lengths in bytes. */
struct what {
	size_t ip_options, options, payload;
	uint8_t flags;
	const uint8_t *option;	/* `options` bytes; NULL: NOPs */
};

static void write_segment(uint8_t *p, const struct what *w)
{
	put_be16(p, 443);
	put_be16(p + 2, 50000);
	put_be32(p + 4, SEQ);
	put_be32(p + 8, ACKED);
	p[12] = (uint8_t)((20 + w->options) / 4 << 4);
	p[13] = w->flags;
	memset(p + 20, 1, w->options);
	if (w->option != NULL)
		memcpy(p + 20, w->option, w->options);
}

static struct packet ipv4(const struct what *w)
{
	struct packet p = { .len = 40 + w->ip_options + w->options + w->payload };

	p.bytes[0] = (uint8_t)(0x45 + w->ip_options / 4);
	put_be16(p.bytes + 2, (uint16_t)p.len);
	p.bytes[6] = 0x40;	/* DF */
	p.bytes[9] = 6;
	write_segment(p.bytes + 20 + w->ip_options, w);
	return p;
}

static struct packet ipv6(const struct what *w)
{
	struct packet p = { .len = 60 + w->options + w->payload };

	p.bytes[0] = 0x60;
	put_be16(p.bytes + 4, (uint16_t)(p.len - 40));
	p.bytes[6] = 6;
	write_segment(p.bytes + 40, w);
	return p;
}

/* What may be asked of tcp_read: inner_read has accepted the packet.  Its last byte is the memory's. */
static bool reads(const struct packet *p, struct tcp *ret)
{
	uint8_t *bytes = malloc(p->len);
	struct inner inner;
	bool read;

	assert_non_null(bytes);
	memcpy(bytes, p->bytes, p->len);
	assert_true(inner_read(bytes, p->len, NULL, &inner));
	read = tcp_read(bytes, p->len, ret);
	free(bytes);
	return read;
}

static void refuses(const struct packet *p)
{
	struct tcp untouched, ret;

	memset(&untouched, 0x5a, sizeof(untouched));
	ret = untouched;
	assert_false(reads(p, &ret));
	assert_memory_equal(&ret, &untouched, sizeof(ret));
}

static void numbers_are_read_in_both_families(void **state)
{
	static const struct {
		struct what what;
		uint32_t length;	/* in sequence numbers */
	} row[] = {
		{ { .flags = ACK }, 0 }, { { .flags = ACK, .payload = 1 }, 1 },
		{ { .flags = ACK | PSH, .payload = 100 }, 100 }, { { .flags = SYN }, 1 },
		{ { .flags = SYN | ACK, .options = 20 }, 1 }, { { .flags = SYN, .options = 40, .payload = 10 }, 11 },
		{ { .flags = FIN | ACK }, 1 }, { { .flags = FIN | ACK, .payload = 7 }, 8 },
		{ { .flags = SYN | FIN }, 2 }, { { .flags = RST }, 0 },
		{ { .flags = ACK, .ip_options = 40, .options = 12, .payload = 3 }, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct packet p[] = { ipv4(&row[i].what), ipv6(&row[i].what) };

		for (size_t family = 0; family < ARRAY_SIZE(p); family++) {
			struct tcp tcp;

			assert_true(reads(&p[family], &tcp));
			assert_int_equal(tcp.seq, SEQ);
			assert_int_equal(tcp.ack, ACKED);
			assert_int_equal(tcp.end - tcp.seq, row[i].length);
		}
	}
}

static void what_is_no_tcp_is_refused(void **state)
{
	const struct what what = { .flags = ACK };
	struct packet four = ipv4(&what), six = ipv6(&what);

	(void)state;
	for (unsigned protocol = 0; protocol < 256; protocol++) {
		if (protocol == 6)
			continue;
		four.bytes[9] = six.bytes[6] = (uint8_t)protocol;
		refuses(&four);
		refuses(&six);	/* extension headers among them */
	}
}

static void fragments_are_refused_the_first_one_too(void **state)
{
	const struct what what = { .flags = ACK, .payload = 100 };
	struct packet p = ipv4(&what);
	struct tcp tcp;

	(void)state;
	put_be16(p.bytes + 6, 0x2000);	/* more follow */
	refuses(&p);
	for (unsigned bit = 1; bit < 0x2000; bit <<= 1) {
		put_be16(p.bytes + 6, (uint16_t)bit);
		refuses(&p);
	}
	put_be16(p.bytes + 6, 0xc000);	/* neither of those is a fragment's bit */
	assert_true(reads(&p, &tcp));
}

/* Down to the shortest that inner_read accepts, with the length in the IP header true. */
static void a_header_that_is_cut_short_is_refused(void **state)
{
	const struct what what = { .flags = ACK, .options = 40 }, bare = { .flags = ACK };
	struct packet p;
	struct tcp tcp;

	(void)state;
	for (size_t len = 20; len < 80; len++) {
		p = ipv4(&what);
		put_be16(p.bytes + 2, (uint16_t)(p.len = len));
		refuses(&p);
		p = ipv6(&what);
		put_be16(p.bytes + 4, (uint16_t)(len - 20));
		p.len = 20 + len;
		refuses(&p);
	}
	p = ipv4(&bare);
	assert_true(reads(&p, &tcp));
	put_be16(p.bytes + 2, (uint16_t)--p.len);
	refuses(&p);
}

static void a_data_offset_that_cannot_be_is_refused(void **state)
{
	const struct what what = { .flags = ACK, .payload = 8 };
	struct packet four = ipv4(&what), six = ipv6(&what);

	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		struct tcp tcp;

		four.bytes[32] = six.bytes[52] = (uint8_t)(words << 4);
		if (words >= 5 && words <= 7) {
			assert_true(reads(&four, &tcp));
			assert_int_equal(tcp.end - tcp.seq, 28 - 4 * words);
			assert_true(reads(&six, &tcp));
		} else {
			refuses(&four);
			refuses(&six);
		}
	}
}

static bool is_plain(const struct packet *p)
{
	struct tcp tcp;

	assert_true(reads(p, &tcp));
	return tcp.plain_ack;
}

static void only_a_lone_ack_flag_is_plain(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		const struct what what = { .flags = (uint8_t)flags };
		struct packet four = ipv4(&what), six = ipv6(&what);

		assert_int_equal(is_plain(&four), flags == ACK);
		assert_int_equal(is_plain(&six), flags == ACK);
	}
	for (unsigned bit = 1; bit <= 8; bit <<= 1) {	/* reserved, and accurate ECN's AE */
		const struct what what = { .flags = ACK };
		struct packet p = ipv4(&what);

		p.bytes[32] |= (uint8_t)bit;
		assert_false(is_plain(&p));
	}
	for (size_t payload = 1; payload < 3; payload++) {
		const struct what what = { .flags = ACK, .payload = payload };
		struct packet p = ipv4(&what);

		assert_false(is_plain(&p));
	}
}

static void only_timestamps_and_padding_leave_an_ack_plain(void **state)
{
	static const struct {
		uint8_t option[12];
		bool plain;
	} row[] = {
		{ { 1, 1, 8, 10 }, true }, { { 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1 }, true },
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, true },
		{ { 0, 5, 10 }, true },				/* nothing behind the end counts */
		{ { 1, 1, 5, 10 }, false },			/* SACK */
		{ { 8, 2, 8, 2, 5, 8 }, false }, { { 30, 12 }, false },	/* MPTCP */
		{ { 3, 3, 7, 0 }, false }, { { 69, 4, 0x74, 0x74 }, false },
		{ { 8, 13 }, false }, { { 8, 0 }, false }, { { 8, 1 }, false },
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8 }, false },	/* its length is not there */
		{ { 8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct what what = { .flags = ACK, .options = 12, .option = row[i].option };
		struct packet p = ipv4(&what);

		assert_int_equal(is_plain(&p), row[i].plain);
	}
}

static void numbers_are_compared_on_a_circle(void **state)
{
	(void)state;
	assert_int_equal(tcp_diff(5, 3), 2);
	assert_int_equal(tcp_diff(3, 5), -2);
	assert_int_equal(tcp_diff(2, 0xfffffffe), 4);
	assert_int_equal(tcp_diff(0xfffffffe, 2), -4);
	assert_int_equal(tcp_diff(0x7fffffff, 0), INT32_MAX);
	assert_int_equal(tcp_diff(0x80000000, 0), INT32_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("numbers are read in both families", numbers_are_read_in_both_families),
		TEST("what is no TCP is refused", what_is_no_tcp_is_refused),
		TEST("fragments are refused, the first one too", fragments_are_refused_the_first_one_too),
		TEST("a header that is cut short is refused", a_header_that_is_cut_short_is_refused),
		TEST("a data offset that cannot be is refused", a_data_offset_that_cannot_be_is_refused),
		TEST("only a lone ACK flag is plain", only_a_lone_ack_flag_is_plain),
		TEST("only timestamps and padding leave an ACK plain",
		     only_timestamps_and_padding_leave_an_ack_plain),
		TEST("numbers are compared on a circle", numbers_are_compared_on_a_circle),
	};

	return RUN_TESTS(tests);
}
