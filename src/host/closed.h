/*
 * closed: the kill switch's table of nftables, for the host as it is now.  What
 * it does is said in nft/ruleset.h; that nothing gets out by routing is the
 * plan's matter (routing/plan.h).
 */
#ifndef TTT_CLOSED_H
#define TTT_CLOSED_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/ruleset.h"

struct config;
struct links;
struct outside;
struct snapshot;

/* Whether that tunnel is to close the host. */
bool closed_is_wanted(const struct config *config);
/* As ruleset_closed; networks of the host without room in it are left out, and so closed too. */
int closed_ruleset(const struct config *config, const struct outside *outside, const struct snapshot *s,
		   const struct links *links, struct ruleset *ret);

#endif
