/*
 * negotiate: a peer's handshakes and the life of its keys.
 */
#ifndef TTT_CORE_NEGOTIATE_H
#define TTT_CORE_NEGOTIATE_H

#include "core/peer.h"

/* A handshake message came (either role).  Takes the buffer. */
void negotiate_input(struct context *ctx, struct peer *client, const struct endpoint *from,
		     struct buf *datagram, nsec_t now);
/* Data came under keys that were pending: they are the session's now (server). */
void negotiate_confirm(struct peer *p, struct keypair *keys, nsec_t now);
/* The peer, or time, ended the session: all keys go. */
void negotiate_end(struct peer *p, nsec_t now);
/* Client: the server asks for new keys. */
void negotiate_rekey(struct peer *p, nsec_t now);
/* A path was added while a handshake runs: it gets the message too. */
void negotiate_join(struct peer *p, struct path *path, nsec_t now);

void negotiate_tick(struct peer *p, nsec_t now);
nsec_t negotiate_deadline(const struct peer *p, nsec_t now);

/* A responder's ticket_valid: whether that is the ticket given to this peer last. */
bool negotiate_ticket_valid(void *ctx, void *peer, const uint8_t ticket[HANDSHAKE_TICKET]);

#endif
