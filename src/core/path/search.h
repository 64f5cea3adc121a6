/*
 * search: how far above what a path delivers we send, to find out whether it takes more.
 *
 * A step brings more or a queue, and the queue ends it (search_gain): the faster, the
 * larger the step.  As long as nothing queues the next step is twice as large, up to
 * half the rate; beyond small ones only if the last one brought something.  A step
 * that brought only loss is not tried again soon: the search is held.
 *
 *     gain   1 + up |.
 *                   |  '.
 *                 1 |     '.
 *               0.9 |        ''----________
 *                   '------+------+--------
 *                floor  target  limit        standing RTT
 */
#ifndef TTT_CORE_PATH_SEARCH_H
#define TTT_CORE_PATH_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "core/path/capacity.h"
#include "core/path/standing.h"

struct search {
	double up;		/* share of what arrives, sent on top without a queue: 0.01 to 0.5 */
	uint64_t rate, round;	/* believed, and filled rounds, when that was last set, */
	nsec_t since;		/* and the time */
	nsec_t held_since;	/* it brought only loss then; 0: it has not */
};

/* What to begin with: so much that the queue is seen; wide: what is believed may be far too little. */
double search_first(const struct standing *q, const struct capacity *c, bool wide);
void search_begin(struct search *x, double up, const struct capacity *c, nsec_t now);
/* A filled round is over. */
void search_round(struct search *x, const struct standing *q, const struct capacity *c,
		  const struct capacity_round *round, nsec_t now);

/* Of what is believed, so much is to be sent: 0.9 to 1.5, by the queue. */
double search_gain(const struct search *x, const struct standing *q, const struct capacity *c,
		   nsec_t now);
/* It has brought only loss, so none is begun for a while: a second, or ten round trips. */
bool search_is_held(const struct search *x, const struct standing *q, nsec_t now);

#endif
