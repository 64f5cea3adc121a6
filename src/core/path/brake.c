/* brake: see brake.h. */
#include "core/path/brake.h"

#define GAIN_STARTUP	0.5	/* of the delivery rate: STARTUP has sent twice as much */
#define GAIN_MIN	0.8
#define GAIN_MAX	0.9
#define GAIN_DEEP	0.5	/* before much more than what is sure is taken for the floor */
#define GAIN_LIGHT	0.98
#define RTT_MIN		MSEC(20)	/* shorter ones drain as if they were so long */
#define MEASURE_MIN	MSEC(50)	/* for so long the delay is watched that the brake could not drain */
#define MEASURE_MAX	MSEC(200)

#define LIGHT_TIME	SEC(1)	/* for so long a light load has not grown, */
#define LIGHT_GROWTH	1.1	/* by this */
#define LIGHT_AGAIN	SEC(10)	/* a load is taken for light so often */

static nsec_t target(const struct standing *q, const struct capacity *c)
{
	return standing_target(q, capacity_packet(c));
}

/* When the queue should have gone: a round trip until it shows, and the time that it takes to drain. */
static nsec_t drained_at(const struct brake *b, const struct standing *q, nsec_t now)
{
	nsec_t rtt = nsec_max(standing_rtt(q), RTT_MIN);

	return now + nsec_min((nsec_t)(1.1 * (double)standing_queue(q) / (1 - b->gain)), 2 * rtt) + rtt;
}

/* From here the queue has to fall. */
static void set(struct brake *b, const struct standing *q, double least, nsec_t now)
{
	double gain = 1 - (double)standing_queue(q) / (double)nsec_max(standing_rtt(q), RTT_MIN);

	b->gain = gain < least ? least : gain > GAIN_MAX ? GAIN_MAX : gain;
	b->from = standing_rtt(q);
	b->until = drained_at(b, q, now);
	b->measured = b->measures = 0;
}

static void set_deep(struct brake *b, const struct standing *q, nsec_t now)
{
	set(b, q, GAIN_DEEP, now);
	b->gain = GAIN_DEEP;
	b->until = drained_at(b, q, now);
}

/* --- light loads ------------------------------------------------------------ */

void brake_held(struct brake *b, nsec_t now)
{
	b->held_at = now;
}

void brake_load(struct brake *b, uint64_t rate, nsec_t now)
{
	if ((double)rate <= LIGHT_GROWTH * (double)b->load)
		return;
	b->load = rate;
	b->load_since = now;
}

static bool is_light(const struct brake *b, const struct standing *q, nsec_t now)
{
	return b->from_startup && nsec_since(b->held_at, now) > standing_rtt(q) &&
	       nsec_since(b->load_since, now) > LIGHT_TIME && now >= b->light_from;
}

/* --- on --------------------------------------------------------------------- */

void brake_begin(struct brake *b, const struct standing *q, const struct capacity *c, bool from_startup,
		 nsec_t now)
{
	b->from_startup = from_startup;
	b->light = is_light(b, q, now);
	if (b->light) {
		b->light_most = 2 * standing_rtt(q);
		b->light_from = now + LIGHT_AGAIN;
	}
	set(b, q, b->light ? GAIN_LIGHT : from_startup ? GAIN_STARTUP : GAIN_MIN, now);
	b->since = now;
	b->rate = capacity_rate(c);
}

/* The path delivers so much and not more: come down from there. */
static void begin_again(struct brake *b, const struct standing *q, struct capacity *c, nsec_t now)
{
	capacity_set(c, c->last.measured);
	b->rate = 0;
	set(b, q, b->light ? GAIN_STARTUP : b->gain, now);
	b->light = false;
	b->since = now;
}

void brake_round(struct brake *b, const struct standing *q, struct capacity *c, uint64_t pacing,
		 nsec_t now)
{
	uint64_t rate = c->last.measured;
	bool rises = standing_rtt(q) >= b->from - b->from / 16;
	bool settled = c->last.since >= b->since + b->from;

	/* less comes than is sent, even now */
	if (rises && rate < pacing * 19 / 20)
		begin_again(b, q, c, now);
	/* a queue is drained, but slower than it should be */
	else if (settled && !standing_is_jittery(q) && rate > pacing + pacing / 100 &&
		 rate < capacity_rate(c) * 31 / 32)
		begin_again(b, q, c, now);
}

/* --- drained, or drained in vain? ------------------------------------------- */

/* No queue of ours falls so far, had we sent nothing since: the way was a longer one for a while. */
static bool fell_by_itself(const struct brake *b, const struct standing *q, nsec_t now)
{
	nsec_t drained = nsec_since(b->since + b->from, now);

	return standing_rtt(q) + drained + standing_spread(q) < b->from;
}

/* What stands although nothing of ours should: the floor, unless it still falls, or is unsure. */
static enum brake_state watch(struct brake *b, struct standing *q, nsec_t now)
{
	nsec_t mean;

	b->measured += standing_rtt(q);
	b->measures++;
	if (now < b->until + nsec_clamp(q->floor, MEASURE_MIN, MEASURE_MAX))
		return BRAKE_ON;
	mean = b->measured / b->measures;
	if (standing_rtt(q) + jitter_of(&q->jitter) + MSEC(1) < mean) {
		b->measured = b->measures = 0;	/* it still falls */
		b->until = now;
		return BRAKE_ON;
	}
	if (standing_is_unsure(q, mean) && b->gain > GAIN_DEEP) {
		set_deep(b, q, now);
		return BRAKE_ON;
	}
	standing_raise(q, mean, b->gain <= GAIN_DEEP);
	return BRAKE_IN_VAIN;
}

enum brake_state brake_check(struct brake *b, struct standing *q, const struct capacity *c, nsec_t now)
{
	if (b->light && standing_rtt(q) > b->light_most) {
		b->light = false;
		set(b, q, GAIN_STARTUP, now);
	}
	/* before a round trip has passed, it has drained nothing */
	if (standing_rtt(q) <= q->floor + target(q, c) / 2)
		return nsec_since(b->since, now) >= b->from ? BRAKE_DRAINED : BRAKE_IN_VAIN;
	if (standing_rtt(q) > b->from && now < b->since + 2 * b->from) {
		set(b, q, b->gain, now);	/* what was sent before is still arriving */
		return BRAKE_ON;
	}
	if (fell_by_itself(b, q, now))
		b->until = nsec_min(b->until, drained_at(b, q, now));
	return now < b->until ? BRAKE_ON : watch(b, q, now);
}

void brake_end(struct brake *b, struct standing *q, struct capacity *c, enum brake_state found)
{
	if (found == BRAKE_DRAINED) {
		standing_narrow(q);
		return;
	}
	standing_widen(q);
	if (b->rate > capacity_rate(c))
		capacity_set(c, b->rate);
}
