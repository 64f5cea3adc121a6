/* table: see table.h. */
#include "sim/tool/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "sim/must.h"

enum what { MEAN, LEAST, MOST };

static const char *const what_name[] = { [MEAN] = "mean", [LEAST] = "min", [MOST] = "max" };

/* What is printed: tables of the same shape, and which figure of them. */
struct view {
	const struct table *const *run;
	size_t runs;
};

void table_init(struct table *t, const char *head, const struct table_column *column)
{
	*t = (struct table){ .head = head, .column = column };
}

double *table_add(struct table *t, const char *format, ...)
{
	struct table_row *row = &t->row[t->rows];
	va_list args;

	must(t->rows < TABLE_ROWS, "a table with too many rows");
	va_start(args, format);
	vsnprintf(row->label, sizeof(row->label), format, args);
	va_end(args);
	for (size_t i = 0; i < TABLE_COLUMNS; i++)
		row->cell[i] = NAN;
	t->rows++;
	return row->cell;
}

/* NAN: no run says anything. */
static double figure(const struct view *v, size_t row, size_t column, enum what what)
{
	double result = NAN, sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < v->runs; i++) {
		double cell = v->run[i]->row[row].cell[column];

		if (isnan(cell))
			continue;
		sum += cell;
		count++;
		if (isnan(result) || (what == LEAST ? cell < result : cell > result))
			result = cell;
	}
	return what == MEAN && count > 0 ? sum / (double)count : result;
}

static void cell_text(const struct view *v, size_t row, size_t column, enum what what, char ret[32])
{
	double value = figure(v, row, column, what);
	/* a count's mean is no count */
	int places = v->run[0]->column[column].places + (what == MEAN && v->runs > 1 &&
							 v->run[0]->column[column].places == 0);

	if (isnan(value))
		strcpy(ret, "-");
	else
		snprintf(ret, 32, "%.*f", places, value);
}

static size_t whats(const struct view *v)
{
	return v->runs > 1 ? 3 : 1;
}

/* 0: nothing in it. */
static size_t column_width(const struct view *v, size_t column)
{
	size_t width = strlen(v->run[0]->column[column].head);
	bool any = false;
	char text[32];

	for (size_t row = 0; row < v->run[0]->rows; row++)
		for (size_t what = 0; what < whats(v); what++) {
			cell_text(v, row, column, (enum what)what, text);
			any |= strcmp(text, "-") != 0;
			width = strlen(text) > width ? strlen(text) : width;
		}
	return any ? width : 0;
}

/* Columns on a terminal, not bytes: ± is one. */
static size_t label_width(const char *label)
{
	size_t width = 0;

	for (; *label != '\0'; label++)
		width += ((unsigned char)*label & 0xc0) != 0x80;
	return width;
}

static void print_label(FILE *f, const char *label, size_t width)
{
	fprintf(f, "%s%*s", label, (int)(width - label_width(label)), "");
}

static void print_row(FILE *f, const struct view *v, size_t row, enum what what, const size_t *width,
		      size_t label)
{
	char text[32];

	print_label(f, what == MEAN ? v->run[0]->row[row].label : "", label);
	if (v->runs > 1)
		fprintf(f, "  %-4s", what_name[what]);
	for (size_t i = 0; v->run[0]->column[i].head != NULL; i++) {
		if (width[i] == 0)
			continue;
		cell_text(v, row, i, what, text);
		fprintf(f, "  %*s", (int)width[i], text);
	}
	fputc('\n', f);
}

void table_print(FILE *f, const struct table *const *run, size_t runs)
{
	const struct view v = { run, runs };
	const struct table *t = run[0];
	size_t width[TABLE_COLUMNS], label = label_width(t->head);

	for (size_t i = 0; i < t->rows; i++)
		label = label_width(t->row[i].label) > label ? label_width(t->row[i].label) : label;
	print_label(f, t->head, label);
	fprintf(f, "%s", runs > 1 ? "      " : "");
	for (size_t i = 0; t->column[i].head != NULL; i++) {
		width[i] = column_width(&v, i);
		if (width[i] != 0)
			fprintf(f, "  %*s", (int)width[i], t->column[i].head);
	}
	fputc('\n', f);
	for (size_t row = 0; row < t->rows; row++)
		for (size_t what = 0; what < whats(&v); what++)
			print_row(f, &v, row, (enum what)what, width, label);
}
