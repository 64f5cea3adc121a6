/*
 * fitness: whether a path keeps the limits that its link was given.
 *
 *            one answer that is too late, or too many lost
 *   FIT ------------------------------------------------------> UNFIT
 *    ^                                                            |
 *    '---- works and has kept its limits for `wait` on end -------'
 *
 * The wait is two seconds.  Who breaks a limit again within as long as it was
 * waited for waits twice as long the next time, 32 s at most: a path whose
 * fault shows only when it is used would else come and go.
 *
 * A path that carries nothing shows its delay by its probes, but its losses
 * hardly.  So one that was left for its losses is tried again when none of a
 * few probes was lost.
 *
 * A path that is overdue for less than a quarter of a second and then answers
 * has only lost a packet that nothing followed: that is no break.
 */
#ifndef TTT_CORE_PATH_FITNESS_H
#define TTT_CORE_PATH_FITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

struct fitness_limits {
	nsec_t latency;		/* of a round trip; 0: no limit */
	uint32_t loss_ppm;	/* 0: no limit */
};

/* What is known of the path now; the counts only grow. */
struct fitness_news {
	bool works;		/* proven and answering */
	nsec_t latency;		/* the newest round trip; 0: none yet */
	uint32_t loss_ppm;	/* lately */
	uint64_t lost, answered;	/* datagrams */
};

struct fitness {
	bool unfit;
	bool too_lossy;		/* why it is, or that too */
	nsec_t silent_since;	/* it does not work since then; 0: it does */
	nsec_t good_since;	/* works and keeps its limits since then; NSEC_NEVER: it does not */
	nsec_t wait;		/* until it is fit again, or was */
	nsec_t back_at;		/* when it became fit again; 0: it was never unfit */
	uint64_t lost, answered;	/* when good_since was set */
};

/* A path opens: it has no past. */
void fitness_init(struct fitness *f);
/*
 * Something may have changed.  True: it has just been forgiven its losses, and
 * whoever counts them should begin anew.
 */
bool fitness_look(struct fitness *f, const struct fitness_limits *limits,
		  const struct fitness_news *news, nsec_t now);

#endif
