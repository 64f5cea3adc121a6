/*
 * resequencer: gives the packets of each lane out in the order they were sent.
 *
 * A packet that is next in its lane goes out at once.  Behind a hole packets
 * are held until the hole
 *   - is filled by its packet,
 *   - is given up by its sender, who says so (resequencer_skip),
 *   - is proven lost: every path in use has delivered three later packets of
 *     this lane.  Paths mostly keep order; but a repair comes when it comes, so
 *     only frames that nobody repairs prove, behind one that nobody repaired; or
 *   - has been open for the wait: then it is given up, and what came after it
 *     goes out.
 * Unordered packets are never held.  Holes that they leave are given up within
 * two waits, so that nothing that comes later, in order, waits for them.
 * Duplicates are dropped, on ordered and unordered lanes alike: a history of
 * the last RESEQUENCER_HISTORY numbers of each lane.  A packet that comes
 * after its place was given up goes out late if `late` says so, once.
 *
 * Memory: at most `max_bytes`, whatever the peer sends, for the buffers that are
 * held, the shelves that hold them (at most 132 KiB a lane) and the lanes in use
 * (4.5 KiB each); 28 KiB beside.  When that is full, or resequencer_yield is
 * called, an empty shelf goes that is kept for when it is needed again (it is not
 * kept for longer than RESEQUENCER_SILENCE); else a lane that was unused for
 * RESEQUENCER_SILENCE is forgotten, as any is after RESEQUENCER_IDLE; else the
 * oldest hole is given up; else whichever lane was unused for longest goes.  What comes behind a forgotten lane's edge is
 * dropped as a duplicate.
 *
 * Time: a packet or a SKIP costs at most some 1000 steps over words of bits, 10
 * in the heap of holes, and one for each packet that goes out, which came once;
 * nothing that a peer sends makes it go through numbers one by one.
 */
#ifndef TTT_CORE_FLOW_RESEQUENCER_H
#define TTT_CORE_FLOW_RESEQUENCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct buf;
struct resequencer;

#define RESEQUENCER_HISTORY	16384	/* numbers behind, and ahead, of a lane's edge that are told apart */

/* After such a silence in its lane a number beyond the history behind is no straggler: the lane begins anew. */
#define RESEQUENCER_SILENCE	SEC(2)

/* A lane that was not used for so long is forgotten.  See resequencer_wake for when nothing could come. */
#define RESEQUENCER_IDLE	SEC(10)

struct resequencer_config {
	size_t max_bytes;	/* that all of it may take; at least 64 KiB */
	bool late;		/* give out what comes after its hole was given up (each packet once) */
};

/* How a frame wants to be treated. */
struct resequencer_frame {
	uint16_t lane;		/* below LANES */
	uint32_t seq;		/* below 2^22 */
	uint8_t path;		/* that it came on */
	bool unordered;		/* never held; its number still counts for order and duplicates */
	bool repaired;		/* its sender repairs losses: no proof by other paths, wait for it */
};

enum resequencer_result {
	RESEQUENCER_TAKEN,	/* goes out, now or later */
	RESEQUENCER_DUPLICATE,	/* the caller still owns the packet */
	RESEQUENCER_LATE,	/* likewise: its place was given up, or it is beyond the history */
};

/* NULL when memory is short.  Lanes cost memory only once they are used. */
struct resequencer *resequencer_new(const struct resequencer_config *config);
void resequencer_free(struct resequencer *r);
/* Forget everything: the peer starts anew.  Held packets go back to their pool. */
void resequencer_reset(struct resequencer *r);

/* How long a hole may stay open from now on; and which paths data arrives on (for proof). */
void resequencer_set_wait(struct resequencer *r, nsec_t wait);
void resequencer_set_paths(struct resequencer *r, path_set in_use);
/* Nothing could come for a while: no lane was unused for that. */
void resequencer_wake(struct resequencer *r, nsec_t now);

/* Takes the packet when the answer is TAKEN. */
enum resequencer_result resequencer_put(struct resequencer *r, const struct resequencer_frame *frame,
					struct buf *packet, nsec_t now);
/* Whether that number needs no packet any more: it has come, or its sender gave it up. */
bool resequencer_is_settled(const struct resequencer *r, unsigned lane, uint32_t seq);
/* The sender gave these numbers of a lane up: nobody waits for them. */
void resequencer_skip(struct resequencer *r, unsigned lane, uint32_t seq, uint32_t count, nsec_t now);
/*
 * Somebody else needs the room: give up the oldest hole, whose packets may go
 * then; without one, forget a lane.  False: there is nothing to give.
 */
bool resequencer_yield(struct resequencer *r, nsec_t now);
/* The next packet that may go, or NULL; the caller owns it. */
struct buf *resequencer_out(struct resequencer *r, nsec_t now);
/* When the oldest hole's wait is over; NSEC_NEVER: no hole. */
nsec_t resequencer_deadline(const struct resequencer *r);

struct resequencer_stats {
	uint64_t held;		/* packets held now */
	uint64_t held_bytes;	/* with shelves and lanes; never above max_bytes */
	uint64_t holes;		/* numbers given up since the start */
	uint64_t late;		/* of those, packets that came after all */
	uint64_t duplicates;
};

struct resequencer_stats resequencer_stats(const struct resequencer *r);

#endif
