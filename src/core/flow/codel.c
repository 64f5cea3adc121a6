/* codel: see codel.h. */
#include "core/flow/codel.h"

#define RECENT	16	/* intervals: a queue that stands again so soon goes on near where it was */

/* The largest n with n * n <= square. */
static uint64_t root_of(uint64_t square)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1)
		if ((root | bit) * (root | bit) <= square)
			root |= bit;
	return root;
}

/* interval / sqrt(count), the root with 16 bits behind the point. */
static nsec_t step(const struct codel *c, const struct codel_params *params)
{
	return (params->interval << 16) / root_of((uint64_t)c->count << 32);
}

/* The count is set one too low: the first strike adds it. */
static void begin(struct codel *c, const struct codel_params *params, nsec_t now)
{
	uint32_t last = c->count - c->began;

	if (last <= 1 || nsec_since(c->next, now) >= RECENT * params->interval)
		last = 1;
	c->standing = true;
	c->began = last;
	c->count = last - 1;
	c->next = now;
}

void codel_above(struct codel *c, const struct codel_params *params, nsec_t now)
{
	if (c->proven_at == 0)
		c->proven_at = now + nsec_max(params->interval, params->patience);
	else if (!c->standing && now >= c->proven_at)
		begin(c, params, now);
}

void codel_below(struct codel *c)
{
	c->proven_at = 0;
	c->standing = false;
}

bool codel_strike(struct codel *c, const struct codel_params *params, nsec_t now)
{
	if (!c->standing || now < c->next)
		return false;
	if (nsec_since(c->next, now) > params->interval)
		c->next = now - params->interval;
	if (c->count != UINT32_MAX)
		c->count++;
	c->next += step(c, params);
	return true;
}
