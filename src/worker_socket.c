/* worker_socket: see worker_socket.h. */
#include "worker_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

#define SAME_ERROR_AGAIN	SEC(1)
#define OTHER_ERROR_AGAIN	MSEC(100)
#define ERRORS_AT_ONCE		32	/* so that a flood of ICMP does not hold the loop */

struct worker_socket *worker_socket_new(int fd, const struct message_socket_add *add,
					const struct worker_socket_owner *owner)
{
	struct worker_socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fd = fd;
	s->number = add->socket;
	s->kind = add->kind;
	s->owner = *owner;
	return s;
}

static struct udp_datagram *place(struct worker_socket *s, unsigned i)
{
	return &s->waiting[(s->head + i) % SOCKET_WAITING];
}

/* n from the front are gone, one way or another. */
static void drop_front(struct worker_socket *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_put(place(s, i)->buf);
	s->head = (s->head + n) % SOCKET_WAITING;
	s->count -= n;
}

void worker_socket_free(struct worker_socket *s)
{
	if (s == NULL)
		return;
	drop_front(s, s->count);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

static bool is_due(const struct worker_socket *s, const struct message_socket_error *e, nsec_t now)
{
	bool same = e->error == s->last.error && e->operation == s->last.operation;

	return s->last.error == 0 ||
	       nsec_since(s->reported_at, now) >= (same ? SAME_ERROR_AGAIN : OTHER_ERROR_AGAIN);
}

void worker_socket_note(struct worker_socket *s, enum message_operation operation, int error,
			const struct addr *remote, nsec_t now)
{
	struct message_socket_error e = {
		.socket = s->number, .operation = operation, .error = error,
	};

	if (remote != NULL)
		e.remote = *remote;
	s->unreported++;
	if (!is_due(s, &e, now))
		return;
	e.count = s->unreported;
	s->unreported = 0;
	s->last = e;
	s->reported_at = now;
	s->owner.report(s->owner.ctx, &e);
}

bool worker_socket_errors(struct worker_socket *s, nsec_t now)
{
	struct udp_error e;
	int n;

	for (n = 0; n < ERRORS_AT_ONCE && udp_error(s->fd, &e); n++) {
		if (e.error == EMSGSIZE)
			s->owner.too_big(s->owner.ctx, s->number, &e);
		else
			worker_socket_note(s, MESSAGE_ON_PATH, e.error, &e.remote, now);
	}
	return n > 0;
}

void worker_socket_push(struct worker_socket *s, struct buf *datagram, const struct endpoint *to,
			nsec_t now)
{
	if (s->count == SOCKET_WAITING)
		worker_socket_send(s, now);
	if (s->count == SOCKET_WAITING) {
		s->blocked++;
		buf_put(datagram);
		return;
	}
	*place(s, s->count++) = (struct udp_datagram){
		.buf = datagram, .local = to->local, .remote = to->remote,
	};
}

/* As much of the ring as lies in one piece and fits a call. */
static unsigned piece(const struct worker_socket *s)
{
	unsigned n = SOCKET_WAITING - s->head;

	n = s->count < n ? s->count : n;
	return n < UDP_BATCH ? n : UDP_BATCH;
}

/*
 * The kernel tells an earlier datagram's fate (ICMP) by failing the next call,
 * without sending what is in hand: so that queue is read, and the datagram
 * tried once more before it is given up.
 */
bool worker_socket_send(struct worker_socket *s, nsec_t now)
{
	bool tried = false;

	while (s->count > 0) {
		int n = udp_send(s->fd, place(s, 0), piece(s));

		if (n > 0) {
			drop_front(s, (unsigned)n);
			tried = false;
		} else if (n == -EAGAIN) {
			return false;
		} else if (!tried) {
			worker_socket_errors(s, now);
			tried = true;
		} else {
			worker_socket_note(s, MESSAGE_ON_SEND, -n, &place(s, 0)->remote, now);
			s->failed++;
			drop_front(s, 1);
			tried = false;
		}
	}
	return true;
}
