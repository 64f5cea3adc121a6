/* packet: see packet.h. */
#include "core/packet.h"

#include "base/bytes.h"

#define RESERVED_BITS	0x70

bool packet_read_header(const uint8_t *datagram, size_t len, struct packet_header *ret)
{
	if (len < PACKET_HEADER + 1 + PACKET_TAG)
		return false;
	if (!packet_is_data(datagram, len) || (datagram[0] & RESERVED_BITS))
		return false;
	ret->path = datagram[0] & 0x0f;
	ret->index = get_le24(datagram + 1);
	ret->number = get_le24(datagram + 4);
	return true;
}

void packet_write_header(uint8_t datagram[PACKET_HEADER], const struct packet_header *h)
{
	datagram[0] = (uint8_t)(PACKET_DATA_BIT | h->path);
	put_le24(datagram + 1, h->index);
	put_le24(datagram + 4, h->number);
}

uint64_t packet_expand_number(uint32_t low, uint64_t expected)
{
	const uint64_t window = 1u << PACKET_NUMBER_BITS;
	const uint64_t half = window / 2;
	uint64_t candidate = (expected & ~(window - 1)) | low;

	if (candidate + half <= expected)
		return candidate + window;
	if (candidate > expected + half && candidate >= window)
		return candidate - window;
	return candidate;
}
