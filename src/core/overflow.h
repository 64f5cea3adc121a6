/*
 * overflow: whether a peer's primary paths are full, so that its overflow ones help.
 *
 * They are full when the queue before them has stood for a while: never below
 * what they carry in 5 ms, nor below two packets.  A burst is no reason.  They
 * are full no more when what comes would have fitted them well for a second:
 * the queue cannot tell while others work it off.
 */
#ifndef TTT_CORE_OVERFLOW_H
#define TTT_CORE_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/path/meter.h"

struct overflow {
	bool on;
	nsec_t stands_since;	/* the queue; 0: it does not */
	nsec_t needed_at;	/* when the primary ones alone were last too little */
	struct meter offered;	/* bytes that wanted to be sent */
};

/* A packet has come. */
void overflow_offer(struct overflow *o, size_t len, nsec_t now);
/* queued: bytes that wait; rate: bytes per second that the primary paths carry, never 0.  Gives o->on. */
bool overflow_look(struct overflow *o, uint64_t queued, uint64_t rate, nsec_t now);

#endif
