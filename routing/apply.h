/*
 * apply: routing as the supervisor sees it.
 *
 *	router_new → router_refresh → (make the TUN) → router_apply
 *	router_fd readable → router_read_events → router_refresh, router_changes → router_apply
 *	router_undo → router_free
 *
 * Every event means the same: dump everything, plan again, apply the
 * difference.  (IPv4 routes vanish without a message when the last address of
 * an interface goes, so no event can be trusted to tell the whole story.)
 */
#ifndef TTT_ROUTING_APPLY_H
#define TTT_ROUTING_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "routing/links.h"
#include "routing/netlink.h"
#include "routing/plan.h"

#define ROUTER_ERROR	512

struct router;

struct router_options {
	struct link_options links;	/* .tun and .marks are taken from below */
	struct route_marks marks;
	const char *tun;
	const char *runtime_dir;	/* holds IFNAME.sysctl while settings are changed */
};

/* Keeps its own copy of the options.  Changes nothing in the kernel.  On failure
 * `error` has a sentence and *ret is untouched. */
int router_new(const struct router_options *options, struct router **ret, char error[ROUTER_ERROR]);
/* Undoes nothing: see router_undo. */
void router_free(struct router *r);

/* Other include, exclude and gateway lists, copied; in force at the next refresh. */
int router_set_links(struct router *r, const struct link_options *links);

/* Dumps the kernel's state and finds the links in it. */
int router_refresh(struct router *r);
/* After router_apply without those whose routes the kernel refuses: they are among the unused. */
const struct links *router_links(const struct router *r);
const struct snapshot *router_snapshot(const struct router *r);
/* What changed since the last call of this function, over any number of refreshes. */
size_t router_changes(struct router *r, struct link_change ret[LINKS_CHANGES]);

/*
 * Refreshes, plans, and makes the kernel hold the plan; once more, up to a few
 * times, when the ground moved meanwhile.  options.marks and .tun are taken
 * from the router.  Goes on after a failure, and gives the first one, a negative
 * errno; else the number of things changed (0 when all was right).
 * -EEXIST: a foreign rule is in our range.  A link whose routes are refused is none
 * of that, as long as there is another.
 */
int router_apply(struct router *r, const struct plan_options *options);
/* Rules, routes and settings back as before.  Goes on after a failure, and
 * gives the first one; else the number of things changed. */
int router_undo(struct router *r);

/* What the last failed call has to say: thing, cause, hint. */
const char *router_error(const struct router *r);

/* Events: watch the descriptor for reading.  False: nothing that matters. */
int router_fd(const struct router *r);
bool router_read_events(struct router *r);

struct netlink *router_netlink(struct router *r);
/* For `ttt status --routing`: links, then the plan in force. */
void router_print(const struct router *r, FILE *out);

/*
 * 1: there is a TUN device of that name, and some process has it, as the daemon has
 * its own as long as it lives; 0: not; or a negative errno.
 */
int router_tun_is_held(const char *tun);

/* After a crash, without a daemon: undo from what the kernel and the runtime
 * directory show.  As router_undo; nothing to do is 0. */
int router_cleanup(const struct router_options *options, char error[ROUTER_ERROR]);

#endif
