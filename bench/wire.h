/*
 * wire: one direction of a link in virtual time: a rate, a delay, random loss.
 *
 * Keeps copies of the datagrams under way, as sockets do, so that neither end
 * has the other's buffers.
 */
#ifndef TTT_BENCH_WIRE_H
#define TTT_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct buf;

#define WIRE_ROOM	8192	/* datagrams under way at most */
#define WIRE_DATAGRAM	1472	/* bytes of the largest */

struct wire {
	uint64_t rate;		/* bytes per second; never 0 */
	nsec_t delay;
	uint32_t loss_ppm;
	uint64_t random;
	nsec_t free_at;
	unsigned head, count;
	uint64_t carried, lost;	/* datagrams; lost: by chance, or there was no room */
	struct wire_slot *slot;
};

/* False: memory. */
bool wire_init(struct wire *w, uint64_t rate, nsec_t delay, uint32_t loss_ppm);
void wire_done(struct wire *w);
/* A copy of the datagram sets out. */
void wire_send(struct wire *w, const struct buf *b, nsec_t now);
/* Whether one has arrived that nobody took yet; it is copied into b, which is empty. */
bool wire_has(const struct wire *w, nsec_t now);
void wire_receive(struct wire *w, struct buf *b);

#endif
