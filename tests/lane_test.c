/* lane: slots and numbers that go round. */
#include "core/flow/lane.h"
#include "tap.h"

static void numbers_of_a_lane_go_up_by_one_and_round(void **state)
{
	static struct lane_table t;

	(void)state;
	assert_int_equal(lane_take(&t, 5), 0);
	assert_int_equal(lane_take(&t, 5), 1);
	assert_int_equal(lane_take(&t, LANES - 1), 0);
	t.next[5] = LANE_SEQ_MASK;
	assert_int_equal(lane_take(&t, 5), LANE_SEQ_MASK);
	assert_int_equal(lane_take(&t, 5), 0);
}

static void every_hash_has_a_lane(void **state)
{
	(void)state;
	assert_int_equal(lane_of(0), 0);
	assert_in_range(lane_of(UINT32_MAX), 0, LANES - 1);
	assert_int_not_equal(lane_of(1), lane_of(2));
}

static void differences_are_taken_on_the_circle(void **state)
{
	static const struct { uint32_t a, b; int32_t diff; } row[] = {
		{ 0, 0, 0 }, { 1, 0, 1 }, { 0, 1, -1 },
		{ 0, LANE_SEQ_MASK, 1 }, { LANE_SEQ_MASK, 0, -1 },
		{ (1u << 21) - 1, 0, (1 << 21) - 1 },
		{ 1u << 21, 0, -(1 << 21) },
		{ (1u << 21) + 1, 0, -(1 << 21) + 1 },
		{ 3, LANE_SEQ_MASK - 3, 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(lane_seq_diff(row[i].a, row[i].b), row[i].diff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("numbers of a lane go up by one, and round", numbers_of_a_lane_go_up_by_one_and_round),
		TEST("every hash has a lane", every_hash_has_a_lane),
		TEST("differences are taken on the circle", differences_are_taken_on_the_circle),
	};

	return RUN_TESTS(tests);
}
