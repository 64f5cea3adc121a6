/*
 * model_tcp: one TCP connection with bulk data, at both ends of a via of the simulator.
 *
 * Who sends the data opens it, and sends for a time or a number of bytes.  The
 * packets are real IPv4 and TCP; sender and receiver do as Linux' do
 * (tcp_sender.h, tcp_receiver.h).
 */
#ifndef TTT_SIM_MODEL_TCP_H
#define TTT_SIM_MODEL_TCP_H

#include "sim/samples.h"
#include "sim/sim.h"

#define MODEL_TCP_SECONDS	600	/* of the series; what is later counts into the last */

struct model_tcp;

struct model_tcp_config {
	struct sim_via via;
	enum sim_direction direction;	/* of the data */
	nsec_t after;			/* from now until it begins */
	nsec_t duration;		/* 0: no end */
	uint64_t bytes;			/* 0: no end */
	size_t mtu;			/* 0: 1420 in the tunnel, 1500 on a bare link */
	bool no_times;			/* without TCP timestamps */
	bool no_hystart;
};

struct model_tcp_stats {
	uint64_t bytes;			/* to the reader, in order */
	uint64_t second[MODEL_TCP_SECONDS];	/* the same, by seconds since it began */
	uint64_t sent, resent;		/* segments; sent: resent ones too */
	unsigned recoveries, timeouts, undone;	/* undone: of both, as spurious */
	uint64_t duplicates, reordered;	/* segments, at the receiver */
	nsec_t longest_stall;		/* without anything for the reader, since the first byte */
	nsec_t last_at;			/* when there was something; 0: never */
	nsec_t connected_at, done_at;	/* since it began; 0: not yet.  done: all that was to be sent */
	uint32_t window, threshold;	/* segments, now */
	nsec_t srtt, rto;
};

struct model_tcp *model_tcp_new(struct sim *s, const struct model_tcp_config *config);
/* Before sim_free. */
void model_tcp_free(struct model_tcp *m);

struct model_tcp_stats model_tcp_stats(const struct model_tcp *m);
/* To the reader, so far. */
uint64_t model_tcp_bytes(const struct model_tcp *m);
/* Payload, Mbit/s, from second `from` up to `to`. */
double model_tcp_rate(const struct model_tcp *m, unsigned from, unsigned to);
/* Every round trip the sender measured. */
struct samples *model_tcp_round_trips(struct model_tcp *m);

#endif
