/*
 * series: figures over time: a row for every step, a column for what was measured.
 */
#ifndef TTT_SIM_TOOL_SERIES_H
#define TTT_SIM_TOOL_SERIES_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/sim.h"

#define SERIES_COLUMNS	96
#define SERIES_STEP	MSEC(100)

enum series_kind {
	SERIES_GOODPUT,		/* of a flow, Mbit/s */
	SERIES_LATENCY,		/* of a flow, ms: the slowest packet, or the mean of a TCP's round trips */
	SERIES_CARRIED,		/* by a link, Mbit/s */
	SERIES_CAPACITY,	/* that it could have carried */
	SERIES_QUEUE,		/* packets in it, those under way included */
	SERIES_RTT,		/* of a link, ms, as the client knows it */
	SERIES_BACKLOG,		/* bytes that wait for a link at an end, in kB */
};

struct series_column {
	enum series_kind kind;
	unsigned index;		/* of the flow or link, from 0 */
	enum sim_direction direction;
	char name[40];		/* in a CSV */
};

struct series {
	struct series_column column[SERIES_COLUMNS];
	size_t columns;
	double *value;		/* rows of columns; NAN: nothing */
	size_t rows, room;
};

struct series *series_new(void);
void series_free(struct series *s);
/* Before the first row. */
void series_column(struct series *s, enum series_kind kind, unsigned index,
		   enum sim_direction direction, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* A new row, of NANs. */
double *series_add(struct series *s);
double series_at(const struct series *s, size_t row, size_t column);
/* The column, or -1. */
int series_find(const struct series *s, enum series_kind kind, unsigned index,
		enum sim_direction direction);
void series_write(const struct series *s, FILE *f);

#endif
