/* skips: what will not come is told in few ranges, and again only if it must be. */
#include "core/flow/skips.h"

#include "core/flow/lane.h"
#include "tap.h"

static struct skips skips;
static struct skips_range range[SKIPS_RANGES];
static uint16_t batch;

static int begin(void **state)
{
	(void)state;
	skips = (struct skips){ 0 };
	return 0;
}

static void lanes_that_take_turns_are_a_range_each(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		skips_add(&skips, 7, 50 + i);
		skips_add(&skips, 9, (LANE_SEQ_MASK - 3 + i) & LANE_SEQ_MASK);
		skips_add(&skips, 9, (LANE_SEQ_MASK - 3 + i) & LANE_SEQ_MASK);	/* another piece of it */
	}
	assert_int_equal(skips_tell(&skips, range, 8, &batch), 2);
	assert_int_equal(range[0].lane, 7);
	assert_int_equal(range[0].seq, 50);
	assert_int_equal(range[0].count, 200);
	assert_int_equal(range[1].seq, LANE_SEQ_MASK - 3);
	assert_int_equal(range[1].count, 200);
	assert_int_equal(skips.untold, 0);
}

/* A backlog is given up from its end: 3000 ranges of one number each would not even find room here. */
static void what_is_given_up_backwards_is_a_range_too(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		skips_add(&skips, 7, (1000 - i) & LANE_SEQ_MASK);
		skips_add(&skips, 7, (1000 - i) & LANE_SEQ_MASK);	/* another piece of it */
	}
	assert_int_equal(skips_tell(&skips, range, 8, &batch), 3);
	assert_int_equal(range[0].seq, (1000 - SKIPS_RANGE_MAX + 1) & LANE_SEQ_MASK);
	assert_int_equal(range[0].count, SKIPS_RANGE_MAX);
	assert_int_equal(range[2].seq, (1000 - 2999) & LANE_SEQ_MASK);
	assert_int_equal(range[2].count, 3000 - 2 * SKIPS_RANGE_MAX);
	assert_int_equal(skips.untold, 0);
}

static void what_was_told_begins_no_longer_range(void **state)
{
	(void)state;
	skips_add(&skips, 7, 1);
	skips_tell(&skips, range, 8, &batch);
	skips_add(&skips, 7, 2);
	assert_int_equal(skips_tell(&skips, range, 8, &batch), 1);
	assert_int_equal(range[0].seq, 2);
	assert_int_equal(range[0].count, 1);
}

static void only_the_batch_that_was_lost_is_told_again(void **state)
{
	uint16_t first;

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		skips_add(&skips, 7, 10 * i);
	assert_int_equal(skips_tell(&skips, range, 4, &first), 4);
	assert_int_equal(skips_tell(&skips, range, 4, &batch), 2);
	assert_int_not_equal(first, batch);
	skips_repeat(&skips, batch);
	skips_repeat(&skips, 0);
	assert_int_equal(skips.untold, 2);
	assert_int_equal(skips_tell(&skips, range, 4, &batch), 2);
	assert_int_equal(range[0].seq, 40);
	skips_repeat(&skips, first);
	assert_int_equal(skips_tell(&skips, range, 8, &batch), 4);
	assert_int_equal(range[0].seq, 0);
}

static void the_oldest_gives_way(void **state)
{
	(void)state;
	for (uint32_t i = 0; i <= SKIPS_RANGES; i++)
		skips_add(&skips, 7, 2 * i);
	assert_int_equal(skips.untold, SKIPS_RANGES);
	assert_int_equal(skips_tell(&skips, range, SKIPS_RANGES, &batch), SKIPS_RANGES);
	assert_int_equal(range[0].seq, 2);
	assert_int_equal(range[SKIPS_RANGES - 1].seq, 2 * SKIPS_RANGES);
	/* batches' numbers begin anew, and none is 0 */
	for (unsigned i = 0; i < 2 * SKIPS_BATCHES; i++) {
		skips_add(&skips, 7, 2 * i);
		skips_tell(&skips, range, 1, &batch);
		assert_in_range(batch, 1, SKIPS_BATCHES - 1);
	}
}

#define CASE(sentence, function) { .name = (sentence), .test_func = (function), .setup_func = begin }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("lanes that take turns are a range each", lanes_that_take_turns_are_a_range_each),
		CASE("what is given up backwards is a range, too", what_is_given_up_backwards_is_a_range_too),
		CASE("what was told begins no longer range", what_was_told_begins_no_longer_range),
		CASE("only the batch that was lost is told again", only_the_batch_that_was_lost_is_told_again),
		CASE("the oldest gives way", the_oldest_gives_way),
	};

	return RUN_TESTS(tests);
}
