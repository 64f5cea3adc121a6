/*
 * datagram: frames to a sealed datagram of a path, which waits in the outbox.
 */
#ifndef TTT_CORE_DATAGRAM_H
#define TTT_CORE_DATAGRAM_H

#include "core/peer.h"

/* What must not be lost with a datagram. */
struct datagram_load {
	uint32_t content;	/* CONTENT bits */
	uint32_t copy;		/* repair's handle of the inner packet, or of the first of several */
	uint8_t copies;		/* that were kept one after the other; 0: none is kept */
	bool eliciting;		/* it wants an ACK */
	bool data;		/* it carries an inner packet, */
	enum ecn inner;		/* whose header says so; Not-ECT for a piece, which has none */
	const struct buf *from;	/* the frames, in a buffer that stays as it is; NULL: in b itself */
	bool probe;		/* it asks for the path's MTU: it wants one, and nothing else is done when it is lost */
};

/* A datagram may go where it was always allowed to: within the credit of an unproven address. */
bool datagram_has_credit(const struct path *path, size_t len);
/*
 * Seal the frames under the session's keys and queue the datagram, which b
 * becomes, for an address; the peer may be sent to (peer_may_send).  Takes b:
 * the frames, or an empty one.
 */
void datagram_send(struct peer *p, struct path *path, struct buf *b, const struct datagram_load *load,
		   const struct endpoint *to, nsec_t now);
/* Send these frames at once on a path, to the address they answer; nothing without a session. */
void datagram_answer(struct peer *p, struct path *path, const struct endpoint *to,
		     const uint8_t *frames, size_t len, nsec_t now);
/* CLOSE on every path that may work. */
void datagram_close(struct peer *p, nsec_t now);

#endif
