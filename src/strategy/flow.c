/*
 * flow: each inner flow stays on one path.
 *
 * A new flow gets the path that has least to do: what was sent there lately,
 * over its rate, and half a round trip, so that an idle near path goes before
 * an idle far one.  Nobody knows yet what a new flow will send, so it counts for
 * what any may send in its first round trip (RFC 6928): of many that begin at once
 * all would else find the same path idle.  It moves only when its path goes, or
 * when it was silent for half a minute.  Flows of one slot, which share a lane,
 * share a path.
 */
#include "strategy/strategy.h"

#define SLOTS		1024		/* the core's lanes */
#define TICK		SEC(4)
#define SILENT		8		/* ticks */
#define FADE		MSEC(500)	/* in which half of what was sent is forgotten */
#define FORGET		20		/* halves, after which nothing is left */
#define EXPECTED	(10 * 1400)	/* bytes of a new flow */

struct flow {
	struct {
		uint8_t path;		/* id + 1; 0: none yet */
		uint8_t used;		/* tick, low bits */
	} slot[SLOTS];
	uint64_t sent[PATHS_MAX];	/* bytes, faded */
	nsec_t faded_at;
};

_Static_assert(sizeof(struct flow) <= STRATEGY_STATE, "a peer has no room for more");

static void fade(struct flow *f, nsec_t now)
{
	nsec_t halves = nsec_since(f->faded_at, now) / FADE;

	if (halves == 0)
		return;
	for (unsigned id = 0; id < PATHS_MAX; id++)
		f->sent[id] = halves < FORGET ? f->sent[id] >> halves : 0;
	f->faded_at = halves < FORGET ? f->faded_at + halves * FADE : now;
}

static nsec_t load_of(const struct flow *f, const struct strategy_path *p)
{
	return f->sent[p->id] * NSEC_PER_SEC / p->rate + p->srtt / 2;
}

static uint8_t least_loaded(const struct flow *f, const struct strategy_view *view)
{
	const struct strategy_path *best = &view->path[0];

	for (size_t i = 1; i < view->count; i++)
		if (load_of(f, &view->path[i]) < load_of(f, best))
			best = &view->path[i];
	return best->id;
}

static bool is_there(const struct strategy_view *view, uint8_t id)
{
	for (size_t i = 0; i < view->count; i++)
		if (view->path[i].id == id)
			return true;
	return false;
}

static path_set flow_pick(void *state, const struct strategy_view *view, const struct strategy_packet *packet)
{
	struct flow *f = state;
	unsigned slot = packet->flow % SLOTS;
	uint8_t tick = (uint8_t)(view->now / TICK), id;

	if (f->slot[slot].path == 0 || (uint8_t)(tick - f->slot[slot].used) >= SILENT ||
	    !is_there(view, f->slot[slot].path - 1)) {
		fade(f, view->now);
		f->slot[slot].path = least_loaded(f, view) + 1;
		f->sent[f->slot[slot].path - 1] += EXPECTED;
	}
	id = f->slot[slot].path - 1;
	f->slot[slot].used = tick;
	return PATH_BIT(id);
}

static void flow_sent(void *state, const struct strategy_packet *packet, path_set on, nsec_t now)
{
	struct flow *f = state;

	fade(f, now);
	f->sent[path_first(on)] += packet->len;
}

const struct strategy_ops strategy_flow = {
	.name = "flow",
	.summary = "each inner flow stays on one path",
	.state_size = sizeof(struct flow),
	.asked_anew = true,
	.by_flow = true,
	.repairs_as_picked = true,
	.steady_view = true,
	.pick = flow_pick,
	.sent = flow_sent,
};
