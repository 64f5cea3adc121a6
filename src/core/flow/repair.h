/*
 * repair: copies of the inner packets that are under way, until they have
 * arrived or their time is over.
 *
 *	keep ──► OUT ──(lost, or doubted)──► WAITING ──(taken, sent again)──► OUT
 *	          │                            │
 *	          └──acked──► gone             └──deadline, or no room──► given up
 *
 * A packet may be under way on several paths at once; it is lost only when no
 * datagram that carries it is left.  What is given up is told once, so that
 * the receiver need not wait for it (SKIP).
 *
 * An item is a whole packet, or a piece of one (piece.h), and is lost or arrives
 * by itself.  A packet of which one piece is given up is told as lost, though
 * others of it may still be tried: nothing is known of them here.
 *
 * Items stand in a ring in the order in which they were kept; a handle is an
 * item's number in that order, so one of an item that is gone means nothing.
 *
 * Those that wait are sent again in their lane's order, and lanes take turns of
 * a full packet: a path that dies takes a call's twenty packets with it and a
 * download's two hundred, and the call need not wait for those.
 */
#ifndef TTT_CORE_FLOW_REPAIR_H
#define TTT_CORE_FLOW_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/flow/piece.h"
#include "core/flow/skips.h"

struct buf;

#define REPAIR_NONE	0u	/* a handle of nothing */

struct repair_item {
	struct buf *packet;	/* the inner packet, or the piece; NULL: the item is gone */
	struct piece piece;
	nsec_t deadline;	/* of sending it again */
	uint32_t handle;
	uint8_t out;		/* datagrams under way that carry it */
	bool waiting;		/* to be sent again */
	bool again;		/* it was */
	uint32_t before, behind;	/* items of its lane that wait, too; REPAIR_NONE: none */
};

struct repair_stats {
	uint64_t resent;	/* taken to be sent again */
	uint64_t given_up;
	uint64_t kept;		/* items now */
};

struct repair;

/* Room for so many packets, a power of two; NULL: memory. */
struct repair *repair_new(size_t items);
void repair_free(struct repair *r);
/* Nothing is under way any more, and nothing is to be told. */
void repair_reset(struct repair *r);

/*
 * Keep a packet that is about to go out; takes it.  The oldest item is given
 * up where its place is needed.  The packet stays valid until the next call.
 */
uint32_t repair_keep(struct repair *r, struct buf *packet, const struct piece *piece, nsec_t deadline);

/*
 * A datagram that carries it goes out, has arrived, or is lost.  Any handle will do.
 * What nobody has sent again yet may be sent until then: its deadline counts with
 * news as late as usual and a free path, and a queue that has just overflown gives
 * neither.
 */
void repair_sent(struct repair *r, uint32_t handle);
void repair_acked(struct repair *r, uint32_t handle);
void repair_lost(struct repair *r, uint32_t handle, nsec_t until);
/*
 * A datagram that carries it is overdue.  It counts as lost, but may still bring
 * it; so when what goes now is lost, too, it goes once more.  That it is lost is
 * not told again.
 * Of what is overdue nobody has sent anything again yet, and the other end still
 * waits for it behind a path that may be slow to show that it is gone: it may be
 * sent until then, even when it would have been too late to begin.
 */
void repair_doubted(struct repair *r, uint32_t handle, nsec_t until);
/* Nobody could send or get anything for a while: whatever is kept may be sent again until then. */
void repair_extend(struct repair *r, nsec_t until);
/* It cannot be sent: unless a datagram carries it already, it is given up.  Any handle will do. */
void repair_unsent(struct repair *r, uint32_t handle);
/* A number of a lane will not come, and no item says so. */
void repair_skip(struct repair *r, const struct piece *piece);

/* Somebody else needs the room: give up the oldest item.  False: there is none. */
bool repair_yield(struct repair *r);

/* What is kept next has that handle: packets that were kept one after the other are known by the first. */
uint32_t repair_after(const struct repair *r, uint32_t handle);

/* What a handle stands for, until the next call; NULL: it has arrived, or was given up. */
const struct repair_item *repair_find(const struct repair *r, uint32_t handle);

/* The next packet to be sent again, lanes in turns; NULL: none.  What is too late is given up here. */
const struct repair_item *repair_next(struct repair *r, nsec_t now);
/* That one is being sent again: it waits no more.  repair_sent follows. */
void repair_take(struct repair *r);
/* That one is to be sent in smaller pieces: the item is gone, and the caller owns its packet. */
struct buf *repair_withdraw(struct repair *r);
bool repair_is_waiting(const struct repair *r);
/* Something of that lane waits to be sent again. */
bool repair_lane_waits(const struct repair *r, unsigned lane);

/* Whether there is something to tell; the oldest ranges, at most max of them, which are told then. */
bool repair_has_skips(const struct repair *r);
size_t repair_skips(struct repair *r, struct skips_range *ret, size_t max, uint16_t *ret_batch);
/* A batch that was told did not arrive: it is to be told again. */
void repair_repeat_skips(struct repair *r, uint16_t batch);

struct repair_stats repair_stats(const struct repair *r);

#endif
