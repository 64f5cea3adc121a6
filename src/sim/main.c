/* main: ttt-sim: reads what is to be simulated, runs it, and says what came of it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "sim/must.h"
#include "sim/tool/arguments.h"
#include "sim/tool/plot.h"
#include "sim/tool/report.h"

/* Where the series goes. */
struct outputs {
	FILE *csv, *plot;	/* NULL: not asked for */
};

static int say(const struct complaint *c, int code)
{
	fprintf(stderr, "ttt-sim: %s\n", c->text);
	return code;
}

static bool open_output(const char *path, FILE **ret, struct complaint *c)
{
	if (path[0] == '\0')
		return true;
	*ret = fopen(path, "we");
	return *ret != NULL || complain(c, "%s: cannot write it: %s", path, strerror(errno));
}

/* Before anything runs: it may run for long. */
static bool open_outputs(const struct scenario *plan, struct outputs *ret, struct complaint *c)
{
	if (plan->plot[0] != '\0' && !plot_check(c))
		return false;
	return open_output(plan->csv, &ret->csv, c) && open_output(plan->plot, &ret->plot, c);
}

static bool close_output(const char *path, FILE *f, struct complaint *c)
{
	return f == NULL || fclose(f) == 0 || complain(c, "%s: cannot write it: %s", path, strerror(errno));
}

static bool write_outputs(const struct scenario *plan, struct outputs *o, const struct series *series,
			  struct complaint *c)
{
	bool good = true;

	if (o->csv != NULL)
		series_write(series, o->csv);
	if (o->plot != NULL) {
		good = plot_draw(o->plot, plan, series, c);
		if (!good)
			unlink(plan->plot);
	}
	good &= close_output(plan->csv, o->csv, c);
	return close_output(plan->plot, o->plot, c) && good;
}

static int simulate(const struct scenario *plan)
{
	struct outputs outputs = { 0 };
	struct complaint c = { "" };
	struct outcome *outcome;
	struct series *series;
	bool good;

	if (!open_outputs(plan, &outputs, &c))
		return say(&c, EXIT_FAILED);
	outcome = calloc(plan->repeat, sizeof(*outcome));
	must_have(outcome);
	series = series_new();
	for (unsigned i = 0; i < plan->repeat; i++)
		run_scenario(plan, plan->seed + i, &outcome[i], i == 0 ? series : NULL);
	report_print(stdout, plan, outcome);
	good = write_outputs(plan, &outputs, series, &c);
	series_free(series);
	free(outcome);
	if (fflush(stdout) != 0)
		good = complain(&c, "standard output: cannot write it: %s", strerror(errno));
	return good ? EXIT_DONE : say(&c, EXIT_FAILED);
}

int main(int argc, char **argv)
{
	struct scenario *plan = scenario_new();
	struct complaint c = { "" };
	int code = EXIT_DONE;

	signal(SIGPIPE, SIG_IGN);	/* gnuplot may end early */
	switch (arguments_read(argv + (argc > 0), plan, &c)) {
	case ARGUMENTS_HELP:
		arguments_help(stdout);
		break;
	case ARGUMENTS_VERSION:
		puts("ttt-sim " TTT_VERSION);
		break;
	case ARGUMENTS_WRONG:
		code = say(&c, EXIT_USAGE);
		break;
	case ARGUMENTS_RUN:
		code = simulate(plan);
		break;
	}
	scenario_free(plan);
	return code;
}
