/* model_quic: a sender as RFC 9002 has it, by hand and over a link. */
#include <string.h>

#include "sim/model_quic.h"
#include "sim/quic_sender.h"
#include "tap.h"

#define START	SEC(1000)

static uint64_t last_number, last_chunk, chunk_of[64];
static unsigned sent;

static void note_send(void *ctx, uint64_t number, uint64_t chunk)
{
	(void)ctx;
	last_number = number;
	last_chunk = chunk;
	if (number < 64)
		chunk_of[number] = chunk;
	sent++;
}

/* Ten packets are under way, numbers and chunks 0 to 9. */
static void begin(struct quic_sender *q, bool reno)
{
	sent = 0;
	quic_sender_init(q, reno, START);
	q->send = note_send;
	quic_sender_tick(q, START);
	while (sent < 10)
		quic_sender_tick(q, quic_sender_due(q));
	assert_int_equal(q->in_flight, 10);
}

/* It is early enough for no time threshold to have passed. */
static void ack(struct quic_sender *q, uint64_t first, uint64_t last, nsec_t at)
{
	const struct frame_run run = { first, last };

	quic_sender_ack(q, &run, 1, 0, at);
}

static void reordering_of_two_is_nothing_and_of_three_a_loss(void **state)
{
	struct quic_sender q;
	uint32_t window;

	(void)state;
	begin(&q, false);
	window = q.cubic.window;
	ack(&q, 1, 2, START + SEC(1));
	assert_int_equal(q.lost, 0);
	assert_true(q.cubic.window > window);
	window = q.cubic.window;
	ack(&q, 1, 3, START + SEC(1));
	assert_int_equal(q.lost, 1);
	assert_int_equal(q.losses, 1);
	assert_true(q.cubic.window <= (window + 1) * 7 / 10 + 1);
	/* it comes after all: nothing of that is taken back */
	window = q.cubic.window;
	ack(&q, 0, 3, START + SEC(1));
	assert_int_equal(q.spurious, 1);
	assert_int_equal(q.cubic.window, window);
	quic_sender_done(&q);
}

static void what_is_lost_goes_first_and_under_a_new_number(void **state)
{
	struct quic_sender q;

	(void)state;
	begin(&q, true);
	ack(&q, 4, 9, START + SEC(1));
	assert_int_equal(q.lost, 4);
	assert_int_equal(q.losses, 1);		/* one window for all of them */
	assert_int_equal(q.cubic.window, 5);
	assert_int_equal(last_number, 14);
	assert_int_equal(q.in_flight, 5);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(chunk_of[10 + i], i);
	assert_int_equal(chunk_of[14], 10);
	quic_sender_done(&q);
}

static void the_time_threshold_settles_the_last_ones(void **state)
{
	struct quic_sender q;

	(void)state;
	begin(&q, false);
	q.stopped = true;
	ack(&q, 0, 7, START + SEC(1));
	ack(&q, 9, 9, START + SEC(1));
	assert_int_equal(q.lost, 0);
	assert_true(q.loss_at > START + SEC(1) && q.loss_at < START + MSEC(1600));
	quic_sender_tick(&q, q.loss_at);
	assert_int_equal(q.lost, 1);
	assert_int_equal(last_chunk, 8);
	quic_sender_done(&q);
}

static void silence_is_probed_ever_more_seldom(void **state)
{
	struct quic_sender q;
	nsec_t first, second;

	(void)state;
	begin(&q, false);
	first = quic_sender_due(&q);
	assert_in_range(first - START, MSEC(600), SEC(1));
	quic_sender_tick(&q, first);
	assert_int_equal(sent, 12);
	assert_int_equal(last_chunk, 1);
	assert_int_equal(q.lost, 0);
	second = quic_sender_due(&q);
	assert_int_equal(second - first, 4 * MSEC(333) );
	quic_sender_done(&q);
}

static struct model_quic_stats over(const struct sim_way *way, bool reno, unsigned seconds)
{
	struct sim *s = sim_new(1, 1, "aggregate");
	struct model_quic_config config = { .via.bare = true, .reno = reno };
	struct model_quic_stats stats;
	struct model_quic *m;

	config.via.link = sim_add_bare(s, 0, way, way);
	m = model_quic_new(s, &config);
	sim_run(s, SEC(seconds));
	stats = model_quic_stats(m);
	model_quic_free(m);
	sim_free(s);
	return stats;
}

static double mbit(const struct model_quic_stats *stats, unsigned from, unsigned to)
{
	uint64_t bytes = 0;

	for (unsigned i = from; i < to; i++)
		bytes += stats->second[i];
	return (double)bytes * 8e-6 / (to - from);
}

static void it_fills_a_link(void **state)
{
	const struct sim_way way = { .rate = 20000000, .delay = MSEC(20), .queue = 200 };

	(void)state;
	for (unsigned reno = 0; reno < 2; reno++) {
		struct model_quic_stats stats = over(&way, reno, 20);

		assert_true(mbit(&stats, 5, 20) > 20 * 0.95 * 1435 / 1500);
		assert_int_equal(stats.deepest, 0);
	}
}

static void a_thousandth_of_loss_costs_it_what_it_costs_a_reno(void **state)
{
	const struct sim_way way = { .rate = 50000000, .delay = MSEC(20), .loss_ppm = 1000, .queue = 5000 };
	struct model_quic_stats stats = over(&way, true, 60);

	(void)state;
	/* 1.22 × MSS / (RTT × √p), within a third */
	assert_true(mbit(&stats, 10, 60) > 13.6 * 0.67 && mbit(&stats, 10, 60) < 13.6 * 1.33);
	/* the queue takes all that its slow start is too much */
	assert_in_range(stats.lost, stats.sent / 2000, stats.sent / 500);
	assert_int_equal(stats.spurious, 0);
}

static void a_link_that_reorders_deeply_starves_it(void **state)
{
	struct sim_way way = { .rate = 50000000, .delay = MSEC(20), .jitter = MSEC(3), .reorders = true };
	struct model_quic_stats stats = over(&way, false, 20);

	(void)state;
	assert_true(stats.deepest > 3);
	assert_true(stats.lost > 30);
	assert_int_equal(stats.spurious, stats.lost);
	assert_true(mbit(&stats, 5, 20) < 10);
}

static void the_stream_goes_on_after_an_outage(void **state)
{
	const struct sim_way way = { .rate = 20000000, .delay = MSEC(20) };
	struct sim *s = sim_new(1, 1, "aggregate");
	struct model_quic_config config = { .via.bare = true };
	struct model_quic_stats before, after;
	struct model_quic *m;

	(void)state;
	config.via.link = sim_add_bare(s, 0, &way, &way);
	m = model_quic_new(s, &config);
	sim_run(s, SEC(3));
	sim_cut(s, 0, config.via.link, true);
	sim_run(s, SEC(2));
	before = model_quic_stats(m);
	sim_cut(s, 0, config.via.link, false);
	sim_run(s, SEC(5));
	after = model_quic_stats(m);
	assert_true(after.bytes - before.bytes > 5 * 20000000 / 8 / 2);
	model_quic_free(m);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("reordering of two is nothing, and of three a loss",
		     reordering_of_two_is_nothing_and_of_three_a_loss),
		TEST("what is lost goes first, and under a new number",
		     what_is_lost_goes_first_and_under_a_new_number),
		TEST("the time threshold settles the last ones", the_time_threshold_settles_the_last_ones),
		TEST("silence is probed ever more seldom", silence_is_probed_ever_more_seldom),
		TEST("it fills a link", it_fills_a_link),
		TEST("a thousandth of loss costs it what it costs a Reno",
		     a_thousandth_of_loss_costs_it_what_it_costs_a_reno),
		TEST("a link that reorders deeply starves it", a_link_that_reorders_deeply_starves_it),
		TEST("the stream goes on after an outage", the_stream_goes_on_after_an_outage),
	};

	return RUN_TESTS(tests);
}
