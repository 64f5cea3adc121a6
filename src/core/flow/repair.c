/* repair: see repair.h. */
#include "core/flow/repair.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/flow/lane.h"

#define AHEAD	8	/* items: so far before the one that is acknowledged a packet is fetched */

struct repair {
	struct repair_item *item;	/* handle modulo size */
	uint32_t size, next;		/* next: the next item's handle; never REPAIR_NONE */
	uint32_t span;			/* items before it that may still be there; at most size */
	/* handles that wait, oldest first; an item waits at most once, but those that are gone
	 * meanwhile stand there until somebody looks */
	uint32_t *line;
	uint32_t line_head, line_count;
	struct repair_skip skip[REPAIR_SKIPS];	/* the newest; told ones stay for repeating */
	uint32_t skip_next, skip_untold;
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
	r->line = calloc(items, sizeof(*r->line));
	if (r->item == NULL || r->line == NULL) {
		repair_free(r);
		return NULL;
	}
	return r;
}

static void forget(struct repair *r, struct repair_item *i)
{
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
	r->line_count = 0;
	r->skip_untold = 0;
	r->skip_next = 0;
	memset(r->skip, 0, sizeof(r->skip));
}

void repair_free(struct repair *r)
{
	if (r == NULL)
		return;
	if (r->item != NULL)
		repair_reset(r);
	free(r->item);
	free(r->line);
	free(r);
}

static struct repair_item *find(const struct repair *r, uint32_t handle)
{
	struct repair_item *i = &r->item[handle % r->size];

	return handle != REPAIR_NONE && i->packet != NULL && i->handle == handle ? i : NULL;
}

const struct repair_item *repair_find(const struct repair *r, uint32_t handle)
{
	return find(r, handle);
}

/* --- giving up ------------------------------------------------------------- */

/* Neighbours become one range: a path that dies takes runs of a lane with it. */
void repair_skip(struct repair *r, const struct piece *piece)
{
	struct repair_skip *last = &r->skip[(r->skip_next - 1) % REPAIR_SKIPS];

	if (r->skip_untold > 0 && last->lane == piece->lane) {
		int32_t beyond = lane_seq_diff(piece->seq, last->seq) - (int32_t)last->count;

		if (beyond == -1)	/* another piece of the same packet */
			return;
		if (beyond == 0 && last->count < REPAIR_SKIP_MAX) {
			last->count++;
			return;
		}
	}
	r->skip[r->skip_next++ % REPAIR_SKIPS] =
		(struct repair_skip){ .lane = piece->lane, .seq = piece->seq, .count = 1 };
	if (r->skip_untold < REPAIR_SKIPS)
		r->skip_untold++;
}

static void give_up(struct repair *r, struct repair_item *i)
{
	repair_skip(r, &i->piece);
	r->stats.given_up++;
	forget(r, i);
}

bool repair_has_skips(const struct repair *r)
{
	return r->skip_untold > 0;
}

size_t repair_skips(struct repair *r, struct repair_skip *ret, size_t max)
{
	size_t n = 0;

	for (; n < max && r->skip_untold > 0; n++, r->skip_untold--)
		ret[n] = r->skip[(r->skip_next - r->skip_untold) % REPAIR_SKIPS];
	return n;
}

void repair_repeat_skips(struct repair *r)
{
	r->skip_untold = r->skip_next < REPAIR_SKIPS ? r->skip_next : REPAIR_SKIPS;
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
	r->next = handle + 1 != REPAIR_NONE ? handle + 1 : r->size;	/* keeps the ring's order */
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

static void close_ranks(struct repair *r)
{
	uint32_t kept = 0;

	for (uint32_t n = 0; n < r->line_count; n++) {
		uint32_t handle = r->line[(r->line_head + n) % r->size];

		if (find(r, handle) != NULL)
			r->line[(r->line_head + kept++) % r->size] = handle;
	}
	r->line_count = kept;
}

static void wait_in_line(struct repair *r, struct repair_item *i)
{
	if (i->waiting)
		return;
	if (r->line_count == r->size)
		close_ranks(r);
	i->waiting = true;
	r->line[(r->line_head + r->line_count++) % r->size] = i->handle;
}

void repair_doubted(struct repair *r, uint32_t handle, nsec_t until)
{
	struct repair_item *i = find(r, handle);

	if (i == NULL)
		return;
	i->deadline = nsec_max(i->deadline, until);
	wait_in_line(r, i);
}

void repair_lost(struct repair *r, uint32_t handle)
{
	struct repair_item *i = find(r, handle);

	if (i == NULL)
		return;
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

static struct repair_item *leave_line(struct repair *r)
{
	struct repair_item *i = find(r, r->line[r->line_head]);

	r->line_head = (r->line_head + 1) % r->size;
	r->line_count--;
	return i;
}

void repair_take(struct repair *r)
{
	struct repair_item *i = leave_line(r);

	if (i != NULL) {
		i->waiting = false;
		r->stats.resent++;
	}
}

struct buf *repair_withdraw(struct repair *r)
{
	struct repair_item *i = leave_line(r);
	struct buf *packet;

	if (i == NULL)
		return NULL;
	packet = i->packet;
	i->packet = NULL;
	r->stats.resent++;
	forget(r, i);
	return packet;
}

const struct repair_item *repair_next(struct repair *r, nsec_t now)
{
	while (r->line_count > 0) {
		struct repair_item *i = find(r, r->line[r->line_head]);

		if (i != NULL && now < i->deadline)
			return i;
		/* acknowledged meanwhile, or too late: a datagram under way may still bring it */
		if (i != NULL && i->out == 0)
			give_up(r, i);
		else if (i != NULL)
			i->waiting = false;
		r->line_head = (r->line_head + 1) % r->size;
		r->line_count--;
	}
	return NULL;
}

bool repair_is_waiting(const struct repair *r)
{
	return r->line_count > 0;
}

struct repair_stats repair_stats(const struct repair *r)
{
	return r->stats;
}
