/* report: see report.h. */
#include "sim/tool/report.h"

#include <inttypes.h>
#include <stddef.h>

static void print_head(FILE *f, const struct scenario *plan)
{
	fprintf(f, "strategy %s, %u s, ", plan->strategy, plan->seconds);
	if (plan->repeat > 1)
		fprintf(f, "seeds %" PRIu64 " to %" PRIu64 "\n", plan->seed, plan->seed + plan->repeat - 1);
	else
		fprintf(f, "seed %" PRIu64 "\n", plan->seed);
	for (size_t i = 0; i < plan->events; i++) {
		const struct scenario_event *e = &plan->event[i];

		if (e->action == ACTION_SET && e->at == 0)
			fprintf(f, "link %u is set to %s\n", e->link + 1, e->words);
		else
			fprintf(f, "at %g s: %s\n", (double)e->at / 1e9, e->text);
	}
}

/* The same table of all runs; at: where it is in an outcome. */
static void print_table(FILE *f, const struct outcome *outcome, size_t runs, size_t at)
{
	const struct table *run[SCENARIO_REPEAT];

	for (size_t i = 0; i < runs; i++)
		run[i] = (const struct table *)((const char *)&outcome[i] + at);
	fputc('\n', f);
	table_print(f, run, runs);
}

void report_print(FILE *f, const struct scenario *plan, const struct outcome *outcome)
{
	print_head(f, plan);
	print_table(f, outcome, plan->repeat, offsetof(struct outcome, flows));
	print_table(f, outcome, plan->repeat, offsetof(struct outcome, links));
	print_table(f, outcome, plan->repeat, offsetof(struct outcome, tunnel));
}
