/* doubt: when a path is taken to be in doubt and when not, and what a new one is asked. */
#include <stdio.h>

#include "sim/model_tcp.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static bool is_doubted(struct engine *e, struct sim *s, unsigned path)
{
	struct engine_path_status status[2];

	assert_true(engine_path_status(e, 0, sim_now(s), status, 2) > path);
	return status[path].state != ENGINE_PATH_OK;
}

/* How often a path is, at one end or the other, looked at each millisecond. */
static unsigned doubts(struct sim *s, unsigned path, nsec_t time)
{
	bool before[2] = { false, false };
	unsigned count = 0;

	for (nsec_t end = sim_now(s) + time; sim_now(s) < end;) {
		sim_run(s, MSEC(1));
		for (unsigned i = 0; i < 2; i++) {
			bool now = is_doubted(i == 0 ? sim_client(s, 0) : sim_server(s), s, path);

			count += now && !before[i];
			before[i] = now;
		}
	}
	return count;
}

/* Doubts of each path in 20 s of a download beside which there is nothing else. */
static void load(const struct sim_way *slow, enum sim_direction direction, unsigned ret_doubts[2])
{
	const struct model_tcp_config config = { .direction = direction };
	const struct sim_way fast = { .rate = 40 * MBIT, .delay = MSEC(20) };

	for (unsigned path = 0; path < 2; path++) {
		struct sim *s = sim_new(1, 1, "aggregate");
		struct model_tcp *tcp;

		sim_add_ways(s, 0, &fast, &fast);
		sim_add_ways(s, 0, slow, slow);
		sim_run(s, SEC(3));
		tcp = model_tcp_new(s, &config);
		ret_doubts[path] = doubts(s, path, SEC(20));
		model_tcp_free(tcp);
		sim_free(s);
	}
}

/*
 * ACKs that go the long way along with data, or a queue that comes up in a moment,
 * look like silence.
 */
static void a_fast_path_beside_a_slow_one_is_not_doubted_under_load(void **state)
{
	static const struct sim_way slow = { .rate = 20 * MBIT, .delay = MSEC(320) };

	(void)state;
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		unsigned count[2];

		load(&slow, (enum sim_direction)direction, count);
		printf("# %u doubts of the fast one, %u of the slow one\n", count[0], count[1]);
		assert_int_equal(count[0], 0);
		assert_int_equal(count[1], 0);
	}
}

/* Milliseconds for which the client doubts its first path, from now on. */
static unsigned doubted_for(struct sim *s, nsec_t time)
{
	unsigned count = 0;

	for (nsec_t end = sim_now(s) + time; sim_now(s) < end;) {
		sim_run(s, MSEC(1));
		count += is_doubted(sim_client(s, 0), s, 0);
	}
	return count;
}

/*
 * Upwards all is lost for a moment, so both ends miss their ACKs, and doubt the
 * path.  What still comes down on it is acknowledged the long way, which is
 * trusted, and also there, where that is heard a third of a second earlier.
 */
static void what_comes_on_a_doubted_path_is_acknowledged_there_too(void **state)
{
	const struct model_tcp_config up = { .direction = SIM_UP }, down = { .direction = SIM_DOWN };
	struct sim *s = sim_new(1, 1, "aggregate");
	unsigned doubted = 0, there = 0;
	struct model_tcp *a, *b[2];

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(40), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(640), 0);
	sim_run(s, SEC(3));
	a = model_tcp_new(s, &up);
	for (unsigned i = 0; i < 2; i++)	/* one alone has not so much under way that it fills the long one */
		b[i] = model_tcp_new(s, &down);
	sim_run(s, SEC(8));
	sim_link(s, 0, 0)->up.cut = true;
	for (unsigned ms = 0; ms < 150; ms++) {
		bool before = is_doubted(sim_client(s, 0), s, 0);
		uint64_t packets = sim_link(s, 0, 0)->up_packets;

		sim_run(s, MSEC(1));
		doubted += before;
		there += before && sim_link(s, 0, 0)->up_packets > packets;
	}
	printf("# in doubt for %u ms, in %u of which something is said there\n", doubted, there);
	assert_true(doubted > 60 && there >= 4);
	model_tcp_free(a);
	for (unsigned i = 0; i < 2; i++)
		model_tcp_free(b[i]);
	sim_free(s);
}

/* Of 200 ms a quarter more is no silence, however steady it was before; half more is. */
static void a_queue_that_comes_up_in_a_moment_is_no_silence(void **state)
{
	static const struct { nsec_t more; unsigned doubts; } row[] = { { MSEC(45), 0 }, { MSEC(100), 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct sim *s = sim_new(1, 1, "aggregate");

		sim_add_link(s, 0, 20 * MBIT, MSEC(200), 0);
		sim_run(s, SEC(3));
		sim_flow(s, 0, SIM_UP, 1000, MSEC(5));
		sim_run(s, SEC(5));
		sim_link(s, 0, 0)->up.delay += row[i].more;
		assert_int_equal(doubted_for(s, SEC(3)) > 0, row[i].doubts);
		sim_free(s);
	}
}

/* As when a phone changes its cell: all that waits is what is on its way for longer. */
static void a_longer_way_costs_a_light_flow_no_packet(void **state)
{
	struct sim *s = sim_new(1, 1, "aggregate");
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_run(s, SEC(2));
	flow = sim_flow(s, 0, SIM_UP, 1200, NSEC_PER_SEC * 1200 * 8 / (4 * MBIT));
	sim_run(s, SEC(2));
	sim_link(s, 0, 0)->up.delay = sim_link(s, 0, 0)->down.delay = MSEC(50);
	sim_run(s, SEC(2));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	printf("# %.1f ms at the most\n", (double)f.latency_max / 1e6);
	assert_int_equal(f.received, f.sent);
	assert_true(f.latency_max < MSEC(50) + MSEC(50));
	sim_free(s);
}

/* Datagrams that the client has sent on a link since the last time. */
static unsigned sent_on(struct sim *s, unsigned link, nsec_t time)
{
	uint64_t before = sim_link(s, 0, link)->up_packets;

	sim_run(s, time);
	return (unsigned)(sim_link(s, 0, link)->up_packets - before);
}

/* 24 PINGs of each end, whose answers bring the ACKs along, and the proof of its address. */
static void a_new_path_is_asked_24_times_within_a_second_and_then_left_alone(void **state)
{
	static const struct engine_link plain = { .weight = 1 }, backup = { .tier = ENGINE_TIER_BACKUP, .weight = 1 },
					metered = { .metered = true, .weight = 1 };
	static const struct { const struct engine_link *wish; unsigned least, most; } row[] = {
		{ &plain, 49, 60 }, { &backup, 1, 6 }, { &metered, 1, 6 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct sim *s = sim_new(1, 1, "aggregate");
		unsigned beginning, later;

		sim_add_link(s, 0, 20 * MBIT, MSEC(40), 0);
		sim_run(s, SEC(3));
		sim_add_link(s, 0, 20 * MBIT, MSEC(60), 0);
		sim_wish(s, 0, 1, row[i].wish);
		beginning = sent_on(s, 1, SEC(1));
		later = sent_on(s, 1, SEC(15));
		printf("# %u, then %u\n", beginning, later);
		assert_in_range(beginning, row[i].least, row[i].most);
		assert_true(later <= 1);
		sim_free(s);
	}
}

/*
 * A machine that is elsewhere, or a Wi-Fi that sleeps: for 40 ms nothing comes, again and
 * again.  The first time is a surprise; that answers may take so long is known then.
 */
static void a_link_that_stutters_is_not_doubted_each_time(void **state)
{
	static const struct sim_rate rate[] = { { 0, 40 * MBIT }, { MSEC(500), 3000 }, { MSEC(540), 40 * MBIT } };
	struct sim *s = sim_new(3, 1, "failover");
	unsigned doubted;

	(void)state;
	sim_add_link(s, 0, 40 * MBIT, MSEC(1), 0);
	sim_add_link(s, 0, 40 * MBIT, MSEC(1), 0);
	sim_run(s, SEC(3));
	sim_flow(s, 0, SIM_UP, 1000, MSEC(5));
	sim_way_follow(s, &sim_link(s, 0, 0)->up, rate, ARRAY_SIZE(rate), MSEC(600));
	doubted = doubted_for(s, SEC(6));
	printf("# in doubt for %u ms\n", doubted);
	assert_in_range(doubted, 0, 150);
	sim_free(s);
}

/*
 * It goes by the other link, and before that is known to have come the first one works
 * again, and says that it was lost there.
 */
static void what_was_in_doubt_goes_again_once_though_it_is_lost_as_well(void **state)
{
	static const nsec_t other[] = { MSEC(200), MSEC(400), MSEC(600) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		struct sim *s = sim_new(1, 1, "failover");
		struct engine_peer_status peer;
		struct sim_flow_stats f;
		unsigned flow;
		uint64_t lost;

		sim_add_link(s, 0, 20 * MBIT, MSEC(40), 0);
		sim_add_link(s, 0, 20 * MBIT, other[i], 0);
		sim_run(s, SEC(2));
		flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
		sim_run(s, SEC(3));
		lost = sim_link(s, 0, 0)->up_wire.lost;
		sim_link(s, 0, 0)->up.cut = true;
		sim_run(s, MSEC(80));
		sim_link(s, 0, 0)->up.cut = false;
		sim_run(s, SEC(2));
		lost = sim_link(s, 0, 0)->up_wire.lost - lost;
		sim_flow_stop(s, flow);
		sim_run(s, SEC(1));
		f = sim_flow_stats(s, flow);
		engine_peer_status(sim_client(s, 0), 0, sim_now(s), &peer);
		printf("# %lu datagrams lost, %lu packets sent again\n", (unsigned long)lost, (unsigned long)peer.repaired);
		assert_int_equal(f.received, f.sent);
		assert_in_range(peer.repaired, lost - 5, lost);		/* PINGs are among them */
		sim_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a fast path beside a slow one is not doubted under load",
		     a_fast_path_beside_a_slow_one_is_not_doubted_under_load),
		TEST("what comes on a doubted path is acknowledged there, too",
		     what_comes_on_a_doubted_path_is_acknowledged_there_too),
		TEST("a link that stutters is not doubted each time", a_link_that_stutters_is_not_doubted_each_time),
		TEST("a queue that comes up in a moment is no silence",
		     a_queue_that_comes_up_in_a_moment_is_no_silence),
		TEST("a longer way costs a light flow no packet", a_longer_way_costs_a_light_flow_no_packet),
		TEST("a new path is asked 24 times within a second, and then left alone",
		     a_new_path_is_asked_24_times_within_a_second_and_then_left_alone),
		TEST("what was in doubt goes again once, though it is lost as well",
		     what_was_in_doubt_goes_again_once_though_it_is_lost_as_well),
	};

	return RUN_TESTS(tests);
}
