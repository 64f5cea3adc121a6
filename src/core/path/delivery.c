/* delivery: see delivery.h. */
#include "core/path/delivery.h"

static uint32_t usec_since(nsec_t then, nsec_t now)
{
	nsec_t usec = nsec_since(then, now) / NSEC_PER_USEC;

	return usec < UINT32_MAX ? (uint32_t)usec : UINT32_MAX;
}

struct delivery_stamp delivery_sent(struct delivery *d, uint64_t in_flight, nsec_t now)
{
	if (in_flight == 0)
		d->first_sent_at = d->delivered_at = now;
	return (struct delivery_stamp){
		.delivered = (uint32_t)d->delivered,
		.since_ack = usec_since(d->delivered_at, now),
		.since_first = usec_since(d->first_sent_at, now),
	};
}

void delivery_acked(struct delivery *d, const struct delivery_stamp *stamp, uint32_t len,
		    nsec_t sent_at, struct delivery_sample *s)
{
	/* less than 4 GB are under way, so the low bits tell all */
	uint64_t prior = d->delivered - (uint32_t)((uint32_t)d->delivered - stamp->delivered);
	nsec_t sending = stamp->since_first * NSEC_PER_USEC;
	nsec_t acking = nsec_since(sent_at, s->at) + stamp->since_ack * NSEC_PER_USEC;

	d->delivered += len;
	d->delivered_at = s->at;
	s->acked += len;
	if (s->acked != len && sent_at <= s->sent_at)
		return;
	s->sent_at = sent_at;
	s->prior = prior;
	s->interval = nsec_max(sending, acking);
}

void delivery_finish(struct delivery *d, struct delivery_sample *s)
{
	s->delivered = d->delivered;
	d->first_sent_at = nsec_max(d->first_sent_at, s->sent_at);
}
