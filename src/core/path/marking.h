/*
 * marking: whether a path may be used with ECN, and what its routers marked
 * (RFC 9000 §13.4.2).
 *
 *              counts are right
 *   TESTING ----------------------> GOOD
 *      |  ^                          |
 *      |  '-- ten minutes            | counts are wrong
 *      v                             |
 *     BAD <--------------------------'
 *
 * While a path is tested, three datagrams without data go out as ECT(0), and
 * everything else as Not-ECT: a network that drops what it does not know takes
 * no data with it.  When the peer counts them as they were sent, or marked,
 * data is sent with the inner packet's field (RFC 6040, normal mode); what
 * carries no packet stays Not-ECT.  A network that clears or sets marks is found
 * out by the counts, then as well as later.
 *
 * Numbers are of the path id's numbering: they go on when the path is opened
 * again, as the peer's counts do.
 */
#ifndef TTT_CORE_PATH_MARKING_H
#define TTT_CORE_PATH_MARKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/ecn.h"

#define MARKING_TESTS	3
#define MARKING_RETRY	SEC(600)

enum marking_state { MARKING_TESTING, MARKING_GOOD, MARKING_BAD };

/* Embedded; all zero is a path that is to be tested. */
struct marking {
	enum marking_state state;
	uint8_t tests, lost;		/* datagrams of this test: sent, lost */
	nsec_t bad_until;
	uint64_t sent[4];		/* datagrams by enum ecn, since numbering began */
	struct ecn_counts counted;	/* by the peer, as it said last */
	uint64_t told;			/* marks of the network's, since numbering began */
};

/* The path goes another way, maybe: test it. */
void marking_test(struct marking *m);

/*
 * What the outer header is to say of a datagram that goes out now; counts it.
 * data: it carries an inner packet, which says `inner`; else it is a test if
 * `eliciting`, since only what is acknowledged can be one.
 */
enum ecn marking_sent(struct marking *m, bool data, enum ecn inner, bool eliciting, nsec_t now);
/* One that was sent like that is lost. */
void marking_lost(struct marking *m, enum ecn sent, nsec_t now);

/*
 * An ACK that goes beyond all before it is news of datagrams: acked[ecn] of each
 * kind.  counts: what it says, their lower 24 bits; NULL: nothing.  Gives how
 * many were marked on their way.
 */
uint64_t marking_acked(struct marking *m, const uint64_t acked[4], const struct ecn_counts *counts,
		       nsec_t now);

#endif
