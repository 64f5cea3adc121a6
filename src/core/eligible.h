/*
 * eligible: which of a peer's paths may carry data now, as their links' settings have it.
 *
 * Primary paths carry it, and overflow ones beside them while the primary are
 * full; overflow ones alone when no primary works and keeps its limits; backup
 * ones when no other does.  When none is left, the best of those that work and
 * break a limit is used all the same: a tunnel that works badly beats none.
 * A path that is never to be used is not.
 *
 * Paths of one interface (both families of addresses, several addresses of the
 * server) share what it carries, so one of them is used and the others stand by
 * (RFC 8305's idea, but without its order): the first that answers, and another
 * one once that is silent or breaks a limit, or when the other's way turns out
 * to be much shorter.  Who was chosen stays: a change begins with a new path's
 * small window.  A server follows its client, whose data says what that has
 * chosen: else both would have to find out by themselves what fell silent, and a
 * question and its answer would be held up one after the other.
 *
 * An answer that is late for once, and a path that is still heard, are no
 * reason yet to wake a backup or to go back to a link that breaks its limits;
 * who stands by fills in meanwhile.
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
	uint8_t interface;	/* as in struct engine_link */
	bool leads;		/* the client sends its data there, not on another of the interface */
	nsec_t cost;		/* of a packet there, to find the least bad one */
	nsec_t way;		/* its shortest round trip: what load makes of it, all of its interface share */
};

struct eligible {
	path_set now;		/* empty: none works */
	path_set overflow;	/* beside them while those are full */
	path_set chosen;	/* of those that share an interface */
	path_set stand_by;	/* the others, while the chosen one works */
};

/* before: what was found last, so that two equal or two bad paths do not take turns. */
struct eligible eligible_find(const struct eligible_path path[PATHS_MAX], const struct eligible *before);

#endif
