/* stock: see stock.h. */
#include "core/stock.h"

#include "base/buf.h"

void stock_init(struct stock *s, size_t buffers)
{
	size_t reserve = buffers / 2 < ENGINE_BUFS_RESERVE ? buffers / 2 : ENGINE_BUFS_RESERVE;
	size_t bytes = (buffers - reserve) * sizeof(struct buf);

	*s = (struct stock){ .max = bytes < ENGINE_STOCK ? bytes : ENGINE_STOCK };
}

void stock_note(struct stock *s, unsigned peer, size_t bytes)
{
	s->used += bytes - s->by[peer];
	s->by[peer] = bytes;
}

bool stock_is_over(const struct stock *s)
{
	return s->used > s->max;
}

unsigned stock_largest(const struct stock *s)
{
	unsigned largest = 0;

	for (unsigned i = 1; i < ENGINE_PEERS; i++)
		if (s->by[i] > s->by[largest])
			largest = i;
	return largest;
}
