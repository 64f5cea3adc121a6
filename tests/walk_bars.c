/* walk: what a TCP makes of two links on real walks, where the traces are: TTT_TRACES, else beside this tree. */
#include <stdio.h>
#include <stdlib.h>

#include "bars.h"
#include "sim/walk.h"
#include "strategy/strategy.h"
#include "tap.h"

/* What is missed today; see bars.h. */
static const char *const todo[] = {
	"12_1 share", "13_1 share", "13_1 stall", "13_3 share", "13_3 stall",
	"22_1 share", "22_1 stall", "7_1 share", "7_3 share", "7_3 stall",
	"8_3 share", "8_3 stall", NULL
};

static struct walk walk[WALKS_MAX];
static int walks;

static void each_walk_is_carried_without_a_stall(void **state)
{
	const struct walk_options options = { .seed = 1, .strategy = strategy_at(0)->name };
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo);
	for (int i = 0; i < walks; i++) {
		struct walk_score score = walk_run(&walk[i], &options);

		bar_least(&bars, walk[i].name, "share", 100 * score.share, 100 * WALK_BAR);
		bar_most(&bars, walk[i].name, "stall", (double)score.stall / 1e6, (double)WALK_STALL / 1e6);
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
