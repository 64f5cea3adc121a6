/*
 * segment: a TCP segment in its IPv4 packet, as bytes and as numbers.
 *
 * Whole packets with good checksums, so that whatever looks into them finds
 * what Linux would have written.  The payload is zeros.
 */
#ifndef TTT_SIM_SEGMENT_H
#define TTT_SIM_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_BLOCKS	4
#define SEGMENT_MAX	2048

struct segment_block {
	uint32_t from, to;	/* to: the first byte behind it */
};

struct segment {
	uint8_t src[4], dst[4];
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	bool syn, has_ack;
	uint16_t window;	/* as on the wire: scaled by what the SYN said */
	bool has_times;
	uint32_t time, echo;
	struct segment_block block[SEGMENT_BLOCKS];
	unsigned blocks;	/* at most 3 beside times */
	size_t payload;
};

#define SEGMENT_SCALE	7	/* of the window, both ways */

/* Returns the packet's length. */
size_t segment_write(const struct segment *seg, uint8_t ret[SEGMENT_MAX]);
/* False: not an IPv4 packet with TCP in it. */
bool segment_read(const uint8_t *packet, size_t len, struct segment *ret);

/* The ones' complement sum of RFC 1071 over len bytes, added to sum. */
uint32_t checksum_add(uint32_t sum, const uint8_t *p, size_t len);
uint16_t checksum_fold(uint32_t sum);

/* A 20-byte IPv4 header with its checksum; len is of the whole packet. */
void ipv4_header(uint8_t *p, size_t len, uint8_t protocol, const uint8_t src[4],
		 const uint8_t dst[4]);
/* Its DSCP, and the checksum again. */
void ipv4_mark(uint8_t *p, uint8_t dscp);

#endif
