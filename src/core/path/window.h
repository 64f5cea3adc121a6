/*
 * window: the largest or smallest value of late, in constant memory.
 *
 * Keeps the best value and the two that would follow it when it grows too old
 * (Kathleen Nichols' filter, as in Linux' lib/win_minmax.c).  What counts as
 * time is the caller's: nanoseconds or rounds.
 */
#ifndef TTT_CORE_PATH_WINDOW_H
#define TTT_CORE_PATH_WINDOW_H

#include <stdint.h>

struct window {
	struct {
		uint64_t value, at;
	} best[3];	/* best first, each later than the one before */
};

/* Forget everything but this value. */
void window_reset(struct window *w, uint64_t value, uint64_t at);
/* Add a value and forget what is older than `length`. */
void window_max(struct window *w, uint64_t length, uint64_t value, uint64_t at);
void window_min(struct window *w, uint64_t length, uint64_t value, uint64_t at);

static inline uint64_t window_get(const struct window *w)
{
	return w->best[0].value;
}

#endif
