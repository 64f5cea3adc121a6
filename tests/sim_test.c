/* sim: the links do what their numbers say, before anybody believes what it measures. */
#include "sim/model_ping.h"
#include "sim/model_tcp.h"
#include "sim/sim.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void a_link_carries_its_rate_and_its_queue_drops_the_rest(void **state)
{
	struct sim *s = one_link(2, 4 * MBIT, MSEC(20));

	(void)state;
	sim_overfill(s, 0, 0);
	sim_link(s, 0, 0)->up.queue = 50;
	sim_flow(s, 0, SIM_UP, 944, MSEC(1));	/* 8 Mbit/s into 4 */
	sim_run(s, SEC(5));
	/* whatever of it is sent again */
	assert_in_range(sim_arrived(s), 2400000, 2510000);
	assert_true(sim_link(s, 0, 0)->up_dropped > 2300);
	sim_free(s);
}

static void a_sender_fills_a_link_and_not_its_queue(void **state)
{
	struct sim *s = one_link(6, 20 * MBIT, MSEC(40));
	unsigned flow = sim_flow(s, 0, SIM_UP, 1344, MSEC(1) / 4);	/* 44.8 Mbit/s into 20 */
	uint64_t received;
	size_t deepest = 0;

	(void)state;
	sim_run(s, SEC(2));
	received = sim_flow_stats(s, flow).received;
	for (int i = 0; i < 500; i++) {
		size_t queued = sim_link(s, 0, 0)->up_wire.queued;

		deepest = queued > deepest ? queued : deepest;
		sim_run(s, MSEC(10));
	}
	received = sim_flow_stats(s, flow).received - received;
	/* 1400 bytes on the wire, 1786 a second; 20 ms under way hold 36 of them */
	assert_in_range(received, 5 * 1786 * 97 / 100, 5 * 1786 + 40);
	assert_true(deepest <= 36 + 30);
	sim_free(s);
}

/* Datagrams that the server got. */
static uint64_t packets_of(struct sim *s)
{
	struct engine_path_status path;

	assert_int_equal(engine_path_status(sim_server(s), 0, sim_now(s), &path, 1), 1);
	return path.rx_packets;
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
	assert_in_range(sim_link(s, 0, 0)->up_packets - packets_of(s), 900, 1250);
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

static struct sim *one_way(uint64_t seed, const struct sim_way *way)
{
	struct sim *s = sim_new(seed, 1, "round-robin");

	sim_add_ways(s, 0, way, way);
	sim_run(s, SEC(1));
	return s;
}

/* Of a queue of 60 packets, the 40 that 20 ms of delay hold at 2 a millisecond are none that wait. */
static void netem_s_queue_counts_what_is_under_way(void **state)
{
	const struct sim_way way = { .rate = 16 * MBIT, .delay = MSEC(20), .queue = 60, .netem = true };
	struct sim *s = one_way(6, &way);
	uint64_t before;

	(void)state;
	sim_overfill(s, 0, 0);
	sim_flow(s, 0, SIM_UP, 944, MSEC(1) / 4);	/* 32 Mbit/s */
	sim_run(s, SEC(2));
	assert_in_range(sim_arrived(s), 3800000, 4020000);
	assert_true(sim_link(s, 0, 0)->up_dropped > 3500);
	sim_link(s, 0, 0)->up.queue = 30;	/* now there is not even room for what is under way */
	sim_run(s, SEC(1));
	before = sim_arrived(s);
	sim_run(s, SEC(2));
	assert_in_range(sim_arrived(s) - before, 2600000, 3010000);
	sim_free(s);
}

static void normal_jitter_goes_to_both_sides_of_the_delay(void **state)
{
	const struct sim_way way = { .delay = MSEC(40), .jitter = MSEC(5), .normal = true,
				     .netem = true, .rate = 100 * MBIT };
	struct sim *s = one_way(7, &way);
	unsigned flow = sim_flow(s, 0, SIM_UP, 200, MSEC(100));	/* none waits for another */
	struct sim_flow_stats f;

	(void)state;
	sim_run(s, SEC(200));
	f = sim_flow_stats(s, flow);
	assert_int_equal(f.reordered, 0);
	assert_in_range(f.latency_sum / f.received, MSEC(39) + MSEC(1) / 2, MSEC(40) + MSEC(1) / 2);
	assert_in_range(f.latency_max, MSEC(52), MSEC(65));	/* of 2000, 3.3 sigma is usual */
	sim_free(s);
}

/* With a rate, one late packet holds all behind it; latency rises, order stays. */
static void netem_with_a_rate_keeps_order_under_jitter(void **state)
{
	const struct sim_way slow = { .delay = MSEC(40), .jitter = MSEC(5), .normal = true,
				      .netem = true, .rate = 20 * MBIT };
	struct sim *s = one_way(8, &slow);
	unsigned flow = sim_flow(s, 0, SIM_UP, 200, MSEC(1));
	struct sim_flow_stats f;

	(void)state;
	sim_run(s, SEC(10));
	f = sim_flow_stats(s, flow);
	assert_int_equal(f.reordered, 0);
	assert_in_range(f.latency_sum / f.received, MSEC(43), MSEC(47));
	sim_free(s);
}

static void cut_it(void *ctx, struct sim *s)
{
	*(nsec_t *)ctx = sim_now(s);
	sim_cut(s, 0, 0, true);
}

static void an_event_happens_at_its_time(void **state)
{
	struct sim *s = one_link(9, 0, MSEC(20));
	unsigned flow = sim_flow(s, 0, SIM_UP, 200, MSEC(1));
	nsec_t at = 0, start = sim_now(s);

	(void)state;
	sim_at(s, start + MSEC(500), cut_it, &at);
	sim_run(s, SEC(1));
	assert_true(at == start + MSEC(500));
	assert_in_range(sim_flow_stats(s, flow).received, 495, 501);
	sim_free(s);
}

/* Not through a test framework: ttt-sim has none. */
static void what_cannot_go_on_says_why_and_aborts(void **state)
{
	char text[256] = "";
	int fd[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct sim *s;

		dup2(fd[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		s = sim_new(1, 1, "round-robin");
		for (unsigned i = 0; i <= SIM_FLOWS; i++)
			sim_flow(s, 0, SIM_UP, 100, SEC(1));
		_exit(0);
	}
	close(fd[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(read(fd[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "simulator: too many flows (src/sim/flows.c:"));
	close(fd[0]);
}

/* A TCP that knows nothing of ECN: what CoDel cannot mark it drops, and the queue does not stand. */
static void a_router_that_runs_codel_keeps_its_queue_short(void **state)
{
	nsec_t p95[2];

	(void)state;
	for (unsigned codel = 0; codel < 2; codel++) {
		const struct sim_way way = { .rate = 20000000, .delay = MSEC(20), .queue = 400, .codel = codel };
		struct sim *s = sim_new(1, 1, "aggregate");
		struct model_tcp_config config = { .via.bare = true };
		struct model_tcp *tcp;
		struct model_ping *ping;

		config.via.link = sim_add_bare(s, 0, &way, &way);
		tcp = model_tcp_new(s, &config);
		ping = model_ping_new(s, &config.via);
		sim_run(s, SEC(10));
		p95[codel] = model_ping_stats(ping).p95;
		assert_true(model_tcp_rate(tcp, 3, 10) > 16);
		assert_int_equal(sim_link(s, 0, 0)->up_wire.marked, 0);
		assert_true(codel == (sim_link(s, 0, 0)->up_wire.lost > 0));
		model_ping_free(ping);
		model_tcp_free(tcp);
		sim_free(s);
	}
	assert_true(p95[0] > MSEC(100));
	assert_true(p95[1] < MSEC(80));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a packet takes its time on the wire and the delay",
		     a_packet_takes_its_time_on_the_wire_and_the_delay),
		TEST("a link carries its rate, and its queue drops the rest",
		     a_link_carries_its_rate_and_its_queue_drops_the_rest),
		TEST("a sender fills a link, and not its queue", a_sender_fills_a_link_and_not_its_queue),
		TEST("random loss is what was asked for", random_loss_is_what_was_asked_for),
		TEST("jitter that keeps order only delays", jitter_that_keeps_order_only_delays),
		TEST("jitter that reorders is put in order by the engine",
		     jitter_that_reorders_is_put_in_order_by_the_engine),
		TEST("netem's queue counts what is under way", netem_s_queue_counts_what_is_under_way),
		TEST("normal jitter goes to both sides of the delay",
		     normal_jitter_goes_to_both_sides_of_the_delay),
		TEST("netem with a rate keeps order under jitter",
		     netem_with_a_rate_keeps_order_under_jitter),
		TEST("an event happens at its time", an_event_happens_at_its_time),
		TEST("what cannot go on says why and aborts", what_cannot_go_on_says_why_and_aborts),
		TEST("a router that runs CoDel keeps its queue short",
		     a_router_that_runs_codel_keeps_its_queue_short),
	};

	return RUN_TESTS(tests);
}
