/*
 * contexts: which headers (shorthand.h) both ends have, so that one may be meant.
 *
 * A context has a tag: its slot, of CONTEXTS_SLOTS, and the slot's generation.  The
 * sender offers one with a packet that says so; once that packet is acknowledged,
 * wherever and however often it went, but within CONTEXTS_REST, the other end has it,
 * and what follows in the flow may be told by it.
 *
 * Paths differ, so a packet may come long after those that were sent behind it.  A
 * slot is not offered anew before CONTEXTS_REST after it was last meant or offered,
 * and then with the next generation.  So 128 generations take 256 s; a datagram is
 * opened for 240 s at most, which is how long its keys live.  So what comes late never
 * meets a header that it does not mean: what it means is there, or it is dropped; and
 * an offer that is older than what is there is ignored.  A slot that was offered 100
 * times in vain is not offered any more: what the other end has there nobody knows.
 */
#ifndef TTT_CORE_FLOW_CONTEXTS_H
#define TTT_CORE_FLOW_CONTEXTS_H

#include "base/units.h"
#include "core/flow/piece.h"
#include "core/flow/shorthand.h"

#define CONTEXTS_SLOTS	128
#define CONTEXTS_FLOWS	128
#define CONTEXTS_WAITING 16
#define CONTEXTS_REST	SEC(2)

/* A tag: the slot, plus 1, in the upper byte, and the generation; 0: none. */
static inline uint16_t contexts_tag(uint8_t slot, uint8_t generation)
{
	return (uint16_t)((slot + 1) << 8 | generation);
}

static inline uint8_t contexts_slot(uint16_t tag)
{
	return (uint8_t)((tag >> 8) - 1);
}

static inline uint8_t contexts_generation(uint16_t tag)
{
	return (uint8_t)tag;
}

/* --- what the other end has offered: zeroed, none ------------------------------ */

struct contexts_got {
	struct {
		struct shorthand_context context;
		uint8_t generation;
	} slot[CONTEXTS_SLOTS];
};

/* A packet came whole that offers one. */
void contexts_learn(struct contexts_got *g, uint16_t tag, const struct piece *place, const uint8_t *packet,
		    size_t len);
/* NULL: it is not there. */
const struct shorthand_context *contexts_find(const struct contexts_got *g, uint16_t tag);

/* --- what was offered to it: zeroed, none -------------------------------------- */

struct contexts_given {
	struct {
		struct shorthand_context context;
		uint32_t flow;
		nsec_t offered_at;	/* for the first time */
		nsec_t used_at;		/* last offered, or meant; 0: never */
		uint8_t generation;
		bool withdrawn;
		uint8_t unheard;	/* generations that were offered since one came */
	} slot[CONTEXTS_SLOTS];
	struct contexts_flow {
		uint32_t flow;
		nsec_t seen_at;		/* 0: the place is free */
		nsec_t offered_at;
		uint16_t known;		/* the newest tag that the other end has; 0: none */
		uint16_t offered;	/* the one that waits for that; 0: none */
		uint16_t waste;		/* bytes that a newer one might have saved */
		uint8_t packets;	/* since it was first seen, a few */
		uint8_t best;		/* bytes of the shortest shorthand lately */
	} flow[CONTEXTS_FLOWS];
	uint8_t turn;			/* the slot to look at next */
	struct {
		uint32_t handle;	/* of the packet that offers it */
		uint16_t tag;
	} waiting[CONTEXTS_WAITING];	/* to be known; those that never come stay until others need the place */
	uint32_t offers, waits;		/* offers: so many took the place of another; waits: places in use */
};

/*
 * A packet goes out for the first time: the tag that it is to offer; 0: none.  It is
 * kept until it has arrived, under a handle that is not 0, of which contexts_offered
 * tells.
 */
uint16_t contexts_offer(struct contexts_given *g, uint32_t flow, const struct piece *place,
			const uint8_t *packet, size_t len, nsec_t now);
void contexts_offered(struct contexts_given *g, uint16_t tag, uint32_t handle);
/* Its packet has to go without it: it will not be known, nor does it stand any more. */
void contexts_withdraw(struct contexts_given *g, uint16_t tag);
/* It goes out once more; false: it was withdrawn, or its slot has another one meanwhile; it is not to be made. */
bool contexts_stands(struct contexts_given *g, uint16_t tag, nsec_t now);
/* A datagram with the packet of a handle has arrived.  Any handle will do. */
void contexts_acked(struct contexts_given *g, uint32_t handle, nsec_t now);

/*
 * The shorthand of a packet by a context that is known: its length, what it is of the
 * packet that it stands for, and the tag; 0: it has none.  ret has SHORTHAND_MAX bytes.
 */
size_t contexts_shorten(struct contexts_given *g, uint32_t flow, const struct piece *place,
			const uint8_t *packet, size_t len, nsec_t now, uint8_t *ret, size_t *ret_header,
			uint16_t *ret_tag);

#endif
