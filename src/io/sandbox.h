/*
 * sandbox: this process gives up everything that serving packets does not
 * need.  What comes afterwards can read and write descriptors that it has or
 * is handed, allocate memory and read the clock; it opens and connects nothing.
 */
#ifndef TTT_IO_SANDBOX_H
#define TTT_IO_SANDBOX_H

#include <sys/types.h>

struct sandbox {
	uid_t uid;		/* not 0 */
	gid_t gid;		/* not 0 */
	const char *empty_dir;	/* becomes the root directory; must be root's and empty */
	pid_t parent;		/* whose death ends this process */
	/*
	 * Called before the filter closes, as that user, in that directory: for what
	 * it would not let through, such as threads.  They are under it afterwards.
	 * A negative errno ends it.  NULL: nothing.
	 */
	int (*last)(void *ctx);
	void *ctx;
};

/*
 * Called by root, once, in a process with one thread (but those that `last`
 * makes): change the root, the user and the group, drop all capabilities and groups, die with the parent,
 * no new privileges, then a seccomp filter under which anything but the listed
 * calls kills the process.  0, or a negative errno, with ret_step naming what
 * failed ("chroot", …): then the process must end, for it is half shut in.
 * -ESRCH: the parent has died already.
 */
int sandbox_enter(const struct sandbox *sandbox, const char **ret_step);

#endif
