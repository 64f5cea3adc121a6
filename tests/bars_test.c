/* bars: the list of what is missed can only become shorter. */
#include "bars.h"
#include "tap.h"

static const char *const todo[] = { "a rate", "b rate", NULL };

static void a_bar_is_reached_or_on_the_list(void **state)
{
	struct bars b;

	(void)state;
	bars_begin(&b, todo);
	bar_least(&b, "a", "rate", 90, 100);
	bar_least(&b, "b", "rate", 101.9, 100);	/* by chance, maybe */
	bar_least(&b, "c", "rate", 100, 100);
	bar_most(&b, "c", "ping", 100, 100);
	assert_int_equal(b.wrong, 0);
	bar_least(&b, "c", "rate", 99.9, 100);
	assert_int_equal(b.wrong, 1);
	bar_most(&b, "a", "ping", 100.1, 100);
	assert_int_equal(b.wrong, 2);
}

static void one_on_the_list_that_is_reached_is_noticed(void **state)
{
	struct bars b;

	(void)state;
	bars_begin(&b, todo);
	bar_least(&b, "a", "rate", 102, 100);
	assert_int_equal(b.wrong, 1);
	bar_most(&b, "b", "rate", 98, 100);
	assert_int_equal(b.wrong, 2);
}

static void the_middle_of_three_is_found_in_any_order(void **state)
{
	(void)state;
	assert_true(middle(1, 2, 3) == 2 && middle(3, 1, 2) == 2 && middle(2, 3, 1) == 2);
	assert_true(middle(1, 1, 3) == 1 && middle(3, 1, 3) == 3);
	assert_true(middle_of((const double[]){ 5, 1, 4, 2, 3 }, 5) == 3);
	assert_true(middle_of((const double[]){ 2, 2, 2, 1, 9 }, 5) == 2);
	assert_true(middle_of((const double[]){ 7 }, 1) == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a bar is reached, or on the list", a_bar_is_reached_or_on_the_list),
		TEST("one on the list that is reached is noticed", one_on_the_list_that_is_reached_is_noticed),
		TEST("the middle of three is found in any order", the_middle_of_three_is_found_in_any_order),
	};

	return RUN_TESTS(tests);
}
