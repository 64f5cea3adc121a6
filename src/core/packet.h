/*
 * packet: the datagram that carries data, as it is on the wire.
 *
 *   0        1        2        3        4        5        6        7
 *   +--------+--------------------------+--------------------------+------------
 *   |1TTKPPPP|      receiver index      |   packet number, low 24  | frames … tag
 *   +--------+--------------------------+--------------------------+------------
 *   |<------------------ associated data ------------------------->|<- sealed ->
 *
 *   1     data; handshake messages (crypto/handshake.h) have 0 there
 *   TT    type, 00; others are reserved      K  spare, 0
 *   PPPP  path id: which of the session's 16 packet number spaces
 *
 * Numbers are little-endian.  docs/protocol.md says it all, byte by byte.
 */
#ifndef TTT_CORE_PACKET_H
#define TTT_CORE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_HEADER		7
#define PACKET_TAG		16
#define PACKET_NUMBER_BITS	24
#define PACKET_DATA_BIT		0x80
#define PACKET_IP_UDP_IPV4	28	/* outer headers */
#define PACKET_IP_UDP_IPV6	48

struct packet_header {
	uint8_t path;		/* 0..15 */
	uint32_t index;		/* the receiver's, 24 bits */
	uint32_t number;	/* low 24 bits */
};

/* Whether a datagram claims to be data; everything else is a handshake message, or nothing. */
static inline bool packet_is_data(const uint8_t *datagram, size_t len)
{
	return len > 0 && (datagram[0] & PACKET_DATA_BIT);
}

/* False: too short for a header, one byte of frames and a tag, or reserved bits are set. */
bool packet_read_header(const uint8_t *datagram, size_t len, struct packet_header *ret);
void packet_write_header(uint8_t datagram[PACKET_HEADER], const struct packet_header *h);

/*
 * The whole number whose low 24 bits these are: the one nearest to `expected`,
 * the number after the highest seen (RFC 9000 A.3).
 */
uint64_t packet_expand_number(uint32_t low, uint64_t expected);

#endif
