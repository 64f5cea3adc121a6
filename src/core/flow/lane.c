/* lane: see lane.h. */
#include "core/flow/lane.h"

unsigned lane_of(uint32_t flow)
{
	return flow % LANES;
}

uint32_t lane_take(struct lane_table *t, unsigned lane)
{
	uint32_t seq = t->next[lane];

	t->next[lane] = (seq + 1) & LANE_SEQ_MASK;
	return seq;
}

int32_t lane_seq_diff(uint32_t a, uint32_t b)
{
	uint32_t d = (a - b) & LANE_SEQ_MASK;

	return d & 1u << (LANE_SEQ_BITS - 1) ? (int32_t)d - (1 << LANE_SEQ_BITS) : (int32_t)d;
}
