/* grid: the table is the design's, and a run of a pair gives what is true of its links. */
#include "sim/grid.h"

#include <math.h>
#include <string.h>

#include "tap.h"

static double carries(const struct grid_link *l)
{
	return l->rate * (1 - l->loss / 1000.0) * 0.957;
}

/* But rtt_320's, whose queue of 1000 packets counts those under way. */
static void a_pair_s_capacity_is_what_its_links_carry(void **state)
{
	(void)state;
	for (size_t i = 0; i < GRID_PAIRS; i++) {
		const struct grid_pair *p = &grid_pair[i];

		assert_ptr_equal(grid_find(p->name), p);
		if (strcmp(p->name, "rtt_320") != 0)
			assert_true(fabs(carries(&p->a) + carries(&p->b) - p->capacity) < 0.11);
		assert_true(p->bar < p->goal && p->goal < p->capacity);
	}
	assert_null(grid_find("nonsense"));
}

static void plain_tcp_and_an_idle_ping_show_the_link(void **state)
{
	struct grid_options options = { .seed = 1, .strategy = "round-robin", .seconds = 10 };
	struct sim_way way = grid_way(&grid_find("lte_geo")->a);
	double rate = grid_run_plain(&way, &options).rate;

	(void)state;
	assert_true(rate > 40 * 0.90 && rate < 40 * 0.957);
	assert_in_range(grid_run_idle(&way, &options), MSEC(70), MSEC(71));
}

static void a_tunnel_over_equal_links_adds_them_up(void **state)
{
	struct grid_options options = { .seed = 1, .strategy = "round-robin", .seconds = 10 };
	struct sim_way way = grid_way(&grid_find("baseline")->a);

	(void)state;
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		struct grid_tunnel t;

		options.direction = (enum sim_direction)direction;
		t = grid_run_tunnel(&way, &way, &options);
		assert_true(t.rate > 85 && t.rate < 95.7);
		assert_true(t.ping >= MSEC(40));
		assert_true(t.stall < SEC(1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a pair's capacity is what its links carry",
		     a_pair_s_capacity_is_what_its_links_carry),
		TEST("plain TCP and an idle ping show the link",
		     plain_tcp_and_an_idle_ping_show_the_link),
		TEST("a tunnel over equal links adds them up",
		     a_tunnel_over_equal_links_adds_them_up),
	};

	return RUN_TESTS(tests);
}
