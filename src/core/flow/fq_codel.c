/* fq_codel: see fq_codel.h. */
#include "core/flow/fq_codel.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "core/flow/codel.h"
#include "core/flow/lane.h"

/* A packet that waits; those that were used before, and are not, are a stack by `behind`. */
struct place {
	struct place *before, *behind;	/* in its flow; NULL: first, last */
	struct buf *packet;
	nsec_t since;
};

struct flow {
	struct flow *next;		/* in its list */
	struct place *first, *last;
	uint32_t packets, bytes;
	uint32_t heap_at;		/* 1 and up; 0: it has no packets */
	struct place *found;		/* by fq_codel_behind; NULL: nothing is known */
	uint32_t found_ahead;		/* bytes before it */
	int64_t deficit;		/* bytes that it may send in this turn */
	bool listed;			/* in one of the lists */
	bool bulk;
	struct codel_params own;	/* target 0: none */
	struct codel codel;
};

struct flow_list {
	struct flow *head, *tail;
};

struct fq_codel {
	struct fq_codel_config config;
	struct codel_params bulk;
	struct fq_codel_stats stats;
	struct flow_list fresh, old;	/* a flow without packets leaves in its turn */
	struct place *unused;
	uint32_t untouched;		/* place[untouched] and all behind it were never used: who sends little has little memory */
	struct flow *heap[1 + LANES];	/* those with packets, from 1 on: none has more bytes than the one at half its place */
	struct flow flow[LANES];
	struct place place[];		/* config.max_packets */
};

static const struct codel_params sparse = { .target = FQ_CODEL_TARGET, .interval = FQ_CODEL_INTERVAL };

struct fq_codel *fq_codel_new(const struct fq_codel_config *config)
{
	struct fq_codel *q = calloc(1, sizeof(*q) + config->max_packets * sizeof(struct place));

	assert(config->max_packets > 0 && config->quantum > 0);
	if (q == NULL)
		return NULL;
	q->config = *config;
	q->bulk = sparse;
	return q;
}

void fq_codel_free(struct fq_codel *q)
{
	if (q == NULL)
		return;
	for (unsigned i = 0; i < LANES; i++)
		for (struct place *at = q->flow[i].first; at != NULL; at = at->behind)
			buf_put(at->packet);
	free(q);
}

void fq_codel_set_target(struct fq_codel *q, nsec_t target, nsec_t interval, nsec_t patience)
{
	q->bulk.target = nsec_clamp(target, FQ_CODEL_TARGET, FQ_CODEL_TARGET_MAX);
	q->bulk.interval = nsec_clamp(interval, FQ_CODEL_INTERVAL, FQ_CODEL_INTERVAL_MAX);
	q->bulk.patience = nsec_min(patience, FQ_CODEL_INTERVAL_MAX);
}

struct fq_codel_stats fq_codel_stats(const struct fq_codel *q)
{
	return q->stats;
}

static const struct codel_params *params_of(const struct fq_codel *q, const struct flow *f)
{
	return !f->bulk ? &sparse : f->own.target != 0 ? &f->own : &q->bulk;
}

/* --- lists of flows ------------------------------------------------------ */

static void append(struct flow_list *list, struct flow *f)
{
	f->next = NULL;
	*(list->tail != NULL ? &list->tail->next : &list->head) = f;
	list->tail = f;
}

static void remove_head(struct flow_list *list)
{
	list->head = list->head->next;
	if (list->head == NULL)
		list->tail = NULL;
}

static void enlist(struct fq_codel *q, struct flow *f)
{
	if (f->listed)
		return;
	f->listed = true;
	f->bulk = false;
	f->own = (struct codel_params){ 0 };
	f->deficit = q->config.quantum;
	append(&q->fresh, f);
}

/*
 * The flow whose turn it is, or NULL.  A flow that was used up goes behind the
 * old ones; so does a fresh one that is empty, or else it would be fresh again
 * with its next packet, and an old flow might never have a turn.
 */
static struct flow *flow_in_turn(struct fq_codel *q)
{
	for (;;) {
		struct flow_list *list = q->fresh.head != NULL ? &q->fresh : &q->old;
		struct flow *f = list->head;

		if (f == NULL || (f->packets > 0 && f->deficit > 0))
			return f;
		remove_head(list);
		if (f->deficit <= 0) {
			f->deficit += q->config.quantum;
			append(&q->old, f);
		} else if (list == &q->fresh && q->old.head != NULL) {
			append(&q->old, f);
		} else {
			f->listed = false;
		}
	}
}

/* --- the longest flow ---------------------------------------------------- */

static void put_at(struct fq_codel *q, uint32_t at, struct flow *f)
{
	q->heap[at] = f;
	f->heap_at = at;
}

/* f has got more bytes, or is new: `at` is its place. */
static void rise(struct fq_codel *q, uint32_t at, struct flow *f)
{
	for (; at > 1 && q->heap[at / 2]->bytes < f->bytes; at /= 2)
		put_at(q, at, q->heap[at / 2]);
	put_at(q, at, f);
}

/* f has fewer bytes now. */
static void sink(struct fq_codel *q, uint32_t at, struct flow *f)
{
	for (;;) {
		uint32_t child = 2 * at;

		if (child < q->stats.flows && q->heap[child + 1]->bytes > q->heap[child]->bytes)
			child++;
		if (child > q->stats.flows || q->heap[child]->bytes <= f->bytes)
			break;
		put_at(q, at, q->heap[child]);
		at = child;
	}
	put_at(q, at, f);
}

/* f's packets are gone; stats.flows counts it still. */
static void leave_heap(struct fq_codel *q, struct flow *f)
{
	struct flow *last = q->heap[q->stats.flows--];
	uint32_t at = f->heap_at;

	f->heap_at = 0;
	if (last == f)
		return;
	if (at > 1 && q->heap[at / 2]->bytes < last->bytes)
		rise(q, at, last);
	else
		sink(q, at, last);
}

/* --- packets of a flow --------------------------------------------------- */

static void count_in(struct fq_codel *q, struct flow *f, uint32_t len)
{
	f->packets++;
	f->bytes += len;
	q->stats.packets++;
	q->stats.bytes += len;
	rise(q, f->heap_at != 0 ? f->heap_at : ++q->stats.flows, f);
}

static void count_out(struct fq_codel *q, struct flow *f, uint32_t len)
{
	f->packets--;
	f->bytes -= len;
	q->stats.packets--;
	q->stats.bytes -= len;
	if (f->packets > 0)
		sink(q, f->heap_at, f);
	else
		leave_heap(q, f);
}

/* What fq_codel_behind found goes with the packets: `at` is the first, the last, or the one itself. */
static void forget_place(struct flow *f, const struct place *at)
{
	if (at != f->found) {
		f->found_ahead -= at == f->first ? at->packet->len : 0;
		return;
	}
	f->found = at->behind != NULL ? at->behind : at->before;
	if (at->behind == NULL && at->before != NULL)
		f->found_ahead -= at->before->packet->len;
}

/* Take a packet out of its flow. */
static struct buf *take(struct fq_codel *q, struct flow *f, struct place *at)
{
	struct buf *b = at->packet;

	forget_place(f, at);
	if (at->behind != NULL)
		buf_prefetch_all(at->behind->packet);
	*(at->before != NULL ? &at->before->behind : &f->first) = at->behind;
	*(at->behind != NULL ? &at->behind->before : &f->last) = at->before;
	at->behind = q->unused;
	q->unused = at;
	count_out(q, f, b->len);
	if (f->packets == 0)
		codel_below(&f->codel);
	return b;
}

/* --- in ------------------------------------------------------------------ */

static bool fits_limits(const struct fq_codel *q, uint32_t len)
{
	return q->stats.packets < q->config.max_packets &&
	       len <= q->config.max_bytes - q->stats.bytes;
}

static bool fits_share(const struct fq_codel *q, const struct flow *f, uint32_t len)
{
	uint64_t packets = q->config.max_packets - q->stats.packets;
	uint64_t bytes = q->config.max_bytes - q->stats.bytes;

	return f->packets < FQ_CODEL_SHARE * packets &&
	       (uint64_t)f->bytes + len <= FQ_CODEL_SHARE * bytes;
}

enum fq_codel_verdict fq_codel_admit(struct fq_codel *q, uint32_t flow, uint32_t len,
				     bool ecn_capable, nsec_t now)
{
	struct flow *f = &q->flow[lane_of(flow)];
	bool strike = codel_strike(&f->codel, params_of(q, f), now);

	if (!fits_limits(q, len) || !fits_share(q, f, len)) {
		q->stats.refused++;
		return FQ_CODEL_FULL;
	}
	if (!strike)
		return FQ_CODEL_PASS;
	if (ecn_capable) {
		q->stats.marked++;
		return FQ_CODEL_MARK;
	}
	q->stats.dropped++;
	return FQ_CODEL_DROP;
}

/* There is one: the limits are kept. */
static struct place *take_place(struct fq_codel *q)
{
	struct place *at = q->unused;

	if (at == NULL)
		return &q->place[q->untouched++];
	q->unused = at->behind;
	return at;
}

void fq_codel_push(struct fq_codel *q, struct buf *b, nsec_t now)
{
	struct flow *f = &q->flow[lane_of(b->mark[0])];
	struct place *at;

	assert(fits_limits(q, b->len));
	at = take_place(q);
	*at = (struct place){ .before = f->last, .packet = b, .since = now };
	*(f->last != NULL ? &f->last->behind : &f->first) = at;
	f->last = at;
	enlist(q, f);
	count_in(q, f, b->len);
	if (f->bytes > FQ_CODEL_SPARSE * (uint64_t)q->config.quantum)
		f->bulk = true;
}

/* --- out ----------------------------------------------------------------- */

static bool waits_too_long(const struct fq_codel *q, const struct flow *f, nsec_t now)
{
	return nsec_since(f->first->since, now) >= params_of(q, f)->target &&
	       f->bytes - f->first->packet->len > q->config.quantum;
}

/* That it waited too long is true already; that it did not is known when it leaves. */
struct buf *fq_codel_head(struct fq_codel *q, nsec_t now)
{
	struct flow *f = flow_in_turn(q);

	if (f == NULL)
		return NULL;
	if (waits_too_long(q, f, now))
		codel_above(&f->codel, params_of(q, f), now);
	return f->first->packet;
}

/* The first packet of a flow leaves, in its turn. */
static struct buf *leave(struct fq_codel *q, struct flow *f, nsec_t now)
{
	struct buf *b = f->first->packet;

	if (waits_too_long(q, f, now))
		codel_above(&f->codel, params_of(q, f), now);
	else
		codel_below(&f->codel);
	f->deficit -= b->len;
	return take(q, f, f->first);
}

struct buf *fq_codel_pop(struct fq_codel *q, nsec_t now)
{
	struct flow *f = flow_in_turn(q);

	return f != NULL ? leave(q, f, now) : NULL;
}

/* --- out, where not every flow may go ------------------------------------- */

/* The flows that wait, in their order: after NULL the first, after the last NULL. */
static struct flow *next_waiting(const struct fq_codel *q, struct flow *f, bool *in_old)
{
	do {
		if (f == NULL) {
			*in_old = q->fresh.head == NULL;
			f = *in_old ? q->old.head : q->fresh.head;
		} else if (f->next == NULL && !*in_old) {
			*in_old = true;
			f = q->old.head;
		} else {
			f = f->next;
		}
	} while (f != NULL && f->packets == 0);
	return f;
}

struct buf *fq_codel_find(struct fq_codel *q, bool (*may_go)(void *ctx, struct buf *b), void *ctx)
{
	bool in_old, used_up = false;

	flow_in_turn(q);	/* flows without packets leave, as ever */
	for (struct flow *f = next_waiting(q, NULL, &in_old); f != NULL; f = next_waiting(q, f, &in_old)) {
		if (!may_go(ctx, f->first->packet))
			continue;
		if (f->deficit > 0)
			return f->first->packet;
		used_up = true;
	}
	/* all that may go have had their turn: the next round */
	for (struct flow *f = used_up ? next_waiting(q, NULL, &in_old) : NULL; f != NULL;
	     f = next_waiting(q, f, &in_old))
		if (f->deficit <= 0 && may_go(ctx, f->first->packet))
			f->deficit += q->config.quantum;
	return used_up ? fq_codel_find(q, may_go, ctx) : NULL;
}

void fq_codel_pop_found(struct fq_codel *q, struct buf *b, nsec_t now)
{
	leave(q, &q->flow[lane_of(b->mark[0])], now);
}

struct buf *fq_codel_next(const struct fq_codel *q, uint32_t flow)
{
	const struct flow *f = &q->flow[lane_of(flow)];

	return f->packets > 0 && f->deficit > 0 ? f->first->packet : NULL;
}

void fq_codel_set_flow(struct fq_codel *q, uint32_t flow, nsec_t target, nsec_t interval)
{
	struct flow *f = &q->flow[lane_of(flow)];

	f->own.target = nsec_clamp(target, FQ_CODEL_TARGET, FQ_CODEL_TARGET_MAX);
	f->own.interval = nsec_clamp(interval, FQ_CODEL_INTERVAL, FQ_CODEL_INTERVAL_MAX);
}

nsec_t fq_codel_sojourn(const struct fq_codel *q, uint32_t flow, nsec_t now)
{
	const struct flow *f = &q->flow[lane_of(flow)];

	return f->first != NULL ? nsec_since(f->first->since, now) : 0;
}

/* NULL: all are empty. */
static struct flow *longest(const struct fq_codel *q)
{
	return q->stats.flows > 0 ? q->heap[1] : NULL;
}

struct buf *fq_codel_tail(const struct fq_codel *q, uint32_t *ret_ahead)
{
	const struct flow *f = longest(q);

	if (f == NULL)
		return NULL;
	*ret_ahead = f->bytes - f->last->packet->len;
	return f->last->packet;
}

struct buf *fq_codel_pop_tail(struct fq_codel *q)
{
	struct flow *f = longest(q);

	return f != NULL ? take(q, f, f->last) : NULL;
}

/*
 * The place moves as little as the flow and the wish did since it was found last.
 * False: not even the last packet has so much before it.
 */
static bool find_place(struct flow *f, uint32_t ahead)
{
	if (f->found == NULL) {
		f->found = f->first;
		f->found_ahead = 0;
	}
	while (f->found_ahead < ahead && f->found->behind != NULL) {
		f->found_ahead += f->found->packet->len;
		f->found = f->found->behind;
	}
	while (f->found->before != NULL && f->found_ahead - f->found->before->packet->len >= ahead) {
		f->found = f->found->before;
		f->found_ahead -= f->found->packet->len;
	}
	return f->found_ahead >= ahead;
}

struct buf *fq_codel_behind(struct fq_codel *q, uint32_t ahead)
{
	struct flow *f = longest(q);

	if (f == NULL || f->bytes <= ahead)
		return NULL;
	return find_place(f, ahead) ? f->found->packet : NULL;
}

struct buf *fq_codel_pop_behind(struct fq_codel *q)
{
	struct flow *f = longest(q);

	return f != NULL && f->found != NULL ? take(q, f, f->found) : NULL;
}
