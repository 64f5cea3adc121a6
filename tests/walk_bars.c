/* walk: what a TCP makes of two links on real walks, where the traces are: TTT_TRACES, else beside this tree. */
#include <stdio.h>
#include <stdlib.h>

#include "bars.h"
#include "sim/walk.h"
#include "strategy/strategy.h"
#include "tap.h"

/* What is missed today; see bars.h. */
static const char *const todo[] = {
	"13_1 share", "13_1 stall", "13_3 stall",
	"7_3 stall", "8_3 stall", NULL
};

static struct walk walk[WALKS_MAX];
static int walks;

/* A tenth of a millisecond decides by ten per cent how a walk ends: the middle of some runs counts. */
static void each_walk_is_carried_without_a_stall(void **state)
{
	struct walk_options options = { .strategy = strategy_at(0)->name };
	double share[BARS_SEEDS], stall[BARS_SEEDS];
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo);
	for (int i = 0; i < walks; i++) {
		for (unsigned n = 0; n < BARS_SEEDS; n++) {
			struct walk_score score;

			options.seed = n;
			score = walk_run(&walk[i], &options);
			share[n] = 100 * score.share;
			stall[n] = (double)score.stall / 1e6;
		}
		bar_least(&bars, walk[i].name, "share", middle_of(share, BARS_SEEDS), 100 * WALK_BAR);
		bar_most(&bars, walk[i].name, "stall", middle_of(stall, BARS_SEEDS), (double)WALK_STALL / 1e6);
	}
	bars_end(&bars);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("each walk is carried without a stall", each_walk_is_carried_without_a_stall),
	};
	const char *folder = getenv("TTT_TRACES");
	char error[TRACE_ERROR];
	int failed;

	walks = walk_load_all(folder != NULL ? folder : "../shared/traces", walk, WALKS_MAX, error);
	if (walks == 0) {
		printf("1..0 # SKIP no traces: TTT_TRACES names no folder that has them\n");
		return 0;
	}
	if (walks < 0) {
		printf("Bail out! %s\n", error);
		return 1;
	}
	failed = RUN_TESTS(tests);
	for (int i = 0; i < walks; i++)
		walk_done(&walk[i]);
	return failed;
}
