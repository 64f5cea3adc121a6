/*
 * transmit: from a peer's queue and its duties to sealed datagrams.
 */
#ifndef TTT_CORE_TRANSMIT_H
#define TTT_CORE_TRANSMIT_H

#include "core/peer.h"

/* An inner packet wants to go to the peer.  Takes the buffer. */
void transmit_inner(struct peer *p, struct buf *packet, const struct inner *inner, nsec_t now);
/* Other numbers for what waits: its lanes begin anew. */
void transmit_renumber(struct peer *p, nsec_t now);
/* Send from the queue what the strategy and the controllers let go now. */
void transmit_pump(struct peer *p, nsec_t now);
/* Say what is due: probes, ACKs, and what the peer must know (peer.wanted). */
void transmit_control(struct peer *p, nsec_t now);
/* Send these frames at once on a path, to the address they answer. */
void transmit_answer(struct peer *p, struct path *path, const struct endpoint *to,
		     const uint8_t *frames, size_t len, nsec_t now);
/* CLOSE on every path that may work. */
void transmit_close(struct peer *p, nsec_t now);

/* When transmit_control has something to say by itself. */
nsec_t transmit_deadline(const struct peer *p, nsec_t now);

#endif
