/* share: see share.h. */
#include "core/share.h"

#include "core/backlog.h"
#include "core/transmit.h"

enum place { QUEUE, REPAIR, ORDER, PIECES, ACKS, ANSWERS, TOLL, PLACES };

static void weigh(const struct peer *p, size_t ret[PLACES])
{
	ret[QUEUE] = fq_codel_stats(p->queue).packets * sizeof(struct buf);
	ret[REPAIR] = repair_stats(p->repair).kept * sizeof(struct buf);
	ret[ORDER] = resequencer_stats(p->order).held_bytes;
	ret[PIECES] = reassembly_stats(p->pieces).waiting * sizeof(struct buf);
	ret[ACKS] = thinner_held(p->acks) * sizeof(struct buf);
	ret[ANSWERS] = spacer_held(p->answers) * sizeof(struct buf);
	ret[TOLL] = toll_held(&p->toll) * sizeof(struct buf);
}

size_t share_of(const struct peer *p)
{
	size_t by[PLACES], sum = 0;

	weigh(p, by);
	for (unsigned i = 0; i < PLACES; i++)
		sum += by[i];
	return sum;
}

static void give_up(struct peer *p, nsec_t now)
{
	size_t by[PLACES];
	unsigned most = 0;

	weigh(p, by);
	for (unsigned i = 1; i < PLACES; i++)
		if (by[i] > by[most])
			most = i;
	switch ((enum place)most) {
	case QUEUE:	backlog_give_up(p, DROP_QUEUE_FULL); break;
	case REPAIR:	repair_yield(p->repair); break;
	case ORDER:	resequencer_yield(p->order, now); break;
	case PIECES:	reassembly_yield(p->pieces); break;
	case ACKS:	thinner_yield(p->acks, toll_entry(p)); break;
	case ANSWERS:	transmit_answers(p, true, now); break;
	case TOLL:	toll_yield(p); break;
	case PLACES:	break;
	}
	/* somebody has to be told of it, and what was held goes out */
	peer_wake(p);
}

void share_settle(struct peer *p, nsec_t now)
{
	struct stock *stock = &p->ctx->stock;

	stock_note(stock, p->index, share_of(p));
	while (stock_is_over(stock)) {
		struct peer *largest = &p->ctx->peers[stock_largest(stock)];

		give_up(largest, now);
		stock_note(stock, largest->index, share_of(largest));
	}
}
