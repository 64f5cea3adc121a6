/*
 * buf: packet buffers out of a pool that is allocated once.
 *
 * A buffer has one owner.  Who is handed one either passes it on or gives it
 * back with buf_put; a function that keeps one says so in its header.  There
 * is headroom before the data, so that the tunnel's header is written in
 * front of a packet without moving it, and tailroom for the tag.
 */
#ifndef TTT_BASE_BUF_H
#define TTT_BASE_BUF_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUF_HEADROOM	64	/* bytes before data in a fresh buffer */
#define BUF_ROOM	1984	/* bytes from data to the end in a fresh buffer */

struct buf_pool;

struct buf {
	struct buf *next;	/* for the owner: lists and queues */
	struct buf_pool *pool;	/* where it came from */
	uint8_t *data;		/* first byte of the content */
	uint32_t len;		/* bytes of content */
	uint32_t mark[2];	/* for the owner: what it wants to remember of the content */
	uint8_t ecn;		/* of a datagram: the two bits in the IP header around it; 0: Not-ECT */
	bool alone;		/* of a datagram: not to be sent in one message with others */
	bool needs_checksum;	/* of an inner packet: TCP's or UDP's is still to be made (ip.h) */
	uint8_t storage[BUF_HEADROOM + BUF_ROOM];
};

/* A pool of `count` buffers, all allocated now; NULL when memory is short. */
struct buf_pool *buf_pool_new(size_t count);
/* All buffers must be back. */
void buf_pool_free(struct buf_pool *pool);
size_t buf_pool_size(const struct buf_pool *pool);
size_t buf_pool_left(const struct buf_pool *pool);

/* An empty buffer (len 0, full headroom), or NULL when all are in use. */
struct buf *buf_get(struct buf_pool *pool);
/* Give b back to its pool; NULL is nothing. */
void buf_put(struct buf *b);

/*
 * The same, for what stays out for a while.  Buffers that come and go at once
 * are in a cache, and stay with those who use them so; who keeps one for a round
 * trip takes one that was out of it anyway, and brings it back to that end.
 */
struct buf *buf_get_to_keep(struct buf_pool *pool);
void buf_put_kept(struct buf *b);

/* b is wanted soon: its head and the beginning of its content.  NULL is nothing. */
static inline void buf_prefetch(const struct buf *b)
{
	__builtin_prefetch(b);
	__builtin_prefetch(b->storage + BUF_HEADROOM);
}

static inline size_t buf_tailroom(const struct buf *b)
{
	return (size_t)(b->storage + sizeof(b->storage) - (b->data + b->len));
}

/* The same, and all of a usual packet: it has waited so long that it is in no cache near. */
static inline void buf_prefetch_all(const struct buf *b)
{
	buf_prefetch(b);
	for (size_t at = 64; at < 1500; at += 64)
		__builtin_prefetch(b->storage + BUF_HEADROOM + at);
}

/* Grow at the front or at the end; the new bytes are the caller's to fill. */
static inline uint8_t *buf_push(struct buf *b, size_t n)
{
	assert((size_t)(b->data - b->storage) >= n);
	b->data -= n;
	b->len += (uint32_t)n;
	return b->data;
}

static inline uint8_t *buf_append(struct buf *b, size_t n)
{
	uint8_t *at = b->data + b->len;

	assert(buf_tailroom(b) >= n);
	b->len += (uint32_t)n;
	return at;
}

/* Cut n bytes off the front. */
static inline void buf_pull(struct buf *b, size_t n)
{
	assert(b->len >= n);
	b->data += n;
	b->len -= (uint32_t)n;
}

/* First in, first out; embedded, all zero is empty. */
struct buf_queue {
	struct buf *head, *tail;
	size_t count;
};

static inline void buf_queue_push(struct buf_queue *q, struct buf *b)
{
	b->next = NULL;
	if (q->tail != NULL)
		q->tail->next = b;
	else
		q->head = b;
	q->tail = b;
	q->count++;
}

static inline struct buf *buf_queue_pop(struct buf_queue *q)
{
	struct buf *b = q->head;

	if (b == NULL)
		return NULL;
	q->head = b->next;
	if (q->head == NULL)
		q->tail = NULL;
	q->count--;
	b->next = NULL;
	return b;
}

/* Give every buffer of q back. */
void buf_queue_clear(struct buf_queue *q);

#endif
