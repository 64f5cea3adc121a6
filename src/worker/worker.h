/*
 * worker: the process without privilege: the engine, the TUN descriptor, the
 * UDP sockets, and nothing else.  All it has comes from the supervisor over
 * the channel (control/message.h).
 */
#ifndef TTT_WORKER_H
#define TTT_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

struct worker_options {
	uid_t uid;		/* what it becomes; not 0 */
	gid_t gid;
	bool one_by_one;	/* no datagrams go together, whatever the kernel can */
	const char *empty_dir;	/* what it is shut into: an empty directory that root owns */
	unsigned threads;	/* that help it to seal and open: 0..CREW_MAX */
};

/*
 * The child's life after fork: closes every descriptor but the three standard
 * ones and the channel, enters the sandbox, then serves the channel
 * until it ends.  Ignores the terminal's and the service manager's signals:
 * the supervisor says when to stop.  Gives the exit code for _exit: 0 after
 * STOP, 1 when the supervisor is gone, sent garbage, or the sandbox could not
 * be closed (which is logged).
 */
int worker_run(int channel_fd, const struct worker_options *options);

#endif
