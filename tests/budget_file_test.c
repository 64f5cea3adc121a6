/* budget_file: what was written is read, whatever lies in its place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "supervisor/budget_file.h"
#include "tap.h"

static struct budgets sample(void)
{
	struct budgets b = { 0 };

	*budgets_get(&b, "usb0") = (struct budget){ .link = "usb0", .month = 20251101, .used = UINT64_C(1) << 50 };
	*budgets_get(&b, "wwan0") = (struct budget){ .link = "wwan0", .month = 20251028, .used = 7 };
	return b;
}

static bool is_there(const char *name)
{
	return access(folder_path(name), F_OK) == 0;
}

static void what_is_saved_is_loaded(void **state)
{
	struct budgets b = sample(), back;
	char error[BUDGET_FILE_ERROR];

	(void)state;
	assert_int_equal(budget_file_save(folder_path("var/ttt0.budget"), &b, error), 0);	/* makes the folder */
	assert_int_equal(budget_file_load(folder_path("var/ttt0.budget"), &back, error), 0);
	assert_int_equal(back.count, 2);
	assert_int_equal(budgets_used(&back, "usb0"), UINT64_C(1) << 50);
	assert_int_equal(budgets_month(&back, "wwan0"), 20251028);
	assert_false(is_there("var/ttt0.budget.new"));
	b.count = 1;
	assert_int_equal(budget_file_save(folder_path("var/ttt0.budget"), &b, error), 0);
	assert_int_equal(budget_file_load(folder_path("var/ttt0.budget"), &back, error), 0);
	assert_int_equal(back.count, 1);
}

static void no_file_is_nothing_counted(void **state)
{
	char error[BUDGET_FILE_ERROR];
	struct budgets back = sample();

	(void)state;
	assert_int_equal(budget_file_load(folder_path("nothing"), &back, error), 0);
	assert_int_equal(back.count, 0);
	assert_int_equal(budget_file_load(folder_path("no/folder"), &back, error), 0);
}

#define ROW(month, used) "{\"version\":1,\"links\":{\"usb0\":{\"month\":" month ",\"used\":" used "}}}"

/* Nothing of such a file is believed; it is told in one line, and kept for who wants to know. */
static void nonsense_is_put_aside_and_counts_as_nothing(void **state)
{
	static const char *const text[] = {
		"", "x", "{", "[]", "null", "7", "{}", "{\"version\":1}", "{\"version\":2,\"links\":{}}",
		"{\"version\":1,\"links\":[]}", "{\"version\":1,\"links\":{\"usb0\":7}}",
		"{\"version\":1,\"links\":{\"a/b\":{\"month\":\"2025-11-01\",\"used\":1}}}",
		"{\"version\":1,\"links\":{\"a\":{\"month\":\"2025-11-01\",\"used\":1},\"a\":{}}}",
		ROW("\"2025-11-01\"", "-1"), ROW("\"2025-11-01\"", "1.5"), ROW("\"2025-11-01\"", "\"1\""),
		ROW("\"2025-11-01\"", "99999999999999999999"), ROW("\"2025-11-29\"", "1"), ROW("\"2025-13-01\"", "1"),
		ROW("\"2025-11-1\"", "1"), ROW("\"2025-11-01 \"", "1"), ROW("\"\"", "1"), ROW("20251101", "1"),
	};
	char error[BUDGET_FILE_ERROR];
	struct budgets back;

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		const char *path = folder_text("bad", 0644, text[i]);

		back = sample();
		if (budget_file_load(path, &back, error) != -EBADMSG || back.count != 0)
			fail_msg("%s is taken", text[i]);
		assert_non_null(strstr(error, "counted from zero"));
		assert_null(strchr(error, '\n'));
		assert_true(is_there("bad.bad") && !is_there("bad"));
	}
}

static void more_than_ever_was_written_is_not_read(void **state)
{
	char error[BUDGET_FILE_ERROR], *text = malloc(1 << 20);
	struct budgets back;
	size_t len = 0;

	(void)state;
	memset(text, ' ', 1 << 20);
	assert_int_equal(budget_file_load(folder_write("large", 0644, text, 1 << 20), &back, error), -EBADMSG);
	len += (size_t)sprintf(text, "{\"version\":1,\"links\":{");
	for (int i = 0; i <= BUDGETS; i++)
		len += (size_t)sprintf(text + len, "%s\"usb%d\":{\"month\":\"2025-11-01\",\"used\":1}", i > 0 ? "," : "", i);
	strcpy(text + len, "}}");
	assert_int_equal(budget_file_load(folder_text("many", 0644, text), &back, error), -EBADMSG);
	free(text);
}

static void what_is_no_file_of_ours_is_not_followed(void **state)
{
	char error[BUDGET_FILE_ERROR];
	struct budgets b = sample(), back;

	(void)state;
	alarm(10);
	mkdir(folder_path("dir"), 0755);
	assert_int_equal(budget_file_load(folder_path("dir"), &back, error), -EISDIR);
	assert_int_equal(budget_file_save(folder_path("dir"), &b, error), -EISDIR);
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	assert_int_equal(budget_file_load(folder_path("fifo"), &back, error), -EBADMSG);
	folder_text("victim", 0644, "precious");
	assert_int_equal(symlink(folder_path("victim"), folder_path("link")), 0);
	assert_int_equal(symlink(folder_path("victim"), folder_path("link.new")), 0);
	assert_int_equal(budget_file_load(folder_path("link"), &back, error), -ELOOP);
	assert_int_equal(budget_file_save(folder_path("link"), &b, error), 0);
	assert_int_equal(budget_file_load(folder_path("link"), &back, error), 0);
	assert_int_equal(budget_file_load(folder_path("victim"), &back, error), -EBADMSG);	/* untouched */
	assert_int_equal(symlink(folder_path("var"), folder_path("elsewhere")), 0);
	assert_int_equal(budget_file_save(folder_path("elsewhere/x"), &b, error), -ENOTDIR);
	alarm(0);
}

static void a_save_that_cannot_be_says_why_and_leaves_the_old_one(void **state)
{
	char error[BUDGET_FILE_ERROR];
	struct budgets b = sample(), back;

	(void)state;
	assert_int_equal(budget_file_save(folder_path("no/such/folder"), &b, error), -ENOENT);
	assert_non_null(strstr(error, "No such file"));
	assert_int_equal(budget_file_save(folder_path("kept"), &b, error), 0);
	mkdir(folder_path("kept.new"), 0755);	/* in the way */
	b.count = 0;
	assert_true(budget_file_save(folder_path("kept"), &b, error) < 0);
	assert_int_equal(budget_file_load(folder_path("kept"), &back, error), 0);
	assert_int_equal(back.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what is saved is loaded", what_is_saved_is_loaded),
		TEST("no file is nothing counted", no_file_is_nothing_counted),
		TEST("nonsense is put aside, and counts as nothing", nonsense_is_put_aside_and_counts_as_nothing),
		TEST("more than ever was written is not read", more_than_ever_was_written_is_not_read),
		TEST("what is no file of ours is not followed", what_is_no_file_of_ours_is_not_followed),
		TEST("a save that cannot be says why, and leaves the old one",
		     a_save_that_cannot_be_says_why_and_leaves_the_old_one),
	};
	int failed;

	folder_make();
	failed = RUN_TESTS(tests);
	folder_remove();
	return failed;
}
