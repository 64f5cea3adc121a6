/* replay: see replay.h. */
#include "core/crypto/replay.h"

static uint64_t *word_of(struct replay *r, uint64_t number)
{
	return &r->word[number / 64 % REPLAY_WORDS];
}

bool replay_check(const struct replay *r, uint64_t number)
{
	if (number >= r->next)
		return true;
	if (r->next - 1 - number >= REPLAY_WINDOW)
		return false;
	return !(r->word[number / 64 % REPLAY_WORDS] >> number % 64 & 1);
}

/* Empty the words that the ring is about to use anew. */
static void move_to(struct replay *r, uint64_t number)
{
	uint64_t from = r->next == 0 ? 0 : (r->next - 1) / 64 + 1;
	uint64_t to = number / 64;

	if (to >= from && to - from >= REPLAY_WORDS)
		from = to - REPLAY_WORDS + 1;
	for (uint64_t w = from; w <= to; w++)
		r->word[w % REPLAY_WORDS] = 0;
	r->next = number + 1;
}

void replay_accept(struct replay *r, uint64_t number)
{
	if (number >= r->next)
		move_to(r, number);
	*word_of(r, number) |= UINT64_C(1) << number % 64;
}
