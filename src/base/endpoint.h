/*
 * endpoint: how a datagram reaches the other end: which of our sockets, from
 * which of our addresses, to whom.  The core passes these through; only who
 * owns the sockets knows what a socket's number stands for.
 */
#ifndef TTT_BASE_ENDPOINT_H
#define TTT_BASE_ENDPOINT_H

#include "base/addr.h"

struct endpoint {
	uint8_t socket;		/* number of the socket, below ENDPOINT_SOCKETS */
	struct addr local;	/* ADDR_NONE: as the socket is bound; the port is not used */
	struct addr remote;
};

#define ENDPOINT_SOCKETS	64

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->socket == b->socket && addr_equal(&a->remote, &b->remote) &&
	       addr_same_host(&a->local, &b->local);
}

#endif
