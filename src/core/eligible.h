/*
 * eligible: which of a peer's paths may carry data now, as their links' settings have it.
 *
 * Primary paths carry it, and overflow ones beside them while the primary are
 * full; overflow ones alone when no primary works and keeps its limits; backup
 * ones when no other does.  When none is left, the best of those that work and
 * break a limit is used all the same: a tunnel that works badly beats none.
 * A path that is never to be used is not.
 *
 * An answer that is late for once, and a path that is still heard, are no
 * reason yet to wake a backup or to go back to a link that breaks its limits.
 */
#ifndef TTT_CORE_ELIGIBLE_H
#define TTT_CORE_ELIGIBLE_H

#include <stdbool.h>

#include "base/units.h"
#include "core/engine.h"

enum eligible_health {
	ELIGIBLE_LOST,		/* not proven, or silent */
	ELIGIBLE_DOUBTED,	/* answers are overdue, but it was heard a moment ago */
	ELIGIBLE_WORKS,
};

struct eligible_path {
	enum eligible_health health;
	bool fit;		/* keeps its link's limits */
	enum engine_tier tier;
	nsec_t cost;		/* of a packet there, to find the least bad one */
};

struct eligible {
	path_set now;		/* empty: none works */
	path_set overflow;	/* beside them while those are full */
};

/* before: what was found last, so that two bad paths do not take turns. */
struct eligible eligible_find(const struct eligible_path path[PATHS_MAX], path_set before);

#endif
