/*
 * codel: when a standing queue has to lose a packet (RFC 8289).
 *
 * A queue whose packets all waited `target` or longer for a whole `interval`
 * (or `patience`) is a standing one.  Then a strike is due at once, the next one after
 * interval / sqrt(1), then interval / sqrt(2), ..., until a packet leaves in time.
 *
 * RFC 8289 drops at the head, as packets leave.  Here the packets that wait
 * must not be lost (fq_codel.h says why), so the head only tells whether the
 * queue stands, and the strikes fall on packets that arrive.  What that
 * changes:
 *   - The sender of a flow hears of a strike one sojourn later, as behind any
 *     queue that drops at its tail.  An interval must be long enough for that.
 *   - There is no count of strikes that are pending: `next` in the past is that
 *     count.  An arrival takes one strike; when several came due since the last
 *     arrival, packets in a row take them, so the law is kept also for arrivals
 *     in bursts.
 *   - Who was silent does not pay for all of it: strikes that were due more
 *     than an interval ago are forgotten, and all are when the queue stands no
 *     more.
 */
#ifndef TTT_CORE_FLOW_CODEL_H
#define TTT_CORE_FLOW_CODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

struct codel_params {
	nsec_t target;		/* sojourn that a standing queue may have; never 0 */
	nsec_t interval;	/* a bad queue lasts so long; about a round trip; at most SEC(60) */
	nsec_t patience;	/* before the first strike so long, if that is longer */
};

/* Embedded; all zero is a queue that never stood. */
struct codel {
	bool standing;
	uint32_t count;		/* strikes since it stands, and those it began with */
	uint32_t began;		/* count of the first strike */
	nsec_t proven_at;	/* a long wait then proves that it stands; 0: the last was short */
	nsec_t next;		/* standing: when the next strike is due; else when it was */
};

/* The head has waited target or longer; also for one that still waits, as often as one likes. */
void codel_above(struct codel *c, const struct codel_params *params, nsec_t now);
/* A packet has left before target, or hardly any remain behind it. */
void codel_below(struct codel *c);
/* A packet arrives.  True: it is the one to be marked or dropped. */
bool codel_strike(struct codel *c, const struct codel_params *params, nsec_t now);

#endif
