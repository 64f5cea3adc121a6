/*
 * buf: see buf.h.  The free buffers are a stack, so that warm ones go out first;
 * those that were never out come last and are not touched until then, so that
 * a pool costs the memory of what was in use at once.
 *
 * The stack is beside the buffers, not in them: a buffer that was away for a
 * round trip is in no cache, and putting it back need not wait for it.
 */
#include "base/buf.h"

#include <stdlib.h>

#define AHEAD	4	/* buffers that are fetched before they are asked for */

struct buf_pool {
	size_t free, left, count;
	size_t fresh;		/* buf[fresh] and all behind it were never out */
	struct buf **stack;	/* `free` of them */
	struct buf buf[];
};

struct buf_pool *buf_pool_new(size_t count)
{
	struct buf_pool *pool = malloc(sizeof(*pool) + count * sizeof(struct buf));
	struct buf **stack = malloc(count * sizeof(*stack));

	if (pool == NULL || stack == NULL) {
		free(stack);
		free(pool);
		return NULL;
	}
	pool->free = 0;
	pool->left = count;
	pool->count = count;
	pool->fresh = 0;
	pool->stack = stack;
	return pool;
}

void buf_pool_free(struct buf_pool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->left == pool->count);
	free(pool->stack);
	free(pool);
}

size_t buf_pool_size(const struct buf_pool *pool)
{
	return pool->count;
}

size_t buf_pool_left(const struct buf_pool *pool)
{
	return pool->left;
}

static struct buf *take_used(struct buf_pool *pool)
{
	if (pool->free == 0)
		return NULL;
	if (pool->free > AHEAD)
		buf_prefetch(pool->stack[pool->free - 1 - AHEAD]);
	return pool->stack[--pool->free];
}

static struct buf *take_fresh(struct buf_pool *pool)
{
	struct buf *b;

	if (pool->fresh == pool->count)
		return NULL;
	b = &pool->buf[pool->fresh++];
	b->pool = pool;
	return b;
}

struct buf *buf_get(struct buf_pool *pool)
{
	struct buf *b = take_used(pool);

	if (b == NULL)
		b = take_fresh(pool);
	if (b == NULL)
		return NULL;
	pool->left--;
	b->next = NULL;
	b->data = b->storage + BUF_HEADROOM;
	b->len = 0;
	b->ecn = 0;
	return b;
}

void buf_put(struct buf *b)
{
	if (b == NULL)
		return;
	b->pool->stack[b->pool->free++] = b;
	b->pool->left++;
}

void buf_queue_clear(struct buf_queue *q)
{
	struct buf *b;

	while ((b = buf_queue_pop(q)) != NULL)
		buf_put(b);
}
