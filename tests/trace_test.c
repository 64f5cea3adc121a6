/* trace: recorded links give the rate that was recorded. */
#include "sim/trace.h"

#include "sim/model_tcp.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static void a_walk_is_a_step_for_every_second(void **state)
{
	char error[TRACE_ERROR];
	struct trace t;

	(void)state;
	assert_true(trace_read_csv("second,bytes\n1,1000\n2,1000\n3,0\n4,2500\n", &t, error));
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
	char error[TRACE_ERROR];
	struct trace t;

	(void)state;
	assert_true(trace_read_mahimahi("1\n1\n2\n5\n", &t, error));
	assert_int_equal(t.length, MSEC(5));
	assert_int_equal(trace_bytes(&t, MSEC(5)), 4 * 1504);
	assert_int_equal(trace_bytes(&t, MSEC(1)), 2 * 1504);
	assert_int_equal(trace_bytes(&t, MSEC(4)), 3 * 1504);
	trace_done(&t);
	assert_true(trace_read_mahimahi("0\n3\n", &t, error));	/* 0 ends with the millisecond that begins it */
	assert_int_equal(t.length, MSEC(3));
	assert_int_equal(trace_bytes(&t, MSEC(3)), 2 * 1504);
	trace_done(&t);
}

static void what_is_no_trace_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *error;
	} csv[] = {
		{ "second,bytes\n", "no trace: it has no line with a time" },
		{ "1,0\n2,0\n", "it never carries anything" },
		{ "second,bytes\n1,5\n\n2;5\n", "line 4, 2;5: write SECONDS,BYTES" },
		{ "2,5\n1,5\n", "line 2, 1,5: earlier than the line before" },
		{ "-1,5\n", "line 1, -1,5: out of range: seconds up to a day, bytes from 0" },
		{ "1,nan\n", "line 1, 1,nan: out of range: seconds up to a day, bytes from 0" },
		{ "inf,1\n", "line 1, inf,1: out of range: seconds up to a day, bytes from 0" },
	}, mahimahi[] = {
		{ "", "no trace: it has no line with a time" },
		{ "0\n", "no trace: it has no line with a time" },
		{ "nonsense\n", "line 1, nonsense: write a whole number of milliseconds, up to a day" },
		{ "1\n2 3\n", "line 2, 2 3: write a whole number of milliseconds, up to a day" },
		{ "99999999999\n", "line 1, 99999999999: write a whole number of milliseconds, up to a day" },
		{ "-1\n", "line 1, -1: write a whole number of milliseconds, up to a day" },
		{ "5\n4\n", "line 2, 4: earlier than the line before" },
	};
	char error[TRACE_ERROR];
	struct trace t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(csv); i++) {
		assert_false(trace_read_csv(csv[i].text, &t, error));
		assert_string_equal(error, csv[i].error);
		assert_false(trace_read_mahimahi(mahimahi[i].text, &t, error));
		assert_string_equal(error, mahimahi[i].error);
	}
	assert_false(trace_load("/nonexistent", &t, error));
	assert_string_equal(error, "No such file or directory");
	assert_false(trace_load("/dev/zero", &t, error));
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
	char error[TRACE_ERROR];
	struct trace t;
	uint64_t got[6];

	(void)state;
	assert_true(trace_read_csv("1,100000\n2,300000\n3,0\n", &t, error));
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

static void a_way_says_what_it_could_carry(void **state)
{
	char error[TRACE_ERROR];
	struct sim *s = sim_new(1, 1, "round-robin");
	struct sim_way way = { .rate = 8000 };
	nsec_t now = sim_now(s);
	struct trace t;

	(void)state;
	assert_int_equal(sim_way_bits(&way, now, now + SEC(3)), 24000);
	assert_true(trace_read_csv("1,1000\n2,3000\n3,0\n", &t, error));
	sim_way_follow(s, &way, t.step, t.count, t.length);
	assert_int_equal(sim_way_bits(&way, now, now + SEC(3)), 32000);
	assert_int_equal(sim_way_bits(&way, now + SEC(3), now + SEC(31)), 9 * 32000 + 8000);
	assert_int_equal(sim_way_bits(&way, now + MSEC(500), now + MSEC(1500)), 16000);
	sim_way_follow(s, &way, t.step, 2, 0);
	assert_int_equal(sim_way_bits(&way, now + SEC(3), now + SEC(5)), 48000);
	assert_int_equal(sim_way_bits(&(struct sim_way){ 0 }, 0, 1), UINT64_MAX);
	trace_done(&t);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a walk is a step for every second", a_walk_is_a_step_for_every_second),
		TEST("mahimahi gives 1504 bytes for every line",
		     mahimahi_gives_1504_bytes_for_every_line),
		TEST("what is no trace is refused, with its line",
		     what_is_no_trace_is_refused_with_its_line),
		TEST("a way follows its trace", a_way_follows_its_trace),
		TEST("a way says what it could carry", a_way_says_what_it_could_carry),
	};

	return RUN_TESTS(tests);
}
