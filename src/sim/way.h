/*
 * way: when a packet that enters one direction of a link comes out of it.
 *
 * Pure arithmetic on `struct sim_way`, its steps of a trace included; what is
 * lost, cut or has no room in the queue is links.c's.
 */
#ifndef TTT_SIM_WAY_H
#define TTT_SIM_WAY_H

#include "sim/dice.h"
#include "sim/sim.h"

/* How long one that enters now waits for the wire to be free. */
nsec_t way_wait(const struct sim_way *way, const struct sim_wire *wire, nsec_t now);
/* Notes in the wire that it is occupied until then.  NSEC_NEVER: its rate is 0 for ever. */
nsec_t way_arrival(const struct sim_way *way, struct sim_wire *wire, uint64_t bits, nsec_t now,
		   struct dice *dice);

#endif
