/*
 * shelf: where the packets of one lane stand that came ahead of their turn.
 *
 * Places for as many numbers in a row as it has, by number modulo its size; it
 * grows.  A lead is a packet that was the highest on the shelf when it was put
 * there: so the first lead in a row is the one that has stood longest.
 */
#ifndef TTT_CORE_FLOW_SHELF_H
#define TTT_CORE_FLOW_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Embedded, all zero is empty. */
struct shelf {
	struct shelf_places *places;	/* NULL: none yet */
	uint32_t size;			/* a power of two, or 0 */
	uint32_t count;			/* packets on it */
	uint32_t highest;		/* number of the last lead; valid while count is not 0 */
};

/* The size of a shelf, this or a greater one, with places for so many numbers in a row. */
uint32_t shelf_size_for(const struct shelf *s, uint32_t numbers);
/* Bytes that the places of that size take. */
size_t shelf_bytes(uint32_t size);
/* What stands there is of numbers from `first` on.  False: memory. */
bool shelf_grow(struct shelf *s, uint32_t size, uint32_t first);
/* Gives up its places; nothing stands there. */
void shelf_drop(struct shelf *s);

/* Takes the packet; its place is empty. */
void shelf_put(struct shelf *s, uint32_t seq, struct buf *packet);
/* The packet that stands there, which is the caller's. */
struct buf *shelf_take(struct shelf *s, uint32_t seq);
struct buf *shelf_look(const struct shelf *s, uint32_t seq);
/* How many of `count` numbers from `from` on come before the first that stands there; `count`: all. */
uint32_t shelf_find(const struct shelf *s, uint32_t from, uint32_t count);
/* The first lead from `from` on; there is one while anything stands there. */
uint32_t shelf_first_lead(const struct shelf *s, uint32_t from);

#endif
