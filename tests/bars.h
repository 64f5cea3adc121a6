/*
 * bars: figures that have to be reached, and a list of those that are not yet.
 *
 * A bar that is missed fails the test, unless it is on the list: then a line
 * `# TODO bar missed: …` says by how much.  One on the list that is reached
 * fails the test, too (by 2 % at least, so that chance does not), as does one
 * that nobody asks for: so the list can only become shorter.
 */
#ifndef TTT_TESTS_BARS_H
#define TTT_TESTS_BARS_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/grid.h"

#define BARS_TODO	64

struct bars {
	const char *const *todo;	/* names; NULL ends it */
	bool asked[BARS_TODO];
	unsigned wrong;
};

void bars_begin(struct bars *b, const char *const *todo);
/* The figure called NAME WHAT has to be so much at least, or at most. */
void bar_least(struct bars *b, const char *name, const char *what, double figure, double bar);
void bar_most(struct bars *b, const char *name, const char *what, double figure, double bar);
/* Fails the test when anything was not as expected. */
void bars_end(const struct bars *b);

/* So many runs are asked where chance decides much. */
#define BARS_SEEDS	5

/* The middle one of three, and of an odd count up to BARS_SEEDS. */
double middle(double a, double b, double c);
double middle_of(const double *values, size_t count);

/*
 * Twenty seconds of the first strategy over a pair of links, how->seed not asked:
 * where chance decides much the rates of the middle one of some runs, and the
 * deepest of all.  Of the rest nothing is said.
 */
struct grid_tunnel bars_run(const struct grid_pair *p, const struct grid_options *how);

#endif
