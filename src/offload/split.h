/*
 * split: what the TUN gives at once (a packet that another one's segments are
 * to be cut from, or one whose checksum is left to us) as packets that anybody
 * understands.
 *
 *	virtio header | IP TCP payload ……………………………
 *	→  IP TCP payload | IP TCP payload | IP TCP payl
 *
 * Every segment has the first one's headers, options and extension headers too,
 * with its own length, IPv4 id, sequence number and checksums: but where the TUN left
 * TCP's or UDP's to us, it is left to the other end's (buf's needs_checksum).  FIN and PSH are
 * the last one's, CWR is the first one's (RFC 3168), and the urgent pointer
 * shows each segment the same byte (RFC 9293), if that is still to come.  A large UDP packet
 * becomes datagrams.
 *
 * Nothing of the virtio header is believed that the packet does not bear out.
 */
#ifndef TTT_OFFLOAD_SPLIT_H
#define TTT_OFFLOAD_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "offload/virtio.h"

struct buf;

struct split {
	const uint8_t *packet;	/* the caller's, unchanged until all is out */
	size_t len, at;		/* where the next segment's payload begins; len: all is out */
	struct virtio_header header;
	struct ip ip;		/* where segments are cut */
	unsigned count;		/* segments that are out */
	uint64_t header_sum;	/* of an IPv4 header: sum of what its segments have in common */
	uint64_t pseudo;	/* sum of the pseudo header, its length left out */
};

enum split_verdict {
	SPLIT_GOOD,
	SPLIT_INVALID,		/* what the header asks for, the packet has not */
	SPLIT_TOO_LONG,		/* a segment is larger than `room` */
};

/* Begin with a packet of at most VIRTIO_PACKET_MAX bytes; room: bytes that a segment may have. */
enum split_verdict split_begin(struct split *s, const struct virtio_header *header, const uint8_t *packet,
			       size_t len, size_t room);
/* Whether there is another segment: split_next writes it into an empty buffer with that room. */
static inline bool split_has_more(const struct split *s)
{
	return s->at < s->len;
}
void split_next(struct split *s, struct buf *b);

#endif
