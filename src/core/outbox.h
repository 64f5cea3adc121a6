/*
 * outbox: finished datagrams on their way to the network, with where they go.
 * First in, first out, bounded; embedded, all zero is empty.
 */
#ifndef TTT_CORE_OUTBOX_H
#define TTT_CORE_OUTBOX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/endpoint.h"

#define OUTBOX_SIZE	1024

struct outbox {
	struct {
		struct buf *datagram;
		struct endpoint to;
	} entry[OUTBOX_SIZE];
	unsigned head, count;
};

/* Takes the datagram; false: full, the caller still owns it. */
bool outbox_push(struct outbox *o, struct buf *datagram, const struct endpoint *to);
/* The caller owns what it gets; NULL: empty. */
struct buf *outbox_pop(struct outbox *o, struct endpoint *ret_to);
void outbox_clear(struct outbox *o);

#endif
