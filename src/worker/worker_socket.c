/* worker_socket: see worker_socket.h. */
#include "worker/worker_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#define SAME_ERROR_AGAIN	SEC(1)
#define OTHER_ERROR_AGAIN	MSEC(100)
#define SEGMENTS_AGAIN		SEC(60)	/* a listener's clients come and go, and with them the devices */
#define HEAPS			16	/* addresses that are told apart */
#define ERRORS_AT_ONCE		32	/* so that a flood of ICMP does not hold the loop */
#define TRIES_ANSWERED		8	/* of what fails while answers to others come */

struct worker_socket *worker_socket_new(int fd, const struct message_socket_add *add, bool segment,
					const struct worker_socket_owner *owner)
{
	struct worker_socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fd = fd;
	s->number = add->socket;
	s->kind = add->kind;
	s->owner = *owner;
	s->segment = segment;
	s->send = udp_send;
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
	s->count -= n;
	/* who begins at the beginning is not cut at the end */
	s->head = s->count > 0 ? (s->head + n) % SOCKET_WAITING : 0;
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
	*place(s, s->count) = (struct udp_datagram){
		.buf = datagram, .local = to->local, .remote = to->remote,
	};
	if (s->count > 0 && !addr_equal(&to->remote, &place(s, s->count - 1)->remote))
		s->mixed = true;
	s->count++;
}

/* The heap of an address; when there are too many, the last is for all others. */
static unsigned heap_of(const struct addr *remote, const struct addr **heap, unsigned *heaps)
{
	for (unsigned h = 0; h < *heaps; h++)
		if (addr_equal(heap[h], remote))
			return h;
	if (*heaps < HEAPS)
		heap[(*heaps)++] = remote;
	return *heaps - 1;
}

/* A server's two paths to a client take turns; together each makes runs. */
static void put_together(struct worker_socket *s)
{
	struct udp_datagram was[SOCKET_WAITING];
	const struct addr *heap[HEAPS];
	uint8_t of[SOCKET_WAITING];
	unsigned begin[HEAPS + 1] = { 0 }, heaps = 0;

	for (unsigned i = 0; i < s->count; i++) {
		was[i] = *place(s, i);
		of[i] = (uint8_t)heap_of(&was[i].remote, heap, &heaps);
		begin[of[i] + 1]++;
	}
	for (unsigned h = 0; h < heaps; h++)
		begin[h + 1] += begin[h];
	for (unsigned i = 0; i < s->count; i++)
		*place(s, begin[of[i]]++) = was[i];
	s->mixed = false;
}

/* As much of the ring as lies in one piece and fits a call. */
static unsigned piece(const struct worker_socket *s)
{
	unsigned n = SOCKET_WAITING - s->head;

	n = s->count < n ? s->count : n;
	return n < UDP_BATCH ? n : UDP_BATCH;
}

bool worker_socket_segments(const struct worker_socket *s, nsec_t now)
{
	return s->segment && now >= s->one_by_one_until;
}

/* How many went; or a negative errno of the first. */
static int send_some(struct worker_socket *s, nsec_t now)
{
	unsigned n = piece(s), messages = 0;
	int went;

	if (s->refused > 0)
		n = s->refused < n ? s->refused : n;
	went = s->send(s->fd, place(s, 0), n, s->refused == 0 && worker_socket_segments(s, now), &messages);
	s->messages += messages;
	return went;
}

/* n from the front, which may be those of a run that was refused. */
static void went(struct worker_socket *s, unsigned n, nsec_t now)
{
	drop_front(s, n);
	s->datagrams += n;
	if (s->refused == 0)
		return;
	s->refused -= n;
	if (s->refused == 0 && s->to_blame)
		s->one_by_one_until = now + SEGMENTS_AGAIN;
}

/* A device that cannot, a way that encrypts (IPsec), or datagrams that are larger than the link's MTU. */
static bool may_be_of_a_run(int error)
{
	return error == EIO || error == EINVAL || error == EMSGSIZE;
}

/* Twice.  Of a run each datagram is tried by itself; a single one is given up. */
static void refused(struct worker_socket *s, int error, nsec_t now)
{
	unsigned run = 1;

	if (s->refused == 0 && worker_socket_segments(s, now))
		run = (unsigned)udp_run(place(s, 0), piece(s));
	if (run > 1) {
		s->refused = run;
		s->to_blame = may_be_of_a_run(error);
		return;
	}
	worker_socket_note(s, MESSAGE_ON_SEND, error, &place(s, 0)->remote, now);
	s->failed++;
	drop_front(s, 1);
	s->to_blame = false;
	if (s->refused > 0)
		s->refused--;
}

/*
 * The kernel tells an earlier datagram's fate (ICMP) by failing the next call,
 * without sending what is in hand: so that queue is read, and the datagram
 * tried once more before it is given up, or more often where there was an answer
 * again.  (One that is too large puts its own into that queue.)
 */
bool worker_socket_send(struct worker_socket *s, nsec_t now)
{
	unsigned tries = 0;

	/* a run that was refused is at the front, as it was */
	if (s->mixed && s->refused == 0)
		put_together(s);
	while (s->count > 0) {
		int n = send_some(s, now);

		if (n == -EAGAIN)
			return false;
		if (n > 0) {
			went(s, (unsigned)n, now);
			tries = 0;
		} else if (tries < (worker_socket_errors(s, now) && n != -EMSGSIZE ? TRIES_ANSWERED : 1)) {
			tries++;
		} else {
			refused(s, -n, now);
			tries = 0;
		}
	}
	return true;
}
