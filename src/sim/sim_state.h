/*
 * sim_state: what the simulator owns, shared by its loop (sim.c), its ends,
 * links, flows, models and events, and by nothing else.
 */
#ifndef TTT_SIM_SIM_STATE_H
#define TTT_SIM_SIM_STATE_H

#include "base/buf.h"
#include "core/ecn.h"
#include "sim/dice.h"
#include "sim/flights.h"
#include "sim/sim.h"

#define SIM_SERVER	(-1)	/* of ends: the others are the clients' numbers */

/* An engine, and what is its own. */
struct end {
	struct engine *engine;
	struct buf_pool *pool;
	struct buf_queue waiting;	/* what models sent, until the engine can take it */
	struct buf_queue hoard;		/* what sim_starve took */
	struct dice dice;
	unsigned events[8];
	nsec_t sleeps_from, sleeps_until;	/* sim_sleep; 0: it has not slept yet */
};

struct model {
	const struct sim_model *ops;
	void *ctx;
};

struct event {
	nsec_t at;
	sim_action *action;
	void *ctx;
};

struct flow;

struct sim {
	nsec_t now;
	uint64_t trace;			/* sim_trace */
	struct dice dice;		/* of the links */
	char strategy[ENGINE_NAME];
	bool clear;			/* nothing is encrypted */
	uint32_t copies_ppm;		/* engine_config's, of clients that start from now on, */
	bool alone, own_checksums;	/* and of all ends */
	struct hands hands;		/* and its, of all ends that do */
	unsigned clients;
	struct end server, client[SIM_CLIENTS];
	uint8_t server_key[32], client_key[SIM_CLIENTS][32];
	struct sim_link link[SIM_CLIENTS][SIM_LINKS];
	unsigned links[SIM_CLIENTS];
	struct flights flights;
	struct flow *flow;		/* SIM_FLOWS of them */
	struct model model[SIM_MODELS];
	size_t models;
	unsigned attached;
	struct event event[SIM_EVENTS];
	size_t event_count;
	sim_tap *tap;
	void *tap_ctx;
};

static inline void sim_mix(struct sim *s, uint64_t value)
{
	s->trace = dice_rotate(s->trace ^ value, 23) * UINT64_C(0x9e3779b97f4a7c15);
}

/* ends.c: the engines. */
struct end *end_of(const struct sim *s, int end);
void end_start_all(struct sim *s);
void end_stop(struct end *end);
/* A packet that a device gives: as Linux does, without TCP's or UDP's checksum, if it has a right one. */
void end_leave_checksum(struct buf *b);
/* What its engine has to give goes where it belongs; after every call of the engine. */
void end_take_out(struct sim *s, int end);
bool end_sleeps(const struct sim *s, int end);
/* What models sent goes into the engines, a burst at a time, as a TUN gives it. */
void end_take_in(struct sim *s);
/* When an engine wants its tick; ret: whose. */
nsec_t end_next_at(const struct sim *s, int *ret);
void end_tick(struct sim *s, int end);

/* links.c: what is under way. */
void link_enter(struct sim *s, int client, unsigned link, enum sim_direction direction,
		const uint8_t *datagram, size_t len, enum ecn ecn);
void link_join(struct sim *s, unsigned client, unsigned link);	/* as a path of the engine's */
void link_take_out(struct sim *s, int end);	/* the engine's datagrams enter their links */
void link_arrive(struct sim *s);		/* the first of the flights */

/* flows.c: numbered packets. */
void flow_start_none(struct sim *s);
nsec_t flow_next_at(const struct sim *s, unsigned *ret);
void flow_send(struct sim *s, unsigned flow);
void flow_take(struct sim *s, const uint8_t *packet, size_t len);

/* models.c: the livelier ones. */
nsec_t model_next_at(const struct sim *s, size_t *ret);
void model_tick(struct sim *s, size_t model);
/* False: no model's. */
bool model_take(struct sim *s, enum sim_direction direction, const uint8_t *packet, size_t len);

/* events.c: what was asked for with sim_at. */
nsec_t event_next_at(const struct sim *s, size_t *ret);
void event_act(struct sim *s, size_t event);

#endif
