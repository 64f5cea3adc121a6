/* toll: see toll.h. */
#include "core/toll.h"

#include "core/ecn.h"
#include "core/inner.h"
#include "core/peer.h"

#define PACKETS	2048
#define BYTES	(3u << 20)
#define QUANTUM	1514

bool toll_init(struct toll *t, uint64_t rate)
{
	const struct fq_codel_config config = { .max_packets = PACKETS, .max_bytes = BYTES, .quantum = QUANTUM };

	*t = (struct toll){ .gate = { .rate = rate } };
	if (rate == 0)
		return true;
	t->queue = fq_codel_new(&config);
	return t->queue != NULL;
}

void toll_done(struct toll *t)
{
	buf_queue_clear(&t->arrived);
	fq_codel_free(t->queue);
}

struct buf_queue *toll_entry(struct peer *p)
{
	return p->toll.queue != NULL ? &p->toll.arrived : &p->ctx->tun;
}

static void admit(struct peer *p, struct buf *b, nsec_t now)
{
	enum fq_codel_verdict verdict;
	struct inner inner;

	if (!inner_read(b->data, b->len, p->ctx->flow_key, &inner)) {
		peer_drop(p, DROP_INNER_INVALID, b);
		return;
	}
	verdict = fq_codel_admit(p->toll.queue, inner.flow, b->len, ecn_read(b->data) != ECN_NOT_ECT, now);
	if (verdict == FQ_CODEL_DROP || verdict == FQ_CODEL_FULL) {
		peer_drop(p, verdict == FQ_CODEL_DROP ? DROP_CONGESTION : DROP_QUEUE_FULL, b);
		return;
	}
	if (verdict == FQ_CODEL_MARK)
		ecn_mark(b->data);
	b->mark[0] = inner.flow;
	fq_codel_push(p->toll.queue, b, now);
}

void toll_settle(struct peer *p, nsec_t now)
{
	struct toll *t = &p->toll;
	struct buf *b;

	if (t->queue == NULL)
		return;
	fq_codel_set_target(t->queue, p->bulk_target, nsec_max(FQ_CODEL_INTERVAL, p->bulk_target * 4), 0);
	while ((b = buf_queue_pop(&t->arrived)) != NULL)
		admit(p, b, now);
	while (gate_is_open(&t->gate, now) && (b = fq_codel_pop(t->queue, now)) != NULL) {
		gate_pass(&t->gate, b->len, now);
		buf_queue_push(&p->ctx->tun, b);
	}
}

nsec_t toll_deadline(const struct toll *t)
{
	return toll_held(t) > 0 ? t->gate.opens_at : NSEC_NEVER;
}

size_t toll_held(const struct toll *t)
{
	return t->queue != NULL ? fq_codel_stats(t->queue).packets : 0;
}

void toll_yield(struct peer *p)
{
	peer_drop(p, DROP_QUEUE_FULL, fq_codel_pop_tail(p->toll.queue));
}
