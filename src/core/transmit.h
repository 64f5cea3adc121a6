/*
 * transmit: from a peer's queue to the paths that carry it.
 */
#ifndef TTT_CORE_TRANSMIT_H
#define TTT_CORE_TRANSMIT_H

#include "core/peer.h"

#define TRANSMIT_STALE	SEC(120)	/* every inner TCP that lives has sent again what waits for so long */

/* An inner packet wants to go to the peer.  Takes the buffer. */
void transmit_inner(struct peer *p, struct buf *packet, const struct inner *inner, nsec_t now);
/* Inner acknowledgements that waited for newer ones go on: those that have waited long enough, or all. */
void transmit_answers(struct peer *p, bool all, nsec_t now);
/* No more packets come for now: what came goes on, if there is where to. */
void transmit_settle(struct peer *p, nsec_t now);
/*
 * Other numbers for what waits, since its lanes begin anew; but what is stale is given up.
 * The rest waits as if it had just come: nothing is kept for twice that time.
 */
void transmit_renumber(struct peer *p, nsec_t now);
/* Send from the queue what the strategy and the controllers let go now. */
void transmit_pump(struct peer *p, nsec_t now);

#endif
