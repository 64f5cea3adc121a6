/*
 * outbox: datagrams on their way to the network, with where they go.  First in,
 * first out, bounded; embedded, all zero is empty.
 *
 * Where there are hands that help, and the last time so much was sent at once that
 * it was worth asking them, datagrams wait here unsealed, and are sealed together
 * before the first is taken out.
 */
#ifndef TTT_CORE_OUTBOX_H
#define TTT_CORE_OUTBOX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/endpoint.h"
#include "base/hands.h"

#define OUTBOX_SIZE	1024
#define OUTBOX_ENOUGH	(OUTBOX_SIZE / 2)	/* then nobody else has his turn until it is empty */
#define OUTBOX_PACKET	64	/* datagrams that one inner packet may become: some pieces, on all paths */

struct keypair;

/* How a datagram is to be sealed: its frames stand behind its header already, with room for the tag. */
struct outbox_seal {
	const struct keypair *keys;	/* NULL: it is sealed */
	uint64_t number;
	uint8_t path;
};

struct outbox {
	struct {
		struct buf *datagram;
		struct endpoint to;
		struct outbox_seal seal;
	} entry[OUTBOX_SIZE];
	unsigned head, count;
	unsigned unsealed;
	bool rests;		/* it had enough, and is not empty yet */
	size_t bytes;		/* that came since it was last empty, or the time before that */
	bool gathers;		/* what comes now may wait unsealed */
};

/* Whether somebody else may say all that he has to say: there are many, and each has much. */
bool outbox_takes_more(struct outbox *o);
/* One more inner packet finds room. */
bool outbox_has_room(const struct outbox *o);
/*
 * Whether the next datagram may wait unsealed; asked for each of them, once: it
 * has so many bytes.
 */
bool outbox_gathers(struct outbox *o, const struct hands *hands, size_t len);

/* Takes the datagram; false: full, the caller still owns it. seal: NULL, or its keys stay until outbox_seal. */
bool outbox_push(struct outbox *o, struct buf *datagram, const struct endpoint *to,
		 const struct outbox_seal *seal);
/* Seal what waits for it.  Before anything is taken out, and before keys go. */
void outbox_seal(struct outbox *o, const struct hands *hands);
/* The caller owns what it gets; NULL: empty. */
struct buf *outbox_pop(struct outbox *o, struct endpoint *ret_to);
/* Sealed or not. */
void outbox_clear(struct outbox *o);

#endif
