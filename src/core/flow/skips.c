/* skips: see skips.h. */
#include "core/flow/skips.h"

#include <stdbool.h>

#include "core/flow/lane.h"

#define LOOK_BACK	8	/* ranges that a number may join */

static bool is_untold(const struct skips *s, uint32_t at)
{
	return s->place[at % SKIPS_RANGES].range.count != 0 && s->place[at % SKIPS_RANGES].batch == 0;
}

/*
 * What is lost comes in order; a backlog is given up from its end, where each number
 * comes before the last one.  It may be in there already: another piece of the same packet.
 */
static bool take_in(struct skips_range *r, uint32_t seq)
{
	int32_t at = lane_seq_diff(seq, r->seq), count = (int32_t)r->count;

	if (at < -1 || at > count)
		return false;
	if (at >= 0 && at < count)
		return true;
	if (count == SKIPS_RANGE_MAX)
		return false;
	if (at < 0)
		r->seq = seq;
	r->count++;
	return true;
}

static bool join(struct skips *s, unsigned lane, uint32_t seq)
{
	for (uint32_t back = 1; back <= LOOK_BACK && back <= s->next; back++) {
		struct skips_range *r = &s->place[(s->next - back) % SKIPS_RANGES].range;

		if (is_untold(s, s->next - back) && r->lane == lane && take_in(r, seq))
			return true;
	}
	return false;
}

void skips_add(struct skips *s, unsigned lane, uint32_t seq)
{
	if (s->untold > 0 && join(s, lane, seq))
		return;
	s->untold += !is_untold(s, s->next);
	s->place[s->next % SKIPS_RANGES].range =
		(struct skips_range){ .lane = (uint16_t)lane, .seq = seq, .count = 1 };
	s->place[s->next++ % SKIPS_RANGES].batch = 0;
}

size_t skips_tell(struct skips *s, struct skips_range *ret, size_t max, uint16_t *ret_batch)
{
	size_t n = 0;

	s->batch = s->batch + 1 < SKIPS_BATCHES ? (uint16_t)(s->batch + 1) : 1;
	*ret_batch = s->batch;
	for (uint32_t i = 0; i < SKIPS_RANGES && n < max && s->untold > 0; i++) {
		uint32_t at = s->next + i;	/* the oldest is where the next one goes */

		if (!is_untold(s, at))
			continue;
		ret[n++] = s->place[at % SKIPS_RANGES].range;
		s->place[at % SKIPS_RANGES].batch = s->batch;
		s->untold--;
	}
	return n;
}

void skips_repeat(struct skips *s, uint16_t batch)
{
	for (uint32_t i = 0; i < SKIPS_RANGES && batch != 0; i++) {
		if (s->place[i].range.count == 0 || s->place[i].batch != batch)
			continue;
		s->place[i].batch = 0;
		s->untold++;
	}
}
