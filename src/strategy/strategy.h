/*
 * strategy: which path carries the next packet.
 *
 * A strategy is a file with one `struct strategy_ops`, two lines in the table
 * of strategy.c, and a test that calls it with numbers.  It sees only the
 * paths that may carry data now (proven, answering, and allowed by their
 * links' settings), in ascending order of id; when every path is suspect it
 * sees them all.  It keeps no clock: view->now is the time.
 */
#ifndef TTT_STRATEGY_STRATEGY_H
#define TTT_STRATEGY_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct strategy_path {
	uint8_t id;		/* 0..15, the same path for as long as it lives */
	uint16_t weight;	/* 1..1000 */
	uint8_t priority;	/* lower goes first */
	bool suspect;		/* only where all are, or where sees_suspect asks for it */
	bool metered;		/* no copies there */
	nsec_t good_since;	/* it works, and keeps its link's limits, without a break since then; NSEC_NEVER: not now */
	nsec_t srtt;		/* 0: not known yet */
	nsec_t latency;		/* the newest round trip; 0: not known yet */
	nsec_t free_at;		/* when its controller lets the next packet go; <= now: at once */
	uint64_t rate;		/* bytes per second its controller believes in; never 0 */
	uint64_t in_flight;	/* bytes */
	uint32_t loss_ppm;
};

struct strategy_view {
	nsec_t now;
	const struct strategy_path *path;
	size_t count;		/* 1..PATHS_MAX: pick is not called with nothing to pick from */
};

struct strategy_packet {
	size_t len;		/* bytes of the inner packet */
	uint32_t flow;		/* hash of the inner flow */
	bool sparse;		/* of a flow that sends little: a call, a game, a question */
	bool steady;		/* and has done so for a while */
	uint64_t spare;		/* bytes of copies that the budget still allows */
};

struct strategy_ops {
	const char *name;	/* as in the configuration */
	const char *summary;	/* one line, for the user */
	size_t state_size;	/* bytes of zeroed state per peer, at most STRATEGY_STATE */
	bool sees_suspect;	/* it is shown suspect paths beside working ones */
	uint32_t max_loss_ppm;	/* beyond it a path is left whose link has no limit of its own; 0: none */
	bool repairs_as_picked;	/* what is lost, too, goes only where it picks (else: where it arrives first) */
	bool budgets_copies;	/* the copies that it picks count against the budget */
	bool second_copies;	/* while paths stand idle, a few packets go twice (within the same budget) */
	bool asked_anew;	/* whenever something changes (else: once for each packet) */
	bool by_flow;		/* while one flow's path is occupied, flows of other paths go on; asked anew, too */
	bool in_turn;		/* a flow's packets go to paths in turn: even a sparse one's are put in order */
	bool steady_view;	/* overflow paths are shown as long as they help, not only when no other has room */
	/*
	 * The paths that carry this packet: at least one bit, only of the view's
	 * ids.  It leaves when the first of them is free.  More than one bit: a copy
	 * on each that is free then, or STRATEGY_MOMENT later.
	 */
	path_set (*pick)(void *state, const struct strategy_view *view,
			 const struct strategy_packet *packet);
	/*
	 * While the path of the next packet is occupied, a slower one that is free
	 * may carry a later packet: which one, by the bytes that leave before it on
	 * the faster ones, at least 1; SIZE_MAX: none does.  len: of such a packet;
	 * NULL: nobody does, and so none needs a queue to find something in.  It has
	 * to be asked anew.
	 */
	size_t (*ahead)(const struct strategy_view *view, size_t len, path_set *ret);
	/* The packet left on these paths, which it may count; NULL: it need not know.  Once for each packet. */
	void (*sent)(void *state, const struct strategy_packet *packet, path_set on, nsec_t now);
};

#define STRATEGY_STATE	2304
#define STRATEGY_MOMENT	MSEC(2)

/* When a packet of len bytes may leave there: who waits for an acknowledgement is about to get one. */
static inline nsec_t strategy_free_at(const struct strategy_path *p, size_t len, nsec_t now)
{
	return p->free_at == NSEC_NEVER ? now + len * NSEC_PER_SEC / p->rate : nsec_max(p->free_at, now);
}

/* When it would be there: it leaves, takes its time on the wire, and half a round trip. */
static inline nsec_t strategy_arrival(const struct strategy_path *p, size_t len, nsec_t now)
{
	return strategy_free_at(p, len, now) + len * NSEC_PER_SEC / p->rate + p->srtt / 2;
}

extern const struct strategy_ops strategy_aggregate;
extern const struct strategy_ops strategy_adaptive;
extern const struct strategy_ops strategy_weighted;
extern const struct strategy_ops strategy_round_robin;
extern const struct strategy_ops strategy_lowest_latency;
extern const struct strategy_ops strategy_failover;
extern const struct strategy_ops strategy_redundant;
extern const struct strategy_ops strategy_flow;

/* The strategy of that name, or NULL. */
const struct strategy_ops *strategy_find(const char *name);
/* The n-th strategy of the table, or NULL behind its end: for help and errors. */
const struct strategy_ops *strategy_at(size_t n);

#endif
