/* gate: so many bytes a second. */
#include "core/flow/gate.h"
#include "tap.h"

#define RATE	UINT64_C(1000000)
#define LEN	1000u		/* a packet of a millisecond */

/* Packets that pass from `at` until `end`, looked at every `step`. */
static unsigned passed(struct gate *g, nsec_t at, nsec_t end, nsec_t step)
{
	unsigned n = 0;

	for (; at < end; at += step)
		for (; gate_is_open(g, at); n++)
			gate_pass(g, LEN, at);
	return n;
}

static void no_more_than_the_rate_passes(void **state)
{
	struct gate g = { .rate = RATE };

	(void)state;
	assert_in_range(passed(&g, SEC(1), SEC(2), MSEC(1) / 10), 1000, 1005);
	assert_in_range(passed(&g, SEC(2), SEC(3), MSEC(1)), 999, 1001);
}

static void a_late_timer_is_made_up_for_but_a_pause_is_not(void **state)
{
	struct gate g = { .rate = RATE };

	(void)state;
	assert_in_range(passed(&g, SEC(1), SEC(2), MSEC(4)), 995, 1005);
	assert_in_range(passed(&g, SEC(10), SEC(10) + 1, 1), 5, 5);
}

static void without_a_rate_it_is_open(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_pass(&g, LEN, SEC(1));
	assert_true(gate_is_open(&g, SEC(1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("no more than the rate passes", no_more_than_the_rate_passes),
		TEST("a late timer is made up for, but a pause is not", a_late_timer_is_made_up_for_but_a_pause_is_not),
		TEST("without a rate it is open", without_a_rate_it_is_open),
	};

	return RUN_TESTS(tests);
}
