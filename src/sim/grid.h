/*
 * grid: the 16 pairs of links that ttt is measured by, and one run of a pair in the simulator.
 *
 * One TCP flow with Linux' defaults, client to server, and a ping beside it,
 * over the two links as netem would make them: queue of 1000 packets, jitter
 * of a normal distribution, Ethernet's 14 bytes counted by the rate.
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

struct grid_options {
	uint64_t seed;
	const char *strategy;
	unsigned seconds;		/* more than GRID_FROM */
	enum sim_direction direction;
	bool watch;			/* print a line for every second */
};

struct grid_tunnel {
	double rate;			/* from GRID_FROM on */
	double early;			/* seconds 1 to 3 */
	nsec_t ping;			/* p95 */
	unsigned unanswered;		/* pings */
	nsec_t stall;			/* the longest without anything for the reader */
	uint64_t resent;		/* segments, by the TCP */
	uint64_t lost;			/* datagrams on the links, as the sending end judges */
	uint64_t holes;			/* inner packets that never came: lost, and not repaired */
	uint64_t drops;			/* by the sending end, of inner packets */
};

/* NULL: no such pair. */
const struct grid_pair *grid_find(const char *name);
struct sim_way grid_way(const struct grid_link *link);

/* Without a tunnel, on one link alone: the p95 of a ping and nothing else, and TCP's rate. */
nsec_t grid_run_idle(const struct sim_way *way, const struct grid_options *options);
double grid_run_plain(const struct sim_way *way, const struct grid_options *options);
/* Through the tunnel over two. */
struct grid_tunnel grid_run_tunnel(const struct sim_way *a, const struct sim_way *b,
				   const struct grid_options *options);

#endif
