/*
 * value: one function per key of the configuration: reads the value into the
 * configuration, or fails with what would be right.
 */
#ifndef TTT_CONFIG_VALUE_H
#define TTT_CONFIG_VALUE_H

struct parser;

/* Call read for each item of a comma-separated list, trimmed; an empty item is an error. */
void value_each(struct parser *p, const char *list, void (*read)(struct parser *, const char *));

void value_role(struct parser *p, const char *value);
void value_interface(struct parser *p, const char *value);
void value_private_key_file(struct parser *p, const char *value);
void value_strategy(struct parser *p, const char *value);
void value_mtu(struct parser *p, const char *value);
void value_user(struct parser *p, const char *value);
void value_listen(struct parser *p, const char *value);
void value_address(struct parser *p, const char *value);
void value_dns(struct parser *p, const char *value);
void value_full_tunnel(struct parser *p, const char *value);
void value_kill_switch(struct parser *p, const char *value);
void value_route(struct parser *p, const char *value);
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
void value_peer_address(struct parser *p, const char *value);
void value_priority(struct parser *p, const char *value);
void value_weight(struct parser *p, const char *value);
void value_max_latency(struct parser *p, const char *value);
void value_gateway(struct parser *p, const char *value);

#endif
