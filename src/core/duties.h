/*
 * duties: what a peer is told beside its data: probes, ACKs, and what it must know.
 */
#ifndef TTT_CORE_DUTIES_H
#define TTT_CORE_DUTIES_H

#include "core/peer.h"

/* Say what is due: probes, ACKs, and what is in peer.wanted. */
void duties_send(struct peer *p, nsec_t now);
/* When duties_send has something to say by itself, or the queue may go on. */
nsec_t duties_deadline(const struct peer *p, nsec_t now);

#endif
