/*
 * frame: what is inside a sealed datagram: one frame after another.
 *
 *   DATA           1C0FSRUL  lane‖seq (4)  [length (2)]  [fragment (1)]  [tag (2)]  inner packet, or a piece of it
 *                  L: a length follows; without it the packet is the rest
 *                  U: unordered   R: the sender does not repair it
 *                  S: TCP's or UDP's checksum is still to be made (base/ip.h)
 *                  F: only a piece (flow/piece.h): its last bit ‖ where it begins, in units of 16
 *                  C: its header is to be remembered (flow/contexts.h): slot (1)  generation (1)
 *   SHORT          1C10SRUL  seq's low bits (2)  tag (2)  [length (2)]  [tag to remember it by (2)]
 *                  shorthand (flow/shorthand.h)  payload
 *   PADDING        00        nothing
 *   PING           01        token (8)
 *   PONG           02        token (8)  clock (3)
 *   ACK            03        path (1)  largest (3)  delay (2)  clock (3)  count (1)  first (2)
 *                            then count times: gap (2)  run (2)
 *   ACK_ECN        0d        the same, then what came as ECT(0), as ECT(1) and as CE (3 each)
 *   PATH_CHALLENGE, PATH_RESPONSE  04, 05    token (8)
 *   PATH_STATUS    06        path (1)  state (1)  priority (1)  tier (1)  flags (1)  weight (2)
 *                            max latency ms (4)  max loss ppm (4)  rate (8)  mtu (2)  serial (1)
 *   TICKET         07        ticket (16)
 *   CONFIG         08        serial (1)  copies ppm (4)  length (1)  strategy's name
 *   CLOSE          09        reason (1)
 *   REKEY          0a        nothing: the server asks for new keys
 *   SKIP           0b        lane‖seq (4)  count - 1 (2)
 *   MTU_PROBE      0c        nothing: padding follows
 *
 * Numbers are little-endian.  lane‖seq: the lane in the upper 10 bits, its
 * sequence number in the lower 22.  An ACK's first run ends at `largest` and
 * has first + 1 packets; each further run lies gap + 1 unacknowledged packets
 * below and has run + 1 packets.  The delay is in units of 8 microseconds.
 * A serial tells older news from newer ones: it grows, modulo 256, with each change.
 */
#ifndef TTT_CORE_FRAME_H
#define TTT_CORE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/ecn.h"
#include "core/flow/piece.h"

enum frame_type {
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_PONG = 0x02,
	FRAME_ACK = 0x03,
	FRAME_PATH_CHALLENGE = 0x04,
	FRAME_PATH_RESPONSE = 0x05,
	FRAME_PATH_STATUS = 0x06,
	FRAME_TICKET = 0x07,
	FRAME_CONFIG = 0x08,
	FRAME_CLOSE = 0x09,
	FRAME_REKEY = 0x0a,
	FRAME_SKIP = 0x0b,
	FRAME_MTU_PROBE = 0x0c,
	FRAME_ACK_ECN = 0x0d,	/* read as an ACK with counts */
	FRAME_DATA = 0x80,
};

#define FRAME_DATA_LEN		0x01
#define FRAME_DATA_UNORDERED	0x02
#define FRAME_DATA_NOREPAIR	0x04
#define FRAME_DATA_NEEDS_CHECKSUM 0x08
#define FRAME_DATA_FRAGMENT	0x10
#define FRAME_DATA_SHORT	0x20
#define FRAME_DATA_OFFER	0x40
#define FRAME_DATA_FLAGS	0x7f

#define FRAME_DATA_HEADER	5	/* of a whole packet that ends the datagram */
#define FRAME_PIECE_HEADER	6	/* of a piece that does */
#define FRAME_AMONG_HEADER	7	/* of a whole packet that others follow */
#define FRAME_SHORT_HEADER	5	/* of a packet in shorthand that does */
#define FRAME_OFFER		2	/* more where it offers its header */
#define FRAME_ACK_RUNS		32	/* runs in an ACK, the first one included */
#define FRAME_ACK_COUNTS	9	/* bytes of counts at its end */
#define FRAME_ACK_HEADER	13	/* bytes of an ACK with one run */
#define FRAME_ACK_MAX		(FRAME_ACK_HEADER + 4 * (FRAME_ACK_RUNS - 1) + FRAME_ACK_COUNTS)
#define FRAME_TOKEN		9	/* bytes of PING, PATH_CHALLENGE, PATH_RESPONSE */
#define FRAME_PONG_BYTES	(FRAME_TOKEN + 3)
#define FRAME_PATH_STATUS_BYTES	27
#define FRAME_PATH_METERED	0x01	/* of its flags; the interface is above it */
#define FRAME_SKIP_BYTES	7
#define FRAME_SKIP_MAX		1024	/* numbers in a SKIP */
#define FRAME_TICKET_BYTES	16
#define FRAME_NAME_MAX		31
#define FRAME_CONFIG_MAX	(7 + FRAME_NAME_MAX)
#define FRAME_ACK_DELAY_UNIT	(8 * NSEC_PER_USEC)

/* A run of packet numbers, both ends included. */
struct frame_run {
	uint64_t first, last;
};

/* When a datagram came that is answered. */
struct frame_came {
	nsec_t delay;		/* so long before the answer */
	uint32_t clock;		/* by the clock of who answers: see transit.h */
};

/* On the wire `largest` has 24 bits; here a writer gives whole numbers, a reader gets low bits. */
struct frame_ack {
	uint8_t path;
	struct frame_came came;	/* the largest */
	uint32_t largest_low;	/* read: the caller expands it, then calls frame_ack_runs */
	const uint8_t *runs;	/* read: their bytes, checked */
	uint8_t count;		/* read: runs, the first one included */
	bool has_counts;	/* read: */
	struct ecn_counts counts;	/* their lower 24 bits */
};

/* Numbers of a lane that the sender gave up. */
struct frame_skip {
	uint16_t lane;
	uint32_t seq;
	uint32_t count;		/* 1..FRAME_SKIP_MAX */
};

enum frame_path_state { FRAME_PATH_GONE = 0, FRAME_PATH_AVAILABLE = 1 };

struct frame_path_status {
	uint8_t path;
	uint8_t state;		/* enum frame_path_state */
	uint8_t priority;
	uint8_t tier;		/* 0..3, as enum engine_tier */
	bool metered;
	uint8_t interface;	/* 0..16: of those with the same, but 0, one is used */
	uint16_t weight;	/* 1..1000 */
	uint32_t max_latency_ms;
	uint32_t max_loss_ppm;	/* 0..1000000 */
	uint64_t rate;		/* bytes per second; 0: no limit */
	uint16_t mtu;		/* of the sender's link; 0: not said */
	uint8_t serial;
};

struct frame_config {
	uint8_t serial;
	uint32_t copies_ppm;	/* 0..1000000: of all bytes, that copies may take */
	char strategy[FRAME_NAME_MAX + 1];
};

/* What came with the serial a is no older than what came with b. */
static inline bool frame_serial_is_news(uint8_t a, uint8_t b)
{
	return (uint8_t)(a - b) < 128;
}

struct frame_data {
	struct piece piece;	/* of one in shorthand: of its place only the number's low 16 bits */
	bool no_repair;
	uint16_t by;		/* it is in shorthand, by the context of this tag; 0: it is not */
	const uint8_t *packet;	/* inside the datagram; in shorthand: that, and the payload */
	size_t len;
	bool last;		/* it had no length: the datagram ends with it */
};

/* Answers a PING that has just come. */
struct frame_pong {
	uint8_t token[8];
	uint32_t clock;		/* as in struct frame_came */
};

struct frame {
	enum frame_type type;	/* FRAME_DATA for every DATA frame */
	union {
		struct frame_data data;
		struct frame_ack ack;
		struct frame_path_status path_status;
		struct frame_skip skip;
		struct frame_pong pong;
		uint8_t token[8];
		uint8_t ticket[FRAME_TICKET_BYTES];
		struct frame_config config;
		uint8_t reason;
	};
};

/*
 * Read the frame at the front of `at`.  Gives the bytes it takes, or 0 when it
 * is cut short, unknown, or out of range: then the whole datagram is malformed.
 * Padding is skipped as one frame.
 */
size_t frame_read(const uint8_t *at, size_t len, struct frame *ret);

/* Fill ret[FRAME_ACK_RUNS] from a read ACK whose largest number is known; gives how many.
 * Runs that would reach below zero are left out. */
size_t frame_ack_runs(const struct frame_ack *ack, uint64_t largest, struct frame_run *ret);

/* Writers: append at `at`, which has room, and give the bytes written. */
size_t frame_write_token(uint8_t *at, enum frame_type type, const uint8_t token[8]);
size_t frame_write_pong(uint8_t *at, const struct frame_pong *pong);
/* runs: newest first, 1..FRAME_ACK_RUNS of them; counts: NULL when nothing came with ECN. */
size_t frame_write_ack(uint8_t *at, uint8_t path, const struct frame_came *came, const struct frame_run *runs,
		       size_t count, const struct ecn_counts *counts);
size_t frame_write_path_status(uint8_t *at, const struct frame_path_status *status);
size_t frame_write_ticket(uint8_t *at, const uint8_t ticket[FRAME_TICKET_BYTES]);
size_t frame_write_config(uint8_t *at, const struct frame_config *config);
size_t frame_write_close(uint8_t *at, uint8_t reason);
size_t frame_write_rekey(uint8_t *at);
size_t frame_write_skip(uint8_t *at, const struct frame_skip *skip);
/* len bytes, at least 1: padding and all. */
size_t frame_write_mtu_probe(uint8_t *at, size_t len);
/* The bytes in front of an inner packet, or a piece of one, that ends the datagram. */
size_t frame_data_header(const struct piece *piece);
void frame_write_data_header(uint8_t *at, const struct piece *piece, bool no_repair);
/* The same in front of a whole packet of len bytes that others follow: FRAME_AMONG_HEADER. */
void frame_write_data_among(uint8_t *at, const struct piece *piece, bool no_repair, size_t len);
/* The same in front of the shorthand of a whole one, by the context of a tag. */
size_t frame_short_header(const struct piece *piece);
void frame_write_short_header(uint8_t *at, const struct piece *piece, uint16_t by, bool no_repair);

#endif
