/*
 * crew: threads that help this one with work which falls into independent pieces
 * (base/hands.h), for as long as the call takes.
 *
 * They are made once and wait: a few microseconds awake, in case there is more,
 * then asleep.  Between two calls they touch nothing, so whoever calls crew_run
 * need not know that there are any.
 */
#ifndef TTT_IO_CREW_H
#define TTT_IO_CREW_H

#include "base/hands.h"

#define CREW_MAX	(HANDS_MAX - 1)

struct crew;

/* Threads that are worth having on this machine: one for each core beyond two that we may use, at most 4. */
unsigned crew_usual(void);

/*
 * Up to CREW_MAX threads, all of which have begun when it comes back: what they
 * call from then on is the futex, and whatever the jobs call.  They block all
 * signals.  0: *ret is the crew; else a negative errno.
 */
int crew_new(unsigned threads, struct crew **ret);
/* Ends them; NULL is nothing. */
void crew_free(struct crew *c);

/*
 * hands.run: the caller works, too, as hand 0, and alone where there are no
 * threads.  Called by one thread at a time.  No memory is asked for.
 */
void crew_run(void *crew, hands_job *job, void *work, size_t count);

#endif
