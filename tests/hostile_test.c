/* hostile: many peers that have keys and mean no good, and one that does. */
#include "core/engine.h"
#include "tap.h"
#include "town.h"

#define HOSTILE	255
#define HONEST	HOSTILE
#define EACH	180	/* packets that a hostile peer makes the server keep, */
#define STOCK	32768	/* of so many that it may keep in all: 128 for each peer */
#define FLOW	100	/* packets of the honest one */

static uint64_t drops(struct town *t, enum engine_drop drop)
{
	uint64_t all[ENGINE_DROPS];

	engine_drops(town_server(t), all);
	return all[drop];
}

static uint64_t held(struct town *t, unsigned client)
{
	struct engine_peer_status status;

	engine_peer_status(town_server(t), client, 0, &status);
	return status.held;
}

/* A packet that does not come, and that is never repaired. */
static void leave_a_hole(struct town *t, unsigned client)
{
	town_deafen(t, client, true);
	town_mute(t, client, true);
	town_send_up(t, client, 0);
	town_mute(t, client, false);
}

/* Everybody's first packet is late, and all that came behind it has to wait. */
static void holes_of_many_do_not_disturb_the_order_of_one(void **state)
{
	struct town *t = town_new(HOSTILE + 1, ENGINE_BUFS_RESERVE + STOCK);
	struct town_arrivals got;
	uint64_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < HOSTILE; i++) {
		leave_a_hole(t, i);
		for (unsigned n = 0; n < EACH; n++)
			town_send_up(t, i, 0);
	}
	town_deafen(t, HONEST, true);
	town_keep_next(t, HONEST, true);
	for (unsigned n = 0; n < FLOW; n++)
		town_send_up(t, HONEST, 0);
	/* the server is full, and yet it holds all of these */
	assert_int_equal(held(t, HONEST), FLOW - 1);
	for (unsigned i = 0; i < HOSTILE; i++)
		sum += held(t, i);
	assert_in_range(sum, STOCK * 8 / 10, STOCK);
	assert_true(town_least_left(t) >= ENGINE_BUFS_RESERVE - 64);
	town_give(t);
	got = town_up(t, HONEST);
	assert_int_equal(got.count, FLOW);
	assert_int_equal(got.backward, 0);
	assert_int_equal(drops(t, DROP_NO_BUFFER), 0);
	/* and of the others nothing is lost but their order */
	town_pass(t, SEC(3));
	for (unsigned i = 0; i < HOSTILE; i++)
		assert_true(town_up(t, i).count >= EACH);
	town_free(t);
}

/* Nobody answers: what the server has sent them, and what waits for them, piles up. */
static void peers_that_never_answer_take_no_room_from_one_that_does(void **state)
{
	struct town *t = town_new(HOSTILE + 1, ENGINE_BUFS_RESERVE + STOCK);
	struct town_arrivals got;

	(void)state;
	for (unsigned i = 0; i < HOSTILE; i++) {
		town_mute(t, i, true);
		for (unsigned n = 0; n < EACH; n++)
			town_send_down(t, i, 0);
	}
	assert_true(town_least_left(t) >= ENGINE_BUFS_RESERVE - 64);
	assert_true(drops(t, DROP_QUEUE_FULL) > 0);
	town_keep_next(t, HONEST, false);	/* lost: it takes a copy to bring it */
	for (unsigned n = 0; n < FLOW; n++)
		town_send_down(t, HONEST, 0);
	town_pass(t, MSEC(200));
	got = town_down(t, HONEST);
	assert_int_equal(got.count, FLOW);
	assert_int_equal(got.backward, 0);
	assert_int_equal(drops(t, DROP_NO_BUFFER), 0);
	town_pass(t, SEC(5));
	town_free(t);
}

#define CONNECTIONS	40	/* of a hostile peer's, with two segments far apart in each round */
#define WINDOW		100000

static void send_window(struct town *t, unsigned client, unsigned flow, uint32_t seq)
{
	town_tcp_down(t, client, flow, seq, 100);
	town_tcp_down(t, client, flow, seq + WINDOW - 100, 100);
}

static void ack_all(struct town *t, uint32_t number)
{
	for (unsigned i = 0; i < HOSTILE * CONNECTIONS; i++)
		town_ack_up(t, i / CONNECTIONS, i % CONNECTIONS, number);
}

static void send_all(struct town *t, uint32_t seq)
{
	for (unsigned i = 0; i < HOSTILE * CONNECTIONS; i++)
		send_window(t, i / CONNECTIONS, i % CONNECTIONS, seq);
}

/*
 * More than the reserve has, and for so long, since a round took a minute and a
 * half, that the lanes they came in are forgotten; then the rest of the stock
 * is filled, too.
 */
static void acks_that_wait_for_newer_ones_take_no_room_from_others(void **state)
{
	struct town *t = town_new(HOSTILE + 1, ENGINE_BUFS_RESERVE + STOCK);
	struct town_arrivals got;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		if (round > 0)
			ack_all(t, round * WINDOW);
		send_all(t, round * WINDOW);
		town_pass(t, SEC(90));
	}
	send_all(t, 3 * WINDOW);
	ack_all(t, 2 * WINDOW + 1);
	ack_all(t, 2 * WINDOW + 2);
	town_pass(t, SEC(12));
	for (unsigned i = 0; i < HOSTILE; i++) {
		leave_a_hole(t, i);
		for (unsigned n = 0; n < EACH; n++)
			town_send_up(t, i, 0);
	}
	assert_true(town_least_left(t) >= ENGINE_BUFS_RESERVE - 64);
	for (unsigned n = 0; n < FLOW; n++)
		town_send_up(t, HONEST, 0);
	got = town_up(t, HONEST);
	assert_int_equal(got.count, FLOW);
	assert_int_equal(got.backward, 0);
	assert_int_equal(drops(t, DROP_NO_BUFFER), 0);
	town_pass(t, SEC(30));
	town_free(t);
}

/* One alone: it may fill what is a session's, and the pool still has its reserve. */
static void one_peer_cannot_drain_the_pool(void **state)
{
	struct town *t = town_new(1, engine_bufs(1));
	struct engine_peer_status status;

	(void)state;
	leave_a_hole(t, 0);
	for (unsigned n = 0; n < 7500; n++)
		town_send_up(t, 0, 0);
	engine_peer_status(town_server(t), 0, 0, &status);
	assert_int_equal(status.held, 7500);
	town_mute(t, 0, true);
	for (unsigned n = 0; n < 9000; n++)
		town_send_down(t, 0, n % 10);
	for (unsigned n = 0; n < 2000; n++)
		town_send_up(t, 0, 0);
	assert_true(town_least_left(t) >= ENGINE_BUFS_RESERVE - 64);
	assert_int_equal(drops(t, DROP_NO_BUFFER), 0);
	town_pass(t, SEC(5));
	town_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("holes of many do not disturb the order of one",
		     holes_of_many_do_not_disturb_the_order_of_one),
		TEST("peers that never answer take no room from one that does",
		     peers_that_never_answer_take_no_room_from_one_that_does),
		TEST("ACKs that wait for newer ones take no room from others",
		     acks_that_wait_for_newer_ones_take_no_room_from_others),
		TEST("one peer cannot drain the pool", one_peer_cannot_drain_the_pool),
	};

	return RUN_TESTS(tests);
}
