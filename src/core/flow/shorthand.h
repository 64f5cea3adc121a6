/*
 * shorthand: an inner TCP header in few bytes, against one that the other end has.
 *
 * A context is the IP and TCP header of one packet of a flow, and the packet's
 * place in its lane.  What most packets of that flow have in common with it is
 * left out; what is said instead:
 *
 *	mask (1)  [TCP checksum (2)]  then, each where the mask has its bit, lowest first:
 *	01 traffic class (1)	IPv4's TOS, or IPv6's
 *	02 flags (1)		TCP's
 *	04 sequence number	zigzag: from where it is expected
 *	08 acknowledgement	what it is more than the context's
 *	10 window (2)
 *	20 IPv4 id		zigzag, of 16 bits: from where it is expected
 *	40 timestamp and echo	two numbers: what they are more than the context's
 *	80 (nothing)		PSH is not as in the context; else 02 says so
 *
 * A number is a varint: seven bits a byte, the lowest first, the top bit set in all
 * but the last.  With n packets between the two in their lane, the sequence number is
 * expected n times the context's payload behind the context's, and the id n behind,
 * or where it was when that was 0.  All else is as in the context, with the packet's
 * own length and the header checksum that IPv4 asks for; a packet for which that
 * would be wrong has no shorthand.  So it is read back bit by bit as it was.
 *
 * TCP's checksum goes as it is (as RFC 6846 has it), or not at all where it is still
 * to be made (base/ip.h): to leave out one that is there would mean to sum up the
 * payload at both ends.
 */
#ifndef TTT_CORE_FLOW_SHORTHAND_H
#define TTT_CORE_FLOW_SHORTHAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHORTHAND_HEADER	72	/* bytes of the longest header that is remembered */
#define SHORTHAND_MAX		30	/* bytes of the longest shorthand */
#define SHORTHAND_MIN		1	/* and of the shortest */

struct shorthand_context {
	uint32_t seq;		/* its packet's number in the lane */
	uint16_t lane;
	uint16_t stride;	/* bytes of payload it had */
	uint8_t len;		/* of the header; 0: there is none */
	uint8_t header[SHORTHAND_HEADER];
};

/*
 * Remember the header of a packet.  False, and ret is untouched: it is no TCP's,
 * or has an extension, or an option other than the usual timestamps, or SYN, FIN
 * or RST.
 */
bool shorthand_learn(struct shorthand_context *ret, const uint8_t *packet, size_t len, uint16_t lane,
		     uint32_t seq);
/*
 * Write, for the header of a packet with this number in the context's lane, its
 * shorthand; ret has SHORTHAND_MAX bytes.  It stands for the packet's first c->len
 * bytes.  Gives its length; 0: there is none.  needs_checksum: it has none yet.
 */
size_t shorthand_write(const struct shorthand_context *c, const uint8_t *packet, size_t len, uint32_t seq,
		       bool needs_checksum, uint8_t *ret);
/*
 * Read the shorthand at the front of `at`, whose rest is the payload, and write
 * c->len bytes of header to ret.  Gives the bytes it took; 0: it is cut short, or
 * says what no packet may have; ret may be spoilt.
 */
size_t shorthand_read(const struct shorthand_context *c, const uint8_t *at, size_t len, uint32_t seq,
		      bool needs_checksum, uint8_t *ret);

/* A frame has the low 16 bits of a packet's number: the one nearest to the context's that has them. */
uint32_t shorthand_seq(const struct shorthand_context *c, uint16_t low);

#endif
