/*
 * jitter: how far a path's clean round trips (transit.h) are spread by themselves, without load.
 *
 * A queue of ours spreads them, too, so it is measured where nothing fills the
 * path: by the PINGs of a path that has just come up, and later ones that meet
 * no load.  Jitter that begins under load is seen in how the RTT wanders from
 * one ACK to the next, without its trend; a full queue hides that, so what was
 * seen is forgotten slowly.
 */
#ifndef TTT_CORE_PATH_JITTER_H
#define TTT_CORE_PATH_JITTER_H

#include <stdint.h>

#include "base/units.h"

/* All zero: nothing is known. */
struct jitter {
	nsec_t least, mean;	/* calm RTTs: the path's own */
	nsec_t off;		/* mean distance of one from the mean */
	unsigned count;		/* up to JITTER_CALM */
	unsigned strayed;	/* so many in a row were far off */
	nsec_t last_calm, calm_step[2];
	int64_t mean_step;	/* of the least of three in a row */
	unsigned steps;		/* up to JITTER_CALM */
	nsec_t last_rtt, wander;	/* of ACKs */
	int64_t last_step, mean_turn;
	unsigned turns;		/* up to JITTER_TURNS */
	nsec_t turned_at;
};

#define JITTER_CALM	24	/* calm RTTs over which the distance averages */
#define JITTER_TURNS	64	/* RTTs over which turns average */

/* An RTT by PING, while neither end sent anything to speak of. */
void jitter_calm_rtt(struct jitter *j, nsec_t rtt);
/* An RTT by ACK. */
void jitter_rtt(struct jitter *j, nsec_t rtt, nsec_t now);

/* The larger of both. */
nsec_t jitter_of(const struct jitter *j);
/* What calm RTTs show, which is no load's; the larger of both as long as there are few. */
nsec_t jitter_own(const struct jitter *j);
/* How much of that came up since the path was calm. */
nsec_t jitter_unseen(const struct jitter *j);
/* By so much single RTTs exceed their mean for good reason. */
nsec_t jitter_allowed(const struct jitter *j);
/*
 * The RTT of a path that is just full: where order is kept each late packet delays
 * those behind it, the more there are.  base: the least RTT ever; where that is much
 * less than calm ones are, the route has become shorter since.
 */
nsec_t jitter_when_full(const struct jitter *j, nsec_t base);

#endif
