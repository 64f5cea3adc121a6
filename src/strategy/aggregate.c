/*
 * aggregate: each packet where it arrives first, so one flow gets the sum.
 *
 * The next packet goes where it would be there first: when the path is free,
 * plus its time on the wire, plus half a round trip.  While that path is
 * occupied, slower ones need not stand idle: each looks at the last packet of
 * the backlog, which has to wait for all that is before it on the faster
 * paths, and takes it if it brings it over no later than they would.  So a
 * slow path works for the end of the queue, never for its head, and nobody
 * waits for it.
 */
#include "strategy/strategy.h"

static const struct strategy_path *first_there(const struct strategy_view *view, size_t len)
{
	const struct strategy_path *best = &view->path[0];
	nsec_t soonest = strategy_arrival(best, len, view->now);

	for (size_t i = 1; i < view->count; i++) {
		nsec_t at = strategy_arrival(&view->path[i], len, view->now);

		if (at >= soonest)
			continue;
		soonest = at;
		best = &view->path[i];
	}
	return best;
}

/*
 * A path that is free at once, and hardly later there than the first, takes the
 * head as well: of equal paths each would else leave it to the other for a
 * fraction of a millisecond, and take the tail, which nobody needs yet.
 */
static const struct strategy_path *ready_instead(const struct strategy_view *view,
						 const struct strategy_path *first, size_t len)
{
	nsec_t limit = strategy_arrival(first, len, view->now) + first->srtt / 64;
	const struct strategy_path *best = first;

	for (size_t i = 0; i < view->count && first->free_at > view->now; i++) {
		const struct strategy_path *p = &view->path[i];

		if (p->free_at <= view->now && strategy_arrival(p, len, view->now) <= limit) {
			limit = strategy_arrival(p, len, view->now);
			best = p;
		}
	}
	return best;
}

/* When the paths that are faster than p would have brought over what waits. */
static nsec_t without(const struct strategy_view *view, const struct strategy_path *p,
		      const struct strategy_packet *packet)
{
	nsec_t soonest = NSEC_NEVER;
	uint64_t rate = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *faster = &view->path[i];

		if (faster == p || faster->srtt > p->srtt)
			continue;
		rate += faster->rate;
		soonest = nsec_min(soonest, strategy_free_at(faster, packet->len, view->now) + faster->srtt / 2);
	}
	return rate != 0 ? soonest + (packet->queued + packet->len) * NSEC_PER_SEC / rate : NSEC_NEVER;
}

static path_set aggregate_pick(void *state, const struct strategy_view *view,
			       const struct strategy_packet *packet)
{
	const struct strategy_path *first = first_there(view, packet->len);

	(void)state;
	if (packet->queued == 0)
		return PATH_BIT(ready_instead(view, first, packet->len)->id);
	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];

		if (p->free_at <= view->now && strategy_arrival(p, packet->len, view->now) <= without(view, p, packet))
			return PATH_BIT(p->id);
	}
	return PATH_BIT(first->id);
}

const struct strategy_ops strategy_aggregate = {
	.name = "aggregate",
	.summary = "each packet where it arrives first: the sum of the links",
	.asked_anew = true,
	.takes_tail = true,
	.second_copies = true,
	.pick = aggregate_pick,
};
