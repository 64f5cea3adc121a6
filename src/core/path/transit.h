/*
 * transit: round trips as they would be if nothing delayed the answers.
 *
 * The peer says when a datagram came, by its own clock.  How far that clock is
 * from ours nobody knows, but it is the same from one datagram to the next, so
 * what changes between two is the time that they took there.  To that is added
 * the least time that an answer has taken back.  So queues, jitter and detours on
 * the way back are left out, and what stays is what happens where our datagrams
 * go (RFC 6817 §3.4.2, of one-way delays and clocks).
 *
 * Clocks run at different speeds, so that the least time back is believed to
 * grow, but no faster than clocks can differ (TRANSIT_DRIFT).  A way back that
 * becomes longer for good is left out as well, for as long as that takes.  A clock
 * that jumps forward, or back by more than a round trip, is noticed at once; one
 * that jumps back by less makes all round trips look shorter by as much.
 */
#ifndef TTT_CORE_PATH_TRANSIT_H
#define TTT_CORE_PATH_TRANSIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

#define TRANSIT_UNIT	(8 * NSEC_PER_USEC)	/* of clocks that the peer tells */
#define TRANSIT_BITS	24	/* of such a clock: it begins anew every 134 s */
#define TRANSIT_DRIFT	200	/* parts in a million */

/* All zero: nothing is known. */
struct transit {
	bool any;
	int64_t there;		/* units; of the last datagram, plus how far the clocks are apart; begins anew beyond 2^40 */
	int64_t back;		/* nanoseconds: the least, likewise, at that time */
	nsec_t back_at;
};

/* A clock as it goes over the wire. */
uint32_t transit_clock(nsec_t now);
/*
 * A datagram that was sent then has come at that clock of the peer's, and its
 * answer came rtt later, without what the peer waited with it.  Gives the round
 * trip with the least time back: at least 1, never more than rtt.
 */
nsec_t transit_rtt(struct transit *t, nsec_t sent_at, uint32_t clock, nsec_t rtt, nsec_t now);

#endif
