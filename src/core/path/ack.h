/*
 * ack: which of the peer's datagrams have come on one path, and when to say so.
 *
 * An ACK goes out at once for a new gap, and for the first of a row that a router
 * marked; with every second packet while there are fewer than 200 ACKs a second;
 * else after the longest delay allowed.
 * Counts of marks are said until ACK_COUNTS_SAID ACKs have had them.
 * Memory: FRAME_ACK_RUNS runs; the oldest are forgotten.
 */
#ifndef TTT_CORE_PATH_ACK_H
#define TTT_CORE_PATH_ACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/frame.h"

#define ACK_DELAY_MAX	MSEC(5)
#define ACK_COUNTS_SAID	16	/* so many ACKs are hardly lost in a row */

struct ack {
	struct frame_run run[FRAME_ACK_RUNS];	/* newest first */
	size_t count;
	nsec_t largest_at;	/* when the largest came */
	nsec_t written_at;	/* when the last ACK was written */
	nsec_t due;		/* NSEC_NEVER: nothing to say */
	unsigned waiting;	/* datagrams that want an ACK and have none */
	struct ecn_counts counts;	/* what came with ECN, in all, */
	unsigned said;		/* and in so many ACKs since that changed */
	bool congested;		/* the last one was marked */
};

void ack_init(struct ack *a);
/*
 * A datagram has come, with such an IP header.  eliciting: it wants an ACK.
 * max_delay: how long one may wait.
 */
void ack_received(struct ack *a, uint64_t number, enum ecn ecn, bool eliciting, nsec_t max_delay, nsec_t now);
/* The peer waits for the ACK of what has come. */
void ack_at_once(struct ack *a, nsec_t now);
/* When an ACK must go; NSEC_NEVER: none. */
nsec_t ack_deadline(const struct ack *a);
/* Whether there is anything that an ACK could carry along. */
bool ack_is_waiting(const struct ack *a);
/* Bytes that ack_write takes at most. */
size_t ack_size(const struct ack *a);
/* Writes at most FRAME_ACK_MAX bytes; 0: nothing has ever come. */
size_t ack_write(struct ack *a, uint8_t path, uint8_t *at, nsec_t now);

#endif
