/*
 * ecn: the two bits of congestion notification in an IP header (RFC 3168).
 *
 * For packets that inner_read has accepted: there is a whole header.  What an
 * outer header may say to an inner packet is RFC 6040's table; the caller
 * reads and writes the outer field itself, since that belongs to its socket.
 */
#ifndef TTT_CORE_ECN_H
#define TTT_CORE_ECN_H

#include <stdbool.h>
#include <stdint.h>

/* As on the wire. */
enum ecn {
	ECN_NOT_ECT = 0,	/* its transport does not know of ECN: congestion is told by a drop */
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3,		/* congestion was experienced */
};

/* Datagrams that came with each of them. */
struct ecn_counts {
	uint64_t ect0, ect1, ce;
};

enum ecn ecn_read(const uint8_t *packet);
/* Keeps IPv4's header checksum as right, or as wrong, as it was (RFC 1624). */
void ecn_write(uint8_t *packet, enum ecn ecn);
/* Set CE.  False: the packet is Not-ECT and stays as it is; drop it instead. */
bool ecn_mark(uint8_t *packet);

/*
 * What an inner packet says after its datagram's header was taken off
 * (RFC 6040, figure 4).  False: drop it, congestion was to be told and the
 * inner transport has no other way to hear of it; *ret stays untouched.
 */
bool ecn_decapsulate(enum ecn inner, enum ecn outer, enum ecn *ret);

#endif
