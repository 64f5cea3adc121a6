/* overflow: when primary paths count as full, in numbers. */
#include "core/overflow.h"

#include "tap.h"

#define RATE	UINT64_C(1000000)	/* bytes per second: 5 ms are 5000 */

/* So many bytes per second are offered, 1000 at a time, with such a queue; true: it is on at the end. */
static bool run(struct overflow *o, uint64_t offered, uint64_t queued, nsec_t time, nsec_t *now)
{
	nsec_t until = *now + time;
	bool on = o->on;

	while (*now < until) {
		*now += 1000 * NSEC_PER_SEC / offered;
		overflow_offer(o, 1000, *now);
		on = overflow_look(o, queued, RATE, *now);
	}
	return on;
}

static void a_queue_that_stands_for_100_ms_makes_them_full(void **state)
{
	struct overflow o = { 0 };
	nsec_t now = SEC(10);

	(void)state;
	assert_false(run(&o, 900000, 5000, MSEC(99), &now));
	assert_true(run(&o, 900000, 5000, MSEC(5), &now));
}

static void a_queue_that_falls_for_a_moment_does_not_stand(void **state)
{
	struct overflow o = { 0 };
	nsec_t now = SEC(10);

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_false(run(&o, 900000, 50000, MSEC(90), &now));
		assert_false(run(&o, 900000, 4999, MSEC(2), &now));
	}
}

static void on_a_slow_path_two_packets_are_no_queue_yet(void **state)
{
	struct overflow o = { 0 };

	(void)state;
	overflow_look(&o, 2999, 10000, SEC(1));
	assert_false(overflow_look(&o, 2999, 10000, SEC(2)));
	overflow_look(&o, 3000, 10000, SEC(3));
	assert_true(overflow_look(&o, 3000, 10000, SEC(4)));
}

static void it_lasts_while_they_alone_would_be_too_little_and_a_second_longer(void **state)
{
	struct overflow o = { 0 };
	nsec_t now = SEC(10);

	(void)state;
	assert_true(run(&o, 1500000, 20000, SEC(1), &now));
	/* the other paths keep the queue empty, but 1.5 times what fits keeps coming */
	assert_true(run(&o, 1500000, 0, SEC(20), &now));
	assert_true(run(&o, 700000, 0, MSEC(900), &now));
	assert_false(run(&o, 700000, 0, SEC(2), &now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a queue that stands for 100 ms makes them full", a_queue_that_stands_for_100_ms_makes_them_full),
		TEST("a queue that falls for a moment does not stand", a_queue_that_falls_for_a_moment_does_not_stand),
		TEST("on a slow path two packets are no queue yet", on_a_slow_path_two_packets_are_no_queue_yet),
		TEST("it lasts while they alone would be too little, and a second longer",
		     it_lasts_while_they_alone_would_be_too_little_and_a_second_longer),
	};

	return RUN_TESTS(tests);
}
