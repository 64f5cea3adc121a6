/* repair: see repair.h. */
#include "core/flow/repair.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/flow/lane.h"

#define TURN	1514	/* bytes of a lane's turn */
#define AHEAD	8	/* items: so far before the one that is acknowledged a packet is fetched */

struct repair {
	struct repair_item *item;	/* handle modulo size */
	uint32_t size, next;		/* next: the next item's handle; never REPAIR_NONE */
	uint32_t span;			/* items before it that may still be there; at most size */
	struct {
		uint32_t first, last;	/* handles of what waits; REPAIR_NONE: nothing does */
		int32_t left;		/* bytes of its turn */
		bool in_line;
	} lane[LANES];
	/* lanes in which something waits, or did; the first has its turn */
	uint16_t line[LANES];
	uint32_t line_head, line_count, waiting;
	struct skips skips;
	struct repair_stats stats;
};

struct repair *repair_new(size_t items)
{
	struct repair *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->size = (uint32_t)items;
	r->next = 1;
	r->item = calloc(items, sizeof(*r->item));
	if (r->item == NULL) {
		repair_free(r);
		return NULL;
	}
	return r;
}

static struct repair_item *find(const struct repair *r, uint32_t handle)
{
	struct repair_item *i = &r->item[handle % r->size];

	return handle != REPAIR_NONE && i->packet != NULL && i->handle == handle ? i : NULL;
}

/* --- who waits ----------------------------------------------------------------- */

static void wait_in_line(struct repair *r, struct repair_item *i)
{
	unsigned id = i->piece.lane;
	struct repair_item *last = find(r, r->lane[id].last);

	if (i->waiting)
		return;
	i->waiting = true;
	i->before = r->lane[id].last;
	i->behind = REPAIR_NONE;
	*(last != NULL ? &last->behind : &r->lane[id].first) = i->handle;
	r->lane[id].last = i->handle;
	r->waiting++;
	if (r->lane[id].in_line)
		return;
	r->lane[id].in_line = true;
	r->lane[id].left = TURN;
	r->line[(r->line_head + r->line_count++) % LANES] = (uint16_t)id;
}

/* Its lane stays in the line until its turn comes. */
static void leave_line(struct repair *r, struct repair_item *i)
{
	struct repair_item *before = find(r, i->before), *behind = find(r, i->behind);
	unsigned id = i->piece.lane;

	if (!i->waiting)
		return;
	i->waiting = false;
	*(before != NULL ? &before->behind : &r->lane[id].first) = i->behind;
	*(behind != NULL ? &behind->before : &r->lane[id].last) = i->before;
	r->waiting--;
}

static unsigned leave_turn(struct repair *r)
{
	unsigned id = r->line[r->line_head];

	r->line_head = (r->line_head + 1) % LANES;
	r->line_count--;
	r->lane[id].in_line = false;
	return id;
}

/* The first of the lane whose turn it is; NULL: nothing waits. */
static struct repair_item *first_in_line(struct repair *r)
{
	while (r->line_count > 0) {
		unsigned id = r->line[r->line_head];

		if (r->lane[id].first != REPAIR_NONE && r->lane[id].left > 0)
			return find(r, r->lane[id].first);
		leave_turn(r);
		if (r->lane[id].first == REPAIR_NONE)
			continue;
		r->lane[id].left += TURN;
		r->lane[id].in_line = true;
		r->line[(r->line_head + r->line_count++) % LANES] = (uint16_t)id;
	}
	return NULL;
}

/* --- life ---------------------------------------------------------------------- */

static void forget(struct repair *r, struct repair_item *i)
{
	leave_line(r, i);
	buf_put_kept(i->packet);
	*i = (struct repair_item){ 0 };
	r->stats.kept--;
}

void repair_reset(struct repair *r)
{
	for (uint32_t i = 0; i < r->size; i++)
		if (r->item[i].packet != NULL)
			forget(r, &r->item[i]);
	r->span = 0;
	while (r->line_count > 0)
		leave_turn(r);
	r->skips = (struct skips){ 0 };
}

void repair_free(struct repair *r)
{
	if (r == NULL)
		return;
	if (r->item != NULL)
		repair_reset(r);
	free(r->item);
	free(r);
}

/* Behind the last of all comes the one that keeps the ring's order. */
uint32_t repair_after(const struct repair *r, uint32_t handle)
{
	return handle + 1 != REPAIR_NONE ? handle + 1 : r->size;
}

const struct repair_item *repair_find(const struct repair *r, uint32_t handle)
{
	return find(r, handle);
}

/* --- giving up ------------------------------------------------------------- */

void repair_skip(struct repair *r, const struct piece *piece)
{
	skips_add(&r->skips, piece->lane, piece->seq);
}

static void give_up(struct repair *r, struct repair_item *i)
{
	repair_skip(r, &i->piece);
	r->stats.given_up++;
	forget(r, i);
}

bool repair_has_skips(const struct repair *r)
{
	return r->skips.untold > 0;
}

size_t repair_skips(struct repair *r, struct skips_range *ret, size_t max, uint16_t *ret_batch)
{
	return skips_tell(&r->skips, ret, max, ret_batch);
}

void repair_repeat_skips(struct repair *r, uint16_t batch)
{
	skips_repeat(&r->skips, batch);
}

/* --- items ------------------------------------------------------------------- */

uint32_t repair_keep(struct repair *r, struct buf *packet, const struct piece *piece, nsec_t deadline)
{
	uint32_t handle = r->next;
	struct repair_item *i = &r->item[handle % r->size];

	if (i->packet != NULL)
		give_up(r, i);
	*i = (struct repair_item){
		.packet = packet, .piece = *piece, .deadline = deadline, .handle = handle,
	};
	r->stats.kept++;
	r->span += r->span < r->size;
	r->next = repair_after(r, handle);
	return handle;
}

bool repair_yield(struct repair *r)
{
	for (; r->span > 0; r->span--) {
		struct repair_item *i = &r->item[(r->next - r->span) % r->size];

		if (i->packet == NULL)
			continue;
		give_up(r, i);
		return true;
	}
	return false;
}

void repair_sent(struct repair *r, uint32_t handle)
{
	struct repair_item *i = find(r, handle);

	if (i != NULL && i->out < UINT8_MAX)
		i->out++;
}

/* ACKs are read from the newest packet down: an older one, kept before, is next. */
void repair_acked(struct repair *r, uint32_t handle)
{
	struct repair_item *i = find(r, handle);

	__builtin_prefetch(r->item[(handle - AHEAD) % r->size].packet);
	if (i != NULL)
		forget(r, i);
}

void repair_doubted(struct repair *r, uint32_t handle, nsec_t until)
{
	struct repair_item *i = find(r, handle);

	if (i == NULL)
		return;
	i->deadline = nsec_max(i->deadline, until);
	if (i->out > 0)
		i->out--;
	wait_in_line(r, i);
}

void repair_extend(struct repair *r, nsec_t until)
{
	for (uint32_t n = r->span; n > 0; n--) {
		struct repair_item *i = &r->item[(r->next - n) % r->size];

		if (i->packet != NULL)
			i->deadline = nsec_max(i->deadline, until);
	}
}

void repair_lost(struct repair *r, uint32_t handle, nsec_t until)
{
	struct repair_item *i = find(r, handle);

	if (i == NULL)
		return;
	if (!i->again)
		i->deadline = nsec_max(i->deadline, until);
	if (i->out > 0)
		i->out--;
	if (i->out == 0)
		wait_in_line(r, i);
}

void repair_unsent(struct repair *r, uint32_t handle)
{
	struct repair_item *i = find(r, handle);

	if (i != NULL && i->out == 0)
		give_up(r, i);
}

/* The item whose turn it is, off the line. */
static struct repair_item *take_first(struct repair *r)
{
	struct repair_item *i = first_in_line(r);

	if (i == NULL)
		return NULL;
	r->lane[i->piece.lane].left -= (int32_t)i->packet->len;
	leave_line(r, i);
	i->again = true;
	r->stats.resent++;
	return i;
}

void repair_take(struct repair *r)
{
	take_first(r);
}

struct buf *repair_withdraw(struct repair *r)
{
	struct repair_item *i = take_first(r);
	struct buf *packet;

	if (i == NULL)
		return NULL;
	packet = i->packet;
	i->packet = NULL;
	forget(r, i);
	return packet;
}

const struct repair_item *repair_next(struct repair *r, nsec_t now)
{
	struct repair_item *i;

	while ((i = first_in_line(r)) != NULL) {
		if (now < i->deadline)
			return i;
		/* too late: a datagram under way may still bring it */
		if (i->out == 0)
			give_up(r, i);
		else
			leave_line(r, i);
	}
	return NULL;
}

bool repair_is_waiting(const struct repair *r)
{
	return r->waiting > 0;
}

bool repair_lane_waits(const struct repair *r, unsigned lane)
{
	return r->lane[lane].first != REPAIR_NONE;
}

struct repair_stats repair_stats(const struct repair *r)
{
	return r->stats;
}
