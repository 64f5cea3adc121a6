/* eligible: which paths may carry data, by tier and limits. */
#include "core/eligible.h"

#include <string.h>

#include "tap.h"

enum { LOST = 0, WORKS = 1, DOUBTED = 2, FIT = 4, GOOD = WORKS | FIT };

static struct eligible_path is(int how, enum engine_tier tier, nsec_t cost)
{
	return (struct eligible_path){
		.health = how & WORKS ? ELIGIBLE_WORKS : how & DOUBTED ? ELIGIBLE_DOUBTED : ELIGIBLE_LOST,
		.fit = how & FIT, .tier = tier, .cost = cost,
	};
}

static struct eligible find(const struct eligible_path *of, size_t count, path_set now)
{
	const struct eligible before = { .now = now };
	struct eligible_path path[PATHS_MAX] = { 0 };

	memcpy(path, of, count * sizeof(*of));
	return eligible_find(path, &before);
}

static void each_tier_has_its_turn(void **state)
{
	struct eligible_path path[] = {
		is(GOOD, ENGINE_TIER_NEVER, 1), is(GOOD, ENGINE_TIER_BACKUP, 1),
		is(GOOD, ENGINE_TIER_OVERFLOW, 1), is(GOOD, ENGINE_TIER_PRIMARY, 1),
		is(GOOD, ENGINE_TIER_PRIMARY, 1), is(GOOD, ENGINE_TIER_OVERFLOW, 1),
	};
	struct eligible e;

	(void)state;
	e = find(path, 6, 0);
	assert_int_equal(e.now, PATH_BIT(3) | PATH_BIT(4));
	assert_int_equal(e.overflow, PATH_BIT(2) | PATH_BIT(5));
	path[3].health = ELIGIBLE_LOST;
	e = find(path, 6, 0);
	assert_int_equal(e.now, PATH_BIT(4));
	path[4].fit = false;
	e = find(path, 6, 0);
	assert_int_equal(e.now, PATH_BIT(2) | PATH_BIT(5));
	assert_int_equal(e.overflow, 0);
	path[2].health = ELIGIBLE_LOST;
	path[5].fit = false;
	e = find(path, 6, 0);
	assert_int_equal(e.now, PATH_BIT(1));
	path[1].health = path[4].health = path[5].health = ELIGIBLE_LOST;
	e = find(path, 6, 0);
	assert_int_equal(e.now, 0);
}

static void the_least_bad_is_used_when_all_break_a_limit(void **state)
{
	const struct eligible_path path[] = {
		is(WORKS, ENGINE_TIER_PRIMARY, MSEC(401)), is(WORKS, ENGINE_TIER_PRIMARY, MSEC(300)),
		is(WORKS, ENGINE_TIER_BACKUP, MSEC(350)), is(WORKS, ENGINE_TIER_NEVER, MSEC(1)),
	};

	(void)state;
	assert_int_equal(find(path, 4, 0).now, PATH_BIT(1));
	/* another one only if it is better by a quarter */
	assert_int_equal(find(path, 4, PATH_BIT(2)).now, PATH_BIT(2));
	assert_int_equal(find(path, 4, PATH_BIT(0)).now, PATH_BIT(1));
}

static void a_doubt_alone_wakes_no_backup_and_excuses_no_broken_limit(void **state)
{
	struct eligible_path path[] = {
		is(DOUBTED | FIT, ENGINE_TIER_PRIMARY, 1), is(WORKS | FIT, ENGINE_TIER_BACKUP, 1),
		is(WORKS, ENGINE_TIER_PRIMARY, 1), is(LOST | FIT, ENGINE_TIER_PRIMARY, 1),
	};

	(void)state;
	assert_int_equal(find(path, 4, 0).now, PATH_BIT(0));
	path[3].health = ELIGIBLE_WORKS;
	assert_int_equal(find(path, 4, 0).now, PATH_BIT(3));
	path[0].health = path[3].health = ELIGIBLE_LOST;
	assert_int_equal(find(path, 4, 0).now, PATH_BIT(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("each tier has its turn", each_tier_has_its_turn),
		TEST("a doubt alone wakes no backup, and excuses no broken limit",
		     a_doubt_alone_wakes_no_backup_and_excuses_no_broken_limit),
		TEST("the least bad is used when all break a limit",
		     the_least_bad_is_used_when_all_break_a_limit),
	};

	return RUN_TESTS(tests);
}
