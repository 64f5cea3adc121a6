/*
 * failover: what 1000 packets a second each way, beside a download, notice of a fault.
 *
 * The rows of the failover table (bench/failover.sh) in virtual time: nothing
 * else is busy here, so what is left is the protocol's own.
 */
#include <stdio.h>

#include "sim/model_tcp.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)
#define SEEDS	7

struct scene {
	struct sim *s;
	struct model_tcp *tcp;
	unsigned flow[2];	/* by direction */
};

/* The nearer link, which is the busiest, and another one. */
static struct scene begin(uint64_t seed)
{
	static const struct sim_way near = { .rate = 40 * MBIT, .delay = MSEC(10), .netem = true, .queue = 400, .framing = 14 };
	static const struct sim_way far = { .rate = 20 * MBIT, .delay = MSEC(30), .netem = true, .queue = 300, .framing = 14 };
	const struct model_tcp_config config = { .direction = SIM_DOWN };
	struct scene c = { .s = sim_new(seed, 1, "aggregate") };

	sim_add_ways(c.s, 0, &near, &near);
	sim_add_ways(c.s, 0, &far, &far);
	sim_run(c.s, SEC(2));
	c.tcp = model_tcp_new(c.s, &config);
	sim_run(c.s, SEC(5) + MSEC(37) * seed);
	for (int d = SIM_UP; d <= SIM_DOWN; d++)
		c.flow[d] = sim_flow(c.s, 0, (enum sim_direction)d, 428, MSEC(1));
	sim_run(c.s, SEC(1));
	for (int d = SIM_UP; d <= SIM_DOWN; d++)
		sim_flow_forget(c.s, c.flow[d]);
	return c;
}

static void end(struct scene *c)
{
	model_tcp_free(c->tcp);
	sim_free(c->s);
}

/* A second after the fault the streams end: the longest gap and the latest packet; every one has come. */
static void look(struct scene *c, nsec_t ret_gap[2], nsec_t ret_latest[2])
{
	sim_run(c->s, SEC(1));
	for (int d = SIM_UP; d <= SIM_DOWN; d++)
		sim_flow_stop(c->s, c->flow[d]);
	sim_run(c->s, SEC(1));
	for (int d = SIM_UP; d <= SIM_DOWN; d++) {
		struct sim_flow_stats f = sim_flow_stats(c->s, c->flow[d]);

		printf("# %s: gap %.1f ms, latest %.1f ms\n", d == SIM_UP ? "up" : "down",
		       (double)f.longest_gap / 1e6, (double)f.latency_max / 1e6);
		/* what was under way when counting began anew is there, too */
		assert_true(f.received >= f.sent && f.received < f.sent + 20);
		assert_int_equal(f.duplicates, 0);
		ret_gap[d] = f.longest_gap;
		ret_latest[d] = f.latency_max;
	}
}

static void fall_silent(struct scene *c, bool up, bool down)
{
	sim_link(c->s, 0, 0)->up.cut = up;
	sim_link(c->s, 0, 0)->down.cut = down;
}

/* What the download loses with the link, ten times as much, must hold up neither. */
static void a_stream_notices_a_black_hole_for_60_ms(void **state)
{
	static const struct { bool up, down; } row[] = { { true, true }, { true, false }, { false, true } };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed += 2)
		for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
			struct scene c = begin(seed);
			nsec_t gap[2], latest[2];

			fall_silent(&c, row[i].up, row[i].down);
			look(&c, gap, latest);
			for (int d = SIM_UP; d <= SIM_DOWN; d++)
				assert_true(gap[d] < MSEC(60) && latest[d] < MSEC(90));
			end(&c);
		}
}

/* The hole never says that anything is lost: that must not count as under way for ever. */
static void what_the_other_link_loses_comes_all_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed += 2) {
		struct scene c = begin(seed);
		nsec_t gap[2], latest[2];

		fall_silent(&c, true, true);
		sim_link(c.s, 0, 1)->up.loss_ppm = sim_link(c.s, 0, 1)->down.loss_ppm = 50000;
		look(&c, gap, latest);
		assert_true(gap[SIM_UP] < MSEC(250) && gap[SIM_DOWN] < MSEC(250));
		end(&c);
	}
}

/* The client knows at once; the server hears of it half a round trip of the other link later. */
static void a_stream_notices_a_carrier_that_is_lost_for_a_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed += 2) {
		struct scene c = begin(seed);
		nsec_t gap[2], latest[2];

		sim_cut(c.s, 0, 0, true);
		sim_link_down(c.s, 0, 0);
		look(&c, gap, latest);
		assert_true(gap[SIM_UP] < MSEC(35) && gap[SIM_DOWN] < MSEC(60));
		end(&c);
	}
}

static void a_stream_does_not_notice_another_port(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed += 2) {
		struct scene c = begin(seed);
		nsec_t gap[2], latest[2];

		sim_link(c.s, 0, 0)->port = 50000;
		look(&c, gap, latest);
		assert_true(gap[SIM_UP] < MSEC(20) && gap[SIM_DOWN] < MSEC(20));
		assert_true(latest[SIM_UP] < MSEC(50) && latest[SIM_DOWN] < MSEC(90));
		assert_int_equal(sim_events(c.s, -1, ENGINE_PATH_ROAMED), 1);
		end(&c);
	}
}

/* When data last went into a link at each end, of trains: not a probe, nor what is said again. */
struct witness {
	nsec_t before[2], last[2];
};

static bool note(void *ctx, struct sim *s, unsigned client, unsigned link, enum sim_direction d,
		 uint8_t *datagram, size_t *len)
{
	struct witness *w = ctx;

	(void)client;
	(void)datagram;
	if (link != 0 || *len < 440)
		return true;
	if (sim_now(s) - w->before[d] < MSEC(10))
		w->last[d] = sim_now(s);
	w->before[d] = sim_now(s);
	return true;
}

/* One way of it takes so much longer, or both do. */
static void a_link_beyond_its_max_latency_is_left_within_a_round_trip(void **state)
{
	static const struct { nsec_t up, down; } row[] = {
		{ MSEC(160), MSEC(160) }, { MSEC(160), MSEC(10) }, { MSEC(10), MSEC(160) }, { MSEC(60), MSEC(60) },
		{ MSEC(110), MSEC(10) }, { MSEC(10), MSEC(110) },
	};
	const struct engine_link wish = { .weight = 1, .max_latency_ms = 100 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed += 2)
		for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
			struct scene c = begin(seed);
			struct witness w = { 0 };
			nsec_t gap[2], latest[2], at;

			sim_wish(c.s, 0, 0, &wish);
			sim_run(c.s, SEC(1));
			at = sim_now(c.s);
			sim_set_tap(c.s, note, &w);
			sim_link(c.s, 0, 0)->up.delay = row[i].up;
			sim_link(c.s, 0, 0)->down.delay = row[i].down;
			look(&c, gap, latest);
			for (int d = SIM_UP; d <= SIM_DOWN; d++) {
				printf("# %s: left after %.1f ms, of %.0f\n", d == SIM_UP ? "up" : "down",
				       ((double)w.last[d] - (double)at) / 1e6, (double)(row[i].up + row[i].down) / 1e6);
				assert_true(w.last[d] <= at + row[i].up + row[i].down + MSEC(3));
				assert_true(gap[d] < MSEC(60));
			}
			end(&c);
		}
}

/*
 * In half a minute whatever was under way is given up, in hundreds of places,
 * and the other end has forgotten the lane.
 */
static void after_half_a_minute_without_a_link_nothing_waits_for_what_was_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed += 2) {
		struct scene c = begin(seed);
		uint64_t before;
		unsigned ms = 0;

		for (unsigned i = 0; i < 2; i++) {
			sim_cut(c.s, 0, i, true);
			sim_link_down(c.s, 0, i);
		}
		sim_run(c.s, SEC(30));
		for (int d = SIM_UP; d <= SIM_DOWN; d++)
			sim_flow_forget(c.s, c.flow[d]);
		before = model_tcp_bytes(c.tcp);
		sim_cut(c.s, 0, 0, false);
		sim_link_up(c.s, 0, 0);
		for (; ms < 5000 && model_tcp_bytes(c.tcp) == before; ms++) {
			sim_run(c.s, MSEC(1));
			if (ms == 100)
				for (int d = SIM_UP; d <= SIM_DOWN; d++)
					assert_true(sim_flow_stats(c.s, c.flow[d]).received > 0);
		}
		printf("# the download goes on after %u ms\n", ms);
		assert_true(ms < 60);
		end(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a stream beside a download notices a black hole for 60 ms",
		     a_stream_notices_a_black_hole_for_60_ms),
		TEST("what the other link loses comes all the same", what_the_other_link_loses_comes_all_the_same),
		TEST("a stream notices a carrier that is lost for a round trip",
		     a_stream_notices_a_carrier_that_is_lost_for_a_round_trip),
		TEST("a stream does not notice another port", a_stream_does_not_notice_another_port),
		TEST("a link beyond its max-latency is left within a round trip",
		     a_link_beyond_its_max_latency_is_left_within_a_round_trip),
		TEST("after half a minute without a link nothing waits for what was lost",
		     after_half_a_minute_without_a_link_nothing_waits_for_what_was_lost),
	};

	return RUN_TESTS(tests);
}
