/*
 * trace: recorded links, as steps of a rate for sim_way_follow().
 *
 * Two formats: `seconds,bytes`, what the link carried in the second that ends
 * there (the walks of traces/); and mahimahi's, one millisecond per line, each
 * an opportunity to send 1504 bytes.
 */
#ifndef TTT_SIM_TRACE_H
#define TTT_SIM_TRACE_H

#include "sim/sim.h"

struct trace {
	struct sim_rate *step;
	size_t count;
	nsec_t length;		/* as a period for sim_way_follow() */
};

/* False: nothing in it that could be a trace; ret is untouched. */
bool trace_read_csv(const char *text, struct trace *ret);
bool trace_read_mahimahi(const char *text, struct trace *ret);
/* Either, by its content. */
bool trace_load(const char *path, struct trace *ret);
void trace_done(struct trace *t);

/* What it could carry from its beginning. */
uint64_t trace_bytes(const struct trace *t, nsec_t length);

#endif
