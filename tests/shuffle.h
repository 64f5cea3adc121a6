/*
 * shuffle: hands without threads, that do each item by itself, in any order, each
 * with a hand of its own choice: who depends on an order, or on who does it, fails.
 */
#ifndef TTT_TESTS_SHUFFLE_H
#define TTT_TESTS_SHUFFLE_H

#include "base/hands.h"
#include "sim/dice.h"

struct shuffle {
	struct dice dice;
	unsigned long runs, items;	/* that were asked for */
};

/* s stays valid as long as the hands; all zero but for dice_sow'n dice. */
struct hands shuffle_hands(struct shuffle *s, size_t worth);

#endif
