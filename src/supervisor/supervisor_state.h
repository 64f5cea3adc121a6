/*
 * supervisor_state: what the supervisor owns, shared by its life
 * (supervisor.c), its worker's (supervisor_worker.c), the commands that people
 * give it (supervisor_control.c, and supervisor_links.c for those about links),
 * the links' budgets (supervisor_budget.c), a client's servers
 * (supervisor_servers.c) and its DNS servers (supervisor_names.c), and what
 * others do to firewalls (supervisor_blocked.c), and by nothing else.
 */
#ifndef TTT_SUPERVISOR_STATE_H
#define TTT_SUPERVISOR_STATE_H

#include <ev.h>
#include <stdbool.h>

#include "base/exit_code.h"
#include "base/rarely.h"
#include "config/config.h"
#include "control/socket.h"
#include "host/host.h"
#include "host/resolver.h"
#include "supervisor/blocked.h"
#include "supervisor/budget.h"
#include "supervisor/preferences.h"
#include "supervisor/report.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeovers.h"
#include "supervisor/uplinks.h"
#include "supervisor/worker_child.h"

#define SUPERVISOR_QUESTIONS	CONTROL_CLIENTS	/* each connection has one request at a time */

/* A control request that waits for the worker. */
struct supervisor_question {
	enum { QUESTION_STATUS, QUESTION_STRATEGY, QUESTION_LINK } kind;
	uint64_t request;	/* control's id */
	uint32_t id;		/* of the ACK that answers it; a status has none */
	char strategy[MESSAGE_NAME];
	char link[CONFIG_IFNAME];
};

/* Counting the links' budgets (supervisor_budget.c). */
struct supervisor_budget {
	char path[CONFIG_PATH];	/* of the file */
	ev_timer ask;
	nsec_t asked_at, saved_at;
	uint64_t unsaved;	/* bytes that the file does not know */
	bool unkept;		/* the file cannot be written */
};

struct server_addresses {
	struct addr addr[UPLINKS_ENDPOINTS];	/* with their ports */
	size_t count;
};

/* A client's servers (supervisor_servers.c). */
struct supervisor_servers {
	size_t current;			/* whose worker is supervisor.worker: index into the configuration's peers */
	bool session;			/* it has given keys, */
	uint32_t paths;			/* and these path ids carry data */
	bool missing;			/* it does not answer */
	size_t asked;			/* others, since they were all asked last */
	bool telling;			/* this round goes into the log, */
	nsec_t told_at;			/* as one did then */
	bool asking;			/* there is a candidate: */
	size_t candidate;		/* the server, or the last one that was asked */
	uint32_t candidate_paths;
	struct worker_child worker;
	struct uplinks uplinks;
	ev_child child;
	ev_timer look, grace;
	struct message_tunnel tunnel;	/* what the candidate has handed out */
	struct resolver *resolver;
	struct server_addresses found[CONFIG_SERVERS];	/* of names */
	uint32_t stale;			/* found in an earlier round: bits of servers */
	nsec_t looked_up_at;
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
	struct worker_said said;	/* by all workers, the candidates' too */
	char empty_dir[CONFIG_PATH];
	unsigned restarts_now;		/* of the worker, in this minute */
	struct uplinks uplinks;
	struct supervisor_servers servers;
	struct preferences preferences;
	struct budgets budgets;
	struct supervisor_budget budget;

	struct report report;		/* the worker's status while it comes in */
	struct supervisor_question question[SUPERVISOR_QUESTIONS];
	size_t question_count;
	uint32_t question_id;		/* the newest that the worker was given; never 0 */
	nsec_t asked_at;		/* for a status; 0: no answer is outstanding */
	char strategy[MESSAGE_NAME];	/* in force */

	bool ready;			/* said so */
	bool signalled;			/* asked to end by a signal, not by `ttt down` */
	bool ending;			/* whatever ends now is meant to */
	int exit_code;
	char reason[900];		/* why it failed, in one line; empty: it did not */
	int ready_fd;			/* -1: said, or nobody listens */
	nsec_t started_at, state_at;
	nsec_t applied_at;		/* when the kernel was last looked at */
	char trouble[HOST_ERROR];	/* what it did not take then, in words; empty: nothing */
	struct blocked blocked;		/* by somebody else's firewall */
	ev_io events, traced, tables;
	ev_child child;
	ev_timer up_within, settle, respawn, minute, outside, again, names, names_again, rest;
	double again_wait;		/* seconds before all is tried once more; 0: the kernel has taken it */
	double names_wait;		/* seconds before they are tried once more; 0: they are set */
	struct rarely over[CONFIG_PEERS];	/* that a peer's session is; a client's: its server's */
	bool in_session[CONFIG_PEERS];	/* server: that peer is, */
	unsigned sessions;		/* and so many are */
	struct takeovers begun[CONFIG_PEERS];	/* its sessions, */
	struct rarely shared[CONFIG_PEERS];	/* and that its key seems to be two machines' */
	struct rarely deleted;		/* that a table is */
	struct rarely overwritten;	/* that another program writes resolv.conf */
	ev_signal stop[3];
};

nsec_t supervisor_now(void);

/* Over, with a reason in words; the first one counts. */
void supervisor_fail(struct supervisor *s, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The kernel's state as it should be now.  A failure has been said; once it is up, as
 * long as it is the same one, only once, and status has it. */
bool supervisor_apply(struct supervisor *s);
/* It is up: say so, once. */
void supervisor_report_ready(struct supervisor *s);

/* The worker (supervisor_worker.c): before anything else; 0 or an errno; with a goodbye. */
void supervisor_init_worker(struct supervisor *s);
int supervisor_begin_worker(struct supervisor *s);
void supervisor_end_worker(struct supervisor *s);
/* The TUN is another worker's now, and the one before is ended. */
void supervisor_change_worker(struct supervisor *s, const struct worker_child *worker);
int supervisor_make_empty_dir(const struct supervisor *s);
void supervisor_session_is_up(struct supervisor *s, const struct message_tunnel *tunnel);
/* Whose key seems to be two machines'; as long as there is room for a note. */
void supervisor_describe_takeovers(const struct supervisor *s, struct status *st);

/* The worker is told of links that came, went, or are to be used otherwise. */
void supervisor_sync(struct supervisor *s);

/* A command has come over the control socket (ctx: the supervisor). */
void supervisor_request(void *ctx, const struct control_request *request);
/* The worker's status is whole, or (it is gone) will not come: who asked is answered. */
void supervisor_answer_status(struct supervisor *s);
/* The worker has done, or refused, what somebody waits for. */
void supervisor_answer_ack(struct supervisor *s, const struct message_ack *ack);
/* The worker is gone: nobody waits for it any longer. */
void supervisor_answer_all(struct supervisor *s);
/* A place among those who wait, or NULL: the request has been refused. */
struct supervisor_question *supervisor_remember(struct supervisor *s, uint64_t request);
/* Ask the worker for its status.  The number of the question, or 0: there is no worker. */
uint32_t supervisor_ask_worker(struct supervisor *s);

/* Commands and words about links (supervisor_links.c). */
void supervisor_list_links(struct supervisor *s, const struct control_request *request);
void supervisor_change_link(struct supervisor *s, const struct control_request *request);
void supervisor_answer_link(struct supervisor *s, const struct supervisor_question *question);
/* Some link that is there may carry data. */
bool supervisor_may_use_links(const struct supervisor *s);
void supervisor_describe_links(const struct supervisor *s, struct status *st);
/* What `ttt portal` has to know of a link. */
void supervisor_answer_portal(struct supervisor *s, const struct control_request *request);

/* Servers (supervisor_servers.c): first and last; false: memory. */
void supervisor_init_servers(struct supervisor *s);
bool supervisor_begin_servers(struct supervisor *s);
void supervisor_end_servers(struct supervisor *s);
/* Whom the worker talks to; NULL on a server. */
const struct config_peer *supervisor_server(const struct supervisor *s);
/* What the worker says of its server; there is a new worker, without a session. */
void supervisor_note_event(struct supervisor *s, const struct message_event *e);
void supervisor_forget_server(struct supervisor *s);
void supervisor_sync_candidate(struct supervisor *s);
void supervisor_describe_servers(const struct supervisor *s, struct status *st);

/* The tunnel's DNS servers (supervisor_names.c): first; and after each time they may have been set. */
void supervisor_init_names(struct supervisor *s);
void supervisor_watch_names(struct supervisor *s);

/* Whether other firewalls let the tunnel live (supervisor_blocked.c): begin to look; enough seen. */
void supervisor_begin_looking(struct supervisor *s);
void supervisor_end_looking(struct supervisor *s);
/* Once there are tables that anybody can delete (supervisor_blocked.c): they are put back,
 * at most once a second. */
void supervisor_watch_tables(struct supervisor *s);
/* What is blocked, into the status, and into the reason why it does not come up. */
void supervisor_describe_blocked(const struct supervisor *s, struct status *st);
void supervisor_blame(struct supervisor *s);

/* Budgets (supervisor_budget.c): before there are links, and at the end. */
void supervisor_begin_budgets(struct supervisor *s);
void supervisor_end_budgets(struct supervisor *s);
/* A path's figures have come; all of that question's have; there is a new worker, at zero. */
void supervisor_count(struct supervisor *s, const struct message_status_path *m);
void supervisor_settle_budgets(struct supervisor *s, uint32_t id);
void supervisor_forget_paths(struct supervisor *s);
/* `ttt link` has changed that link; it had no budget, or had one. */
void supervisor_change_budget(struct supervisor *s, const char *link, bool had_one);

#endif
