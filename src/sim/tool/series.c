/* series: see series.h. */
#include "sim/tool/series.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sim/must.h"

struct series *series_new(void)
{
	struct series *s = calloc(1, sizeof(*s));

	must_have(s);
	return s;
}

void series_free(struct series *s)
{
	if (s == NULL)
		return;
	free(s->value);
	free(s);
}

void series_column(struct series *s, enum series_kind kind, unsigned index,
		   enum sim_direction direction, const char *format, ...)
{
	struct series_column *c = &s->column[s->columns];
	va_list args;

	must(s->columns < SERIES_COLUMNS && s->rows == 0, "a series with too many columns");
	*c = (struct series_column){ .kind = kind, .index = index, .direction = direction };
	va_start(args, format);
	vsnprintf(c->name, sizeof(c->name), format, args);
	va_end(args);
	s->columns++;
}

double *series_add(struct series *s)
{
	double *row;

	if (s->rows == s->room) {
		s->room = s->room != 0 ? 2 * s->room : 512;
		s->value = realloc(s->value, s->room * s->columns * sizeof(*s->value));
		must_have(s->value);
	}
	row = s->value + s->rows++ * s->columns;
	for (size_t i = 0; i < s->columns; i++)
		row[i] = NAN;
	return row;
}

double series_at(const struct series *s, size_t row, size_t column)
{
	return s->value[row * s->columns + column];
}

int series_find(const struct series *s, enum series_kind kind, unsigned index,
		enum sim_direction direction)
{
	for (size_t i = 0; i < s->columns; i++)
		if (s->column[i].kind == kind && s->column[i].index == index &&
		    s->column[i].direction == direction)
			return (int)i;
	return -1;
}

/* A row is of the time that ends there. */
void series_write(const struct series *s, FILE *f)
{
	fputs("seconds", f);
	for (size_t i = 0; i < s->columns; i++)
		fprintf(f, ",%s", s->column[i].name);
	fputc('\n', f);
	for (size_t row = 0; row < s->rows; row++) {
		fprintf(f, "%.1f", (double)(row + 1) * (double)SERIES_STEP / 1e9);
		for (size_t i = 0; i < s->columns; i++)
			if (isnan(series_at(s, row, i)))
				fputc(',', f);
			else
				fprintf(f, ",%.3f", series_at(s, row, i));
		fputc('\n', f);
	}
}
