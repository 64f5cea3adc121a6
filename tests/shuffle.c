/* shuffle: see shuffle.h. */
#include "shuffle.h"

#include <string.h>

#include "tap.h"

#define HANDS	4
#define ITEMS	2048

static void run(void *ctx, hands_job *job, void *work, size_t count)
{
	struct shuffle *s = ctx;
	uint16_t order[ITEMS];

	assert_true(count <= ITEMS);
	for (size_t i = 0; i < count; i++)
		order[i] = (uint16_t)i;
	for (size_t left = count; left > 0; left--) {
		size_t at = dice_draw(&s->dice) % left, item = order[at];

		order[at] = order[left - 1];
		job(work, (unsigned)(dice_draw(&s->dice) % HANDS), item, item + 1);
	}
	s->runs++;
	s->items += count;
}

struct hands shuffle_hands(struct shuffle *s, size_t worth)
{
	return (struct hands){ run, s, HANDS, worth };
}
