/*
 * reassembly: pieces of inner packets (piece.h) become whole packets again.
 *
 * Pieces of one packet come in any order, over any paths, twice, and cut
 * differently; each fills what is still missing.  Of bytes that came before the
 * first stay.  What a packet's pieces say of its length must agree: one that
 * ends elsewhere, or reaches beyond the end, spoils the packet, which is
 * forgotten.  So is one whose pieces do not come together in REASSEMBLY_WAIT.
 *
 * Memory, whatever the peer sends: one buffer of 2 KiB for each packet that is
 * not whole, at most REASSEMBLY_PACKETS of them, so 512 KiB of buffers, and 16
 * KiB for the table.  A packet's number says which four places of the table it
 * may take; when they are taken, the oldest is forgotten.  256 numbers of a lane
 * in a row fit.  A piece costs a look at four places, its copy and two words of bits.
 */
#ifndef TTT_CORE_FLOW_REASSEMBLY_H
#define TTT_CORE_FLOW_REASSEMBLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/flow/piece.h"

struct buf;
struct buf_pool;
struct reassembly;

#define REASSEMBLY_PACKETS	256
#define REASSEMBLY_WAIT		SEC(2)	/* twice as long as a packet is ever tried */

struct reassembly *reassembly_new(struct buf_pool *pool);	/* NULL: memory */
void reassembly_free(struct reassembly *r);
/* The peer begins anew: nothing is waited for. */
void reassembly_reset(struct reassembly *r);

/*
 * A partial piece has come: len bytes, at least 1, which end at PIECE_END_MAX or
 * before; if it is not the last, whole units.  The packet when it is whole now,
 * which is the caller's, else NULL.
 */
struct buf *reassembly_put(struct reassembly *r, const struct piece *piece, const uint8_t *bytes,
			   size_t len, nsec_t now);

/* Somebody else needs the room: forget the oldest.  False: nothing waits. */
bool reassembly_yield(struct reassembly *r);

/* Nothing could come for a while: nothing has waited for that. */
void reassembly_wake(struct reassembly *r, nsec_t now);

/* Forget what has waited too long; when there is something to forget, NSEC_NEVER: nothing waits. */
void reassembly_tick(struct reassembly *r, nsec_t now);
nsec_t reassembly_deadline(const struct reassembly *r);

struct reassembly_stats {
	uint64_t waiting;	/* packets that are not whole, now */
	uint64_t whole;		/* that became so */
	uint64_t forgotten;	/* too old, spoilt, or their place was needed */
	uint64_t no_buffer;	/* pieces for which there was no buffer */
};

struct reassembly_stats reassembly_stats(const struct reassembly *r);

#endif
