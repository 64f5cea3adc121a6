/*
 * worker_state: what the worker owns, shared by the loop (worker.c) and what
 * the supervisor says (worker_orders.c), and by nothing else.
 */
#ifndef TTT_WORKER_STATE_H
#define TTT_WORKER_STATE_H

#include <ev.h>
#include <stdbool.h>

#include "base/endpoint.h"
#include "base/units.h"
#include "control/channel.h"
#include "core/crypto/suite.h"
#include "core/engine.h"
#include "io/crew.h"
#include "worker/worker_report.h"
#include "worker/worker_socket.h"
#include "worker/worker_tun.h"

struct port {
	struct worker *worker;
	struct worker_socket *socket;	/* NULL: number not in use */
	ev_io readable, writable;
};

/* One per process. */
struct worker {
	struct ev_loop *loop;
	struct channel *channel;
	ev_check woken;
	ev_prepare settle;
	ev_timer deadline;
	ev_io tun_readable;
	struct worker_tun tun;
	nsec_t tun_reported_at;
	struct port port[ENDPOINT_SOCKETS];
	struct report_socket known[ENDPOINT_SOCKETS];

	nsec_t now;
	struct buf_pool *pool;
	struct inlet *inlet;
	struct udp_offload udp;		/* what the kernel can */
	uint64_t tx_datagrams, tx_messages;	/* of sockets that are closed */
	struct suite suite;
	struct crew *crew;		/* NULL: nobody helps */
	unsigned threads;		/* of the crew */
	struct engine *engine;		/* NULL until START */
	struct message_setup setup;
	struct engine_peer_config *peer;	/* between SETUP and START */
	size_t peers;			/* PEER messages that have come */

	struct report_walk walk;
	uint64_t count[REPORT_COUNTS];
	int exit_code;
};

/* Obey a message (worker_orders.c); fd is -1, or ours now. */
void worker_obey(struct worker *w, const struct message *m, int fd);

/* The rest is worker.c's.  End the loop with that exit code. */
void worker_finish(struct worker *w, int exit_code);
/* To the supervisor; counted when the channel has no room. */
void worker_tell(struct worker *w, const struct message *m);
void worker_tell_events(struct worker *w);
/* The last figures of a client's path that is about to be closed; no path there, or a server: nothing. */
void worker_tell_last(struct worker *w, unsigned socket);
/* Take the engine's datagrams out into their sockets, and send what waits there. */
void worker_collect(struct worker *w);
void worker_send_port(struct port *p);
void worker_send_all(struct worker *w);
/* Close a port that is in use. */
void worker_remove_port(struct port *p);
/* Wipe the keys of SETUP and PEER: the engine has its own copy. */
void worker_forget_setup(struct worker *w);

#endif
