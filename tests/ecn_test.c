/* ecn: the field, the checksum that goes with it, and the table of RFC 6040. */
#include <string.h>

#include "base/bytes.h"
#include "base/units.h"
#include "core/ecn.h"
#include "tap.h"

#define DROP	-1

static uint16_t checksum_of(const uint8_t *header)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		if (i != 10)
			sum += get_be16(header + i);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* tos: DSCP and ECN; the identification makes the checksum take every value. */
static void make_ipv4(uint8_t *header, uint8_t tos, uint16_t id)
{
	static const uint8_t plain[20] = {
		0x45, 0, 0, 20, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	};

	memcpy(header, plain, sizeof(plain));
	header[1] = tos;
	put_be16(header + 4, id);
	put_be16(header + 10, checksum_of(header));
}

static void the_field_is_read_in_both_families(void **state)
{
	static const struct { uint8_t packet[2]; enum ecn ecn; } row[] = {
		{ { 0x45, 0x00 }, ECN_NOT_ECT }, { { 0x45, 0xb9 }, ECN_ECT1 },
		{ { 0x4f, 0xfe }, ECN_ECT0 }, { { 0x45, 0x03 }, ECN_CE },
		{ { 0x60, 0x0f }, ECN_NOT_ECT }, { { 0x6b, 0x90 }, ECN_ECT1 },
		{ { 0x60, 0x2f }, ECN_ECT0 }, { { 0x6f, 0xff }, ECN_CE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(ecn_read(row[i].packet), row[i].ecn);
}

static void writing_ipv4_keeps_its_checksum_right(void **state)
{
	uint8_t packet[20], wanted[20];

	(void)state;
	for (uint32_t id = 0; id <= UINT16_MAX; id++)
		for (unsigned from = 0; from < 4; from++)
			for (unsigned to = 0; to < 4; to++) {
				make_ipv4(packet, (uint8_t)(0xb8 | from), (uint16_t)id);
				make_ipv4(wanted, (uint8_t)(0xb8 | to), (uint16_t)id);
				ecn_write(packet, (enum ecn)to);
				if (memcmp(packet, wanted, sizeof(wanted)) != 0)
					fail_msg("id %u, %u to %u", id, from, to);
			}
}

static void a_wrong_checksum_stays_wrong(void **state)
{
	uint8_t packet[20];

	(void)state;
	make_ipv4(packet, ECN_ECT0, 7);
	packet[10] ^= 1;
	ecn_write(packet, ECN_CE);
	assert_int_equal(get_be16(packet + 10) ^ checksum_of(packet), 0x100);
}

static void writing_ipv6_touches_two_bits(void **state)
{
	uint8_t packet[40], before[40];

	(void)state;
	memset(before, 0xa5, sizeof(before));
	before[0] = 0x6b;
	before[1] = 0xef;	/* ECT(0) */
	memcpy(packet, before, sizeof(packet));
	ecn_write(packet, ECN_CE);
	assert_int_equal(packet[1], 0xff);
	ecn_write(packet, ECN_ECT0);
	assert_memory_equal(packet, before, sizeof(packet));
}

static void only_a_packet_that_knows_ecn_is_marked(void **state)
{
	static const uint8_t traffic_class[4] = { 0, 0x10, 0x20, 0x30 };

	(void)state;
	for (unsigned was = 0; was < 4; was++) {
		uint8_t four[20], before[20], six[40] = { 0x60, traffic_class[was] };
		enum ecn wanted = was == ECN_NOT_ECT ? ECN_NOT_ECT : ECN_CE;

		make_ipv4(before, (uint8_t)was, 9);
		make_ipv4(four, (uint8_t)was, 9);
		assert_int_equal(ecn_mark(four), was != ECN_NOT_ECT);
		assert_int_equal(ecn_mark(six), was != ECN_NOT_ECT);
		assert_int_equal(ecn_read(four), wanted);
		assert_int_equal(ecn_read(six), wanted);
		if (was == ECN_NOT_ECT)
			assert_memory_equal(four, before, sizeof(four));
	}
}

/* RFC 6040, figure 4: a row for each inner field, a column for each outer one, both in wire order. */
static void decapsulation_follows_rfc_6040(void **state)
{
	static const int table[4][4] = {
		/* outer:         Not-ECT      ECT(1)       ECT(0)       CE */
		[ECN_NOT_ECT] = { ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT, DROP },
		[ECN_ECT1]    = { ECN_ECT1,    ECN_ECT1,    ECN_ECT1,    ECN_CE },
		[ECN_ECT0]    = { ECN_ECT0,    ECN_ECT1,    ECN_ECT0,    ECN_CE },
		[ECN_CE]      = { ECN_CE,      ECN_CE,      ECN_CE,      ECN_CE },
	};

	(void)state;
	for (unsigned inner = 0; inner < 4; inner++)
		for (unsigned outer = 0; outer < 4; outer++) {
			enum ecn untouched = inner == ECN_CE ? ECN_ECT0 : ECN_CE, result = untouched;
			bool stays = ecn_decapsulate((enum ecn)inner, (enum ecn)outer, &result);

			assert_int_equal(stays, table[inner][outer] != DROP);
			assert_int_equal(result, stays ? table[inner][outer] : (int)untouched);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the field is read in both families", the_field_is_read_in_both_families),
		TEST("writing IPv4 keeps its checksum right", writing_ipv4_keeps_its_checksum_right),
		TEST("a wrong checksum stays wrong", a_wrong_checksum_stays_wrong),
		TEST("writing IPv6 touches two bits", writing_ipv6_touches_two_bits),
		TEST("only a packet that knows ECN is marked", only_a_packet_that_knows_ecn_is_marked),
		TEST("decapsulation follows RFC 6040", decapsulation_follows_rfc_6040),
	};

	return RUN_TESTS(tests);
}
