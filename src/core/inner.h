/*
 * inner: what the tunnel needs to know of an IP packet that it carries.
 */
#ifndef TTT_CORE_INNER_H
#define TTT_CORE_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define INNER_KEY	16

struct inner {
	struct addr src, dst;	/* port 0 */
	uint8_t protocol;	/* of the transport, extension headers skipped */
	uint32_t flow;		/* keyed hash of addresses, protocol and ports */
	uint16_t ports;		/* where they stand in the packet; 0: it has none, or is a fragment */
	bool unordered;		/* never worth holding: ICMP, and TCP's ACKs without data */
	bool real_time;		/* UDP that says so by its DSCP */
	bool in_order;		/* its sender counts on order: TCP, SCTP */
};

/*
 * Read a packet; key makes the hash unguessable, without one there is none.
 * False: not one whole IPv4 or IPv6 packet of exactly len bytes.  Fragments
 * hash without ports, so that all of a packet's fragments are one flow.
 */
bool inner_read(const uint8_t *packet, size_t len, const uint8_t key[INNER_KEY], struct inner *ret);

/* The flow of what answers a packet that inner_read has read: its ends change places. */
uint32_t inner_answer_flow(const uint8_t *packet, const struct inner *of, const uint8_t key[INNER_KEY]);

#endif
