/*
 * hands: who helps with work that falls into pieces which do not touch each other.
 *
 * The core makes no threads.  Who has some gives it hands (io/crew.h); a test
 * gives it such as work in another order.
 */
#ifndef TTT_BASE_HANDS_H
#define TTT_BASE_HANDS_H

#include <stddef.h>

#define HANDS_MAX	9	/* at work at once: the caller, and eight beside */

/* Do the items from `from` to before `to`.  hand, below hands.count: whose work this is; no other has that number now. */
typedef void hands_job(void *work, unsigned hand, size_t from, size_t to);

struct hands {
	/* Every one of `count` items is done once, by any hand, in any order; then it comes back. */
	void (*run)(void *ctx, hands_job *job, void *work, size_t count);
	void *ctx;
	unsigned count;		/* 2..HANDS_MAX; less: there are none, and run is not called */
	size_t worth;		/* bytes to be sealed or opened at once: fewer are not worth asking for help */
};

#endif
