/*
 * meter: bytes per second, averaged over about a second.
 */
#ifndef TTT_CORE_PATH_METER_H
#define TTT_CORE_PATH_METER_H

#include "base/units.h"

struct meter {
	nsec_t since;		/* start of the slice being filled */
	uint64_t bytes;		/* in that slice */
	double rate;		/* up to that slice */
};

void meter_add(struct meter *m, uint64_t bytes, nsec_t now);
uint64_t meter_rate(const struct meter *m, nsec_t now);

#endif
