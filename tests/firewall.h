/*
 * firewall: the tables that ruleset_test describes and commit_test gives to
 * the kernel, and what nft(8) lists of them.
 */
#ifndef TTT_TESTS_FIREWALL_H
#define TTT_TESTS_FIREWALL_H

#include "nft/ruleset.h"

/* One IPv4 and one IPv6 network behind ttt0. */
int firewall_server(struct ruleset *ret);
/* Two addresses of the server, replies by wan0 and wan1. */
int firewall_client(struct ruleset *ret);
/* One link, a LAN of each family, a route of the user's. */
int firewall_closed(struct ruleset *ret);
/* A server's. */
int firewall_traced(struct ruleset *ret);

/* Between two runs of a server. */
int firewall_paused(struct ruleset *ret);

extern const char FIREWALL_SERVER[], FIREWALL_CLIENT[], FIREWALL_PAUSED[], FIREWALL_CLOSED[], FIREWALL_TRACED[];

#endif
