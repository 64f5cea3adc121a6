/*
 * quantity: a number with a unit, as people write it: 20mbit, 1.5GB, 3%, 150ms.
 */
#ifndef TTT_CONFIG_QUANTITY_H
#define TTT_CONFIG_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#define QUANTITY_TEXT	32	/* bytes of a printed one, with its NUL */

struct quantity_unit {
	const char *name;	/* read in upper and lower case alike */
	uint64_t factor;
};

/* The largest unit first, ended by a row without a name; the last one's factor is what is exact. */
extern const struct quantity_unit quantity_times[];	/* milliseconds: ms, s */
extern const struct quantity_unit quantity_rates[];	/* bits per second: bit, kbit, mbit, gbit */
extern const struct quantity_unit quantity_sizes[];	/* bytes: B, kB … TB, KiB … TiB */
extern const struct quantity_unit quantity_shares[];	/* parts per million: % */

/*
 * Digits, at most six more behind a point, a unit that is never left out; a
 * space may part them.  False, *ret untouched: it is none, or does not fit.
 */
bool quantity_parse(const char *text, const struct quantity_unit *unit, uint64_t *ret);
/* In the largest unit that says it exactly: what quantity_parse reads back. */
const char *quantity_print(uint64_t value, const struct quantity_unit *unit, char buf[QUANTITY_TEXT]);

#endif
