/* contexts: see contexts.h. */
#include "core/flow/contexts.h"

#define PLACES		4	/* where a flow may be */
#define FLOW_LIFE	SEC(1)	/* who was not seen for so long makes room */
#define FEW		4	/* packets: a shorter flow is not worth a slot */
#define OFFER_EVERY	MSEC(50)
#define OFFER_BYTES	12	/* wasted: a new context costs 2, and a slot for a while */
#define NO_SHORTHAND	8	/* so much counts a packet that had none */
#define IN_VAIN		100	/* see contexts.h */

/* --- from the other end ---------------------------------------------------------- */

void contexts_learn(struct contexts_got *g, uint16_t tag, const struct piece *place, const uint8_t *packet,
		    size_t len)
{
	uint8_t slot = contexts_slot(tag), generation = contexts_generation(tag);

	if (slot >= CONTEXTS_SLOTS)
		return;
	if (g->slot[slot].context.len != 0 && (int8_t)(generation - g->slot[slot].generation) <= 0)
		return;
	if (shorthand_learn(&g->slot[slot].context, packet, len, place->lane, place->seq))
		g->slot[slot].generation = generation;
}

const struct shorthand_context *contexts_find(const struct contexts_got *g, uint16_t tag)
{
	uint8_t slot = contexts_slot(tag);

	if (slot >= CONTEXTS_SLOTS || g->slot[slot].generation != contexts_generation(tag) ||
	    g->slot[slot].context.len == 0)
		return NULL;
	return &g->slot[slot].context;
}

/* --- to the other end ------------------------------------------------------------ */

static struct contexts_flow *find(struct contexts_given *g, uint32_t flow)
{
	for (unsigned i = 0; i < PLACES; i++) {
		struct contexts_flow *f = &g->flow[(flow + i) % CONTEXTS_FLOWS];

		if (f->seen_at != 0 && f->flow == flow)
			return f;
	}
	return NULL;
}

static struct contexts_flow *find_or_make(struct contexts_given *g, uint32_t flow, nsec_t now)
{
	struct contexts_flow *f = find(g, flow);

	for (unsigned i = 0; i < PLACES && f == NULL; i++) {
		struct contexts_flow *place = &g->flow[(flow + i) % CONTEXTS_FLOWS];

		if (place->seen_at != 0 && nsec_since(place->seen_at, now) < FLOW_LIFE)
			continue;
		f = place;
		*f = (struct contexts_flow){ .flow = flow, .best = SHORTHAND_MAX };
	}
	if (f != NULL)
		f->seen_at = now != 0 ? now : 1;
	return f;
}

static bool is_of(const struct contexts_given *g, uint16_t tag, uint32_t flow)
{
	uint8_t slot = contexts_slot(tag);

	return tag != 0 && g->slot[slot].generation == contexts_generation(tag) && g->slot[slot].flow == flow;
}

static bool wants_one(struct contexts_given *g, struct contexts_flow *f, nsec_t now)
{
	if (f->packets < FEW) {
		f->packets++;
		return false;
	}
	if (f->offered_at != 0 && nsec_since(f->offered_at, now) < OFFER_EVERY)
		return false;
	/* it was withdrawn, its packet has been given up, or is tried for longer than anybody cares */
	if (f->offered != 0 && (!is_of(g, f->offered, f->flow) || g->slot[contexts_slot(f->offered)].withdrawn ||
				nsec_since(f->offered_at, now) >= CONTEXTS_REST))
		f->offered = 0;
	return f->offered == 0 && (!is_of(g, f->known, f->flow) || f->waste >= OFFER_BYTES);
}

/* A slot that has rested, or CONTEXTS_SLOTS. */
static unsigned free_slot(struct contexts_given *g, nsec_t now)
{
	for (unsigned n = 0; n < CONTEXTS_SLOTS; n++) {
		unsigned slot = g->turn++ % CONTEXTS_SLOTS;

		if (g->slot[slot].used_at != 0 && nsec_since(g->slot[slot].used_at, now) < CONTEXTS_REST)
			continue;
		if (g->slot[slot].unheard < IN_VAIN)
			return slot;
	}
	return CONTEXTS_SLOTS;
}

uint16_t contexts_offer(struct contexts_given *g, uint32_t flow, const struct piece *place,
			const uint8_t *packet, size_t len, nsec_t now)
{
	struct contexts_flow *f = find_or_make(g, flow, now);
	struct shorthand_context context;
	unsigned slot;

	if (f == NULL || !wants_one(g, f, now) || !shorthand_learn(&context, packet, len, place->lane, place->seq))
		return 0;
	f->offered_at = now;
	slot = free_slot(g, now);
	if (slot == CONTEXTS_SLOTS)
		return 0;
	g->slot[slot].context = context;
	g->slot[slot].flow = flow;
	g->slot[slot].withdrawn = false;
	g->slot[slot].offered_at = now;
	g->slot[slot].used_at = now != 0 ? now : 1;
	g->slot[slot].generation++;
	g->slot[slot].unheard++;
	f->offered = contexts_tag((uint8_t)slot, g->slot[slot].generation);
	return f->offered;
}

void contexts_offered(struct contexts_given *g, uint16_t tag, uint32_t handle)
{
	unsigned place = g->waits < CONTEXTS_WAITING ? g->waits++ : g->offers++ % CONTEXTS_WAITING;

	g->waiting[place].handle = handle;
	g->waiting[place].tag = tag;
}

void contexts_withdraw(struct contexts_given *g, uint16_t tag)
{
	uint8_t slot = contexts_slot(tag);

	if (g->slot[slot].generation == contexts_generation(tag))
		g->slot[slot].withdrawn = true;
}

bool contexts_stands(struct contexts_given *g, uint16_t tag, nsec_t now)
{
	uint8_t slot = contexts_slot(tag);

	if (g->slot[slot].generation != contexts_generation(tag) || g->slot[slot].withdrawn)
		return false;
	g->slot[slot].used_at = now != 0 ? now : 1;
	return true;
}

/*
 * Its packet may itself have meant a header, whose slot may have had another one by
 * the time it came: then nobody could read it, and the offer went with it.  Within
 * CONTEXTS_REST that cannot be.
 */
static void become_known(struct contexts_given *g, uint16_t tag, nsec_t now)
{
	uint8_t slot = contexts_slot(tag);
	struct contexts_flow *f;

	if (g->slot[slot].generation != contexts_generation(tag) || g->slot[slot].withdrawn)
		return;
	if (nsec_since(g->slot[slot].offered_at, now) >= CONTEXTS_REST)
		return;
	g->slot[slot].unheard = 0;
	f = find(g, g->slot[slot].flow);
	if (f == NULL || f->offered != tag)
		return;
	f->known = tag;
	f->offered = 0;
	f->waste = 0;
	f->best += f->best < SHORTHAND_MAX;	/* so that what never comes again is not waited for */
}

/* ACKs are many, and hardly ever does anything wait. */
void contexts_acked(struct contexts_given *g, uint32_t handle, nsec_t now)
{
	for (uint32_t i = 0; i < g->waits; i++) {
		if (g->waiting[i].handle != handle)
			continue;
		become_known(g, g->waiting[i].tag, now);
		g->waiting[i] = g->waiting[--g->waits];
		return;
	}
}

static void note(struct contexts_flow *f, size_t len)
{
	if (len == 0)
		len = (size_t)f->best + NO_SHORTHAND;
	else if (len < f->best)
		f->best = (uint8_t)len;
	f->waste = (uint16_t)(f->waste + len - f->best);
	if (f->waste > OFFER_BYTES)
		f->waste = OFFER_BYTES;
}

size_t contexts_shorten(struct contexts_given *g, uint32_t flow, const struct piece *place,
			const uint8_t *packet, size_t len, nsec_t now, uint8_t *ret, size_t *ret_header,
			uint16_t *ret_tag)
{
	struct contexts_flow *f = find(g, flow);
	uint8_t slot;
	size_t n;

	if (f == NULL || !is_of(g, f->known, flow))
		return 0;
	slot = contexts_slot(f->known);
	if (g->slot[slot].context.lane != place->lane)
		return 0;
	n = shorthand_write(&g->slot[slot].context, packet, len, place->seq, place->needs_checksum, ret);
	/* a checksum that is there is no waste: no other context would save it */
	note(f, n == 0 || place->needs_checksum ? n : n - 2);
	if (n == 0)
		return 0;
	g->slot[slot].used_at = now != 0 ? now : 1;
	*ret_header = g->slot[slot].context.len;
	*ret_tag = f->known;
	return n;
}
