/*
 * supervisor_state: what the supervisor owns, shared by its life
 * (supervisor.c) and the commands that people give it
 * (supervisor_control.c), and by nothing else.
 */
#ifndef TTT_SUPERVISOR_STATE_H
#define TTT_SUPERVISOR_STATE_H

#include <ev.h>
#include <stdbool.h>

#include "config/config.h"
#include "control/socket.h"
#include "host.h"
#include "report.h"
#include "supervisor.h"
#include "uplinks.h"
#include "worker_child.h"

#define SUPERVISOR_QUESTIONS	CONTROL_CLIENTS	/* each connection has one request at a time */

/* A control request that waits for the worker. */
struct supervisor_question {
	uint64_t request;	/* control's id */
	uint32_t id;		/* of a strategy's ACK */
	char strategy[MESSAGE_NAME];	/* empty: a status is wanted */
};

/* One per process. */
struct supervisor {
	const struct config *config;
	const struct supervisor_options *options;
	struct ev_loop *loop;
	struct control *control;
	struct host host;
	struct worker_child worker;
	struct worker_options worker_options;
	char empty_dir[CONFIG_PATH];
	unsigned restarts_now;		/* of the worker, in this minute */
	struct uplinks uplinks;

	struct report report;		/* the worker's status while it comes in */
	struct supervisor_question question[SUPERVISOR_QUESTIONS];
	size_t question_count;
	uint32_t question_id;		/* the newest that the worker was given */
	nsec_t asked_at;		/* for a status; 0: no answer is outstanding */
	char strategy[MESSAGE_NAME];	/* in force */

	bool ready;			/* said so */
	bool ending;			/* whatever ends now is meant to */
	int exit_code;
	char reason[900];		/* why it failed, in one line; empty: it did not */
	int ready_fd;			/* -1: said, or nobody listens */
	nsec_t started_at, state_at;
	nsec_t applied_at;		/* when the kernel was last looked at */
	ev_io events;
	ev_child child;
	ev_timer up_within, settle, respawn, minute;
	ev_signal stop[3];
};

nsec_t supervisor_now(void);

/* A command has come over the control socket (ctx: the supervisor). */
void supervisor_request(void *ctx, const struct control_request *request);
/* The worker's status is whole, or (it is gone) will not come: who asked is answered. */
void supervisor_answer_status(struct supervisor *s);
/* The worker has taken, or refused, a strategy. */
void supervisor_answer_strategy(struct supervisor *s, const struct message_ack *ack);
/* The worker is gone: nobody waits for it any longer. */
void supervisor_answer_all(struct supervisor *s);

#endif
