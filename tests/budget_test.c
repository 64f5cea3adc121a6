/* budget: months that begin and clocks that jump; figures of paths as the bytes of links. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "supervisor/budget.h"
#include "tap.h"

#define GB	UINT64_C(1000000000)

/* Noon, local time. */
static time_t noon(int year, int month, int day)
{
	struct tm t = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = 12, .tm_isdst = -1 };

	return mktime(&t);
}

static void a_month_begins_at_midnight_of_its_day(void **state)
{
	struct tm midnight = { .tm_year = 125, .tm_mon = 11, .tm_mday = 5, .tm_isdst = -1 };
	time_t at = mktime(&midnight);

	(void)state;
	assert_int_equal(budget_month(noon(2025, 12, 31), 1), 20251201);
	assert_int_equal(budget_month(noon(2026, 1, 1), 1), 20260101);
	assert_int_equal(budget_month(noon(2026, 1, 4), 5), 20251205);
	assert_int_equal(budget_month(noon(2026, 3, 1), 28), 20260228);
	assert_int_equal(budget_month(at - 1, 5), 20251105);
	assert_int_equal(budget_month(at, 5), 20251205);
}

static void the_day_of_the_end_is_said_in_words(void **state)
{
	char buf[BUDGET_TEXT];

	(void)state;
	assert_string_equal(budget_end(20251101, buf), "1 December");
	assert_string_equal(budget_end(20251205, buf), "5 January");
	assert_string_equal(budget_end(20250128, buf), "28 February");
}

/* One link with 3 of 20 GB used, on 10 November. */
static struct budget *used_row(struct budgets *b)
{
	const struct budget_time now = { .wall = noon(2025, 11, 10), .boot = SEC(1000) };
	struct budget *row = budgets_get(b, "usb0");

	assert_true(budget_turn(row, 1, &now));
	row->used = 3 * GB;
	assert_false(budget_turn(row, 1, &now));
	return row;
}

static void a_new_month_begins_at_nothing_and_once(void **state)
{
	struct budgets b = { 0 };
	struct budget *row = used_row(&b);
	struct budget_time now = { .wall = noon(2025, 11, 30), .boot = SEC(2000) };

	(void)state;
	assert_false(budget_turn(row, 1, &now));
	assert_int_equal(row->used, 3 * GB);
	now.wall = noon(2025, 12, 1);
	assert_true(budget_turn(row, 1, &now));
	assert_int_equal(row->used, 0);
	row->used = GB;
	assert_false(budget_turn(row, 1, &now));
	assert_int_equal(row->used, GB);
}

/* A machine without a clock of its own comes up in 1970, and is told the time later. */
static void a_clock_that_is_wrong_at_boot_gives_no_budget_twice(void **state)
{
	struct budgets b = { 0 };
	struct budget *row = used_row(&b);
	struct budget_time now = { .wall = 0, .boot = SEC(10) };

	(void)state;
	assert_false(budget_turn(row, 1, &now));
	now.boot = SEC(3600);
	assert_false(budget_turn(row, 1, &now));
	now = (struct budget_time){ .wall = noon(2025, 11, 11), .boot = SEC(3700) };
	assert_false(budget_turn(row, 1, &now));
	assert_int_equal(row->used, 3 * GB);
	assert_int_equal(row->month, 20251101);
}

/* A clock that was a year ahead must not close a link for a year. */
static void a_clock_that_was_ahead_is_believed_after_a_day_and_what_is_counted_stays(void **state)
{
	struct budgets b = { 0 };
	struct budget *row = used_row(&b);
	struct budget_time now = { .wall = noon(2026, 11, 10), .boot = SEC(2000) };

	(void)state;
	budget_turn(row, 1, &now);
	row->used = 2 * GB;
	now.wall = noon(2025, 11, 10);
	assert_false(budget_turn(row, 1, &now));
	now.boot += SEC(24 * 3600) - 1;
	assert_false(budget_turn(row, 1, &now));
	now.boot += 1;
	assert_true(budget_turn(row, 1, &now));
	assert_int_equal(row->month, 20251101);
	assert_int_equal(row->used, 2 * GB);
	now.wall = noon(2025, 12, 1);
	assert_true(budget_turn(row, 1, &now));
	assert_int_equal(row->used, 0);
}

/* A machine that is never on for a day must not wait for ever for the end of a month that was a mistake. */
static void a_clock_that_a_time_server_keeps_is_believed_at_once(void **state)
{
	struct budgets b = { 0 };
	struct budget *row = used_row(&b);
	struct budget_time now = { .wall = noon(2036, 11, 10), .boot = SEC(2000) };

	(void)state;
	budget_turn(row, 1, &now);
	row->used = 2 * GB;
	now = (struct budget_time){ .wall = noon(2025, 11, 10), .boot = SEC(10) };
	assert_false(budget_turn(row, 1, &now));
	now.kept = true;
	assert_true(budget_turn(row, 1, &now));
	assert_int_equal(row->month, 20251101);
	assert_int_equal(row->used, 2 * GB);
	assert_false(budget_turn(row, 1, &now));
}

/* Who corrects the day of his contract has not been given the bytes back. */
static void another_day_of_reset_keeps_what_is_counted(void **state)
{
	struct budgets b = { 0 };
	struct budget *row = used_row(&b);
	struct budget_time now = { .wall = noon(2025, 11, 20), .boot = SEC(2000) };

	(void)state;
	assert_true(budget_turn(row, 15, &now));	/* later in the month than the 1st, */
	assert_int_equal(row->month, 20251115);
	assert_int_equal(row->used, 3 * GB);
	assert_true(budget_turn(row, 25, &now));	/* and earlier than that */
	assert_int_equal(row->month, 20251025);
	assert_int_equal(row->used, 3 * GB);
	now.wall = noon(2025, 11, 25);
	assert_true(budget_turn(row, 25, &now));
	assert_int_equal(row->used, 0);
	row->used = GB;
	now.wall = noon(2025, 12, 26);			/* it was off since, and came up with another day */
	assert_true(budget_turn(row, 5, &now));
	assert_int_equal(row->month, 20251205);
	assert_int_equal(row->used, 0);
	row->used = GB;
	now.wall = 0;					/* no clock says anything of that */
	assert_false(budget_turn(row, 1, &now));
	assert_int_equal(row->used, GB);
}

static void a_day_that_is_interrupted_begins_anew(void **state)
{
	struct budgets b = { 0 };
	struct budget *row = used_row(&b);
	struct budget_time early = { .wall = noon(2025, 10, 10), .boot = SEC(2000) };
	struct budget_time right = { .wall = noon(2025, 11, 10), .boot = SEC(50000) };

	(void)state;
	assert_false(budget_turn(row, 1, &early));
	assert_false(budget_turn(row, 1, &right));
	early.boot = SEC(2000 + 24 * 3600);
	assert_false(budget_turn(row, 1, &early));
	assert_int_equal(row->month, 20251101);
}

static void a_budget_is_spent_with_its_last_byte(void **state)
{
	struct budgets b = { 0 };
	struct config_link link = config_link_default("usb0");

	(void)state;
	used_row(&b);
	assert_false(budgets_spent(&b, &link));		/* has none */
	link.budget = 3 * GB + 1;
	assert_false(budgets_spent(&b, &link));
	link.budget = 3 * GB;
	assert_true(budgets_spent(&b, &link));
	strcpy(link.name, "usb1");			/* nothing was counted */
	assert_false(budgets_spent(&b, &link));
}

static void what_a_path_has_carried_is_counted_once(void **state)
{
	struct budgets b = { 0 };

	(void)state;
	assert_int_equal(budgets_grown(&b, 3, 1000), 1000);
	assert_int_equal(budgets_grown(&b, 3, 1000), 0);
	assert_int_equal(budgets_grown(&b, 3, 1500), 500);
	assert_int_equal(budgets_grown(&b, 15, 7), 7);
	assert_int_equal(budgets_grown(&b, 3, 20), 20);	/* it began anew, unseen */
	budgets_forget_paths(&b);
	assert_int_equal(budgets_grown(&b, 3, 20), 20);
}

static void there_is_always_room_for_one_more_link(void **state)
{
	const struct budget_time then = { .wall = noon(2025, 10, 10), .boot = 1 };
	const struct budget_time now = { .wall = noon(2025, 11, 10), .boot = 1 };
	struct budgets b = { 0 };
	char name[CONFIG_IFNAME];

	(void)state;
	for (int i = 0; i < BUDGETS; i++) {
		snprintf(name, sizeof(name), "usb%d", i);
		budget_turn(budgets_get(&b, name), 1, i == 9 ? &then : &now);
		budgets_get(&b, name)->used = 5;
	}
	budget_turn(budgets_get(&b, "new"), 1, &now);
	assert_int_equal(b.count, BUDGETS);
	assert_int_equal(budgets_used(&b, "new"), 0);
	assert_int_equal(budgets_month(&b, "new"), 20251101);
	assert_int_equal(budgets_month(&b, "usb9"), 0);	/* of an earlier month: it went */
	assert_int_equal(budgets_used(&b, "usb8"), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a month begins at midnight of its day", a_month_begins_at_midnight_of_its_day),
		TEST("the day of the end is said in words", the_day_of_the_end_is_said_in_words),
		TEST("a new month begins at nothing, and once", a_new_month_begins_at_nothing_and_once),
		TEST("a clock that is wrong at boot gives no budget twice",
		     a_clock_that_is_wrong_at_boot_gives_no_budget_twice),
		TEST("a clock that was ahead is believed after a day, and what is counted stays",
		     a_clock_that_was_ahead_is_believed_after_a_day_and_what_is_counted_stays),
		TEST("a clock that a time server keeps is believed at once",
		     a_clock_that_a_time_server_keeps_is_believed_at_once),
		TEST("another day of reset keeps what is counted", another_day_of_reset_keeps_what_is_counted),
		TEST("a day that is interrupted begins anew", a_day_that_is_interrupted_begins_anew),
		TEST("a budget is spent with its last byte", a_budget_is_spent_with_its_last_byte),
		TEST("what a path has carried is counted once", what_a_path_has_carried_is_counted_once),
		TEST("there is always room for one more link", there_is_always_room_for_one_more_link),
	};

	setenv("TZ", "Europe/Berlin", 1);	/* has summer time; where it is not known, it is UTC */
	tzset();
	return RUN_TESTS(tests);
}
