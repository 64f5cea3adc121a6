/*
 * lane: the sender's slots, each with its own sequence numbers.
 *
 * A lane carries one inner flow, so that a hole delays only that flow.  The
 * flow's hash picks the slot; a slot's sequence goes on when another flow
 * takes it, so the receiver never needs to know which flow it is.
 */
#ifndef TTT_CORE_FLOW_LANE_H
#define TTT_CORE_FLOW_LANE_H

#include <stdint.h>

#include "base/units.h"

#define LANES		1024		/* 10 bits on the wire */
#define LANE_SEQ_BITS	22
#define LANE_SEQ_MASK	((1u << LANE_SEQ_BITS) - 1)

struct lane_table {
	uint32_t next[LANES];	/* sequence number of the lane's next packet */
};

/* The lane of a flow's hash. */
unsigned lane_of(uint32_t flow);
/* Takes the lane's next sequence number, below 2^22; wraps. */
uint32_t lane_take(struct lane_table *t, unsigned lane);

/* a - b on the circle of 2^22, -2^21 .. 2^21 - 1. */
int32_t lane_seq_diff(uint32_t a, uint32_t b);

#endif
