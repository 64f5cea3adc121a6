/* server_firewall: the table that a server's configuration asks for. */
#ifndef TTT_SERVER_FIREWALL_H
#define TTT_SERVER_FIREWALL_H

struct config;
struct ruleset;

/* As ruleset_server. */
int server_firewall(const struct config *config, struct ruleset *ret);

#endif
