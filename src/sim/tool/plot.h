/*
 * plot: a series as a picture, drawn by gnuplot, which is run as a child.
 */
#ifndef TTT_SIM_TOOL_PLOT_H
#define TTT_SIM_TOOL_PLOT_H

#include <stdio.h>

#include "sim/tool/complaint.h"
#include "sim/tool/scenario.h"
#include "sim/tool/series.h"

/* Whether there is a gnuplot to run. */
bool plot_check(struct complaint *c);
/* The picture, as SVG, into f. */
bool plot_draw(FILE *f, const struct scenario *plan, const struct series *series, struct complaint *c);

/* What gnuplot is told: plot_script.c. */
void plot_script(FILE *f, const struct scenario *plan, const struct series *series);

#endif
