/* trace: recorded links give the rate that was recorded. */
#include "sim/trace.h"

#include "sim/model_tcp.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static void a_walk_is_a_step_for_every_second(void **state)
{
	struct trace t;

	(void)state;
	assert_true(trace_read_csv("second,bytes\n1,1000\n2,1000\n3,0\n4,2500\n", &t));
	assert_int_equal(t.count, 3);
	assert_int_equal(t.length, SEC(4));
	assert_int_equal(t.step[0].at, 0);
	assert_int_equal(t.step[0].rate, 8000);
	assert_int_equal(t.step[1].at, SEC(2));
	assert_int_equal(t.step[1].rate, 0);
	assert_int_equal(t.step[2].at, SEC(3));
	assert_int_equal(t.step[2].rate, 20000);
	assert_int_equal(trace_bytes(&t, SEC(4)), 4500);
	assert_int_equal(trace_bytes(&t, SEC(1)), 1000);
	trace_done(&t);
}

static void mahimahi_gives_1504_bytes_for_every_line(void **state)
{
	struct trace t;

	(void)state;
	assert_true(trace_read_mahimahi("1\n1\n2\n5\n", &t));
	assert_int_equal(t.length, MSEC(5));
	assert_int_equal(trace_bytes(&t, MSEC(5)), 4 * 1504);
	assert_int_equal(trace_bytes(&t, MSEC(1)), 2 * 1504);
	assert_int_equal(trace_bytes(&t, MSEC(4)), 3 * 1504);
	trace_done(&t);
	assert_true(trace_read_mahimahi("0\n3\n", &t));	/* 0 ends with the millisecond that begins it */
	assert_int_equal(t.length, MSEC(3));
	assert_int_equal(trace_bytes(&t, MSEC(3)), 2 * 1504);
	trace_done(&t);
}

static void what_is_no_trace_is_refused(void **state)
{
	static const char *const text[] = { "", "nonsense\n", "0\n", "5\n4\n" };
	struct trace t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		assert_false(trace_read_mahimahi(text[i], &t));
	assert_false(trace_read_csv("second,bytes\n", &t));
	assert_false(trace_load("/nonexistent", &t));
}

/* What comes out of a link, second by second, when more goes in than it ever carries. */
static void carried(const struct trace *t, bool netem, nsec_t period, uint64_t *ret, unsigned seconds)
{
	struct sim *s = sim_new(1, 1, "round-robin");
	struct sim_way way = { .delay = MSEC(1), .queue = 20, .netem = netem };
	unsigned link = sim_add_ways(s, 0, &way, &way);

	sim_run(s, SEC(1));
	sim_way_follow(s, &sim_link(s, 0, link)->up, t->step, t->count, period);
	sim_overfill(s, 0, link);
	sim_flow(s, 0, SIM_UP, 944, MSEC(2));	/* 1000 bytes on the wire: 4 Mbit/s */
	for (unsigned i = 0; i < seconds; i++) {
		uint64_t before = sim_arrived(s);

		sim_run(s, SEC(1));
		ret[i] = (sim_arrived(s) - before) / 1000;
	}
	sim_free(s);
}

static void a_way_follows_its_trace(void **state)
{
	struct trace t;
	uint64_t got[6];

	(void)state;
	assert_true(trace_read_csv("1,100000\n2,300000\n3,0\n", &t));
	for (int netem = 0; netem < 2; netem++) {
		carried(&t, netem, t.length, got, 6);
		for (unsigned i = 0; i < 6; i += 3) {
			/* the queue of 20 and what the engine asks of its paths is the rest */
			assert_in_range(got[i], 75, 101);
			assert_in_range(got[i + 1], 270, 301);
			assert_in_range(got[i + 2], 0, 5);
		}
		carried(&t, netem, 0, got, 6);
		assert_in_range(got[0], 75, 101);
		assert_int_equal(got[4] + got[5], 0);	/* the last step stays */
	}
	trace_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a walk is a step for every second", a_walk_is_a_step_for_every_second),
		TEST("mahimahi gives 1504 bytes for every line",
		     mahimahi_gives_1504_bytes_for_every_line),
		TEST("what is no trace is refused", what_is_no_trace_is_refused),
		TEST("a way follows its trace", a_way_follows_its_trace),
	};

	return RUN_TESTS(tests);
}
