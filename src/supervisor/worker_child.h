/*
 * worker_child: the worker as its parent sees it: begin it, tell it who it is, notice its end.
 */
#ifndef TTT_WORKER_CHILD_H
#define TTT_WORKER_CHILD_H

#include <sys/types.h>

#include "control/channel.h"
#include "supervisor/worker_words.h"
#include "worker/worker.h"

struct config;
struct config_peer;
struct ev_loop;

struct worker_child {
	pid_t pid;		/* 0: none lives */
	struct channel *channel;
	struct worker_words *words;
	char last[WORKER_WORD];	/* line that it said, once it is gone; empty: none */
	unsigned restarts;
};

/*
 * Fork a worker and send it SETUP, its peers and START.  A client's has one: the
 * server, of those in config; a server's (NULL) all.  said outlives it, and is all
 * workers'.  0 or a negative errno.
 */
int worker_child_begin(struct worker_child *s, struct ev_loop *loop, const struct config *config,
		       const struct config_peer *server, const char *strategy,
		       const struct worker_options *options, struct worker_said *said,
		       const struct channel_owner *owner);
/*
 * Its end was seen, or it shall be ended: the channel is closed, a living one is killed
 * and reaped, and its last words are in the log, and in `last`.
 */
void worker_child_end(struct worker_child *s);

#endif
