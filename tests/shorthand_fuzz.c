/* Shorthands of any two packets, and any bytes as one: what is written comes back, and nothing is read beyond. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ip.h"
#include "core/flow/shorthand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LANE_SEQ(n)	((n) & 0x3fffff)

/* Most inputs are no packets: make it one, as far as it can be made by lengths and checksums. */
static void mend(uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	if (len < 40)
		return;
	if (p[0] & 1) {
		p[0] = 0x45;
		p[9] = 6;
		p[6] &= 0x40;
		p[7] = 0;
		put_be16(p + 2, (uint16_t)len);
		put_be16(p + 10, 0);
		for (unsigned i = 0; i < 20; i += 2)
			sum += get_be16(p + i);
		sum = (sum & 0xffff) + (sum >> 16);
		put_be16(p + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	} else {
		p[0] = (uint8_t)(0x60 | (p[0] >> 4));
		p[6] = 6;
		put_be16(p + 4, (uint16_t)(len - 40));
	}
}

static void there_and_back(const struct shorthand_context *c, uint8_t *packet, size_t len, uint32_t seq, bool leave)
{
	uint8_t wire[SHORTHAND_MAX + 2048], header[SHORTHAND_HEADER];
	struct ip ip;
	size_t n;

	leave = leave && ip_read(packet, len, &ip);
	if (leave)
		ip_leave_checksum(packet, &ip, len);
	n = shorthand_write(c, packet, len, seq, leave, wire);
	if (n == 0)
		return;
	if (n > SHORTHAND_MAX || shorthand_seq(c, (uint16_t)seq) != seq)
		__builtin_trap();
	memcpy(wire + n, packet + c->len, len - c->len);
	if (shorthand_read(c, wire, n + len - c->len, seq, leave, header) != n || memcmp(header, packet, c->len) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shorthand_context c = { 0 };
	uint8_t header[SHORTHAND_HEADER], *packet;
	uint32_t seq, was;
	size_t first;

	if (size <= 8 || size > 2048)
		return 0;
	was = LANE_SEQ(get_le24(data));
	seq = LANE_SEQ(was + (uint32_t)(int8_t)data[3] * (data[4] & 1 ? 1 : 300));
	first = get_le16(data + 4) % (size - 7);
	data += 8;
	size -= 8;
	if (first > size)
		first = size;
	packet = malloc(size);
	memcpy(packet, data, size);
	mend(packet, first);
	shorthand_read(&c, packet, size, seq, size % 2, header);
	if (shorthand_learn(&c, packet, first, 1, was)) {
		shorthand_read(&c, packet + first, size - first, seq, size % 2, header);
		/* the same flow again, with some of its bytes others */
		for (size_t i = 0; i + 1 < size - first; i += 2)
			packet[data[first + i] % first] ^= data[first + i + 1];
		mend(packet, first);
		there_and_back(&c, packet, first, seq, size % 3 == 0);
	}
	free(packet);
	return 0;
}
