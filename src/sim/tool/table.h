/*
 * table: rows with a label and numbers, as text; of many runs: their mean, least and most.
 */
#ifndef TTT_SIM_TOOL_TABLE_H
#define TTT_SIM_TOOL_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS	12
#define TABLE_ROWS	20
#define TABLE_LABEL	64

struct table_column {
	const char *head;	/* NULL: no more columns */
	int places;		/* behind the point */
};

struct table_row {
	char label[TABLE_LABEL];
	double cell[TABLE_COLUMNS];	/* NAN: nothing to say */
};

struct table {
	const char *head;		/* above the labels */
	const struct table_column *column;	/* lives as long as the table; TABLE_COLUMNS at most */
	struct table_row row[TABLE_ROWS];
	size_t rows;
};

void table_init(struct table *t, const char *head, const struct table_column *column);
/* A row of nothing to say; the caller fills in what there is. */
double *table_add(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Tables of equal rows, one of each run.  A column where nobody says anything is left out. */
void table_print(FILE *f, const struct table *const *run, size_t runs);

#endif
