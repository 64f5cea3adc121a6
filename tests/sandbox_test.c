/* sandbox: what is shut in can no longer do what a stranger's code would want. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/sandbox.h"
#include "tap.h"

static char dir[] = "/tmp/sandbox-test-XXXXXX";
static int pair[2];

/* What a child does once it is inside; how it ended: its exit code, or the negative signal. */
static int inside(const struct sandbox *s, int (*act)(void))
{
	pid_t parent = getpid(), pid = fork();
	int status;

	if (pid == 0) {
		struct sandbox own = *s;
		const char *step = "";
		int error;

		if (own.parent == 0)
			own.parent = parent;
		error = sandbox_enter(&own, &step);
		_exit(error < 0 ? -error : act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static struct sandbox good(void)
{
	return (struct sandbox){ .uid = 65534, .gid = 65534, .empty_dir = dir };
}

static int nothing(void) { return 0; }
static int make_socket(void) { return socket(AF_INET, SOCK_DGRAM, 0) < 0; }
static int execute(void) { return execl("/bin/true", "true", (char *)NULL); }
static int make_child(void) { return fork() < 0; }
static int signal_parent(void) { return kill(getppid(), 0) < 0; }
static int become_root(void) { return setuid(0) < 0; }
static int leave_root(void) { return chroot(".") < 0; }
static int make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int open_file(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 1;
}

static int work(void)
{
	struct timespec t;
	uint8_t r[32];
	void *big = malloc(8 << 20);

	if (big == NULL || getrandom(r, sizeof(r), 0) != sizeof(r))
		return 1;
	memset(big, 1, 8 << 20);
	free(big);
	return clock_gettime(CLOCK_BOOTTIME, &t) == 0 ? 0 : 1;
}

/* A 32-bit machine has other system calls for the half of this. */
static int use_descriptors(void)
{
	char byte = 'a', more = 'b';
	struct iovec out = { &byte, 1 }, in = { &more, 1 };
	struct mmsghdr sent = { .msg_hdr = { .msg_iov = &out, .msg_iovlen = 1 } };
	struct mmsghdr got = { .msg_hdr = { .msg_iov = &in, .msg_iovlen = 1 } };
	struct pollfd readable = { .fd = pair[1], .events = POLLIN };
	int again = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);

	if (again < 0 || sendmmsg(again, &sent, 1, MSG_DONTWAIT) != 1 || close(again) < 0)
		return 1;
	if (poll(&readable, 1, 1000) != 1 || ppoll(&readable, 1, &(struct timespec){ 1, 0 }, NULL) != 1)
		return 1;
	if (recvmmsg(pair[1], &got, 1, MSG_DONTWAIT, NULL) != 1 || more != byte)
		return 1;
	return writev(pair[0], &out, 1) == 1 && readv(pair[1], &in, 1) == 1 ? 0 : 1;
}

static void what_serving_packets_needs_still_works(void **state)
{
	struct sandbox s = good();

	(void)state;
	assert_int_equal(inside(&s, nothing), 0);
	assert_int_equal(inside(&s, work), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(inside(&s, use_descriptors), 0);
	close(pair[0]);
	close(pair[1]);
}

static void everything_else_kills_and_files_are_out_of_reach(void **state)
{
	static int (*const forbidden[])(void) = {
		make_socket, execute, make_child, signal_parent, become_root, leave_root, make_code,
	};
	struct sandbox s = good();

	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		assert_int_equal(inside(&s, forbidden[i]), -SIGSYS);
	assert_int_equal(inside(&s, open_file), 0);
}

static void a_place_that_is_not_empty_or_not_root_s_is_refused(void **state)
{
	char file[64];
	struct sandbox s = good();
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s/file", dir);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(inside(&s, nothing), ENOTEMPTY);
	unlink(file);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(inside(&s, nothing), EPERM);
	assert_int_equal(chmod(dir, 0555) | chown(dir, 65534, 0), 0);
	assert_int_equal(inside(&s, nothing), EPERM);
	assert_int_equal(chown(dir, 0, 0), 0);
	s.empty_dir = "/nowhere";
	assert_int_equal(inside(&s, nothing), ENOENT);
	s.empty_dir = "/dev/null";
	assert_int_equal(inside(&s, nothing), ENOTDIR);
}

static void root_is_no_user_to_become(void **state)
{
	struct sandbox s = good();

	(void)state;
	s.uid = 0;
	assert_int_equal(inside(&s, nothing), EINVAL);
	s = good();
	s.gid = 0;
	assert_int_equal(inside(&s, nothing), EINVAL);
}

static void a_parent_that_has_died_already_is_noticed(void **state)
{
	struct sandbox s = good();

	(void)state;
	s.parent = 1;	/* never ours */
	assert_int_equal(inside(&s, nothing), ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what serving packets needs still works", what_serving_packets_needs_still_works),
		TEST("everything else kills, and files are out of reach",
		     everything_else_kills_and_files_are_out_of_reach),
		TEST("a place that is not empty or not root's is refused",
		     a_place_that_is_not_empty_or_not_root_s_is_refused),
		TEST("root is no user to become", root_is_no_user_to_become),
		TEST("a parent that has died already is noticed", a_parent_that_has_died_already_is_noticed),
	};
	int failed;

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root to give it up\n");
		return 0;
	}
	if (mkdtemp(dir) == NULL || chmod(dir, 0555) < 0)
		return 1;
	failed = RUN_TESTS(tests);
	rmdir(dir);
	return failed;
}
