/*
 * piece: which part of which numbered inner packet is meant.
 *
 * A packet that is larger than a path carries travels in pieces, cut anew for
 * each path that takes it: what was lost on one may go out on another in
 * smaller pieces.  So a piece says where it begins, in units of PIECE_UNIT
 * bytes, and may be cut again; all but a packet's last are whole units long.
 *
 *   packet   |0      |16     |32     |48     |64  |    68 bytes
 *   pieces   |<------ 0, 48 -------->|<- 48, 20 ->|    the second is the last
 */
#ifndef TTT_CORE_FLOW_PIECE_H
#define TTT_CORE_FLOW_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECE_UNIT	16
#define PIECE_UNITS	124	/* of the largest packet */
#define PIECE_END_MAX	(PIECE_UNIT * PIECE_UNITS)	/* bytes: where a packet ends at most */

struct piece {
	uint16_t lane;
	uint32_t seq;
	bool unordered;
	bool needs_checksum;	/* of a whole packet: buf's */
	uint16_t offers;	/* of a whole packet: the tag (contexts.h) under which to remember its header; 0: none */
	bool partial;		/* not the whole packet: */
	bool last;		/* the packet ends with it */
	uint16_t offset;	/* where it begins, in bytes; a multiple of PIECE_UNIT */
};

/*
 * The length of the first of the pieces that `len` bytes are cut into when each
 * has at most `room`: as few as possible, about equally long.  0: no room for a unit.
 */
size_t piece_cut(size_t len, size_t room);
/* The piece of `of` that begins `at` bytes into it; end: it reaches to the end of `of`. */
struct piece piece_of(const struct piece *of, size_t at, bool end);

#endif
