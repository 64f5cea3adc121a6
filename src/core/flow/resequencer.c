/*
 * resequencer: see resequencer.h.
 *
 * A lane knows which numbers around its edge have come (one bit each) and
 * holds the packets ahead of the edge on a shelf that grows with what it has to
 * span.  A number whose bit is set but that is not on the shelf went out
 * already, unordered.  Lanes with a hole are a heap, oldest hole on top: the
 * wait is the same for all, so that one has the next deadline.  All lanes are
 * a list, longest unused first: those are forgotten.
 *
 * A hole is as old as the earliest packet held beyond it.  That one is always a
 * lead of the shelf: whatever else is held came behind some lead that is
 * higher, so later.
 */
#include "core/flow/resequencer.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/flow/bitring.h"
#include "core/flow/lane.h"
#include "core/flow/shelf.h"

#define SEEN_BITS	(2 * RESEQUENCER_HISTORY)
#define SHELF_KEEP	256	/* an empty lane keeps a shelf up to this size, and a larger one while it needs that */
#define PROOF		3	/* later packets on every path in use prove a loss */
#define FORGOTTEN	(1u << 31)

struct lane {
	uint16_t id;
	uint32_t next;			/* the edge: the number that may go out next */
	uint32_t ahead;			/* numbers from the edge to the highest seen, that one included */
	uint64_t seen[SEEN_BITS / 64];
	uint32_t later[PATHS_MAX][PROOF];	/* the highest numbers of frames that nobody repairs, highest first */
	uint8_t laters[PATHS_MAX];		/* how many there are */
	bool repaired;			/* the last packet before the edge is of a sender that repairs */
	struct shelf shelf;		/* what is held */
	nsec_t wide_at;			/* when that last took more than SHELF_KEEP */
	uint32_t mark;			/* beyond all that had come at marked_at: holes below are as old as that */
	nsec_t marked_at;
	nsec_t reached_at;		/* when a number within reach came last */
	uint32_t hole_lead;		/* the packet that dates the hole */
	size_t heap_at;			/* 1 and up; 0: no hole that anything waits for */
	nsec_t used_at;
	struct lane *before, *behind;	/* in the list: unused for longer, not so long */
};

struct hole {
	nsec_t since;
	struct lane *lane;
};

struct resequencer {
	struct resequencer_config config;
	nsec_t wait;
	path_set in_use;
	struct lane *lane[LANES];
	uint32_t edge[LANES];		/* of a lane that was forgotten, FORGOTTEN set; 0: never used */
	struct lane *first, *last;
	struct hole heap[1 + LANES];	/* from 1 on */
	size_t holes;
	struct buf_queue out;
	struct resequencer_stats stats;
};

struct resequencer *resequencer_new(const struct resequencer_config *config)
{
	struct resequencer *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->config = *config;
	r->wait = MSEC(50);
	return r;
}

void resequencer_set_wait(struct resequencer *r, nsec_t wait)
{
	r->wait = wait;
}

void resequencer_set_paths(struct resequencer *r, path_set in_use)
{
	r->in_use = in_use;
}

void resequencer_wake(struct resequencer *r, nsec_t now)
{
	for (struct lane *l = r->first; l != NULL; l = l->behind)
		l->used_at = now;
}

/* --- the heap of holes -------------------------------------------------- */

static void put_hole(struct resequencer *r, size_t at, struct hole h)
{
	r->heap[at] = h;
	h.lane->heap_at = at;
}

static void rise(struct resequencer *r, size_t at, struct hole h)
{
	for (; at > 1 && r->heap[at / 2].since > h.since; at /= 2)
		put_hole(r, at, r->heap[at / 2]);
	put_hole(r, at, h);
}

static void sink(struct resequencer *r, size_t at, struct hole h)
{
	for (;;) {
		size_t child = 2 * at;

		if (child < r->holes && r->heap[child + 1].since < r->heap[child].since)
			child++;
		if (child > r->holes || r->heap[child].since >= h.since)
			break;
		put_hole(r, at, r->heap[child]);
		at = child;
	}
	put_hole(r, at, h);
}

static void remove_hole(struct resequencer *r, struct lane *l)
{
	size_t at = l->heap_at;
	struct hole last;

	if (at == 0)
		return;
	l->heap_at = 0;
	last = r->heap[r->holes--];
	if (last.lane == l)
		return;
	if (at > 1 && r->heap[at / 2].since > last.since)
		rise(r, at, last);
	else
		sink(r, at, last);
}

static void add_hole(struct resequencer *r, struct lane *l, nsec_t since)
{
	rise(r, ++r->holes, (struct hole){ since, l });
}

static struct lane *oldest_hole(const struct resequencer *r)
{
	return r->holes > 0 ? r->heap[1].lane : NULL;
}

/* --- lanes -------------------------------------------------------------- */

static void unlink_lane(struct resequencer *r, struct lane *l)
{
	*(l->before != NULL ? &l->before->behind : &r->first) = l->behind;
	*(l->behind != NULL ? &l->behind->before : &r->last) = l->before;
}

static void link_lane(struct resequencer *r, struct lane *l)
{
	l->before = r->last;
	l->behind = NULL;
	*(r->last != NULL ? &r->last->behind : &r->first) = l;
	r->last = l;
}

static void note_use(struct resequencer *r, struct lane *l, nsec_t now)
{
	l->used_at = now;
	if (r->last == l)
		return;
	unlink_lane(r, l);
	link_lane(r, l);
}

static void drop_shelf(struct resequencer *r, struct lane *l)
{
	r->stats.held_bytes -= shelf_bytes(l->shelf.size);
	shelf_drop(&l->shelf);
}

/* Nothing is held in it any more. */
static void forget_lane(struct resequencer *r, struct lane *l)
{
	r->edge[l->id] = ((l->next + l->ahead) & LANE_SEQ_MASK) | FORGOTTEN;
	r->lane[l->id] = NULL;
	remove_hole(r, l);
	unlink_lane(r, l);
	drop_shelf(r, l);
	r->stats.held_bytes -= sizeof(*l);
	free(l);
}

static void drop_held(struct lane *l)
{
	while (l->shelf.count > 0)
		buf_put(shelf_take(&l->shelf, l->next + shelf_find(&l->shelf, l->next, l->shelf.size)));
}

void resequencer_reset(struct resequencer *r)
{
	while (r->first != NULL) {
		drop_held(r->first);
		forget_lane(r, r->first);
	}
	memset(r->edge, 0, sizeof(r->edge));
	buf_queue_clear(&r->out);
	r->stats.held = 0;
}

void resequencer_free(struct resequencer *r)
{
	if (r == NULL)
		return;
	resequencer_reset(r);
	free(r);
}

/* What a forgotten lane gave out is not known any more: everything behind its edge counts as seen. */
static struct lane *lane_new(struct resequencer *r, unsigned id, nsec_t now)
{
	struct lane *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->id = (uint16_t)id;
	l->used_at = now;
	if (r->edge[id] & FORGOTTEN) {
		l->next = r->edge[id] & LANE_SEQ_MASK;
		bitring_fill(l->seen, SEEN_BITS, l->next - RESEQUENCER_HISTORY, RESEQUENCER_HISTORY, true);
	}
	l->mark = l->next;
	r->lane[id] = l;
	r->stats.held_bytes += sizeof(*l);
	link_lane(r, l);
	return l;
}

/* --- the age of a hole -------------------------------------------------- */

/* When a held packet came: in microseconds, in its mark; and whether its sender repairs. */
static void stamp(struct buf *b, bool repaired, nsec_t now)
{
	b->mark[0] = (uint32_t)(now / NSEC_PER_USEC);
	b->mark[1] = repaired;
}

static nsec_t came_at(const struct buf *b, nsec_t now)
{
	nsec_t age = (nsec_t)(uint32_t)((uint32_t)(now / NSEC_PER_USEC) - b->mark[0]) * NSEC_PER_USEC;

	return now > age ? now - age : 0;
}

/* After the edge moved: does a hole hold anything, and since when? */
static void note_hole(struct resequencer *r, struct lane *l, nsec_t now)
{
	uint32_t lead;

	if (l->shelf.count == 0) {
		remove_hole(r, l);
		if (l->shelf.size > SHELF_KEEP && nsec_since(l->wide_at, now) >= RESEQUENCER_SILENCE)
			drop_shelf(r, l);
		return;
	}
	lead = shelf_first_lead(&l->shelf, l->next);
	if (l->heap_at != 0 && l->hole_lead == lead)
		return;
	remove_hole(r, l);
	l->hole_lead = lead;
	add_hole(r, l, came_at(shelf_look(&l->shelf, lead), now));
}

/* --- the edge ----------------------------------------------------------- */

static void emit(struct resequencer *r, struct buf *b)
{
	buf_queue_push(&r->out, b);
}

static void emit_held(struct resequencer *r, struct lane *l, uint32_t seq)
{
	struct buf *b = shelf_take(&l->shelf, seq);

	r->stats.held--;
	r->stats.held_bytes -= sizeof(*b);
	l->repaired = b->mark[1];
	emit(r, b);
}

/* The edge moves by `count`; what is held up to there goes out. */
static void move_edge(struct resequencer *r, struct lane *l, uint32_t count)
{
	uint32_t end = l->next + (count < l->shelf.size ? count : l->shelf.size);

	for (uint32_t seq = l->next; l->shelf.count > 0; seq++) {
		seq += shelf_find(&l->shelf, seq, end - seq);
		if (seq == end)
			break;
		emit_held(r, l, seq);
	}
	/* the numbers that come within reach */
	bitring_fill(l->seen, SEEN_BITS, l->next + RESEQUENCER_HISTORY, count, false);
	l->next = (l->next + count) & LANE_SEQ_MASK;
	l->ahead -= count < l->ahead ? count : l->ahead;
}

/* Everything that has come, up to the next hole; mostly that is one packet, and nothing else has come. */
static void advance(struct resequencer *r, struct lane *l)
{
	if (l->ahead == 1 && l->shelf.count == 0) {
		bitring_put(l->seen, SEEN_BITS, l->next + RESEQUENCER_HISTORY, false);
		l->next = (l->next + 1) & LANE_SEQ_MASK;
		l->ahead = 0;
		return;
	}
	move_edge(r, l, bitring_find(l->seen, SEEN_BITS, l->next, l->ahead, false));
}

/* Holes are given up, as far as `count` numbers; and what then is whole goes out. */
static void give_up(struct resequencer *r, struct lane *l, uint32_t count)
{
	r->stats.holes += count - bitring_count(l->seen, SEEN_BITS, l->next, count);
	move_edge(r, l, count);
	advance(r, l);
}

/* The hole at the edge. */
static void give_up_hole(struct resequencer *r, struct lane *l)
{
	give_up(r, l, bitring_find(l->seen, SEEN_BITS, l->next, l->ahead, true));
}

/*
 * Whether every path in use has gone on without the number at the edge; what
 * tells is the frames that nobody repairs, behind a packet that nobody repaired.
 */
static bool is_proven(const struct resequencer *r, const struct lane *l)
{
	if (l->repaired || r->in_use == 0)
		return false;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if ((r->in_use & PATH_BIT(i)) &&
		    (l->laters[i] < PROOF || lane_seq_diff(l->later[i][PROOF - 1], l->next) <= 0))
			return false;
	return true;
}

static void note_path(struct lane *l, const struct resequencer_frame *frame)
{
	uint32_t *later = l->later[frame->path], seq = frame->seq;
	uint8_t *count = &l->laters[frame->path];

	if (frame->repaired)
		return;
	for (unsigned i = 0; i < *count; i++)
		if (lane_seq_diff(seq, later[i]) > 0) {
			uint32_t lower = later[i];

			later[i] = seq;
			seq = lower;
		}
	if (*count < PROOF)
		later[(*count)++] = seq;
}

/*
 * While nothing is held, no deadline moves the edge: then the holes that
 * unordered packets have left behind are given up here, so that an ordered one
 * does not wait for them.
 */
static void forgive(struct resequencer *r, struct lane *l, nsec_t now)
{
	int32_t old = lane_seq_diff(l->mark, l->next);

	if (l->shelf.count > 0 || nsec_since(l->marked_at, now) < r->wait)
		return;
	if (old > 0)
		give_up(r, l, (uint32_t)old);
	l->mark = (l->next + l->ahead) & LANE_SEQ_MASK;
	l->marked_at = now;
}

/* The number is out of all that is told apart: the lane begins anew there. */
static void restart_at(struct resequencer *r, struct lane *l, uint32_t seq)
{
	give_up(r, l, l->ahead);
	remove_hole(r, l);
	memset(l->seen, 0, sizeof(l->seen));
	memset(l->laters, 0, sizeof(l->laters));
	l->next = l->mark = seq;
}

/*
 * The sender has gone on without us.  By more than half the circle it looks
 * like a number of old; but a straggler comes while its lane lives.
 */
static bool is_beyond_reach(const struct lane *l, int32_t diff, nsec_t now)
{
	if (diff < -RESEQUENCER_HISTORY)
		return nsec_since(l->reached_at, now) >= RESEQUENCER_SILENCE;
	return diff >= RESEQUENCER_HISTORY;
}

/* --- memory ------------------------------------------------------------- */

static bool has_room(const struct resequencer *r, size_t cost)
{
	return r->stats.held_bytes + cost <= r->config.max_bytes;
}

static bool is_unused(const struct lane *l, nsec_t time, nsec_t now)
{
	return l->shelf.count == 0 && nsec_since(l->used_at, now) >= time;
}

/* One that is empty and was kept because it may be needed again; false: there is none. */
static bool drop_spare_shelf(struct resequencer *r)
{
	for (struct lane *l = r->first; l != NULL; l = l->behind)
		if (l->shelf.count == 0 && l->shelf.size > SHELF_KEEP) {
			drop_shelf(r, l);
			return true;
		}
	return false;
}

bool resequencer_yield(struct resequencer *r, nsec_t now)
{
	struct lane *l = oldest_hole(r);

	if (drop_spare_shelf(r))
		return true;
	if (l != NULL && !is_unused(r->first, RESEQUENCER_SILENCE, now)) {
		give_up_hole(r, l);
		note_hole(r, l, now);
		return true;
	}
	if (r->first == NULL)
		return false;
	forget_lane(r, r->first);
	return true;
}

/* NULL: there is no memory for it. */
static struct lane *lane_at(struct resequencer *r, unsigned id, nsec_t now)
{
	while (r->first != NULL && r->first->id != id && is_unused(r->first, RESEQUENCER_IDLE, now))
		forget_lane(r, r->first);
	if (r->lane[id] != NULL)
		return r->lane[id];
	while (!has_room(r, sizeof(struct lane)))
		if (!resequencer_yield(r, now))
			return NULL;
	return lane_new(r, id, now);
}

/* Bytes that holding one more packet there takes. */
static size_t cost_of(const struct lane *l, uint32_t seq)
{
	int32_t diff = lane_seq_diff(seq, l->next);

	if (diff <= 0)
		return 0;
	return sizeof(struct buf) + shelf_bytes(shelf_size_for(&l->shelf, (uint32_t)diff + 1)) -
	       shelf_bytes(l->shelf.size);
}

/* What has to go out so that it may be held; false: it cannot. */
static bool make_room(struct resequencer *r, struct lane *l, uint32_t seq, nsec_t now)
{
	while (!has_room(r, cost_of(l, seq))) {
		/* not the lane itself: the packet is of it */
		if (r->holes == 0 && r->first == l)
			return false;
		resequencer_yield(r, now);
	}
	return true;
}

/* --- in ----------------------------------------------------------------- */

static bool grow_shelf(struct resequencer *r, struct lane *l, uint32_t numbers)
{
	uint32_t before = l->shelf.size;

	if (!shelf_grow(&l->shelf, shelf_size_for(&l->shelf, numbers), l->next))
		return false;
	r->stats.held_bytes += shelf_bytes(l->shelf.size) - shelf_bytes(before);
	return true;
}

static void hold(struct resequencer *r, struct lane *l, const struct resequencer_frame *frame,
		 struct buf *packet, nsec_t now)
{
	bool room = make_room(r, l, frame->seq, now);
	/* that may have moved this very lane's edge */
	int32_t diff = lane_seq_diff(frame->seq, l->next);

	if (diff <= 0 || !room || !grow_shelf(r, l, (uint32_t)diff + 1)) {
		emit(r, packet);	/* out of order is better than lost */
		return;
	}
	if (diff >= SHELF_KEEP)
		l->wide_at = now;
	stamp(packet, frame->repaired, now);
	shelf_put(&l->shelf, frame->seq, packet);
	r->stats.held++;
	r->stats.held_bytes += sizeof(*packet);
	if (l->heap_at == 0) {
		l->hole_lead = frame->seq;
		add_hole(r, l, now);
	}
}

static enum resequencer_result put_behind(struct resequencer *r, struct lane *l, uint32_t seq,
					  int32_t diff, struct buf *packet)
{
	if (diff < -RESEQUENCER_HISTORY)
		return RESEQUENCER_LATE;
	if (bitring_get(l->seen, SEEN_BITS, seq)) {
		r->stats.duplicates++;
		return RESEQUENCER_DUPLICATE;
	}
	bitring_put(l->seen, SEEN_BITS, seq, true);
	r->stats.late++;
	if (!r->config.late)
		return RESEQUENCER_LATE;
	emit(r, packet);
	return RESEQUENCER_TAKEN;
}

static void put_ahead(struct resequencer *r, struct lane *l, const struct resequencer_frame *frame,
		      int32_t diff, struct buf *packet, nsec_t now)
{
	bitring_put(l->seen, SEEN_BITS, frame->seq, true);
	note_path(l, frame);
	if ((uint32_t)diff >= l->ahead)
		l->ahead = (uint32_t)diff + 1;
	if (diff == 0)
		l->repaired = frame->repaired;
	if (frame->unordered || diff == 0)
		emit(r, packet);
	else
		hold(r, l, frame, packet, now);
	if (diff != 0 && (l->shelf.count == 0 || !is_proven(r, l)))
		return;
	advance(r, l);
	while (l->shelf.count > 0 && is_proven(r, l))
		give_up_hole(r, l);
	note_hole(r, l, now);
}

enum resequencer_result resequencer_put(struct resequencer *r, const struct resequencer_frame *frame,
					struct buf *packet, nsec_t now)
{
	struct lane *l = lane_at(r, frame->lane, now);
	int32_t diff;

	if (l == NULL)
		return RESEQUENCER_LATE;
	note_use(r, l, now);
	if (is_beyond_reach(l, lane_seq_diff(frame->seq, l->next), now))
		restart_at(r, l, frame->seq);
	forgive(r, l, now);
	diff = lane_seq_diff(frame->seq, l->next);
	if (diff >= -RESEQUENCER_HISTORY)
		l->reached_at = now;
	if (diff < 0)
		return put_behind(r, l, frame->seq, diff, packet);
	if (bitring_get(l->seen, SEEN_BITS, frame->seq)) {
		r->stats.duplicates++;
		return RESEQUENCER_DUPLICATE;
	}
	put_ahead(r, l, frame, diff, packet, now);
	return RESEQUENCER_TAKEN;
}

bool resequencer_is_settled(const struct resequencer *r, unsigned lane, uint32_t seq)
{
	const struct lane *l = r->lane[lane];
	int32_t diff = l != NULL ? lane_seq_diff(seq, l->next) : RESEQUENCER_HISTORY;

	return diff >= -RESEQUENCER_HISTORY && diff < RESEQUENCER_HISTORY &&
	       bitring_get(l->seen, SEEN_BITS, seq);
}

void resequencer_skip(struct resequencer *r, unsigned lane, uint32_t seq, uint32_t count, nsec_t now)
{
	struct lane *l = lane_at(r, lane, now);	/* after a long silence it was forgotten, but not where it stood */
	int32_t first = l != NULL ? lane_seq_diff(seq, l->next) : RESEQUENCER_HISTORY;
	int32_t end = first + (int32_t)count;
	uint32_t given_up;

	if (first < 0)
		first = 0;
	if (end > RESEQUENCER_HISTORY)
		end = RESEQUENCER_HISTORY;
	if (first >= end)
		return;
	given_up = bitring_fill(l->seen, SEEN_BITS, l->next + (uint32_t)first, (uint32_t)(end - first), true);
	if (given_up == 0)
		return;	/* said again */
	r->stats.holes += given_up;
	if ((uint32_t)end > l->ahead)
		l->ahead = (uint32_t)end;
	advance(r, l);
	note_hole(r, l, now);
}

struct buf *resequencer_out(struct resequencer *r, nsec_t now)
{
	while (r->holes > 0 && now >= r->heap[1].since + r->wait) {
		struct lane *l = oldest_hole(r);

		give_up_hole(r, l);
		note_hole(r, l, now);
	}
	return buf_queue_pop(&r->out);
}

nsec_t resequencer_deadline(const struct resequencer *r)
{
	if (r->out.count > 0)
		return 0;
	return r->holes > 0 ? r->heap[1].since + r->wait : NSEC_NEVER;
}

struct resequencer_stats resequencer_stats(const struct resequencer *r)
{
	return r->stats;
}
