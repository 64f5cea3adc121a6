/*
 * lowest-latency: everything on the path with the shortest round trip now.
 *
 * It leaves for another one that is shorter by an eighth, and by 5 ms at least,
 * so that jitter and its own queue do not make it flutter.  What a round trip
 * is now: half what it was lately, half what the last one was.  A path that is
 * beyond its max-latency is not in the view, so that one is left at once.
 */
#include "strategy/strategy.h"

#define MARGIN_MIN	MSEC(5)
#define MARGIN_SHARE	8	/* of the round trip */

struct lowest_latency {
	bool started;
	uint8_t current;	/* id */
};

static nsec_t latency_of(const struct strategy_path *p)
{
	return p->srtt != 0 && p->latency != 0 ? (p->srtt + p->latency) / 2 : NSEC_NEVER / 2;
}

/* What another path has to undercut. */
static nsec_t limit_of(const struct strategy_path *p)
{
	nsec_t latency = latency_of(p), margin = nsec_max(latency / MARGIN_SHARE, MARGIN_MIN);

	return latency > margin ? latency - margin : 0;
}

static const struct strategy_path *current_of(const struct lowest_latency *l, const struct strategy_view *view)
{
	for (size_t i = 0; i < view->count; i++)
		if (l->started && view->path[i].id == l->current)
			return &view->path[i];
	return NULL;
}

static path_set lowest_latency_pick(void *state, const struct strategy_view *view,
				    const struct strategy_packet *packet)
{
	struct lowest_latency *l = state;
	const struct strategy_path *current = current_of(l, view), *best = &view->path[0];

	(void)packet;
	for (size_t i = 1; i < view->count; i++)
		if (latency_of(&view->path[i]) < latency_of(best))
			best = &view->path[i];
	if (current == NULL || latency_of(best) < limit_of(current))
		current = best;
	l->started = true;
	l->current = current->id;
	return PATH_BIT(current->id);
}

const struct strategy_ops strategy_lowest_latency = {
	.name = "lowest-latency",
	.summary = "the path with the lowest latency now",
	.state_size = sizeof(struct lowest_latency),
	.pick = lowest_latency_pick,
};
