/*
 * buf: see buf.h.  The free buffers are a row with a warm and a cold end; those
 * that were never out come last and are not touched until then, so that a pool
 * costs the memory of what was in use at once.
 *
 * The row is beside the buffers, not in them: a buffer that was away for a
 * round trip is in no cache, and putting it back need not wait for it.
 */
#include "base/buf.h"

#include <stdlib.h>

#define AHEAD	4	/* buffers that are fetched before they are asked for */

struct buf_pool {
	size_t left, count;
	size_t fresh;		/* buf[fresh] and all behind it were never out */
	struct buf **row;	/* a ring of `count` places; the cold end stands at `cold`, */
	size_t cold, free;	/* and `free` of them are taken */
	struct buf buf[];
};

struct buf_pool *buf_pool_new(size_t count)
{
	struct buf_pool *pool = malloc(sizeof(*pool) + count * sizeof(struct buf));
	struct buf **row = malloc(count * sizeof(*row));

	if (pool == NULL || row == NULL) {
		free(row);
		free(pool);
		return NULL;
	}
	pool->left = count;
	pool->count = count;
	pool->fresh = 0;
	pool->row = row;
	pool->cold = pool->free = 0;
	return pool;
}

void buf_pool_free(struct buf_pool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->left == pool->count);
	free(pool->row);
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

/* The n-th free buffer from the cold end on. */
static struct buf **place_of(struct buf_pool *pool, size_t n)
{
	size_t at = pool->cold + n;

	return &pool->row[at < pool->count ? at : at - pool->count];
}

static struct buf *take_warm(struct buf_pool *pool)
{
	if (pool->free == 0)
		return NULL;
	if (pool->free > AHEAD)
		buf_prefetch(*place_of(pool, pool->free - 1 - AHEAD));
	return *place_of(pool, --pool->free);
}

static struct buf *take_cold(struct buf_pool *pool)
{
	struct buf *b;

	if (pool->free == 0)
		return NULL;
	if (pool->free > AHEAD)
		buf_prefetch(*place_of(pool, AHEAD));
	b = *place_of(pool, 0);
	pool->cold = pool->cold + 1 < pool->count ? pool->cold + 1 : 0;
	pool->free--;
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

/* b, which is out now, or one that never was. */
static struct buf *give(struct buf_pool *pool, struct buf *b)
{
	if (b == NULL)
		b = take_fresh(pool);
	if (b == NULL)
		return NULL;
	pool->left--;
	b->next = NULL;
	b->data = b->storage + BUF_HEADROOM;
	b->len = 0;
	b->ecn = 0;
	b->alone = false;
	b->needs_checksum = false;
	return b;
}

struct buf *buf_get(struct buf_pool *pool)
{
	return give(pool, take_warm(pool));
}

struct buf *buf_get_to_keep(struct buf_pool *pool)
{
	return give(pool, take_cold(pool));
}

void buf_put(struct buf *b)
{
	if (b == NULL)
		return;
	*place_of(b->pool, b->pool->free++) = b;
	b->pool->left++;
}

void buf_put_kept(struct buf *b)
{
	struct buf_pool *pool;

	if (b == NULL)
		return;
	pool = b->pool;
	pool->cold = pool->cold > 0 ? pool->cold - 1 : pool->count - 1;
	*place_of(pool, 0) = b;
	pool->free++;
	pool->left++;
}

void buf_queue_clear(struct buf_queue *q)
{
	struct buf *b;

	while ((b = buf_queue_pop(q)) != NULL)
		buf_put(b);
}
