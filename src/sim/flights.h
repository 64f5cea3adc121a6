/*
 * flights: datagrams under way, ordered by when they arrive (a heap).
 */
#ifndef TTT_SIM_FLIGHTS_H
#define TTT_SIM_FLIGHTS_H

#include "sim/sim.h"

struct flight {
	nsec_t at;
	uint64_t order;		/* ties go by age; flights_push sets it */
	int client;
	unsigned link;
	enum sim_direction direction;
	uint16_t port;		/* the client's, when it was sent */
	size_t len;
	uint8_t ecn;		/* of the header around it */
	uint8_t *datagram;	/* of malloc: whoever pops it frees it */
};

struct flights {
	struct flight *heap;
	size_t count, room;
	uint64_t order;
};

void flights_push(struct flights *all, struct flight f);
/* There must be one. */
struct flight flights_pop(struct flights *all);
/* When the next one arrives; NSEC_NEVER: there is none. */
nsec_t flights_next_at(const struct flights *all);
void flights_done(struct flights *all);

#endif
