/*
 * buf: see buf.h.  The free buffers are a stack, so that warm ones go out first;
 * those that were never out come last and are not touched until then, so that
 * a pool costs the memory of what was in use at once.
 */
#include "base/buf.h"

#include <stdlib.h>

struct buf_pool {
	struct buf *free;
	size_t left, count;
	size_t fresh;		/* buf[fresh] and all behind it were never out */
	struct buf buf[];
};

struct buf_pool *buf_pool_new(size_t count)
{
	struct buf_pool *pool = malloc(sizeof(*pool) + count * sizeof(struct buf));

	if (pool == NULL)
		return NULL;
	pool->free = NULL;
	pool->left = count;
	pool->count = count;
	pool->fresh = 0;
	return pool;
}

void buf_pool_free(struct buf_pool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->left == pool->count);
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
	struct buf *b = pool->free;

	if (b != NULL)
		pool->free = b->next;
	return b;
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
	return b;
}

void buf_put(struct buf *b)
{
	if (b == NULL)
		return;
	b->next = b->pool->free;
	b->pool->free = b;
	b->pool->left++;
}

void buf_queue_clear(struct buf_queue *q)
{
	struct buf *b;

	while ((b = buf_queue_pop(q)) != NULL)
		buf_put(b);
}
