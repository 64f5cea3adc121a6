/*
 * udp: datagrams in batches, with the local address that they came to or
 * leave from and the ECN field of their header (buf.ecn), and what the network
 * answered to those that we sent.
 */
#ifndef TTT_IO_UDP_H
#define TTT_IO_UDP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct buf;

#define UDP_BATCH	64	/* datagrams in one system call */

struct udp_datagram {
	struct buf *buf;
	struct addr local;	/* our address; ADDR_NONE: as the socket is bound */
	struct addr remote;
};

struct udp_error {
	int error;		/* positive errno */
	struct addr remote;	/* where the datagram had been sent; port 0 where it never left */
	uint32_t mtu;		/* EMSGSIZE: bytes of the largest IP packet that would have passed; 0: not said */
};

/*
 * Receive up to n (at most UDP_BATCH) datagrams into empty buffers that are in
 * d[i].buf already.  Gives how many; what was larger than its buffer has len 0.
 * -EAGAIN: nothing there; else a negative errno of the socket.  With n 0 nothing
 * is received, only the socket looked at: -ENOTSOCK, -EBADF, or 0.
 */
int udp_receive(int fd, struct udp_datagram *d, size_t n);
/* Send up to n; the buffers stay the caller's.  Gives how many went (at least 1), or the first's negative errno. */
int udp_send(int fd, const struct udp_datagram *d, size_t n);
/* The next answer of the network (error queue); false: no more. */
bool udp_error(int fd, struct udp_error *ret);

#endif
