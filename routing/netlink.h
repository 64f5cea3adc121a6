/*
 * netlink: routing state to and from the kernel (rtnetlink(7)).  The only file
 * here that sees libnl.  Requests and events have separate sockets, so an
 * answer is never lost among events.
 */
#ifndef TTT_ROUTING_NETLINK_H
#define TTT_ROUTING_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "routing/compare.h"
#include "routing/marks.h"
#include "routing/snapshot.h"

struct netlink;

/* Opens both sockets in the caller's network namespace; events count from here. */
int netlink_new(struct netlink **ret);
void netlink_free(struct netlink *n);

/*
 * Everything that planning needs, dumped again while the kernel says that a
 * dump was interrupted (-EAGAIN when it never stands still).  *ret must be
 * empty; it stays so on failure.
 */
int netlink_snapshot(struct netlink *n, const struct route_marks *marks, struct snapshot *ret);

/* 0 or the kernel's errno; netlink_error then has its words. */
int netlink_apply(struct netlink *n, const struct operation *o);
/* "File exists", or the kernel's extended acknowledgement: "Nexthop has invalid gateway". */
const char *netlink_error(const struct netlink *n);

enum netlink_event {
	NETLINK_NOTHING,	/* only echoes of what netlink_apply did */
	NETLINK_CHANGED,	/* a link, address, route, rule or setting is another one */
	NETLINK_OVERRUN,	/* events were lost: everything may have changed */
};

/* Readable when there is something to read; wants POLLIN. */
int netlink_event_fd(const struct netlink *n);
/* Reads what there is, without waiting; at most a few hundred messages a call. */
enum netlink_event netlink_read_events(struct netlink *n);

#endif
