/* meter: see meter.h.  Slices of 100 ms, each weighing a quarter; an idle second empties it. */
#include "core/path/meter.h"

#define SLICE	MSEC(100)
#define FORGET	20	/* slices after which nothing is left */

static struct meter meter_at(const struct meter *m, nsec_t now)
{
	struct meter at = *m;
	nsec_t slices = nsec_since(m->since, now) / SLICE;

	if (slices > FORGET)
		return (struct meter){ .since = now };
	for (; slices > 0; slices--) {
		double slice_rate = (double)at.bytes * (double)(NSEC_PER_SEC / SLICE);

		at.rate += (slice_rate - at.rate) / 4;
		at.bytes = 0;
		at.since += SLICE;
	}
	return at;
}

void meter_add(struct meter *m, uint64_t bytes, nsec_t now)
{
	if (nsec_since(m->since, now) >= SLICE)
		*m = meter_at(m, now);
	m->bytes += bytes;
}

uint64_t meter_rate(const struct meter *m, nsec_t now)
{
	return (uint64_t)meter_at(m, now).rate;
}
