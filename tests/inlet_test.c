/* inlet: runs of datagrams come as one message, and each is in a buffer of its own in the end. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/inlet.h"
#include "io/open.h"
#include "io/udp.h"
#include "tap.h"

#define POOL	2048
#define MOST	256

struct fixture {
	struct buf_pool *pool;
	struct inlet *in;
	struct inlet_habit habit;
	int from, to;
	struct sockaddr_storage at;	/* of `to` */
	socklen_t at_size;
	uint8_t next;			/* what the next datagram is full of */
};

static int loopback(void)
{
	const struct open_udp_options o = { .local = { .family = ADDR_IPV4, .ip = { 127, 0, 0, 1 } } };
	int fd = open_udp(&o);

	assert_true(fd >= 0);
	return fd;
}

static void setup(struct fixture *f)
{
	if (!udp_offload().segment || !udp_offload().gro)
		skip();
	*f = (struct fixture){ .pool = buf_pool_new(POOL), .at_size = sizeof(f->at) };
	f->in = inlet_new(f->pool);
	f->from = loopback();
	f->to = loopback();
	assert_non_null(f->in);
	assert_int_equal(getsockname(f->to, (struct sockaddr *)&f->at, &f->at_size), 0);
}

static void teardown(struct fixture *f)
{
	inlet_free(f->in);
	assert_int_equal(buf_pool_left(f->pool), POOL);
	buf_pool_free(f->pool);
	close(f->from);
	close(f->to);
}

/* One message of n datagrams of len bytes, the last of `last`; each is full of its number.  Its errno, or 0. */
static int try_run(struct fixture *f, size_t len, size_t n, size_t last)
{
	static uint8_t data[65536];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control = { 0 };
	struct iovec iov = { data, (n - 1) * len + last };
	struct msghdr m = { .msg_name = &f->at, .msg_namelen = f->at_size, .msg_iov = &iov, .msg_iovlen = 1 };
	uint16_t segment = (uint16_t)len;

	for (size_t i = 0; i < n; i++)
		memset(data + i * len, f->next++, len);
	if (n > 1) {
		control.header.cmsg_level = IPPROTO_UDP;
		control.header.cmsg_type = UDP_SEGMENT;
		control.header.cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(&control.header), &segment, sizeof(segment));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	return sendmsg(f->from, &m, 0) == (ssize_t)iov.iov_len ? 0 : errno;
}

static void send_run(struct fixture *f, size_t len, size_t n, size_t last)
{
	assert_int_equal(try_run(f, len, n, last), 0);
}

/* All that is there: their lengths.  Each must hold its number only, counted from `first` on. */
static size_t take(struct fixture *f, uint8_t first, size_t length[MOST])
{
	struct pollfd pfd = { .fd = f->to, .events = POLLIN };
	struct udp_datagram d;
	size_t n = 0;
	int got;

	assert_true(poll(&pfd, 1, 2000) > 0);
	while ((got = inlet_receive(f->in, f->to, &f->habit)) > 0)
		for (; inlet_next(f->in, &d); buf_put(d.buf)) {
			assert_true(n < MOST);
			for (size_t i = 0; i < d.buf->len; i++)
				assert_int_equal(d.buf->data[i], (uint8_t)(first + n));
			assert_int_equal(d.remote.family, ADDR_IPV4);
			length[n++] = d.buf->len;
		}
	assert_int_equal(got, -EAGAIN);
	return n;
}

static void expect(struct fixture *f, size_t len, size_t n, size_t last)
{
	uint8_t first = f->next;
	size_t length[MOST];

	send_run(f, len, n, last);
	assert_int_equal(take(f, first, length), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(length[i], i + 1 < n ? len : last);
}

static uint64_t copied(const struct fixture *f)
{
	return inlet_counts(f->in)->copied;
}

static void a_run_is_cut_and_from_the_second_on_nothing_is_copied(void **state)
{
	struct fixture f;
	uint64_t before;

	(void)state;
	setup(&f);
	expect(&f, 1400, 40, 1400);
	assert_int_equal(inlet_counts(f.in)->messages, 1);
	assert_int_equal(inlet_counts(f.in)->datagrams, 40);
	before = copied(&f);
	expect(&f, 1400, 46, 1400);
	expect(&f, 1400, 46, 1);
	expect(&f, 1400, 2, 1399);
	expect(&f, 1400, 1, 1400);
	expect(&f, 1400, 1, 3);
	assert_int_equal(copied(&f), before);
	teardown(&f);
}

static void any_length_behind_any_other_is_cut_right(void **state)
{
	static const size_t length[] = { 1, 2, 60, 511, 1000, 1023, 1024, 1025, 1400, 1448, 1472, 1900, BUF_ROOM };
	const size_t lengths = sizeof(length) / sizeof(length[0]);
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t was = 0; was < lengths; was++)
		for (size_t is = 0; is < lengths; is++) {
			size_t most = UDP_MESSAGE_MAX / length[is];

			expect(&f, length[was], 3, length[was]);
			assert_int_equal(f.habit.segment, length[was]);
			expect(&f, length[is], most < UDP_SEGMENTS ? most : UDP_SEGMENTS, (length[is] + 1) / 2);
			expect(&f, length[is], 1, length[is]);
		}
	assert_int_equal(inlet_counts(f.in)->too_long, 0);
	teardown(&f);
}

static void a_changed_length_is_copied_once(void **state)
{
	struct fixture f;
	uint64_t before;

	(void)state;
	setup(&f);
	expect(&f, 1400, 10, 1400);
	before = copied(&f);
	expect(&f, 1300, 10, 1300);
	assert_int_equal(copied(&f), before + 10);
	expect(&f, 1300, 10, 1300);
	assert_int_equal(copied(&f), before + 10);
	/* as many of them in a message as of the next */
	expect(&f, 1400, 10, 1400);
	expect(&f, 1410, 10, 1410);
	before = copied(&f);
	expect(&f, 1410, 10, 1410);
	assert_int_equal(copied(&f), before);
	teardown(&f);
}

/* Several in one call: the longest run says what is expected next. */
static void small_runs_between_large_ones_change_nothing(void **state)
{
	struct fixture f;
	size_t length[MOST];
	uint64_t before;
	uint8_t first;

	(void)state;
	setup(&f);
	expect(&f, 1400, 40, 1400);
	before = copied(&f);
	for (int i = 0; i < 20; i++) {
		first = f.next;
		send_run(&f, 1400, 20, 700);
		send_run(&f, 60, 4, 60);
		send_run(&f, 1400, 20, 1400);
		send_run(&f, 50, 1, 50);
		assert_int_equal(take(&f, first, length), 45);
		assert_int_equal(length[19], 700);
		assert_int_equal(length[23], 60);
		assert_int_equal(length[44], 50);
	}
	assert_int_equal(copied(&f), before + (uint64_t)20 * 4);
	teardown(&f);
}

static void without_runs_none_is_expected_any_more(void **state)
{
	struct fixture f;
	uint64_t before;

	(void)state;
	setup(&f);
	expect(&f, 1000, 10, 1000);
	for (int i = 0; i < 20; i++)
		expect(&f, 1200, 1, 1200);
	assert_int_equal(f.habit.segment, 0);
	before = copied(&f);
	expect(&f, 1900, 1, 1900);
	assert_int_equal(copied(&f), before);
	teardown(&f);
}

static void what_is_larger_than_a_buffer_is_dropped_and_counted(void **state)
{
	static const size_t size[] = { BUF_ROOM, BUF_ROOM + 1, 9000, UDP_MESSAGE_MAX };
	struct fixture f;
	size_t length[MOST];
	uint8_t first;

	(void)state;
	setup(&f);
	for (int expected = 0; expected < 2; expected++) {
		for (size_t i = 0; i < 4; i++) {
			uint64_t before = inlet_counts(f.in)->too_long;

			first = f.next;
			send_run(&f, size[i], 1, size[i]);
			assert_int_equal(take(&f, first, length), i == 0);
			assert_int_equal(inlet_counts(f.in)->too_long, before + (i != 0));
		}
		expect(&f, 700, 20, 700);
	}
	first = f.next;
	send_run(&f, BUF_ROOM + 1, 5, BUF_ROOM + 1);
	assert_int_equal(take(&f, first, length), 0);
	assert_int_equal(inlet_counts(f.in)->too_long, 6 + 5);
	/* nothing is to be learned from that */
	assert_int_equal(f.habit.segment, 700);
	teardown(&f);
}

static void an_empty_datagram_is_one(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	expect(&f, 0, 1, 0);
	expect(&f, 1400, 5, 1400);
	expect(&f, 0, 1, 0);
	expect(&f, 1400, 5, 1400);
	teardown(&f);
}

/* Several messages in one call, of which not all are taken. */
static void what_is_not_asked_for_is_forgotten(void **state)
{
	struct fixture f;
	struct udp_datagram d;

	(void)state;
	setup(&f);
	expect(&f, 1400, 5, 1400);
	send_run(&f, 1400, 20, 1400);
	send_run(&f, 1400, 20, 1400);
	assert_int_equal(inlet_receive(f.in, f.to, &f.habit), 2);
	assert_true(inlet_next(f.in, &d));
	buf_put(d.buf);
	expect(&f, 1400, 20, 7);
	teardown(&f);
}

static void without_buffers_nothing_is_received_and_nothing_lost(void **state)
{
	struct fixture f;
	struct buf_queue taken = { 0 };
	struct udp_datagram d;
	struct buf *b;
	size_t length[MOST];
	uint8_t first;

	(void)state;
	setup(&f);
	while ((b = buf_get(f.pool)) != NULL)
		buf_queue_push(&taken, b);
	first = f.next;
	send_run(&f, 1400, 46, 1400);
	assert_int_equal(inlet_receive(f.in, f.to, &f.habit), -ENOBUFS);
	assert_false(inlet_next(f.in, &d));
	for (int i = 0; i < INLET_ENOUGH; i++)
		buf_put(buf_queue_pop(&taken));
	assert_int_equal(take(&f, first, length), 46);
	/* what it needs for the whole row is not there, and it leaves others theirs */
	expect(&f, 1400, 46, 1400);
	assert_true(buf_pool_left(f.pool) >= INLET_RESERVE);
	buf_queue_clear(&taken);
	teardown(&f);
}

/* Where one was given away and no other was there, nothing is received. */
static void what_somebody_keeps_is_not_written_to(void **state)
{
	struct fixture f;
	struct buf_queue taken = { 0 }, kept = { 0 };
	struct udp_datagram d;
	uint8_t first;

	(void)state;
	setup(&f);
	expect(&f, 1400, 46, 1400);
	expect(&f, 1400, 46, 1400);
	while (buf_pool_left(f.pool) > INLET_RESERVE + 20)
		buf_queue_push(&taken, buf_get(f.pool));
	first = f.next;
	for (int i = 0; i < 15; i++)
		send_run(&f, 1400, 46, 1400);
	while (inlet_receive(f.in, f.to, &f.habit) > 0)
		while (inlet_next(f.in, &d))
			buf_queue_push(&kept, d.buf);
	assert_true(kept.count >= 46);
	assert_int_equal(inlet_receive(f.in, f.to, &f.habit), -ENOBUFS);
	for (struct buf *b = kept.head; b != NULL; b = b->next, first++)
		for (size_t i = 0; i < 1400; i++)
			assert_int_equal(b->data[i], first);
	buf_queue_clear(&kept);
	buf_queue_clear(&taken);
	teardown(&f);
}

/* Newer kernels cut into more than we ask for. */
static void a_run_of_more_than_there_are_pieces_is_cut(void **state)
{
	struct fixture f;
	size_t length[MOST];
	uint8_t first;

	(void)state;
	setup(&f);
	expect(&f, 500, 10, 500);
	first = f.next;
	if (try_run(&f, 500, 100, 500) != EINVAL) {
		assert_int_equal(take(&f, first, length), 100);
		assert_int_equal(length[99], 500);
	}
	teardown(&f);
}

/* A row of buffers is laid out anew for each. */
static void two_sockets_with_other_habits_share_it(void **state)
{
	struct fixture f, other;
	uint64_t before;

	(void)state;
	setup(&f);
	other = f;
	other.from = loopback();
	other.to = loopback();
	other.at_size = sizeof(other.at);
	assert_int_equal(getsockname(other.to, (struct sockaddr *)&other.at, &other.at_size), 0);
	expect(&f, 1400, 40, 1400);
	expect(&other, 100, 60, 100);
	before = copied(&f);
	for (int i = 0; i < 20; i++) {
		expect(&f, 1400, 40, 1400);
		expect(&other, 100, 60, 100);
	}
	assert_int_equal(copied(&f), before);
	close(other.from);
	close(other.to);
	teardown(&f);
}

/* Then there is no place any more for the last of those messages: the sanitizers saw that one was computed. */
static void many_messages_before_the_first_run_leave_nothing_beyond_the_row(void **state)
{
	struct fixture f;
	size_t length[MOST];

	(void)state;
	setup(&f);
	for (int i = 0; i < 31; i++)
		send_run(&f, 100, 1, 100);
	send_run(&f, 1400, 40, 1400);
	assert_int_equal(take(&f, 0, length), 71);
	assert_int_equal(f.habit.segment, 1400);
	expect(&f, 1400, 40, 1400);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a run is cut, and from the second on nothing is copied",
		     a_run_is_cut_and_from_the_second_on_nothing_is_copied),
		TEST("any length behind any other is cut right", any_length_behind_any_other_is_cut_right),
		TEST("a changed length is copied once", a_changed_length_is_copied_once),
		TEST("small runs between large ones change nothing", small_runs_between_large_ones_change_nothing),
		TEST("without runs none is expected any more", without_runs_none_is_expected_any_more),
		TEST("what is larger than a buffer is dropped and counted",
		     what_is_larger_than_a_buffer_is_dropped_and_counted),
		TEST("an empty datagram is one", an_empty_datagram_is_one),
		TEST("what is not asked for is forgotten", what_is_not_asked_for_is_forgotten),
		TEST("without buffers nothing is received, and nothing lost",
		     without_buffers_nothing_is_received_and_nothing_lost),
		TEST("what somebody keeps is not written to", what_somebody_keeps_is_not_written_to),
		TEST("a run of more than there are pieces is cut", a_run_of_more_than_there_are_pieces_is_cut),
		TEST("two sockets with other habits share it", two_sockets_with_other_habits_share_it),
		TEST("many messages before the first run leave nothing beyond the row",
		     many_messages_before_the_first_run_leave_nothing_beyond_the_row),
	};

	return RUN_TESTS(tests);
}
