/*
 * quic_sender: the half of a QUIC connection that sends a stream (RFC 9002).
 *
 * What matters of QUIC behind a tunnel: every packet has a number of its own,
 * and is lost once one three numbers higher has arrived, or one that was sent
 * 9/8 of a round trip later; what was thought lost too early is not undone.  So
 * reordering deeper than 2 costs it a window, unlike a TCP of today.
 *
 * The stream is cut into chunks, one a packet, numbered from 0.  CUBIC (cubic.h)
 * or NewReno (RFC 9002 §7), HyStart++ (RFC 9406), paced at 5/4 of the window each
 * round trip (§7.7), probe timeouts (§6.2).  Times and bursts are those of the RFCs.
 */
#ifndef TTT_SIM_QUIC_SENDER_H
#define TTT_SIM_QUIC_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/frame.h"
#include "sim/cubic.h"

#define QUIC_RING	16384u	/* packets that may be under way */

struct quic_sent {
	nsec_t at;
	uint64_t chunk;
	enum { QUIC_SETTLED, QUIC_OUT, QUIC_LOST } state;
};

/* HyStart++: the round trips of a round, and of the one before. */
struct quic_start {
	uint64_t round_ends;		/* packet number */
	nsec_t least, last;		/* NSEC_NEVER: none yet */
	unsigned samples;
	unsigned cautious;		/* rounds of conservative slow start left; 0: not in it */
	nsec_t baseline;		/* least round trip when that began */
};

struct quic_sender {
	/* The caller's: put a packet onto the network. */
	void (*send)(void *ctx, uint64_t number, uint64_t chunk);
	void (*sampled)(void *ctx, nsec_t rtt);	/* NULL: no need */
	void *ctx;
	bool reno;

	struct quic_sent *ring;		/* by number modulo QUIC_RING */
	uint64_t next, oldest;		/* numbers: all below oldest are settled */
	uint64_t largest_acked;		/* valid once any_acked */
	bool any_acked;
	uint64_t in_flight;		/* packets */
	uint64_t next_chunk;
	uint64_t *again;		/* chunks to be sent again, a ring of QUIC_RING */
	uint64_t again_from, again_to;
	bool stopped;			/* nothing new is sent */

	struct cubic cubic;
	struct quic_start start;
	double credit;			/* of a packet of growth */
	nsec_t recovering_since;	/* what was sent before causes no further loss of window; 0: never */
	bool limited;			/* the window is what holds it back, at once or by its pace */

	nsec_t srtt, var, latest;	/* 0: no sample yet */
	nsec_t loss_at, probe_at;	/* NSEC_NEVER: not by time */
	unsigned probes;		/* timeouts in a row */
	nsec_t free_at;			/* pacing */

	uint64_t lost, spurious, losses;	/* packets; of these, such as came after all; windows lost */
};

void quic_sender_init(struct quic_sender *q, bool reno, nsec_t now);
void quic_sender_done(struct quic_sender *q);
/* Packets that the peer has, newest first; delay: that it took for saying so. */
void quic_sender_ack(struct quic_sender *q, const struct frame_run *run, size_t runs, nsec_t delay, nsec_t now);
nsec_t quic_sender_due(const struct quic_sender *q);
void quic_sender_tick(struct quic_sender *q, nsec_t now);

#endif
