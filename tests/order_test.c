/* order: how far a path is known to reorder, by itself and in a link that does. */
#include <stdio.h>

#include "core/path/order.h"
#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "tap.h"

#define RTT	MSEC(40)

static void late(struct order *o, uint64_t packets, nsec_t time, bool held_lost)
{
	order_late(o, SEC(1), (struct lateness){ packets, time }, RTT, held_lost);
}

static void lose(struct order *o, unsigned times, uint64_t *number)
{
	for (; times > 0; times--, *number += 100)
		order_lost(o, *number, *number + 50);
}

static void at_first_it_is_what_rfc_9002_says(void **state)
{
	struct order o = { 0 };

	(void)state;
	assert_int_equal(order_packets(&o), 3);
	assert_int_equal(order_time(&o, RTT), RTT / 8);
	assert_int_equal(order_time(&o, MSEC(2)), MSEC(1));
}

static void what_turned_up_after_all_would_not_be_lost_again(void **state)
{
	struct order o = { 0 };

	(void)state;
	late(&o, 9, MSEC(3), true);
	assert_int_equal(order_packets(&o), 9);
	assert_int_equal(order_time(&o, RTT), RTT / 8 + MSEC(3));
	late(&o, 5, MSEC(12), true);
	assert_int_equal(order_packets(&o), 9);
	assert_int_equal(order_time(&o, RTT), RTT / 8 + MSEC(12));
	/* what was not held for lost needs no more */
	late(&o, 20, MSEC(20), false);
	assert_int_equal(order_packets(&o), 9);
	/* nobody waits for more than a round trip, or a crowd */
	late(&o, 100000, SEC(9), true);
	assert_int_equal(order_packets(&o), ORDER_MAX);
	assert_int_equal(order_time(&o, RTT), RTT / 8 + RTT);
}

static void it_comes_down_to_what_was_seen_of_late(void **state)
{
	struct order o = { 0 };
	uint64_t number = 1;

	(void)state;
	late(&o, 50, MSEC(30), true);
	late(&o, 7, MSEC(4), false);
	lose(&o, ORDER_RECOVERIES - 1, &number);
	assert_int_equal(order_time(&o, RTT), RTT / 8 + MSEC(30));
	lose(&o, 1, &number);
	assert_int_equal(order_packets(&o), 7);
	assert_int_equal(order_time(&o, RTT), RTT / 8 + MSEC(4));
	lose(&o, ORDER_RECOVERIES, &number);
	assert_int_equal(order_packets(&o), 3);
	assert_int_equal(order_time(&o, RTT), RTT / 8);
}

static void of_another_way_nothing_is_known(void **state)
{
	struct order o = { 0 };

	(void)state;
	late(&o, 50, MSEC(30), true);
	order_forget(&o, SEC(2));
	assert_int_equal(order_packets(&o), 3);
	late(&o, 50, MSEC(30), true);	/* sent before */
	assert_int_equal(order_packets(&o), 3);
	assert_int_equal(order_time(&o, RTT), RTT / 8);
}

/* Each of its packets was held for lost, and sent again: half the link carried nothing new. */
static void a_link_that_reorders_carries_no_more_than_is_sent(void **state)
{
	const struct sim_way way = { .rate = 50000000, .delay = MSEC(20), .jitter = MSEC(10), .reorders = true };
	struct sim *s = sim_new(1, 1, "aggregate");
	const struct model_tcp_config config = { .direction = SIM_UP };
	struct engine_peer_status peer;
	struct model_tcp *tcp;
	double rate;

	(void)state;
	sim_add_ways(s, 0, &way, &way);
	sim_run(s, SEC(2));
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(10));
	rate = model_tcp_rate(tcp, 3, 10);
	engine_peer_status(sim_client(s, 0), 0, sim_now(s), &peer);
	printf("# %.1f Mbit/s, %lu sent again\n", rate, (unsigned long)peer.repaired);
	assert_true(rate > 42);
	assert_true(peer.repaired < 200);
	model_tcp_free(tcp);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("at first it is what RFC 9002 says", at_first_it_is_what_rfc_9002_says),
		TEST("what turned up after all would not be lost again",
		     what_turned_up_after_all_would_not_be_lost_again),
		TEST("it comes down to what was seen of late", it_comes_down_to_what_was_seen_of_late),
		TEST("of another way nothing is known", of_another_way_nothing_is_known),
		TEST("a link that reorders carries no more than is sent",
		     a_link_that_reorders_carries_no_more_than_is_sent),
	};

	return RUN_TESTS(tests);
}
