/* notify: what the service manager hears, on a real socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/notify.h"
#include "folder.h"
#include "tap.h"

/* A manager's socket; `name` as in NOTIFY_SOCKET, with @ for the abstract namespace. */
static int manager(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(name) < sizeof(at.sun_path));
	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void assert_heard(int fd, const char *text)
{
	char buf[256];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static void assert_silence(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void without_a_manager_nothing_is_sent(void **state)
{
	int fd = manager(folder_path("unasked"));

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify_send("READY=1"), 0);
	assert_silence(fd);
	close(fd);
}

static void assert_both_words_arrive(int fd)
{
	assert_int_equal(notify_send("READY=1"), 1);
	assert_int_equal(notify_send("STATUS=3 links\nSTOPPING=1"), 1);
	assert_heard(fd, "READY=1");
	assert_heard(fd, "STATUS=3 links\nSTOPPING=1");
	assert_silence(fd);
	close(fd);
}

static void a_socket_with_a_path_hears_every_word(void **state)
{
	(void)state;
	assert_both_words_arrive(manager(folder_path("notify")));
}

static void a_socket_in_the_abstract_namespace_hears_every_word(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@ttt-notify-test-%d", (int)getpid());
	assert_both_words_arrive(manager(name));
}

static void the_longest_name_still_fits(void **state)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int n = snprintf(name, sizeof(name), "@ttt-notify-test-%d-", (int)getpid());

	(void)state;
	memset(name + n, 'x', sizeof(name) - (size_t)n);
	name[sizeof(name) - 2] = '\0';
	assert_both_words_arrive(manager(name));
	name[sizeof(name) - 2] = 'x';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_send("READY=1"), -EINVAL);
}

static void a_manager_that_is_gone_is_an_error_and_no_signal(void **state)
{
	const char *path = folder_path("gone");

	(void)state;
	close(manager(path));
	assert_int_equal(notify_send("READY=1"), -ECONNREFUSED);
	unlink(path);
	assert_int_equal(notify_send("READY=1"), -ENOENT);
}

static void a_name_that_is_no_sockets_is_refused(void **state)
{
	(void)state;
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_send("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	assert_int_equal(notify_send("READY=1"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("without a manager nothing is sent", without_a_manager_nothing_is_sent),
		TEST("a socket with a path hears every word", a_socket_with_a_path_hears_every_word),
		TEST("a socket in the abstract namespace hears every word",
		     a_socket_in_the_abstract_namespace_hears_every_word),
		TEST("the longest name still fits", the_longest_name_still_fits),
		TEST("a manager that is gone is an error and no signal",
		     a_manager_that_is_gone_is_an_error_and_no_signal),
		TEST("a name that is no socket's is refused", a_name_that_is_no_sockets_is_refused),
	};
	int failed;

	folder_make();
	failed = RUN_TESTS(tests);
	folder_remove();
	return failed;
}
