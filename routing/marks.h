/*
 * marks: the numbers that make kernel state ours.
 *
 * Routes and rules carry our protocol number and stand in our ranges, so what
 * a crash left behind is found without any memory (DESIGN 5).  Two tunnels on
 * one host differ in tables and priorities; they share the protocol and the
 * mark, so that no tunnel swallows another one's datagrams.
 */
#ifndef TTT_ROUTING_MARKS_H
#define TTT_ROUTING_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define MARKS_LINKS	16	/* links (interface + family) that have a table of their own */
#define MARKS_SPAN	100	/* rule priorities and tables that one tunnel may use */

struct route_marks {
	uint8_t protocol;	/* of routes and rules */
	uint32_t fwmark;	/* of our own sockets' datagrams */
	uint32_t fwmask;
	uint32_t reply_mark;	/* + slot: set by nft on replies to who reached that link */
	uint32_t table;		/* what goes into the tunnel; link n has table + 1 + n */
	uint32_t priority;	/* rules stand at priority .. priority + MARKS_SPAN - 1 */
};

/* Rules, as distances from route_marks.priority.  Lower ones are asked first. */
enum marks_rule {
	MARKS_RULE_LINK = 1,	/* + slot */
	MARKS_RULE_REPLY = 21,	/* + slot */
	MARKS_RULE_PORTAL = 37,	/* a program of `ttt portal` by its link, */
	MARKS_RULE_NO_PORTAL = 38,	/* and by no other */
	MARKS_RULE_DHCP = 40,
	MARKS_RULE_INNER = 50,
	MARKS_RULE_OUTSIDE = 50,	/* what goes past the tunnel: by network, */
	MARKS_RULE_USER = 51,		/* by user */
	MARKS_RULE_LOCAL = 60,
	MARKS_RULE_TUNNEL = 70,
	MARKS_RULE_CLOSED = 79,
};

static inline uint32_t marks_link_table(const struct route_marks *m, unsigned slot)
{
	return m->table + 1 + slot;
}

/* Of what has an inner source, where the rest of the host does not go into the tunnel. */
static inline uint32_t marks_inner_table(const struct route_marks *m)
{
	return m->table + 1 + MARKS_LINKS;
}

/*
 * Of a program that goes past all tunnels, by the links of the interface with that
 * number, 0 … MARKS_LINKS - 1: no tunnel's rule takes it in.  The upper half is in the
 * sixteen that begin where reply_mark's have a round number, so that MARKS_PORTAL_MASK
 * leaves what all of a tunnel's have in common and no other's has.
 */
#define MARKS_PORTAL_MASK	(~((MARKS_LINKS - 1u) << 16))

static inline uint32_t marks_portal(const struct route_marks *m, unsigned number)
{
	uint32_t first = (m->reply_mark + MARKS_LINKS - 1) & ~(MARKS_LINKS - 1u);

	return (first | number) << 16 | m->fwmark;
}

static inline bool marks_table_is_ours(const struct route_marks *m, uint32_t table)
{
	return table >= m->table && table <= marks_inner_table(m);
}

static inline bool marks_priority_is_ours(const struct route_marks *m, uint32_t priority)
{
	return priority >= m->priority && priority < m->priority + MARKS_SPAN;
}

#endif
