/*
 * grid: the 16 pairs of links that ttt is measured by, and one run of a pair in the simulator.
 *
 * One TCP flow with Linux' defaults, client to server, and a ping beside it,
 * over the two links as netem would make them: queue of 1000 packets, jitter
 * of a normal distribution, Ethernet's 14 bytes counted by the rate.  Or a QUIC
 * flow, or the other direction, or both at once.
 */
#ifndef TTT_SIM_GRID_H
#define TTT_SIM_GRID_H

#include "sim/sim.h"

struct grid_link {
	unsigned delay, jitter;		/* ms, one way */
	unsigned rate;			/* Mbit/s */
	unsigned loss;			/* 1/1000 */
};

/* Of a TCP's payload, in Mbit/s, mean of seconds 5 to 20. */
struct grid_pair {
	const char *name;
	struct grid_link a, b;
	double capacity;
	double bar, goal;
	unsigned ping;			/* ms that its p95 may have above that of the better link, idle */
};

#define GRID_PAIRS	16
#define GRID_FROM	5		/* second; what comes before does not count */

extern const struct grid_pair grid_pair[GRID_PAIRS];

enum grid_flow { GRID_TCP, GRID_QUIC };

struct grid_options {
	uint64_t seed;
	const char *strategy;
	unsigned seconds;		/* more than GRID_FROM */
	enum sim_direction direction;
	bool both;			/* another flow goes the other way */
	enum grid_flow flow;
	bool watch;			/* print a line for every second */
	nsec_t warm_up;			/* before the load begins; 0: two seconds, all is known of the paths */
};

struct grid_plain {
	double rate;			/* from GRID_FROM on */
	double early;			/* seconds 1 to 3 */
};

/* Of the options' direction, where nothing else is said. */
struct grid_tunnel {
	double rate;			/* from GRID_FROM on */
	double back;			/* of the flow the other way; 0: there is none */
	double early;			/* seconds 1 to 3 */
	double late;			/* seconds 30 to 60; 0: it was no minute */
	nsec_t ping;			/* p95 */
	unsigned unanswered;		/* pings */
	nsec_t stall;			/* the longest without anything for the reader */
	uint64_t resent;		/* segments that the TCP sent again, packets that the QUIC thought lost */
	uint64_t deepest;		/* reordering that the QUIC saw: packets behind the newest */
	uint64_t lost;			/* datagrams on the links, as the sending end judges */
	uint64_t holes;			/* inner packets that never came: lost, and not repaired */
	uint64_t drops;			/* by the sending end, of inner packets */
	uint64_t aqm;			/* likewise, by its FQ-CoDel */
	uint64_t carried, missing;	/* inner packets that it took to send; of these, such as never came */
	double extra;			/* bytes that the links carried beyond one datagram for each, share */
};

/* NULL: no such pair. */
const struct grid_pair *grid_find(const char *name);
struct sim_way grid_way(const struct grid_link *link);
/* Its figures are of chance: a link jitters or loses. */
bool grid_is_random(const struct grid_pair *pair);

/* Without a tunnel, on one link alone: the p95 of a ping and nothing else, and TCP's rates. */
nsec_t grid_run_idle(const struct sim_way *way, const struct grid_options *options);
struct grid_plain grid_run_plain(const struct sim_way *way, const struct grid_options *options);
/* Through the tunnel over two. */
struct grid_tunnel grid_run_tunnel(const struct sim_way *a, const struct sim_way *b,
				   const struct grid_options *options);

#endif
