/* transit: see transit.h. */
#include "core/path/transit.h"

#define CLOCK_MASK	((1u << TRANSIT_BITS) - 1)
#define FAR		(INT64_C(1) << 40)	/* units, 100 days: no honest clock goes so far from ours */

uint32_t transit_clock(nsec_t now)
{
	return (uint32_t)(now / TRANSIT_UNIT) & CLOCK_MASK;
}

/* The whole number that has these low bits and is nearest to the last one. */
static int64_t expand(int64_t last, uint32_t low)
{
	uint32_t up = (low - (uint32_t)last) & CLOCK_MASK;

	return last + (up <= CLOCK_MASK / 2 ? (int64_t)up : (int64_t)up - (int64_t)CLOCK_MASK - 1);
}

/* As much later, by the faster of two clocks. */
static int64_t grown(const struct transit *t, nsec_t now)
{
	return t->back + (int64_t)(nsec_since(t->back_at, now) * TRANSIT_DRIFT / 1000000);
}

nsec_t transit_rtt(struct transit *t, nsec_t sent_at, uint32_t clock, nsec_t rtt, nsec_t now)
{
	int64_t there, back, least, clean;

	t->any = t->any && t->there > -FAR && t->there < FAR;
	t->there = expand(t->any ? t->there : 0, clock - transit_clock(sent_at));
	there = t->there * (int64_t)TRANSIT_UNIT;
	back = (int64_t)rtt - there;
	least = grown(t, now);
	/* an answer cannot have taken longer than the whole: then it is the clock that jumped */
	t->back = !t->any || back < least || back > least + (int64_t)rtt ? back : least;
	t->back_at = now;
	t->any = true;
	clean = there + t->back;
	return clean < 1 ? 1 : nsec_min((nsec_t)clean, rtt);
}
