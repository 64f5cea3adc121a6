/*
 * report: what is printed of a scenario's runs.
 */
#ifndef TTT_SIM_TOOL_REPORT_H
#define TTT_SIM_TOOL_REPORT_H

#include <stdio.h>

#include "sim/tool/run.h"

/* plan->repeat outcomes. */
void report_print(FILE *f, const struct scenario *plan, const struct outcome *outcome);

#endif
