/* resolv_conf: tunnels that lie upon each other in one text, and others who write there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "host/resolv_conf.h"
#include "tap.h"

#define LAN	"nameserver 192.168.1.1\nsearch lan\n"
#define A	"nameserver 10.84.0.1\nnameserver fd84::1\n"
#define B	"nameserver 10.85.0.1\n"

/* Takes the text before it, as NULL is allowed to. */
static char *with(char *text, const char *ifname, const char *servers)
{
	char *now = resolv_conf_with(text, ifname, servers);

	assert_non_null(now);
	free(text);
	return now;
}

static char *without(char *text, const char *ifname, bool *ret_none)
{
	char *now = resolv_conf_without(text, ifname, ret_none);

	assert_non_null(now);
	free(text);
	return now;
}

static void assert_gives(char *text, const char *wanted)
{
	assert_string_equal(text, wanted);
	free(text);
}

static void what_stood_there_is_kept_and_comes_back(void **state)
{
	static const char *const former[] = { LAN, "", "\n\n", "# nothing\n" };
	bool none;

	(void)state;
	assert_gives(with(strdup(LAN), "ttt0", A), "# by ttt for ttt0, until `ttt down`\n" A
		     "#| nameserver 192.168.1.1\n#| search lan\n");
	for (size_t i = 0; i < sizeof(former) / sizeof(former[0]); i++) {
		assert_gives(without(with(strdup(former[i]), "ttt0", A), "ttt0", &none), former[i]);
		assert_false(none);
	}
	assert_gives(without(with(strdup("no end of line"), "ttt0", A), "ttt0", &none), "no end of line\n");
	assert_gives(without(with(NULL, "ttt0", A), "ttt0", &none), "");
	assert_true(none);
}

static void tunnels_go_in_any_order(void **state)
{
	static const char *const first[] = { "ttt0", "ttt1" };
	static const char *const lan[] = { LAN, NULL };
	bool none;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const char *former = lan[i / 2], *goes = first[i % 2], *stays = first[1 - i % 2];
		char *text = with(with(former != NULL ? strdup(former) : NULL, "ttt0", A), "ttt1", B), *alone;

		text = without(text, goes, &none);
		assert_false(none);
		alone = with(former != NULL ? strdup(former) : NULL, stays, i % 2 == 1 ? A : B);
		assert_gives(text, alone);
		assert_gives(without(alone, stays, &none), former != NULL ? former : "");
		assert_int_equal(none, former == NULL);
	}
}

static void of_three_the_middle_one_goes(void **state)
{
	char *text = with(with(with(strdup(LAN), "a", A), "b", B), "c", "nameserver 10.86.0.1\n");
	char *wanted = with(with(strdup(LAN), "a", A), "c", "nameserver 10.86.0.1\n");
	bool none;

	(void)state;
	assert_gives(without(text, "b", &none), wanted);
	assert_gives(without(wanted, NULL, &none), LAN);
}

static void what_another_program_writes_around_our_lines_stays(void **state)
{
	char *ours = with(strdup(LAN), "ttt0", A), text[1024];
	bool none;

	(void)state;
	snprintf(text, sizeof(text), "nameserver 192.0.2.1\n%sdomain example\n", ours);
	assert_gives(without(strdup(text), "ttt0", &none), "nameserver 192.0.2.1\n" LAN "domain example\n");
	assert_gives(without(strdup(text), "ttt1", &none), text);
	free(ours);
}

static void it_holds_while_nobody_else_is_in_force(void **state)
{
	char *alone = with(strdup(LAN), "ttt0", A), *below = with(strdup(alone), "ttt1", B), text[1024];

	(void)state;
	assert_true(resolv_conf_holds(alone, "ttt0", A));
	assert_false(resolv_conf_holds(alone, "ttt0", B));
	assert_false(resolv_conf_holds(alone, "ttt", A));
	assert_false(resolv_conf_holds(alone, "ttt1", B));
	assert_true(resolv_conf_holds(below, "ttt0", A));
	assert_true(resolv_conf_holds(below, "ttt1", B));
	assert_false(resolv_conf_holds("", "ttt0", A));
	assert_false(resolv_conf_holds(LAN, "ttt0", A));
	snprintf(text, sizeof(text), "nameserver 192.0.2.1\n%s", alone);
	assert_false(resolv_conf_holds(text, "ttt0", A));
	snprintf(text, sizeof(text), "%snameserver 192.0.2.1\n", below);
	assert_false(resolv_conf_holds(text, "ttt0", A));
	assert_false(resolv_conf_holds("# by ttt for ttt0, until `ttt down`\n" A B "#| " B, "ttt0", A));
	assert_false(resolv_conf_holds("# by ttt for ttt0, until `ttt down`\n", "ttt0", A));
	free(alone);
	free(below);
}

static void a_file_is_read_up_to_64_kilobytes(void **state)
{
	static char big[64 * 1024 + 1];
	char *text;
	int err;

	(void)state;
	memset(big, '#', sizeof(big));
	text = resolv_conf_read(folder_write("most", 0644, big, sizeof(big) - 1), &err);
	assert_non_null(text);
	assert_int_equal(strlen(text), sizeof(big) - 1);
	free(text);
	assert_null(resolv_conf_read(folder_write("more", 0644, big, sizeof(big)), &err));
	assert_int_equal(err, -EFBIG);
	assert_null(resolv_conf_read(folder_path("none"), &err));
	assert_int_equal(err, -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what stood there is kept, and comes back", what_stood_there_is_kept_and_comes_back),
		TEST("tunnels go in any order", tunnels_go_in_any_order),
		TEST("of three the middle one goes", of_three_the_middle_one_goes),
		TEST("what another program writes around our lines stays",
		     what_another_program_writes_around_our_lines_stays),
		TEST("it holds while nobody else is in force", it_holds_while_nobody_else_is_in_force),
		TEST("a file is read up to 64 kilobytes", a_file_is_read_up_to_64_kilobytes),
	};
	int failed;

	folder_make();
	failed = RUN_TESTS(tests);
	folder_remove();
	return failed;
}
