/* worker_tun: what the worker makes of what a device gives and takes; the device is the test's own. */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "inner_packet.h"
#include "io/tun.h"
#include "tap.h"
#include "worker/worker_report.h"
#include "worker/worker_tun.h"

#define BUFS	256

static struct worker_tun tun;
static struct buf_pool *pool;
static uint64_t count[REPORT_COUNTS];
static struct worker_tun_failure failure;

static uint8_t given[10 + VIRTIO_PACKET_MAX];	/* the device's next packet */
static size_t given_len;
static int refusal;		/* of large ones: a negative errno */

static struct { uint8_t bytes[10 + VIRTIO_PACKET_MAX]; size_t len; } taken[16];
static size_t takes;

int tun_read(int fd, const struct iovec *piece, int pieces)
{
	size_t at = 0;

	assert_int_equal(fd, 99);
	for (int i = 0; i < pieces && at < given_len; i++) {
		size_t n = given_len - at < piece[i].iov_len ? given_len - at : piece[i].iov_len;

		memcpy(piece[i].iov_base, given + at, n);
		at += n;
	}
	return given_len == 0 ? -EAGAIN : (int)at;
}

int tun_write(int fd, const struct iovec *piece, int pieces)
{
	assert_int_equal(fd, 99);
	if (refusal != 0 && pieces > 2)
		return refusal;
	taken[takes].len = 0;
	for (int i = 0; i < pieces; i++) {
		memcpy(taken[takes].bytes + taken[takes].len, piece[i].iov_base, piece[i].iov_len);
		taken[takes].len += piece[i].iov_len;
	}
	takes++;
	return 0;
}

static void use(bool header, bool tso, bool uso)
{
	tun.fd = -1;
	worker_tun_init(&tun);
	worker_tun_use(&tun, 99, &(struct message_tun){ .header = header, .tso = tso, .uso = uso });
	memset(count, 0, sizeof(count));
	failure = (struct worker_tun_failure){ 0 };
	takes = given_len = 0;
	refusal = 0;
}

static void give(const struct inner_packet *p, const struct virtio_header *h)
{
	memcpy(given, h, sizeof(*h));
	given_len = sizeof(*h) + inner_packet_write(p, given + sizeof(*h));
}

static size_t read_once(void)
{
	struct buf_queue got = { 0 };
	size_t n;

	assert_int_equal(worker_tun_read(&tun, pool, count, &got), 0);
	n = got.count;
	buf_queue_clear(&got);
	return n;
}

static bool leaves;		/* checksums, of what it pushes */

static void push(struct inner_packet *p, int n)
{
	for (int i = 0; i < n; i++) {
		struct buf *b = buf_get(pool);

		b->len = (uint32_t)inner_packet_write(p, b->data);
		b->needs_checksum = leaves;
		if (leaves)	/* what stands there does not count */
			put_be16(b->data + 20 + 16, 0xabcd);
		worker_tun_push(&tun, b, &failure);
		p->seq += (uint32_t)p->size;
		p->id++;
	}
	worker_tun_flush(&tun, &failure);
}

static const struct virtio_header cut_by_500 = { .gso_type = VIRTIO_GSO_TCP4, .gso_size = 500 };

static void a_large_packet_comes_as_many(void **state)
{
	struct inner_packet p = inner_packet(false, false);

	(void)state;
	use(true, true, true);
	p.size = 5001;
	give(&p, &cut_by_500);
	assert_int_equal(read_once(), 11);
	assert_int_equal(buf_pool_left(pool), BUFS);
}

static void without_a_header_a_packet_is_all_there_is(void **state)
{
	struct inner_packet p = inner_packet(false, false);

	(void)state;
	use(false, false, false);
	given_len = inner_packet_write(&p, given);
	assert_int_equal(read_once(), 1);
	push(&p, 3);
	assert_int_equal(takes, 3);
	assert_int_equal(taken[0].len, given_len);
	assert_memory_equal(taken[0].bytes, given, given_len);
}

static void what_the_device_should_not_give_is_counted(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	struct virtio_header wrong = { .gso_type = 77, .gso_size = 500 };

	(void)state;
	use(true, true, true);
	give(&p, &wrong);
	assert_int_equal(read_once(), 0);
	given_len = 9;
	assert_int_equal(read_once(), 0);
	given_len = 10;
	memset(given, 0, 10);
	assert_int_equal(read_once(), 0);
	assert_int_equal(count[REPORT_TUN_INVALID], 3);
	p.size = 1960;
	give(&p, &(struct virtio_header){ 0 });
	assert_int_equal(read_once(), 0);
	assert_int_equal(count[REPORT_TOO_LONG], 1);
}

static void the_rest_is_dropped_when_buffers_end(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	struct virtio_header tiny = { .gso_type = VIRTIO_GSO_TCP4, .gso_size = 1 };

	(void)state;
	use(true, true, true);
	p.size = 60000;
	give(&p, &tiny);
	assert_int_equal(read_once(), BUFS);
	assert_int_equal(count[REPORT_NO_BUFFER], 1);
	assert_int_equal(buf_pool_left(pool), BUFS);
}

static void a_run_is_one_write(void **state)
{
	struct inner_packet p = inner_packet(false, false);

	(void)state;
	use(true, true, true);
	push(&p, 7);
	assert_int_equal(takes, 1);
	assert_int_equal(taken[0].len, 10 + 40 + 7 * 100);
	assert_int_equal(failure.packets, 0);
	assert_int_equal(buf_pool_left(pool), BUFS);
}

/* Some kernel may say that it takes them, and does not: nothing is lost, and it is not asked again. */
static void what_is_refused_in_one_piece_goes_in_many(void **state)
{
	struct inner_packet p = inner_packet(false, false), wanted = p;
	uint8_t bytes[200];

	(void)state;
	use(true, true, true);
	refusal = -EINVAL;
	push(&p, 7);
	assert_int_equal(takes, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(taken[i].len, 10 + inner_packet_write(&wanted, bytes));
		assert_memory_equal(taken[i].bytes + 10, bytes, taken[i].len - 10);
		assert_int_equal(taken[i].bytes[0] | taken[i].bytes[1], 0);
		wanted.seq += 100;
		wanted.id++;
	}
	refusal = 0;
	push(&p, 3);
	assert_int_equal(takes, 10);
	assert_int_equal(failure.packets, 0);
	assert_int_equal(buf_pool_left(pool), BUFS);
}

/* They come whole to a device that has no header to ask for them, or takes none in deed. */
static void a_checksum_to_be_made_is_made_here_where_the_device_makes_none(void **state)
{
	(void)state;
	leaves = true;
	for (int header = 0; header < 2; header++) {
		struct inner_packet p = inner_packet(false, false), wanted = p;
		uint8_t bytes[200];
		size_t skip = header ? 10 : 0;

		use(header, header, header);
		refusal = -EINVAL;
		push(&p, 3);
		push(&p, 1);	/* the refusal is known by now */
		assert_int_equal(takes, 4);
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(taken[i].len, skip + inner_packet_write(&wanted, bytes));
			assert_memory_equal(taken[i].bytes + skip, bytes, taken[i].len - skip);
			assert_int_equal(header ? taken[i].bytes[0] : 0, 0);
			wanted.seq += 100;
			wanted.id++;
		}
	}
	leaves = false;
}

static void every_packet_that_is_lost_is_counted(void **state)
{
	struct inner_packet p = inner_packet(false, false);

	(void)state;
	use(true, true, true);
	refusal = -EIO;
	push(&p, 7);
	assert_int_equal(failure.packets, 7);
	assert_int_equal(failure.error, -EIO);
	worker_tun_init(&tun);		/* no device */
	failure = (struct worker_tun_failure){ 0 };
	push(&p, 4);
	assert_int_equal(failure.packets, 4);
	assert_int_equal(failure.error, -ENODEV);
	assert_int_equal(buf_pool_left(pool), BUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a large packet comes as many", a_large_packet_comes_as_many),
		TEST("without a header a packet is all there is", without_a_header_a_packet_is_all_there_is),
		TEST("what the device should not give is counted", what_the_device_should_not_give_is_counted),
		TEST("the rest is dropped when buffers end", the_rest_is_dropped_when_buffers_end),
		TEST("a run is one write", a_run_is_one_write),
		TEST("what is refused in one piece goes in many", what_is_refused_in_one_piece_goes_in_many),
		TEST("a checksum to be made is made here where the device makes none",
		     a_checksum_to_be_made_is_made_here_where_the_device_makes_none),
		TEST("every packet that is lost is counted", every_packet_that_is_lost_is_counted),
	};
	int failed;

	pool = buf_pool_new(BUFS);
	failed = RUN_TESTS(tests);
	if (failed == 0)
		buf_pool_free(pool);
	return failed;
}
