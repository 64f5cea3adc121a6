/*
 * idle: why a link carries nothing now, in words, from what status says of all
 * of them.  The engine decides; this only tells.
 */
#ifndef TTT_IDLE_H
#define TTT_IDLE_H

#include "control/status.h"

/*
 * For a link that is there: fills link->reason, or leaves it empty: it may carry
 * something.  no_path: why it has no path to the server, if that is known.
 */
void idle_say_why(struct status_link *link, const struct status *status, const char *no_path);

#endif
