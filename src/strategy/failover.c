/*
 * failover: the path of the lowest priority number, and the next one while
 * that is gone, suspect, or beyond a limit: its link's, or else 20 % of loss.
 *
 * Away at once: what is beyond a limit is not in the view.  Back with
 * hysteresis: a better path has to have been good for two seconds without a
 * break.  Paths that are there at the first packet are good at once.
 */
#include "strategy/strategy.h"

#define BACK_AFTER	SEC(2)

struct failover {
	bool started;
	uint8_t current;	/* id */
};

/* 0 is best. */
static unsigned doubt(const struct failover *f, const struct strategy_path *p, nsec_t now)
{
	if (p->suspect)
		return 2;
	if (!f->started || p->id == f->current)
		return 0;
	return p->good_since == NSEC_NEVER || nsec_since(p->good_since, now) < BACK_AFTER;
}

static path_set failover_pick(void *state, const struct strategy_view *view,
			      const struct strategy_packet *packet)
{
	struct failover *f = state;
	const struct strategy_path *best = &view->path[0];

	(void)packet;
	for (size_t i = 1; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];
		unsigned mine = doubt(f, p, view->now), its = doubt(f, best, view->now);

		if (mine < its || (mine == its && p->priority < best->priority))
			best = p;
	}
	f->started = true;
	f->current = best->id;
	return PATH_BIT(f->current);
}

const struct strategy_ops strategy_failover = {
	.name = "failover",
	.summary = "one path by priority, the next one while it fails",
	.state_size = sizeof(struct failover),
	.max_loss_ppm = 200000,
	.repairs_as_picked = true,
	.pick = failover_pick,
};
