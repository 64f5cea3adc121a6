/*
 * weighted: each path carries its share of the packets: 75:25 means it.
 *
 * Smooth weighted round robin: with every packet each path earns its weight,
 * the richest one carries it and pays what all earned.  Shares are exact over
 * every run of (sum of weights) packets, and spread evenly inside it.  A path
 * that was away comes back with nothing saved.
 */
#include "strategy/strategy.h"

struct weighted {
	int32_t earned[PATHS_MAX];
};

static path_set weighted_pick(void *state, const struct strategy_view *view,
			      const struct strategy_packet *packet)
{
	struct weighted *w = state;
	path_set seen = 0;
	int32_t sum = 0;
	uint8_t richest = view->path[0].id;

	(void)packet;
	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];

		seen |= PATH_BIT(p->id);
		sum += p->weight;
		w->earned[p->id] += p->weight;
		if (w->earned[p->id] > w->earned[richest])
			richest = p->id;
	}
	w->earned[richest] -= sum;
	for (unsigned id = 0; id < PATHS_MAX; id++)
		if (!(seen & PATH_BIT(id)))
			w->earned[id] = 0;
	return PATH_BIT(richest);
}

const struct strategy_ops strategy_weighted = {
	.name = "weighted",
	.summary = "shares by weight",
	.state_size = sizeof(struct weighted),
	.in_turn = true,
	.pick = weighted_pick,
};
