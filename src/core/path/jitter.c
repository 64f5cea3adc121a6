/* jitter: see jitter.h. */
#include "core/path/jitter.h"

#include <stdbool.h>

#define MEAN_GAIN	16	/* calm RTTs over which the mean averages */
#define MEMORY		SEC(10)	/* over which turns are forgotten */
#define TURNS_MOST	4	/* times its mean, and */
#define TURN_LEAST	MSEC(3)	/* is the most that one turn counts: a link that stalls does not jitter */
#define SETTLED		8	/* calm RTTs until they say enough by themselves, and a step is told from jitter, */
#define ROUTE_STEP	MSEC(30)	/* of so much and four distances */
#define STRAYED		3	/* in a row */
#define STEPS_KNOWN	3	/* calm RTTs before the one that makes the third step */
#define STEPS		3	/* the distance is less than so many mean steps: it is 1.6 to 2 where it is jitter */
#define ALLOWED		2	/* distances */
#define SPREAD		5	/* distances below the mean is the least of very many, and no shorter route */

static nsec_t distance(nsec_t a, nsec_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * A route that changes leaves a distance from the mean for long, though each RTT
 * is as the one before, and one wild RTT makes two steps.  Of what jitters all three
 * in a row are large.
 */
static void take_step(struct jitter *j, nsec_t rtt)
{
	nsec_t step = distance(rtt, j->last_calm);
	int64_t least = (int64_t)nsec_min(step, nsec_min(j->calm_step[0], j->calm_step[1]));

	if (j->steps >= STEPS_KNOWN)
		j->mean_step += (least - j->mean_step) / (int64_t)(j->steps - STEPS_KNOWN + 1);
	j->steps += j->steps < JITTER_CALM;
	j->last_calm = rtt;
	j->calm_step[1] = j->calm_step[0];
	j->calm_step[0] = step;
}

/* Mean distance of a calm RTT from the mean. */
static nsec_t calm_jitter(const struct jitter *j)
{
	return j->steps <= STEPS_KNOWN ? j->off : nsec_min(j->off, STEPS * (nsec_t)j->mean_step);
}

/*
 * So far off is no jitter, but a link that stalls, which tells nothing, or another
 * route when it stays: then what was known of the old one is no use.
 */
static bool is_another_route(struct jitter *j, nsec_t off)
{
	j->strayed = off > 4 * calm_jitter(j) + ROUTE_STEP ? j->strayed + 1 : 0;
	if (j->strayed < STRAYED)
		return false;
	j->strayed = 0;
	return true;
}

void jitter_calm_rtt(struct jitter *j, nsec_t rtt)
{
	int64_t from_mean = (int64_t)rtt - (int64_t)j->mean, off = (int64_t)distance(rtt, j->mean);

	take_step(j, rtt);
	if (j->count >= SETTLED && is_another_route(j, (nsec_t)off))
		j->count = j->off = 0;
	else if (j->strayed != 0)
		return;
	if (j->count == 0) {
		j->mean = j->least = rtt;
		j->count = 1;
		return;
	}
	j->count += j->count < JITTER_CALM;
	j->least = nsec_min(j->least, rtt);
	j->mean = (nsec_t)((int64_t)j->mean + from_mean / (int64_t)nsec_min(j->count, MEAN_GAIN));
	j->off = (nsec_t)((int64_t)j->off + (off - (int64_t)j->off) / (int64_t)j->count);
}

void jitter_rtt(struct jitter *j, nsec_t rtt, nsec_t now)
{
	int64_t step = (int64_t)rtt - (int64_t)j->last_rtt, turn = step - j->last_step;
	int64_t most = TURNS_MOST * (int64_t)nsec_max((nsec_t)j->mean_turn, j->off) + (int64_t)TURN_LEAST;

	if (j->last_rtt == 0)
		step = turn = 0;
	j->last_rtt = rtt;
	j->last_step = step;
	j->turns += j->turns < JITTER_TURNS;
	turn = (turn < 0 ? -turn : turn) / 2;
	j->mean_turn += ((turn < most ? turn : most) - j->mean_turn) / (int64_t)j->turns;
	j->wander -= j->wander * nsec_min(nsec_since(j->turned_at, now) / NSEC_PER_USEC, MEMORY / NSEC_PER_USEC) / (MEMORY / NSEC_PER_USEC);
	j->turned_at = now;
	j->wander = nsec_max(j->wander, (nsec_t)j->mean_turn);
}

nsec_t jitter_of(const struct jitter *j)
{
	return nsec_max(calm_jitter(j), j->wander);
}

nsec_t jitter_own(const struct jitter *j)
{
	return j->count >= SETTLED ? calm_jitter(j) : jitter_of(j);
}

nsec_t jitter_unseen(const struct jitter *j)
{
	return nsec_since(calm_jitter(j), j->wander);
}

nsec_t jitter_allowed(const struct jitter *j)
{
	return ALLOWED * calm_jitter(j);
}

nsec_t jitter_when_full(const struct jitter *j, nsec_t base)
{
	nsec_t shorter = nsec_since(base, nsec_since(SPREAD * calm_jitter(j), j->mean));

	return nsec_max(base + j->mean - j->least, nsec_since(shorter, j->mean)) + jitter_allowed(j);
}
