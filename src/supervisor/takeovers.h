/*
 * takeovers: whether a session begins anew so often that two machines may be taking it
 * from each other.
 *
 * A key belongs to one machine.  When a disk has been copied, each of the two finds
 * after a second that the other end does not know its keys any more, and takes the
 * session back; both tunnels are up, and hardly work.
 */
#ifndef TTT_TAKEOVERS_H
#define TTT_TAKEOVERS_H

#include <stdbool.h>

#include "base/units.h"

#define TAKEOVERS_MANY	8	/* in a minute: who moves, or is restarted, makes fewer */

/* Of one session; all zero: there was none. */
struct takeovers {
	nsec_t since;		/* the minute that is counted */
	unsigned count;
	nsec_t many_at;		/* when there were many last; 0: never */
};

/* It has begun anew.  True: too often by now. */
bool takeovers_note(struct takeovers *t, nsec_t now);
/* It was so within the last minute. */
bool takeovers_are_many(const struct takeovers *t, nsec_t now);

#endif
