/* sandbox: see sandbox.h. */
#include "io/sandbox.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What libev's loop over poll, the allocator, packet I/O, the channel and the log
 * call.  fcntl, for the channel's duplicates; getrandom, for libsodium.
 * Nothing here makes a descriptor of a new kind.
 */
#ifdef __NR_mmap2	/* a 32-bit machine: its other mmap, if there is one, has its protection where no filter can look */
#define MMAP	SCMP_SYS(mmap2)
#else
#define MMAP	SCMP_SYS(mmap)
#endif

static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(fcntl),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
	SCMP_SYS(brk), MMAP, SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* what 32-bit machines have in place of some of them */
	SCMP_SYS(fcntl64), SCMP_SYS(sigreturn), SCMP_SYS(clock_gettime64), SCMP_SYS(ppoll_time64),
	SCMP_SYS(futex_time64), SCMP_SYS(recvmmsg_time64),
#ifdef __SANITIZE_ADDRESS__
	/* the sanitizers' own: on their way out, and before they say what they have found */
	SCMP_SYS(sigaltstack), SCMP_SYS(readlink), SCMP_SYS(open), SCMP_SYS(ioctl),
#endif
};

static int add_rules(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int error = 0;

		/* memory is never made executable, so new code cannot be brought in */
		if (allowed[i] == MMAP)
			error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 1,
						 SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0));
		else
			error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		/* an architecture need not have every call */
		if (error < 0 && error != -EDOM)
			return error;
	}
	/* probes of the C library that may fail */
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
}

static int close_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (filter == NULL)
		return -ENOMEM;
	error = add_rules(filter);
	if (error == 0)	/* for all threads that there are */
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

/* Root's, writable by nobody else, and nothing in it. */
static int check_empty(const char *path)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int error = 0;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	dir = opendir(path);
	if (dir == NULL)
		return -errno;
	while (error == 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = -ENOTEMPTY;
	closedir(dir);
	return error;
}

static int change_root(const struct sandbox *s)
{
	return chroot(s->empty_dir) < 0 || chdir("/") < 0 ? -errno : 0;
}

/* Every id and capability in one go; the bounding set too. */
static int change_user(const struct sandbox *s)
{
	if (s->uid == 0 || s->gid == 0)
		return -EINVAL;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_change_id((int)s->uid, (int)s->gid,
			    (capng_flags_t)(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING)) != 0)
		return errno != 0 ? -errno : -EPERM;
	return geteuid() == s->uid && capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE
		       ? 0 : -EPERM;
}

/* Keys must not land in a file; a setuid change has cleared the death signal, so it comes last. */
static int tie_to_parent(const struct sandbox *s)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	/* it may have died before the line above */
	return getppid() == s->parent ? 0 : -ESRCH;
}

static int renounce(const struct sandbox *s)
{
	(void)s;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int do_last(const struct sandbox *s)
{
	return s->last != NULL ? s->last(s->ctx) : 0;
}

static int filter_calls(const struct sandbox *s)
{
	(void)s;
	return close_filter();
}

static int check_dir(const struct sandbox *s)
{
	return check_empty(s->empty_dir);
}

int sandbox_enter(const struct sandbox *sandbox, const char **ret_step)
{
	static const struct {
		const char *name;
		int (*take)(const struct sandbox *s);
	} step[] = {
		{ "empty directory", check_dir },
		{ "chroot", change_root },
		{ "user", change_user },
		{ "parent", tie_to_parent },
		{ "no_new_privs", renounce },
		{ "threads", do_last },
		{ "seccomp", filter_calls },
	};

	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		int error = step[i].take(sandbox);

		if (error < 0) {
			*ret_step = step[i].name;
			return error;
		}
	}
	return 0;
}
