/*
 * value: one function per key of [tunnel] and [peer]: reads the value into the
 * configuration, or fails with what would be right.  Those of [link] are in link.h.
 */
#ifndef TTT_CONFIG_VALUE_H
#define TTT_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct parser;
struct quantity_unit;

/* Call read for each item of a comma-separated list, trimmed; an empty item is an error. */
void value_each(struct parser *p, const char *list, void (*read)(struct parser *, const char *));

/* For link.c, too.  A number in its range (decimal, or hex with 0x), or min after a failure. */
unsigned long value_ranged(struct parser *p, const char *value, unsigned long min, unsigned long max);
/* 1, 0, or -1 after a failure. */
int value_yes_or_no(struct parser *p, const char *value);
/* With its unit, or 0 for `none`; false: it failed, with what would be right. */
bool value_limit(struct parser *p, const char *value, const struct quantity_unit *unit, uint64_t min,
		 uint64_t max, const char *example, uint64_t *ret);
/* The address of one host; false: it failed. */
bool value_host(struct parser *p, const char *value, struct addr *ret);
/* A port; false: it is none, and nothing was said. */
bool value_port(const char *text, uint16_t *ret);

void value_role(struct parser *p, const char *value);
void value_interface(struct parser *p, const char *value);
void value_private_key_file(struct parser *p, const char *value);
void value_strategy(struct parser *p, const char *value);
void value_copies(struct parser *p, const char *value);
void value_coalesce(struct parser *p, const char *value);
void value_mtu(struct parser *p, const char *value);
void value_threads(struct parser *p, const char *value);
void value_user(struct parser *p, const char *value);
void value_listen(struct parser *p, const char *value);
void value_address(struct parser *p, const char *value);
void value_dns(struct parser *p, const char *value);
void value_offload(struct parser *p, const char *value);
void value_isolation(struct parser *p, const char *value);
void value_routed(struct parser *p, const char *value);
void value_full_tunnel(struct parser *p, const char *value);
void value_kill_switch(struct parser *p, const char *value);
void value_fallback(struct parser *p, const char *value);
void value_route(struct parser *p, const char *value);
void value_outside(struct parser *p, const char *value);
void value_outside_user(struct parser *p, const char *value);
void value_outside_cgroup(struct parser *p, const char *value);
void value_include(struct parser *p, const char *value);
void value_exclude(struct parser *p, const char *value);
void value_table(struct parser *p, const char *value);
void value_rule_priority(struct parser *p, const char *value);
void value_mark(struct parser *p, const char *value);
void value_reply_mark(struct parser *p, const char *value);
void value_route_protocol(struct parser *p, const char *value);
void value_public_key(struct parser *p, const char *value);
void value_preshared_key_file(struct parser *p, const char *value);
void value_endpoint(struct parser *p, const char *value);
void value_peer_rate(struct parser *p, const char *value);
void value_peer_address(struct parser *p, const char *value);

#endif
