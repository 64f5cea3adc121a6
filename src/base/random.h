/* random: where the core takes its randomness from; the program gives the kernel's, a test a seed. */
#ifndef TTT_BASE_RANDOM_H
#define TTT_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random_source {
	void (*fill)(void *ctx, void *buf, size_t len);	/* cannot fail */
	void *ctx;
};

static inline void random_fill(const struct random_source *r, void *buf, size_t len)
{
	r->fill(r->ctx, buf, len);
}

static inline uint32_t random_u32(const struct random_source *r)
{
	uint32_t n;

	random_fill(r, &n, sizeof(n));
	return n;
}

#endif
