/*
 * rarely: what others can make happen as often as they like is said now and then
 * only, with how often it was not said.  All zero: it never happened.
 */
#ifndef TTT_BASE_RARELY_H
#define TTT_BASE_RARELY_H

#include <stdbool.h>

#include "base/units.h"

struct rarely {
	nsec_t said_at;		/* 0: never */
	unsigned unsaid;	/* how often it happened since then; says no more than UINT_MAX */
};

/* It happens: true when it was not said for `every`; *ret_unsaid is how often it happened meanwhile. */
bool rarely_say(struct rarely *r, nsec_t every, nsec_t now, unsigned *ret_unsaid);

#endif
