/*
 * toll: what a peer sends into the tunnel leaves for the TUN at its rate, if it
 * has one.  What comes faster waits, fair by flow, and is dropped or marked
 * (RFC 8290) when it stands: so who sends is told in time, and a call beside a
 * download does not wait for it.
 */
#ifndef TTT_CORE_TOLL_H
#define TTT_CORE_TOLL_H

#include "base/buf.h"
#include "core/flow/fq_codel.h"
#include "core/flow/gate.h"

struct peer;

struct toll {
	struct gate gate;
	struct fq_codel *queue;		/* NULL: no limit, all of it goes on at once */
	struct buf_queue arrived;
};

/* rate: bytes per second; 0: no limit.  False: memory. */
bool toll_init(struct toll *t, uint64_t rate);
void toll_done(struct toll *t);
/* Where inner packets of that peer go. */
struct buf_queue *toll_entry(struct peer *p);
/* What has come there is let through, waits, or is dropped. */
void toll_settle(struct peer *p, nsec_t now);
/* When more may go; NSEC_NEVER: nothing waits. */
nsec_t toll_deadline(const struct toll *t);
size_t toll_held(const struct toll *t);		/* packets */
/* One of them is given up for others. */
void toll_yield(struct peer *p);

#endif
