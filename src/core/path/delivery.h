/*
 * delivery: how fast what we sent arrives (draft-cheng-iccrg-delivery-rate-estimation).
 *
 * Every datagram remembers what had been delivered when it left.  When its ACK
 * comes, what has been delivered since, over the time it took to send or to
 * acknowledge that, whichever is longer, is a sample of the path's rate: neither
 * a burst of ours nor one of ACKs makes it too large.
 *
 * Whether the sender had enough to say is the controller's matter.
 */
#ifndef TTT_CORE_PATH_DELIVERY_H
#define TTT_CORE_PATH_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

/* What a datagram remembers, in 12 bytes; both times are before it was sent. */
struct delivery_stamp {
	uint32_t delivered;	/* low bits */
	uint32_t since_ack;	/* microseconds: when that much had been delivered */
	uint32_t since_first;	/* microseconds: when the first of its flight was sent */
};

struct delivery {
	uint64_t delivered;	/* bytes */
	nsec_t delivered_at;
	nsec_t first_sent_at;
};

/* What one ACK told. */
struct delivery_sample {
	uint64_t acked;		/* bytes that are new with it */
	uint64_t delivered;	/* bytes in all, with these */
	uint64_t prior;		/* bytes in all when the newest of them was sent */
	nsec_t sent_at;		/* of the newest of them */
	nsec_t interval;	/* in which delivered - prior arrived; 0: it cannot say */
	nsec_t rtt;		/* its delay taken off; 0: the largest number was no news */
	nsec_t clean_rtt;	/* the same, but with the least time back: see transit.h */
	nsec_t at;		/* when the ACK would have come with that; never goes back */
};

/* in_flight: before this one. */
struct delivery_stamp delivery_sent(struct delivery *d, uint64_t in_flight, nsec_t now);
/* One datagram of an ACK has arrived, in any order; sample: has `at`, the rest zeroed before the first. */
void delivery_acked(struct delivery *d, const struct delivery_stamp *stamp, uint32_t len,
		    nsec_t sent_at, struct delivery_sample *sample);
/* The ACK is read. */
void delivery_finish(struct delivery *d, struct delivery_sample *sample);

/* Bytes per second; 0: it cannot say. */
static inline uint64_t delivery_rate(const struct delivery_sample *s)
{
	return s->interval != 0 ? (s->delivered - s->prior) * NSEC_PER_SEC / s->interval : 0;
}

#endif
