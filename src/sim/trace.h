/*
 * trace: recorded links, as steps of a rate for sim_way_follow().
 *
 * Two formats: `seconds,bytes`, what the link carried in the time that ends
 * there, a heading allowed; and mahimahi's, one millisecond per line, each an
 * opportunity to send 1504 bytes, after the last of which it begins anew.
 */
#ifndef TTT_SIM_TRACE_H
#define TTT_SIM_TRACE_H

#include "sim/sim.h"

#define TRACE_ERROR	160	/* bytes of a line that says what is wrong, with its NUL */
#define TRACE_LONGEST	86400	/* seconds */

struct trace {
	struct sim_rate *step;
	size_t count;
	nsec_t length;		/* as a period for sim_way_follow() */
};

/*
 * False: it is none, or one that never carries anything; ret is untouched and
 * error says what is wrong, and in which line.
 */
bool trace_read_csv(const char *text, struct trace *ret, char error[TRACE_ERROR]);
bool trace_read_mahimahi(const char *text, struct trace *ret, char error[TRACE_ERROR]);
/* Either, by its content. */
bool trace_load(const char *path, struct trace *ret, char error[TRACE_ERROR]);
void trace_done(struct trace *t);

/* What it could carry from its beginning. */
uint64_t trace_bytes(const struct trace *t, nsec_t length);

#endif
