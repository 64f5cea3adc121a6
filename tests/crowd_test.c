/* crowd: what one server says to many clients in one turn, and what it is to be one of many. */
#include <stdio.h>

#include "crowd.h"
#include "tap.h"

#define CLIENTS	140
#define MODEST	99
#define EACH	20	/* packets in a burst */

/* Everybody has a rate, so each may send a burst, and all do at the same moment. */
static void what_many_say_in_one_turn_is_not_lost_for_want_of_room(void **state)
{
	struct crowd *c = crowd_new(CLIENTS, 8);

	(void)state;
	crowd_run(c, SEC(2));
	assert_int_equal(crowd_in_session(c), CLIENTS);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < CLIENTS; i++)
			for (unsigned n = 0; n < EACH; n++)
				crowd_send_down(c, i, n, 1300);
		crowd_run(c, MSEC(200));
	}
	assert_int_equal(crowd_drops(c, DROP_QUEUE_FULL), 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(crowd_count(c, i).down, 4 * EACH);
	crowd_free(c);
}

static void a_goodbye_goes_out_on_every_path_of_all_clients(void **state)
{
	struct crowd *c = crowd_new(CLIENTS, 8);

	(void)state;
	crowd_run(c, SEC(3));
	assert_int_equal(crowd_in_session(c), CLIENTS);
	crowd_forget(c);
	crowd_close_server(c);
	assert_int_equal(crowd_heard(c).goodbyes, CLIENTS * 8);
	assert_int_equal(crowd_drops(c, DROP_QUEUE_FULL), 0);
	crowd_free(c);
}

/* 2.5 MB a second are its links', and what comes for it is thirty times as much. */
static void who_is_flooded_delays_nobody_else(void **state)
{
	const struct engine_link narrow = { .weight = 1, .rate = 1250000 };
	struct crowd *c = crowd_new(MODEST + 1, 2);

	(void)state;
	for (unsigned path = 0; path < 2; path++)
		engine_path_set_link(crowd_client(c, MODEST), path, &narrow, crowd_now(c));
	crowd_run(c, SEC(2));
	crowd_forget(c);
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned n = 0; n < 500; n++)
			crowd_send_down(c, MODEST, n, 1300);
		for (unsigned i = round % 10; i < MODEST; i += 10)
			crowd_send_down(c, i, 0, 200);
		crowd_run(c, MSEC(10));
	}
	crowd_run(c, SEC(2));
	for (unsigned i = 0; i < MODEST; i++) {
		assert_int_equal(crowd_count(c, i).down, 10);
		/* the faster path takes 10 */
		assert_true(crowd_count(c, i).down_wait <= MSEC(25));
	}
	assert_in_range(crowd_count(c, MODEST).down, 1250, 9000);
	crowd_free(c);
}

/* Each path is heard of every 20 to 25 s, and nothing is said more often than that. */
static void who_is_idle_costs_next_to_nothing(void **state)
{
	struct crowd *c = crowd_new(CLIENTS, 2);

	(void)state;
	crowd_run(c, SEC(90));	/* until what the paths carry is known, too */
	crowd_forget(c);
	crowd_run(c, SEC(100));
	assert_int_equal(crowd_in_session(c), CLIENTS);
	printf("# %lu datagrams of each path in 100 s\n", (unsigned long)(crowd_heard(c).data / (2 * CLIENTS)));
	assert_true(crowd_heard(c).data <= 2 * CLIENTS * 14);
	crowd_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what many say in one turn is not lost for want of room",
		     what_many_say_in_one_turn_is_not_lost_for_want_of_room),
		TEST("who is flooded delays nobody else", who_is_flooded_delays_nobody_else),
		TEST("who is idle costs next to nothing", who_is_idle_costs_next_to_nothing),
		TEST("a goodbye goes out on every path of all clients", a_goodbye_goes_out_on_every_path_of_all_clients),
	};

	return RUN_TESTS(tests);
}
