/*
 * merge: packets that follow each other in one flow as one packet that the TUN
 * takes at once, and the kernel's own stack cuts again where it has to.
 *
 *	IP TCP payload | IP TCP payload | IP TCP payl
 *	→  virtio header | IP TCP payload payload payl
 *
 * Nothing is copied: the large packet is a list of pieces in the buffers.  Only
 * what cutting gives back byte for byte is merged:
 *
 *   - whole TCP segments with data, each beginning where the one before ends, with
 *     the same addresses, ports, acknowledgement, window, options, TTL, DSCP and
 *     ECN, flow label and DF; IPv4 ids that count up, or (RFC 6864: DF says that
 *     they mean nothing) stay the same.  One that is shorter, or has PSH, is the
 *     last; CWR may only be the first one's.  SYN, FIN, RST and URG, IP options
 *     and extension headers go alone, and so does a segment without data.
 *   - UDP datagrams with data and a checksum, of one size but for the last.
 *
 * Their checksums are looked at before, since the kernel is told not to: one that
 * is wrong goes as it came, alone, and the kernel sees to it.  One that is still to
 * be made is the kernel's to make, or made here where it does not do that.
 *
 * Packets of one flow leave in their order; those of others may overtake a
 * packet that waits for more of its own.  Whatever is no whole TCP or UDP packet
 * may belong to any flow, so all that came before it leaves before it.
 */
#ifndef TTT_OFFLOAD_MERGE_H
#define TTT_OFFLOAD_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/ip.h"
#include "offload/virtio.h"

#define MERGE_HELD	256	/* packets that are held at once */
#define MERGE_SEGMENTS	64	/* of one write */
#define MERGE_OPEN	8	/* flows that may still get more; the oldest gives way */

/* Packets for one write; internal. */
struct merge_group {
	struct buf_queue packets;
	size_t len;		/* of the large packet */
	size_t size;		/* payload of each but the last */
	struct ip ip;
	uint8_t last_flags;	/* TCP's, of the last packet */
	bool proven;		/* the first one's checksums are right */
};

struct merge {
	bool tcp, udp;		/* what the kernel takes */
	struct merge_group group[MERGE_HELD];
	size_t groups, given;	/* those up to `given` are out */
	size_t held;
	struct merge_group *open[MERGE_OPEN];	/* oldest first */
	size_t open_count;
};

struct merge_write {
	struct virtio_header header;
	struct iovec piece[1 + MERGE_SEGMENTS];	/* the first is the header */
	int pieces;
	struct buf_queue packets;	/* that the pieces are in: the caller's to give back */
};

/* tcp, udp: what is merged at all; where the kernel takes the first it makes checksums, too. */
void merge_init(struct merge *m, bool tcp, bool udp);

/* Room for another packet; if not, take all out. */
static inline bool merge_has_room(const struct merge *m)
{
	return m->held < MERGE_HELD && m->given == 0;
}
/* Takes b; there must be room. */
void merge_add(struct merge *m, struct buf *b);
/* The next write, until there is none and m is empty.  Headers in the first packet's buffer are written over. */
bool merge_next(struct merge *m, struct merge_write *ret);

/* Give all packets back. */
void merge_clear(struct merge *m);

#endif
