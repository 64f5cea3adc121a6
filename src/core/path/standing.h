/*
 * standing: the queue of ours that stands on a path, and how much of one may.
 *
 * The standing RTT is the least clean one (transit.h) of the last quarter of a round
 * trip.  The floor is what it is when nothing of ours waits, and what is above that is
 * the queue.  The floor goes down at once with every smaller standing RTT; up it
 * goes only when somebody has tried in vain to drain what stood (brake.h).
 *
 * How much may stand follows from the path: a little keeps it busy, single RTTs of a
 * path that jitters say less, and on a slow one every packet is a queue.
 */
#ifndef TTT_CORE_PATH_STANDING_H
#define TTT_CORE_PATH_STANDING_H

#include <stdbool.h>

#include "base/units.h"
#include "core/path/jitter.h"
#include "core/path/window.h"

/* All zero: nothing is known. */
struct standing {
	struct window rtt;	/* the standing RTT, by time */
	nsec_t floor;		/* of it without a queue of ours; 0: no RTT yet, after one never 0 */
	nsec_t base;		/* the least ever */
	nsec_t sure;		/* floor that came by itself, or that a deep brake found */
	nsec_t slack;		/* every brake that found nothing makes the limit wider; at most 20 ms */
	struct jitter jitter;
	nsec_t wait, wait_off;	/* that answers took back beyond their least: mean, and distance */
};

/* An ACK's RTT as it was, and a clean one: 0 < clean <= rtt. */
void standing_acked(struct standing *q, nsec_t rtt, nsec_t clean, nsec_t now);
/* A clean RTT by PING, on a path without load. */
void standing_calm(struct standing *q, nsec_t rtt);
/* What stood before an outage is gone: a round trip takes so long now.  After the first one only. */
void standing_restart(struct standing *q, nsec_t clean, nsec_t now);

static inline nsec_t standing_rtt(const struct standing *q)
{
	return window_get(&q->rtt);
}

static inline nsec_t standing_queue(const struct standing *q)
{
	return nsec_since(q->floor, standing_rtt(q));
}

/* So far above the floor the standing RTT is by itself when the path is just full. */
nsec_t standing_room(const struct standing *q);
/* Up to the target a queue may stand.  packet: the time that a full one takes; 0: nobody knows. */
nsec_t standing_target(const struct standing *q, nsec_t packet);
/* Above the limit it has to go.  That is more than the target. */
nsec_t standing_limit(const struct standing *q, nsec_t packet);
/* So far below its mean the standing RTT comes by itself, */
nsec_t standing_spread(const struct standing *q);
/* and here one RTT, or one round's delivery rate, says little. */
bool standing_is_jittery(const struct standing *q);
/* Answers are held up on their way back for so long, and hardly ever longer. */
nsec_t standing_wait(const struct standing *q);

/* Would that be so far above what is sure that a light brake may have seen too little? */
bool standing_is_unsure(const struct standing *q, nsec_t floor);
/* Nothing of ours waits, and yet this is the standing RTT; sure: by a deep brake. */
void standing_raise(struct standing *q, nsec_t floor, bool sure);
/* A brake drained a queue, so the limit was right; or it found none, so the limit was too close. */
void standing_narrow(struct standing *q);
void standing_widen(struct standing *q);

#endif
