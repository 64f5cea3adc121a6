/*
 * pair: two engines and the links between them, in virtual time.
 *
 * One end sends inner packets to the other as fast as the links carry them; what
 * comes back is ACKs.  All happens in turns, as in the worker's loop: what the
 * network brought goes into an engine, then what the TUN did, then everything
 * is taken out of it.  Only these calls are timed; filling buffers, as system
 * calls would, is not.
 */
#ifndef TTT_BENCH_PAIR_H
#define TTT_BENCH_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct aead_ops;
struct crew;

#define PAIR_PACKET	1400	/* bytes of an inner packet, at most, */
#define PAIR_SMALLEST	56	/* and at least */
#define PAIR_LINKS	4
#define PAIR_BATCH	64	/* packets of a turn, as a busy worker has them */

struct pair_options {
	unsigned links;		/* 1..PAIR_LINKS */
	uint64_t rate;		/* bits per second, all links together */
	nsec_t rtt;		/* of the first link; each further one takes half of it more */
	uint32_t loss_ppm;	/* of each link, each way */
	unsigned flows;		/* inner ones, at least 1 */
	size_t size;		/* bytes of their packets, PAIR_SMALLEST..PAIR_PACKET */
	bool alone;		/* each in a datagram of its own */
	bool down;		/* the server sends, else the client */
	const char *strategy;
	const struct aead_ops *cipher;
	struct crew *crew;	/* helps both ends; NULL: nobody does */
	unsigned threads;	/* of the crew */
};

struct pair_result {
	uint64_t packets;	/* inner ones that came out */
	uint64_t acks;		/* datagrams that went the other way */
	double sender, receiver;	/* nanoseconds of CPU time in each engine, per packet */
	double sender_wall, receiver_wall;	/* and as a clock on the wall has it */
	uint64_t allocations;
	uint64_t wrong;		/* inner packets that came out of order, or not whole */
	uint64_t missing;	/* that did not: the sender's queue stood too long for their flow (RFC 8290), or they were given up */
};

struct pair;

/* Engines whose session is up, and whose paths are filled; NULL: memory, or it did not come up. */
struct pair *pair_new(const struct pair_options *options);
void pair_free(struct pair *p);
/* Until so many inner packets came out. */
struct pair_result pair_run(struct pair *p, uint64_t packets);
/* Thousandths of all datagrams that a link carried, since the start. */
unsigned pair_share(const struct pair *p, unsigned link);

#endif
