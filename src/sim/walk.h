/*
 * walk: two links as they were on a real walk, Wi-Fi and cellular, and one TCP over both.
 *
 * A folder of walks has NAME_wifi.csv and NAME_cellular.csv for each (trace.h).
 * One way takes 10 and 30 ms, and 0.1 ms more for each seed; a link's router holds 500 packets; both directions
 * have what was recorded.  The tunnel is up before the walk begins.
 */
#ifndef TTT_SIM_WALK_H
#define TTT_SIM_WALK_H

#include "sim/sim.h"
#include "sim/trace.h"

#define WALK_NAME	64	/* bytes, with the NUL */
#define WALKS_MAX	64
#define WALK_BAR	0.90
#define WALK_STALL	MSEC(300)

struct walk {
	char name[WALK_NAME];
	struct trace wifi, cellular;
	nsec_t length;		/* of the shorter one */
};

/*
 * The walks of a folder, at most max, by name; gives how many, 0 when there are
 * none.  -1: one of them is none; error says which and why.
 */
int walk_load_all(const char *folder, struct walk *ret, size_t max, char error[TRACE_ERROR]);
void walk_done(struct walk *w);

struct walk_options {
	uint64_t seed;
	const char *strategy;
	enum sim_direction direction;
};

struct walk_score {
	/*
	 * Bytes that the TCP's reader got, of those that a TCP could have carried over
	 * both links: 0.957 of the recorded ones, as for the grid.
	 */
	double share;
	nsec_t stall;		/* the longest without anything for the reader, while a link carried anything */
	nsec_t ping;		/* p95 of a ping beside it */
	uint64_t resent;	/* segments, by the TCP */
};

struct walk_score walk_run(const struct walk *w, const struct walk_options *options);

#endif
