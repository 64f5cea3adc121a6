/*
 * inlet: datagrams in, many at once.  With UDP_GRO one message of the kernel is
 * a run of datagrams of one length, of which the last may be shorter.  The kernel
 * scatters it into as many buffers as it is expected to be datagrams, so that
 * each one lies in a buffer of its own and is never moved:
 *
 *	message	| datagram | datagram | datagram | rest |
 *	iovec	| buffer   | buffer   | buffer   | buffer | ... | spill |
 *
 * The expected length is that of the socket's last run.  Where another one comes,
 * the datagrams of that message are copied to buffers; what is larger than a
 * buffer is dropped and counted.  One inlet serves all sockets of a loop.
 */
#ifndef TTT_IO_INLET_H
#define TTT_IO_INLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf_pool;
struct udp_datagram;
struct inlet;

#define INLET_BUFS	512	/* buffers that it holds at most */
#define INLET_RESERVE	64	/* buffers that it leaves in the pool, */
#define INLET_ENOUGH	(INLET_RESERVE + 64)	/* and so many left are enough to receive */

/* Of a socket: what comes there; zeroed: nothing known. */
struct inlet_habit {
	uint16_t segment;	/* length of datagrams in its last run; 0: they come one by one */
	uint8_t single;		/* calls without a run since then */
};

struct inlet_counts {
	uint64_t messages, datagrams;
	uint64_t copied;	/* datagrams that were not where they were expected */
	uint64_t too_long;	/* dropped: larger than a buffer */
	uint64_t no_buffer;	/* dropped: all are in use */
};

/* NULL: memory is short. */
struct inlet *inlet_new(struct buf_pool *pool);
/* Gives its buffers back to the pool; NULL is nothing. */
void inlet_free(struct inlet *in);

/*
 * Receive some messages; the rest of the former ones is forgotten.  Gives how many
 * came; -EAGAIN: none is there; -ENOBUFS: the pool is short, nothing was received;
 * else a negative errno of the socket.
 */
int inlet_receive(struct inlet *in, int fd, struct inlet_habit *habit);
/*
 * The next datagram of these, in the order in which they came, with the addresses
 * that it came from and to (ADDR_NONE where the socket does not tell) and its ECN
 * field; the buffer is the caller's.  False: no more.
 */
bool inlet_next(struct inlet *in, struct udp_datagram *ret);

const struct inlet_counts *inlet_counts(const struct inlet *in);
/* Empty buffers that it holds, and gives back when it ends. */
size_t inlet_held(const struct inlet *in);

#endif
