/*
 * run: one run of a scenario: the simulator, its traffic, its events, and what was measured.
 */
#ifndef TTT_SIM_TOOL_RUN_H
#define TTT_SIM_TOOL_RUN_H

#include "sim/tool/scenario.h"
#include "sim/tool/series.h"
#include "sim/tool/table.h"

/* Tables of one run; those of another seed have the same rows. */
struct outcome {
	struct table flows, links, tunnel;
	bool silent[SCENARIO_LINKS];	/* it had not answered when second 0 began */
};

#define RUN_PATIENCE	SEC(30)		/* second 0 begins then at the latest */

/* series: an empty one, or NULL. */
void run_scenario(const struct scenario *plan, uint64_t seed, struct outcome *ret,
		  struct series *series);

#endif
