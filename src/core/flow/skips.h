/*
 * skips: ranges of lanes' numbers that will not come, until the other end knows.
 *
 * A path that dies takes runs of several lanes with it, in turns: a number joins
 * the range of its lane that it follows, if that is one of the last few.  What is
 * told is told in batches; a batch whose datagram is lost is told again, and only
 * that.  When there are more ranges than places the oldest is forgotten, and its
 * receiver waits for the deadline.
 */
#ifndef TTT_CORE_FLOW_SKIPS_H
#define TTT_CORE_FLOW_SKIPS_H

#include <stddef.h>
#include <stdint.h>

#define SKIPS_RANGES	1024
#define SKIPS_RANGE_MAX	1024	/* numbers in a range */
#define SKIPS_BATCHES	4096	/* then their numbers begin anew */

struct skips_range {
	uint16_t lane;
	uint32_t seq, count;
};

/* Zeroed: none. */
struct skips {
	struct {
		struct skips_range range;
		uint16_t batch;		/* in which it was told; 0: in none */
	} place[SKIPS_RANGES];
	uint32_t next;			/* where the next one goes, modulo SKIPS_RANGES */
	uint32_t untold;		/* how many are to be told */
	uint16_t batch;			/* the last one's number */
};

void skips_add(struct skips *s, unsigned lane, uint32_t seq);
/* The oldest that are to be told, at most max, which are told then; ret_batch: never 0. */
size_t skips_tell(struct skips *s, struct skips_range *ret, size_t max, uint16_t *ret_batch);
/* That batch did not arrive. */
void skips_repeat(struct skips *s, uint16_t batch);

#endif
