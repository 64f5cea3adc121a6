/*
 * spacer: the plain acknowledgements of an inner TCP enter the tunnel with a space between.
 *
 * A link that jitters keeps order as a rule, so a packet that is late there holds
 * up all behind it: the more packets there are, the later is each of them, a ping
 * too.  An inner TCP acknowledges every second segment, thousands a second for a
 * full download, and each says all that the ones before it said.  So one that
 * comes soon after another waits, and gives way to a newer one (decision 014).
 *
 * Nothing but plain acknowledgements (tcp.h) of new data is ever held, and within a
 * flow nothing overtakes: whatever else comes goes at once, behind what waited.
 */
#ifndef TTT_CORE_FLOW_SPACER_H
#define TTT_CORE_FLOW_SPACER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/units.h"
#include "core/tcp.h"

#define SPACER_FLOWS	256	/* that are known at once, and buffers held at most */

struct spacer;

/* NULL: memory.  8 KiB. */
struct spacer *spacer_new(void);
void spacer_free(struct spacer *s);

/*
 * A segment of `flow` is to go into the tunnel; space: between two plain
 * acknowledgements, 0: none.  Takes b; what may go on is put behind out.
 */
void spacer_take(struct spacer *s, uint32_t flow, const struct tcp *segment, struct buf *b, nsec_t space,
		 struct buf_queue *out, nsec_t now);
/* What has waited long enough is put behind out. */
void spacer_tick(struct spacer *s, struct buf_queue *out, nsec_t now);
/* When spacer_tick has something to do; NSEC_NEVER: nothing waits. */
nsec_t spacer_deadline(const struct spacer *s);
/* Buffers that wait here now; */
unsigned spacer_held(const struct spacer *s);
/* room is short: all that waits is put behind out. */
void spacer_yield(struct spacer *s, struct buf_queue *out);
/* Acknowledgements that a newer one has replaced. */
uint64_t spacer_spared(const struct spacer *s);

#endif
