/*
 * snapshot: the host's links, addresses, routes and rules at one moment, as
 * plain data.  What plan and compare think about; they also describe in these
 * structs what they want.  Who fills one is not this file's matter
 * (netlink.h; tests do it by hand).
 *
 * Of routes, only those that matter are kept: default routes, on-link
 * prefixes, and whatever carries our protocol; a full Internet table does not
 * get in, and of the main table's networks only the first SNAPSHOT_NETWORKS.
 * Every list is bounded by SNAPSHOT_MAX.
 */
#ifndef TTT_ROUTING_SNAPSHOT_H
#define TTT_ROUTING_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/uids.h"

#define SNAPSHOT_MAX	65536	/* entries of one list; more is -E2BIG */
#define SNAPSHOT_NETWORKS 256	/* routes of the main table beside the default ones */
#define SNAPSHOT_NAME	16	/* bytes of an interface's name, with the NUL (IFNAMSIZ) */
#define SNAPSHOT_TEXT	384	/* bytes that any printed route, rule or address fits in */
#define SNAPSHOT_UNKNOWN (-1)	/* a setting that was not read */

struct kernel_link {
	int index;
	char name[SNAPSHOT_NAME];
	char kind[SNAPSHOT_NAME];	/* "veth", "wireguard" …; empty for hardware */
	uint32_t flags;			/* IFF_UP, IFF_RUNNING … */
	uint8_t operstate;		/* IF_OPER_UP … */
	bool carrier;			/* told of a device that is down, too */
	uint32_t mtu;
	int master;			/* index of the bridge, bond …, 0 without */
	/* Settings under /proc/sys, SNAPSHOT_UNKNOWN where nobody needs them. */
	int rp_filter, accept_ra, disable_ipv6;
};

struct kernel_address {
	int index;		/* of its link */
	struct prefix prefix;	/* the address itself and its prefix length */
	uint8_t scope;		/* RT_SCOPE_* */
	uint32_t flags;		/* IFA_F_* */
};

/* A next hop: a multipath route is several of these. */
struct kernel_route {
	uint8_t family;		/* enum addr_family */
	uint8_t type;		/* RTN_UNICAST, RTN_UNREACHABLE … */
	uint8_t protocol;
	uint8_t scope;		/* RT_SCOPE_*; told by the kernel, not compared */
	uint32_t table;
	struct prefix dst;	/* length 0: default */
	uint32_t metric;
	int oif;		/* 0: none */
	struct addr gateway;	/* ADDR_NONE: on the link; may be IPv6 for an IPv4 route */
	struct addr source;	/* preferred source, ADDR_NONE: none */
	bool onlink, dead, multipath;
};

struct kernel_ports {
	uint16_t low, high;	/* 0, 0: any */
};

struct kernel_rule {
	uint8_t family;		/* enum addr_family */
	uint8_t action;		/* FR_ACT_TO_TBL, FR_ACT_UNREACHABLE … */
	uint8_t protocol;
	uint8_t ip_proto;	/* 0: any */
	uint32_t priority;
	uint32_t table;		/* 0 for an action that needs none */
	uint32_t fwmark, fwmask;
	int32_t suppress_prefixlen;	/* -1: nothing is suppressed */
	struct prefix from, to;		/* ADDR_NONE: any */
	struct kernel_ports sport, dport;
	bool has_uids;
	struct uids uids;
	char iif[SNAPSHOT_NAME], oif[SNAPSHOT_NAME];	/* empty: any */
	bool invert;
	bool foreign;		/* has attributes that these fields do not show */
};

struct link_list { struct kernel_link *item; size_t count, room; };
struct address_list { struct kernel_address *item; size_t count, room; };
struct route_list { struct kernel_route *item; size_t count, room; };
struct rule_list { struct kernel_rule *item; size_t count, room; };

struct snapshot {
	struct link_list links;
	struct address_list addresses;
	struct route_list routes;
	struct rule_list rules;
	struct route_list networks;	/* the main table's, not ours, each with its interface; no default */
	size_t networks_more;		/* without room here */
	int rp_filter_all;	/* net.ipv4.conf.all.rp_filter, or SNAPSHOT_UNKNOWN */
	bool no_ipv6;		/* the kernel has none (ipv6.disable=1) */
};

/* A zeroed struct snapshot is empty and may be filled; done gives it back that way. */
void snapshot_done(struct snapshot *s);

/* Copy one entry to the end.  0, -ENOMEM, or -E2BIG at SNAPSHOT_MAX. */
int link_list_add(struct link_list *list, const struct kernel_link *link);
int address_list_add(struct address_list *list, const struct kernel_address *address);
int route_list_add(struct route_list *list, const struct kernel_route *route);
int rule_list_add(struct rule_list *list, const struct kernel_rule *rule);
void route_list_done(struct route_list *list);
void rule_list_done(struct rule_list *list);

/* NULL: no such link.  The pointer is good until the snapshot changes. */
struct kernel_link *snapshot_link(const struct snapshot *s, int index);
struct kernel_link *snapshot_link_named(const struct snapshot *s, const char *name);

/* As ip(8) would say it, in one line without its end.  `names` turns indexes
 * into names and may be NULL. */
const char *snapshot_print_route(const struct kernel_route *route, const struct snapshot *names,
				 char buf[SNAPSHOT_TEXT]);
const char *snapshot_print_rule(const struct kernel_rule *rule, char buf[SNAPSHOT_TEXT]);
void snapshot_print(const struct snapshot *s, FILE *out);

#endif
