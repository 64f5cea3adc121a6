/*
 * failover: the path of the lowest priority number, and the next one while
 * that is gone, suspect, lossy, or slower than its max-latency.
 *
 * Away at once, back with hysteresis: a better path has to have been good for
 * two seconds without a break.  Paths that are there at the first packet are
 * good at once.
 */
#include "strategy/strategy.h"

#define BACK_AFTER	SEC(2)
#define LOSSY_PPM	200000	/* 20 % */

struct failover {
	bool started;
	uint8_t current;		/* id */
	nsec_t good_since[PATHS_MAX];	/* NSEC_NEVER: is not good */
};

static bool is_good(const struct strategy_path *p)
{
	return !p->suspect && p->loss_ppm < LOSSY_PPM &&
	       (p->max_latency == 0 || p->latest_rtt <= p->max_latency);
}

/* a goes before b: by priority, then in the order of ids that the view has anyway. */
static const struct strategy_path *first_of(const struct strategy_path *a,
					    const struct strategy_path *b)
{
	return a == NULL || b->priority < a->priority ? b : a;
}

static void note_goodness(struct failover *f, const struct strategy_view *view)
{
	path_set good = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];

		if (!is_good(p))
			continue;
		good |= PATH_BIT(p->id);
		if (!f->started)
			f->good_since[p->id] = 0;
		else if (f->good_since[p->id] == NSEC_NEVER)
			f->good_since[p->id] = view->now;
	}
	for (unsigned id = 0; id < PATHS_MAX; id++)
		if (!(good & PATH_BIT(id)))
			f->good_since[id] = NSEC_NEVER;
	f->started = true;
}

static bool may_take_over(const struct failover *f, const struct strategy_path *p, nsec_t now)
{
	nsec_t since = f->good_since[p->id];

	return since == 0 || nsec_since(since, now) >= BACK_AFTER;
}

static path_set failover_pick(void *state, const struct strategy_view *view,
			      const struct strategy_packet *packet)
{
	struct failover *f = state;
	const struct strategy_path *steady = NULL, *good = NULL, *any = NULL;
	bool current_is_good;

	(void)packet;
	note_goodness(f, view);
	current_is_good = f->good_since[f->current] != NSEC_NEVER;
	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];

		any = first_of(any, p);
		if (f->good_since[p->id] == NSEC_NEVER)
			continue;
		good = first_of(good, p);
		if (may_take_over(f, p, view->now) || (current_is_good && p->id == f->current))
			steady = first_of(steady, p);
	}
	f->current = (steady != NULL ? steady : good != NULL ? good : any)->id;
	return PATH_BIT(f->current);
}

const struct strategy_ops strategy_failover = {
	.name = "failover",
	.summary = "one path by priority, the next one while it fails",
	.state_size = sizeof(struct failover),
	.repairs_as_picked = true,
	.pick = failover_pick,
};
