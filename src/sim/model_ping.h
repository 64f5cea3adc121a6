/*
 * model_ping: an ICMP echo of 84 bytes every 100 ms, through the tunnel or over a
 * bare link, answered at the server at once.
 */
#ifndef TTT_SIM_MODEL_PING_H
#define TTT_SIM_MODEL_PING_H

#include "sim/samples.h"
#include "sim/sim.h"

struct model_ping;

struct model_ping_stats {
	uint64_t sent, answered;
	nsec_t p50, p95, p99;		/* round trips */
	nsec_t longest_gap;		/* between two answers */
	nsec_t last_at;			/* when one came; 0: none has */
};

struct model_ping *model_ping_new(struct sim *s, const struct sim_via *via);
void model_ping_free(struct model_ping *p);	/* before sim_free */
void model_ping_stop(struct model_ping *p);
/* What was measured until now does not count. */
void model_ping_forget(struct model_ping *p);
struct model_ping_stats model_ping_stats(struct model_ping *p);
/* Every round trip. */
struct samples *model_ping_round_trips(struct model_ping *p);

#endif
