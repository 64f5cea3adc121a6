/* overflow: see overflow.h. */
#include "core/overflow.h"

#define STANDING_TIME	MSEC(5)
#define STANDING_BYTES	(2 * 1500)
#define ON_AFTER	MSEC(100)
#define OFF_AFTER	SEC(1)
#define ROOMY		80		/* % of the primary rate that it has to be below */

void overflow_offer(struct overflow *o, size_t len, nsec_t now)
{
	meter_add(&o->offered, len, now);
}

static bool stands(uint64_t queued, uint64_t rate)
{
	return queued >= STANDING_BYTES && queued >= rate / (NSEC_PER_SEC / STANDING_TIME);
}

bool overflow_look(struct overflow *o, uint64_t queued, uint64_t rate, nsec_t now)
{
	if (!stands(queued, rate))
		o->stands_since = 0;
	else if (o->stands_since == 0)
		o->stands_since = now;
	if (o->stands_since != 0 && nsec_since(o->stands_since, now) >= ON_AFTER) {
		o->on = true;
		o->needed_at = now;
	}
	if (!o->on)
		return false;
	if (meter_rate(&o->offered, now) >= rate / 100 * ROOMY)
		o->needed_at = now;
	o->on = nsec_since(o->needed_at, now) < OFF_AFTER;
	return o->on;
}
