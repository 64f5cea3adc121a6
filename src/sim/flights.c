/* flights: see flights.h. */
#include "sim/flights.h"

#include <stdlib.h>

#include "sim/must.h"

static bool before(const struct flight *a, const struct flight *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void make_room(struct flights *all)
{
	if (all->count < all->room)
		return;
	all->room = all->room != 0 ? 2 * all->room : 1024;
	all->heap = realloc(all->heap, all->room * sizeof(*all->heap));
	must_have(all->heap);
}

void flights_push(struct flights *all, struct flight f)
{
	size_t i;

	make_room(all);
	i = all->count++;
	f.order = all->order++;
	while (i > 0 && before(&f, &all->heap[(i - 1) / 2])) {
		all->heap[i] = all->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	all->heap[i] = f;
}

struct flight flights_pop(struct flights *all)
{
	struct flight top = all->heap[0], last = all->heap[--all->count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= all->count)
			break;
		if (child + 1 < all->count && before(&all->heap[child + 1], &all->heap[child]))
			child++;
		if (!before(&all->heap[child], &last))
			break;
		all->heap[i] = all->heap[child];
		i = child;
	}
	all->heap[i] = last;
	return top;
}

nsec_t flights_next_at(const struct flights *all)
{
	return all->count > 0 ? all->heap[0].at : NSEC_NEVER;
}

void flights_done(struct flights *all)
{
	while (all->count > 0)
		free(flights_pop(all).datagram);
	free(all->heap);
	*all = (struct flights){ 0 };
}
