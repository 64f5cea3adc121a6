/* idle: the one reason that is told of each link. */
#include <string.h>

#include "supervisor/idle.h"
#include "tap.h"

/* Two links, wan0 and wan1, each with a path that may carry data. */
static struct status two_links(void)
{
	struct status s = { .strategy = "aggregate" };
	struct status_peer *p = status_add_peer(&s);

	p->path_count = 2;
	for (size_t i = 0; i < 2; i++) {
		struct status_path path = { .state = "up", .tier = "primary", .eligible = true, .priority = 100,
					    .srtt = MSEC(20) };
		struct status_link link = { .present = true, .tier = "primary", .priority = 100 };

		strcpy(path.link, i == 0 ? "wan0" : "wan1");
		strcpy(link.name, path.link);
		p->path[i] = path;
		s.link[s.link_count++] = link;
	}
	return s;
}

static const char *no_path;

static void assert_reason(struct status *s, size_t link, const char *reason)
{
	s->link[link].reason[0] = '\0';
	idle_say_why(&s->link[link], s, no_path);
	assert_string_equal(s->link[link].reason, reason);
}

static void a_link_that_may_carry_data_needs_no_reason(void **state)
{
	struct status s = two_links();

	(void)state;
	assert_reason(&s, 0, "");
	assert_reason(&s, 1, "");
	status_done(&s);
}

static void a_tier_waits_for_the_better_one(void **state)
{
	struct status s = two_links();

	(void)state;
	strcpy(s.link[1].tier, "backup");
	s.peer->path[1].eligible = false;
	assert_reason(&s, 1, "backup: the primary links work");
	strcpy(s.peer->path[0].tier, "overflow");
	assert_reason(&s, 1, "backup: the overflow links work");
	strcpy(s.link[1].tier, "overflow");
	strcpy(s.peer->path[0].tier, "primary");
	assert_reason(&s, 1, "overflow: the primary links have room");
	s.peer->path[1].eligible = true;	/* they do not any more */
	s.peer->path[0].eligible = false;
	assert_reason(&s, 1, "");
	status_done(&s);
}

static void a_spent_budget_goes_before_every_other_reason(void **state)
{
	struct status s = two_links();

	(void)state;
	strcpy(s.link[1].tier, "backup");
	s.link[1].budget = s.link[1].budget_used = 1000;
	strcpy(s.link[1].budget_until, "1 December");
	s.peer->path[1].eligible = false;
	assert_reason(&s, 1, "budget spent until 1 December");
	s.link[1].budget_left = 1;
	assert_reason(&s, 1, "backup: the primary links work");
	strcpy(s.link[1].tier, "never");
	assert_reason(&s, 1, "never: it is not to be used");
	status_done(&s);
}

static void a_broken_limit_is_named_with_its_value(void **state)
{
	struct status s = two_links();

	(void)state;
	s.peer->path[1].eligible = false;
	s.peer->path[1].unfit = true;
	assert_reason(&s, 1, "was beyond a limit a moment ago");	/* that has just been lifted */
	s.peer->path[1].loss_ppm = 200001;
	assert_reason(&s, 1, "loses too much");	/* for the strategy */
	s.link[1].max_latency = MSEC(150);
	s.peer->path[1].srtt = MSEC(151);
	assert_reason(&s, 1, "slower than its max-latency of 150ms");
	s.peer->path[1].srtt = MSEC(150);
	s.link[1].max_loss_ppm = 30000;
	s.peer->path[1].loss_ppm = 30001;
	assert_reason(&s, 1, "loses more than its max-loss of 3%");
	s.peer->path[1].loss_ppm = 0;
	assert_reason(&s, 1, "was beyond a limit a moment ago");
	status_done(&s);
}

static void a_path_that_does_not_work_says_so_and_one_that_does_is_enough(void **state)
{
	struct status s = two_links();

	(void)state;
	strcpy(s.peer->path[1].state, "down");
	s.peer->path[1].eligible = false;
	assert_reason(&s, 1, "does not answer");
	strcpy(s.peer->path[1].state, "validating");
	assert_reason(&s, 1, "not yet proven");
	strcpy(s.peer->path[0].link, "wan1");	/* its other address */
	assert_reason(&s, 1, "");
	assert_reason(&s, 0, "it has no path to the server");
	status_done(&s);
	assert_reason(&s, 0, "it has no path to the server");
	no_path = "has only IPv6, and the server only an IPv4 address";
	assert_reason(&s, 0, no_path);
	no_path = NULL;
}

static void failover_names_who_goes_first(void **state)
{
	struct status s = two_links();

	(void)state;
	strcpy(s.strategy, "failover");
	assert_reason(&s, 1, "");	/* one of two equals: it may be this one */
	s.peer->path[0].priority = 1;
	assert_reason(&s, 0, "");
	assert_reason(&s, 1, "failover: wan0 goes first");
	s.peer->path[0].eligible = false;
	assert_reason(&s, 1, "");
	status_done(&s);
}

/* The strategy does not change for a hair's breadth: who carries it is who has the traffic. */
static void lowest_latency_names_who_answers_sooner(void **state)
{
	struct status s = two_links();

	(void)state;
	strcpy(s.strategy, "lowest-latency");
	s.peer->path[1].srtt = MSEC(22);
	s.peer->path[0].share_ppm = 990000;
	s.peer->path[1].share_ppm = 10000;
	assert_reason(&s, 0, "");
	assert_reason(&s, 1, "lowest-latency: wan0 answers sooner");
	s.peer->path[0].share_ppm = 10000;
	s.peer->path[1].share_ppm = 990000;
	assert_reason(&s, 1, "");
	status_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a link that may carry data needs no reason", a_link_that_may_carry_data_needs_no_reason),
		TEST("a tier waits for the better one", a_tier_waits_for_the_better_one),
		TEST("a spent budget goes before every other reason", a_spent_budget_goes_before_every_other_reason),
		TEST("a broken limit is named with its value", a_broken_limit_is_named_with_its_value),
		TEST("a path that does not work says so, and one that does is enough",
		     a_path_that_does_not_work_says_so_and_one_that_does_is_enough),
		TEST("failover names who goes first", failover_names_who_goes_first),
		TEST("lowest-latency names who answers sooner", lowest_latency_names_who_answers_sooner),
	};

	return RUN_TESTS(tests);
}
