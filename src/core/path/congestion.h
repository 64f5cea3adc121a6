/*
 * congestion: how fast a path may be filled.
 *
 * The seam for controllers: one file each, one `struct congestion_ops`.  The
 * path calls it with what it sent and what became of it; the controller
 * answers when the next packet may leave.  It keeps its state in the bytes
 * that the path gives it and knows nothing else.
 */
#ifndef TTT_CORE_PATH_CONGESTION_H
#define TTT_CORE_PATH_CONGESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/path/delivery.h"

#define CONGESTION_STATE	896	/* bytes a controller may keep */

struct congestion_config {
	uint64_t rate;		/* bytes per second the user caps the link at; 0: no cap */
	uint16_t mtu;		/* bytes of the largest datagram with its headers */
};

/* What one ACK said of this path. */
struct congestion_ack {
	nsec_t now;
	uint64_t in_flight;	/* bytes still out, without what this ACK settled */
	struct delivery_sample sample;
	uint32_t marked;	/* datagrams that a router marked as CE, and that nobody had told of before */
};

struct congestion_ops {
	const char *name;
	size_t state_size;	/* at most CONGESTION_STATE; zeroed before init */
	void (*init)(void *state, const struct congestion_config *config, nsec_t now);
	/* The user's settings or the MTU changed. */
	void (*set_config)(void *state, const struct congestion_config *config, nsec_t now);
	void (*sent)(void *state, uint32_t len, uint64_t in_flight, nsec_t now);
	/* Once per ACK with news, after lost() for what it made lost. */
	void (*acked)(void *state, const struct congestion_ack *ack);
	void (*lost)(void *state, uint32_t len, nsec_t sent_at, uint64_t in_flight, nsec_t now);
	/* When a packet of len bytes may leave; <= now: at once; NSEC_NEVER: not before an ACK. */
	nsec_t (*send_at)(const void *state, uint32_t len, uint64_t in_flight, nsec_t now);
	/* A PING was answered, with a clean RTT (transit.h); calm: on a path without load.  NULL: no need. */
	void (*probed)(void *state, nsec_t rtt, bool calm, nsec_t now);
	/* After an outage a PING has been answered, with a clean RTT: what it carries now nobody knows.  NULL: no need. */
	void (*resumed)(void *state, nsec_t rtt, nsec_t now);
	/* Mean distance of round trips from their mean, without what load does to them.  NULL: unknown. */
	nsec_t (*jitter)(const void *state);
	/* Bytes per second it believes the path carries; never 0. */
	uint64_t (*rate)(const void *state);
	/* It never had enough to send to find that out, so it may be far too little.  NULL: it is known. */
	bool (*untried)(const void *state);
};

/* Paced to the user's rate, or unlimited without one: for people who know their link. */
extern const struct congestion_ops congestion_fixed;
/* Finds the rate by itself; the user's is only a cap. */
extern const struct congestion_ops congestion_steer;

#endif
