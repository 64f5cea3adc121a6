/* bars: see bars.h. */
#include "bars.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "strategy/strategy.h"
#include "tap.h"

#define CLEARLY	0.02	/* beyond the bar */

void bars_begin(struct bars *b, const char *const *todo)
{
	*b = (struct bars){ .todo = todo };
}

static bool is_listed(struct bars *b, const char *name)
{
	for (size_t i = 0; b->todo[i] != NULL; i++) {
		assert_true(i < BARS_TODO);
		if (strcmp(b->todo[i], name) != 0)
			continue;
		b->asked[i] = true;
		return true;
	}
	return false;
}

static void ask(struct bars *b, const char *name, const char *what, double figure, double bar, double beyond)
{
	char full[128];
	bool listed;

	snprintf(full, sizeof(full), "%s %s", name, what);
	listed = is_listed(b, full);
	if (beyond >= (listed ? CLEARLY * bar : 0)) {
		printf("# %s: %.4g, bar %.4g%s\n", full, figure, bar, listed ? ": reached, take it off the list" : "");
		b->wrong += listed;
	} else if (listed) {
		printf("# TODO bar missed: %s: %.4g, bar %.4g\n", full, figure, bar);
	} else {
		printf("# bar missed: %s: %.4g, bar %.4g\n", full, figure, bar);
		b->wrong++;
	}
}

void bar_least(struct bars *b, const char *name, const char *what, double figure, double bar)
{
	ask(b, name, what, figure, bar, figure - bar);
}

void bar_most(struct bars *b, const char *name, const char *what, double figure, double bar)
{
	ask(b, name, what, figure, bar, bar - figure);
}

void bars_end(const struct bars *b)
{
	unsigned wrong = b->wrong;

	for (size_t i = 0; b->todo[i] != NULL; i++)
		if (!b->asked[i]) {
			printf("# on the list, but nobody asks for it: %s\n", b->todo[i]);
			wrong++;
		}
	assert_int_equal(wrong, 0);
}

double middle_of(const double *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t below = 0, equal = 0;

		for (size_t j = 0; j < count; j++) {
			below += values[j] < values[i];
			equal += values[j] == values[i];
		}
		if (below <= count / 2 && below + equal > count / 2)
			return values[i];
	}
	return NAN;
}

double middle(double a, double b, double c)
{
	double least = a < b ? a : b, most = a < b ? b : a;

	return c < least ? least : c > most ? most : c;
}

struct grid_tunnel bars_run(const struct grid_pair *p, const struct grid_options *how)
{
	struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);
	unsigned runs = grid_is_random(p) ? BARS_SEEDS : 1;
	struct grid_tunnel ret = { 0 };
	double rate[BARS_SEEDS], back[BARS_SEEDS];
	struct grid_options o = *how;

	o.strategy = strategy_at(0)->name;
	o.seconds = 20;
	o.seed = 1;
	for (unsigned i = 0; i < runs; i++, o.seed++) {
		struct grid_tunnel t = grid_run_tunnel(&a, &b, &o);

		rate[i] = t.rate;
		back[i] = t.back;
		ret.deepest = t.deepest > ret.deepest ? t.deepest : ret.deepest;
	}
	ret.rate = middle_of(rate, runs);
	ret.back = middle_of(back, runs);
	return ret;
}
