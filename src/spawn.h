/*
 * spawn: the worker process: begin it, tell it who it is, notice its end.
 */
#ifndef TTT_SPAWN_H
#define TTT_SPAWN_H

#include <sys/types.h>

#include "control/channel.h"
#include "worker.h"

struct config;
struct ev_loop;

struct spawn {
	pid_t pid;		/* 0: none lives */
	struct channel *channel;
	unsigned restarts;
};

/*
 * Fork a worker and send it SETUP, its peers and START.  close_fd, unless
 * negative, is closed in the child besides.  Negative errno on failure.
 */
int spawn_begin(struct spawn *s, struct ev_loop *loop, const struct config *config,
		const struct worker_options *options, const struct channel_owner *owner);
/* Its end was seen, or it shall be ended: the channel is closed, a living one is killed and reaped. */
void spawn_end(struct spawn *s);

#endif
