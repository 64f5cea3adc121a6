/*
 * adaptive: aggregate for bulk; what is sparse goes twice.
 *
 * Calls, games, questions and keys that are typed are told by how their flows
 * behave (packet->sparse).  Such a packet goes where it arrives first, and a
 * copy where it would arrive next, so that neither a loss nor a whim of one
 * path is noticed; as far as the budget goes.  Flows that have been sparse for a
 * while may use it up; those that nobody knows yet, and of which there may be a
 * flood, only the upper half.
 */
#include "strategy/strategy.h"

#define BUDGET_HALF	(1u << 19)	/* bytes */

static const struct strategy_path *path_of(const struct strategy_view *view, path_set set)
{
	size_t i = 0;

	while (!(set & PATH_BIT(view->path[i].id)))
		i++;
	return &view->path[i];
}

static bool takes_copies(const struct strategy_path *p, nsec_t now)
{
	return p->free_at <= now + STRATEGY_MOMENT && !p->metered && !p->suspect;
}

/* Where a copy would arrive next; NULL: it had to wait for long. */
static const struct strategy_path *second_of(const struct strategy_view *view, const struct strategy_path *first,
					     size_t len)
{
	const struct strategy_path *best = NULL;

	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];

		if (p == first || !takes_copies(p, view->now))
			continue;
		if (best == NULL || strategy_arrival(p, len, view->now) < strategy_arrival(best, len, view->now))
			best = p;
	}
	return best;
}

static path_set adaptive_pick(void *state, const struct strategy_view *view,
			      const struct strategy_packet *packet)
{
	path_set set = strategy_aggregate.pick(state, view, packet);
	uint64_t reserve = packet->steady ? 0 : BUDGET_HALF;
	const struct strategy_path *first, *second;

	if (!packet->sparse || packet->spare < packet->len + reserve)
		return set;
	first = path_of(view, set);
	/* while that one is occupied nothing leaves: a copy alone would be the slower one */
	second = first->free_at <= view->now ? second_of(view, first, packet->len) : NULL;
	return second != NULL ? set | PATH_BIT(second->id) : set;
}

static size_t adaptive_ahead(const struct strategy_view *view, size_t len, path_set *ret)
{
	return strategy_aggregate.ahead(view, len, ret);
}

const struct strategy_ops strategy_adaptive = {
	.name = "adaptive",
	.summary = "aggregate for bulk; calls and the like twice, on two paths",
	.state_size = STRATEGY_STATE,	/* aggregate's */
	.asked_anew = true,
	.ahead = adaptive_ahead,
	.budgets_copies = true,
	.second_copies = true,
	.pick = adaptive_pick,
};
