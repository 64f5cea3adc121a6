/* check: what only the whole configuration can tell: missing, colliding, for the other role. */
#ifndef TTT_CONFIG_CHECK_H
#define TTT_CONFIG_CHECK_H

struct parser;

/* Fails, or completes the defaults that depend on other keys. */
void check_config(struct parser *p);

#endif
