/*
 * backlog: what waits for paths that carry much less than when it came.
 *
 * A link that fades from 40 Mbit/s to 2 turns a queue of 50 ms into one of a
 * second.  CoDel takes a packet now and then from what arrives, so what its
 * sender repeats waits behind all of that, and its receiver sees a silence as
 * long.  Nothing of the backlog has been on a wire yet: to give up its end
 * costs no link anything, and what is repeated then arrives soon.
 *
 * This is for a collapse only.  Where more is sent than the paths ever carried,
 * or where they still have to be found out, the queue is CoDel's.
 */
#ifndef TTT_CORE_BACKLOG_H
#define TTT_CORE_BACKLOG_H

#include <stdint.h>

#include "base/units.h"
#include "core/engine.h"

struct peer;

/* Embedded; all zero is a beginning. */
struct backlog {
	nsec_t looked_at;
	uint64_t former_rate;	/* bytes per second that all paths together carried lately */
};

/*
 * Looks every 20 ms, however often it is called.  Where the paths that work carry less
 * than a third of what they did, and what waits would take them longer than 400 ms (or
 * three times what a bulk flow may queue), its last packets are given up (DROP_CONGESTION;
 * the receiver is told by SKIP) until it is 150 ms.
 */
void backlog_check(struct peer *p, nsec_t now);
/* Give up the last packet of the flow that has most waiting, of which there must be one. */
void backlog_give_up(struct peer *p, enum engine_drop reason);

#endif
