/* shelf: see shelf.h. */
#include "core/flow/shelf.h"

#include <stdlib.h>

#include "core/flow/bitring.h"
#include "core/flow/lane.h"

#define SIZE_MIN	64

/* One piece of memory: the places, and two bits for each. */
struct shelf_places {
	uint64_t *there, *lead;
	struct buf *packet[];
};

uint32_t shelf_size_for(const struct shelf *s, uint32_t numbers)
{
	uint32_t size = s->size != 0 ? s->size : SIZE_MIN;

	while (size < numbers)
		size *= 2;
	return size;
}

size_t shelf_bytes(uint32_t size)
{
	return size != 0 ? sizeof(struct shelf_places) + size * sizeof(struct buf *) + 2 * size / 8 : 0;
}

static struct shelf_places *places_new(uint32_t size)
{
	struct shelf_places *p = calloc(1, shelf_bytes(size));

	if (p == NULL)
		return NULL;
	p->there = (uint64_t *)&p->packet[size];
	p->lead = p->there + size / 64;
	return p;
}

bool shelf_grow(struct shelf *s, uint32_t size, uint32_t first)
{
	struct shelf bigger = *s;

	if (size == s->size)
		return true;
	bigger.places = places_new(size);
	bigger.size = size;
	if (bigger.places == NULL)
		return false;
	for (uint32_t i = shelf_find(s, first, s->size); i < s->size;
	     i += 1 + shelf_find(s, first + i + 1, s->size - i - 1)) {
		uint32_t seq = first + i;

		bigger.places->packet[seq % size] = s->places->packet[seq % s->size];
		bitring_put(bigger.places->there, size, seq, true);
		bitring_put(bigger.places->lead, size, seq, bitring_get(s->places->lead, s->size, seq));
	}
	free(s->places);
	*s = bigger;
	return true;
}

void shelf_drop(struct shelf *s)
{
	free(s->places);
	*s = (struct shelf){ 0 };
}

void shelf_put(struct shelf *s, uint32_t seq, struct buf *packet)
{
	if (s->count == 0 || lane_seq_diff(seq, s->highest) > 0) {
		s->highest = seq;
		bitring_put(s->places->lead, s->size, seq, true);
	}
	s->places->packet[seq % s->size] = packet;
	bitring_put(s->places->there, s->size, seq, true);
	s->count++;
}

struct buf *shelf_look(const struct shelf *s, uint32_t seq)
{
	return s->places->packet[seq % s->size];
}

struct buf *shelf_take(struct shelf *s, uint32_t seq)
{
	bitring_put(s->places->there, s->size, seq, false);
	bitring_put(s->places->lead, s->size, seq, false);
	s->count--;
	return shelf_look(s, seq);
}

uint32_t shelf_find(const struct shelf *s, uint32_t from, uint32_t count)
{
	return s->count > 0 ? bitring_find(s->places->there, s->size, from, count, true) : count;
}

uint32_t shelf_first_lead(const struct shelf *s, uint32_t from)
{
	return (from + bitring_find(s->places->lead, s->size, from, s->size, true)) & LANE_SEQ_MASK;
}
