/*
 * open: the descriptors that the supervisor makes and the worker uses: the TUN
 * device and UDP sockets.  Every option is set here, since the worker may only
 * send, receive, read and write.  All descriptors are non-blocking and
 * close-on-exec, and the caller's to close.
 */
#ifndef TTT_IO_OPEN_H
#define TTT_IO_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * A new TUN device of that name, whole IP packets without a header.  It lives as
 * long as a descriptor of it.  -ENOENT: no /dev/net/tun; -ENODEV: a kernel
 * without TUN; -EBUSY: an interface of that name is there, whatever it is;
 * -EPERM; -EINVAL: no name for an interface.
 */
int open_tun(const char *ifname);
/* The same, but each packet has a virtio header before it.  -EINVAL, too: the kernel knows none. */
int open_tun_virtio(const char *ifname);

/* What the device and its reader leave to each other. */
struct open_offload {
	bool tso;	/* checksums, and TCP segments in one piece, of both families */
	bool uso;	/* and datagrams of one flow in one piece (Linux 6.2) */
};

/* Ask a device of open_tun_virtio for as much of that as the kernel has; with some, its queue is shorter. */
struct open_offload open_tun_offload(int fd);

struct open_udp_options {
	struct addr local;	/* address and port to bind to; any: the wildcard of its family */
	const char *device;	/* only by this interface; NULL: any */
	uint32_t mark;		/* of what it sends; 0: none */
	bool listener;		/* tell with each datagram to which of our addresses it came */
	bool one_by_one;	/* no UDP_GRO: each message is one datagram */
};

/*
 * A UDP socket.  -EADDRINUSE: the port is taken; -EADDRNOTAVAIL: the address is
 * not ours; -ENODEV: no such interface; -EPERM; -EAFNOSUPPORT: no IPv6 here.
 * Path MTU discovery is ours (PROBE: never fragmented, the kernel's own guess
 * not obeyed), what the network answers is kept in the error queue, each datagram
 * comes with its ECN field, and several of one length may come as one message
 * (inlet.h).
 */
int open_udp(const struct open_udp_options *options);

#endif
