/*
 * capacity: how much of ours a path carries, and how much of it is always lost.
 *
 * Believed is the largest delivery rate (delivery.h) of the last eight rounds that were
 * filled, as BBR does.  A round lasts until what was sent at its begin is
 * acknowledged; it is filled when there was always enough to send.
 *
 * What arrives in one round trip says little where those jitter.  So delivery is
 * measured over spans, too: rounds enough that jitter does not matter.  Where it
 * jitters only they count, and then the rate comes down only by evidence: bytes that
 * stay under way, or more loss than ever (decision 010).
 *
 *   acknowledged  ----+--------+--------+--------+--------+---->  bytes
 *                     '- round '- round '- round '- round '
 *                     '------- span ------------'-------- ...
 */
#ifndef TTT_CORE_PATH_CAPACITY_H
#define TTT_CORE_PATH_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "core/path/congestion.h"
#include "core/path/standing.h"
#include "core/path/window.h"

/* What the sender is about, which says what a sample is worth. */
enum capacity_use {
	CAPACITY_SOUGHT,	/* it sends far more than has arrived, to see how much can */
	CAPACITY_USED,
	CAPACITY_DRAINED,	/* it lets a queue drain: more comes than the path carries of ours */
};

struct capacity {
	uint16_t mtu;			/* bytes of the largest datagram; the owner sets it */
	struct window rate;		/* bytes per second, by filled rounds */
	struct window extra;		/* bytes acknowledged beyond that, likewise */
	nsec_t extra_since;
	uint64_t extra_acked;

	uint64_t delivered;		/* bytes, in all */
	uint64_t app_limited;		/* samples that began below this many had not enough to send */
	uint64_t round;			/* filled rounds so far: only those age the rate */
	uint64_t round_began;		/* delivered then */
	uint64_t round_lost;		/* bytes */
	nsec_t round_least;		/* standing RTT */

	struct {
		uint64_t began, flight;	/* delivered, and bytes under way, then */
		uint64_t lost;		/* bytes */
		nsec_t since;
		nsec_t sent;		/* when the newest was sent that had arrived then */
		nsec_t least;		/* standing RTT */
	} span;
	struct {			/* the one before, all 0 as long as there is none */
		nsec_t since;
		uint64_t rate;		/* bytes per second; */
		uint64_t measured;	/* and the larger of two where it jitters */
		double grew;		/* by so much of what arrived more was sent */
	} last;

	double loss;			/* share of what is sent that is always lost: 0 to 1 */
	struct window losses;		/* ppm, by batches */
	uint64_t batch, batch_lost, batch_acked;	/* their number; bytes of this one */
};

/* What a round brought that is over. */
struct capacity_round {
	bool filled;
	double loss;		/* share that was lost, */
	uint64_t lost;		/* and bytes */
	nsec_t least;		/* standing RTT */
};

void capacity_init(struct capacity *c, nsec_t now);
/* First of all of each ACK.  anew: the count goes on from before us, as it does when it has gone back. */
void capacity_count(struct capacity *c, const struct delivery_sample *sample, bool anew);
/* Then, once standing has an RTT, what the ACK says of the rate. */
void capacity_acked(struct capacity *c, const struct standing *q, const struct delivery_sample *sample,
		    enum capacity_use use);
/* And at last, whether it ends a round. */
bool capacity_ends_round(struct capacity *c, const struct standing *q, const struct congestion_ack *ack,
			 enum capacity_use use, struct capacity_round *ret);
/* That was a filled one, as fast as the path would take it: what is known of the rate grows old. */
void capacity_age(struct capacity *c);

void capacity_lost(struct capacity *c, uint32_t len);
/* There was nothing to send: what is under way now says how much we sent, not how much could arrive. */
void capacity_idle(struct capacity *c, uint64_t in_flight);
/* From here on it is this rate that is believed, until a larger one is measured. */
void capacity_set(struct capacity *c, uint64_t rate);
/* A queue has to go: less is believed when more was sent than arrived. */
void capacity_settle(struct capacity *c, const struct standing *q);

/* Bytes per second; 0: nothing is known yet. */
static inline uint64_t capacity_rate(const struct capacity *c)
{
	return window_get(&c->rate);
}

/* The time that one full packet takes; 0: nobody knows. */
static inline nsec_t capacity_packet(const struct capacity *c)
{
	uint64_t rate = capacity_rate(c);

	return rate != 0 ? c->mtu * NSEC_PER_SEC / rate : 0;
}

/* Bytes that arrive in that time. */
static inline uint64_t capacity_bytes(const struct capacity *c, nsec_t time)
{
	return (uint64_t)((double)capacity_rate(c) * (double)time / 1e9);
}

/* Bytes beyond those that ACKs may tell of at once, since they come in bunches (BBR §5.5.9). */
static inline uint64_t capacity_extra(const struct capacity *c)
{
	return window_get(&c->extra);
}

#endif
