/* worker_socket: errors are told at once and then seldom, and a bad datagram does not stop a good one. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/open.h"
#include "tap.h"
#include "worker/worker_socket.h"

struct heard {
	unsigned reports, too_big;
	struct udp_error size;
	struct message_socket_error last;
};

static void hear(void *ctx, const struct message_socket_error *error)
{
	struct heard *h = ctx;

	h->reports++;
	h->last = *error;
}

static void hear_too_big(void *ctx, uint8_t socket, const struct udp_error *error)
{
	struct heard *h = ctx;

	assert_int_equal(socket, 7);
	h->too_big++;
	h->size = *error;
}

static struct worker_socket *open_socket(struct heard *h, struct addr *ret_at)
{
	struct open_udp_options options = { .local = { .family = ADDR_IPV4, .ip = { 127, 0, 0, 1 } },
					    .one_by_one = true };
	struct message_socket_add add = { .socket = 7 };
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = open_udp(&options);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*ret_at = addr_from_sockaddr((struct sockaddr *)&sa);
	*h = (struct heard){ 0 };
	return worker_socket_new(fd, &add, true, &(struct worker_socket_owner){ hear, hear_too_big, h });
}

static void an_error_is_told_at_once_and_then_once_a_second(void **state)
{
	struct addr whom, at = { .family = ADDR_IPV4, .ip = { 192, 0, 2, 1 }, .port = 7474 };
	struct heard h;
	struct worker_socket *s = open_socket(&h, &whom);
	nsec_t begin = SEC(100);

	(void)state;
	worker_socket_note(s, MESSAGE_ON_PATH, ECONNREFUSED, &at, begin);
	assert_int_equal(h.reports, 1);
	assert_int_equal(h.last.socket, 7);
	assert_int_equal(h.last.count, 1);
	assert_true(addr_equal(&h.last.remote, &at));
	for (int i = 1; i < 1000; i++)
		worker_socket_note(s, MESSAGE_ON_PATH, ECONNREFUSED, &at, begin + MSEC(i));
	assert_int_equal(h.reports, 1);
	worker_socket_note(s, MESSAGE_ON_PATH, ECONNREFUSED, &at, begin + SEC(1));
	assert_int_equal(h.reports, 2);
	assert_int_equal(h.last.count, 1000);
	worker_socket_free(s);
}

static void another_error_waits_less_but_two_that_alternate_are_no_flood(void **state)
{
	struct addr at;
	struct heard h;
	struct worker_socket *s = open_socket(&h, &at);

	(void)state;
	worker_socket_note(s, MESSAGE_ON_SEND, ENETUNREACH, NULL, 0);
	worker_socket_note(s, MESSAGE_ON_SEND, EPERM, NULL, MSEC(99));
	assert_int_equal(h.reports, 1);
	worker_socket_note(s, MESSAGE_ON_SEND, EPERM, NULL, MSEC(100));
	assert_int_equal(h.reports, 2);
	assert_int_equal(h.last.error, EPERM);
	for (int i = 0; i < 1000; i++)
		worker_socket_note(s, MESSAGE_ON_SEND, i % 2 ? EPERM : ENETUNREACH, NULL,
				   MSEC(100) + MSEC(i));
	assert_true(h.reports <= 2 + 10);
	worker_socket_free(s);
}

static void a_datagram_that_cannot_go_does_not_stop_the_others(void **state)
{
	struct buf_pool *pool = buf_pool_new(2 * SOCKET_WAITING);
	struct heard h, other_h;
	struct endpoint good = { 0 }, bad = { 0 };
	struct worker_socket *s = open_socket(&h, &bad.remote);
	struct worker_socket *other = open_socket(&other_h, &good.remote);
	unsigned came = 0;

	(void)state;
	/* no IPv4 socket sends there */
	bad.remote = (struct addr){ .family = ADDR_IPV6, .ip = { [15] = 1 }, .port = 9 };
	for (unsigned i = 0; i < SOCKET_WAITING; i++) {
		struct buf *b = buf_get(pool);

		memset(buf_append(b, 100), 0, 100);
		worker_socket_push(s, b, i % 3 == 0 ? &bad : &good, 0);
	}
	assert_int_equal(s->count, SOCKET_WAITING);
	assert_true(worker_socket_send(s, 0));
	assert_int_equal(s->count, 0);
	assert_int_equal(s->failed, (SOCKET_WAITING + 2) / 3);
	assert_int_equal(h.reports, 1);
	assert_int_equal(h.last.operation, MESSAGE_ON_SEND);
	assert_true(addr_equal(&h.last.remote, &bad.remote));
	for (char byte; recv(other->fd, &byte, 1, MSG_DONTWAIT) >= 0;)
		came++;
	assert_int_equal(came, SOCKET_WAITING - (SOCKET_WAITING + 2) / 3);
	worker_socket_free(s);
	worker_socket_free(other);
	assert_int_equal(buf_pool_left(pool), 2 * SOCKET_WAITING);
	buf_pool_free(pool);
}

/* Of the loopback's, in this case, which takes 65536. */
static void what_was_too_big_is_told_apart_and_is_no_failure(void **state)
{
	static const uint8_t large[65530];
	struct sockaddr_storage sa;
	struct addr at;
	struct heard h;
	struct worker_socket *s = open_socket(&h, &at);
	socklen_t len = (socklen_t)addr_to_sockaddr(&at, &sa);

	(void)state;
	assert_int_equal(sendto(s->fd, large, sizeof(large), 0, (struct sockaddr *)&sa, len), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_true(worker_socket_errors(s, 0));
	assert_int_equal(h.too_big, 1);
	assert_int_equal(h.size.mtu, 65536);
	assert_true(addr_same_host(&h.size.remote, &at));
	assert_int_equal(h.reports, 0);
	worker_socket_free(s);
}

/* The kernel tells of it by failing the next send, which must go out all the same. */
static void an_earlier_refusal_costs_no_datagram(void **state)
{
	struct buf_pool *pool = buf_pool_new(4);
	struct heard h, other_h;
	struct endpoint gone = { 0 }, good = { 0 };
	struct addr at;
	struct worker_socket *s = open_socket(&h, &at);
	struct worker_socket *other = open_socket(&other_h, &gone.remote);
	struct pollfd pfd = { .fd = s->fd };
	struct buf *b;
	char byte;

	(void)state;
	worker_socket_free(other);	/* its port is nobody's now */
	other = open_socket(&other_h, &good.remote);
	b = buf_get(pool);
	buf_append(b, 1)[0] = 'a';
	worker_socket_push(s, b, &gone, 0);
	assert_true(worker_socket_send(s, 0));
	assert_true(poll(&pfd, 1, 2000) > 0);
	b = buf_get(pool);
	buf_append(b, 1)[0] = 'b';
	worker_socket_push(s, b, &good, 0);
	assert_true(worker_socket_send(s, SEC(5)));
	assert_int_equal(s->failed, 0);
	assert_int_equal(h.last.error, ECONNREFUSED);
	assert_int_equal(h.last.operation, MESSAGE_ON_PATH);
	assert_int_equal(recv(other->fd, &byte, 1, MSG_DONTWAIT), 1);
	assert_int_equal(byte, 'b');
	worker_socket_free(s);
	worker_socket_free(other);
	buf_pool_free(pool);
}

/* Before each of so many calls another answer has come from there, where nobody listens. */
static struct {
	unsigned answers;
	struct addr gone;
} storm;

static int send_in_storm(int fd, const struct udp_datagram *d, size_t n, bool segment, unsigned *ret_messages)
{
	struct pollfd pfd = { .fd = fd };
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)addr_to_sockaddr(&storm.gone, &sa);

	if (storm.answers > 0) {
		storm.answers--;
		assert_int_equal(sendto(fd, "a", 1, 0, (struct sockaddr *)&sa, len), 1);
		assert_true(poll(&pfd, 1, 2000) > 0);
	}
	return udp_send(fd, d, n, segment, ret_messages);
}

static void refusals_that_keep_coming_cost_no_datagram(void **state)
{
	struct buf_pool *pool = buf_pool_new(2);
	struct heard h, other_h;
	struct endpoint good = { 0 };
	struct addr at;
	struct worker_socket *s = open_socket(&h, &at);
	struct worker_socket *other = open_socket(&other_h, &storm.gone);
	char byte;

	(void)state;
	worker_socket_free(other);	/* its port is nobody's now */
	other = open_socket(&other_h, &good.remote);
	s->send = send_in_storm;
	storm.answers = 5;
	for (char c = 'b'; c <= 'c'; c++) {
		struct buf *b = buf_get(pool);

		buf_append(b, 1)[0] = (uint8_t)c;
		worker_socket_push(s, b, &good, 0);
	}
	assert_true(worker_socket_send(s, SEC(5)));
	assert_int_equal(storm.answers, 0);
	assert_int_equal(s->failed, 0);
	for (char c = 'b'; c <= 'c'; c++) {
		assert_int_equal(recv(other->fd, &byte, 1, MSG_DONTWAIT), 1);
		assert_int_equal(byte, c);
	}
	worker_socket_free(s);
	worker_socket_free(other);
	buf_pool_free(pool);
}

/* --- runs that go as one message -------------------------------------------- */

/* What a device or a way may say to a message of several, or to a datagram that is too large. */
static struct {
	int to_runs;		/* errno; 0: they go */
	size_t most;		/* bytes of a datagram, or EMSGSIZE; 0: no limit */
	unsigned calls;
} way;

static int send_over(int fd, const struct udp_datagram *d, size_t n, bool segment, unsigned *ret_messages)
{
	size_t run = segment ? udp_run(d, n) : 1;

	way.calls++;
	if (run > 1 && way.to_runs != 0)
		return -way.to_runs;
	if (way.most != 0 && d->buf->len > way.most)
		return run > 1 ? -EINVAL : -EMSGSIZE;
	return udp_send(fd, d, way.most != 0 || way.to_runs != 0 ? run : n, segment, ret_messages);
}

static void push(struct worker_socket *s, struct buf_pool *pool, const struct endpoint *to, size_t len, int what)
{
	struct buf *b = buf_get(pool);

	assert_non_null(b);
	memset(buf_append(b, len), what, len);
	worker_socket_push(s, b, to, 0);
}

/* n datagrams came, each full of its number from `first` on. */
static void came(int fd, unsigned first, unsigned n)
{
	uint8_t data[2048];

	for (unsigned i = first; i < first + n; i++) {
		assert_true(recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0);
		assert_int_equal(data[0], (uint8_t)i);
	}
	assert_int_equal(recv(fd, data, sizeof(data), MSG_DONTWAIT), -1);
}

/* A socket, and one that it sends to. */
struct way_through {
	struct buf_pool *pool;
	struct endpoint to;
	struct heard h, other_h;
	struct worker_socket *s, *other;
};

/* Gives the first. */
static struct worker_socket *begin(struct way_through *t)
{
	struct addr at;

	*t = (struct way_through){ .pool = buf_pool_new(SOCKET_WAITING) };
	t->s = open_socket(&t->h, &at);
	t->other = open_socket(&t->other_h, &t->to.remote);
	return t->s;
}

static void end(struct way_through *t)
{
	worker_socket_free(t->s);
	worker_socket_free(t->other);
	buf_pool_free(t->pool);
}

static void runs_go_as_one_message(void **state)
{
	struct way_through t;
	struct worker_socket *s = begin(&t);

	(void)state;
	for (int i = 0; i < 100; i++)
		push(s, t.pool, &t.to, 1000, i);
	assert_true(worker_socket_send(s, 0));
	assert_int_equal(s->datagrams, 100);
	assert_int_equal(s->messages, 2);
	came(t.other->fd, 0, 100);
	end(&t);
}

/* Packet by packet, as a strategy deals them to two paths of a listener. */
static void what_goes_to_one_address_goes_together(void **state)
{
	struct buf_pool *pool = buf_pool_new(SOCKET_WAITING);
	struct endpoint to[3] = { 0 };
	struct addr at;
	struct heard h, other_h;
	struct worker_socket *s = open_socket(&h, &at), *other[3];

	(void)state;
	for (int k = 0; k < 3; k++)
		other[k] = open_socket(&other_h, &to[k].remote);
	/* the second time the ring begins elsewhere */
	for (int round = 0; round < 2; round++) {
		s->head = round == 0 ? 0 : SOCKET_WAITING - 7;
		s->messages = 0;
		for (int i = 0; i < 60; i++)
			push(s, pool, &to[i % 3], 1000, i / 3);
		assert_true(worker_socket_send(s, 0));
		assert_true(s->messages <= 4);	/* the end of the ring cuts one */
		for (int k = 0; k < 3; k++)
			came(other[k]->fd, 0, 20);
	}
	for (int k = 0; k < 3; k++)
		worker_socket_free(other[k]);
	worker_socket_free(s);
	buf_pool_free(pool);
}

/* Nothing is lost, nothing comes twice or in another order; after a while it is tried again. */
static void a_way_that_takes_no_runs_gets_datagrams(void **state)
{
	static const int error[] = { EIO, EINVAL, EMSGSIZE };

	(void)state;
	for (size_t e = 0; e < sizeof(error) / sizeof(error[0]); e++) {
		struct way_through t;
		struct worker_socket *s = begin(&t);

		way = (__typeof__(way)){ .to_runs = error[e] };
		s->send = send_over;
		push(s, t.pool, &t.to, 60, 0);
		for (int i = 1; i < 100; i++)
			push(s, t.pool, &t.to, 1000, i);
		assert_true(worker_socket_send(s, SEC(100)));
		came(t.other->fd, 0, 100);
		assert_int_equal(s->failed, 0);
		assert_int_equal(t.h.reports, 0);
		assert_false(worker_socket_segments(s, SEC(100)));
		way.calls = 0;
		for (int i = 0; i < 100; i++)
			push(s, t.pool, &t.to, 1000, i);
		assert_true(worker_socket_send(s, SEC(159)));
		came(t.other->fd, 0, 100);
		assert_int_equal(way.calls, 100);	/* each by itself, none of them in vain */
		way.to_runs = 0;
		s->messages = 0;
		for (int i = 0; i < 50; i++)
			push(s, t.pool, &t.to, 1000, i);
		assert_true(worker_socket_send(s, SEC(161)));
		came(t.other->fd, 0, 50);
		assert_int_equal(s->messages, 1);
		end(&t);
	}
}

/* The run is not to blame: those that fit go, and the next run goes as one again. */
static void datagrams_that_are_too_large_do_not_end_runs(void **state)
{
	struct way_through t;
	struct worker_socket *s = begin(&t);

	(void)state;
	way = (__typeof__(way)){ .most = 1200 };
	s->send = send_over;
	for (int i = 0; i < 10; i++)
		push(s, t.pool, &t.to, 1400, 0);
	push(s, t.pool, &t.to, 1100, 1);	/* the last of their run */
	for (int i = 2; i < 20; i++)
		push(s, t.pool, &t.to, 1200, i);
	assert_true(worker_socket_send(s, SEC(100)));
	came(t.other->fd, 1, 19);
	assert_int_equal(s->failed, 10);
	assert_int_equal(t.h.last.error, EMSGSIZE);
	assert_true(worker_socket_segments(s, SEC(100)));
	assert_int_equal(s->messages, 2);
	end(&t);
}

/* No room in a queue of the host's: that says nothing of runs. */
static void another_failure_of_a_run_does_not_end_runs(void **state)
{
	struct way_through t;
	struct worker_socket *s = begin(&t);

	(void)state;
	way = (__typeof__(way)){ .to_runs = ENOBUFS };
	s->send = send_over;
	for (int i = 0; i < 50; i++)
		push(s, t.pool, &t.to, 1000, i);
	assert_true(worker_socket_send(s, SEC(100)));
	came(t.other->fd, 0, 50);
	assert_true(worker_socket_segments(s, SEC(100)));
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("an error is told at once, and then once a second",
		     an_error_is_told_at_once_and_then_once_a_second),
		TEST("another error waits less, but two that alternate are no flood",
		     another_error_waits_less_but_two_that_alternate_are_no_flood),
		TEST("a datagram that cannot go does not stop the others",
		     a_datagram_that_cannot_go_does_not_stop_the_others),
		TEST("what was too big is told apart, and is no failure",
		     what_was_too_big_is_told_apart_and_is_no_failure),
		TEST("an earlier refusal costs no datagram", an_earlier_refusal_costs_no_datagram),
		TEST("refusals that keep coming cost no datagram", refusals_that_keep_coming_cost_no_datagram),
		TEST("runs go as one message", runs_go_as_one_message),
		TEST("what goes to one address goes together", what_goes_to_one_address_goes_together),
		TEST("a way that takes no runs gets datagrams", a_way_that_takes_no_runs_gets_datagrams),
		TEST("datagrams that are too large do not end runs", datagrams_that_are_too_large_do_not_end_runs),
		TEST("another failure of a run does not end runs", another_failure_of_a_run_does_not_end_runs),
	};

	return RUN_TESTS(tests);
}
