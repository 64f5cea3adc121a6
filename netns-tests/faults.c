/*
 * faults: for LD_PRELOAD: the FAULT-th of the calls by which a program changes
 * its host, or gets what it needs for that, fails once.  FAULT_LOG gets a line
 * for each: its number and what it is.  Calls count over forks.
 *
 *	cc -shared -fPIC -o faults.so faults.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned *calls;		/* shared with the children */
static bool caged;		/* this is the worker, which may not do what we do, and changes nothing */

static void note(unsigned n, const char *what)
{
	const char *log = getenv("FAULT_LOG");
	char line[256];
	int fd = log != NULL ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0644) : -1;

	if (fd < 0)
		return;
	snprintf(line, sizeof(line), "%u %s\n", n, what);
	syscall(SYS_write, fd, line, strlen(line));
	syscall(SYS_close, fd);
}

/* True: this one fails. */
static bool fails(const char *what)
{
	const char *fault = getenv("FAULT");
	int error = errno;
	unsigned n;

	if (fault == NULL || calls == NULL || caged)
		return false;
	n = __atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST);
	note(n, what);
	errno = error;
	return n == (unsigned)atoi(fault);
}

__attribute__((constructor))
static void begin(void)
{
	void *page = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	calls = page != MAP_FAILED ? page : NULL;
}

#define REAL(name)	((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL(error)	do { errno = (error); return -1; } while (0)

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

/* A request that changes something: not one that only asks. */
static const char *change(int fd, const void *data, size_t len)
{
	const struct nlmsghdr *n = data;

	if (caged)
		return NULL;
	if (option(fd, SO_DOMAIN) != AF_NETLINK || len < sizeof(*n))
		return NULL;
	if (option(fd, SO_PROTOCOL) == NETLINK_NETFILTER)
		return n->nlmsg_type == NFNL_MSG_BATCH_BEGIN ? "nftables" : NULL;
	switch (n->nlmsg_type) {
	case RTM_NEWLINK:	return "RTM_NEWLINK";
	case RTM_NEWADDR:	return "RTM_NEWADDR";
	case RTM_NEWROUTE:	return "RTM_NEWROUTE";
	case RTM_NEWRULE:	return "RTM_NEWRULE";
	}
	return NULL;
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	const char *what = m->msg_iovlen > 0 ? change(fd, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len) : NULL;

	if (what != NULL && fails(what))
		FAIL(EPERM);
	return REAL(sendmsg)(fd, m, flags);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t size)
{
	const char *what = change(fd, data, len);

	if (what != NULL && fails(what))
		FAIL(EPERM);
	return REAL(sendto)(fd, data, len, flags, to, size);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *argument;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (request == TUNSETIFF && fails("TUNSETIFF"))
		FAIL(EPERM);
	return REAL(ioctl)(fd, request, argument);
}

static bool open_fails(const char *path, int flags)
{
	char what[200];

	if ((flags & O_ACCMODE) == O_RDONLY || strncmp(path, "/dev/null", 9) == 0)
		return false;
	snprintf(what, sizeof(what), "open %.190s", path);
	return fails(what);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (open_fails(path, flags))
		FAIL(EACCES);
	return REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

FILE *fopen(const char *path, const char *mode)
{
	if (open_fails(path, mode[0] == 'r' && strchr(mode, '+') == NULL ? O_RDONLY : O_WRONLY)) {
		errno = ENOSPC;
		return NULL;
	}
	return REAL(fopen)(path, mode);
}

int socket(int domain, int type, int protocol)
{
	char what[64];

	snprintf(what, sizeof(what), "socket of family %d", domain);
	if (fails(what))
		FAIL(ENFILE);
	return REAL(socket)(domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int fd[2])
{
	if (fails("socketpair"))
		FAIL(EMFILE);
	return REAL(socketpair)(domain, type, protocol, fd);
}

int bind(int fd, const struct sockaddr *to, socklen_t len)
{
	if (fails("bind"))
		FAIL(EADDRNOTAVAIL);
	return REAL(bind)(fd, to, len);
}

int listen(int fd, int backlog)
{
	if (fails("listen"))
		FAIL(EOPNOTSUPP);
	return REAL(listen)(fd, backlog);
}

int mkdir(const char *path, mode_t mode)
{
	if (fails("mkdir"))
		FAIL(EACCES);
	return REAL(mkdir)(path, mode);
}

pid_t fork(void)
{
	if (fails("fork"))
		FAIL(EAGAIN);
	return REAL(fork)();
}

int chroot(const char *path)
{
	if (fails("chroot"))
		FAIL(EACCES);
	caged = true;
	return REAL(chroot)(path);
}
