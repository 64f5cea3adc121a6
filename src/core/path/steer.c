/*
 * steer: the controller that needs no settings.  It measures how fast the path
 * delivers, as BBR does (draft-ietf-ccwg-bbr), and steers the pacing rate around
 * that by the standing queue, as Copa does (Arun, Balakrishnan 2018).
 *
 *            a queue, or no growth              queue > limit
 *   STARTUP ------------------------> BRAKE <------------------ STEADY
 *        ^                            |   |                       ^
 *        '---- no queue of ours ------'   '--- drained, or so ----'
 *
 * This file leads from one phase to the next, and makes pacing and window out of what
 * others know:
 *
 *   standing.h   which part of a round trip is a queue of ours, and how much may stand
 *   capacity.h   what the path carries, and what of it is always lost
 *   search.h     STEADY: how far above that we send, to find more
 *   brake.h      BRAKE: whether what stands is ours; if not, it is no queue from then
 *                on, so that no regular PROBE_RTT is needed
 *
 * Loss alone is answered in three ways only: a share that never goes away is sent
 * on top, a rate that brings loss but no more delivery is not tried again soon,
 * and bursts that are lost end STARTUP.
 */
#include "core/path/congestion.h"

#include "core/path/brake.h"
#include "core/path/capacity.h"
#include "core/path/search.h"
#include "core/path/standing.h"

#define LEAST		10		/* packets a round trip: any path takes them (RFC 6928); */
#define LEAST_TIME	MSEC(50)	/* one of so long at least */
#define BURST		MSEC(3)		/* that may leave at once: timers and strategies are coarse */
#define HELD		MSEC(1)		/* who sends so soon after it may has waited for that */
#define INITIAL_WINDOW	32		/* packets, */
#define INITIAL_TIME	MSEC(25)	/* paced over this */
#define STARTUP_GAIN	2.2		/* BBR's 2.77 leaves 1.8 round trips of queue, this 1.2 */
#define FULL_GROWTH	1.25		/* less growth than this in three rounds: the path is full */
#define FULL_ROUNDS	3
#define FULL_LOSS	0.15		/* so much lost, and less growth than that: full at once */
#define FULL_LOST	32		/* or so many packets, of bursts that lose that much */

#define JITTERY_GAIN	0.99		/* of the rate that is believed: room for what jitter hides */
#define CROWDED		SEC(1)		/* or ten round trips above its target: a queue has to go */
#define LOSS_MAX	0.06		/* more is not made up for */

enum phase { STARTUP, STEADY, BRAKE };

struct steer {
	struct congestion_config config;
	enum phase phase;

	/* pacing */
	nsec_t free_at;
	uint64_t pacing;		/* bytes per second; never 0 */
	uint64_t window;		/* bytes that may be in flight */
	nsec_t window_full_at;		/* when it last held us back */

	/* what is known of the path */
	struct capacity capacity;
	struct standing standing;

	/* STARTUP */
	bool resumed;			/* after an outage, */
	uint64_t full_rate;		/* bytes per second that were still growth, */
	unsigned full_rounds;		/* and rounds since that brought no more */
	uint64_t bursts_lost;		/* bytes of late, of rounds that lost too much */

	/* STEADY */
	struct search search;
	nsec_t low_at;			/* when the queue was below its target, or nothing to send */

	struct brake brake;
};

static uint64_t bandwidth(const struct steer *s)
{
	return capacity_rate(&s->capacity);
}

static nsec_t target(const struct steer *s)
{
	return standing_target(&s->standing, capacity_packet(&s->capacity));
}

static nsec_t limit(const struct steer *s)
{
	return standing_limit(&s->standing, capacity_packet(&s->capacity));
}

/* After an outage STARTUP goes on from the rate of before: what comes back may be little. */
static uint64_t initial_window(const struct steer *s)
{
	return s->resumed ? 0 : INITIAL_WINDOW * (uint64_t)s->config.mtu;
}

/* --- what follows from what is known -------------------------------------- */

/* The share of what is sent that is sent on top, since so much is always lost. */
static double made_up(const struct steer *s, nsec_t now)
{
	if (search_is_held(&s->search, &s->standing, now))
		return 0;
	return s->capacity.loss < LOSS_MAX ? s->capacity.loss : LOSS_MAX;
}

static uint64_t capped(const struct steer *s, double rate)
{
	if (s->config.rate != 0 && rate > (double)s->config.rate)
		rate = (double)s->config.rate;
	return rate > 1000 ? (uint64_t)rate : 1000;
}

static void derive(struct steer *s, nsec_t now)
{
	double bw = (double)bandwidth(s), rate = 0, least;
	nsec_t floor = s->standing.floor, rtt = standing_rtt(&s->standing), stretch = 0;

	switch (s->phase) {
	case STARTUP:
		rate = (double)initial_window(s) * 1e9 / (double)INITIAL_TIME;
		if (rate < STARTUP_GAIN * bw)
			rate = STARTUP_GAIN * bw;
		stretch = (nsec_t)(STARTUP_GAIN * (double)rtt);
		break;
	case STEADY:
		rate = search_gain(&s->search, &s->standing, &s->capacity, now) * bw /
		       (1 - made_up(s, now));
		if (standing_is_jittery(&s->standing))
			rate *= JITTERY_GAIN;
		stretch = (nsec_t)((1.05 + s->search.up) * (double)floor) + 2 * limit(s);
		break;
	case BRAKE:
		rate = s->brake.gain * bw;
		stretch = nsec_max(floor, s->brake.light ? rtt : rtt / 2) + target(s);
		break;
	}
	/* so slow that not even a few packets are under way, it would never learn that there is more */
	least = (double)(LEAST * s->config.mtu) * 1e9 / (double)nsec_max(rtt, LEAST_TIME);
	s->pacing = capped(s, rate > least ? rate : least);
	stretch += standing_wait(&s->standing);
	s->window = capacity_bytes(&s->capacity, stretch) + capacity_extra(&s->capacity) +
		    4 * s->config.mtu;
	if (s->phase == STARTUP || floor == 0)
		s->window += initial_window(s);
}

/* --- phases ----------------------------------------------------------------- */

static void enter_brake(struct steer *s, nsec_t now)
{
	brake_begin(&s->brake, &s->standing, &s->capacity, s->phase == STARTUP, now);
	s->phase = BRAKE;
}

/* Was there a queue of ours?  If not, all is as before. */
static void leave_brake(struct steer *s, enum brake_state found, nsec_t now)
{
	double up = search_first(&s->standing, &s->capacity, s->brake.from_startup);

	brake_end(&s->brake, &s->standing, &s->capacity, found);
	if (found == BRAKE_IN_VAIN && s->brake.from_startup && s->full_rounds < FULL_ROUNDS) {
		s->phase = STARTUP;
		return;
	}
	search_begin(&s->search, up, &s->capacity, now);
	s->phase = STEADY;
	s->low_at = now;
}

static void on_startup_round(struct steer *s, const struct capacity_round *round, nsec_t now)
{
	if (bandwidth(s) >= FULL_GROWTH * s->full_rate) {
		s->full_rate = bandwidth(s);
		s->full_rounds = 0;
		return;
	}
	s->full_rounds++;
	if (s->full_rounds < FULL_ROUNDS && round->loss < FULL_LOSS)
		return;
	enter_brake(s, now);
}

static void on_filled_round(struct steer *s, const struct capacity_round *round, nsec_t now)
{
	if (s->phase != BRAKE)
		capacity_age(&s->capacity);
	switch (s->phase) {
	case STARTUP:
		on_startup_round(s, round, now);
		break;
	case STEADY:
		search_round(&s->search, &s->standing, &s->capacity, round, now);
		break;
	case BRAKE:
		brake_round(&s->brake, &s->standing, &s->capacity, s->pacing, now);
		break;
	}
}

/*
 * Who has not always enough to send sends in bursts at STARTUP's pace.  That is
 * too fast when much of them is lost, whatever their mean is.
 */
static void on_loose_startup_round(struct steer *s, nsec_t now)
{
	if (s->bursts_lost < FULL_LOST * (uint64_t)s->config.mtu)
		return;
	s->bursts_lost = 0;
	s->full_rounds = FULL_ROUNDS;
	enter_brake(s, now);
}

static void on_round(struct steer *s, const struct capacity_round *round, nsec_t now)
{
	s->bursts_lost = round->loss >= FULL_LOSS ? s->bursts_lost + round->lost : s->bursts_lost / 2;
	/* what STARTUP sent too fast is lost only after it */
	if (s->phase == BRAKE && round->loss >= FULL_LOSS)
		s->full_rounds = FULL_ROUNDS;
	if (round->filled)
		on_filled_round(s, round, now);
	else if (s->phase == STARTUP)
		on_loose_startup_round(s, now);
}

/* A queue below the limit that does not go. */
static bool is_crowded(const struct steer *s, nsec_t now)
{
	return nsec_since(s->low_at, now) >= nsec_max(10 * s->standing.floor, CROWDED);
}

/* What the queue asks for. */
static void check_queue(struct steer *s, nsec_t now)
{
	nsec_t q = standing_queue(&s->standing);
	enum brake_state found;

	switch (s->phase) {
	case STARTUP:
		if (q >= limit(s))
			enter_brake(s, now);
		break;
	case STEADY:
		if (q < target(s))
			s->low_at = now;
		if (q < limit(s) && !is_crowded(s, now))
			break;
		enter_brake(s, now);
		capacity_settle(&s->capacity, &s->standing);
		break;
	case BRAKE:
		found = brake_check(&s->brake, &s->standing, &s->capacity, now);
		if (found != BRAKE_ON)
			leave_brake(s, found, now);
		break;
	}
}

/* --- what ACKs tell --------------------------------------------------------- */

/* What samples are worth now.  The brake after STARTUP still has to learn the rate. */
static enum capacity_use use(const struct steer *s)
{
	if (s->phase == STARTUP)
		return CAPACITY_SOUGHT;
	return s->phase == BRAKE && !s->brake.from_startup ? CAPACITY_DRAINED : CAPACITY_USED;
}

static void steer_acked(void *state, const struct congestion_ack *ack)
{
	struct steer *s = state;
	const struct delivery_sample *sample = &ack->sample;
	struct capacity_round round;

	capacity_count(&s->capacity, sample, s->standing.floor == 0);
	if (ack->in_flight + sample->acked + 2 * s->config.mtu >= s->window)
		s->window_full_at = ack->now;
	if (sample->rtt != 0)
		standing_acked(&s->standing, sample->rtt, sample->clean_rtt, ack->now);
	if (s->standing.floor == 0)
		return;
	capacity_acked(&s->capacity, &s->standing, sample, use(s));
	brake_load(&s->brake, bandwidth(s), ack->now);
	if (capacity_ends_round(&s->capacity, &s->standing, ack, use(s), &round))
		on_round(s, &round, ack->now);
	check_queue(s, ack->now);
	derive(s, ack->now);
}

static void steer_lost(void *state, uint32_t len, nsec_t sent_at, uint64_t in_flight, nsec_t now)
{
	struct steer *s = state;

	(void)sent_at;
	(void)in_flight;
	(void)now;
	capacity_lost(&s->capacity, len);
}

/* --- sending ---------------------------------------------------------------- */

static void steer_set_config(void *state, const struct congestion_config *config, nsec_t now)
{
	struct steer *s = state;

	s->config = *config;
	s->capacity.mtu = config->mtu;
	derive(s, now);
}

static void steer_init(void *state, const struct congestion_config *config, nsec_t now)
{
	struct steer *s = state;

	s->free_at = s->window_full_at = now;
	capacity_init(&s->capacity, now);
	steer_set_config(state, config, now);
}

static void steer_sent(void *state, uint32_t len, uint64_t in_flight, nsec_t now)
{
	struct steer *s = state;
	nsec_t idle = nsec_since(nsec_max(s->free_at, s->window_full_at), now);

	/* neither the pacer nor the window held it back: there was nothing to send */
	if (idle > BURST) {
		capacity_idle(&s->capacity, in_flight);
		s->low_at = now;
	}
	if (idle < HELD)
		brake_held(&s->brake, now);
	s->free_at = nsec_max(s->free_at, now > BURST ? now - BURST : 0) +
		     len * NSEC_PER_SEC / s->pacing;
}

static nsec_t steer_send_at(const void *state, uint32_t len, uint64_t in_flight, nsec_t now)
{
	const struct steer *s = state;

	(void)now;
	return in_flight != 0 && in_flight + len > s->window ? NSEC_NEVER : s->free_at;
}

static uint64_t steer_rate(const void *state)
{
	const struct steer *s = state;

	return capped(s, bandwidth(s) != 0 ? (double)bandwidth(s) : (double)s->pacing);
}

static bool steer_untried(const void *state)
{
	const struct steer *s = state;

	return s->phase == STARTUP && !s->resumed;
}

static void steer_probed(void *state, nsec_t rtt, bool calm, nsec_t now)
{
	struct steer *s = state;

	(void)now;
	if (calm)
		standing_calm(&s->standing, rtt);
}

static void steer_resumed(void *state, nsec_t rtt, nsec_t now)
{
	struct steer *s = state;

	if (s->standing.floor == 0)
		return;
	standing_restart(&s->standing, rtt, now);
	s->phase = STARTUP;
	s->resumed = true;
	s->full_rate = bandwidth(s);
	s->full_rounds = 0;
	s->bursts_lost = 0;
	derive(s, now);
}

static nsec_t steer_jitter(const void *state)
{
	const struct steer *s = state;

	return jitter_own(&s->standing.jitter);
}

const struct congestion_ops congestion_steer = {
	.name = "steer",
	.state_size = sizeof(struct steer),
	.init = steer_init,
	.set_config = steer_set_config,
	.sent = steer_sent,
	.acked = steer_acked,
	.lost = steer_lost,
	.send_at = steer_send_at,
	.rate = steer_rate,
	.untried = steer_untried,
	.probed = steer_probed,
	.resumed = steer_resumed,
	.jitter = steer_jitter,
};

_Static_assert(sizeof(struct steer) <= CONGESTION_STATE, "a path has no room for more");
