/*
 * replay: which packet numbers have been seen (RFC 6479).
 *
 * A ring of bits that moves up in whole words; numbers within REPLAY_WINDOW of
 * the highest are told apart, older ones count as seen.  All zero is empty.
 */
#ifndef TTT_CORE_CRYPTO_REPLAY_H
#define TTT_CORE_CRYPTO_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WORDS	256				/* a power of two */
#define REPLAY_WINDOW	((REPLAY_WORDS - 1) * 64)	/* 16320 numbers */

struct replay {
	uint64_t next;			/* the highest number accepted, plus one */
	uint64_t word[REPLAY_WORDS];
};

/* Whether a number is new; ask before opening a packet, */
bool replay_check(const struct replay *r, uint64_t number);
/* and take it after, when it proved authentic. */
void replay_accept(struct replay *r, uint64_t number);

#endif
