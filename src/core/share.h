/*
 * share: a peer's part of the stock: what its packets take, and what it gives
 * up when that is asked for.
 *
 * Packets wait in six places: for a path (queue), until they have arrived
 * (repair), for those before them (order), for their other pieces, and inner
 * acknowledgements for newer ones, at either end of the tunnel.  What gives something up is the place that
 * takes most: the queue its last packet, which its receiver is told of (SKIP),
 * repair its oldest copy (likewise), order its oldest hole, so that what waited
 * goes out, pieces the oldest packet; acknowledgements go on, all of them.
 */
#ifndef TTT_CORE_SHARE_H
#define TTT_CORE_SHARE_H

#include "core/peer.h"

/* Bytes that its packets take now. */
size_t share_of(const struct peer *p);
/*
 * Something has come for the peer, or gone: note it, and when all peers together
 * are beyond the limit, let those with most give up until they are not.
 */
void share_settle(struct peer *p, nsec_t now);

#endif
