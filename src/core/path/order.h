/*
 * order: how far a path is known to reorder, in packets and in time.
 *
 * RFC 9002 §6.1 holds a packet for lost once three later ones, or one that was
 * sent an eighth of a round trip later, have arrived.  Radio links reorder by
 * more.  So both thresholds grow when a packet that was held for lost turns up
 * after all, to what would have done (RFC 8985 §6.2's idea), and after
 * ORDER_RECOVERIES recoveries without one they come down to what was seen
 * meanwhile.  All zero is a path that has shown nothing.
 */
#ifndef TTT_CORE_PATH_ORDER_H
#define TTT_CORE_PATH_ORDER_H

#include <stdbool.h>

#include "base/units.h"

#define ORDER_FIRST		3	/* kPacketThreshold of RFC 9002 §6.1.1 */
#define ORDER_MAX		256	/* packets, the most that is believed */
#define ORDER_RECOVERIES	16	/* that grown thresholds outlive: RFC 8985's persistence */

/* How late a packet was: the later ones that had come, and the time beyond a round trip. */
struct lateness {
	uint64_t packets;	/* 0: it came in its turn */
	nsec_t time;
};

struct order {
	struct lateness allowed;	/* packets: 0 is ORDER_FIRST */
	struct lateness seen;		/* the most that was not held for lost since that changed */
	unsigned recoveries;		/* since then */
	uint64_t recovery_ends;		/* the loss of an earlier number belongs to the last one */
	nsec_t since;			/* what was sent up to then tells nothing */
};

/* It is another way from now on. */
void order_forget(struct order *o, nsec_t now);
/* What was sent then came late; held_lost: and was held for lost. most: time, the most that is believed. */
void order_late(struct order *o, nsec_t sent_at, struct lateness late, nsec_t most, bool held_lost);
/* The packet of that number is held for lost; next: the number that the next one will have. */
void order_lost(struct order *o, uint64_t number, uint64_t next);
/* So many later ones have to be there, 3 to ORDER_MAX, */
unsigned order_packets(const struct order *o);
/* or so much time has to pass beyond a round trip of so long. */
nsec_t order_time(const struct order *o, nsec_t round_trip);

#endif
