/*
 * stream: numbered packets that go one way, and what became of them.
 *
 * Whoever sends lets it write a number and the time into each packet; whoever
 * receives lets it read them.  Both ends are in one process, so latency is
 * one-way.
 */
#ifndef TTT_SIM_STREAM_H
#define TTT_SIM_STREAM_H

#include "sim/samples.h"

#define STREAM_TOLD	12	/* bytes that it writes */

struct stream_stats {
	uint64_t sent, received, duplicates;
	uint64_t late;			/* behind one that was sent after it */
	uint64_t deepest;		/* how many numbers the latest one came behind */
	nsec_t longest_gap;		/* between two that came */
	nsec_t last_at;			/* when one came; 0: none has */
};

struct stream {
	uint32_t next, newest;
	uint32_t *seen;			/* number + 1 of the last packet in that slot */
	size_t window;
	struct samples latency;
	struct stream_stats stats;
};

/* A copy that comes later than `window` packets counts as new. */
void stream_init(struct stream *s, size_t window);
void stream_done(struct stream *s);
/* Returns the number it wrote. */
uint32_t stream_tell(struct stream *s, uint8_t told[STREAM_TOLD], nsec_t now);
/* False: one that came before. */
bool stream_hear(struct stream *s, const uint8_t told[STREAM_TOLD], nsec_t now);

#endif
