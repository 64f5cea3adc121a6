/*
 * model_call: what people notice, through the tunnel or over a bare link: a call and a ping.
 *
 * A call is 50 UDP packets of 200 bytes a second, each way, that look like RTP;
 * a ping is an ICMP echo every 100 ms, answered at the server at once.
 */
#ifndef TTT_SIM_MODEL_CALL_H
#define TTT_SIM_MODEL_CALL_H

#include "sim/samples.h"
#include "sim/sim.h"

struct model_call;
struct model_ping;

struct model_call_stats {
	uint64_t sent, received, duplicates;
	uint64_t late;			/* behind one that was sent after it */
	nsec_t p50, p95, p99;		/* one way */
	nsec_t longest_gap;		/* between two that came */
};

struct model_call *model_call_new(struct sim *s, const struct sim_via *via);
void model_call_free(struct model_call *c);	/* before sim_free */
void model_call_stop(struct model_call *c);	/* what is under way may still come */
struct model_call_stats model_call_stats(struct model_call *c, enum sim_direction direction);

struct model_ping_stats {
	uint64_t sent, answered;
	nsec_t p50, p95, p99;		/* round trips */
	nsec_t longest_gap;		/* between two answers */
};

struct model_ping *model_ping_new(struct sim *s, const struct sim_via *via);
void model_ping_free(struct model_ping *p);	/* before sim_free */
void model_ping_stop(struct model_ping *p);
/* What was measured until now does not count. */
void model_ping_forget(struct model_ping *p);
struct model_ping_stats model_ping_stats(struct model_ping *p);

#endif
