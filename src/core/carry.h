/*
 * carry: an inner packet onto the paths that were chosen for it, whole where it
 * fits and in pieces where it does not, and again when it was lost.
 *
 * What is under way is kept until it has arrived (flow/repair).  A packet that
 * goes nowhere whole is kept piece by piece, and each is repaired by itself;
 * one that is lost, and fits no path any more, is cut again.
 *
 * Several packets that leave together go as a DATA frame each in one datagram,
 * which is sealed, sent and acknowledged once.  Each is kept, lost and repaired
 * by itself.
 */
#ifndef TTT_CORE_CARRY_H
#define TTT_CORE_CARRY_H

#include "core/peer.h"

/* What is known of a packet beside its number: bits. */
#define CARRY_UNORDERED	1u	/* its receiver need not wait for those before */
#define CARRY_SPARSE	2u	/* of a sparse flow (flow/habit.h), */
#define CARRY_STEADY	4u	/* that is known for some time */

/* Give a packet its number, and keep its traits with it. */
void carry_number(struct peer *p, struct buf *packet, uint32_t traits);
uint32_t carry_traits(const struct buf *packet);

/* A numbered packet will not be sent: its receiver need not wait.  It stays the caller's. */
void carry_give_up(struct peer *p, const struct buf *packet);

/*
 * Send a numbered packet on every path of the set, which is not empty.  Takes it.
 * Gives repair's handle of the whole packet; REPAIR_NONE: it is not kept as such.
 */
uint32_t carry_packet(struct peer *p, path_set set, struct buf *packet, nsec_t now);
/*
 * The same of two or more whole packets with the same ECN field in one datagram:
 * at most ENGINE_TOGETHER, that fit by carry_room and carry_share.  Empties the queue.
 */
void carry_together(struct peer *p, path_set set, struct buf_queue *packets, nsec_t now);
/* Bytes for several packets that every path of the set takes in a datagram; 0: one takes only single ones. */
size_t carry_room(const struct peer *p, path_set set);
/* What a packet of len bytes takes of them. */
size_t carry_share(size_t len);

/* Send one copy more of what is kept; false: it does not fit the path. */
bool carry_copy(struct peer *p, const struct repair_item *item, struct path *path, nsec_t now);
/*
 * Send what repair_next gave, on that path; it waits no more.  What was kept right
 * behind it, and is next, goes in the same datagram: it was mostly lost with it.
 * Gives the bytes of packets.
 */
size_t carry_again(struct peer *p, const struct repair_item *item, struct path *path, nsec_t now);

#endif
