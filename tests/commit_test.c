/*
 * commit: on the real kernel, in a network namespace of the test's own, and
 * read back with nft(8).
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall.h"
#include "nft/commit.h"
#include "tap.h"

#define TABLE	"ttt-ttt0"

/* As nft lists it, without the name of the process that owns it. */
static char *listing(void)
{
	char *text = calloc(1, 65536), *remark;
	FILE *f = popen("nft -s list ruleset", "r");

	assert_non_null(text);
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) < 65535);
	assert_int_equal(pclose(f), 0);
	remark = strstr(text, " # progname");
	if (remark != NULL)
		memmove(remark, strchr(remark, '\n'), strlen(strchr(remark, '\n')) + 1);
	return text;
}

static void assert_lists(const char *wanted)
{
	char *text = listing();

	assert_string_equal(text, wanted);
	free(text);
}

static struct commit *new_commit(void)
{
	struct commit *c = NULL;

	assert_int_equal(commit_new(&c), 0);
	return c;
}

static int give(struct commit *c, int (*make)(struct ruleset *))
{
	char error[COMMIT_ERROR] = "";
	struct ruleset r;
	int err;

	assert_int_equal(make(&r), 0);
	err = commit_apply(c, &r, error);
	if (err < 0)
		print_message("# %s\n", error);
	ruleset_done(&r);
	return err;
}

static void the_kernel_holds_what_the_ruleset_says(void **state)
{
	struct commit *c = new_commit();

	(void)state;
	assert_int_equal(give(c, firewall_server), 0);
	assert_lists(FIREWALL_SERVER);
	assert_true(commit_has_owner(c));
	assert_int_equal(commit_exists(c, TABLE), 1);
	commit_free(c);
	assert_lists("");
}

static void a_second_commit_replaces_the_first(void **state)
{
	struct commit *c = new_commit();

	(void)state;
	assert_int_equal(give(c, firewall_server), 0);
	assert_int_equal(give(c, firewall_client), 0);
	assert_lists(FIREWALL_CLIENT);
	assert_int_equal(give(c, firewall_client), 0);
	assert_lists(FIREWALL_CLIENT);
	commit_free(c);
	c = new_commit();
	assert_int_equal(give(c, firewall_paused), 0);
	assert_lists(FIREWALL_PAUSED);
	commit_free(c);
	c = new_commit();
	assert_int_equal(give(c, firewall_traced), 0);
	assert_lists(FIREWALL_TRACED);
	commit_free(c);
}

/* A table with an owner is told from one that a crash left. */
static void a_table_says_whether_it_has_an_owner(void **state)
{
	struct commit *c = new_commit(), *other = new_commit();

	(void)state;
	assert_int_equal(commit_is_owned(other, TABLE), 0);
	assert_int_equal(give(c, firewall_server), 0);
	assert_int_equal(commit_is_owned(other, TABLE), 1);
	commit_free(c);
	assert_int_equal(system("nft 'add table inet " TABLE "'"), 0);
	assert_int_equal(commit_is_owned(other, TABLE), 0);
	assert_int_equal(system("nft 'delete table inet " TABLE "'"), 0);
	commit_free(other);
}

/* A copy of the same name, as somebody's saved rules may hold it, is another table. */
static void a_table_is_told_from_another_of_its_name(void **state)
{
	struct commit *c = new_commit(), *other = new_commit();
	uint64_t first = 0, again = 0, copy = 0;

	(void)state;
	assert_int_equal(commit_handle(other, TABLE, &first), 0);
	assert_int_equal(give(c, firewall_server), 0);
	assert_int_equal(commit_handle(c, TABLE, &first), 1);
	assert_int_equal(commit_handle(other, TABLE, &again), 1);
	assert_true(first == again);
	assert_int_equal(give(c, firewall_server), 0);
	assert_int_equal(commit_handle(c, TABLE, &again), 1);
	assert_true(first != again);
	commit_free(c);
	assert_int_equal(system("nft 'add table inet " TABLE "'"), 0);
	assert_int_equal(commit_handle(other, TABLE, &copy), 1);
	assert_true(copy != again && copy != first);
	assert_int_equal(system("nft 'delete table inet " TABLE "'"), 0);
	commit_free(other);
}

/* The kernel is asked, since an older nft(8) does not know how to say it. */
static void a_table_that_persists_outlives_its_owner(void **state)
{
	char error[COMMIT_ERROR] = "", *text, *flags;
	struct commit *c = new_commit(), *other = new_commit();

	(void)state;
	assert_int_equal(give(c, firewall_closed), 0);
	text = listing();
	flags = strchr(text, '\n');
	assert_string_equal(strstr(flags, "\tchain"), strstr(FIREWALL_CLOSED, "\tchain"));
	free(text);
	if (commit_has_persist(c))
		assert_int_equal(commit_remove(other, TABLE "-closed", error), -EPERM);
	commit_free(c);
	assert_int_equal(give(other, firewall_closed), 0);
	assert_int_equal(commit_remove(other, TABLE "-closed", error), 1);
	assert_lists("");
	commit_free(other);
}

static void a_refused_rule_leaves_what_stood_there(void **state)
{
	char error[COMMIT_ERROR] = "";
	struct commit *c = new_commit();
	struct ruleset r;

	(void)state;
	assert_int_equal(give(c, firewall_server), 0);
	assert_int_equal(firewall_client(&r), 0);
	r.rule[r.rule_count - 1].action = RULESET_MASQUERADE;	/* not in a route chain */
	assert_int_not_equal(commit_apply(c, &r, error), 0);
	assert_non_null(strstr(error, "rule in output: oifname \"ttt0\" ip6 daddr ::/0"));
	assert_lists(FIREWALL_SERVER);
	ruleset_done(&r);
	commit_free(c);
}

static void a_table_that_a_crash_left_is_removed_by_name(void **state)
{
	char error[COMMIT_ERROR] = "";
	struct commit *c = new_commit();

	(void)state;
	assert_int_equal(system("nft 'add table inet " TABLE "; add table inet other'"), 0);
	assert_int_equal(commit_remove(c, TABLE, error), 1);
	assert_int_equal(commit_remove(c, TABLE, error), 0);
	assert_int_equal(commit_exists(c, TABLE), 0);
	assert_lists("table inet other {\n}\n");
	assert_int_equal(system("nft delete table inet other"), 0);
	commit_free(c);
}

static void a_table_of_another_process_is_not_taken(void **state)
{
	char error[COMMIT_ERROR] = "";
	struct commit *c = new_commit(), *other = new_commit();
	struct ruleset r;

	(void)state;
	assert_int_equal(give(other, firewall_server), 0);
	assert_int_equal(firewall_client(&r), 0);
	assert_int_equal(commit_apply(c, &r, error), -EPERM);
	assert_non_null(strstr(error, "it belongs to another process"));
	assert_int_equal(commit_remove(c, TABLE, error), -EPERM);
	assert_lists(FIREWALL_SERVER);
	ruleset_done(&r);
	commit_free(other);
	commit_free(c);
}

/* A child that closes its copy has not taken the table with it. */
static void a_forked_child_gives_its_copy_back_in_silence(void **state)
{
	struct commit *c = new_commit();
	pid_t child;

	(void)state;
	assert_int_equal(give(c, firewall_server), 0);
	child = fork();
	if (child == 0) {
		commit_free(c);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_lists(FIREWALL_SERVER);
	commit_free(c);
	assert_lists("");
}

static void without_permission_it_says_so(void **state)
{
	char error[COMMIT_ERROR] = "";
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct commit *c = NULL;
		struct ruleset r;

		if (setuid(65534) != 0 || commit_new(&c) != 0 || firewall_server(&r) != 0)
			_exit(9);
		_exit(commit_apply(c, &r, error) == -EPERM ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the kernel holds what the ruleset says, and nothing once the socket is closed",
		     the_kernel_holds_what_the_ruleset_says),
		TEST("a second commit replaces the first", a_second_commit_replaces_the_first),
		TEST("a table says whether it has an owner", a_table_says_whether_it_has_an_owner),
		TEST("a table is told from another of its name", a_table_is_told_from_another_of_its_name),
		TEST("a table that persists outlives its owner", a_table_that_persists_outlives_its_owner),
		TEST("a refused rule leaves what stood there, and is named",
		     a_refused_rule_leaves_what_stood_there),
		TEST("a table that a crash left is removed by name", a_table_that_a_crash_left_is_removed_by_name),
		TEST("a table of another process is not taken", a_table_of_another_process_is_not_taken),
		TEST("a forked child gives its copy back in silence", a_forked_child_gives_its_copy_back_in_silence),
		TEST("without permission it says so", without_permission_it_says_so),
	};

	if (unshare(CLONE_NEWNET) != 0) {
		printf("1..0 # SKIP needs root for a network namespace\n");
		return geteuid() == 0;
	}
	return RUN_TESTS(tests);
}
