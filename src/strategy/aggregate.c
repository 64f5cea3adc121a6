/*
 * aggregate: each packet where it arrives first, so one flow gets the sum.
 *
 * The next packet goes where it would be there first: when the path is free,
 * plus its time on the wire, plus half a round trip.  While that path is
 * occupied, slower ones need not stand idle: each takes from the backlog the
 * packet that the faster ones, after all that waits before it, would bring over
 * just when it does.  So nobody waits for a slow path, and what it brings is
 * wanted when it comes.
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
	const struct strategy_path *best = first;
	nsec_t limit;

	if (first->free_at <= view->now)
		return first;
	limit = strategy_arrival(first, len, view->now) + first->srtt / 64;
	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];

		if (p->free_at <= view->now && strategy_arrival(p, len, view->now) <= limit) {
			limit = strategy_arrival(p, len, view->now);
			best = p;
		}
	}
	return best;
}

/*
 * What the others bring over before p could bring a packet that leaves now: that
 * many bytes may wait before the one that p takes.
 */
static size_t ahead_of(const struct strategy_view *view, const struct strategy_path *p, size_t len)
{
	nsec_t arrival = strategy_arrival(p, len, view->now);
	double bytes = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *other = &view->path[i];
		nsec_t at = strategy_free_at(other, len, view->now) + other->srtt / 2;

		if (other != p)
			bytes += (double)nsec_since(at, arrival) * (double)other->rate / 1e9;
	}
	return bytes > 0 && bytes < UINT32_MAX ? (size_t)bytes + 1 : SIZE_MAX;
}

static size_t aggregate_ahead(const struct strategy_view *view, size_t len, path_set *ret)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];
		size_t ahead = p->free_at <= view->now ? ahead_of(view, p, len) : SIZE_MAX;

		if (ahead >= least)
			continue;
		least = ahead;
		*ret = PATH_BIT(p->id);
	}
	return least;
}

static path_set aggregate_pick(void *state, const struct strategy_view *view,
			       const struct strategy_packet *packet)
{
	const struct strategy_path *first = first_there(view, packet->len);

	(void)state;
	return PATH_BIT(ready_instead(view, first, packet->len)->id);
}

const struct strategy_ops strategy_aggregate = {
	.name = "aggregate",
	.summary = "each packet where it arrives first: the sum of the links",
	.asked_anew = true,
	.ahead = aggregate_ahead,
	.second_copies = true,
	.pick = aggregate_pick,
};
