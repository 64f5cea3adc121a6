/*
 * fq_codel: inner packets that wait for a path, fair by flow (RFC 8290).
 *
 * A flow is a slot: the lane of its hash (lane_of), so packets that share a
 * lane's numbers also share a place in the order here.  Flows that collide
 * are treated as one flow.
 *
 *                 ┌ fresh: began lately, served first ┐
 *   admit, push ─▶│                                   │─▶ head, pop      the next one by DRR
 *                 └ old: in turns, a quantum each     ┘─▶ tail, pop_tail the last of the longest
 *
 * A packet that waits here has its number in its lane: a slower path takes
 * packets from a backlog's tail, and the receiver puts them in order.  A
 * number that never comes would make the receiver wait, so nothing that was
 * pushed is ever dropped.  What is to be lost is lost before it has a number:
 * ask fq_codel_admit, then number the packet, then push it.  It says
 *   - DROP or MARK, when CoDel found the flow's queue standing: see codel.h
 *     for what it means that this falls on arrivals;
 *   - FULL, when the flow holds more than FQ_CODEL_SHARE times the room that
 *     is left, in bytes or in packets.  So the fattest flows are refused first,
 *     flow by flow the same, and there is nearly always room for one that holds
 *     nothing: a flow alone gets 4/5 of the limits, n of them 4/(4n + 1) each.
 *
 * Sparse or bulk: a flow is bulk from the moment it holds more than
 * FQ_CODEL_SPARSE quanta until it was empty for a turn.  Bulk flows get the
 * target that was set last, which may be long so that slower paths find
 * something to take; sparse ones keep 5 and 100 ms.  A flow is never found
 * standing while a quantum or less waits behind its head, however long that
 * takes, so one that sends a packet now and then loses none to CoDel.
 *
 * Promises: packets of a flow leave the head in the order they were pushed,
 * and the tail in the opposite one.  A turn is at most a quantum and a packet.
 * Between flows that always have packets the bytes popped differ by two turns
 * at most.  A fresh flow waits for other fresh ones only; a flow that is not
 * waits for one turn of each busy flow, and two of one that comes and goes.
 * Bytes that leave by the tail count against no turn: they are what the head's
 * path would not have carried.
 *
 * All memory is allocated by fq_codel_new: 113 KiB and 32 bytes for each of
 * max_packets.  A packet costs a constant, and a step for each doubling of the active flows.
 */
#ifndef TTT_CORE_FLOW_FQ_CODEL_H
#define TTT_CORE_FLOW_FQ_CODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct buf;
struct fq_codel;

#define FQ_CODEL_TARGET		MSEC(5)		/* of sparse flows always, of bulk ones at first and at least */
#define FQ_CODEL_TARGET_MAX	MSEC(500)
#define FQ_CODEL_INTERVAL	MSEC(100)	/* likewise */
#define FQ_CODEL_INTERVAL_MAX	SEC(10)
#define FQ_CODEL_SPARSE		4		/* quanta that a sparse flow may hold */
#define FQ_CODEL_SHARE		4		/* a flow may hold so many times what is left */

struct fq_codel_config {
	uint32_t max_packets;	/* never 0; a flow's head and tail are at most 4/5 of it apart, and
				 * so far a number may run ahead: mind RESEQUENCER_HISTORY */
	uint32_t max_bytes;	/* at least one packet's */
	uint32_t quantum;	/* bytes of a turn, the largest packet's; never 0 */
};

enum fq_codel_verdict {
	FQ_CODEL_PASS,		/* push it */
	FQ_CODEL_MARK,		/* set CE, then push it */
	FQ_CODEL_DROP,		/* its flow stands in the queue too long */
	FQ_CODEL_FULL,		/* its flow holds too much of the room */
};

/* NULL when memory is short.  What waits when it is freed goes back to its pool. */
struct fq_codel *fq_codel_new(const struct fq_codel_config *config);
void fq_codel_free(struct fq_codel *q);

/*
 * Bulk flows' CoDel from now on; brought between 5 and 500 ms, 100 ms and 10 s.
 * A strike is heard of a round trip and a sojourn later, so the interval is
 * best 1.5 round trips and the target: with less there are several times as
 * many strikes, for the same wait.  patience: at most 10 s; see codel.h.
 */
void fq_codel_set_target(struct fq_codel *q, nsec_t target, nsec_t interval, nsec_t patience);

/*
 * What is to happen to a packet that has come.  Counts it: ask once for each.
 * ecn_capable: the packet may be marked.  A refusal is CoDel's strike too, if one is due.
 */
enum fq_codel_verdict fq_codel_admit(struct fq_codel *q, uint32_t flow, uint32_t len,
				     bool ecn_capable, nsec_t now);
/*
 * Takes a packet that was admitted; its flow is b->mark[0].  There must be room,
 * as there is after PASS or MARK when nothing was pushed since.  While it waits
 * its length stays, and b->next and b->mark are the caller's.
 */
void fq_codel_push(struct fq_codel *q, struct buf *b, nsec_t now);

/* The packet that pop would give, or NULL: there is none.  Looked at as often as one likes. */
struct buf *fq_codel_head(struct fq_codel *q, nsec_t now);
/* The caller owns it. */
struct buf *fq_codel_pop(struct fq_codel *q, nsec_t now);

/*
 * The same where not every flow may go now: the first packet of the first flow
 * in turn whose packet may_go says may, or NULL.  Those that may go share what
 * leaves as ever; those that may not lose no turn.  It is asked about the first
 * packet of each flow, until one may go.
 */
struct buf *fq_codel_find(struct fq_codel *q, bool (*may_go)(void *ctx, struct buf *b), void *ctx);
/* The packet that find gave, or the next; the caller owns it. */
void fq_codel_pop_found(struct fq_codel *q, struct buf *b, nsec_t now);
/* The next packet of that flow, while the turn lasts in which it was found; NULL: there is none. */
struct buf *fq_codel_next(const struct fq_codel *q, uint32_t flow);

/*
 * The last packet of the flow with most bytes, or NULL; ret_ahead gets the bytes
 * that wait before it in its flow.  No flow is longer, so all that waits but
 * this packet would leave the head before it, give or take a quantum for each flow.
 */
struct buf *fq_codel_tail(const struct fq_codel *q, uint32_t *ret_ahead);
/* The packet that tail gives; the caller owns it. */
struct buf *fq_codel_pop_tail(struct fq_codel *q);

/*
 * The CoDel of that flow alone, once it is bulk, because its sender's round
 * trip is known; within the same bounds.  For as long as the slot is in use.
 */
void fq_codel_set_flow(struct fq_codel *q, uint32_t flow, nsec_t target, nsec_t interval);
/* How long the first packet of a flow waits already; 0: there is none. */
nsec_t fq_codel_sojourn(const struct fq_codel *q, uint32_t flow, nsec_t now);

/*
 * Of the flow with most bytes the first packet that has at least so many before
 * it, or NULL: there is none.  Asked again and again with about the same wish
 * it costs little.
 */
struct buf *fq_codel_behind(struct fq_codel *q, uint32_t ahead);
/* The packet that behind gave, if nothing was pushed or popped since; the caller owns it. */
struct buf *fq_codel_pop_behind(struct fq_codel *q);

struct fq_codel_stats {
	uint32_t packets, bytes;	/* that wait now */
	uint32_t flows;			/* that have packets now */
	uint64_t dropped, marked, refused;	/* since the start: DROP, MARK, FULL */
};

struct fq_codel_stats fq_codel_stats(const struct fq_codel *q);

#endif
