/* model_call: a call, a ping and a steady UDP flow say of a link what is true of it. */
#include "sim/model_call.h"

#include "sim/model_ping.h"
#include "sim/model_udp.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static struct sim_way netem(uint64_t rate, nsec_t delay, nsec_t jitter, uint32_t loss_ppm)
{
	return (struct sim_way){ .rate = rate, .delay = delay, .jitter = jitter, .normal = true,
				 .netem = true, .loss_ppm = loss_ppm, .framing = 14 };
}

static struct sim *bare(uint64_t seed, const struct sim_way *way, struct sim_via *ret)
{
	struct sim *s = sim_new(seed, 1, "round-robin");

	*ret = (struct sim_via){ .bare = true, .link = sim_add_bare(s, 0, way, way) };
	return s;
}

static void a_call_measures_latency_and_loss_each_way(void **state)
{
	struct sim_way way = netem(10 * MBIT, MSEC(30), MSEC(4), 20000);
	struct sim_via via;
	struct sim *s = bare(1, &way, &via);
	struct model_call *call = model_call_new(s, &via);

	(void)state;
	sim_run(s, SEC(100));
	model_call_stop(call);
	sim_run(s, SEC(1));
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		struct model_call_stats c = model_call_stats(call, (enum sim_direction)direction);

		assert_in_range(c.sent, 5000, 5001);
		assert_in_range(c.sent - c.received, 70, 130);
		/* 30 ± 4 ms, and 0.17 ms for 214 bytes at 10 Mbit/s */
		assert_in_range(c.p50, MSEC(30) - MSEC(1) / 4, MSEC(30) + MSEC(1) / 2);
		assert_in_range(c.p95, MSEC(36), MSEC(38));
		assert_in_range(c.p99, MSEC(38), MSEC(41));
		assert_int_equal(c.late, 0);
		assert_int_equal(c.duplicates, 0);
		assert_in_range(c.longest_gap, MSEC(40), MSEC(120));
	}
	model_call_free(call);
	sim_free(s);
}

static void a_call_notices_a_gap(void **state)
{
	struct sim_way way = netem(10 * MBIT, MSEC(30), 0, 0);
	struct sim_via via;
	struct sim *s = bare(2, &way, &via);
	struct model_call *call = model_call_new(s, &via);

	(void)state;
	sim_run(s, SEC(1));
	sim_cut(s, 0, via.link, true);
	sim_run(s, MSEC(300));
	sim_cut(s, 0, via.link, false);
	sim_run(s, SEC(1));
	assert_in_range(model_call_stats(call, SIM_UP).longest_gap, MSEC(300), MSEC(340));
	assert_in_range(model_call_stats(call, SIM_DOWN).longest_gap, MSEC(300), MSEC(340));
	model_call_free(call);
	sim_free(s);
}

static void a_ping_measures_the_round_trip(void **state)
{
	struct sim_way way = netem(50 * MBIT, MSEC(20), 0, 0);
	struct sim_via via;
	struct sim *s = bare(3, &way, &via);
	struct model_ping *ping = model_ping_new(s, &via);
	struct model_ping_stats p;

	(void)state;
	sim_run(s, SEC(10));
	p = model_ping_stats(ping);
	assert_in_range(p.sent, 100, 101);
	assert_true(p.answered >= p.sent - 1);
	assert_in_range(p.p50, MSEC(40), MSEC(40) + MSEC(1) / 10);
	assert_in_range(p.p95, MSEC(40), MSEC(40) + MSEC(1) / 10);
	model_ping_forget(ping);
	assert_int_equal(model_ping_stats(ping).answered, 0);
	model_ping_free(ping);
	sim_free(s);
}

static struct stream_stats pour(struct sim *s, const struct model_udp_config *config, nsec_t *ret_p50)
{
	struct model_udp *udp = model_udp_new(s, config);
	struct stream_stats stats;

	sim_run(s, SEC(10) - 1);
	model_udp_stop(udp);
	sim_run(s, SEC(1));
	stats = model_udp_stats(udp);
	*ret_p50 = samples_percentile(model_udp_latency(udp), 50);
	model_udp_free(udp);
	return stats;
}

static void udp_keeps_its_pace_and_measures_what_becomes_of_it(void **state)
{
	struct sim_way way = { .rate = 20 * MBIT, .delay = MSEC(30), .loss_ppm = 10000 };
	struct model_udp_config config = { .via.bare = true, .rate = 10 * MBIT, .len = 1000 };
	struct stream_stats u;
	struct sim *s;
	nsec_t p50;

	(void)state;
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		config.direction = (enum sim_direction)direction;
		s = bare(5, &way, &config.via);
		u = pour(s, &config, &p50);
		assert_int_equal(u.sent, 12500);
		assert_in_range(u.sent - u.received, 80, 170);
		assert_in_range(p50, MSEC(30) + 400000, MSEC(30) + 400010);
		assert_int_equal(u.late, 0);
		sim_free(s);
	}
	way.reorders = true;
	way.jitter = MSEC(10);
	s = bare(5, &way, &config.via);
	u = pour(s, &config, &p50);
	assert_in_range(u.late, 12500 / 4, 12500);
	assert_in_range(u.deepest, 10, 13);	/* 10 ms at 0.8 ms a packet */
	sim_free(s);
}

static void both_pass_the_tunnel(void **state)
{
	struct sim *s = sim_new(4, 1, "redundant");
	struct sim_way way = netem(50 * MBIT, MSEC(20), 0, 0);
	struct sim_via via = { 0 };
	struct model_call *call;
	struct model_ping *ping;

	(void)state;
	sim_add_ways(s, 0, &way, &way);
	sim_add_ways(s, 0, &way, &way);
	sim_run(s, SEC(1));
	call = model_call_new(s, &via);
	ping = model_ping_new(s, &via);
	sim_run(s, SEC(5));
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		struct model_call_stats c = model_call_stats(call, (enum sim_direction)direction);

		assert_true(c.received >= c.sent - 2);
		assert_int_equal(c.duplicates, 0);
		assert_in_range(c.p99, MSEC(20), MSEC(21));
	}
	assert_true(model_ping_stats(ping).answered >= model_ping_stats(ping).sent - 1);
	model_ping_free(ping);
	model_call_free(call);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a call measures latency and loss each way",
		     a_call_measures_latency_and_loss_each_way),
		TEST("a call notices a gap", a_call_notices_a_gap),
		TEST("a ping measures the round trip", a_ping_measures_the_round_trip),
		TEST("UDP keeps its pace, and measures what becomes of it",
		     udp_keeps_its_pace_and_measures_what_becomes_of_it),
		TEST("both pass the tunnel", both_pass_the_tunnel),
	};

	return RUN_TESTS(tests);
}
