/* udp: batches and runs over loopback, with the addresses that they came to, and what the network answers. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/inlet.h"
#include "io/open.h"
#include "io/udp.h"
#include "tap.h"

#define BATCH	64

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

/* All that is there now, in its order, which must be n. */
static void receive(struct inlet *in, struct inlet_habit *habit, int fd, struct udp_datagram *d, size_t n)
{
	size_t got = 0;

	while (got < n) {
		arrived(fd);
		assert_true(inlet_receive(in, fd, habit) > 0);
		while (inlet_next(in, &d[got < n ? got : 0]))
			assert_true(++got <= n);
	}
	assert_int_equal(inlet_receive(in, fd, habit), -EAGAIN);
}

static void a_batch_arrives_whole_with_both_addresses(void **state)
{
	static const struct { const char *listen, *from, *to; } way[] = {
		{ "0.0.0.0", "127.0.0.1", "127.0.0.5" },
		{ "::", "::1", "::1" },
	};

	(void)state;
	for (size_t w = 0; w < sizeof(way) / sizeof(way[0]); w++) {
		struct buf_pool *pool = buf_pool_new(1024);
		struct inlet *inlet = inlet_new(pool);
		struct inlet_habit habit = { 0 };
		struct udp_datagram out[BATCH], in[BATCH];
		unsigned messages;
		uint16_t here, there;
		int a = bound(way[w].from, false, &here), b = bound(way[w].listen, true, &there);
		struct addr to = at(way[w].to, there), from = at(way[w].from, here);

		fill(pool, out, BATCH);
		for (size_t i = 0; i < BATCH; i++) {
			out[i].remote = to;
			memset(buf_append(out[i].buf, i + 1), (int)i, i + 1);
		}
		assert_int_equal(udp_send(a, out, BATCH, true, &messages), BATCH);
		receive(inlet, &habit, b, in, BATCH);
		for (size_t i = 0; i < BATCH; i++) {
			assert_int_equal(in[i].buf->len, i + 1);
			assert_memory_equal(in[i].buf->data, out[i].buf->data, i + 1);
			assert_true(addr_equal(&in[i].remote, &from));
			assert_true(addr_same_host(&in[i].local, &to));
		}
		/* the answer leaves from the address that was spoken to */
		assert_int_equal(udp_send(b, in, 1, true, &messages), 1);
		empty(&in[1], 1);
		receive(inlet, &habit, a, &in[1], 1);
		assert_true(addr_equal(&in[1].remote, &to));
		empty(in, BATCH);
		empty(out, BATCH);
		inlet_free(inlet);
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
		struct buf_pool *pool = buf_pool_new(1024);
		struct inlet *inlet = inlet_new(pool);
		struct inlet_habit habit = { 0 };
		struct udp_datagram out[8], in[8];
		unsigned messages;
		uint16_t here, there;
		int a = bound(ip[w / 2], w % 2 == 1, &here), b = bound(ip[w / 2], true, &there);

		fill(pool, out, 8);
		for (size_t i = 0; i < 8; i++) {
			out[i].remote = at(ip[w / 2], there);
			if (w % 2 == 1)
				out[i].local = at(ip[w / 2], 0);
			out[i].buf->ecn = i / 2 % 4;
			buf_append(out[i].buf, 1);
		}
		assert_int_equal(udp_send(a, out, 8, true, &messages), 8);
		assert_int_equal(messages, 4);
		receive(inlet, &habit, b, in, 8);
		for (size_t i = 0; i < 8; i++) {
			assert_int_equal(in[i].buf->ecn, i / 2 % 4);
			assert_true(addr_same_host(&in[i].local, &out[i].remote));
		}
		empty(out, 8);
		empty(in, 8);
		close(a);
		close(b);
		inlet_free(inlet);
		buf_pool_free(pool);
	}
}

/* What goes as one message.  Lengths end with 0; differs: which one has another of something. */
static const struct {
	const char *what;
	size_t length[6];
	size_t run;
	int ecn, remote, local, alone;	/* which one, from 1 on */
} run_row[] = {
	{ "one", { 100 }, 1, .ecn = 0 },
	{ "of one length", { 1400, 1400, 1400, 1400 }, 4, .ecn = 0 },
	{ "the last is shorter", { 1400, 1400, 1399 }, 3, .ecn = 0 },
	{ "behind a shorter one nothing", { 1400, 1399, 1399, 1400 }, 2, .ecn = 0 },
	{ "a longer one begins anew", { 1400, 1400, 1401, 1401 }, 2, .ecn = 0 },
	{ "an ACK before full ones", { 60, 1400, 1400 }, 1, .ecn = 0 },
	{ "empty ones are none", { 1400, 1400, 0 }, 2, .ecn = 0 },
	{ "another ECN field", { 9, 9, 9, 9 }, 2, .ecn = 3 },
	{ "another address", { 9, 9, 9, 9 }, 3, .remote = 4 },
	{ "from another address", { 9, 9, 9, 9 }, 1, .local = 2 },
	{ "one that stays alone", { 9, 9, 9, 9 }, 1, .alone = 1 },
	{ "before one that stays alone", { 9, 9, 8, 9 }, 2, .alone = 3 },
};

static void a_run_is_of_datagrams_that_are_alike(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof(run_row) / sizeof(run_row[0]); r++) {
		struct buf_pool *pool = buf_pool_new(6);
		struct udp_datagram d[6];
		size_t n = 0;

		fill(pool, d, 6);
		for (; n < 6 && run_row[r].length[n] > 0; n++) {
			int nth = (int)n + 1;

			d[n].buf->len = (uint32_t)run_row[r].length[n];
			d[n].remote = at("127.0.0.1", nth == run_row[r].remote ? 8 : 7);
			d[n].local = at(nth == run_row[r].local ? "127.0.0.2" : "127.0.0.1", 0);
			d[n].buf->ecn = nth == run_row[r].ecn ? 2 : 1;
			d[n].buf->alone = nth == run_row[r].alone;
		}
		if (udp_run(d, n) != run_row[r].run)
			fail_msg("%s: %zu, not %zu", run_row[r].what, udp_run(d, n), run_row[r].run);
		/* and never more than there are */
		assert_int_equal(udp_run(d, 1), 1);
		empty(d, 6);
		buf_pool_free(pool);
	}
}

static void a_run_fits_one_message(void **state)
{
	static const struct { size_t length, run; } row[] = {
		{ 1, 64 }, { 1023, 64 }, { 1024, 63 }, { 1400, 46 }, { 1448, 45 }, { 1472, 44 },
	};
	struct buf_pool *pool = buf_pool_new(100);
	struct udp_datagram d[100];

	(void)state;
	fill(pool, d, 100);
	for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
		for (size_t i = 0; i < 100; i++)
			d[i].buf->len = (uint32_t)row[r].length;
		assert_int_equal(udp_run(d, 100), row[r].run);
	}
	empty(d, 100);
	buf_pool_free(pool);
}

/* To a socket that knows nothing of it: each datagram is what it was, in its order. */
static void runs_are_datagrams_on_the_way(void **state)
{
	static const char *const ip[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t w = 0; w < 2; w++) {
		struct open_udp_options plain = { .local = at(ip[w], 0), .one_by_one = true };
		struct buf_pool *pool = buf_pool_new(UDP_BATCH);
		struct udp_datagram d[UDP_BATCH];
		struct sockaddr_storage sa;
		socklen_t size = sizeof(sa);
		uint16_t here;
		int a = bound(ip[w], false, &here), b = open_udp(&plain);
		unsigned messages;
		uint8_t data[2048];

		assert_true(b >= 0);
		assert_int_equal(getsockname(b, (struct sockaddr *)&sa, &size), 0);
		fill(pool, d, UDP_BATCH);
		for (size_t i = 0; i < UDP_BATCH; i++) {
			size_t len = i % 50 == 49 ? 60 + i : 1400;	/* ACKs between full ones */

			d[i].remote = addr_from_sockaddr((struct sockaddr *)&sa);
			memset(buf_append(d[i].buf, len), (int)i, len);
		}
		assert_int_equal(udp_send(a, d, UDP_BATCH, true, &messages), UDP_BATCH);
		/* 46 fit a message, and 4 with the ACK; 6 remain */
		assert_int_equal(messages, 2 * (UDP_BATCH / 50) + 1);
		for (size_t i = 0; i < UDP_BATCH; i++) {
			arrived(b);
			assert_int_equal(recv(b, data, sizeof(data), 0), d[i].buf->len);
			assert_memory_equal(data, d[i].buf->data, d[i].buf->len);
		}
		assert_int_equal(recv(b, data, sizeof(data), MSG_DONTWAIT), -1);
		empty(d, UDP_BATCH);
		buf_pool_free(pool);
		close(a);
		close(b);
	}
}

static void one_by_one_each_is_a_message(void **state)
{
	struct buf_pool *pool = buf_pool_new(UDP_BATCH);
	struct udp_datagram d[UDP_BATCH];
	unsigned messages;
	uint16_t here;
	int a = bound("127.0.0.1", false, &here);

	(void)state;
	fill(pool, d, UDP_BATCH);
	for (size_t i = 0; i < UDP_BATCH; i++) {
		d[i].remote = at("127.0.0.1", here);
		buf_append(d[i].buf, 100);
	}
	assert_int_equal(udp_send(a, d, UDP_BATCH, false, &messages), UDP_MESSAGES);
	assert_int_equal(messages, UDP_MESSAGES);
	empty(d, UDP_BATCH);
	buf_pool_free(pool);
	close(a);
}

static void kernels_that_corrupt_are_known(void **state)
{
	static const struct { const char *release; bool corrupts; } row[] = {
		{ "6.18.44", false }, { "6.99", false }, { "7.0", true }, { "7.0.0-rc1", true },
		{ "7.0.12-arch1", true }, { "7.1.0", true }, { "7.1.4-200.fc44", true }, { "7.1-generic", true },
		{ "7.1.5", false }, { "7.2.1", false }, { "8.0.1", false }, { "17.0.1", false }, { "seven", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (udp_release_corrupts(row[i].release) != row[i].corrupts)
			fail_msg("%s", row[i].release);
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
		unsigned messages;
		uint16_t here, free_port;
		int a = bound(ip[i], false, &here);

		close(bound(ip[i], false, &free_port));
		fill(pool, &d, 1);
		buf_append(d.buf, 10);
		d.remote = at(ip[i], free_port);
		assert_false(udp_error(a, &e));
		assert_int_equal(udp_send(a, &d, 1, true, &messages), 1);
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
	assert_int_equal(udp_check(fd[0]), -ENOTSOCK);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a batch arrives whole, with both addresses", a_batch_arrives_whole_with_both_addresses),
		TEST("the ECN field of each datagram arrives", the_ecn_field_of_each_datagram_arrives),
		TEST("a run is of datagrams that are alike", a_run_is_of_datagrams_that_are_alike),
		TEST("a run fits one message", a_run_fits_one_message),
		TEST("runs are datagrams on the way", runs_are_datagrams_on_the_way),
		TEST("one by one, each is a message", one_by_one_each_is_a_message),
		TEST("kernels that corrupt are known", kernels_that_corrupt_are_known),
		TEST("a refusal names whom it concerns, once", a_refusal_names_whom_it_concerns_once),
		TEST("what is no socket is said to be none", what_is_no_socket_is_said_to_be_none),
	};

	return RUN_TESTS(tests);
}
