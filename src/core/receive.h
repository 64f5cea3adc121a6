/*
 * receive: from a datagram that claims to carry data to inner packets.
 *
 * In this order: length, keys, replay, authenticity; only then is anything in
 * it believed.
 */
#ifndef TTT_CORE_RECEIVE_H
#define TTT_CORE_RECEIVE_H

#include "core/peer.h"

#define RECEIVE_BATCH	128

/*
 * What opening ahead made of a datagram.  Its content is spent then, whatever came
 * of it: it can be opened only once.
 */
struct receive_opened {
	uint64_t serial;	/* of the keys it was tried with; 0: it was not, and is as it came */
	uint64_t number;	/* and as which packet */
	bool genuine;
};

/*
 * Open those of up to RECEIVE_BATCH datagrams that we have keys for and that are
 * new, together, if there are hands and it is worth asking them; nothing else is
 * done or believed.  false: none was opened, and ret is not written.
 */
bool receive_ahead(const struct context *ctx, const struct engine_arrival *arrival, size_t count,
		   struct receive_opened *ret);

/*
 * Takes the buffer.  opened: of that buffer, just now; NULL: it was not.  Gives the
 * peer it was from when it proved authentic, else NULL.
 */
struct peer *receive_datagram(struct context *ctx, const struct endpoint *from, struct buf *b,
			      const struct receive_opened *opened, nsec_t now);

#endif
