/*
 * brake: sends less than the path delivers, until a queue of ours must be gone, and
 * tells by the delay whether it is.
 *
 *           queue of ours gone
 *   drains ---------------------> drained: it was ours
 *      |                             ^
 *      | it must be gone             | falls below half a target after all
 *      v                             |
 *   watches ------------------------'
 *      |  ^
 *      |  '-- much more than is sure: once again, deep
 *      v
 *   in vain: what stands is not ours, and is the floor from now on
 *
 * So a longer route, a radio's jitter and other people's queues are told from ours.
 * Beside much traffic of others a brake that is not deep drains too little to see.
 * What was believed of the rate before counts again when nothing was found.
 *
 * A load is light when nothing has held it back for a round trip, and it has not grown
 * for long: what arrives is not what the path carries, and the queue is hardly its
 * own.  So it is slowed down by just so much that the pacer holds it back from now
 * on: when the path carries less, that shows (brake_round), or the delay goes on
 * rising.  When it carries just that, neither happens, so the next time soon is for
 * the brake.
 */
#ifndef TTT_CORE_PATH_BRAKE_H
#define TTT_CORE_PATH_BRAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "core/path/capacity.h"
#include "core/path/standing.h"

/* All zero: never used. */
struct brake {
	double gain;		/* of the rate that is believed, so much is to be sent: 0.5 to 0.98 */
	bool from_startup;	/* what is to drain is STARTUP's, */
	bool light;		/* and the load that braked is light, */
	nsec_t light_most;	/* as long as the standing RTT is no more than this */
	nsec_t light_from;	/* before, none is taken for that */
	nsec_t since;
	uint64_t rate;		/* that was believed before; 0: less has been shown */
	nsec_t until, from;	/* when it must be drained; standing RTT to come down from */
	nsec_t measured;	/* sum of standing RTTs since then, */
	unsigned measures;	/* and how many */

	nsec_t held_at;		/* when something last held a datagram back */
	uint64_t load;		/* the most that has arrived, bytes per second, */
	nsec_t load_since;	/* and since when it is hardly more than that */
};

enum brake_state { BRAKE_ON, BRAKE_DRAINED, BRAKE_IN_VAIN };

/* While the brake is off, too: a datagram had to wait for the pacer or the window; so much arrives. */
void brake_held(struct brake *b, nsec_t now);
void brake_load(struct brake *b, uint64_t rate, nsec_t now);

void brake_begin(struct brake *b, const struct standing *q, const struct capacity *c, bool from_startup,
		 nsec_t now);
/* A filled round while the brake is on: it may show that the path carries less than was believed. */
void brake_round(struct brake *b, const struct standing *q, struct capacity *c, uint64_t pacing,
		 nsec_t now);
/* Each ACK while it is on.  In vain: q has its new floor, or it was gone before anything could drain. */
enum brake_state brake_check(struct brake *b, struct standing *q, const struct capacity *c, nsec_t now);
/* It is taken off, with what brake_check said. */
void brake_end(struct brake *b, struct standing *q, struct capacity *c, enum brake_state found);

#endif
