/* way: see way.h. */
#include "sim/way.h"

static size_t step_at(const struct sim_way *way, nsec_t offset)
{
	size_t low = 0, high = way->rate_count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (way->rates[middle].at <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* When the bits are through that begin at `from`, at rates that change meanwhile. */
static nsec_t through_steps(const struct sim_way *way, uint64_t bits, nsec_t from)
{
	nsec_t period = way->rates_period, offset = from - way->rates_from;
	size_t i;

	if (period != 0)
		offset %= period;
	for (i = step_at(way, offset);; i = (i + 1) % way->rate_count) {
		bool last = i + 1 == way->rate_count;
		nsec_t end = !last ? way->rates[i + 1].at : period != 0 ? period : NSEC_NEVER;
		nsec_t left = end - offset, need = NSEC_NEVER;

		if (way->rates[i].rate != 0)
			need = bits * NSEC_PER_SEC / way->rates[i].rate;
		if (need <= left)
			return from + need;
		if (end == NSEC_NEVER)
			return NSEC_NEVER;
		bits -= left * way->rates[i].rate / NSEC_PER_SEC;
		from += left;
		offset = last ? 0 : end;
	}
}

static nsec_t through(const struct sim_way *way, uint64_t bits, nsec_t from)
{
	if (way->rate_count != 0)
		return through_steps(way, bits, from);
	return way->rate != 0 ? from + bits * NSEC_PER_SEC / way->rate : from;
}

/* The sum of twelve uniform numbers has the variance 1: no libm, the same everywhere. */
static nsec_t normal_delay(const struct sim_way *way, struct dice *dice)
{
	int64_t sum = -6 * 65536, delay;

	for (int i = 0; i < 3; i++) {
		uint64_t word = dice_draw(dice);

		for (int j = 0; j < 4; j++, word >>= 16)
			sum += (int64_t)(word & 0xffff);
	}
	delay = (int64_t)way->delay + (int64_t)way->jitter * sum / 65536;
	return delay > 0 ? (nsec_t)delay : 0;
}

static nsec_t drawn_delay(const struct sim_way *way, struct dice *dice)
{
	if (way->jitter == 0)
		return way->delay;
	if (way->normal)
		return normal_delay(way, dice);
	return way->delay + dice_draw(dice) % way->jitter;
}

/* sch_netem.c, netem_enqueue(): behind the last packet in the queue, then its time on the wire. */
static nsec_t netem_arrival(const struct sim_way *way, struct sim_wire *wire, uint64_t bits,
			    nsec_t now, struct dice *dice)
{
	nsec_t ready = now + drawn_delay(way, dice), at;

	if (way->rate == 0 && way->rate_count == 0)
		return ready;
	at = through(way, bits, nsec_max(wire->last_at, ready));
	if (at != NSEC_NEVER)
		wire->last_at = at;
	return at;
}

/* A wire that takes one packet after the other, and then a way that may vary. */
static nsec_t wire_arrival(const struct sim_way *way, struct sim_wire *wire, uint64_t bits,
			   nsec_t now, struct dice *dice)
{
	nsec_t at = through(way, bits, nsec_max(wire->free_at, now));

	if (at == NSEC_NEVER)
		return at;
	wire->free_at = at;
	at += drawn_delay(way, dice);
	if (!way->reorders)
		at = nsec_max(at, wire->last_at);
	wire->last_at = at;
	return at;
}

nsec_t way_wait(const struct sim_way *way, const struct sim_wire *wire, nsec_t now)
{
	if (way->netem)
		return nsec_since(now + way->delay, wire->last_at);
	return nsec_since(now, wire->free_at);
}

nsec_t way_arrival(const struct sim_way *way, struct sim_wire *wire, uint64_t bits, nsec_t now,
		   struct dice *dice)
{
	return way->netem ? netem_arrival(way, wire, bits, now, dice) :
			    wire_arrival(way, wire, bits, now, dice);
}

/* Of a trace that repeats or ends, from an offset into it. */
static double bits_of_steps(const struct sim_way *way, nsec_t offset, nsec_t length)
{
	double bits = 0;

	if (way->rates_period != 0)
		offset %= way->rates_period;
	for (size_t i = step_at(way, offset); length > 0; i = (i + 1) % way->rate_count) {
		bool last = i + 1 == way->rate_count;
		nsec_t end = !last ? way->rates[i + 1].at :
			     way->rates_period != 0 ? way->rates_period : NSEC_NEVER;
		nsec_t part = nsec_min(length, end - offset);

		bits += (double)way->rates[i].rate * (double)part / 1e9;
		length -= part;
		offset = last ? 0 : end;
	}
	return bits;
}

uint64_t sim_way_bits(const struct sim_way *way, nsec_t from, nsec_t to)
{
	if (way->rate_count != 0)
		return (uint64_t)bits_of_steps(way, from - way->rates_from, to - from);
	if (way->rate == 0)
		return UINT64_MAX;
	return (uint64_t)((double)way->rate * (double)(to - from) / 1e9);
}
