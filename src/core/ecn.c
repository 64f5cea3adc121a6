/* ecn: see ecn.h. */
#include "core/ecn.h"

#include "base/bytes.h"

#define IPV4_CHECKSUM	10	/* its offset */

static bool is_ipv4(const uint8_t *packet)
{
	return packet[0] >> 4 == 4;
}

/* IPv6 has the field four bits higher: its traffic class begins in the middle of byte 0. */
static unsigned shift_of(const uint8_t *packet)
{
	return is_ipv4(packet) ? 0 : 4;
}

enum ecn ecn_read(const uint8_t *packet)
{
	return (enum ecn)(packet[1] >> shift_of(packet) & 3);
}

/* RFC 1624, equation 3: a header's word changed from `was` to `is`. */
static uint16_t checksum_after(uint16_t checksum, uint16_t was, uint16_t is)
{
	uint32_t sum = (uint32_t)(uint16_t)~checksum + (uint16_t)~was + is;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void ecn_write(uint8_t *packet, enum ecn ecn)
{
	unsigned shift = shift_of(packet);
	uint16_t was = get_be16(packet);

	packet[1] = (uint8_t)((packet[1] & ~(3u << shift)) | (unsigned)ecn << shift);
	if (is_ipv4(packet) && get_be16(packet) != was)
		put_be16(packet + IPV4_CHECKSUM,
			 checksum_after(get_be16(packet + IPV4_CHECKSUM), was, get_be16(packet)));
}

bool ecn_mark(uint8_t *packet)
{
	if (ecn_read(packet) == ECN_NOT_ECT)
		return false;
	ecn_write(packet, ECN_CE);
	return true;
}

bool ecn_decapsulate(enum ecn inner, enum ecn outer, enum ecn *ret)
{
	if (inner == ECN_NOT_ECT && outer == ECN_CE)
		return false;
	if (inner == ECN_NOT_ECT || inner == ECN_CE)
		*ret = inner;
	else if (outer == ECN_CE || outer == ECN_ECT1)
		*ret = outer;
	else
		*ret = inner;
	return true;
}
