/*
 * crowd: one server and many clients, each with several paths of unlike delay.
 *
 * For what takes time when many do it at once: handshakes after the server has
 * restarted, turns of the server, goodbyes.  Links carry whatever comes and lose
 * nothing, unless a client has vanished.  Where nothing takes time, see town.h.
 */
#ifndef TTT_TESTS_CROWD_H
#define TTT_TESTS_CROWD_H

#include "core/engine.h"

#define CROWD_PATHS	8

struct crowd;

/* The clients have their paths, and say their first word when crowd_run is called. */
struct crowd *crowd_new(unsigned clients, unsigned paths);
void crowd_free(struct crowd *c);	/* every buffer must have come back */
void crowd_run(struct crowd *c, nsec_t time);

struct engine *crowd_server(struct crowd *c);
struct engine *crowd_client(struct crowd *c, unsigned client);
void crowd_close_server(struct crowd *c);	/* it says goodbye, and is left as it is */
/* The server dies without a word, and another one takes its place. */
void crowd_restart_server(struct crowd *c);
/* Nothing reaches the client, nor is anything heard of it. */
void crowd_vanish(struct crowd *c, unsigned client, bool vanish);
/* From now on its datagrams come from other addresses. */
void crowd_move(struct crowd *c, unsigned client);
/* All clients are behind one address of the Internet: before crowd_run. */
void crowd_share_address(struct crowd *c);

/* How many clients have a session with the server, and it with them. */
unsigned crowd_in_session(const struct crowd *c);
nsec_t crowd_now(const struct crowd *c);

/* A UDP packet of len bytes inside, of the client's flow with that number. */
void crowd_send_up(struct crowd *c, unsigned client, unsigned flow, size_t len);
void crowd_send_down(struct crowd *c, unsigned client, unsigned flow, size_t len);

struct crowd_count {
	uint64_t up, down;		/* inner packets that came, by where they went, */
	nsec_t up_wait, down_wait;	/* and how long the slowest of them took */
};

/* From now on the time that the server's engine takes, by such a clock, is counted. */
void crowd_watch_server(struct crowd *c, nsec_t (*read)(void));
nsec_t crowd_server_took(const struct crowd *c);

struct crowd_count crowd_count(const struct crowd *c, unsigned client);
void crowd_forget(struct crowd *c);	/* all counts, and what the server took, begin anew */

struct crowd_heard {
	uint64_t inits, data;	/* datagrams that the server got, by kind */
	uint64_t goodbyes;	/* that it sent when it was closed */
};

struct crowd_heard crowd_heard(const struct crowd *c);
uint64_t crowd_drops(const struct crowd *c, enum engine_drop drop);	/* the server's */

#endif
