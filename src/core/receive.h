/*
 * receive: from a datagram that claims to carry data to inner packets.
 *
 * In this order: length, keys, replay, authenticity; only then is anything in
 * it believed.
 */
#ifndef TTT_CORE_RECEIVE_H
#define TTT_CORE_RECEIVE_H

#include "core/peer.h"

/* Takes the buffer.  Gives the peer it was from when it proved authentic, else NULL. */
struct peer *receive_datagram(struct context *ctx, const struct endpoint *from, struct buf *b,
			      nsec_t now);

#endif
