/*
 * socket: the control socket RUNDIR/IFNAME.sock, by which commands ask the
 * running daemon.  A request is a JSON object on one line, and so is its
 * reply:
 *
 *   {"command": "status"}              {"ok": true, "status": {…}}   (status_json.h)
 *   {"command": "routing"}             {"ok": true, "text": "…"}
 *   {"command": "strategy", "name": "failover"}      {"ok": true}
 *   {"command": "links"}, or with a "name"           {"ok": true, "text": "…"}
 *   {"command": "link", "name": "wlan0", "set": ["tier=backup", …]}   likewise, when it is in force
 *   {"command": "stop"}                {"ok": true}, then the daemon ends
 *   anything wrong                     {"ok": false, "code": 2, "error": "…"}
 *
 * code is the exit code for the command.  Everybody may connect and ask; who
 * may change something (root, and the user the daemon runs as) the kernel
 * tells (SO_PEERCRED), and the handler is told.
 *
 * Nothing a client does makes the daemon wait or grow: at most CONTROL_CLIENTS
 * connections, requests of CONTROL_REQUEST bytes, one request at a time per
 * connection, a deadline on everything; who does not read its reply is cut.
 */
#ifndef TTT_CONTROL_SOCKET_H
#define TTT_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/units.h"

#define CONTROL_CLIENTS		16
#define CONTROL_REQUEST		(64 * 1024)	/* bytes of a request, with its end of line */
#define CONTROL_REPLY		(16 * 1024 * 1024)	/* bytes of a reply that a client takes */
#define CONTROL_PATH		108	/* bytes of a socket's path, with its NUL */
#define CONTROL_IDLE		SEC(30)	/* a connection on which nothing moves is closed */

struct ev_loop;
struct control;

/* A request that waits for its answer. */
struct control_request {
	uint64_t id;		/* for control_reply; never used twice */
	const char *command;
	const json_t *object;	/* the whole request; valid during the call */
	bool may_change;	/* root or the daemon's own user */
	uid_t uid;
	pid_t pid;
};

struct control_handler {
	/*
	 * A request has come.  Each one gets exactly one answer, by
	 * control_reply or control_refuse, now or later (within CONTROL_IDLE).
	 */
	void (*request)(void *ctx, const struct control_request *request);
	void *ctx;
};

/* RUNDIR/IFNAME.sock into buf; false: too long for a socket's path. */
bool control_path(const char *runtime_dir, const char *ifname, char buf[CONTROL_PATH]);

/*
 * Listens at path, whose folder exists.  To be called by the process that
 * lives on: a client learns its pid from the socket.  A file that a dead
 * daemon left is replaced.  -EADDRINUSE: another daemon answers there; -ENOLCK:
 * another process has the folder locked (base/lock.h).
 */
int control_listen(struct ev_loop *loop, const char *path, const struct control_handler *handler,
		   struct control **ret);
/*
 * Removes the file that a dead daemon left: 1; 0: there is none.  -EADDRINUSE: a
 * daemon answers there, and keeps it; -ENOENT: not even its folder is there; -ENOLCK
 * as above.  path: from control_path.
 */
int control_remove(const char *path);
/*
 * Closes everything and removes the file, if it is still ours.  What is left
 * of replies already given is written as far as it goes without waiting.
 */
void control_free(struct control *c);

/* Writes what is left of replies as far as it goes without waiting: something long begins. */
void control_flush(struct control *c);

/* Answer request `id`; nothing happens when its client is gone.  Takes the reference to reply. */
void control_reply(struct control *c, uint64_t id, json_t *reply);
/* Answer {"ok": true}. */
void control_accept(struct control *c, uint64_t id);
/* Answer {"ok": false, …}; code is an exit code. */
void control_refuse(struct control *c, uint64_t id, int code, const char *text);

/* A client's side: waits, but never beyond its timeout. */

/*
 * One request, one reply.  The reply is a JSON object, to be given back with
 * json_decref; ret_pid (may be NULL) is the daemon's.  -ENOENT,
 * -ECONNREFUSED: nobody is there; -ETIMEDOUT; -EPROTO: the answer is no JSON
 * object; -ECONNRESET: it closed without one; other errors of the socket.
 * request stays the caller's.
 */
int control_call(const char *path, const json_t *request, nsec_t timeout, json_t **ret,
		 pid_t *ret_pid);

#endif
