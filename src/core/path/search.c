/* search: see search.h. */
#include "core/path/search.h"

#define UP_MIN		0.01	/* what is sent above the delivery rate to find more */
#define UP_MAX		0.05
#define UP_BLIND	0.03	/* beyond this only when the last step brought something */
#define UP_BLIND_JITTERY 0.2	/* where it jitters up to this */
#define UP_WIDE		0.25	/* after STARTUP */
#define UP_LIMIT	0.5
#define DOWN		0.10	/* below it, at the limit */
#define HOLD		SEC(1)	/* after a search that brought only loss, at least */

static nsec_t target(const struct standing *q, const struct capacity *c)
{
	return standing_target(q, capacity_packet(c));
}

static nsec_t limit(const struct standing *q, const struct capacity *c)
{
	return standing_limit(q, capacity_packet(c));
}

double search_first(const struct standing *q, const struct capacity *c, bool wide)
{
	double most = (double)target(q, c) / (double)q->floor;
	double up = (double)target(q, c) / (2 * (double)q->floor + 1);

	up = up < UP_MIN ? UP_MIN : up > UP_MAX ? UP_MAX : up;
	if (!wide || most <= up)
		return up;
	return most < UP_WIDE ? most : UP_WIDE;
}

static void set(struct search *x, double up, const struct capacity *c, nsec_t now)
{
	x->up = up;
	x->rate = capacity_rate(c);
	x->round = c->round;
	x->since = now;
}

void search_begin(struct search *x, double up, const struct capacity *c, nsec_t now)
{
	set(x, up, c, now);
	x->held_since = 0;
}

bool search_is_held(const struct search *x, const struct standing *q, nsec_t now)
{
	return x->held_since != 0 && now < x->held_since + nsec_max(HOLD, 10 * q->floor);
}

double search_gain(const struct search *x, const struct standing *q, const struct capacity *c,
		   nsec_t now)
{
	nsec_t queue = standing_queue(q), low = target(q, c), high = limit(q, c);

	if (queue < low)
		return search_is_held(x, q, now) ? 1 : 1 + x->up * (double)(low - queue) / (double)low;
	return 1 - DOWN * (double)nsec_min(queue - low, high - low) / (double)(high - low);
}

/* --- rounds ----------------------------------------------------------------- */

/*
 * The round had a queue all the time.  Where it jitters the least RTT of a round says
 * little of one, and a path that carries much is above its floor without any.
 */
static bool has_filled(const struct standing *q, const struct capacity *c,
		       const struct capacity_round *round)
{
	nsec_t queue = target(q, c) / 2;

	if (standing_is_jittery(q))
		queue = nsec_max(limit(q, c) / 2, standing_room(q));
	return round->least >= q->floor + queue;
}

/* What it brings is measured: where it jitters only a whole span tells. */
static bool has_shown(const struct search *x, const struct standing *q, const struct capacity *c)
{
	if (standing_is_jittery(q))
		return c->last.since >= x->since + standing_rtt(q);
	return c->round >= x->round + 2;
}

/*
 * Before twice as much more is tried: has what was tried to bring something?  Where
 * it jitters a measured rate is too far off to show little, so the queue has to do,
 * as long as it stays near the limit in the round trip until it shows.
 */
static bool needs_proof(const struct search *x, const struct standing *q, const struct capacity *c)
{
	double most = 1.25 * (double)limit(q, c) / (double)q->floor;

	if (!standing_is_jittery(q))
		return x->up > UP_BLIND;
	return 2 * x->up > (most < UP_BLIND_JITTERY ? most : UP_BLIND_JITTERY);
}

static bool has_brought(const struct search *x, const struct standing *q, const struct capacity *c)
{
	uint64_t got = standing_is_jittery(q) ? c->last.rate : capacity_rate(c);

	return (double)got >= (1 + x->up / 2) * (double)x->rate;
}

void search_round(struct search *x, const struct standing *q, const struct capacity *c,
		  const struct capacity_round *round, nsec_t now)
{
	if (search_is_held(x, q, now) || has_filled(q, c, round)) {
		set(x, search_first(q, c, false), c, now);
		return;
	}
	if (!has_shown(x, q, c))
		return;
	if (!needs_proof(x, q, c) || has_brought(x, q, c)) {
		set(x, x->up * 2 < UP_LIMIT ? x->up * 2 : UP_LIMIT, c, now);
	} else if (round->loss >= c->loss + x->up / 4) {
		x->held_since = now;
		set(x, search_first(q, c, false), c, now);
	}
}
