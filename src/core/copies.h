/*
 * copies: packets that go more than once: the budget for that, and copies that
 * wait a moment for their path.
 *
 * The budget earns a share of all bytes, and begins with a megabyte, which is
 * also the most it holds; without a share there is none.  What a strategy wants to copy beside the path
 * that is free first goes to the others within STRATEGY_MOMENT, or not at all:
 * meanwhile other packets leave, and nobody waits.
 */
#ifndef TTT_CORE_COPIES_H
#define TTT_CORE_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct buf;
struct peer;

#define COPIES_LATE	16	/* packets whose copies may wait at once; further ones have none */

#define COPIES_ALL	1000000		/* ppm */
#define COPIES_USUAL	50000

struct copies {
	uint32_t share;		/* ppm of all bytes; 0: none */
	uint64_t spare;		/* bytes that the budget allows, */
	uint32_t parts;		/* and millionths of one */
	unsigned count;
	struct {
		uint32_t handle;	/* repair's */
		path_set paths;
		nsec_t until;
	} late[COPIES_LATE];	/* oldest first */
};

/* From now on; what was saved stays. */
void copies_set_share(struct copies *c, uint32_t share);
/* A packet of len bytes goes out. */
void copies_earn(struct copies *c, size_t len);

/*
 * While nothing waits, the paths have room to spare, and a flow that is just
 * beginning is slowed by every hole and every whim of a path: so it gets a
 * second copy on another one, as far as the budget goes.  Adds that path to
 * those that len bytes of packets go to.
 */
path_set copies_second(struct peer *p, path_set set, size_t len, nsec_t now);

/* What went out on `sent`, and is kept by that handle, is to go on these paths as well. */
void copies_defer(struct peer *p, uint32_t handle, path_set paths, nsec_t now);
/* Send those whose path is free; peer.pump_at says when the next may be. */
void copies_pump(struct peer *p, nsec_t now);
/* So many more copies of len bytes went out as the strategy had picked them. */
void copies_spend(struct peer *p, unsigned count, size_t len);

#endif
