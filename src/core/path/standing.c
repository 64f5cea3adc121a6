/* standing: see standing.h. */
#include "core/path/standing.h"

#define MEMORY_MIN	MSEC(20)	/* of the standing RTT: a quarter of the floor, */
#define MEMORY_JITTERS	10		/* and so many distances */
#define FLOOR_JITTERS	3		/* so far below its mean the standing RTT comes by itself */
#define JITTERY		MSEC(3)		/* from here on the path is treated as noisy */
#define UNSURE		MSEC(50)	/* or a quarter of what is sure */
#define WAIT_GAIN	32		/* ACKs: a way that stalls is no reason to send more */
#define WAIT_OFFS	5

#define TARGET		MSEC(3)		/* of queue that may stand: keeps the path busy */
#define TARGET_PACKETS	6		/* or so many of ours: who has less of a shared path asks for more */
#define LIMIT_MIN	MSEC(5)		/* above the target: max(5 ms, 1/8 RTT), */
#define LIMIT_MAX	MSEC(12)	/* but not more than people notice */
#define LIMIT_PACKETS	3
#define PACKETS_MAX	MSEC(10)	/* what those packets may amount to on a slow path */
#define SLACK_MAX	MSEC(20)

/* --- what ACKs tell --------------------------------------------------------- */

static void take_clean(struct standing *q, nsec_t rtt, nsec_t now)
{
	nsec_t memory;

	if (q->floor == 0) {
		q->floor = q->base = q->sure = rtt;
		window_reset(&q->rtt, rtt, now);
	}
	jitter_rtt(&q->jitter, rtt, now);
	memory = nsec_max(nsec_max(q->floor / 4, MEMORY_MIN), MEMORY_JITTERS * jitter_of(&q->jitter));
	window_min(&q->rtt, memory, rtt, now);
	q->base = nsec_min(q->base, standing_rtt(q));
	q->floor = nsec_min(q->floor, standing_rtt(q) + standing_spread(q));
	q->sure = nsec_min(q->sure, q->floor);
}

static void take_wait(struct standing *q, nsec_t wait)
{
	nsec_t off = wait > q->wait ? wait - q->wait : q->wait - wait;

	q->wait_off = (nsec_t)((int64_t)q->wait_off + ((int64_t)off - (int64_t)q->wait_off) / WAIT_GAIN);
	q->wait = (nsec_t)((int64_t)q->wait + ((int64_t)wait - (int64_t)q->wait) / WAIT_GAIN);
}

void standing_acked(struct standing *q, nsec_t rtt, nsec_t clean, nsec_t now)
{
	take_clean(q, clean, now);
	take_wait(q, rtt - clean);
}

void standing_calm(struct standing *q, nsec_t rtt)
{
	jitter_calm_rtt(&q->jitter, rtt);
}

void standing_restart(struct standing *q, nsec_t clean, nsec_t now)
{
	window_reset(&q->rtt, clean, now);
}

/* --- what follows ----------------------------------------------------------- */

/* So many full packets, on the wire; on a slow path fewer, but one. */
static nsec_t packets(nsec_t one, unsigned count)
{
	return nsec_min(count * one, nsec_max(one, PACKETS_MAX));
}

nsec_t standing_room(const struct standing *q)
{
	return nsec_since(q->floor, jitter_when_full(&q->jitter, q->base));
}

nsec_t standing_target(const struct standing *q, nsec_t packet)
{
	return nsec_max(TARGET, packets(packet, TARGET_PACKETS)) + standing_room(q) + jitter_unseen(&q->jitter);
}

nsec_t standing_limit(const struct standing *q, nsec_t packet)
{
	return standing_target(q, packet) + nsec_clamp(q->floor / 8, LIMIT_MIN, LIMIT_MAX) +
	       packets(packet, LIMIT_PACKETS) + jitter_unseen(&q->jitter) +
	       nsec_since(jitter_allowed(&q->jitter), q->slack);
}

nsec_t standing_spread(const struct standing *q)
{
	return FLOOR_JITTERS * jitter_of(&q->jitter);
}

bool standing_is_jittery(const struct standing *q)
{
	return jitter_of(&q->jitter) > JITTERY;
}

nsec_t standing_wait(const struct standing *q)
{
	return q->wait + WAIT_OFFS * q->wait_off;
}

/* --- what a brake tells ----------------------------------------------------- */

bool standing_is_unsure(const struct standing *q, nsec_t floor)
{
	return floor > q->sure + nsec_max(UNSURE, q->sure / 4) + standing_spread(q);
}

void standing_raise(struct standing *q, nsec_t floor, bool sure)
{
	q->floor = floor;
	if (sure)
		q->sure = floor;
}

void standing_narrow(struct standing *q)
{
	q->slack -= q->slack / 8;
}

void standing_widen(struct standing *q)
{
	q->slack = nsec_min(q->slack + q->slack / 4 + jitter_of(&q->jitter) / 2, SLACK_MAX);
}
