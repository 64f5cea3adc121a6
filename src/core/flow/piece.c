/* piece: see piece.h. */
#include "core/flow/piece.h"

size_t piece_cut(size_t len, size_t room)
{
	size_t most = room / PIECE_UNIT * PIECE_UNIT, count, each;

	if (len <= room)
		return len;
	if (most == 0)
		return 0;
	count = (len + most - 1) / most;
	each = (len + count - 1) / count;
	return (each + PIECE_UNIT - 1) / PIECE_UNIT * PIECE_UNIT;
}

struct piece piece_of(const struct piece *of, size_t at, bool end)
{
	struct piece piece = *of;

	piece.last = end && (!of->partial || of->last);
	piece.partial = true;
	piece.offers = 0;
	piece.offset = (uint16_t)(of->offset + at);
	return piece;
}
