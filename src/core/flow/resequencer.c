/*
 * resequencer: see resequencer.h.
 *
 * A lane knows which numbers around its edge have come (one bit each) and
 * holds the packets ahead of the edge in a ring that grows with what it has to
 * span.  A number whose bit is set but whose place in the ring is empty went
 * out already, unordered.  Lanes with a hole are in one list, oldest hole
 * first: the wait is the same for all, so its head has the next deadline.
 *
 * A hole is as old as the earliest packet held beyond it.  That one is always a
 * lead: a packet that was the highest held when it came (whatever else is held
 * came behind some lead that is higher, so later).  A bitmap of the leads finds
 * it without looking at what is held.
 */
#include "core/flow/resequencer.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/flow/lane.h"

#define SEEN_BITS	(2 * RESEQUENCER_HISTORY)
#define RING_MIN	64
#define RING_KEEP	256	/* an empty lane keeps a ring up to this size */
#define LEAD_WORDS	(RESEQUENCER_HISTORY / 64)
#define PROOF		3	/* later packets on every path in use prove a loss */

struct lane {
	uint32_t next;			/* the edge: the number that may go out next */
	uint32_t ahead;			/* numbers from the edge to the highest seen, that one included */
	uint64_t seen[SEEN_BITS / 64];
	uint32_t path_high[PATHS_MAX];	/* highest number that came on each path */
	path_set path_seen;
	bool repaired;			/* its newest frame is of a sender that repairs */
	struct buf **ring;		/* packets held, by number modulo ring_size */
	uint32_t ring_size, held;
	uint32_t highest;		/* of those held */
	uint64_t lead[LEAD_WORDS];	/* by number modulo the history */
	nsec_t reached_at;		/* when a number within reach came last */
	nsec_t hole_since;
	uint32_t hole_lead;		/* the packet that dates the hole */
	bool has_hole;
	struct lane *older, *newer;	/* in the list of holes */
};

struct resequencer {
	struct resequencer_config config;
	nsec_t wait;
	path_set in_use;
	struct lane *lane[LANES];
	struct lane *oldest, *newest;
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

void resequencer_reset(struct resequencer *r)
{
	for (unsigned i = 0; i < LANES; i++) {
		struct lane *l = r->lane[i];

		if (l == NULL)
			continue;
		for (uint32_t n = 0; n < l->ring_size; n++)
			buf_put(l->ring[n]);
		free(l->ring);
		free(l);
		r->lane[i] = NULL;
	}
	buf_queue_clear(&r->out);
	r->oldest = r->newest = NULL;
	r->stats.held = r->stats.held_bytes = 0;
}

void resequencer_free(struct resequencer *r)
{
	if (r == NULL)
		return;
	resequencer_reset(r);
	free(r);
}

void resequencer_set_wait(struct resequencer *r, nsec_t wait)
{
	r->wait = wait;
}

void resequencer_set_paths(struct resequencer *r, path_set in_use)
{
	r->in_use = in_use;
}

/* --- bits and ring ------------------------------------------------------ */

static bool is_seen(const struct lane *l, uint32_t seq)
{
	return l->seen[seq % SEEN_BITS / 64] >> seq % 64 & 1;
}

static void set_seen(struct lane *l, uint32_t seq)
{
	l->seen[seq % SEEN_BITS / 64] |= UINT64_C(1) << seq % 64;
}

/* The bit of the number that comes within reach as the edge moves past seq. */
static void clear_opposite(struct lane *l, uint32_t seq)
{
	uint32_t far = seq + RESEQUENCER_HISTORY;

	l->seen[far % SEEN_BITS / 64] &= ~(UINT64_C(1) << far % 64);
}

static void set_lead(struct lane *l, uint32_t seq, bool leads)
{
	uint64_t bit = UINT64_C(1) << seq % 64, *word = &l->lead[seq / 64 % LEAD_WORDS];

	*word = leads ? *word | bit : *word & ~bit;
}

static struct buf **place_of(struct lane *l, uint32_t seq)
{
	return &l->ring[seq & (l->ring_size - 1)];
}

/* The size of a ring that spans `numbers` from the edge on. */
static uint32_t ring_for(const struct lane *l, uint32_t numbers)
{
	uint32_t size = l->ring_size != 0 ? l->ring_size : RING_MIN;

	while (size < numbers)
		size *= 2;
	return size;
}

static bool grow_ring(struct resequencer *r, struct lane *l, uint32_t size)
{
	struct lane bigger = *l;

	if (size == l->ring_size)
		return true;
	bigger.ring = calloc(size, sizeof(*bigger.ring));
	if (bigger.ring == NULL)
		return false;
	bigger.ring_size = size;
	for (uint32_t i = 0; i < l->ring_size; i++)
		*place_of(&bigger, l->next + i) = *place_of(l, l->next + i);
	free(l->ring);
	r->stats.held_bytes += (size - l->ring_size) * sizeof(*l->ring);
	l->ring = bigger.ring;
	l->ring_size = size;
	return true;
}

static void shrink_ring(struct resequencer *r, struct lane *l)
{
	if (l->held > 0 || l->ring_size <= RING_KEEP)
		return;
	free(l->ring);
	r->stats.held_bytes -= l->ring_size * sizeof(*l->ring);
	l->ring = NULL;
	l->ring_size = 0;
}

/* --- the list of holes -------------------------------------------------- */

static void unlink_hole(struct resequencer *r, struct lane *l)
{
	if (!l->has_hole)
		return;
	*(l->older != NULL ? &l->older->newer : &r->oldest) = l->newer;
	*(l->newer != NULL ? &l->newer->older : &r->newest) = l->older;
	l->older = l->newer = NULL;
	l->has_hole = false;
}

/* Sorted from the newer end, where a hole nearly always belongs. */
static void link_hole(struct resequencer *r, struct lane *l, nsec_t since)
{
	struct lane *older = r->newest;

	l->hole_since = since;
	l->has_hole = true;
	while (older != NULL && older->hole_since > since)
		older = older->older;
	l->older = older;
	l->newer = older != NULL ? older->newer : r->oldest;
	*(older != NULL ? &older->newer : &r->oldest) = l;
	*(l->newer != NULL ? &l->newer->older : &r->newest) = l;
}

/* When a held packet came: in microseconds, in its mark. */
static void stamp(struct buf *b, nsec_t now)
{
	b->mark[0] = (uint32_t)(now / NSEC_PER_USEC);
}

static nsec_t came_at(const struct buf *b, nsec_t now)
{
	nsec_t age = (nsec_t)(uint32_t)((uint32_t)(now / NSEC_PER_USEC) - b->mark[0]) * NSEC_PER_USEC;

	return now > age ? now - age : 0;
}

/* How far beyond the edge the first lead is; RESEQUENCER_HISTORY: nothing is held. */
static uint32_t first_lead(const struct lane *l)
{
	uint32_t edge = l->next % RESEQUENCER_HISTORY;
	uint64_t reach = UINT64_MAX << edge % 64;	/* the edge's word comes first and last */

	for (uint32_t i = 0; l->held > 0 && i <= LEAD_WORDS; i++, reach = UINT64_MAX) {
		uint32_t word = (edge / 64 + i) % LEAD_WORDS;
		uint64_t bits = l->lead[word] & reach;

		if (bits != 0)
			return (word * 64 + (uint32_t)__builtin_ctzll(bits) - edge) %
			       RESEQUENCER_HISTORY;
	}
	return RESEQUENCER_HISTORY;
}

/* After the edge moved: is there a hole, and since when? */
static void note_hole(struct resequencer *r, struct lane *l, nsec_t now)
{
	uint32_t distance = first_lead(l), lead = (l->next + distance) & LANE_SEQ_MASK;

	if (distance == RESEQUENCER_HISTORY) {
		unlink_hole(r, l);
		shrink_ring(r, l);
	} else if (!l->has_hole || l->hole_lead != lead) {
		unlink_hole(r, l);
		l->hole_lead = lead;
		link_hole(r, l, came_at(*place_of(l, lead), now));
	}
}

/* --- the edge ----------------------------------------------------------- */

static void step(struct lane *l)
{
	clear_opposite(l, l->next);
	l->next = (l->next + 1) & LANE_SEQ_MASK;
	if (l->ahead > 0)
		l->ahead--;
}

static void emit(struct resequencer *r, struct buf *b)
{
	buf_queue_push(&r->out, b);
}

/* The packet at the edge. */
static void emit_held(struct resequencer *r, struct lane *l)
{
	struct buf **place = place_of(l, l->next);

	emit(r, *place);
	*place = NULL;
	set_lead(l, l->next, false);
	l->held--;
	r->stats.held--;
	r->stats.held_bytes -= sizeof(struct buf);
}

/* Everything that has come, up to the next hole. */
static void advance(struct resequencer *r, struct lane *l)
{
	while (l->ahead > 0 && is_seen(l, l->next)) {
		if (l->ring_size > 0 && *place_of(l, l->next) != NULL)
			emit_held(r, l);
		step(l);
	}
}

/* Give the hole at the edge up. */
static void skip_hole(struct resequencer *r, struct lane *l)
{
	while (l->ahead > 0 && !is_seen(l, l->next)) {
		r->stats.holes++;
		step(l);
	}
	advance(r, l);
}

/* Whether every path in use has gone on without the number at the edge. */
static bool is_proven(const struct resequencer *r, const struct lane *l)
{
	if (l->repaired || r->in_use == 0 || (r->in_use & ~l->path_seen))
		return false;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if ((r->in_use & PATH_BIT(i)) && lane_seq_diff(l->path_high[i], l->next) < PROOF)
			return false;
	return true;
}

/* The number is out of all that is told apart: the lane begins anew there. */
static void restart_at(struct resequencer *r, struct lane *l, uint32_t seq)
{
	while (l->ahead > 0)
		skip_hole(r, l);
	memset(l->seen, 0, sizeof(l->seen));
	l->next = seq;
	l->path_seen = 0;
	unlink_hole(r, l);
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

static void note_path(struct lane *l, const struct resequencer_frame *frame)
{
	path_set bit = PATH_BIT(frame->path);

	if (!(l->path_seen & bit) || lane_seq_diff(frame->seq, l->path_high[frame->path]) > 0)
		l->path_high[frame->path] = frame->seq;
	l->path_seen |= bit;
	l->repaired = frame->repaired;
}

static enum resequencer_result put_behind(struct resequencer *r, struct lane *l, uint32_t seq,
					  int32_t diff, struct buf *packet)
{
	if (diff < -RESEQUENCER_HISTORY)
		return RESEQUENCER_LATE;
	if (is_seen(l, seq)) {
		r->stats.duplicates++;
		return RESEQUENCER_DUPLICATE;
	}
	set_seen(l, seq);
	r->stats.late++;
	if (!r->config.late)
		return RESEQUENCER_LATE;
	emit(r, packet);
	return RESEQUENCER_TAKEN;
}

/* Bytes that holding one more packet there takes. */
static size_t cost_of(const struct lane *l, uint32_t seq)
{
	int32_t diff = lane_seq_diff(seq, l->next);

	if (diff <= 0)
		return 0;
	return sizeof(struct buf) + (ring_for(l, (uint32_t)diff + 1) - l->ring_size) * sizeof(*l->ring);
}

static bool has_room(const struct resequencer *r, size_t cost)
{
	return r->stats.held_bytes + cost <= r->config.max_bytes;
}

static void hold(struct resequencer *r, struct lane *l, uint32_t seq, struct buf *packet, nsec_t now)
{
	int32_t diff;

	while (!has_room(r, cost_of(l, seq)) && r->oldest != NULL) {
		struct lane *full = r->oldest;

		skip_hole(r, full);
		note_hole(r, full, now);
	}
	/* making room may have moved this very lane's edge */
	diff = lane_seq_diff(seq, l->next);
	if (diff <= 0 || !has_room(r, cost_of(l, seq)) || !grow_ring(r, l, ring_for(l, (uint32_t)diff + 1))) {
		emit(r, packet);	/* out of order is better than lost */
		return;
	}
	if (l->held == 0 || lane_seq_diff(seq, l->highest) > 0) {
		l->highest = seq;
		set_lead(l, seq, true);
	}
	stamp(packet, now);
	*place_of(l, seq) = packet;
	l->held++;
	r->stats.held++;
	r->stats.held_bytes += sizeof(struct buf);
}

static struct lane *lane_at(struct resequencer *r, unsigned lane)
{
	if (r->lane[lane] == NULL)
		r->lane[lane] = calloc(1, sizeof(struct lane));
	return r->lane[lane];
}

enum resequencer_result resequencer_put(struct resequencer *r, const struct resequencer_frame *frame,
					struct buf *packet, nsec_t now)
{
	struct lane *l = lane_at(r, frame->lane);
	int32_t diff;

	if (l == NULL)
		return RESEQUENCER_LATE;
	diff = lane_seq_diff(frame->seq, l->next);
	if (is_beyond_reach(l, diff, now)) {
		restart_at(r, l, frame->seq);
		diff = 0;
	}
	if (diff >= -RESEQUENCER_HISTORY)
		l->reached_at = now;
	if (diff < 0)
		return put_behind(r, l, frame->seq, diff, packet);
	if (is_seen(l, frame->seq)) {
		r->stats.duplicates++;
		return RESEQUENCER_DUPLICATE;
	}
	set_seen(l, frame->seq);
	note_path(l, frame);
	if ((uint32_t)diff >= l->ahead)
		l->ahead = (uint32_t)diff + 1;
	if (frame->unordered || diff == 0)
		emit(r, packet);
	else
		hold(r, l, frame->seq, packet, now);
	if (diff != 0 && !l->has_hole && l->held > 0) {
		l->hole_lead = frame->seq;
		link_hole(r, l, now);
	}
	if (diff == 0 || (l->held > 0 && is_proven(r, l))) {
		advance(r, l);
		while (l->held > 0 && is_proven(r, l))
			skip_hole(r, l);
		note_hole(r, l, now);
	}
	return RESEQUENCER_TAKEN;
}

bool resequencer_is_settled(const struct resequencer *r, unsigned lane, uint32_t seq)
{
	const struct lane *l = r->lane[lane];
	int32_t diff = l != NULL ? lane_seq_diff(seq, l->next) : RESEQUENCER_HISTORY;

	return diff >= -RESEQUENCER_HISTORY && diff < RESEQUENCER_HISTORY && is_seen(l, seq);
}

void resequencer_skip(struct resequencer *r, unsigned lane, uint32_t seq, uint32_t count, nsec_t now)
{
	struct lane *l = r->lane[lane];

	for (uint32_t n = 0; l != NULL && n < count; n++) {
		uint32_t given_up = (seq + n) & LANE_SEQ_MASK;
		int32_t diff = lane_seq_diff(given_up, l->next);

		if (diff < 0 || diff >= RESEQUENCER_HISTORY || is_seen(l, given_up))
			continue;
		set_seen(l, given_up);
		r->stats.holes++;
		if ((uint32_t)diff >= l->ahead)
			l->ahead = (uint32_t)diff + 1;
	}
	if (l != NULL) {
		advance(r, l);
		note_hole(r, l, now);
	}
}

struct buf *resequencer_out(struct resequencer *r, nsec_t now)
{
	while (r->oldest != NULL && now >= r->oldest->hole_since + r->wait) {
		struct lane *l = r->oldest;

		skip_hole(r, l);
		note_hole(r, l, now);
	}
	return buf_queue_pop(&r->out);
}

nsec_t resequencer_deadline(const struct resequencer *r)
{
	if (r->out.count > 0)
		return 0;
	return r->oldest != NULL ? r->oldest->hole_since + r->wait : NSEC_NEVER;
}

struct resequencer_stats resequencer_stats(const struct resequencer *r)
{
	return r->stats;
}
