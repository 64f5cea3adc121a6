/* worker_socket: errors are told at once and then seldom, and a bad datagram does not stop a good one. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/open.h"
#include "tap.h"
#include "worker_socket.h"

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
	struct open_udp_options options = { .local = { .family = ADDR_IPV4, .ip = { 127, 0, 0, 1 } } };
	struct message_socket_add add = { .socket = 7 };
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = open_udp(&options);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*ret_at = addr_from_sockaddr((struct sockaddr *)&sa);
	*h = (struct heard){ 0 };
	return worker_socket_new(fd, &add, &(struct worker_socket_owner){ hear, hear_too_big, h });
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
	};

	return RUN_TESTS(tests);
}
