/* takeovers: when a session begins anew too often. */
#include "supervisor/takeovers.h"
#include "tap.h"

static void eight_in_a_minute_are_many(void **state)
{
	struct takeovers t = { 0 };

	(void)state;
	for (unsigned i = 1; i < TAKEOVERS_MANY; i++)
		assert_false(takeovers_note(&t, SEC(1000) + SEC(i)));
	assert_false(takeovers_are_many(&t, SEC(1010)));
	assert_true(takeovers_note(&t, SEC(1010)));
	assert_true(takeovers_note(&t, SEC(1011)));
	assert_true(takeovers_are_many(&t, SEC(1071) - 1));
	assert_false(takeovers_are_many(&t, SEC(1071)));
}

static void who_is_restarted_every_ten_seconds_makes_no_noise(void **state)
{
	struct takeovers t = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_false(takeovers_note(&t, SEC(1000) + SEC(10 * i)));
	assert_false(takeovers_are_many(&t, SEC(2000)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("eight in a minute are many", eight_in_a_minute_are_many),
		TEST("who is restarted every ten seconds makes no noise",
		     who_is_restarted_every_ten_seconds_makes_no_noise),
	};

	return RUN_TESTS(tests);
}
