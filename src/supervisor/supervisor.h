/*
 * supervisor: the privileged process.  It owns the configuration, routing,
 * firewall, link watch, control socket and the worker, and wires one to the
 * other.
 */
#ifndef TTT_SUPERVISOR_H
#define TTT_SUPERVISOR_H

#include <stdbool.h>

struct config;

struct supervisor_options {
	const char *runtime_dir;	/* is made (0755) if it is not there */
	const char *state_dir;	/* what outlives a boot; is made when there is something to keep */
	int ready_fd;		/* where to say "ready" or "failed"; -1: nowhere */
	bool foreground;	/* log, and tell the service manager (control/notify.h) */
};

/*
 * The daemon's life, in this process: until a stop command, SIGTERM, SIGINT,
 * or a failure, and everything undone.  Gives the exit code of the program:
 * 0 after a stop, 1 failed, 2 configuration, 3 not permitted.
 *
 * One line is written to ready_fd, which is closed then (close-on-exec, never
 * seen by the worker):
 *
 *   ready\n              the tunnel carries data (client), or listens (server)
 *   failed CODE TEXT\n   it does not, everything is undone, and TEXT says why
 *			  and what to do, in one line of at most 1000 bytes; CODE is
 *			  the exit code, which is returned too
 *
 * The end of file without a line means that the process died.  In the
 * foreground without a ready_fd the failure is logged instead.
 *
 * config stays the caller's.  The kernel is told to listen on the control
 * socket by the very process that calls this.
 */
int supervisor_run(const struct config *config, const struct supervisor_options *options);

/*
 * What a killed daemon left behind: rules, routes, settings, nft tables, DNS,
 * socket, for the tunnel of that interface; and a worker that is still alive.
 * Not to be called while a daemon answers.  Logs nothing; the number of things
 * removed (0: there was nothing), or a negative errno.  config may be NULL
 * (no configuration could be read): then the default numbers are looked for.
 */
int supervisor_cleanup(const struct config *config, const struct supervisor_options *options,
		       const char *ifname);

#endif
