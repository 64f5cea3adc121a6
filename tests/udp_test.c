/* udp: batches over loopback, with the addresses that they came to, and what the network answers. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/open.h"
#include "io/udp.h"
#include "tap.h"

static struct addr at(const char *ip, uint16_t port)
{
	struct addr a;

	assert_true(addr_parse(ip, &a));
	a.port = port;
	return a;
}

static int bound(const char *ip, bool listener, uint16_t *ret_port)
{
	struct open_udp_options options = { .local = at(ip, 0), .listener = listener };
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = open_udp(&options);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*ret_port = addr_from_sockaddr((struct sockaddr *)&sa).port;
	return fd;
}

static void fill(struct buf_pool *pool, struct udp_datagram *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		d[i] = (struct udp_datagram){ .buf = buf_get(pool) };
		assert_non_null(d[i].buf);
	}
}

static void empty(struct udp_datagram *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_put(d[i].buf);
}

static void arrived(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	assert_true(poll(&pfd, 1, 2000) > 0);
}

static void a_batch_arrives_whole_with_both_addresses(void **state)
{
	static const struct { const char *listen, *from, *to; } way[] = {
		{ "0.0.0.0", "127.0.0.1", "127.0.0.5" },
		{ "::", "::1", "::1" },
	};

	(void)state;
	for (size_t w = 0; w < sizeof(way) / sizeof(way[0]); w++) {
		struct buf_pool *pool = buf_pool_new(2 * UDP_BATCH);
		struct udp_datagram out[UDP_BATCH], in[UDP_BATCH];
		uint16_t here, there;
		int a = bound(way[w].from, false, &here), b = bound(way[w].listen, true, &there);
		struct addr to = at(way[w].to, there), from = at(way[w].from, here);

		fill(pool, out, UDP_BATCH);
		fill(pool, in, UDP_BATCH);
		for (size_t i = 0; i < UDP_BATCH; i++) {
			out[i].remote = to;
			memset(buf_append(out[i].buf, i + 1), (int)i, i + 1);
		}
		assert_int_equal(udp_send(a, out, UDP_BATCH), UDP_BATCH);
		arrived(b);
		assert_int_equal(udp_receive(b, in, UDP_BATCH), UDP_BATCH);
		for (size_t i = 0; i < UDP_BATCH; i++) {
			assert_int_equal(in[i].buf->len, i + 1);
			assert_memory_equal(in[i].buf->data, out[i].buf->data, i + 1);
			assert_true(addr_equal(&in[i].remote, &from));
			assert_true(addr_same_host(&in[i].local, &to));
		}
		assert_int_equal(udp_receive(b, in, UDP_BATCH), -EAGAIN);
		/* the answer leaves from the address that was spoken to */
		assert_int_equal(udp_send(b, in, 1), 1);
		arrived(a);
		in[1].buf->len = 0;
		assert_int_equal(udp_receive(a, &in[1], 1), 1);
		assert_true(addr_equal(&in[1].remote, &to));
		empty(in, UDP_BATCH);
		empty(out, UDP_BATCH);
		buf_pool_free(pool);
		close(a);
		close(b);
	}
}

/* From a link's socket and from a listener's, which names its address, too. */
static void the_ecn_field_of_each_datagram_arrives(void **state)
{
	static const char *const ip[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t w = 0; w < 4; w++) {
		struct buf_pool *pool = buf_pool_new(16);
		struct udp_datagram out[8], in[8];
		uint16_t here, there;
		int a = bound(ip[w / 2], w % 2 == 1, &here), b = bound(ip[w / 2], true, &there);

		fill(pool, out, 8);
		fill(pool, in, 8);
		for (size_t i = 0; i < 8; i++) {
			out[i].remote = at(ip[w / 2], there);
			if (w % 2 == 1)
				out[i].local = at(ip[w / 2], 0);
			out[i].buf->ecn = i % 4;
			in[i].buf->ecn = 3;	/* of whoever had the buffer before */
			buf_append(out[i].buf, 1);
		}
		assert_int_equal(udp_send(a, out, 8), 8);
		arrived(b);
		assert_int_equal(udp_receive(b, in, 8), 8);
		for (size_t i = 0; i < 8; i++) {
			assert_int_equal(in[i].buf->ecn, i % 4);
			assert_true(addr_same_host(&in[i].local, &out[i].remote));
		}
		empty(out, 8);
		empty(in, 8);
		close(a);
		close(b);
		buf_pool_free(pool);
	}
}

static void a_datagram_larger_than_a_buffer_has_no_length(void **state)
{
	static const size_t size[] = { BUF_ROOM, BUF_ROOM + 1, 9000 };
	struct buf_pool *pool = buf_pool_new(1);
	struct udp_datagram in;
	uint16_t here, there;
	int a = bound("127.0.0.1", false, &here), b = bound("127.0.0.1", false, &there);
	struct addr to = at("127.0.0.1", there);
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)addr_to_sockaddr(&to, &sa);
	static uint8_t data[9000];

	(void)state;
	fill(pool, &in, 1);
	for (size_t i = 0; i < 3; i++) {
		in.buf->len = 0;
		assert_int_equal(sendto(a, data, size[i], 0, (struct sockaddr *)&sa, len), size[i]);
		arrived(b);
		assert_int_equal(udp_receive(b, &in, 1), 1);
		assert_int_equal(in.buf->len, size[i] <= BUF_ROOM ? size[i] : 0);
	}
	empty(&in, 1);
	buf_pool_free(pool);
	close(a);
	close(b);
}

static void a_refusal_names_whom_it_concerns_once(void **state)
{
	static const char *const ip[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf_pool *pool = buf_pool_new(1);
		struct pollfd pfd = { .events = 0 };
		struct udp_datagram d;
		struct udp_error e;
		uint16_t here, free_port;
		int a = bound(ip[i], false, &here);

		close(bound(ip[i], false, &free_port));
		fill(pool, &d, 1);
		buf_append(d.buf, 10);
		d.remote = at(ip[i], free_port);
		assert_false(udp_error(a, &e));
		assert_int_equal(udp_send(a, &d, 1), 1);
		pfd.fd = a;	/* POLLERR comes unasked */
		assert_true(poll(&pfd, 1, 2000) > 0);
		assert_true(udp_error(a, &e));
		assert_int_equal(e.error, ECONNREFUSED);
		assert_true(addr_equal(&e.remote, &d.remote));
		assert_false(udp_error(a, &e));
		empty(&d, 1);
		buf_pool_free(pool);
		close(a);
	}
}

static void what_is_no_socket_is_said_to_be_none(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(udp_receive(fd[0], NULL, 0), -ENOTSOCK);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a batch arrives whole, with both addresses", a_batch_arrives_whole_with_both_addresses),
		TEST("the ECN field of each datagram arrives", the_ecn_field_of_each_datagram_arrives),
		TEST("a datagram larger than a buffer has no length",
		     a_datagram_larger_than_a_buffer_has_no_length),
		TEST("a refusal names whom it concerns, once", a_refusal_names_whom_it_concerns_once),
		TEST("what is no socket is said to be none", what_is_no_socket_is_said_to_be_none),
	};

	return RUN_TESTS(tests);
}
