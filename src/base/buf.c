/* buf: see buf.h.  The free buffers are a stack, so that warm ones go out first. */
#include "base/buf.h"

#include <stdlib.h>

struct buf_pool {
	struct buf *free;
	size_t left, count;
	struct buf buf[];
};

struct buf_pool *buf_pool_new(size_t count)
{
	struct buf_pool *pool = malloc(sizeof(*pool) + count * sizeof(struct buf));

	if (pool == NULL)
		return NULL;
	pool->free = NULL;
	pool->left = 0;
	pool->count = count;
	for (size_t i = count; i-- > 0;) {
		pool->buf[i].pool = pool;
		buf_put(&pool->buf[i]);
	}
	return pool;
}

void buf_pool_free(struct buf_pool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->left == pool->count);
	free(pool);
}

size_t buf_pool_left(const struct buf_pool *pool)
{
	return pool->left;
}

struct buf *buf_get(struct buf_pool *pool)
{
	struct buf *b = pool->free;

	if (b == NULL)
		return NULL;
	pool->free = b->next;
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
