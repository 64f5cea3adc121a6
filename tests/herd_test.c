/* herd: many clients that begin, or come back, at the same moment. */
#include <stdio.h>

#include "crowd.h"
#include "tap.h"

#define CLIENTS	140
#define HERD	240

/* Everybody sends something now and then, so that a server that has gone is missed. */
static void chat(struct crowd *c, unsigned clients, nsec_t time)
{
	for (nsec_t until = crowd_now(c) + time; crowd_now(c) < until; crowd_run(c, MSEC(50)))
		for (unsigned i = 0; i < clients; i++)
			crowd_send_up(c, i, 0, 100);
}

/* As chat, until all have a session; gives how long that took. */
static nsec_t chat_until_all_are_back(struct crowd *c, unsigned clients)
{
	nsec_t begin = crowd_now(c);

	while (crowd_in_session(c) < clients && crowd_now(c) < begin + SEC(20))
		chat(c, clients, MSEC(50));
	return crowd_now(c) - begin;
}

static void restart_is_over_within(struct crowd *c, nsec_t limit)
{
	nsec_t time;

	chat(c, HERD, SEC(1));
	crowd_restart_server(c);
	crowd_forget(c);
	time = chat_until_all_are_back(c, HERD);
	printf("# %lu ms after a restart, %lu messages of each\n", (unsigned long)(time / MSEC(1)),
	       (unsigned long)(crowd_heard(c).inits / HERD));
	assert_true(time <= limit);
}

/* More than the handshakes that a second has without a cookie. */
static void all_are_back_within_seconds_after_the_server_has_begun_anew(void **state)
{
	struct crowd *c = crowd_new(HERD, 2);
	nsec_t time;

	(void)state;
	time = chat_until_all_are_back(c, HERD);
	printf("# %d clients: %lu ms at first, %lu messages of each\n", HERD, (unsigned long)(time / MSEC(1)),
	       (unsigned long)(crowd_heard(c).inits / HERD));
	assert_true(time <= MSEC(500));
	restart_is_over_within(c, SEC(2));
	assert_true(crowd_heard(c).inits <= 6 * HERD);
	crowd_free(c);
}

/* Of one address no more than 20 in a second are worth the curves, once there are cookies. */
static void so_are_those_behind_one_address(void **state)
{
	struct crowd *c = crowd_new(HERD, 1);

	(void)state;
	crowd_share_address(c);
	chat_until_all_are_back(c, HERD);
	assert_int_equal(crowd_in_session(c), HERD);
	restart_is_over_within(c, SEC(4));
	crowd_free(c);
}

static void who_was_away_comes_back_from_elsewhere(void **state)
{
	struct crowd *c = crowd_new(CLIENTS, 2);

	(void)state;
	crowd_run(c, SEC(1));
	for (unsigned i = 0; i < CLIENTS; i += 2)
		crowd_vanish(c, i, true);
	chat(c, CLIENTS, SEC(5));
	for (unsigned i = 0; i < CLIENTS; i += 2) {
		crowd_move(c, i);
		crowd_vanish(c, i, false);
	}
	chat(c, CLIENTS, SEC(3));
	assert_int_equal(crowd_in_session(c), CLIENTS);
	crowd_forget(c);
	for (unsigned i = 0; i < CLIENTS; i++) {
		crowd_send_up(c, i, 0, 500);
		crowd_send_down(c, i, 0, 500);
	}
	crowd_run(c, MSEC(100));
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(crowd_count(c, i).up, 1);
		assert_int_equal(crowd_count(c, i).down, 1);
	}
	crowd_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("all are back within seconds after the server has begun anew",
		     all_are_back_within_seconds_after_the_server_has_begun_anew),
		TEST("so are those behind one address", so_are_those_behind_one_address),
		TEST("who was away comes back from elsewhere", who_was_away_comes_back_from_elsewhere),
	};

	return RUN_TESTS(tests);
}
