/*
 * gauge: what links and ends of the tunnel are like, looked at once in a step, and added up.
 */
#ifndef TTT_SIM_TOOL_GAUGE_H
#define TTT_SIM_TOOL_GAUGE_H

#include "sim/samples.h"
#include "sim/sim.h"
#include "sim/tool/table.h"

struct sim_way;

/* One direction of a link. */
struct gauge_way {
	uint64_t carried_bytes;		/* as the simulator counts: now, and at the beginning */
	uint64_t from_bytes, from_lost, from_dropped;
	double could;			/* bits that it could have carried */
	size_t deepest;			/* packets in it */
};

struct gauge_link {
	struct gauge_way way[2];
	struct samples rtt;
};

/* What an end sends into the tunnel. */
struct gauge_end {
	uint64_t lost, lost_by[PATHS_MAX];	/* datagrams, as it judges; the last count of each path */
	uint64_t backlog;			/* most bytes that waited for a path */
};

/* Of the last step, for a series. */
struct gauge_step {
	double carried[SIM_LINKS][2], could[SIM_LINKS][2];	/* Mbit/s */
	double queue[SIM_LINKS][2];				/* packets */
	double rtt[SIM_LINKS];					/* ms; NAN: not known */
	double backlog[2];					/* kB, by direction */
};

struct gauge {
	struct sim *sim;
	size_t links;
	nsec_t at;
	struct gauge_link link[SIM_LINKS];
	struct gauge_end end[2];		/* by the direction of what it sends */
};

/* What was before does not count. */
void gauge_init(struct gauge *g, struct sim *s, size_t links);
void gauge_done(struct gauge *g);
void gauge_step(struct gauge *g, struct gauge_step *ret);

extern const struct table_column gauge_link_columns[], gauge_tunnel_columns[];
/* name: of each link, for people. */
void gauge_report_links(struct gauge *g, const char *const *name, struct table *ret);
void gauge_report_tunnel(const struct gauge *g, struct table *ret);

#endif
