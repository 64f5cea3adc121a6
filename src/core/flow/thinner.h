/*
 * thinner: few acknowledgements for an inner TCP that is still beginning.
 *
 * Over several paths, or over one that jitters, a sender's HyStart (RFC 9406's
 * ancestor in Linux) takes the spread of delays for a queue, and leaves slow
 * start with a twentieth of what the paths carry together.  It judges a round
 * from its ninth acknowledgement on.  A TCP needs fewer than that: four a round
 * trip do (TACK, SIGCOMM 2020).  So at the end where the data leaves, those
 * that have come through the tunnel are passed on five a round; one that waits
 * for its turn gives way to a newer one, which says all that it said.  As soon
 * as the flow's own packets wait here for a quarter of a round, the paths are
 * full: its sender shall judge, and hears everything from then on.
 *
 * Nothing but plain acknowledgements of new data is ever held, and nothing
 * overtakes: duplicates, SACK, window updates and whatever carries data or
 * another flag pass at once.  (Plain ones come out of the tunnel in any order:
 * one that a newer one has overtaken says nothing any more, and goes no further.)
 * A flow with less than HyStart's least window under way keeps all, and so does
 * one that has to send again.  Where one path carries it those are not of the five
 * (decision 030).  What acknowledges bytes that were never sent is passed on, and
 * believed as little as its sender will believe it.
 *
 * A round begins with the acknowledgement of what was sent last when the one
 * before began, as senders count rounds; so it is also known how long the
 * sender sees a round trip take.
 */
#ifndef TTT_CORE_FLOW_THINNER_H
#define TTT_CORE_FLOW_THINNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/units.h"
#include "core/tcp.h"

#define THINNER_FLOWS	256	/* that are known at once, and buffers held at most */

struct thinner;

/* NULL: memory.  22 KiB. */
struct thinner *thinner_new(void);
void thinner_free(struct thinner *t);

/* No flow has ever sent: nothing is held, nothing has to be asked. */
bool thinner_is_idle(const struct thinner *t);

/* A segment of `flow` goes into the tunnel. */
void thinner_sent(struct thinner *t, uint32_t flow, const struct tcp *segment, nsec_t now);
/* Whether one path carries all of it now, so that its delays are no spread of several. */
void thinner_alone(struct thinner *t, uint32_t flow, bool alone);
/* The longest that its sender has lately seen a round take; 0: not known. */
nsec_t thinner_round_trip(struct thinner *t, uint32_t flow);
/* Whether its packets wait for the paths now: more than these need to be busy. */
void thinner_waits(struct thinner *t, uint32_t flow, bool waits, nsec_t now);

/*
 * A segment came out of the tunnel; flow: that of the data it may acknowledge
 * (inner_answer_flow).  Takes b; what may go on is put behind out.
 */
void thinner_take(struct thinner *t, uint32_t flow, const struct tcp *segment, struct buf *b,
		  struct buf_queue *out, nsec_t now);
/* What has waited long enough is put behind out. */
void thinner_tick(struct thinner *t, struct buf_queue *out, nsec_t now);
/* When thinner_tick has something to do; NSEC_NEVER: nothing waits. */
nsec_t thinner_deadline(const struct thinner *t);
/* Buffers that wait here now; */
unsigned thinner_held(const struct thinner *t);
/* room is short: all that waits is put behind out. */
void thinner_yield(struct thinner *t, struct buf_queue *out);
/* Acknowledgements that a newer one has replaced. */
uint64_t thinner_spared(const struct thinner *t);

#endif
