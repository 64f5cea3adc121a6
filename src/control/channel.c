/* channel: see channel.h.  One message is read per turn of the loop, so an owner may free us in a callback. */
#include "control/channel.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A sender may attach more descriptors than we allow; room for some of them, so that they are seen. */
#define FDS_SEEN	4

struct waiting {
	struct waiting *next;
	int fd;			/* our duplicate, or -1 */
	size_t len;
	uint8_t data[];
};

struct channel {
	struct ev_loop *loop;
	int fd;
	enum channel_end end;
	struct channel_owner owner;
	ev_io readable, writable;
	struct waiting *head, *tail;
	size_t queued;
};

int channel_pair(int ret[2])
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

	return socketpair(AF_UNIX, type, 0, ret) < 0 ? -errno : 0;
}

/* Sending */

static int send_now(int fd, const uint8_t *data, size_t len, int attached)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (attached >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &attached, sizeof(int));
	}
	while (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR && errno != ECONNRESET)	/* after a reset EPIPE follows */
			return -errno;
	return 0;
}

static void waiting_free(struct waiting *w)
{
	if (w->fd >= 0)
		close(w->fd);
	message_wipe(w->data, w->len);
	free(w);
}

static struct waiting *pop(struct channel *ch)
{
	struct waiting *w = ch->head;

	ch->head = w->next;
	if (ch->head == NULL)
		ch->tail = NULL;
	ch->queued--;
	return w;
}

static int wait_in_queue(struct channel *ch, const uint8_t *data, size_t len, int attached)
{
	struct waiting *w;
	int fd = -1;

	if (ch->queued == CHANNEL_QUEUE)
		return -ENOBUFS;
	w = malloc(sizeof(*w) + len);
	if (w == NULL)
		return -ENOMEM;
	if (attached >= 0) {
		fd = fcntl(attached, F_DUPFD_CLOEXEC, 0);
		if (fd < 0) {
			int error = -errno;

			free(w);
			return error;
		}
	}
	*w = (struct waiting){ .fd = fd, .len = len };
	memcpy(w->data, data, len);
	if (ch->tail != NULL)
		ch->tail->next = w;
	else
		ch->head = w;
	ch->tail = w;
	ch->queued++;
	ev_io_start(ch->loop, &ch->writable);
	return 0;
}

static int send_or_wait(struct channel *ch, const uint8_t *data, size_t len, int attached)
{
	int error;

	if (ch->queued > 0)
		return wait_in_queue(ch, data, len, attached);
	error = send_now(ch->fd, data, len, attached);
	return error == -EAGAIN ? wait_in_queue(ch, data, len, attached) : error;
}

int channel_send(struct channel *ch, const struct message *m, int fd)
{
	uint8_t data[MESSAGE_MAX];
	bool ours = message_is_from_supervisor(m->type) == (ch->end == CHANNEL_SUPERVISOR);
	int len, error;

	if (!ours || message_fds(m->type) != (fd >= 0 ? 1 : 0))
		return -EINVAL;
	if (ch->fd < 0)
		return -EPIPE;
	len = message_encode(m, data);
	if (len < 0)
		return len;
	error = send_or_wait(ch, data, (size_t)len, fd);
	message_wipe(data, (size_t)len);
	return error;
}

/* Everything that waits, as far as the kernel takes it. */
static int send_queue(struct channel *ch)
{
	while (ch->head != NULL) {
		int error = send_now(ch->fd, ch->head->data, ch->head->len, ch->head->fd);

		if (error < 0)
			return error;
		waiting_free(pop(ch));
	}
	return 0;
}

size_t channel_queued(const struct channel *ch)
{
	return ch->queued;
}

bool channel_flush(struct channel *ch, int timeout_ms)
{
	struct pollfd pfd = { .fd = ch->fd, .events = POLLOUT };

	if (ch->fd < 0)
		return false;
	while (send_queue(ch) == -EAGAIN)
		if (poll(&pfd, 1, timeout_ms) <= 0)
			return false;
	return ch->head == NULL;
}

/* Over: silent from here on, then the owner is told, who may free us. */
static void end(struct channel *ch, int error)
{
	ev_io_stop(ch->loop, &ch->readable);
	ev_io_stop(ch->loop, &ch->writable);
	close(ch->fd);
	ch->fd = -1;
	ch->owner.closed(ch->owner.ctx, error);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct channel *ch = watcher->data;
	int error = send_queue(ch);

	(void)events;
	if (error == -EAGAIN)
		return;
	ev_io_stop(loop, &ch->writable);
	if (error == -EPIPE)
		return;		/* what they still said is read first, then the end of file */
	if (error < 0)
		end(ch, error);
	else if (ch->owner.drained != NULL)
		ch->owner.drained(ch->owner.ctx);
}

/* Receiving */

struct received {
	int fd[FDS_SEEN];
	size_t fds;
	bool cut;		/* data or descriptors did not fit */
};

static void collect_fds(struct msghdr *msg, struct received *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			assert(ret->fds < FDS_SEEN);
			ret->fd[ret->fds++] = fd;
		}
	}
}

static ssize_t receive(int fd, uint8_t data[MESSAGE_MAX], struct received *ret)
{
	struct iovec iov = { .iov_base = data, .iov_len = MESSAGE_MAX };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_SEEN * sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret = (struct received){ .fds = 0 };
	if (len < 0)
		return -errno;
	collect_fds(&msg, ret);
	ret->cut = msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	return len;
}

/* An empty datagram looks the same; nobody has a reason to send one. */
static bool is_end_of_file(ssize_t len, const struct received *r)
{
	return len == 0 && r->fds == 0 && !r->cut;
}

static void close_all(const struct received *r)
{
	for (size_t i = 0; i < r->fds; i++)
		close(r->fd[i]);
}

static bool is_for_us(const struct channel *ch, const struct message *m, const struct received *r)
{
	return message_is_from_supervisor(m->type) == (ch->end == CHANNEL_WORKER) &&
	       message_fds(m->type) == r->fds;
}

/* 1: a message, and -1 or its descriptor; 0: nothing now; -ENODATA: the end of the file; else an error. */
static int receive_message(struct channel *ch, struct message *ret, int *ret_fd)
{
	uint8_t data[MESSAGE_MAX];
	struct received r;
	ssize_t len = receive(ch->fd, data, &r);
	bool good;

	/* a reset says that the other end went with our words unread; its own are still to be read */
	if (len == -EAGAIN || len == -EINTR || len == -ECONNRESET)
		return 0;
	if (len < 0 || is_end_of_file(len, &r))
		return len < 0 ? (int)len : -ENODATA;
	good = !r.cut && message_decode(data, (size_t)len, ret) == 0 && is_for_us(ch, ret, &r);
	message_wipe(data, (size_t)len);
	if (!good) {
		close_all(&r);
		return -EPROTO;
	}
	*ret_fd = r.fds > 0 ? r.fd[0] : -1;
	return 1;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct channel *ch = watcher->data;
	struct channel_owner owner = ch->owner;
	struct message m;
	int fd, got = receive_message(ch, &m, &fd);

	(void)loop;
	(void)events;
	if (got < 0)
		end(ch, got == -ENODATA ? 0 : got);
	if (got <= 0)
		return;
	owner.message(owner.ctx, &m, fd);
	message_wipe(&m, sizeof(m));
}

void channel_drain(struct channel *ch)
{
	struct message m;
	int fd;

	while (ch->fd >= 0 && receive_message(ch, &m, &fd) > 0) {
		ch->owner.message(ch->owner.ctx, &m, fd);
		message_wipe(&m, sizeof(m));
	}
}

struct channel *channel_new(struct ev_loop *loop, int fd, enum channel_end which,
			    const struct channel_owner *owner)
{
	struct channel *ch = calloc(1, sizeof(*ch));

	if (ch == NULL)
		return NULL;
	ch->loop = loop;
	ch->fd = fd;
	ch->end = which;
	ch->owner = *owner;
	ev_io_init(&ch->readable, on_readable, fd, EV_READ);
	ev_io_init(&ch->writable, on_writable, fd, EV_WRITE);
	ch->readable.data = ch->writable.data = ch;
	ev_io_start(loop, &ch->readable);
	return ch;
}

void channel_set_owner(struct channel *ch, const struct channel_owner *owner)
{
	ch->owner = *owner;
}

void channel_free(struct channel *ch)
{
	if (ch == NULL)
		return;
	ev_io_stop(ch->loop, &ch->readable);
	ev_io_stop(ch->loop, &ch->writable);
	while (ch->head != NULL)
		waiting_free(pop(ch));
	if (ch->fd >= 0)
		close(ch->fd);
	free(ch);
}
