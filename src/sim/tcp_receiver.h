/*
 * tcp_receiver: the half of a TCP that receives, as Linux does it.
 *
 * Every second segment is acknowledged, the others after 40 ms; the first ones
 * and whatever is out of order at once (three times, then compressed to one
 * in a millisecond or 1/20 of the round trip); SACK with the newest block
 * first, DSACK for what came twice.  The window follows what a round trip
 * brings (dynamic right-sizing), up to 6 MB.  The reader takes all at once.
 */
#ifndef TTT_SIM_TCP_RECEIVER_H
#define TTT_SIM_TCP_RECEIVER_H

#include "sim/tcp_sender.h"

#define TCP_WINDOW_MAX	6000000u

struct tcp_receiver {
	/* The caller's: say what is known now. */
	void (*reply)(void *ctx);
	void *ctx;
	size_t size;

	uint64_t next;			/* all below have come */
	uint64_t acked;			/* said so */
	uint8_t *held;			/* one bit per segment of TCP_RING, beyond next */
	uint64_t holds;			/* bits set */
	struct tcp_block block[TCP_BLOCKS];	/* newest first */
	unsigned blocks;
	struct tcp_block twice;		/* to: 0: nothing to report */
	unsigned quick;			/* that many more ACKs without delay */
	unsigned at_once, compressed;	/* ACKs since next last went on */
	nsec_t delayed_at, compressed_at;

	/* the window, in bytes */
	uint64_t window, copied_window;
	nsec_t rtt, round_at;
	uint64_t round_next;

	uint64_t duplicates, reordered;
};

void tcp_receiver_init(struct tcp_receiver *r, size_t size);
void tcp_receiver_done(struct tcp_receiver *r);
/* rtt: what its timestamp says, or 0. */
void tcp_receiver_take(struct tcp_receiver *r, uint64_t segment, nsec_t rtt, nsec_t now);
/* What to tell; at most max blocks.  It counts as told. */
void tcp_receiver_tell(struct tcp_receiver *r, unsigned max, struct tcp_ack *ret);
nsec_t tcp_receiver_due(const struct tcp_receiver *r);
void tcp_receiver_tick(struct tcp_receiver *r, nsec_t now);

#endif
