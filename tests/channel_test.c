/* channel: two real ends: messages, descriptors, garbage, a full queue, the end. */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/channel.h"
#include "tap.h"

struct end {
	struct channel *channel;
	struct message last;
	int fd;			/* that came with the last message */
	unsigned messages, closed, drained;
	uint32_t next_id;	/* status requests must come in order */
	int error;
	bool free_on_message, free_on_close;
};

struct pair {
	struct ev_loop *loop;
	struct end supervisor, worker;
	int raw;		/* the other end, when only one is a channel */
};

static void on_message(void *ctx, const struct message *m, int fd)
{
	struct end *e = ctx;

	e->last = *m;
	e->messages++;
	if (e->fd >= 0)
		close(e->fd);
	e->fd = fd;
	if (m->type == MESSAGE_STATUS_REQUEST)
		assert_int_equal(m->status_request.id, e->next_id++);
	if (e->free_on_message) {
		channel_free(e->channel);
		e->channel = NULL;
	}
}

static void on_closed(void *ctx, int error)
{
	struct end *e = ctx;

	e->closed++;
	e->error = error;
	if (e->free_on_close) {
		channel_free(e->channel);
		e->channel = NULL;
	}
}

static void on_drained(void *ctx)
{
	((struct end *)ctx)->drained++;
}

static struct channel *open_end(struct pair *p, struct end *e, int fd, enum channel_end which)
{
	struct channel_owner owner = { on_message, on_closed, on_drained, e };

	e->fd = -1;
	return channel_new(p->loop, fd, which, &owner);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int fds_before;

static struct pair *pair_open(void **state, bool both)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fd[2];

	(void)state;
	fds_before = open_fds();
	p->loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(channel_pair(fd), 0);
	p->worker.channel = open_end(p, &p->worker, fd[1], CHANNEL_WORKER);
	p->raw = fd[0];
	p->supervisor.fd = -1;
	if (both) {
		p->supervisor.channel = open_end(p, &p->supervisor, fd[0], CHANNEL_SUPERVISOR);
		p->raw = -1;
	}
	return p;
}

static void pair_close(struct pair *p)
{
	channel_free(p->supervisor.channel);
	channel_free(p->worker.channel);
	if (p->raw >= 0)
		close(p->raw);
	if (p->supervisor.fd >= 0)
		close(p->supervisor.fd);
	if (p->worker.fd >= 0)
		close(p->worker.fd);
	ev_loop_destroy(p->loop);
	free(p);
	assert_int_equal(open_fds(), fds_before);
}

/* Turn the loop while there is something to do: a socket pair needs no waiting. */
static void turn(struct pair *p)
{
	for (int i = 0; i < 2000; i++)
		ev_run(p->loop, EVRUN_NOWAIT);
}

static void send_raw(int sock, const void *data, size_t len, const int *fds, size_t count)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	union { struct cmsghdr header; char room[CMSG_SPACE(64 * sizeof(int))]; } control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), (ssize_t)len);
}

static const struct message request = { .type = MESSAGE_STATUS_REQUEST };
static const struct message tun = { .type = MESSAGE_TUN };

static void messages_arrive_both_ways_in_order(void **state)
{
	struct pair *p = pair_open(state, true);
	struct message m = request;

	for (uint32_t id = 0; id < 10; id++) {
		m.status_request.id = id;
		assert_int_equal(channel_send(p->supervisor.channel, &m, -1), 0);
	}
	m = (struct message){ .type = MESSAGE_ACK, .ack = { .id = 8, .error = -ENOENT } };
	assert_int_equal(channel_send(p->worker.channel, &m, -1), 0);
	turn(p);
	assert_int_equal(p->worker.messages, 10);
	assert_int_equal(p->supervisor.messages, 1);
	assert_int_equal(p->supervisor.last.ack.id, 8);
	assert_int_equal(p->supervisor.last.ack.error, -ENOENT);
	pair_close(p);
}

/* As the supervisor does once its worker has ended: no loop, and no farewell. */
static void last_words_are_read_without_the_loop_and_without_the_end(void **state)
{
	struct pair *p = pair_open(state, true);
	struct message m = { .type = MESSAGE_ACK };

	for (m.ack.id = 1; m.ack.id <= 5; m.ack.id++)
		assert_int_equal(channel_send(p->worker.channel, &m, -1), 0);
	channel_free(p->worker.channel);
	p->worker.channel = NULL;
	channel_drain(p->supervisor.channel);
	assert_int_equal(p->supervisor.messages, 5);
	assert_int_equal(p->supervisor.last.ack.id, 5);
	assert_int_equal(p->supervisor.closed, 0);
	channel_drain(p->supervisor.channel);
	assert_int_equal(p->supervisor.messages, 5);
	turn(p);
	assert_int_equal(p->supervisor.closed, 1);
	channel_drain(p->supervisor.channel);	/* nothing is there any more */
	pair_close(p);
}

static void a_descriptor_comes_along_and_is_closed_on_exec(void **state)
{
	struct pair *p = pair_open(state, true);
	struct stat sent, got;
	int fd = open("/dev/null", O_RDONLY);	/* not close-on-exec here */

	assert_int_equal(channel_send(p->supervisor.channel, &tun, fd), 0);
	assert_int_equal(fstat(fd, &sent), 0);
	close(fd);
	turn(p);
	assert_int_equal(p->worker.messages, 1);
	assert_true(p->worker.fd >= 0);
	assert_true(fcntl(p->worker.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(p->worker.fd, &got), 0);
	assert_true(sent.st_rdev == got.st_rdev);
	pair_close(p);
}

static void a_type_and_its_descriptors_must_agree_before_sending(void **state)
{
	struct pair *p = pair_open(state, true);
	struct message ready = { .type = MESSAGE_READY };

	assert_int_equal(channel_send(p->supervisor.channel, &tun, -1), -EINVAL);
	assert_int_equal(channel_send(p->supervisor.channel, &request, 0), -EINVAL);
	assert_int_equal(channel_send(p->supervisor.channel, &ready, -1), -EINVAL);
	assert_int_equal(channel_send(p->worker.channel, &request, -1), -EINVAL);
	turn(p);
	assert_int_equal(p->worker.messages + p->supervisor.messages, 0);
	assert_int_equal(p->worker.closed + p->supervisor.closed, 0);
	pair_close(p);
}

static size_t encoded(const struct message *m, uint8_t data[MESSAGE_MAX])
{
	int len = message_encode(m, data);

	assert_true(len > 0);
	return (size_t)len;
}

static void garbage_ends_the_channel_with_an_error(void **state)
{
	static const struct { const char *data; size_t len; } garbage[] = {
		{ "x", 1 }, { "\1\0\4\0", 4 }, { "\377\0\4\0", 4 }, { "\12\0\10\0\0\0\0", 7 },
		{ "\100\0\4\0", 4 },	/* READY, which is not for a worker */
	};

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct pair *p = pair_open(state, false);

		send_raw(p->raw, garbage[i].data, garbage[i].len, NULL, 0);
		send_raw(p->raw, garbage[i].data, garbage[i].len, NULL, 0);
		turn(p);
		assert_int_equal(p->worker.closed, 1);
		assert_int_equal(p->worker.error, -EPROTO);
		assert_int_equal(p->worker.messages, 0);
		assert_int_equal(channel_send(p->worker.channel,
				 &(struct message){ .type = MESSAGE_READY }, -1), -EPIPE);
		pair_close(p);
	}
}

static void an_oversized_datagram_is_refused(void **state)
{
	struct pair *p = pair_open(state, false);
	static uint8_t data[MESSAGE_MAX + 1];

	encoded(&request, data);
	send_raw(p->raw, data, sizeof(data), NULL, 0);
	turn(p);
	assert_int_equal(p->worker.error, -EPROTO);
	pair_close(p);
}

static void too_many_too_few_or_unasked_descriptors_are_closed_and_refused(void **state)
{
	static const struct { const struct message *m; size_t count; } bad[] = {
		{ &tun, 0 }, { &tun, 2 }, { &tun, 4 }, { &tun, 5 }, { &tun, 60 },
		{ &request, 1 }, { &request, 3 },
	};
	int fds[64];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = STDERR_FILENO;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct pair *p = pair_open(state, false);
		uint8_t data[MESSAGE_MAX];

		send_raw(p->raw, data, encoded(bad[i].m, data), fds, bad[i].count);
		turn(p);
		assert_int_equal(p->worker.error, -EPROTO);
		assert_int_equal(p->worker.closed, 1);
		assert_int_equal(p->worker.messages, 0);
		pair_close(p);	/* counts descriptors */
	}
}

static void the_other_end_gone_is_told_after_its_last_words(void **state)
{
	struct pair *p = pair_open(state, true);

	assert_int_equal(channel_send(p->supervisor.channel, &request, -1), 0);
	/* leaves words unread on the other side, which makes the kernel report a reset */
	assert_int_equal(channel_send(p->worker.channel,
			 &(struct message){ .type = MESSAGE_READY }, -1), 0);
	channel_free(p->supervisor.channel);
	p->supervisor.channel = NULL;
	turn(p);
	assert_int_equal(p->worker.messages, 1);
	assert_int_equal(p->worker.closed, 1);
	assert_int_equal(p->worker.error, 0);
	pair_close(p);
}

static void sending_to_nobody_is_a_broken_pipe_and_no_signal(void **state)
{
	struct pair *p = pair_open(state, true);

	channel_free(p->supervisor.channel);
	p->supervisor.channel = NULL;
	assert_int_equal(channel_send(p->worker.channel,
			 &(struct message){ .type = MESSAGE_READY }, -1), -EPIPE);
	turn(p);
	assert_int_equal(p->worker.closed, 1);
	assert_int_equal(p->worker.error, 0);
	pair_close(p);
}

static void a_slow_reader_fills_the_queue_to_its_bound_and_loses_nothing(void **state)
{
	struct pair *p = pair_open(state, true);
	struct message m = request;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint32_t sent = 0;
	int error;

	while (m.status_request.id = sent, (error = channel_send(p->supervisor.channel, &m, -1)) == 0)
		assert_true(++sent < 100000);
	assert_int_equal(error, -ENOBUFS);
	assert_int_equal(channel_queued(p->supervisor.channel), CHANNEL_QUEUE);
	assert_true(sent > CHANNEL_QUEUE);
	assert_int_equal(channel_send(p->supervisor.channel, &tun, fd), -ENOBUFS);
	while (p->worker.messages < sent)
		ev_run(p->loop, EVRUN_ONCE);
	turn(p);
	assert_int_equal(channel_queued(p->supervisor.channel), 0);
	assert_true(p->supervisor.drained >= 1);
	assert_int_equal(p->worker.messages, sent);
	close(fd);
	pair_close(p);
}

static void a_waiting_descriptor_outlives_its_sender_s_copy(void **state)
{
	struct pair *p = pair_open(state, true);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint32_t sent = 0;

	while (channel_queued(p->supervisor.channel) == 0) {
		struct message m = request;

		m.status_request.id = sent++;
		assert_int_equal(channel_send(p->supervisor.channel, &m, -1), 0);
	}
	assert_int_equal(channel_send(p->supervisor.channel, &tun, fd), 0);
	close(fd);
	while (p->worker.messages < sent + 1)
		ev_run(p->loop, EVRUN_ONCE);
	assert_int_equal(p->worker.last.type, MESSAGE_TUN);
	assert_true(fcntl(p->worker.fd, F_GETFD) >= 0);
	pair_close(p);
}

static void what_waits_is_freed_with_the_channel(void **state)
{
	struct pair *p = pair_open(state, true);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < 50; i++)	/* few descriptors may be under way at a time */
		channel_send(p->supervisor.channel, &tun, fd);
	while (channel_send(p->supervisor.channel, &request, -1) == 0)
		;
	channel_send(p->supervisor.channel, &tun, fd);
	close(fd);
	assert_true(channel_queued(p->supervisor.channel) > 0);
	assert_false(channel_flush(p->supervisor.channel, 1));
	pair_close(p);
}

static void an_owner_may_free_the_channel_in_its_callbacks(void **state)
{
	struct pair *p = pair_open(state, true);

	p->worker.free_on_message = true;
	p->supervisor.free_on_close = true;
	channel_send(p->supervisor.channel, &request, -1);
	channel_send(p->supervisor.channel, &request, -1);
	turn(p);
	assert_int_equal(p->worker.messages, 1);
	assert_null(p->worker.channel);
	assert_int_equal(p->supervisor.closed, 1);
	assert_null(p->supervisor.channel);
	pair_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("messages arrive both ways, in order", messages_arrive_both_ways_in_order),
		TEST("last words are read without the loop, and without the end",
		     last_words_are_read_without_the_loop_and_without_the_end),
		TEST("a descriptor comes along and is close-on-exec",
		     a_descriptor_comes_along_and_is_closed_on_exec),
		TEST("a type, its direction and its descriptors must agree before sending",
		     a_type_and_its_descriptors_must_agree_before_sending),
		TEST("garbage ends the channel with an error", garbage_ends_the_channel_with_an_error),
		TEST("an oversized datagram is refused", an_oversized_datagram_is_refused),
		TEST("too many, too few or unasked descriptors are closed and refused",
		     too_many_too_few_or_unasked_descriptors_are_closed_and_refused),
		TEST("the other end gone is told after its last words",
		     the_other_end_gone_is_told_after_its_last_words),
		TEST("sending to nobody is a broken pipe and no signal",
		     sending_to_nobody_is_a_broken_pipe_and_no_signal),
		TEST("a slow reader fills the queue to its bound and loses nothing",
		     a_slow_reader_fills_the_queue_to_its_bound_and_loses_nothing),
		TEST("a waiting descriptor outlives its sender's copy",
		     a_waiting_descriptor_outlives_its_sender_s_copy),
		TEST("what waits is freed with the channel", what_waits_is_freed_with_the_channel),
		TEST("an owner may free the channel in its callbacks",
		     an_owner_may_free_the_channel_in_its_callbacks),
	};

	return RUN_TESTS(tests);
}
