/*
 * clock: a clock of the kernel's as a nsec_t.  For who stands outside: the core is
 * told what time it is.
 */
#ifndef TTT_BASE_CLOCK_H
#define TTT_BASE_CLOCK_H

#include <time.h>

#include "base/units.h"

/* id: as clock_gettime(2) has it, and the kernel surely. */
static inline nsec_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return SEC(t.tv_sec) + (nsec_t)t.tv_nsec;
}

#endif
