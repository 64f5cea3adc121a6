/* capacity: see capacity.h. */
#include "core/path/capacity.h"

#define RATE_ROUNDS	8
#define EXTRA_ROUNDS	10
#define SPAN_JITTERS	28		/* a span lasts for so many at least, */
#define SPAN_PACKETS	64		/* and where it jitters for so many packets */

#define GREW		0.03		/* of what arrived, more was sent: the path carries no more */
#define GREW_JITTERY	0.05
#define LOSS_MORE	0.03		/* lost beyond what always is: likewise */

#define LOSS_BATCH	(200 * 1400)	/* bytes, over which loss is counted */
#define LOSS_BATCHES	4

static void begin(struct capacity *c, uint64_t delivered, nsec_t now)
{
	c->round_began = c->span.began = delivered;
	c->app_limited = delivered;
	c->span.since = c->extra_since = now;
	c->extra_acked = 0;
}

void capacity_init(struct capacity *c, nsec_t now)
{
	begin(c, 0, now);
}

void capacity_count(struct capacity *c, const struct delivery_sample *sample, bool anew)
{
	if (anew || sample->delivered < c->delivered)
		begin(c, sample->delivered - sample->acked, sample->at);
	c->delivered = sample->delivered;
}

void capacity_lost(struct capacity *c, uint32_t len)
{
	c->round_lost += len;
	c->span.lost += len;
	c->batch_lost += len;
}

void capacity_idle(struct capacity *c, uint64_t in_flight)
{
	c->app_limited = c->delivered + in_flight;
}

void capacity_age(struct capacity *c)
{
	c->round++;
}

void capacity_set(struct capacity *c, uint64_t rate)
{
	window_reset(&c->rate, rate, c->round);
}

/* --- one ACK ---------------------------------------------------------------- */

static void take_rate(struct capacity *c, const struct standing *q, const struct delivery_sample *sample,
		      enum capacity_use use)
{
	uint64_t rate = delivery_rate(sample);

	if (standing_is_jittery(q) && use != CAPACITY_SOUGHT)
		return;		/* one round trip says too little: end_span */
	/* less than a round trip is a burst */
	if (sample->interval < nsec_min(q->floor, standing_rtt(q)) || use == CAPACITY_DRAINED)
		return;
	if (sample->prior >= c->app_limited || rate > capacity_rate(c))
		window_max(&c->rate, RATE_ROUNDS, rate, c->round);
}

static void take_extra(struct capacity *c, uint64_t acked, nsec_t now)
{
	uint64_t expected = capacity_bytes(c, nsec_since(c->extra_since, now));

	if (c->extra_acked <= expected) {
		c->extra_acked = 0;
		c->extra_since = now;
		expected = 0;
	}
	c->extra_acked += acked;
	window_max(&c->extra, EXTRA_ROUNDS, c->extra_acked - expected, c->round);
}

static void take_loss(struct capacity *c, uint64_t acked)
{
	c->batch_acked += acked;
	if (c->batch_acked + c->batch_lost < LOSS_BATCH)
		return;
	window_min(&c->losses, LOSS_BATCHES,
		   c->batch_lost * 1000000 / (c->batch_acked + c->batch_lost), c->batch++);
	c->batch_acked = c->batch_lost = 0;
	c->loss = (double)window_get(&c->losses) / 1e6;
}

void capacity_acked(struct capacity *c, const struct standing *q, const struct delivery_sample *sample,
		    enum capacity_use use)
{
	take_rate(c, q, sample, use);
	take_extra(c, sample->acked, sample->at);
	take_loss(c, sample->acked);
	c->round_least = nsec_min(c->round_least, standing_rtt(q));
	c->span.least = nsec_min(c->span.least, standing_rtt(q));
}

/* --- spans ------------------------------------------------------------------ */

static bool span_says_enough(const struct capacity *c, const struct standing *q, nsec_t now)
{
	return now > c->span.since && now - c->span.since >= SPAN_JITTERS * jitter_of(&q->jitter) &&
	       (!standing_is_jittery(q) || c->delivered - c->span.began >= SPAN_PACKETS * (uint64_t)c->mtu);
}

/*
 * A queue stood all the time, and what was sent in less arrived in more: whether there
 * was enough to send or not, the path carried no more.
 */
static bool is_exhausted(const struct capacity *c, const struct standing *q, nsec_t sent_at, nsec_t now)
{
	nsec_t sending = nsec_since(c->span.sent, sent_at), arriving = now - c->span.since;

	return c->span.least > q->floor + standing_limit(q, capacity_packet(c)) &&
	       arriving > sending + sending / 2;
}

/* A path that jitters is believed slowly, and comes down only when less arrives than was sent. */
static void believe_slowly(struct capacity *c, uint64_t rate, double lost)
{
	uint64_t now = capacity_rate(c);
	bool full = c->span.began >= c->app_limited && c->last.grew > GREW_JITTERY;

	if (rate > now)
		capacity_set(c, now + (rate - now) / 2);
	else if (full || lost > c->loss + LOSS_MORE)
		capacity_set(c, now - (now - rate) / 4);
}

static void end_span(struct capacity *c, const struct standing *q, const struct congestion_ack *ack,
		     enum capacity_use use)
{
	nsec_t now = ack->sample.at;
	uint64_t got = c->delivered - c->span.began;
	uint64_t rate = got * NSEC_PER_SEC / (now - c->span.since);
	double more = (double)ack->in_flight + (double)c->span.lost - (double)c->span.flight;
	double lost = (double)c->span.lost / (double)(got + c->span.lost + 1);

	c->last.grew = more / (double)(got + 1);
	c->last.measured = standing_is_jittery(q) ? nsec_max(rate, c->last.rate) : rate;
	c->last.rate = rate;
	c->last.since = c->span.since;
	if (rate < capacity_rate(c) * 3 / 4 && is_exhausted(c, q, ack->sample.sent_at, now))
		capacity_set(c, rate);
	else if (standing_is_jittery(q) && use != CAPACITY_SOUGHT)
		believe_slowly(c, rate, lost);
	c->span.began = c->delivered;
	c->span.flight = ack->in_flight;
	c->span.lost = 0;
	c->span.since = now;
	c->span.sent = ack->sample.sent_at;
	c->span.least = standing_rtt(q);
}

/* --- rounds ----------------------------------------------------------------- */

bool capacity_ends_round(struct capacity *c, const struct standing *q, const struct congestion_ack *ack,
			 enum capacity_use use, struct capacity_round *ret)
{
	uint64_t got = c->delivered - c->round_began;

	if (ack->sample.prior < c->round_began)
		return false;
	*ret = (struct capacity_round){
		.filled = c->round_began >= c->app_limited,
		.loss = (double)c->round_lost / (double)(c->round_lost + got + 1),
		.lost = c->round_lost,
		.least = c->round_least,
	};
	if (span_says_enough(c, q, ack->sample.at))
		end_span(c, q, ack, use);
	c->round_began = c->delivered;
	c->round_lost = 0;
	c->round_least = standing_rtt(q);
	return true;
}

void capacity_settle(struct capacity *c, const struct standing *q)
{
	if (!standing_is_jittery(q) && c->round_began >= c->app_limited && c->last.measured != 0 &&
	    c->last.measured < capacity_rate(c) && c->last.grew > GREW)
		capacity_set(c, c->last.measured);
}
