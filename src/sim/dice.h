/*
 * dice: random numbers that are the same everywhere: xoshiro256** (Blackman, Vigna).
 */
#ifndef TTT_SIM_DICE_H
#define TTT_SIM_DICE_H

#include <stddef.h>
#include <stdint.h>

struct dice {
	uint64_t s[4];
};

static inline uint64_t dice_rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void dice_sow(struct dice *d, uint64_t seed);
uint64_t dice_draw(struct dice *d);
/* A random_source's function; ctx is the dice. */
void dice_fill(void *ctx, void *buf, size_t len);

#endif
