/* keyfile: keys as text, and every file that is refused as one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "config/keyfile.h"
#include "folder.h"
#include "tap.h"

#define K1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="	/* 32 times 1 */
#define NO_KEY "not a key: one line of 44 characters of base64"
#define NO_FILE "not a regular file"

/* The key is K1's. */
static void assert_read(const char *path)
{
	uint8_t key[KEY_SIZE] = { 0 }, ones[KEY_SIZE];
	char error[KEYFILE_ERROR] = "";

	memset(ones, 1, sizeof(ones));
	if (keyfile_read(path, key, error) != 0)
		fail_msg("%s", error);
	assert_memory_equal(key, ones, sizeof(key));
}

/* Refused in one line, `path: words…`, and the caller's key is as it was. */
static void assert_refused(const char *path, int code, const char *words)
{
	uint8_t key[KEY_SIZE], before[KEY_SIZE];
	char error[KEYFILE_ERROR] = "", begin[FOLDER_PATH + 80];
	int r;

	memset(key, 0xaa, sizeof(key));
	memset(before, 0xaa, sizeof(before));
	r = keyfile_read(path, key, error);
	snprintf(begin, sizeof(begin), "%s: %s", path, words);
	if (r != code || strncmp(error, begin, strlen(begin)) != 0 || strchr(error, '\n') != NULL)
		fail_msg("%s\ngave %d: %s\nnot %d: %s", path, r, error, code, words);
	assert_memory_equal(key, before, sizeof(key));
}

static void a_key_is_read_from_its_line(void **state)
{
	(void)state;
	assert_read(folder_text("key", 0600, K1 "\n"));
	assert_read(folder_text("key", 0400, K1 "\n"));
	assert_read(folder_text("key", 0600, K1));
	assert_read(folder_text("key", 0600, K1 "\r\n"));
	assert_read(folder_text("key", 0600, K1 " \t\n\n"));
	unlink(folder_path("key"));
}

static void a_key_that_others_may_use_is_refused_with_the_chmod_to_run(void **state)
{
	static const mode_t mode[] = { 0644, 0640, 0604, 0620, 0602, 0610, 0601, 0777 };
	char hint[FOLDER_PATH + 120];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mode); i++) {
		const char *path = folder_text("open", mode[i], K1 "\n");

		snprintf(hint, sizeof(hint), "a secret key that others may use (mode %04o); "
			 "run: chmod 600 %s", (unsigned)mode[i], path);
		assert_refused(path, -EACCES, hint);
		chmod(path, 0600);
		assert_read(path);
	}
}

static void a_missing_file_says_so(void **state)
{
	(void)state;
	assert_refused(folder_path("nothing"), -ENOENT, "No such file or directory");
	assert_refused(folder_path("nothing/key"), -ENOENT, "No such file or directory");
	folder_text("file", 0600, K1 "\n");
	assert_refused(folder_path("file/key"), -ENOTDIR, "Not a directory");
}

static void a_file_that_is_not_a_key_is_refused(void **state)
{
	static const char *const text[] = {
		"", "\n", "hello\n", "-----BEGIN PRIVATE KEY-----\n",
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n",	/* no padding: 43 */
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n",	/* 33 bytes */
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==\n",	/* 31 bytes */
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA_E=\n",	/* of base64url */
		"AQEBAQEBAQEBAQEB AQEBAQEBAQEBAQEBAQEBAQEBAQE=\n",
		" " K1 "\n", "\n" K1 "\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		assert_refused(folder_text("bad", 0600, text[i]), -EINVAL, NO_KEY);
}

static void what_follows_the_key_is_refused(void **state)
{
	static const struct { const char *bytes; size_t len; } row[] = {
#define ROW(text) { text, sizeof(text) - 1 }
		ROW(K1 "x\n"), ROW(K1 " x\n"), ROW(K1 "\nx\n"), ROW(K1 "\n" K1 "\n"), ROW(K1 "\n# mine\n"),
		ROW(K1 "\0x\n"), ROW(K1 "\0\n"), ROW(K1 "\n\0"),
	};
	char large[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_refused(folder_write("long", 0600, row[i].bytes, row[i].len), -EINVAL, NO_KEY);
	/* too far behind it to be looked at: refused for its length */
	memset(large, '\n', sizeof(large));
	memcpy(large, K1, strlen(K1));
	large[sizeof(large) - 1] = 'x';
	assert_refused(folder_write("long", 0600, large, sizeof(large)), -EINVAL, NO_KEY);
}

/* Who waits for the fifo's other end is ended by the alarm. */
static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
	(void)state;
	alarm(10);
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	assert_int_equal(mkdir(folder_path("dir"), 0700), 0);
	assert_refused(folder_path("fifo"), -EINVAL, NO_FILE);
	assert_refused(folder_path("dir"), -EINVAL, NO_FILE);
	assert_refused("/dev/null", -EINVAL, NO_FILE);
	alarm(0);
}

/* The last letter of a key holds two bits that are not the key's; they have to be 0. */
static void a_key_has_only_one_text(void **state)
{
	static const char other[] = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=";
	uint8_t key[KEY_SIZE];
	char text[KEY_TEXT];

	(void)state;
	assert_true(key_parse(K1, key));
	assert_string_equal(key_print(key, text), K1);
	assert_false(key_parse(other, key));
	assert_refused(folder_text("other", 0600, other), -EINVAL, NO_KEY);
	memset(key, 0xff, sizeof(key));
	assert_string_equal(key_print(key, text), "//////////////////////////////////////////8=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a key is read from its line", a_key_is_read_from_its_line),
		TEST("a key that others may use is refused with the chmod to run",
		     a_key_that_others_may_use_is_refused_with_the_chmod_to_run),
		TEST("a missing file says so", a_missing_file_says_so),
		TEST("a file that is not a key is refused", a_file_that_is_not_a_key_is_refused),
		TEST("what follows the key is refused", what_follows_the_key_is_refused),
		TEST("what is no regular file is refused without waiting",
		     what_is_no_regular_file_is_refused_without_waiting),
		TEST("a key has only one text", a_key_has_only_one_text),
	};
	int failed;

	folder_make();
	failed = RUN_TESTS(tests);
	folder_remove();
	return failed;
}
