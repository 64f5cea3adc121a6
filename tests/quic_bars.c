/* quic: the grid's bars for a QUIC flow. */
#include "bars.h"
#include "sim/grid.h"
#include "tap.h"

#define QUIC_SHARE	0.90	/* of the TCP's bar */
#define QUIC_DEEPEST	2	/* more would be losses to it */

/* What is missed today; see bars.h. */
static const char *const todo_quic[] = {
	NULL
};

/* It takes what comes three packets late for lost, and never takes that back. */
static void a_quic_flow_sees_no_reordering_and_is_as_fast(void **state)
{
	const struct grid_options quic = { .flow = GRID_QUIC };
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo_quic);
	for (size_t i = 0; i < GRID_PAIRS; i++) {
		struct grid_tunnel t = bars_run(&grid_pair[i], &quic);

		bar_least(&bars, grid_pair[i].name, "quic", t.rate, QUIC_SHARE * grid_pair[i].bar);
		bar_most(&bars, grid_pair[i].name, "depth", (double)t.deepest, QUIC_DEEPEST);
	}
	bars_end(&bars);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a QUIC flow sees no reordering, and is as fast",
		     a_quic_flow_sees_no_reordering_and_is_as_fast),
	};

	return RUN_TESTS(tests);
}
