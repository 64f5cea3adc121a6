/* walk: links as they were on real walks, where the traces are: TTT_TRACES, else beside this tree. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "tap.h"
#include "sim/trace.h"

static char walk[512];

static void a_tcp_fills_a_real_walk(void **state)
{
	struct sim_way way = { .delay = MSEC(20), .netem = true, .framing = 14 };
	struct sim *s;
	struct model_tcp_config config = { .via.bare = true };
	struct model_tcp *m;
	char error[TRACE_ERROR];
	struct trace t;
	double share;

	(void)state;
	assert_true(trace_load(walk, &t, error));
	s = sim_new(2, 1, "round-robin");
	config.via.link = sim_add_bare(s, 0, &way, &way);
	sim_way_follow(s, &sim_link(s, 0, config.via.link)->up, t.step, t.count, t.length);
	m = model_tcp_new(s, &config);
	sim_run(s, SEC(30));
	share = (double)model_tcp_stats(m).bytes / (double)trace_bytes(&t, SEC(30));
	assert_true(share > 0.85 && share < 0.957);
	model_tcp_free(m);
	sim_free(s);
	trace_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST("a TCP fills a real walk", a_tcp_fills_a_real_walk) };
	const char *folder = getenv("TTT_TRACES");

	snprintf(walk, sizeof(walk), "%s/11_1_wifi.csv", folder != NULL ? folder : "../shared/traces");
	if (access(walk, R_OK) != 0) {
		printf("1..0 # SKIP no traces: TTT_TRACES names no folder that has them\n");
		return 0;
	}
	return RUN_TESTS(tests);
}
