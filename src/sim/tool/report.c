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

static bool no_link_answers(const struct scenario *plan, const struct outcome *o)
{
	for (size_t i = 0; i < plan->links; i++)
		if (!o->silent[i])
			return false;
	return true;
}

static void end_line(FILE *f, unsigned in, unsigned runs)
{
	if (runs > 1)
		fprintf(f, ", in %u of %u runs", in, runs);
	fputc('\n', f);
}

/* Who was silent from the beginning explains the figures below. */
static void print_silent(FILE *f, const struct scenario *plan, const struct outcome *outcome)
{
	const unsigned seconds = (unsigned)(RUN_PATIENCE / NSEC_PER_SEC);
	unsigned all = 0, one[SCENARIO_LINKS] = { 0 };

	for (unsigned run = 0; run < plan->repeat; run++) {
		const bool dead = no_link_answers(plan, &outcome[run]);

		all += dead;
		for (size_t i = 0; i < plan->links; i++)
			one[i] += !dead && outcome[run].silent[i];
	}
	if (all > 0) {
		fprintf(f, "the tunnel is not up at second 0: no link has answered in the %u s before", seconds);
		end_line(f, all, plan->repeat);
	}
	for (size_t i = 0; i < plan->links; i++)
		if (one[i] > 0) {
			fprintf(f, "link %zu is not up at second 0: it has not answered in the %u s before", i + 1, seconds);
			end_line(f, one[i], plan->repeat);
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
	print_silent(f, plan, outcome);
	print_table(f, outcome, plan->repeat, offsetof(struct outcome, flows));
	print_table(f, outcome, plan->repeat, offsetof(struct outcome, links));
	print_table(f, outcome, plan->repeat, offsetof(struct outcome, tunnel));
}
