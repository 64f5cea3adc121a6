/*
 * parser: the state of reading one configuration, shared by the files of
 * src/config; nobody else includes it.
 */
#ifndef TTT_CONFIG_PARSER_H
#define TTT_CONFIG_PARSER_H

#include <errno.h>

#include "config/config.h"

#define PARSER_KEYS	64
#define PARSER_NAME	40	/* more than any key's name */
#define PARSER_LINE	1024	/* more than inih's own limit */

enum section { SECTION_NONE, SECTION_TUNNEL, SECTION_PEER, SECTION_LINK };
enum key_who { FOR_CLIENT, FOR_SERVER, FOR_BOTH };
enum key_times { KEY_ONCE, KEY_LIST };

struct parser {
	const char *file;
	const char *const *strategies;
	const char *at;			/* what has not been read yet */
	size_t left;
	unsigned line;
	struct config *config;
	enum section section;		/* the last peer or link of config is the open one */
	const char *key;		/* whose value is being read */
	unsigned seen[PARSER_KEYS];	/* line of each key in this section; 0: not there */
	/* Lines, to point back at; 0: not there. */
	unsigned tunnel_line, listen_line, kill_switch_line, fallback_line;
	unsigned peer_line[CONFIG_PEERS], link_line[CONFIG_LINKS];
	unsigned address_line[CONFIG_ADDRESSES];
	unsigned prefix_line[CONFIG_PEERS][CONFIG_PEER_PREFIXES];
	unsigned routed_line[CONFIG_ROUTED], forward_line[CONFIG_FORWARDS];
	char forward_peer[CONFIG_FORWARDS][CONFIG_NAME];
	const char *role_key[FOR_BOTH];	/* first key that only this role has */
	unsigned role_line[FOR_BOTH];
	int full_tunnel, kill_switch;	/* -1: not said */
	int result;			/* 0, or what config_parse returns */
	char error[CONFIG_ERROR];
};

struct key_row {
	enum section section;
	const char *name;
	enum key_who who;
	enum key_times times;
	void (*read)(struct parser *p, const char *value);
};

/* Write `file:line: …` into p->error; the first failure wins. */
void parser_fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for another line; 0: the file as a whole. */
void parser_fail_at(struct parser *p, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void parser_no_memory(struct parser *p);

static inline bool parser_failed(const struct parser *p)
{
	return p->result < 0;
}

/* Letters, digits, '.', '_', '-'. */
bool parser_name_is_valid(const char *name);

/* A new peer or link behind the others; false: it failed. */
bool parser_add_peer(struct parser *p, const char *name);
bool parser_add_link(struct parser *p, const char *name);

/* The open peer or link. */
static inline struct config_peer *parser_peer(struct parser *p)
{
	return &p->config->peer[p->config->peer_count - 1];
}

static inline struct config_link *parser_link(struct parser *p)
{
	return &p->config->link[p->config->link_count - 1];
}

#endif
