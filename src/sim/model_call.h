/*
 * model_call: a call, through the tunnel or over a bare link: 50 UDP packets of
 * 200 bytes a second, each way, that look like RTP.
 */
#ifndef TTT_SIM_MODEL_CALL_H
#define TTT_SIM_MODEL_CALL_H

#include "sim/samples.h"
#include "sim/sim.h"
#include "sim/stream.h"

struct model_call;

struct model_call_stats {
	uint64_t sent, received, duplicates;
	uint64_t late;			/* behind one that was sent after it */
	nsec_t p50, p95, p99;		/* one way */
	nsec_t longest_gap;		/* between two that came */
};

#define MODEL_CALL_LEN	200

struct model_call *model_call_new(struct sim *s, const struct sim_via *via);
void model_call_free(struct model_call *c);	/* before sim_free */
void model_call_stop(struct model_call *c);	/* what is under way may still come */
struct model_call_stats model_call_stats(struct model_call *c, enum sim_direction direction);
/* The same without percentiles. */
struct stream_stats model_call_counts(const struct model_call *c, enum sim_direction direction);
/* One way, of each packet that came. */
struct samples *model_call_latency(struct model_call *c, enum sim_direction direction);

#endif
