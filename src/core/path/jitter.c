/* jitter: see jitter.h. */
#include "core/path/jitter.h"

#define MEAN_GAIN	16	/* calm RTTs over which the mean averages */
#define MEMORY		4096	/* RTTs over which turns are forgotten */
#define SETTLED		8	/* calm RTTs until a step is told from jitter, */
#define ROUTE_STEP	MSEC(30)	/* of so much and four distances */
#define ALLOWED		2	/* distances */

void jitter_calm_rtt(struct jitter *j, nsec_t rtt)
{
	int64_t off = (int64_t)rtt - (int64_t)j->mean;

	/* so far off is no jitter but another route: what was known of the old one is no use */
	if (j->count >= SETTLED && (nsec_t)(off < 0 ? -off : off) > 4 * j->off + ROUTE_STEP)
		j->count = j->off = 0;
	if (j->count == 0) {
		j->mean = j->least = rtt;
		j->count = 1;
		return;
	}
	j->count += j->count < JITTER_CALM;
	j->least = nsec_min(j->least, rtt);
	j->mean = (nsec_t)((int64_t)j->mean + off / (int64_t)nsec_min(j->count, MEAN_GAIN));
	off = off < 0 ? -off : off;
	j->off = (nsec_t)((int64_t)j->off + (off - (int64_t)j->off) / (int64_t)j->count);
}

void jitter_rtt(struct jitter *j, nsec_t rtt)
{
	int64_t step = (int64_t)rtt - (int64_t)j->last_rtt, turn = step - j->last_step;

	if (j->last_rtt == 0)
		step = turn = 0;
	j->last_rtt = rtt;
	j->last_step = step;
	j->turns += j->turns < JITTER_TURNS;
	j->mean_turn += ((turn < 0 ? -turn : turn) / 2 - j->mean_turn) / (int64_t)j->turns;
	j->wander -= j->wander / MEMORY;
	j->wander = nsec_max(j->wander, (nsec_t)j->mean_turn);
}

nsec_t jitter_of(const struct jitter *j)
{
	return nsec_max(j->off, j->wander);
}

nsec_t jitter_unseen(const struct jitter *j)
{
	return nsec_since(j->off, j->wander);
}

nsec_t jitter_allowed(const struct jitter *j)
{
	return ALLOWED * j->off;
}

nsec_t jitter_when_full(const struct jitter *j)
{
	return j->mean - j->least + jitter_allowed(j);
}
