/* sysctl: rows of name, wanted, was; in a network namespace of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/lock.h"
#include "folder.h"
#include "routing/sysctl.h"
#include "tap.h"

#define ROOT	"/proc/sys"

static const struct sysctl_row forwarding[] = {
	{ .name = "net/ipv4/ip_forward", .wanted = "1", .at_least = true },
	{ .name = "net/ipv6/conf/all/forwarding", .wanted = "1", .at_least = true },
};

static void set(const char *name, const char *value)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), ROOT "/%s", name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(value, f);
	assert_int_equal(fclose(f), 0);
}

static int get(const char *name)
{
	return sysctl_number(ROOT, name);
}

static struct sysctl_store *store(void)
{
	struct sysctl_store *s = NULL;

	assert_int_equal(sysctl_store_new(ROOT, folder_path("rows"), &s), 0);
	return s;
}

/* What a careful administrator has set: the kernel changes all of it with the global switch. */
static void prepare(void)
{
	set("net/ipv4/ip_forward", "0");
	set("net/ipv6/conf/all/forwarding", "0");
	set("net/ipv4/conf/all/accept_redirects", "0");
	set("net/ipv4/conf/one/forwarding", "1");
	set("net/ipv6/conf/one/forwarding", "1");
}

static void assert_prepared(void)
{
	assert_int_equal(get("net/ipv4/ip_forward"), 0);
	assert_int_equal(get("net/ipv6/conf/all/forwarding"), 0);
	assert_int_equal(get("net/ipv4/conf/all/accept_redirects"), 0);
	assert_int_equal(get("net/ipv4/conf/one/forwarding"), 1);
	assert_int_equal(get("net/ipv6/conf/one/forwarding"), 1);
	assert_int_equal(get("net/ipv4/conf/two/forwarding"), 0);
	assert_int_equal(get("net/ipv6/conf/two/forwarding"), 0);
	assert_int_not_equal(access(folder_path("rows"), F_OK), 0);
}

static void what_the_kernel_changes_along_is_put_back(void **state)
{
	struct sysctl_store *s = store();

	(void)state;
	prepare();
	assert_int_equal(sysctl_apply(s, forwarding, 2), 2);
	assert_int_equal(get("net/ipv4/conf/two/forwarding"), 1);
	assert_int_equal(sysctl_apply(s, forwarding, 2), 0);
	assert_int_equal(sysctl_restore(s), 2);
	assert_prepared();
	sysctl_store_free(s);
}

static void so_it_is_after_a_crash(void **state)
{
	struct sysctl_store *s = store();

	(void)state;
	prepare();
	assert_int_equal(sysctl_apply(s, forwarding, 2), 2);
	sysctl_store_free(s);
	s = store();
	assert_int_equal(sysctl_restore(s), 2);
	assert_prepared();
	sysctl_store_free(s);
}

static void what_somebody_else_set_meanwhile_stays(void **state)
{
	const struct sysctl_row row = { .name = "net/ipv4/conf/one/rp_filter", .wanted = "2", .at_least = true };
	struct sysctl_store *s = store();

	(void)state;
	set(row.name, "1");
	assert_int_equal(sysctl_apply(s, &row, 1), 1);
	assert_int_equal(get(row.name), 2);
	set(row.name, "0");
	assert_int_equal(sysctl_restore(s), 0);
	assert_int_equal(get(row.name), 0);
	sysctl_store_free(s);
}

static struct sysctl_store *store_of(const char *file)
{
	struct sysctl_store *s = NULL;

	assert_int_equal(sysctl_store_new(ROOT, folder_path(file), &s), 0);
	return s;
}

/* Whoever ends first, and however: the last one puts it back as it was before the first. */
static void the_last_of_several_tunnels_puts_back(void **state)
{
	static const char *const file[] = { "a.sysctl", "b.sysctl" };

	(void)state;
	for (size_t first = 0; first < 2; first++) {
		struct sysctl_store *s[2];

		prepare();
		for (size_t i = 0; i < 2; i++)
			s[i] = store_of(file[i]);
		assert_int_equal(sysctl_apply(s[0], forwarding, 2), 2);
		assert_int_equal(sysctl_apply(s[1], forwarding, 2), 0);
		sysctl_store_free(s[1 - first]);	/* killed */
		assert_int_equal(sysctl_restore(s[first]), 0);
		assert_int_equal(get("net/ipv4/ip_forward"), 1);
		assert_int_equal(get("net/ipv6/conf/all/forwarding"), 1);
		assert_int_equal(get("net/ipv4/conf/two/forwarding"), 1);
		assert_int_not_equal(access(folder_path(file[first]), F_OK), 0);
		s[1 - first] = store_of(file[1 - first]);
		assert_int_equal(sysctl_restore(s[1 - first]), 2);
		assert_prepared();
		assert_int_not_equal(access(folder_path(file[1 - first]), F_OK), 0);
		sysctl_store_free(s[0]);
		sysctl_store_free(s[1]);
	}
}

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void settings_go_where_their_interface_goes(void **state)
{
	const struct sysctl_row row[] = {
		{ .name = "net/ipv4/conf/one/arp_ignore", .wanted = "1", .at_least = true },
		{ .name = "net/ipv4/conf/two/arp_announce", .wanted = "2", .at_least = true },
		{ .name = "net/ipv4/conf/three/rp_filter", .wanted = "2", .at_least = true },
		{ .name = "net/ipv4/conf/all/rp_filter", .wanted = "2", .at_least = true },
	};
	struct sysctl_store *s = store();

	(void)state;
	run("ip link add three type veth peer name four");
	set("net/ipv4/conf/three/rp_filter", "1");
	set("net/ipv4/conf/all/rp_filter", "0");
	assert_int_equal(sysctl_apply(s, row, 4), 4);
	/* a crash does not forget it; two change their names, and one is another one */
	sysctl_store_free(s);
	run("ip link set one name x && ip link set two name one && ip link set x name two");
	run("ip link del three && ip link add three type veth peer name four");
	set("net/ipv4/conf/three/rp_filter", "2");
	s = store();
	assert_int_equal(sysctl_count(s), 4);
	assert_int_equal(sysctl_restore(s), 3);
	assert_int_equal(get("net/ipv4/conf/two/arp_ignore"), 0);
	assert_int_equal(get("net/ipv4/conf/one/arp_announce"), 0);
	assert_int_equal(get("net/ipv4/conf/three/rp_filter"), 2);
	assert_int_equal(get("net/ipv4/conf/all/rp_filter"), 0);
	sysctl_store_free(s);
}

/* While it runs, too. */
static void a_new_interface_of_a_known_name_has_its_own_settings(void **state)
{
	const struct sysctl_row row = { .name = "net/ipv4/conf/three/rp_filter", .wanted = "2", .at_least = true };
	struct sysctl_store *s = store();

	(void)state;
	set(row.name, "1");
	assert_int_equal(sysctl_apply(s, &row, 1), 1);
	run("ip link del three && ip link add three type veth peer name four");
	set(row.name, "0");
	assert_int_equal(sysctl_apply(s, &row, 1), 1);
	assert_int_equal(get(row.name), 2);
	run("ip link set three name five");
	assert_int_equal(sysctl_apply(s, NULL, 0), 1);
	assert_int_equal(get("net/ipv4/conf/five/rp_filter"), 0);
	sysctl_store_free(s);
}

/* As a user can who may only read the folder. */
static void a_lock_on_the_folder_itself_is_nobodys(void **state)
{
	const struct sysctl_row row = { .name = "net/ipv4/conf/one/rp_filter", .wanted = "2", .at_least = true };
	struct sysctl_store *s = store();
	int dir = open(folder_path(""), O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(flock(dir, LOCK_EX), 0);
	alarm(20);
	set(row.name, "1");
	assert_int_equal(sysctl_apply(s, &row, 1), 1);
	assert_int_equal(sysctl_restore(s), 1);
	alarm(0);
	close(dir);
	sysctl_store_free(s);
}

static void who_does_not_let_go_of_the_folders_lock_is_told_of(void **state)
{
	const struct sysctl_row row = { .name = "net/ipv4/conf/one/rp_filter", .wanted = "2", .at_least = true };
	struct sysctl_store *s = store();
	char path[LOCK_PATH];
	int lock = lock_folder(folder_path("."), path);

	(void)state;
	assert_true(lock >= 0);
	set(row.name, "1");
	assert_int_equal(sysctl_apply(s, &row, 1), -ENOLCK);
	assert_int_equal(get(row.name), 1);
	assert_string_equal(strrchr(sysctl_failed(s), '/'), "/lock");
	lock_release(path, lock);
	assert_int_equal(sysctl_apply(s, &row, 1), 1);
	assert_int_equal(sysctl_restore(s), 1);
	assert_int_not_equal(access(path, F_OK), 0);
	sysctl_store_free(s);
}

static void a_file_that_makes_no_sense_is_refused(void **state)
{
	static const char *const bad[] = {
		"net/ipv4/ip_forward 1\n", "kernel/panic 1 0 0\n", "net/../kernel/panic 1 0 0\n",
	};
	struct sysctl_store *s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		folder_text("rows", 0600, bad[i]);
		assert_true(sysctl_store_new(ROOT, folder_path("rows"), &s) < 0);
	}
	unlink(folder_path("rows"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what the kernel changes along with forwarding is put back",
		     what_the_kernel_changes_along_is_put_back),
		TEST("so it is after a crash", so_it_is_after_a_crash),
		TEST("what somebody else set meanwhile stays", what_somebody_else_set_meanwhile_stays),
		TEST("the last of several tunnels puts back what the first has changed",
		     the_last_of_several_tunnels_puts_back),
		TEST("settings go where their interface goes", settings_go_where_their_interface_goes),
		TEST("a new interface of a known name has its own settings",
		     a_new_interface_of_a_known_name_has_its_own_settings),
		TEST("a lock on the folder itself is nobody's", a_lock_on_the_folder_itself_is_nobodys),
		TEST("who does not let go of the folder's lock is told of",
		     who_does_not_let_go_of_the_folders_lock_is_told_of),
		TEST("a file that makes no sense is refused", a_file_that_makes_no_sense_is_refused),
	};
	int failed;

	if (unshare(CLONE_NEWNET) != 0) {
		printf("1..0 # SKIP needs root for a network namespace\n");
		return geteuid() == 0;
	}
	if (system("ip link add one type veth peer name two") != 0)
		return 1;
	folder_make();
	failed = RUN_TESTS(tests);
	folder_remove();
	return failed;
}
