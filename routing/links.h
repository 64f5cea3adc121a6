/*
 * links: which interfaces are uplinks, and why the others are not (DESIGN 5,
 * "Link discovery").  Pure: a snapshot and options in, links out.
 *
 * A link is an interface in one address family.  It has carrier, a global
 * address, and a default route in any table but ours (or a gateway from the
 * configuration).  Loopback, our own TUN, other tunnels and ports of a bridge
 * are left out unless `include` names them.
 *
 * Each link has a slot, 0 … LINKS_MAX - 1, that names its table, rules and
 * marks.  It keeps the slot as long as it stays.
 */
#ifndef TTT_ROUTING_LINKS_H
#define TTT_ROUTING_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "routing/marks.h"
#include "routing/snapshot.h"

#define LINKS_MAX	MARKS_LINKS
#define LINKS_PREFIXES	8	/* on-link prefixes kept per link */
#define LINKS_UNUSED	64	/* interfaces with a reason; the rest are only counted */
#define LINKS_REASON	80

struct link {
	unsigned slot;
	int index;
	char ifname[SNAPSHOT_NAME];
	uint8_t family;		/* enum addr_family */
	struct addr source;	/* what its sockets are bound to */
	struct addr gateway;	/* ADDR_NONE: point to point; may be IPv6 for an IPv4 link; scope 0 */
	struct prefix onlink[LINKS_PREFIXES];
	size_t onlink_count;
	uint32_t mtu;
	uint32_t metric;	/* of its default route; lower is what the host prefers */
};

struct link_unused {
	char ifname[SNAPSHOT_NAME];
	uint8_t family;		/* ADDR_NONE: the interface as a whole */
	char reason[LINKS_REASON];	/* "no carrier": fits behind "wlan0: " */
};

struct links {
	struct link link[LINKS_MAX];
	size_t count;
	struct link_unused unused[LINKS_UNUSED];
	size_t unused_count;
	size_t unused_more;	/* without room for their reason */
	/* By number: the index of the interface whose programs of `ttt portal` have it, 0: nobody's yet. */
	int portal[MARKS_LINKS];
};

struct link_gateway {
	const char *ifname;
	struct addr gateway;	/* its family says for which of the interface's links */
};

struct link_options {
	const char *tun;			/* our own device */
	const struct route_marks *marks;	/* default routes in these tables are not looked at */
	const char *const *include;		/* names or patterns (fnmatch(3)): "wwan*" */
	size_t include_count;
	const char *const *exclude;
	size_t exclude_count;
	const struct link_gateway *gateway;
	size_t gateway_count;
};

/* Slots are given in the order of the interfaces' indexes. */
void links_find(const struct snapshot *s, const struct link_options *options, struct links *ret);

/*
 * Makes `links` what was found, and keeps the slot of every link that is still
 * there: same family and source, and same index (it may have been renamed), else
 * same name (it may have been re-plugged).  A new link
 * gets a slot that was free before, too, while there is one.
 *
 * An interface's number for `ttt portal` outlives its addresses, since programs
 * go on with it: it is another's only when all sixteen have been given away.
 */
void links_update(struct links *links, const struct links *found);

/* links.link[n] is none for now: it is among the unused, with that reason. */
void links_leave_out(struct links *links, size_t n, const char *reason);

/* Its number for `ttt portal`; the interface has a link. */
unsigned links_portal(const struct links *links, int index);

enum link_change_kind {
	LINK_ADDED,
	LINK_REMOVED,
	LINK_MOVED,	/* new index (re-plugged): its sockets are dead, slot and address stay */
	LINK_CHANGED,	/* gateway, MTU, name, metric or prefixes; its sockets live on */
};

struct link_change {
	enum link_change_kind kind;
	struct link link;	/* as it is now; as it was, when removed */
};

#define LINKS_CHANGES	(2 * LINKS_MAX)

/* What happened between two sets; removals first.  The number of changes. */
size_t links_changes(const struct links *before, const struct links *after,
		     struct link_change ret[LINKS_CHANGES]);

/* One line per link and per unused interface. */
void links_print(const struct links *links, FILE *out);

#endif
