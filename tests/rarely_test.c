/* rarely: what happens all the time is said now and then. */
#include "base/rarely.h"
#include "tap.h"

static void the_first_time_is_said_at_once(void **state)
{
	struct rarely r = { 0 };
	unsigned unsaid = 7;

	(void)state;
	assert_true(rarely_say(&r, SEC(10), 0, &unsaid));
	assert_int_equal(unsaid, 0);
	assert_false(rarely_say(&r, SEC(10), 0, &unsaid));
}

static void a_flood_is_one_line_in_ten_seconds_that_counts_it(void **state)
{
	struct rarely r = { 0 };
	unsigned unsaid, said = 0, counted = 0;

	(void)state;
	for (nsec_t now = SEC(100); now < SEC(200); now += MSEC(10))
		if (rarely_say(&r, SEC(10), now, &unsaid)) {
			assert_int_equal(unsaid, said == 0 ? 0 : 999);
			said++;
			counted += 1 + unsaid;
		}
	assert_int_equal(said, 10);
	assert_int_equal(counted + r.unsaid, 10000);
}

static void what_happens_seldom_is_said_each_time(void **state)
{
	struct rarely r = { 0 };
	unsigned unsaid;

	(void)state;
	for (nsec_t now = SEC(100); now < SEC(200); now += SEC(10)) {
		assert_true(rarely_say(&r, SEC(10), now, &unsaid));
		assert_int_equal(unsaid, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the first time is said at once", the_first_time_is_said_at_once),
		TEST("a flood is one line in ten seconds, that counts it", a_flood_is_one_line_in_ten_seconds_that_counts_it),
		TEST("what happens seldom is said each time", what_happens_seldom_is_said_each_time),
	};

	return RUN_TESTS(tests);
}
