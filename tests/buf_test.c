/* buf: what a pool gives, and what it costs. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "tap.h"

#define COUNT	16384

static void gives_each_buffer_once(void **state)
{
	struct buf_pool *pool = buf_pool_new(3);
	struct buf *b[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(buf_pool_left(pool), 3 - i);
		b[i] = buf_get(pool);
		assert_non_null(b[i]);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(b[i], b[j]);
	}
	assert_null(buf_get(pool));
	assert_int_equal(buf_pool_left(pool), 0);
	for (size_t i = 0; i < 3; i++)
		buf_put(b[i]);
	assert_int_equal(buf_pool_left(pool), 3);
	buf_pool_free(pool);
}

/* The header of whoever had the buffer before is not ours: a handshake would go out marked. */
static void no_buffer_remembers_an_ecn_field(void **state)
{
	struct buf_pool *pool = buf_pool_new(1);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct buf *b = i % 2 == 0 ? buf_get(pool) : buf_get_to_keep(pool);

		assert_non_null(b);
		assert_int_equal(b->ecn, 0);
		b->ecn = 3;
		buf_put(b);
	}
	buf_pool_free(pool);
}

static void gives_the_last_one_back_first_and_empty(void **state)
{
	struct buf_pool *pool = buf_pool_new(3);
	struct buf *a = buf_get(pool), *b = buf_get(pool);

	(void)state;
	buf_append(b, 100);
	buf_push(b, BUF_HEADROOM);
	buf_put(a);
	buf_put(b);
	assert_ptr_equal(buf_get(pool), b);
	assert_int_equal(b->len, 0);
	assert_int_equal(buf_tailroom(b), BUF_ROOM);
	assert_ptr_equal(buf_get(pool), a);
	buf_put(a);
	buf_put(b);
	buf_pool_free(pool);
}

static void what_was_kept_goes_out_to_be_kept_again(void **state)
{
	struct buf_pool *pool = buf_pool_new(4);
	struct buf *kept[2], *quick[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		kept[i] = buf_get_to_keep(pool);
		quick[i] = buf_get(pool);
	}
	for (int round = 0; round < 9; round++) {
		/* whoever comes back first */
		buf_put_kept(kept[round % 2]);
		buf_put(quick[0]);
		buf_put_kept(kept[1 - round % 2]);
		buf_put(quick[1]);
		assert_ptr_equal(buf_get(pool), quick[1]);
		assert_ptr_equal(buf_get_to_keep(pool), kept[1 - round % 2]);
		assert_ptr_equal(buf_get_to_keep(pool), kept[round % 2]);
		assert_ptr_equal(buf_get(pool), quick[0]);
		assert_null(buf_get(pool));
		assert_null(buf_get_to_keep(pool));
	}
	/* where there are no others, these serve as well */
	for (int i = 0; i < 2; i++)
		buf_put(quick[i]);
	assert_ptr_equal(buf_get_to_keep(pool), quick[0]);
	buf_put_kept(kept[0]);
	buf_put_kept(kept[1]);
	assert_ptr_equal(buf_get(pool), quick[1]);
	assert_ptr_equal(buf_get(pool), kept[0]);
	assert_ptr_equal(buf_get(pool), kept[1]);
	assert_null(buf_get(pool));
	for (int i = 0; i < 2; i++) {
		buf_put(quick[i]);
		buf_put_kept(kept[i]);
	}
	assert_int_equal(buf_pool_left(pool), 4);
	buf_pool_free(pool);
}

/* Pages in memory of what `b` and the n - 1 buffers behind it occupy. */
static size_t resident(const struct buf *b, size_t n, size_t *ret_pages)
{
	static unsigned char in[COUNT];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), sum = 0;
	uintptr_t from = ((uintptr_t)b + page - 1) / page * page;

	*ret_pages = ((uintptr_t)(b + n) - from) / page;
	assert_true(*ret_pages <= sizeof(in));
	assert_int_equal(mincore((void *)from, *ret_pages * page, in), 0);
	for (size_t i = 0; i < *ret_pages; i++)
		sum += in[i] & 1;
	return sum;
}

/* A quarter, since the kernel may give more than was touched, a huge page. */
static void costs_no_memory_before_it_is_used(void **state)
{
	struct buf_pool *pool = buf_pool_new(COUNT);
	struct buf *b = buf_get(pool);
	size_t pages, in = resident(b, COUNT, &pages);

	(void)state;
	assert_in_range(in, 0, pages / 4);
	for (int i = 0; i < COUNT; i++)	/* one at a time is always the same one */
		buf_put(buf_get(pool));
	assert_in_range(resident(b, COUNT, &pages), 0, pages / 4);
	buf_put(b);
	buf_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a pool gives each buffer once", gives_each_buffer_once),
		TEST("no buffer remembers an ECN field", no_buffer_remembers_an_ecn_field),
		TEST("the last one back goes out first, and empty", gives_the_last_one_back_first_and_empty),
		TEST("what was kept for long goes out to be kept again", what_was_kept_goes_out_to_be_kept_again),
		TEST("buffers cost no memory before they are used", costs_no_memory_before_it_is_used),
	};

	return RUN_TESTS(tests);
}
