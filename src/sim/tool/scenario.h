/*
 * scenario: what is to be simulated: links, flows, events, as plain data.
 *
 * Read from the words of the command line, one file per noun
 * (scenario_link.c, scenario_flow.c, scenario_event.c); run by run.h.
 */
#ifndef TTT_SIM_TOOL_SCENARIO_H
#define TTT_SIM_TOOL_SCENARIO_H

#include "config/config.h"
#include "sim/sim.h"
#include "sim/tool/complaint.h"
#include "sim/tool/item.h"
#include "sim/trace.h"

#define SCENARIO_LINKS		SIM_LINKS
#define SCENARIO_FLOWS		9	/* the ping that is always there included */
#define SCENARIO_EVENTS		64
#define SCENARIO_TEXT		ITEM_TEXT
#define SCENARIO_SECONDS	3600
#define SCENARIO_REPEAT		1000

/* What of a way can be said with a number, and changed while it runs. */
enum scenario_trait { TRAIT_RATE, TRAIT_DELAY, TRAIT_JITTER, TRAIT_LOSS, TRAIT_QUEUE, TRAIT_MTU, TRAITS };

struct scenario_link {
	char text[SCENARIO_TEXT];	/* as it was asked for */
	struct sim_way way[2];		/* by direction; with a trace, at its mean rate */
	struct trace trace[2];		/* without a step: none */
	struct config_link wish;	/* how a user wants it to be used */
};

enum scenario_kind { FLOW_TCP, FLOW_QUIC, FLOW_CALL, FLOW_PING, FLOW_UDP };

struct scenario_flow {
	enum scenario_kind kind;
	enum sim_direction direction;	/* of tcp, quic and udp; the others go both ways */
	nsec_t start, stop;		/* since the beginning; stop: NSEC_NEVER at the end */
	uint64_t bytes;			/* tcp; 0: no end */
	uint64_t rate;			/* udp, bits per second of IP packets */
	size_t size;			/* udp, bytes of an IP packet */
};

enum scenario_action {
	ACTION_DOWN, ACTION_UP, ACTION_CUT,	/* of a link */
	ACTION_TRAIT,			/* value, by direction */
	ACTION_SET,			/* words for config_link_change */
	ACTION_STRATEGY,		/* words: its name */
};

struct scenario_event {
	nsec_t at;
	enum scenario_action action;
	unsigned link;			/* from 0 */
	enum scenario_trait trait;
	uint64_t value[2];
	char words[SCENARIO_TEXT];
	char text[SCENARIO_TEXT];	/* as it was asked for, for people */
};

struct scenario {
	char strategy[ENGINE_NAME];
	struct scenario_link link[SCENARIO_LINKS];
	size_t links;
	struct scenario_flow flow[SCENARIO_FLOWS];
	size_t flows;
	/* Ordered by time once it is finished; those at 0 with ACTION_SET are `--set`. */
	struct scenario_event event[SCENARIO_EVENTS];
	size_t events;
	unsigned seconds, repeat;
	uint64_t seed;
	char csv[ITEM_TEXT], plot[ITEM_TEXT];	/* paths; empty: none */
};

/* Half a megabyte; the defaults, and nothing else yet. */
struct scenario *scenario_new(void);
void scenario_free(struct scenario *s);

/* Each reads one argument, and may write into text; false: complained. */
bool scenario_add_link(struct scenario *s, char *text, struct complaint *c);
bool scenario_add_flow(struct scenario *s, char *text, struct complaint *c);
bool scenario_add_event(struct scenario *s, char *text, struct complaint *c);	/* 10s link 1 down */
bool scenario_add_set(struct scenario *s, char *text, struct complaint *c);	/* 1 weight=3,tier=backup */
/* When all are there: what only the whole tells, and the defaults of what nobody said. */
bool scenario_finish(struct scenario *s, struct complaint *c);

/* False: complained, with all there are. */
bool scenario_check_strategy(const char *name, struct complaint *c);
/* A name as in `--flow`: "tcp", "call", … */
const char *scenario_kind_name(enum scenario_kind kind);

/* `rate 5mbit`, up and down by a slash; false: complained, or no trait at all (c is empty then). */
bool scenario_read_trait(char *item, enum scenario_trait *ret, uint64_t ret_value[2], struct complaint *c);
void scenario_set_trait(struct sim_way *up, struct sim_way *down, enum scenario_trait trait,
			const uint64_t value[2]);
/* `weight=3,tier=backup`, of that link; false: complained, and wish is as before. */
bool scenario_change_wish(struct config_link *wish, const char *words, struct complaint *c);

#endif
