/*
 * samples: durations, for their percentiles.
 */
#ifndef TTT_SIM_SAMPLES_H
#define TTT_SIM_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct samples {
	nsec_t *value;
	size_t count, room;
};

void samples_add(struct samples *s, nsec_t value);
void samples_done(struct samples *s);
/* The value that percent of all do not exceed; 0: there is none.  Sorts them. */
nsec_t samples_percentile(struct samples *s, unsigned percent);

#endif
