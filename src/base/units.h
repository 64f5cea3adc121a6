/*
 * units: time and sets, as every module counts them.
 *
 * Time is a nsec_t, nanoseconds on a clock that goes on in suspend
 * (CLOCK_BOOTTIME); who reads the clock is not this layer's matter.
 */
#ifndef TTT_BASE_UNITS_H
#define TTT_BASE_UNITS_H

#include <stdint.h>

typedef uint64_t nsec_t;

#define NSEC_PER_USEC	((nsec_t)1000)
#define NSEC_PER_MSEC	((nsec_t)1000000)
#define NSEC_PER_SEC	((nsec_t)1000000000)
#define NSEC_NEVER	UINT64_MAX	/* later than everything */

#define MSEC(n)	((nsec_t)(n) * NSEC_PER_MSEC)
#define SEC(n)	((nsec_t)(n) * NSEC_PER_SEC)

static inline nsec_t nsec_min(nsec_t a, nsec_t b) { return a < b ? a : b; }
static inline nsec_t nsec_max(nsec_t a, nsec_t b) { return a > b ? a : b; }

static inline nsec_t nsec_clamp(nsec_t value, nsec_t low, nsec_t high)
{
	return nsec_min(nsec_max(value, low), high);
}

/* How long ago `then` was; 0 when it is still to come. */
static inline nsec_t nsec_since(nsec_t then, nsec_t now)
{
	return now > then ? now - then : 0;
}

/* Paths of one peer, one bit each; a peer has at most PATHS_MAX. */
typedef uint16_t path_set;

#define PATHS_MAX	16
#define PATH_BIT(id)	((path_set)(1u << (id)))

/* A walk over a set that is not empty: its lowest id, and what is left without it. */
static inline unsigned path_first(path_set set) { return (unsigned)__builtin_ctz(set); }
static inline path_set path_rest(path_set set) { return set & (path_set)(set - 1); }

static inline unsigned path_count(path_set set)
{
	unsigned n = 0;

	for (; set != 0; set = path_rest(set))
		n++;
	return n;
}

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif
