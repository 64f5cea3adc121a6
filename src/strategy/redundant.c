/*
 * redundant: every packet on every path; the receiver keeps the first copy.
 * For those to whom one packet is worth more than half their bandwidth, but no
 * byte of a metered link while there are others.
 *
 * A packet leaves when the path is free where it arrives first, with a copy on
 * each other one that is free then, or in a moment.  Nobody waits for a path
 * that is full: a copy that stands in a queue arrives when nobody needs it any
 * more, and the slowest link would set the pace.  Nor for a suspect one beside
 * others: it may have fallen silent, and then it stays full.
 */
#include "strategy/strategy.h"

/* None works that is not metered. */
static bool needs_metered(const struct strategy_view *view)
{
	for (size_t i = 0; i < view->count; i++)
		if (!view->path[i].metered && !view->path[i].suspect)
			return false;
	return true;
}

static bool is_sooner(const struct strategy_path *p, const struct strategy_path *than, size_t len, nsec_t now)
{
	if (p->suspect != than->suspect)
		return than->suspect;
	return strategy_arrival(p, len, now) < strategy_arrival(than, len, now);
}

static path_set redundant_pick(void *state, const struct strategy_view *view,
			       const struct strategy_packet *packet)
{
	bool metered = needs_metered(view);
	const struct strategy_path *first = NULL;
	path_set soon = 0;

	(void)state;
	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_path *p = &view->path[i];

		if (p->metered && !metered)
			continue;
		if (p->free_at <= view->now + STRATEGY_MOMENT)
			soon |= PATH_BIT(p->id);
		if (first == NULL || is_sooner(p, first, packet->len, view->now))
			first = p;
	}
	return first->free_at <= view->now ? soon : PATH_BIT(first->id);
}

const struct strategy_ops strategy_redundant = {
	.name = "redundant",
	.summary = "every packet on every path; the first copy wins",
	.sees_suspect = true,	/* a late answer may be only a lost ACK: the copy costs nothing more */
	.asked_anew = true,
	.pick = redundant_pick,
};
