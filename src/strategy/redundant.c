/*
 * redundant: every packet on every path; the receiver keeps the first copy.
 * For those to whom one packet is worth more than half their bandwidth, but no
 * byte of a metered link while there are others.
 */
#include "strategy/strategy.h"

static path_set redundant_pick(void *state, const struct strategy_view *view,
			       const struct strategy_packet *packet)
{
	path_set all = 0, unmetered = 0;

	(void)state;
	(void)packet;
	for (size_t i = 0; i < view->count; i++) {
		all |= PATH_BIT(view->path[i].id);
		if (!view->path[i].metered)
			unmetered |= PATH_BIT(view->path[i].id);
	}
	return unmetered != 0 ? unmetered : all;
}

const struct strategy_ops strategy_redundant = {
	.name = "redundant",
	.summary = "every packet on every path; the first copy wins",
	.sees_suspect = true,	/* a late answer may be only a lost ACK: the copy costs nothing more */
	.pick = redundant_pick,
};
