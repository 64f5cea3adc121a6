/*
 * item: the parts of an argument: lists, items with a name, quantities with a unit.
 */
#ifndef TTT_SIM_TOOL_ITEM_H
#define TTT_SIM_TOOL_ITEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "config/quantity.h"
#include "sim/tool/complaint.h"

#define ITEM_MAX	24	/* items of one argument */
#define ITEM_TEXT	512	/* bytes of one argument with its NUL, a path among its items included */

/* Nanoseconds: us, ms, s. */
extern const struct quantity_unit item_times[];

/*
 * Cut text in place at any of the separators and trim what is between them;
 * returns how many there are, more than ITEM_MAX: too many, ret has the first.
 */
size_t item_cut(char *text, const char *separators, char *ret[ITEM_MAX]);
/* What stands behind the name and a space or `=`, or NULL: another item. */
char *item_value(char *item, const char *name);

/* A quantity in its range; the complaint names `what` and a right one. */
bool item_quantity(const char *text, const struct quantity_unit *unit, uint64_t min, uint64_t max,
		   const char *what, const char *example, uint64_t *ret, struct complaint *c);
/* A whole number, without a unit. */
bool item_number(const char *text, uint64_t min, uint64_t max, const char *what, uint64_t *ret,
		 struct complaint *c);
/* A time from the beginning, up to a day. */
bool item_time(const char *text, const char *what, nsec_t *ret, struct complaint *c);

#endif
