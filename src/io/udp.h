/*
 * udp: datagrams out, in batches: those that follow each other to one address
 * with one length are one message for the kernel, which cuts it (UDP_SEGMENT).
 * And what the network answered to those that we sent.  inlet.h takes in.
 */
#ifndef TTT_IO_UDP_H
#define TTT_IO_UDP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct buf;

#define UDP_BATCH	256	/* datagrams in one system call, */
#define UDP_MESSAGES	64	/* in so many messages, */
#define UDP_SEGMENTS	64	/* of so many datagrams */
#define UDP_MESSAGE_MAX	65507	/* and bytes, each at most */

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

/* What this kernel can do with several datagrams at once. */
struct udp_offload {
	bool segment;		/* cut one message into datagrams (Linux 4.18) */
	bool gro;		/* give several datagrams as one message (Linux 5.0) */
};

/* Tries it on a socket of its own: not from the sandbox. */
struct udp_offload udp_offload(void);
/* A kernel of that release (uname) corrupts what it cuts: 7.0 to 7.1.4. */
bool udp_release_corrupts(const char *release);

/* 0: a socket, which is left as it is; -ENOTSOCK, -EBADF. */
int udp_check(int fd);

/*
 * How many of the n (at least 1) datagrams, from the first on, go as one message:
 * alike in addresses and ECN field, of one length, only the last may be shorter.
 * What is to stay alone (buf.alone) does.
 */
size_t udp_run(const struct udp_datagram *d, size_t n);
/*
 * Send up to n, at most UDP_BATCH, in their order; segment: runs of them as one
 * message.  The buffers stay the caller's.  Gives how many went (at least 1), in
 * *ret_messages messages, or the negative errno of the first message: then none
 * of it went.
 */
int udp_send(int fd, const struct udp_datagram *d, size_t n, bool segment, unsigned *ret_messages);
/* The next answer of the network (error queue); false: no more. */
bool udp_error(int fd, struct udp_error *ret);

#endif
