/* crowd: what one server does for many clients, when they all want it at once. */
#include "crowd.h"
#include "tap.h"

#define CLIENTS	140
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what many say in one turn is not lost for want of room",
		     what_many_say_in_one_turn_is_not_lost_for_want_of_room),
		TEST("a goodbye goes out on every path of all clients", a_goodbye_goes_out_on_every_path_of_all_clients),
	};

	return RUN_TESTS(tests);
}
