/*
 * channel: one end of the socket pair between supervisor and worker.
 *
 * Datagrams on SOCK_SEQPACKET, one message each (message.h), a descriptor
 * beside those that carry one.  Sending never blocks: what the kernel does not
 * take now waits in a queue of at most CHANNEL_QUEUE messages.  The other end
 * is not trusted: anything that is not a message for this end, or that comes
 * with more or fewer descriptors than its type has, ends the channel; whatever
 * descriptors came with it are closed.
 */
#ifndef TTT_CONTROL_CHANNEL_H
#define TTT_CONTROL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "control/message.h"

#define CHANNEL_QUEUE	512	/* messages that wait for the kernel to take them */

struct channel;
struct ev_loop;

enum channel_end { CHANNEL_SUPERVISOR, CHANNEL_WORKER };

struct channel_owner {
	/*
	 * A message from the other end.  fd is -1, or a descriptor that now is the
	 * owner's (close-on-exec).  m is wiped when the call returns.
	 */
	void (*message)(void *ctx, const struct message *m, int fd);
	/*
	 * Over, once: 0 the other end is gone, -EPROTO it sent garbage, else the
	 * errno of the socket.  Nothing comes after it.
	 */
	void (*closed)(void *ctx, int error);
	/* What waited has been taken, the queue is empty (again); may be NULL. */
	void (*drained)(void *ctx);
	void *ctx;
};

/* Two connected close-on-exec, non-blocking ends for channel_new, or for a child. */
int channel_pair(int ret[2]);

/*
 * Takes fd over (also closes it in channel_free; not on failure, which is
 * NULL with errno set) and reads it in loop.  The owner's functions may call
 * channel_free.
 */
struct channel *channel_new(struct ev_loop *loop, int fd, enum channel_end end,
			    const struct channel_owner *owner);
/* What comes from now on is somebody else's. */
void channel_set_owner(struct channel *ch, const struct channel_owner *owner);
/* Closes; what still waits is lost.  NULL is nothing. */
void channel_free(struct channel *ch);

/*
 * Send m, with fd when its type has one (-1 else).  fd stays the caller's, who
 * may close it at once.  -EINVAL: m is out of range, or fd and type disagree;
 * -ENOBUFS: the queue is full, m is not sent; -EPIPE: the other end is gone
 * (`closed` is told, or has been); or another errno of the socket.
 */
int channel_send(struct channel *ch, const struct message *m, int fd);

/* Messages that wait; below CHANNEL_QUEUE. 0: the next one goes to the kernel directly. */
size_t channel_queued(const struct channel *ch);

/*
 * Hand over what has come, without waiting, and no end of file: the last words
 * of a process that is gone.  The owner must not call channel_free meanwhile.
 */
void channel_drain(struct channel *ch);

/* Send what waits, for at most a time: for the last words of a process.  False: not all of it. */
bool channel_flush(struct channel *ch, int timeout_ms);

#endif
