/*
 * worker_socket: one UDP socket of the worker: the datagrams that it is to
 * send, which wait here while the kernel is full, and its errors, counted and
 * limited in rate.  Those to one address keep their order; that of others means
 * nothing, so a listener's are put together.  Datagrams that are alike go as one message where the kernel
 * can cut it (udp.h); if it refuses, they go one by one, and so do all others for
 * a while.  The descriptor was made, bound and marked by the supervisor, and is
 * closed here.
 */
#ifndef TTT_WORKER_SOCKET_H
#define TTT_WORKER_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/units.h"
#include "control/message.h"
#include "io/inlet.h"
#include "io/udp.h"

struct buf;

#define SOCKET_WAITING	256	/* datagrams that may wait */

/* Who hears of errors; called from push, send and errors below. */
struct worker_socket_owner {
	void (*report)(void *ctx, const struct message_socket_error *error);
	/* What was sent there from the socket was too large: no failure, somebody looks for what passes. */
	void (*too_big)(void *ctx, uint8_t socket, const struct udp_error *error);
	void *ctx;
};

struct worker_socket {
	int fd;
	uint8_t number;
	enum message_socket_kind kind;
	struct udp_datagram waiting[SOCKET_WAITING];	/* a ring */
	unsigned head, count;
	bool mixed;		/* they go to several addresses, in turns */
	uint64_t failed, blocked;	/* datagrams that were refused, or found no place to wait */
	struct inlet_habit habit;	/* of what comes in */
	/* of runs that go as one message */
	bool segment;			/* the kernel can */
	nsec_t one_by_one_until;	/* but not there, where this goes */
	unsigned refused;		/* so many at the front were, as a run, and are tried one by one, */
	bool to_blame;			/* and if they can go, then it was because they were a run */
	uint64_t datagrams, messages;	/* sent */
	int (*send)(int fd, const struct udp_datagram *d, size_t n, bool segment, unsigned *ret_messages);
	/* of what has been reported, and what not yet */
	struct message_socket_error last;
	nsec_t reported_at;
	uint32_t unreported;
	struct worker_socket_owner owner;
};

/* Takes fd over; NULL when memory is short (fd is the caller's then).  segment: see udp_offload. */
struct worker_socket *worker_socket_new(int fd, const struct message_socket_add *add, bool segment,
					const struct worker_socket_owner *owner);
/* Closes; what waits is given back to its pool.  NULL is nothing. */
void worker_socket_free(struct worker_socket *s);

/* Take a datagram; it goes out with the next send, or is dropped and counted when too many wait. */
void worker_socket_push(struct worker_socket *s, struct buf *datagram, const struct endpoint *to,
			nsec_t now);
/* Send what waits.  True: all is gone; false: the kernel is full, come again when it is writable. */
bool worker_socket_send(struct worker_socket *s, nsec_t now);

/* Runs go as one message now. */
bool worker_socket_segments(const struct worker_socket *s, nsec_t now);

/* An error met while using the socket; reported at once, or counted if the last was a moment ago. */
void worker_socket_note(struct worker_socket *s, enum message_operation operation, int error,
			const struct addr *remote, nsec_t now);
/* Read what the network answered (ICMP), a bounded number; false: nothing was there. */
bool worker_socket_errors(struct worker_socket *s, nsec_t now);

#endif
