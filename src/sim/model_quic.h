/*
 * model_quic: one QUIC connection with bulk data, at both ends of a via of the simulator.
 *
 * UDP packets inside; the sender does as RFC 9002 says (quic_sender.h), the
 * receiver acknowledges every second packet, or after 25 ms, and at once what
 * comes out of order (RFC 9000 §13.2), and gives its reader the stream in order.
 * Without handshake and cipher, but as large as with them.
 */
#ifndef TTT_SIM_MODEL_QUIC_H
#define TTT_SIM_MODEL_QUIC_H

#include "sim/samples.h"
#include "sim/sim.h"

#define MODEL_QUIC_SECONDS	600	/* of the series; what is later counts into the last */

struct model_quic;

struct model_quic_config {
	struct sim_via via;
	enum sim_direction direction;	/* of the data */
	size_t mtu;			/* of its IP packets; 0: 1420 in the tunnel, 1500 on a bare link */
	bool reno;			/* NewReno, not CUBIC */
};

struct model_quic_stats {
	uint64_t bytes;			/* to the reader, in order */
	uint64_t second[MODEL_QUIC_SECONDS];	/* the same, by seconds since it began */
	uint64_t sent, lost, spurious;	/* packets; lost: as the sender judges; of these, such as came */
	uint64_t losses;		/* windows lost */
	uint64_t reordered, deepest;	/* packets that came behind a later one, and by how many numbers */
	nsec_t longest_stall;		/* without anything for the reader, since the first byte */
	nsec_t last_at;			/* when there was something; 0: never */
	uint32_t window;		/* packets, now */
	nsec_t srtt;
};

struct model_quic *model_quic_new(struct sim *s, const struct model_quic_config *config);
/* Before sim_free. */
void model_quic_free(struct model_quic *m);
void model_quic_stop(struct model_quic *m);	/* nothing new; what is lost is still sent again */

struct model_quic_stats model_quic_stats(const struct model_quic *m);
/* To the reader, so far. */
uint64_t model_quic_bytes(const struct model_quic *m);
/* Stream data, Mbit/s, from second `from` up to `to`. */
double model_quic_rate(const struct model_quic *m, unsigned from, unsigned to);
/* Every round trip the sender measured, without what the receiver took for its ACKs. */
struct samples *model_quic_round_trips(struct model_quic *m);

#endif
