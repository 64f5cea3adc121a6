/* sim: the links do what their numbers say, before anybody believes what it measures. */
#include "sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static struct sim *one_link(uint64_t seed, uint64_t rate, nsec_t rtt)
{
	struct sim *s = sim_new(seed, 1, "round-robin");

	sim_add_link(s, 0, rate, rtt, 0);
	sim_run(s, SEC(1));
	return s;
}

static void a_packet_takes_its_time_on_the_wire_and_the_delay(void **state)
{
	struct sim *s = one_link(1, 1 * MBIT, MSEC(20));
	unsigned flow = sim_flow(s, 0, SIM_UP, 944, MSEC(100));
	struct sim_flow_stats f;

	(void)state;
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	/* 944 + 56 bytes at 1 Mbit/s are 8 ms; a PING of the engine may stand before it */
	assert_true(f.received >= 9);
	assert_true(f.latency_sum / f.received >= MSEC(18));
	assert_true(f.latency_sum / f.received < MSEC(19));
	sim_free(s);
}

/* Datagrams that the server got. */
static uint64_t arrived(struct sim *s)
{
	struct engine_path_status status;

	assert_int_equal(engine_path_status(sim_server(s), 0, sim_now(s), &status, 1), 1);
	return status.rx_packets;
}

static void a_link_carries_its_rate_and_its_queue_drops_the_rest(void **state)
{
	struct sim *s = one_link(2, 4 * MBIT, MSEC(20));
	struct engine_path_status path;

	(void)state;
	sim_link(s, 0, 0)->up.queue = 50;
	sim_flow(s, 0, SIM_UP, 944, MSEC(1));	/* 8 Mbit/s into 4 */
	sim_run(s, SEC(5));
	/* whatever of it is sent again */
	assert_int_equal(engine_path_status(sim_server(s), 0, sim_now(s), &path, 1), 1);
	assert_in_range(path.rx_bytes, 2400000, 2510000);
	/* 50 packets of 2 ms at most, some of them small, 20 ms, and an ACK's delay */
	assert_int_equal(engine_path_status(sim_client(s, 0), 0, sim_now(s), &path, 1), 1);
	assert_true(path.latest_rtt > MSEC(80) && path.latest_rtt < MSEC(130));
	sim_free(s);
}

static void random_loss_is_what_was_asked_for(void **state)
{
	struct sim *s = one_link(3, 0, MSEC(20));
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_link(s, 0, 0)->up.loss_ppm = 50000;
	flow = sim_flow(s, 0, SIM_UP, 200, MSEC(1));
	sim_run(s, SEC(20));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	assert_in_range(f.sent, 20000, 20001);
	assert_in_range(sim_link(s, 0, 0)->up_packets - arrived(s), 900, 1250);
	assert_true(f.sent - f.received <= 4);	/* inside it is repaired: lost twice is 0.25 % of it */
	sim_free(s);
}

static void jitter_that_keeps_order_only_delays(void **state)
{
	struct sim *s = one_link(4, 0, MSEC(20));
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_link(s, 0, 0)->up.jitter = MSEC(8);
	flow = sim_flow(s, 0, SIM_UP, 200, MSEC(1));
	sim_run(s, SEC(2));
	f = sim_flow_stats(s, flow);
	assert_int_equal(f.reordered, 0);
	assert_true(f.latency_max > MSEC(17) && f.latency_max < MSEC(18) + MSEC(1) / 10);
	sim_free(s);
}

/* Jitter that reorders on the wire is put in order again by the engine: nothing inside shows it. */
static void jitter_that_reorders_is_put_in_order_by_the_engine(void **state)
{
	struct sim *s = one_link(5, 0, MSEC(20));
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_link(s, 0, 0)->up.jitter = MSEC(3);
	sim_link(s, 0, 0)->up.reorders = true;
	flow = sim_flow(s, 0, SIM_UP, 200, MSEC(1));
	sim_run(s, SEC(5));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	assert_int_equal(f.received, f.sent);
	assert_int_equal(f.reordered, 0);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a packet takes its time on the wire and the delay",
		     a_packet_takes_its_time_on_the_wire_and_the_delay),
		TEST("a link carries its rate, and its queue drops the rest",
		     a_link_carries_its_rate_and_its_queue_drops_the_rest),
		TEST("random loss is what was asked for", random_loss_is_what_was_asked_for),
		TEST("jitter that keeps order only delays", jitter_that_keeps_order_only_delays),
		TEST("jitter that reorders is put in order by the engine",
		     jitter_that_reorders_is_put_in_order_by_the_engine),
	};

	return RUN_TESTS(tests);
}
