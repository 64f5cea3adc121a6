/*
 * outside: who and what goes past the tunnel, as the configuration says, in the
 * numbers of this host: networks, users, groups of processes.
 *
 * A user's number is looked for once.  A group gets another number whenever it
 * is made anew (a service that restarts), so it has to be looked for again.
 */
#ifndef TTT_OUTSIDE_H
#define TTT_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/uids.h"
#include "config/config.h"
#include "nft/ruleset.h"

struct outside {
	struct uids uids[CONFIG_PATTERNS];
	size_t uids_count;
	struct ruleset_cgroup cgroup[CONFIG_PATTERNS];	/* those that are there */
	size_t cgroup_count;
	int root;			/* of the groups; -1: nobody has asked for one */
};

/* 0, or -ENOENT: *ret_who is a user that there is not; or why groups cannot be had (*ret_who NULL). */
int outside_begin(struct outside *o, const struct config *config, const char **ret_who);
/* True: the groups are not those of before. */
bool outside_look(struct outside *o, const struct config *config);
void outside_end(struct outside *o);

#endif
