/*
 * link: the keys of a [link NAME] section, one function each; the same for the
 * file and for a change while the tunnel is up.
 */
#ifndef TTT_CONFIG_LINK_H
#define TTT_CONFIG_LINK_H

struct config_link;
struct parser;

void link_tier(struct parser *p, const char *value);
void link_priority(struct parser *p, const char *value);
void link_weight(struct parser *p, const char *value);
void link_max_latency(struct parser *p, const char *value);
void link_max_loss(struct parser *p, const char *value);
void link_rate(struct parser *p, const char *value);
void link_congestion(struct parser *p, const char *value);
void link_metered(struct parser *p, const char *value);
void link_budget(struct parser *p, const char *value);
void link_budget_reset(struct parser *p, const char *value);
void link_gateway(struct parser *p, const char *value);

/* What only the whole section can tell; fails in the parser's line. */
void link_check(struct parser *p, const struct config_link *link);

#endif
