/*
 * gate: so many bytes a second, and no more.  It opens again when what went
 * through has had its time; who comes late may make up for GATE_LATE, since
 * timers are.  Embedded; zeroed it is always open.
 */
#ifndef TTT_CORE_FLOW_GATE_H
#define TTT_CORE_FLOW_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

#define GATE_LATE	MSEC(4)

struct gate {
	uint64_t rate;		/* bytes per second; 0: no limit */
	nsec_t opens_at;
};

static inline bool gate_is_open(const struct gate *g, nsec_t now)
{
	return g->rate == 0 || now >= g->opens_at;
}

static inline void gate_pass(struct gate *g, size_t len, nsec_t now)
{
	nsec_t least = now > GATE_LATE ? now - GATE_LATE : 0;

	if (g->rate != 0)
		g->opens_at = nsec_max(g->opens_at, least) + (nsec_t)len * NSEC_PER_SEC / g->rate;
}

#endif
