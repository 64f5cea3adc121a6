/*
 * worker_words: what a worker says on standard error, as lines of the supervisor's log.
 *
 * From its cage a worker reaches no log.  What comes is not to be trusted: a line is
 * cut at WORKER_WORD bytes, what is not printable becomes "?", each begins with
 * "worker: ", and after WORKER_WORDS lines in an hour the rest waits in the pipe, or
 * is lost to who says it; that is said once.  A worker that follows another one
 * does not begin to count anew.
 */
#ifndef TTT_WORKER_WORDS_H
#define TTT_WORKER_WORDS_H

#include "base/units.h"

#define WORKER_WORD	256	/* bytes of a line, with its NUL */
#define WORKER_WORDS	100	/* lines in an hour */

struct ev_loop;
struct worker_words;

/* What outlives a worker. */
struct worker_said {
	nsec_t since;		/* CLOCK_BOOTTIME; */
	unsigned lines;		/* logged since then */
	char last[WORKER_WORD];	/* the last line of the last worker; empty: it said nothing */
};

/* Reads fd, a non-blocking pipe, and takes it over; NULL: no memory, and fd stays the caller's. */
struct worker_words *worker_words_new(struct ev_loop *loop, int fd, const struct worker_said *before);
/* The worker is gone: what it said last is read, too.  NULL is nothing, and leaves *ret. */
void worker_words_end(struct worker_words *w, struct worker_said *ret);

#endif
