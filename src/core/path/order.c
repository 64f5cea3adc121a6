/* order: see order.h. */
#include "core/path/order.h"

#define GRANULARITY	MSEC(1)

void order_forget(struct order *o, nsec_t now)
{
	uint64_t recovery_ends = o->recovery_ends;

	*o = (struct order){ .recovery_ends = recovery_ends, .since = now };
}

/* True: it was more than that. */
static bool grow(struct lateness *to, const struct lateness *late)
{
	bool grew = late->packets > to->packets || late->time > to->time;

	to->packets = late->packets > to->packets ? late->packets : to->packets;
	to->time = nsec_max(to->time, late->time);
	return grew;
}

void order_late(struct order *o, nsec_t sent_at, struct lateness late, nsec_t most, bool held_lost)
{
	if (sent_at <= o->since)
		return;
	if (late.packets > ORDER_MAX)
		late.packets = ORDER_MAX;
	late.time = nsec_min(late.time, most);
	if (!held_lost) {
		grow(&o->seen, &late);
		return;
	}
	if (!grow(&o->allowed, &late))
		return;
	o->seen = (struct lateness){ 0 };
	o->recoveries = 0;
}

void order_lost(struct order *o, uint64_t number, uint64_t next)
{
	if (number < o->recovery_ends)
		return;
	o->recovery_ends = next;
	if (++o->recoveries < ORDER_RECOVERIES)
		return;
	if (o->seen.packets < o->allowed.packets)
		o->allowed.packets = o->seen.packets;
	o->allowed.time = nsec_min(o->allowed.time, o->seen.time);
	o->seen = (struct lateness){ 0 };
	o->recoveries = 0;
}

unsigned order_packets(const struct order *o)
{
	return o->allowed.packets > ORDER_FIRST ? (unsigned)o->allowed.packets : ORDER_FIRST;
}

nsec_t order_time(const struct order *o, nsec_t round_trip)
{
	return nsec_max(round_trip / 8, GRANULARITY) + o->allowed.time;
}
