/* tcp: see tcp.h. */
#include "core/tcp.h"

#include "base/bytes.h"

enum { PROTO_TCP = 6, HEADER = 20 };
enum { FLAG_FIN = 0x01, FLAG_SYN = 0x02, FLAG_ACK = 0x10 };
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_TIMESTAMPS = 8 };

/* Where the segment begins; 0: there is none.  IPv6 with extension headers is left alone. */
static size_t transport_at(const uint8_t *p, size_t len)
{
	size_t at = p[0] >> 4 == 4 ? (p[0] & 0x0fu) * 4 : 40;
	uint8_t protocol = p[0] >> 4 == 4 ? p[9] : p[6];

	if (protocol != PROTO_TCP || at + HEADER > len)
		return 0;
	if (p[0] >> 4 == 4 && (get_be16(p + 6) & 0x3fff) != 0)
		return 0;
	return at;
}

static bool only_timestamps(const uint8_t *option, size_t len)
{
	while (len > 0) {
		if (*option == OPTION_END)
			return true;
		if (*option == OPTION_NOP) {
			option++;
			len--;
			continue;
		}
		if (*option != OPTION_TIMESTAMPS || len < 2 || option[1] < 2 || option[1] > len)
			return false;
		len -= option[1];
		option += option[1];
	}
	return true;
}

bool tcp_read(const uint8_t *packet, size_t len, struct tcp *ret)
{
	size_t at = transport_at(packet, len), header, payload;
	const uint8_t *p = packet + at;
	uint8_t flags;

	if (at == 0)
		return false;
	header = (p[12] >> 4) * 4u;
	if (header < HEADER || at + header > len)
		return false;
	payload = len - at - header;
	flags = p[13];
	ret->seq = get_be32(p + 4);
	ret->ack = get_be32(p + 8);
	ret->syn = flags & FLAG_SYN;
	ret->has_ack = flags & FLAG_ACK;
	ret->end = ret->seq + (uint32_t)payload + ret->syn + !!(flags & FLAG_FIN);
	ret->plain_ack = payload == 0 && flags == FLAG_ACK && (p[12] & 0x0f) == 0 &&
			 only_timestamps(p + HEADER, header - HEADER);
	return true;
}
