/*
 * model_udp: UDP packets of one size at a steady pace, one way, through the
 * tunnel or over a bare link, for nobody who answers.
 */
#ifndef TTT_SIM_MODEL_UDP_H
#define TTT_SIM_MODEL_UDP_H

#include "sim/samples.h"
#include "sim/sim.h"
#include "sim/stream.h"

#define MODEL_UDP_MIN	40	/* bytes of an IP packet: headers and what a stream tells */
#define MODEL_UDP_MAX	1900

struct model_udp;

struct model_udp_config {
	struct sim_via via;
	enum sim_direction direction;
	uint64_t rate;		/* bits per second of IP packets, not 0 */
	size_t len;		/* of an IP packet, MODEL_UDP_MIN to MODEL_UDP_MAX */
	uint8_t dscp;		/* as it is marked */
};

struct model_udp *model_udp_new(struct sim *s, const struct model_udp_config *config);
void model_udp_free(struct model_udp *u);	/* before sim_free */
void model_udp_stop(struct model_udp *u);	/* what is under way may still come */
struct stream_stats model_udp_stats(const struct model_udp *u);
/* One way, of each packet that came. */
struct samples *model_udp_latency(struct model_udp *u);

#endif
