/*
 * tcp_sender: the half of a TCP that sends, as Linux does it.
 *
 * Segments have one size and are numbered from 0; the bytes are model_tcp.c's.
 * CUBIC with HyStart (cubic.h), a SACK scoreboard, RACK with its reordering
 * window and timer (RFC 8985), tail loss probes, proportional rate reduction
 * (RFC 6937), a timeout of at least 200 ms beyond the round trip with backoff,
 * and undo of what was spurious, by DSACK or by timestamps.  Bursts are those
 * of TSO, without pacing.  No more is under way than a send buffer holds, which
 * with Linux' defaults is 4 MB.  The names in comments are those of net/ipv4/.
 */
#ifndef TTT_SIM_TCP_SENDER_H
#define TTT_SIM_TCP_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/cubic.h"

#define TCP_RING	8192u	/* more segments than the largest window */
#define TCP_BLOCKS	4

enum tcp_state { TCP_OPEN, TCP_DISORDER, TCP_RECOVERY, TCP_LOSS };

struct tcp_block {
	uint64_t from, to;	/* segments; to: the first behind it */
};

/* An acknowledgement, read. */
struct tcp_ack {
	uint64_t ack;
	uint64_t right;		/* first segment beyond the window */
	struct tcp_block block[TCP_BLOCKS];
	unsigned blocks;
	bool has_echo;
	nsec_t echo;		/* when what it answers was sent, to the millisecond */
};

/* A segment between una and next; times are a list, oldest first (tsorted_sent_queue). */
struct tcp_sent {
	nsec_t at;
	uint64_t delivered;	/* of all segments, when it was sent */
	uint64_t earlier, later;
	bool listed;
	bool sacked, lost, resent;	/* resent: and that is under way */
	bool ever_resent;
};

struct tcp_sender_stats {
	uint64_t sent, resent;		/* segments; sent: resent ones too */
	unsigned recoveries, timeouts, undone, probes;
};

struct tcp_sender {
	/* The caller's: put a segment onto the network, and note a round trip. */
	void (*send)(void *ctx, uint64_t segment);
	void (*sampled)(void *ctx, nsec_t rtt);
	void *ctx;
	size_t size;			/* bytes of a segment */
	uint64_t end;			/* segments there are to send; UINT64_MAX: no end */

	struct cubic cubic;
	enum tcp_state state;
	uint64_t una, next, right;
	uint64_t sacked, lost, resent;	/* segments so flagged */
	uint64_t delivered;
	uint64_t highest_sacked;	/* the first segment behind it */
	uint64_t lost_from;		/* none below is lost and not resent */
	struct tcp_block seen[TCP_BLOCKS];	/* the last ACK's blocks */
	unsigned seens;
	struct tcp_sent *ring;
	uint64_t first, last;		/* ends of the list by time */

	/* round trips */
	int64_t srtt8, mdev4, mdev_max, rttvar;	/* microseconds; as tcp_rtt_estimator scales them */
	uint64_t rtt_round;
	nsec_t min_rtt;
	unsigned backoff;
	nsec_t rto_at, probe_at, reorder_at;
	bool probed;

	/* RACK */
	nsec_t rack_sent_at, rack_rtt;
	uint64_t rack_segment;
	bool rack_advanced, reordering_seen, dsack_pending;
	uint32_t reordering;
	uint64_t reorder_delivered;
	unsigned reorder_steps, reorder_persist;

	/* recovery: up to where, PRR, and how to undo it */
	uint64_t high;
	uint32_t prior_window, prior_threshold;
	uint32_t prr_delivered, prr_out;
	uint64_t undo_from;
	bool undo;
	int64_t undo_resent;		/* not yet reported as DSACK; below 0: none was sent */
	nsec_t first_resent_at;		/* of this recovery; 0: none */

	bool window_limited, was_limited;
	uint64_t limit_round, most_out;
	nsec_t sent_at;
	struct tcp_sender_stats stats;
};

void tcp_sender_init(struct tcp_sender *t, size_t size, bool hystart);
void tcp_sender_done(struct tcp_sender *t);

/* The handshake is over: its round trip, and what the peer takes. */
void tcp_sender_start(struct tcp_sender *t, nsec_t rtt, uint64_t right, nsec_t now);
void tcp_sender_ack(struct tcp_sender *t, const struct tcp_ack *ack, nsec_t now);
nsec_t tcp_sender_due(const struct tcp_sender *t);
void tcp_sender_tick(struct tcp_sender *t, nsec_t now);

uint64_t tcp_sender_in_flight(const struct tcp_sender *t);	/* segments */
nsec_t tcp_sender_rto(const struct tcp_sender *t);

#endif
