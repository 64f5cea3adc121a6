/* longlife: what only shows after hours, or after many times. */
#include "sim/sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static struct sim *two_links(uint64_t seed)
{
	struct sim *s = sim_new(seed, 1, "aggregate");

	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(60), 0);
	sim_run(s, SEC(3));
	return s;
}

/* It may hand out other addresses now. */
static void a_server_that_begins_anew_without_a_goodbye_is_said_to_be_there_again(void **state)
{
	struct sim *s = two_links(1);

	(void)state;
	sim_flow(s, 0, SIM_UP, 200, MSEC(20));
	sim_run(s, SEC(1));
	assert_int_equal(sim_events(s, 0, ENGINE_SESSION_UP), 1);
	sim_restart_server(s);
	sim_run(s, SEC(5));
	assert_int_equal(sim_events(s, 0, ENGINE_SESSION_UP), 2);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a server that begins anew without a goodbye is said to be there again",
		     a_server_that_begins_anew_without_a_goodbye_is_said_to_be_there_again),
	};

	return RUN_TESTS(tests);
}
