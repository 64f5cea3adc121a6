/*
 * report: what the worker says of itself, message by message, as a status.
 */
#ifndef TTT_REPORT_H
#define TTT_REPORT_H

#include "control/message.h"
#include "control/status.h"

struct report {
	uint32_t id;		/* of the request that is being answered */
	nsec_t now;		/* the worker's, which ages are counted from */
	struct status status;	/* peers, paths, drops, pool: the rest is the supervisor's */
};

/* Take a STATUS… message; true: it was the last of the request, the status is whole. */
bool report_take(struct report *r, const struct message *m);
void report_done(struct report *r);

#endif
