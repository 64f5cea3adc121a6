/*
 * fixed: the controller for people who know their link: packets leave at the
 * rate that the user gave, or at once where he gave none.  It learns nothing.
 */
#include "core/path/congestion.h"

#define UNLIMITED	(UINT64_C(125000000))	/* what it claims without a rate: 1 Gbit/s */
#define BURST		MSEC(2)			/* that may leave at once after a pause */

struct fixed {
	uint64_t cap;
	nsec_t free_at;
};

static void fixed_set_config(void *state, const struct congestion_config *config, nsec_t now)
{
	struct fixed *f = state;

	(void)now;
	f->cap = config->rate;
}

static void fixed_sent(void *state, uint32_t len, uint64_t in_flight, nsec_t now)
{
	struct fixed *f = state;
	nsec_t floor = now > BURST ? now - BURST : 0;

	(void)in_flight;
	if (f->cap != 0)
		f->free_at = nsec_max(f->free_at, floor) + len * NSEC_PER_SEC / f->cap;
}

static void fixed_acked(void *state, const struct congestion_ack *ack)
{
	(void)state;
	(void)ack;
}

static void fixed_lost(void *state, uint32_t len, nsec_t sent_at, uint64_t in_flight, nsec_t now)
{
	(void)state;
	(void)len;
	(void)sent_at;
	(void)in_flight;
	(void)now;
}

static nsec_t fixed_send_at(const void *state, uint32_t len, uint64_t in_flight, nsec_t now)
{
	const struct fixed *f = state;

	(void)len;
	(void)in_flight;
	(void)now;
	return f->free_at;
}

static uint64_t fixed_rate(const void *state)
{
	const struct fixed *f = state;

	return f->cap != 0 ? f->cap : UNLIMITED;
}

const struct congestion_ops congestion_fixed = {
	.name = "fixed",
	.state_size = sizeof(struct fixed),
	.init = fixed_set_config,
	.set_config = fixed_set_config,
	.sent = fixed_sent,
	.acked = fixed_acked,
	.lost = fixed_lost,
	.send_at = fixed_send_at,
	.rate = fixed_rate,
};
