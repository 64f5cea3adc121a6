/*
 * plan: what the kernel should hold while a tunnel is up.  Pure: options,
 * snapshot and links in; addresses, routes, rules and settings out, in the
 * order in which they are to be made.  The table of rules is in DESIGN 5.
 *
 * An empty plan (plan_empty) wants nothing: comparing it with a snapshot
 * gives what undoes everything.
 */
#ifndef TTT_ROUTING_PLAN_H
#define TTT_ROUTING_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "routing/links.h"
#include "routing/marks.h"
#include "routing/snapshot.h"

#define PLAN_ADDRESSES	16	/* on the TUN */
#define PLAN_ROUTES	4096	/* prefixes into the tunnel */
#define PLAN_SYSCTLS	128

#define SYSCTL_NAME	96
#define SYSCTL_VALUE	16

/* A setting: a file under /proc/sys.  What it was is kept by sysctl.h. */
struct sysctl_row {
	char name[SYSCTL_NAME];		/* "net/ipv4/conf/eth0.7/rp_filter": slashes, since names have dots */
	char wanted[SYSCTL_VALUE];	/* "2" */
	bool at_least;			/* a higher number is as good and stays */
};

struct plan_options {
	struct route_marks marks;
	const char *tun;
	uint32_t mtu;			/* of the TUN; 0: leave it */
	const struct prefix *address;	/* of the TUN, host bits kept: 10.84.0.2/24 */
	size_t address_count;		/* at most PLAN_ADDRESSES */
	/* Prefixes that go into the tunnel: the peers' inner ones and `route = CIDR`.
	 * With full_tunnel everything goes, and these only name what overrides the LAN. */
	const struct prefix *route;
	size_t route_count;		/* at most PLAN_ROUTES */
	/* What goes past the tunnel instead: to these, and from these users. */
	const struct prefix *outside;
	size_t outside_count;
	const struct uids *uids;
	size_t uids_count;
	bool server;			/* no capture, no link rules; forwarding on */
	bool full_tunnel;		/* capture the default route (not on a server) */
	bool kill_switch;		/* with full_tunnel: nothing but the tunnel */
	bool reply_rules;		/* 7421+n: replies leave by the link they came in on;
					 * 7437, 7438: programs of `ttt portal` by theirs, or not at all */
	bool down;			/* keep the host closed, but no route into the TUN */
};

struct plan {
	struct route_marks marks;
	char tun[SNAPSHOT_NAME];	/* empty: no TUN is wanted */
	int tun_index;			/* 0: not there now */
	uint32_t mtu;
	struct prefix address[PLAN_ADDRESSES];
	size_t address_count;
	struct route_list routes;
	struct rule_list rules;
	struct sysctl_row sysctl[PLAN_SYSCTLS];
	size_t sysctl_count;
};

/* The interface is one of several in a network, and is to answer for itself only. */
bool plan_is_careful(const struct plan *p, const char *ifname);

/* What undo compares with. */
void plan_empty(const struct route_marks *marks, struct plan *ret);
/*
 * 0, -ENOMEM, or -E2BIG (more addresses, routes or settings than a plan takes).
 * A TUN that is not in the snapshot gets no route, but the rules stay: the
 * host is closed until it is back.  Give a plan back with plan_done.
 */
int plan_build(const struct plan_options *options, const struct snapshot *s,
	       const struct links *links, struct plan *ret);
void plan_done(struct plan *p);

/* As ip(8) would say it, one line each; `names` turns indexes into names, or NULL. */
void plan_print(const struct plan *p, const struct snapshot *names, FILE *out);

#endif
