/*
 * ruleset: one nftables table of ours as plain data, and what stands in it.
 *
 * Pure: options in; a table with its chains and rules out, in the order in
 * which they are to be made (DESIGN 6).  encode.h turns it into messages,
 * commit.h makes the kernel hold it.  Each tunnel has a table of its own,
 * `inet ttt-IFNAME`, so that it comes and goes as a whole; other tables of the
 * host are never touched.  An accept of ours therefore only ends our own
 * chain: a drop in somebody else's table still drops.
 *
 * A client with a kill switch has a second table, `inet ttt-IFNAME-closed`,
 * which outlives the process that made it.
 */
#ifndef TTT_NFT_RULESET_H
#define TTT_NFT_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/uids.h"

#define RULESET_NAME	32	/* bytes of a table's or chain's name, with its NUL */
#define RULESET_IFNAME	16
#define RULESET_CHAINS	8
#define RULESET_RULES	512	/* all chains together */
#define RULESET_MATCHES	5	/* of a rule */

enum ruleset_match_type {
	RULESET_MATCH_IIFNAME,		/* name; prerouting, input, forward */
	RULESET_MATCH_OIFNAME,		/* name; forward, output, postrouting */
	RULESET_MATCH_SADDR,		/* prefix */
	RULESET_MATCH_DADDR,		/* prefix */
	RULESET_MATCH_OIFKIND,		/* name of a kind: "tun", "wireguard"; output, postrouting */
	RULESET_MATCH_UDP_SPORT,	/* value: port; also means UDP */
	RULESET_MATCH_UDP_DPORT,
	RULESET_MATCH_ICMPV6,		/* value: type */
	RULESET_MATCH_TCP_SYN,		/* SYN without RST: both SYN and SYN-ACK */
	RULESET_MATCH_MARK,		/* value: the packet's mark, all 32 bits */
	RULESET_MATCH_MARK_LOW,		/* value: its low 16 bits, which rules of routing look at */
	RULESET_MATCH_CT_MARK,		/* value: its connection's */
	RULESET_MATCH_FAMILY,		/* value: enum addr_family */
	RULESET_MATCH_PROTOCOL,		/* value: IPPROTO_TCP, IPPROTO_UDP */
	RULESET_MATCH_UIDS,		/* uids: of the sending socket; output */
	RULESET_MATCH_CGROUP,		/* cgroup: the sending socket's, or one above it; output */
	RULESET_MATCH_SECOND,		/* value: so many packets in each second; behind all others */
	RULESET_MATCH_CT_NEW,		/* first packet of a connection */
	RULESET_MATCH_CT_REPLY,		/* against the direction of the first packet */
	RULESET_MATCH_CT_FROM,		/* prefix: who sent its first packet, before any translation */
	RULESET_MATCH_CT_TO,		/* prefix: who answers it, after translation */
	RULESET_MATCH_LOCAL,		/* to an address of this host; prerouting */
	RULESET_MATCH_SERVICE,		/* service: destination port */
};

struct ruleset_cgroup {
	uint64_t id;			/* its inode's number */
	uint32_t level;			/* how far below the root: 1 is just below */
};

struct ruleset_match {
	uint8_t type;			/* enum ruleset_match_type */
	bool not;			/* names, addresses and numbers only */
	union {
		char name[RULESET_IFNAME];
		struct prefix prefix;	/* host bits cleared */
		uint32_t value;
		struct uids uids;
		struct ruleset_cgroup cgroup;
		struct {
			uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP */
			uint16_t port;		/* never 0 */
		} service;
	};
};

enum ruleset_action {
	RULESET_ACCEPT,			/* no further rule of this chain */
	RULESET_DROP,
	RULESET_MASQUERADE,		/* nat chains at postrouting */
	RULESET_MSS_TO_ROUTE,		/* only ever lowers it; forward, output, postrouting */
	RULESET_SET_MARK,		/* value */
	RULESET_SET_CT_MARK,		/* value */
	RULESET_TRACE,			/* the kernel tells of its way from here on: trace.h */
	RULESET_DNAT,			/* to, with its port; nat chains at prerouting */
	RULESET_REFUSE,			/* the sender hears at once that the port is unreachable; forward, output */
	RULESET_RESET,			/* likewise, of TCP: a connection that begins does not heed the former */
};

/* All matches, from left to right, and then the action.  Not one match: always. */
struct ruleset_rule {
	uint8_t chain;			/* index into ruleset.chain */
	uint8_t action;			/* enum ruleset_action */
	uint8_t match_count;
	uint32_t value;
	struct addr to;
	struct ruleset_match match[RULESET_MATCHES];
};

/* In the kernel's own order, enum nf_inet_hooks. */
enum ruleset_hook {
	RULESET_PREROUTING, RULESET_INPUT, RULESET_FORWARD, RULESET_OUTPUT, RULESET_POSTROUTING,
};

enum ruleset_chain_type {
	RULESET_FILTER,
	RULESET_NAT,
	RULESET_ROUTE,			/* at output: a changed mark routes the packet again */
};

/* When a hook's chains are asked, as netfilter counts; FIRST: before all that others have. */
#define RULESET_PRIORITY_RAW	(-300)
#define RULESET_PRIORITY_MANGLE	(-150)
#define RULESET_PRIORITY_FIRST	(-350)
#define RULESET_PRIORITY_DSTNAT	(-100)
#define RULESET_PRIORITY_FILTER	0
#define RULESET_PRIORITY_SRCNAT	100

struct ruleset_chain {
	char name[RULESET_NAME];
	uint8_t type;			/* enum ruleset_chain_type */
	uint8_t hook;			/* enum ruleset_hook */
	bool policy_drop;		/* what no rule decided; else it is accepted */
	int32_t priority;		/* RULESET_PRIORITY_… */
};

struct ruleset {
	char table[RULESET_NAME];	/* of family inet */
	bool owner;			/* gone with the socket that made it; nobody else may change it */
	bool persist;			/* with owner: it stays behind then, free for all */
	struct ruleset_chain chain[RULESET_CHAINS];
	size_t chain_count;
	struct ruleset_rule *rule;	/* those of one chain in their order */
	size_t rule_count;
};

/* "ttt-IFNAME"; ret is empty when the name is empty or too long for an interface's. */
void ruleset_table_name(const char *ifname, char ret[RULESET_NAME]);
/* "ttt-IFNAME-traced", likewise. */
void ruleset_traced_name(const char *ifname, char ret[RULESET_NAME]);
/* "ttt-IFNAME-closed", likewise. */
void ruleset_closed_name(const char *ifname, char ret[RULESET_NAME]);

/* "ttt-IFNAME-paused", likewise. */
void ruleset_paused_name(const char *ifname, char ret[RULESET_NAME]);

/* What reaches a port of this host from outside goes to a client. */
struct ruleset_forward {
	uint8_t protocol;		/* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port;			/* never 0 */
	struct addr to;			/* with its port */
};

struct ruleset_server_options {
	const char *tun;
	const struct prefix *inner;	/* host bits may be set */
	size_t inner_count;
	/* Families that leave with the server's address; a routed prefix needs none. */
	bool masquerade_ipv4, masquerade_ipv6;
	const struct prefix *routed;	/* parts of inner that keep their addresses outside */
	size_t routed_count;
	bool isolate;			/* nothing goes from one client to another */
	const struct ruleset_forward *forward;
	size_t forward_count;
};

/* An uplink of the client, for who reaches it from outside. */
struct ruleset_link {
	const char *name;
	uint8_t family;			/* enum addr_family; ADDR_NONE: both */
	uint32_t reply_mark;		/* of connections that came in there; never 0 */
};

struct ruleset_client_options {
	const char *tun;
	const struct addr *inner;	/* our addresses in the tunnel */
	size_t inner_count;
	const struct addr *endpoint;	/* the server's, each with its port */
	size_t endpoint_count;
	uint32_t fwmark;		/* of our own datagrams */
	/* Answers to who reached a link leave by that link (rule 7421+n).  None: no rules,
	 * and no connection tracking for their sake. */
	const struct ruleset_link *link;
	size_t link_count;
	const struct ruleset_cgroup *cgroup;	/* of programs whose packets go past the tunnel */
	size_t cgroup_count;
};

/* A network that an interface leads to: the LAN, containers, a route of the user's. */
struct ruleset_network {
	const char *name;		/* of the interface */
	struct prefix prefix;		/* host bits may be set */
};

struct ruleset_traced_options {
	const char *tun;
	uint32_t fwmark;		/* of our own datagrams; 16 bits */
	uint16_t listen;		/* server: its port; client: 0 */
	const uint16_t *port;		/* client: the servers' ports */
	size_t port_count;
};

struct ruleset_closed_options {
	const char *tun;
	uint32_t fwmark;		/* of our own datagrams; 16 bits */
	const char *const *link;	/* names of the uplinks, each once */
	size_t link_count;
	const struct ruleset_network *network;
	size_t network_count;
	const struct prefix *outside;	/* what goes past the tunnel: to there, from these users */
	size_t outside_count;
	const struct uids *uids;
	size_t uids_count;
};

/*
 * Server.  What comes out of the TUN must have an inner source, and nothing
 * with an inner source may come in elsewhere; what is forwarded into or out of
 * the TUN is accepted, its TCP segments fitted to the route, but not from one
 * client to another where they are isolated; what is for an inner address goes
 * nowhere else, also while the TUN is away; what leaves from an inner prefix by
 * another interface is masqueraded; forwarded ports lead to their clients.
 *
 * Client.  TCP segments through the TUN fitted to the route; the server's
 * datagrams marked before their source check, which then looks at the links'
 * routes and not at the tunnel's; inner addresses are reached through the TUN
 * (and from the host itself) only; what programs of a cgroup send gets our mark,
 * and, since it was routed into the tunnel first, another source; what goes into
 * the TUN in a family without an inner address is refused, unless a mark leads it
 * elsewhere.
 *
 * Closed.  What this host sends itself leaves through the TUN or another tunnel's
 * device, as a datagram of ours, as an answer by a link (in a connection that this
 * tunnel's client table, or another one's, has marked), or to where a network is by
 * its interface, or past the tunnel by its destination or user; and so do DHCP, neighbour discovery and, but not into the TUN,
 * multicast.  Routing lets nothing else out either, but for an IPv4
 * socket that is bound to a device: where it finds no route, Linux takes the
 * whole world for that device's neighbours.  What comes in by a link for this host
 * has our mark while its source is checked.
 *
 * Traced.  One packet in a second of what the tunnel sends (chain "out"), of what
 * the other end sends ("in") and, on a server, of what comes out of the TUN
 * ("through") is followed through the host's tables.
 *
 * 0, -EINVAL (name of the TUN or a link, a prefix or address without a family, an
 * endpoint without a port), -E2BIG (more than RULESET_RULES), -ENOMEM.
 * Give *ret back with ruleset_done.
 */
int ruleset_server(const struct ruleset_server_options *options, struct ruleset *ret);
int ruleset_client(const struct ruleset_client_options *options, struct ruleset *ret);
/* Paused.  Between two runs of a server: what belongs to a connection of an inner prefix is dropped. */
int ruleset_paused(const char *tun, const struct prefix *inner, size_t inner_count, struct ruleset *ret);
int ruleset_traced(const struct ruleset_traced_options *options, struct ruleset *ret);
int ruleset_closed(const struct ruleset_closed_options *options, struct ruleset *ret);
/* Zeroed is nothing. */
void ruleset_done(struct ruleset *r);

/* As nft(8) lists it, without the names of programs and counters. */
void ruleset_print(const struct ruleset *r, FILE *out);
/* One rule as nft(8) would say it, without its chain; cut at size. */
void ruleset_rule_print(const struct ruleset_rule *rule, char *buf, size_t size);

#endif
