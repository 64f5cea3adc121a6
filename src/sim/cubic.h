/*
 * cubic: a congestion window as Linux grows it: CUBIC (RFC 9438) with HyStart.
 *
 * After net/ipv4/tcp_cubic.c with its defaults; windows are in segments.  It
 * says how fast to grow and where to fall to; the window itself is the sender's.
 */
#ifndef TTT_SIM_CUBIC_H
#define TTT_SIM_CUBIC_H

#include <stdbool.h>

#include "base/units.h"

#define CUBIC_FAR	UINT32_MAX	/* a slow start threshold that nothing has set yet */

struct cubic {
	/* Open, for the sender. */
	uint32_t window, threshold;
	/* inside */
	bool hystart;
	double last_max, origin, k, friendly;
	nsec_t epoch, updated_at;	/* epoch 0: none has begun */
	uint32_t updated_window;
	double step;			/* acknowledged segments that a segment of growth costs */
	double acked, credit;
	nsec_t min_delay;
	/* HyStart: a round begins when what was sent in the last one is acknowledged */
	bool found;
	nsec_t round_at, train_at, round_delay;
	unsigned samples;
	uint64_t round_end;
};

/* What the sender knows when an acknowledgement comes; segments are numbered from 0. */
struct cubic_ack {
	nsec_t now, rtt;	/* rtt 0: no sample */
	uint64_t una, next;
};

void cubic_init(struct cubic *c, uint32_t window, bool hystart);
void cubic_sample(struct cubic *c, const struct cubic_ack *ack);
/* That many more arrived, and the window was what held the sender back. */
void cubic_grow(struct cubic *c, uint32_t segments, nsec_t now);
/* Something was lost: sets the threshold, leaves the window. */
void cubic_lost(struct cubic *c);
/* A timeout: all that was learnt is forgotten, but window and threshold. */
void cubic_forget(struct cubic *c);

static inline bool cubic_slow_start(const struct cubic *c)
{
	return c->window < c->threshold;
}

#endif
