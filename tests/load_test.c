/* load: a configuration and its keys, from real files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "config/load.h"
#include "folder.h"
#include "tap.h"

#define K1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="	/* 32 times 1 */
#define K2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define K3 "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="
#define OWN "pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk="	/* the public key of K1 */
#define CLIENT "[tunnel]\nprivate-key-file = key\n[peer vps]\nendpoint = 192.0.2.1\n"
#define SERVER "[tunnel]\nrole = server\nlisten = 7474\naddress = 10.84.0.1/24, fd84::1/64\n" \
	"private-key-file = keys/own\n"

static const char *const strategies[] = { "aggregate", "weighted", "round-robin", "failover", "redundant", NULL };

static struct config *loaded(const char *path)
{
	char error[CONFIG_ERROR] = "";
	struct config *c = NULL;

	if (config_load(path, strategies, &c, error) < 0)
		fail_msg("%s", error);
	return c;
}

/* Refused in one line that begins with `path` and then has `words`; no configuration is given. */
static void assert_refused(const char *path, int code, const char *words)
{
	char error[CONFIG_ERROR] = "", begin[2 * FOLDER_PATH + 200];
	struct config *c = NULL;
	int r = config_load(path, strategies, &c, error);

	snprintf(begin, sizeof(begin), "%s%s", path, words);
	if (r != code || c != NULL || strncmp(error, begin, strlen(begin)) != 0 || strchr(error, '\n') != NULL)
		fail_msg("gave %d: %s\nnot %d: %s", r, error, code, begin);
}

static void assert_key_is(const uint8_t key[32], int byte)
{
	uint8_t wanted[32];

	memset(wanted, byte, sizeof(wanted));
	assert_memory_equal(key, wanted, sizeof(wanted));
}

static void a_client_is_loaded_with_the_keys_beside_its_file(void **state)
{
	struct config *c;

	(void)state;
	folder_text("key", 0600, K1 "\n");
	folder_text("psk", 0600, K3 "\n");
	c = loaded(folder_text("client.conf", 0644, CLIENT "public-key = " K2 "\npreshared-key-file = psk\n"));
	assert_int_equal(c->role, CONFIG_CLIENT);
	assert_string_equal(c->private_key_file, folder_path("key"));
	assert_string_equal(c->peer[0].preshared_key_file, folder_path("psk"));
	assert_key_is(c->private_key, 1);
	assert_key_is(c->peer[0].public_key, 2);
	assert_key_is(c->peer[0].preshared_key, 3);
	config_free(c);
}

static void a_server_is_loaded_with_a_preshared_key_for_whom_it_has_one(void **state)
{
	struct config *c;

	(void)state;
	mkdir(folder_path("keys"), 0700);
	folder_text("keys/own", 0600, K1 "\n");
	folder_text("keys/b", 0600, K3 "\n");
	c = loaded(folder_text("server.conf", 0644, SERVER
			       "[peer a]\npublic-key = " K2 "\naddress = 10.84.0.2\n"
			       "[peer b]\npublic-key = " K3 "\naddress = 10.84.0.3\n"
			       "preshared-key-file = keys/b\n"));
	assert_int_equal(c->role, CONFIG_SERVER);
	assert_int_equal(c->peer_count, 2);
	assert_key_is(c->private_key, 1);
	assert_key_is(c->peer[0].preshared_key, 0);
	assert_key_is(c->peer[1].preshared_key, 3);
	config_free(c);
}

/* A path without a slash has no folder: the keys are looked for where we stand. */
static void a_file_named_without_a_folder_finds_its_keys_here(void **state)
{
	char here[1024];

	(void)state;
	folder_text("key", 0600, K1 "\n");
	folder_text("here.conf", 0644, CLIENT "public-key = " K2 "\n");
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(folder_path(".")), 0);
	config_free(loaded("here.conf"));
	assert_int_equal(chdir(here), 0);
}

static void an_absolute_key_path_is_taken_as_it_is(void **state)
{
	char text[2 * FOLDER_PATH + 200];

	(void)state;
	mkdir(folder_path("keys"), 0700);
	snprintf(text, sizeof(text), "[tunnel]\nprivate-key-file = %s\n[peer vps]\nendpoint = 192.0.2.1\n"
		 "public-key = " K2 "\n", folder_text("key", 0600, K1 "\n"));
	config_free(loaded(folder_text("keys/absolute.conf", 0644, text)));
}

static void each_mistake_begins_with_the_file_and_its_line(void **state)
{
	static const struct { const char *text, *words; } row[] = {
		{ "[tunnel]\nmtu = 9000\n", ":2: mtu: 9000 is not a number from 1280 to 1900" },
		{ "[tunnel]\n\n\nstrategy = fast\n", ":4: strategy: there is no fast; there are aggregate, weighted, round-robin" },
		{ CLIENT "public-key = " K1 "x\n", ":5: public-key: not a key" },
		{ CLIENT "public-key = " K2 "\n[link wlan0]\nteer = backup\n", ":7: unknown key teer; did you mean tier?" },
		{ SERVER "[peer a]\npublic-key = " K2 "\naddress = 10.85.0.2\n", ":8: address: 10.85.0.2/32 lies outside" },
		{ "hello\n", ":1: neither [section]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_refused(folder_text("bad.conf", 0644, row[i].text), -EINVAL, row[i].words);
}

/* What is wrong with a key file is wrong in the line that names it. */
static void a_key_file_that_is_no_good_is_told_with_the_line_that_names_it(void **state)
{
	char words[2 * FOLDER_PATH + 200];

	(void)state;
	unlink(folder_path("key"));
	folder_text("client.conf", 0644, CLIENT "public-key = " K2 "\n\npreshared-key-file = psk\n");
	snprintf(words, sizeof(words), ":2: private-key-file: %s: No such file or directory", folder_path("key"));
	assert_refused(folder_path("client.conf"), -ENOENT, words);

	folder_text("key", 0644, K1 "\n");
	snprintf(words, sizeof(words), ":2: private-key-file: %s: a secret key that others may use (mode 0644); "
		 "run: chmod 600 %s", folder_path("key"), folder_path("key"));
	assert_refused(folder_path("client.conf"), -EACCES, words);

	folder_text("key", 0600, K1 "\n");
	unlink(folder_path("psk"));
	snprintf(words, sizeof(words), ":7: preshared-key-file: %s: No such file or directory", folder_path("psk"));
	assert_refused(folder_path("client.conf"), -ENOENT, words);

	folder_text("psk", 0600, "none\n");
	snprintf(words, sizeof(words), ":7: preshared-key-file: %s: not a key", folder_path("psk"));
	assert_refused(folder_path("client.conf"), -EINVAL, words);

	folder_text("psk", 0600, K3 "\n");
	config_free(loaded(folder_path("client.conf")));
}

static void a_peer_with_our_own_key_is_refused_in_its_line(void **state)
{
	(void)state;
	folder_text("key", 0600, K1 "\n");
	assert_refused(folder_text("own.conf", 0644, CLIENT "public-key = " OWN "\n"), -EINVAL,
		       ":5: public-key: [peer vps] has this machine's own public key");
}

/* The line is what one looks for first; a long path must not push it out. */
static void a_long_path_keeps_its_line_number(void **state)
{
	char name[160];

	(void)state;
	unlink(folder_path("key"));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_refused(folder_text(name, 0644, CLIENT "public-key = " K2 "\n"), -ENOENT, ":2: private-key-file: ");
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
	(void)state;
	alarm(10);
	assert_refused(folder_path("nothing.conf"), -ENOENT, ": No such file or directory");
	mkdir(folder_path("dir.conf"), 0700);
	assert_refused(folder_path("dir.conf"), -EISDIR, ": Is a directory");
	assert_int_equal(mkfifo(folder_path("fifo.conf"), 0600), 0);
	assert_refused(folder_path("fifo.conf"), -EINVAL, ": no [tunnel] section");
	assert_refused(folder_text("empty.conf", 0644, ""), -EINVAL, ": no [tunnel] section");
	alarm(0);
}

static void a_file_of_just_the_largest_size_is_read_and_a_larger_one_is_not(void **state)
{
	static const char head[] = CLIENT "public-key = " K2 "\n";
	char *text = malloc(CONFIG_SIZE_MAX + 1);

	(void)state;
	assert_non_null(text);
	folder_text("key", 0600, K1 "\n");
	memset(text, '\n', CONFIG_SIZE_MAX + 1);
	memcpy(text, head, sizeof(head) - 1);
	config_free(loaded(folder_write("large.conf", 0644, text, CONFIG_SIZE_MAX)));
	assert_refused(folder_write("large.conf", 0644, text, CONFIG_SIZE_MAX + 1), -EINVAL, ": larger than 1 MiB");
	free(text);
}

/* Beside a key of their own, as their first lines say. */
static struct config *loaded_example(const char *name)
{
	char from[FOLDER_PATH], text[16 * 1024];
	size_t len;
	FILE *f;

	snprintf(from, sizeof(from), "docs/examples/%s", name);
	f = fopen(from, "re");
	if (f == NULL)
		fail_msg("%s: %s (the tests run in the repository's top folder)", from, strerror(errno));
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	folder_text("key", 0600, K3 "\n");
	return loaded(folder_write(name, 0644, text, len));
}

static void the_examples_are_good_configurations_that_fit_together(void **state)
{
	struct config *client = loaded_example("client.conf"), *server = loaded_example("server.conf");

	(void)state;
	assert_int_equal(client->role, CONFIG_CLIENT);
	assert_true(client->full_tunnel && client->kill_switch);
	assert_int_equal(server->role, CONFIG_SERVER);
	assert_int_equal(server->peer[0].prefix_count, 2);
	assert_int_equal(client->peer[0].endpoint[0].port, server->listen);
	config_free(client);
	config_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a client is loaded with the keys beside its file",
		     a_client_is_loaded_with_the_keys_beside_its_file),
		TEST("a server is loaded, with a preshared key for whom it has one",
		     a_server_is_loaded_with_a_preshared_key_for_whom_it_has_one),
		TEST("a file named without a folder finds its keys here",
		     a_file_named_without_a_folder_finds_its_keys_here),
		TEST("an absolute key path is taken as it is", an_absolute_key_path_is_taken_as_it_is),
		TEST("each mistake begins with the file and its line", each_mistake_begins_with_the_file_and_its_line),
		TEST("a key file that is no good is told with the line that names it",
		     a_key_file_that_is_no_good_is_told_with_the_line_that_names_it),
		TEST("a peer with our own key is refused in its line", a_peer_with_our_own_key_is_refused_in_its_line),
		TEST("a long path keeps its line number", a_long_path_keeps_its_line_number),
		TEST("a file that cannot be read says why", a_file_that_cannot_be_read_says_why),
		TEST("a file of just the largest size is read and a larger one is not",
		     a_file_of_just_the_largest_size_is_read_and_a_larger_one_is_not),
		TEST("the examples are good configurations that fit together",
		     the_examples_are_good_configurations_that_fit_together),
	};
	int failed;

	folder_make();
	failed = RUN_TESTS(tests);
	folder_remove();
	return failed;
}
