/*
 * worker_words: what a worker says on standard error, as lines of the supervisor's log.
 *
 * From its cage a worker reaches no log.  What comes is not to be trusted: a line is
 * cut at WORKER_WORD bytes, what is not printable becomes "?", each begins with
 * "worker: ", and after WORKER_WORDS lines in an hour the rest waits in the pipe, or
 * is lost to who says it; that is said once.  All workers count together: one that
 * follows another, or takes over from it, does not begin anew.
 */
#ifndef TTT_WORKER_WORDS_H
#define TTT_WORKER_WORDS_H

#include "base/units.h"

#define WORKER_WORD	256	/* bytes of a line, with its NUL */
#define WORKER_WORDS	100	/* lines in an hour */

struct ev_loop;
struct worker_words;

/* What all workers have said; all 0: nothing. */
struct worker_said {
	nsec_t since;		/* CLOCK_BOOTTIME; */
	unsigned lines;		/* logged since then */
};

/*
 * Reads fd, a non-blocking pipe, and takes it over; said outlives it.  NULL: no memory,
 * and fd stays the caller's.
 */
struct worker_words *worker_words_new(struct ev_loop *loop, int fd, struct worker_said *said);
/*
 * The worker is gone: what it said last is read, too, and its last line is in ret; empty:
 * it said nothing.  NULL is nothing, and leaves ret.
 */
void worker_words_end(struct worker_words *w, char ret[WORKER_WORD]);

#endif
