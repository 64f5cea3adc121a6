/* cubic: see cubic.h. */
#include "sim/cubic.h"

#include <math.h>

#define BETA		(717.0 / 1024.0)
#define C		0.4	/* segments per second^3 */
#define LOW_WINDOW	16	/* HyStart judges none below */
#define SAMPLES		8
#define TRAIN_GAP	MSEC(2)

void cubic_init(struct cubic *c, uint32_t window, bool hystart)
{
	*c = (struct cubic){ .window = window, .threshold = CUBIC_FAR, .hystart = hystart };
}

static void begin_round(struct cubic *c, const struct cubic_ack *ack)
{
	c->round_at = c->train_at = ack->now;
	c->round_end = ack->next;
	c->round_delay = NSEC_NEVER;
	c->samples = 0;
}

/* Acknowledgements that follow each other closely for half a round trip: the pipe is full. */
static bool train_is_long(struct cubic *c, nsec_t now)
{
	if (now - c->train_at > TRAIN_GAP)
		return false;
	c->train_at = now;
	return now - c->round_at > c->min_delay / 2;
}

/* The least delay of a round's first samples has grown: a queue builds up. */
static bool delay_grew(struct cubic *c, nsec_t rtt)
{
	c->round_delay = nsec_min(c->round_delay, rtt);
	if (c->samples < SAMPLES) {
		c->samples++;
		return false;
	}
	return c->round_delay > c->min_delay + nsec_clamp(c->min_delay / 8, MSEC(4), MSEC(16));
}

static void hystart(struct cubic *c, const struct cubic_ack *ack)
{
	bool train, delay;

	/* rounds are counted from the first on, so that one begins where a burst begins */
	if (c->round_at == 0 || ack->una > c->round_end)
		begin_round(c, ack);
	if (c->window < LOW_WINDOW)
		return;
	train = train_is_long(c, ack->now);
	delay = delay_grew(c, ack->rtt);
	if (train || delay) {
		c->found = true;
		c->threshold = c->window;
	}
}

void cubic_sample(struct cubic *c, const struct cubic_ack *ack)
{
	if (ack->rtt == 0 || (c->epoch != 0 && ack->now - c->epoch < SEC(1)))
		return;
	if (c->min_delay == 0 || ack->rtt < c->min_delay)
		c->min_delay = ack->rtt;
	if (c->hystart && !c->found && cubic_slow_start(c))
		hystart(c, ack);
}

static void begin_epoch(struct cubic *c, uint32_t segments, nsec_t now)
{
	c->epoch = now;
	c->acked = segments;
	c->friendly = c->window;
	if (c->last_max <= c->window) {
		c->k = 0;
		c->origin = c->window;
	} else {
		c->k = cbrt((c->last_max - c->window) / C);
		c->origin = c->last_max;
	}
}

/* What Reno with this beta would have by now. */
static void befriend(struct cubic *c)
{
	double per_segment = c->window * 15.0 / 8.0;

	while (c->acked > per_segment) {
		c->acked -= per_segment;
		c->friendly++;
	}
	if (c->friendly > c->window)
		c->step = fmin(c->step, c->window / (c->friendly - c->window));
}

static void update(struct cubic *c, uint32_t segments, nsec_t now)
{
	double t, target;

	c->acked += segments;
	if (c->updated_window == c->window && now - c->updated_at <= SEC(1) / 32)
		return;
	c->updated_window = c->window;
	c->updated_at = now;
	if (c->epoch == 0)
		begin_epoch(c, segments, now);
	t = (double)(now - c->epoch + c->min_delay) / (double)NSEC_PER_SEC - c->k;
	target = c->origin + C * t * t * t;
	c->step = target > c->window ? c->window / (target - c->window) : 100.0 * c->window;
	if (c->last_max == 0)
		c->step = fmin(c->step, 20);
	befriend(c);
	c->step = fmax(c->step, 2);
}

static uint32_t slow_start(struct cubic *c, uint32_t segments)
{
	uint32_t room = c->threshold - c->window;
	uint32_t taken = segments < room ? segments : room;

	c->window += taken;
	return segments - taken;
}

void cubic_grow(struct cubic *c, uint32_t segments, nsec_t now)
{
	if (cubic_slow_start(c))
		segments = slow_start(c, segments);
	if (segments == 0)
		return;
	update(c, segments, now);
	if (c->credit >= c->step) {
		c->credit = 0;
		c->window++;
	}
	c->credit += segments;
	if (c->credit >= c->step) {
		uint32_t more = (uint32_t)(c->credit / c->step);

		c->credit -= more * c->step;
		c->window += more;
	}
}

void cubic_lost(struct cubic *c)
{
	uint32_t threshold = (uint32_t)(c->window * BETA);

	c->epoch = 0;
	c->last_max = c->window < c->last_max ? c->window * (1 + BETA) / 2 : c->window;
	c->threshold = threshold > 2 ? threshold : 2;
}

void cubic_forget(struct cubic *c)
{
	*c = (struct cubic){ .window = c->window, .threshold = c->threshold, .hystart = c->hystart };
}
