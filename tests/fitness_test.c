/* fitness: when a path is left for its link's limits, and when it may return. */
#include "core/path/fitness.h"

#include "tap.h"

static const struct fitness_limits limits = { .latency = MSEC(150), .loss_ppm = 20000 };

struct fixture {
	struct fitness fitness;
	struct fitness_news news;
	nsec_t now;
};

static void prepare(struct fixture *f)
{
	fitness_init(&f->fitness);
	f->news = (struct fitness_news){ .works = true, .latency = MSEC(40) };
	f->now = SEC(100);
	assert_false(fitness_look(&f->fitness, &limits, &f->news, f->now));
}

/* A look after some time; true: it is fit. */
static bool look(struct fixture *f, nsec_t later)
{
	f->now += later;
	fitness_look(&f->fitness, &limits, &f->news, f->now);
	return !f->fitness.unfit;
}

/* Nothing was lost meanwhile, and so many were answered. */
static bool look_answered(struct fixture *f, nsec_t later, uint64_t answers)
{
	f->news.answered += answers;
	return look(f, later);
}

static void one_late_answer_is_enough(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f);
	f.news.latency = MSEC(150);
	assert_true(look(&f, 1));
	f.news.latency = MSEC(150) + 1;
	assert_false(look(&f, 1));
}

static void two_good_seconds_bring_it_back(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f);
	f.news.latency = MSEC(151);
	assert_false(look(&f, 1));
	f.news.latency = MSEC(40);
	assert_false(look(&f, SEC(10)));
	assert_false(look(&f, SEC(2) - 1));
	assert_true(look(&f, 1));
}

static void a_break_begins_the_two_seconds_anew(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f);
	f.news.latency = MSEC(151);
	look(&f, 1);
	f.news.latency = MSEC(40);
	look(&f, 0);
	assert_false(look(&f, SEC(1)));
	f.news.latency = MSEC(151);
	look(&f, MSEC(1));
	f.news.latency = MSEC(40);
	look(&f, 0);
	assert_false(look(&f, SEC(1)));
	f.news.works = false;
	look(&f, MSEC(1));
	look(&f, MSEC(250));
	f.news.works = true;
	look(&f, 0);
	assert_false(look(&f, SEC(2) - 1));
	assert_true(look(&f, 1));
}

static void a_moment_s_silence_is_no_break(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f);
	for (int i = 0; i < 3; i++) {
		f.news.works = false;
		look(&f, MSEC(100));
		look(&f, MSEC(249));
		f.news.works = true;
		look(&f, 1);
		assert_true(f.fitness.good_since == SEC(100));
	}
}

static void who_relapses_soon_waits_twice_as_long_but_not_for_ever(void **state)
{
	static const unsigned seconds[] = { 2, 4, 8, 16, 32, 32 };
	struct fixture f;

	(void)state;
	prepare(&f);
	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
		f.news.latency = MSEC(200);
		assert_false(look(&f, SEC(1)));
		f.news.latency = MSEC(40);
		look(&f, 0);
		assert_false(look(&f, SEC(seconds[i]) - 1));
		assert_true(look(&f, 1));
	}
	/* it has been good for as long as it was waited for: all is forgotten */
	f.news.latency = MSEC(200);
	assert_false(look(&f, SEC(32)));
	f.news.latency = MSEC(40);
	look(&f, 0);
	assert_true(look(&f, SEC(2)));
}

static void losses_are_forgiven_after_eight_answers_without_one(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f);
	f.news.loss_ppm = 20000;
	assert_true(look(&f, 1));
	f.news.loss_ppm = 20001;
	f.news.lost = 7;
	assert_false(look(&f, 1));
	/* the figure stays, since nothing is sent there that could change it */
	assert_false(look_answered(&f, MSEC(100), 1));
	assert_false(look_answered(&f, SEC(3), 7));
	f.news.answered++;
	assert_true(fitness_look(&f.fitness, &limits, &f.news, f.now));
	assert_false(f.fitness.unfit);
}

static void one_lost_probe_begins_the_trial_anew(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f);
	f.news.loss_ppm = 30000;
	look(&f, 1);
	look_answered(&f, 1, 1);
	look_answered(&f, SEC(1), 7);
	f.news.lost++;
	look(&f, 1);
	look_answered(&f, 1, 1);
	assert_false(look_answered(&f, SEC(1), 8));
	assert_true(look_answered(&f, SEC(1), 0));
}

static void without_limits_a_path_is_always_fit(void **state)
{
	const struct fitness_limits none = { 0 };
	struct fixture f;

	(void)state;
	prepare(&f);
	f.news.latency = SEC(2);
	f.news.loss_ppm = 900000;
	assert_false(look(&f, 1));
	fitness_look(&f.fitness, &none, &f.news, f.now);
	assert_false(f.fitness.unfit);
}

static void it_says_since_when_a_path_is_good(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f);
	assert_true(f.fitness.good_since == SEC(100));
	look(&f, SEC(5));
	assert_true(f.fitness.good_since == SEC(100));
	f.news.works = false;
	look(&f, 1);
	look(&f, MSEC(250));
	assert_true(f.fitness.good_since == NSEC_NEVER);
	f.news.works = true;
	look(&f, 1);
	assert_true(f.fitness.good_since == f.now);
	assert_false(f.fitness.unfit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("one late answer is enough to leave", one_late_answer_is_enough),
		TEST("two good seconds bring it back", two_good_seconds_bring_it_back),
		TEST("a break begins the two seconds anew", a_break_begins_the_two_seconds_anew),
		TEST("a moment's silence is no break", a_moment_s_silence_is_no_break),
		TEST("who relapses soon waits twice as long, but not for ever",
		     who_relapses_soon_waits_twice_as_long_but_not_for_ever),
		TEST("losses are forgiven after eight answers without one",
		     losses_are_forgiven_after_eight_answers_without_one),
		TEST("one lost probe begins the trial anew", one_lost_probe_begins_the_trial_anew),
		TEST("without limits a path is always fit", without_limits_a_path_is_always_fit),
		TEST("it says since when a path is good", it_says_since_when_a_path_is_good),
	};

	return RUN_TESTS(tests);
}
