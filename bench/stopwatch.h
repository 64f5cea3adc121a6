/*
 * stopwatch: CPU time of this process over many short stretches.
 *
 * Reading the clock costs as much as a few packets, so what two readings in a
 * row cost is measured and taken off each stretch.
 */
#ifndef TTT_BENCH_STOPWATCH_H
#define TTT_BENCH_STOPWATCH_H

#include "base/units.h"

/* All zero is a stopwatch that stands at 0. */
struct stopwatch {
	nsec_t since, sum;
	nsec_t wall_since, wall;	/* the clock on the wall, its own cost included */
	uint64_t stretches;
};

void stopwatch_start(struct stopwatch *w);
void stopwatch_stop(struct stopwatch *w);
/* What was measured, without the clock's own cost. */
double stopwatch_nsec(const struct stopwatch *w);

#endif
