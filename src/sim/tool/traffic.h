/*
 * traffic: one flow of a scenario, alive: the model behind it, and its figures.
 */
#ifndef TTT_SIM_TOOL_TRAFFIC_H
#define TTT_SIM_TOOL_TRAFFIC_H

#include "sim/tool/scenario.h"
#include "sim/tool/table.h"

struct model_tcp;
struct model_quic;
struct model_call;
struct model_ping;
struct model_udp;

struct traffic {
	const struct scenario_flow *plan;
	nsec_t end;		/* of the simulation, on its clock */
	/* the one of its kind; NULL before it starts */
	struct model_tcp *tcp;
	struct model_quic *quic;
	struct model_call *call;
	struct model_ping *ping;
	struct model_udp *udp;
	nsec_t started_at;
	size_t seen[2];		/* samples that traffic_latency has looked at, by direction */
	double *cell[2];	/* its rows of the report, by direction; NULL: none */
};

/* Asks the simulator for its start and its stop; zero is second 0 on its clock. */
void traffic_plan(struct traffic *t, const struct scenario_flow *plan, struct sim *s, nsec_t zero,
		  nsec_t end);
/* Before sim_free. */
void traffic_done(struct traffic *t);

/* Whether it goes that way; a ping counts as up. */
bool traffic_goes(const struct traffic *t, enum sim_direction direction);
/* To whoever reads them, so far: payload of a TCP or QUIC, IP packets of the others, nothing of a ping. */
uint64_t traffic_bytes(const struct traffic *t, enum sim_direction direction);
/* Milliseconds, of what came since it was asked last: a TCP's or QUIC's mean, else the slowest; NAN: nothing. */
double traffic_latency(struct traffic *t, enum sim_direction direction);

extern const struct table_column traffic_columns[];
/*
 * At the end: its rows, which must stay, and what does not wait for anything
 * that is under way.  Whatever it sent by itself it sends no more.
 */
void traffic_report(struct traffic *t, unsigned number, struct sim *s, struct table *ret);
/* When what was under way has come: the rest.  Sorts the samples. */
void traffic_settle(struct traffic *t);

#endif
