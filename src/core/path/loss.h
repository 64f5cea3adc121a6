/*
 * loss: what became of the datagrams we sent on one path.
 *
 * Numbers every datagram of a path, remembers those that are not yet settled,
 * reads the peer's ACKs, and decides what is lost (RFC 9002 §6.1): a packet is
 * lost once some later ones, or one that was sent more than 9/8 of a round trip
 * later, have arrived; more where the path is known to reorder (order.h).  Judged
 * per path, on the path's own numbers: reordering between paths is no loss.
 *
 * Numbers and the log outlive a path that flaps: they are the path id's.  The log is
 * large, and goes when the path has been away for a while: a client may use one id
 * after another, and a server has many clients.
 */
#ifndef TTT_CORE_PATH_LOSS_H
#define TTT_CORE_PATH_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/frame.h"
#include "core/path/delivery.h"
#include "core/path/order.h"
#include "core/path/rtt.h"
#include "core/path/transit.h"

#define LOSS_WINDOW	8192	/* datagrams remembered; when full, the oldest counts as lost */

struct loss_record {
	nsec_t sent_at;
	struct delivery_stamp stamp;
	uint32_t content;	/* what must be said again if it is lost: the owner's bits */
	uint32_t copy;		/* the owner's handle of what it carries, */
	uint16_t len;		/* bytes with outer headers */
	uint8_t copies;		/* which is so many things, with handles that follow each other; 0: nothing */
	uint8_t state : 2;
	uint8_t ecn : 2;	/* enum ecn of its outer header */
	uint8_t doubted : 1;	/* it was told to be overdue: whoever waited for it waits no more */
};

/* What the owner is told; the first two may be called many times from one call below. */
struct loss_observer {
	void (*acked)(void *ctx, const struct loss_record *record, nsec_t now);	/* NULL: no need */
	void (*lost)(void *ctx, const struct loss_record *record, nsec_t now);
	void (*doubted)(void *ctx, const struct loss_record *record, nsec_t now);
	void (*probed)(void *ctx, const struct loss_record *record, nsec_t now);	/* NULL: no probes */
	/* An ACK with news is read, and what it makes lost has been told; NULL: no need. */
	void (*progress)(void *ctx, const struct delivery_sample *sample, nsec_t now);
	void *ctx;
};

struct loss {
	struct loss_record *record;	/* LOSS_WINDOW of them, number modulo LOSS_WINDOW; NULL: it rests */
	uint64_t next;			/* number of the next datagram */
	uint64_t oldest;		/* everything below is settled */
	uint64_t doubted;		/* everything below was told to be overdue, if it was in flight then */
	uint64_t largest_acked;		/* valid once any_acked */
	bool any_acked;
	struct order order;
	nsec_t loss_at;			/* when the time threshold passes for the oldest; NSEC_NEVER */
	struct rtt rtt;			/* from ACKs: their way back may be another path's */
	struct transit transit;		/* likewise */
	nsec_t clean_at;		/* when its newest answer should have come: see delivery_sample */
	uint64_t in_flight;		/* bytes that are neither acknowledged nor lost */
	uint64_t sent, lost, spurious;	/* datagrams that wanted an ACK, so many lost, so many not really */
	uint64_t answered;		/* of those sent, so many acknowledged before they were given up */
	struct delivery delivery;	/* of what is acknowledged */
	uint32_t loss_ppm;		/* over the last few hundred datagrams, */
	nsec_t silent_until;		/* but those that were sent before this: the path was dead */
};

/* -ENOMEM.  loss_done also of a zeroed struct. */
int loss_init(struct loss *l);
void loss_done(struct loss *l);

/* All begins anew, numbers too, and nobody is told. */
void loss_reset(struct loss *l);
/*
 * If nothing is under way the log goes: what turns up of what was given up is no news
 * any more.  Before the next datagram is numbered it has to wake; false: memory.
 */
void loss_rest(struct loss *l);
bool loss_wake(struct loss *l);

/* Number a datagram that goes out now.  eliciting: it wants an ACK, so it is remembered. */
uint64_t loss_sent(struct loss *l, uint32_t len, uint32_t content, bool eliciting, nsec_t now,
		   const struct loss_observer *to);

/*
 * Number a probe of the path's MTU.  Its answer is told (probed); its loss is
 * not, and counts nowhere: neither in flight nor as loss, nor is it overdue.
 */
uint64_t loss_sent_probe(struct loss *l, uint32_t len, nsec_t now, const struct loss_observer *to);

/*
 * The peer has these runs (newest first), of which the newest number came then.
 * False: it acknowledges what was never sent, or nobody remembers; nothing is changed.  ret_new: it told us something new.
 */
bool loss_ack(struct loss *l, const struct frame_run *runs, size_t count, const struct frame_came *came, nsec_t now,
	      const struct loss_observer *to, bool *ret_new);

/* The way is another one now: what was learnt of its order is forgotten. */
void loss_forget_order(struct loss *l, nsec_t now);

/* Time has passed: settle what the time threshold makes lost. */
void loss_tick(struct loss *l, nsec_t now, const struct loss_observer *to);
/* The datagram of that number, the newest, carries so many of the owner's things, and has such an outer header. */
void loss_attach(struct loss *l, uint64_t number, uint32_t copy, uint8_t copies, enum ecn ecn);
/* Everything in flight is overdue: the observer's doubted is told once of each, nothing is settled. */
void loss_doubt(struct loss *l, nsec_t now, const struct loss_observer *to);
/* Everything in flight counts as lost now: the path is gone. */
void loss_abandon(struct loss *l, nsec_t now, const struct loss_observer *to);

/*
 * The path is dead, or lives again: what is lost in between tells nothing of
 * how much it loses when it works.
 */
void loss_silence(struct loss *l);
void loss_silence_ends(struct loss *l, nsec_t now);
/* Believe that so many are lost, at the most, until more are. */
void loss_trust(struct loss *l, uint32_t loss_ppm);

/* So many are unsettled that the next datagram would make the oldest count as lost. */
bool loss_is_full(const struct loss *l);
/* When the oldest unsettled datagram was sent; NSEC_NEVER: none is out. */
nsec_t loss_oldest_sent_at(const struct loss *l);

#endif
