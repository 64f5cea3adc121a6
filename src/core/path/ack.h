/*
 * ack: which of the peer's datagrams have come on one path, and when to say so.
 *
 * An ACK goes out at once for a new gap, with every second packet while there
 * are fewer than 200 ACKs a second, else after the longest delay allowed.
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

struct ack {
	struct frame_run run[FRAME_ACK_RUNS];	/* newest first */
	size_t count;
	nsec_t largest_at;	/* when the largest came */
	nsec_t written_at;	/* when the last ACK was written */
	nsec_t due;		/* NSEC_NEVER: nothing to say */
	unsigned waiting;	/* datagrams that want an ACK and have none */
};

void ack_init(struct ack *a);
/* A datagram has come.  eliciting: it wants an ACK.  max_delay: how long one may wait. */
void ack_received(struct ack *a, uint64_t number, bool eliciting, nsec_t max_delay, nsec_t now);
/* When an ACK must go; NSEC_NEVER: none. */
nsec_t ack_deadline(const struct ack *a);
/* Whether there is anything that an ACK could carry along. */
bool ack_is_waiting(const struct ack *a);
/* Writes at most FRAME_ACK_MAX bytes; 0: nothing has ever come. */
size_t ack_write(struct ack *a, uint8_t path, uint8_t *at, nsec_t now);

#endif
