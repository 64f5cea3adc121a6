/* crew: every item once, all done when it comes back, however many threads there are. */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "io/crew.h"
#include "tap.h"

#define ITEMS	1000

struct sheet {
	unsigned count[ITEMS];		/* how often an item was done */
	unsigned hands;
	atomic_bool busy[HANDS_MAX];
	atomic_uint wrong;		/* a hand that is none, or at work twice at once */
	atomic_uint seen;		/* a bit of each hand that did something */
	unsigned patience;		/* items are slow: that many rounds each */
};

static void mark(void *work, unsigned hand, size_t from, size_t to)
{
	struct sheet *s = work;

	if (hand >= s->hands || atomic_exchange(&s->busy[hand], true))
		atomic_fetch_add(&s->wrong, 1);
	atomic_fetch_or(&s->seen, 1u << hand);
	for (; from < to; from++) {
		for (volatile unsigned i = 0; i < s->patience; i++)
			;
		s->count[from]++;
	}
	atomic_store(&s->busy[hand], false);
}

static struct crew *crew_of(unsigned threads)
{
	struct crew *c = NULL;

	assert_int_equal(crew_new(threads, &c), 0);
	assert_non_null(c);
	return c;
}

static void check_once(struct crew *c, struct sheet *s, size_t count)
{
	memset(s->count, 0, sizeof(s->count));
	crew_run(c, mark, s, count);
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(s->count[i], i < count);
	assert_int_equal(atomic_load(&s->wrong), 0);
}

static void every_item_is_done_once_before_it_comes_back(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads <= CREW_MAX; threads++) {
		static struct sheet s;
		struct crew *c = crew_of(threads);

		s = (struct sheet){ .hands = threads + 1 };
		for (size_t count = 0; count < 70; count++)
			check_once(c, &s, count);
		check_once(c, &s, ITEMS);
		crew_free(c);
	}
}

static void many_runs_in_a_row_and_after_a_rest_lose_and_repeat_nothing(void **state)
{
	static struct sheet s;
	struct crew *c = crew_of(3);
	const struct timespec rest = { .tv_nsec = 200000 };

	(void)state;
	s = (struct sheet){ .hands = 4 };
	for (unsigned run = 0; run < 20000; run++) {
		memset(s.count, 0, 64 * sizeof(s.count[0]));
		crew_run(c, mark, &s, 1 + run % 64);
		for (size_t i = 0; i <= run % 64; i++)
			assert_int_equal(s.count[i], 1);
		if (run % 200 == 0)	/* they sleep by then */
			nanosleep(&rest, NULL);
	}
	assert_int_equal(atomic_load(&s.wrong), 0);
	crew_free(c);
}

/* On one core, too: what is slow enough lets others have a turn. */
static void threads_do_a_part_of_what_takes_long(void **state)
{
	static struct sheet s;
	struct crew *c = crew_of(1);

	(void)state;
	s = (struct sheet){ .hands = 2, .patience = 20000 };
	for (unsigned i = 0; i < 100 && atomic_load(&s.seen) != 3; i++)
		check_once(c, &s, ITEMS);
	assert_int_equal(atomic_load(&s.seen), 3);
	crew_free(c);
}

static void without_threads_the_caller_does_it_all_in_one_piece(void **state)
{
	static struct sheet s;
	struct crew *c = crew_of(0);

	(void)state;
	s = (struct sheet){ .hands = 1 };
	check_once(c, &s, 64);
	assert_int_equal(atomic_load(&s.seen), 1);
	crew_free(c);
	crew_free(NULL);
}

static void a_crew_that_never_worked_ends_too(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++)
		crew_free(crew_of(CREW_MAX));
}

static void more_threads_than_hands_are_refused(void **state)
{
	struct crew *c = NULL;

	(void)state;
	assert_int_equal(crew_new(CREW_MAX + 1, &c), -EINVAL);
	assert_null(c);
	assert_true(crew_usual() <= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("every item is done once, before it comes back", every_item_is_done_once_before_it_comes_back),
		TEST("many runs in a row, and after a rest, lose and repeat nothing",
		     many_runs_in_a_row_and_after_a_rest_lose_and_repeat_nothing),
		TEST("threads do a part of what takes long", threads_do_a_part_of_what_takes_long),
		TEST("without threads the caller does it all, in one piece",
		     without_threads_the_caller_does_it_all_in_one_piece),
		TEST("a crew that never worked ends, too", a_crew_that_never_worked_ends_too),
		TEST("more threads than hands are refused", more_threads_than_hands_are_refused),
	};

	return RUN_TESTS(tests);
}
