/*
 * bitring: one bit for each number of a stretch of a circle.
 *
 * A number's bit is at the number modulo the ring's size, so a ring of N bits
 * tells N numbers in a row apart; which N these are is the caller's matter, who
 * clears the bits of those that leave.  Whole words are looked at where that is
 * possible: a range costs a step for each 64 of its numbers.
 *
 * size: bits in the ring, a power of two, 64 or more.  count: at most size.
 */
#ifndef TTT_CORE_FLOW_BITRING_H
#define TTT_CORE_FLOW_BITRING_H

#include <stdbool.h>
#include <stdint.h>

static inline bool bitring_get(const uint64_t *ring, uint32_t size, uint32_t at)
{
	return ring[at % size / 64] >> at % 64 & 1;
}

static inline void bitring_put(uint64_t *ring, uint32_t size, uint32_t at, bool value)
{
	uint64_t bit = UINT64_C(1) << at % 64, *word = &ring[at % size / 64];

	*word = value ? *word | bit : *word & ~bit;
}

/* Make the bits of `count` numbers from `from` on this value; gives how many of them changed. */
uint32_t bitring_fill(uint64_t *ring, uint32_t size, uint32_t from, uint32_t count, bool value);
/* How many of `count` numbers from `from` on have their bit set. */
uint32_t bitring_count(const uint64_t *ring, uint32_t size, uint32_t from, uint32_t count);
/* How many numbers from `from` on come before the first with that value; `count`: all of these. */
uint32_t bitring_find(const uint64_t *ring, uint32_t size, uint32_t from, uint32_t count, bool value);

#endif
