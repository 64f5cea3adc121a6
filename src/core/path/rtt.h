/*
 * rtt: smoothed round-trip time and its variation (RFC 9002 §5).
 */
#ifndef TTT_CORE_PATH_RTT_H
#define TTT_CORE_PATH_RTT_H

#include <stdbool.h>

#include "base/units.h"

struct rtt {
	nsec_t srtt;		/* 0: no sample yet; after one never 0 */
	nsec_t var;
	nsec_t min;		/* the least; but if the way has become a longer one, of late: see rtt_age */
	nsec_t latest;
	nsec_t recent;		/* the least since then, */
	unsigned samples;	/* of so many */
	nsec_t aged_at;		/* 0: not yet */
};

/* A sample: the whole time, and how much of it the peer says it waited. */
void rtt_sample(struct rtt *r, nsec_t sample, nsec_t delay);
/*
 * Half a minute passes, with some samples, and none was near the least: the way is
 * longer than it was.  What is less than a quarter, or 10 ms, may be a queue.
 */
void rtt_age(struct rtt *r, nsec_t now);
/* The way is another one: all is forgotten, and this is the first sample. */
void rtt_restart(struct rtt *r, nsec_t sample);
/* Smoothed, or `unknown` while there is no sample. */
nsec_t rtt_or(const struct rtt *r, nsec_t unknown);
/* srtt + max(4 var, 5 ms), or `unknown`: what an answer takes at the most. */
nsec_t rtt_bound(const struct rtt *r, nsec_t unknown);

#endif
