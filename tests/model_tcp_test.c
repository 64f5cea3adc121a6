/* model_tcp: it behaves as Linux does, before anybody believes what it measures. */
#include "sim/model_tcp.h"

#include <math.h>

#include "sim/segment.h"
#include "sim/tcp_sender.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

/* One bare link as netem on Ethernet would be, and what is done to its packets. */
struct bench {
	struct sim *sim;
	unsigned link;
	uint64_t data;			/* segments that entered, resent ones too */
	uint64_t lose_from, lose_to;	/* of these numbers, none passes */
	bool lose_copy;			/* nor does the next one sent again */
	uint32_t newest;		/* sequence number */
};

static bool is_lost_copy(struct bench *b, const uint8_t *packet, size_t len)
{
	struct segment seg;
	bool again;

	assert_true(segment_read(packet, len, &seg));
	again = seg.seq <= b->newest;
	b->newest = again ? b->newest : seg.seq;
	if (!again || !b->lose_copy)
		return false;
	b->lose_copy = false;
	return true;
}

static bool spoil(void *ctx, struct sim *s, unsigned client, unsigned link,
		  enum sim_direction direction, uint8_t *datagram, size_t *len)
{
	struct bench *b = ctx;

	(void)s;
	(void)client;
	(void)link;
	if (direction != SIM_UP || *len < 500)
		return true;
	b->data++;
	if (is_lost_copy(b, datagram, *len))
		return false;
	return b->data < b->lose_from || b->data >= b->lose_to;
}

static void set_up(struct bench *b, uint64_t seed, const struct sim_way *way)
{
	*b = (struct bench){ .sim = sim_new(seed, 1, "round-robin") };
	b->link = sim_add_bare(b->sim, 0, way, way);
	sim_set_tap(b->sim, spoil, b);
}

static struct sim_way netem(uint64_t rate, nsec_t delay, uint32_t loss_ppm)
{
	return (struct sim_way){ .rate = rate, .delay = delay, .loss_ppm = loss_ppm, .netem = true,
				 .normal = true, .framing = 14 };
}

static struct model_tcp *start(struct bench *b, struct model_tcp_config config)
{
	config.via = (struct sim_via){ .bare = true, .link = b->link };
	return model_tcp_new(b->sim, &config);
}

static void tear_down(struct bench *b, struct model_tcp *m)
{
	model_tcp_free(m);
	sim_free(b->sim);
}

static void slow_start_doubles_the_window_every_round_trip(void **state)
{
	struct sim_way way = netem(0, MSEC(20), 0);
	struct bench b;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 1, &way);
	m = start(&b, (struct model_tcp_config){ .no_hystart = true });
	sim_run(b.sim, MSEC(41));
	assert_int_equal(b.data, 10);	/* the initial window, after the handshake */
	for (uint32_t window = 20; window <= 320; window *= 2) {
		sim_run(b.sim, MSEC(40));
		/* the last ACK of a round may be a delayed one */
		assert_in_range(model_tcp_stats(m).window, window * 95 / 100, window);
	}
	assert_int_equal(model_tcp_stats(m).resent, 0);
	tear_down(&b, m);
}

/* 50 Mbit/s and 40 ms are 165 segments: it must stop before the queue of 1000 overflows. */
static void hystart_ends_slow_start_before_the_queue_is_full(void **state)
{
	struct sim_way way = netem(50 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp *m;

	(void)state;
	for (int with = 0; with < 2; with++) {
		set_up(&b, 2, &way);
		m = start(&b, (struct model_tcp_config){ .no_hystart = !with });
		sim_run(b.sim, SEC(1));
		assert_int_equal(model_tcp_stats(m).resent == 0, with);
		if (with)
			assert_in_range(model_tcp_stats(m).threshold, 60, 250);
		tear_down(&b, m);
	}
}

/*
 * A real kernel resent 2014 segments over 320 ms at 50 Mbit/s with a queue of
 * 1000: a burst's first ACKs are not late, and no train lasts half a round trip.
 */
static void hystart_does_not_see_a_queue_that_empties_between_bursts(void **state)
{
	struct sim_way way = netem(50 * MBIT, MSEC(320), 0);
	struct bench b;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 18, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, SEC(20));
	assert_in_range(model_tcp_stats(m).resent, 1600, 2400);
	assert_int_equal(model_tcp_stats(m).timeouts, 0);
	tear_down(&b, m);
}

/* RFC 9438: from W_max it falls to 0.7, is back after K = cbrt(0.3 W_max / 0.4), then beyond. */
static void after_a_loss_the_window_grows_as_a_cubic(void **state)
{
	struct sim_way way = netem(0, MSEC(100), 0);
	struct bench b;
	struct model_tcp *m;
	uint32_t most;
	nsec_t k;

	(void)state;
	set_up(&b, 3, &way);
	m = start(&b, (struct model_tcp_config){ .no_hystart = true });
	sim_run(b.sim, MSEC(1250));
	b.lose_from = b.data + 1;
	b.lose_to = b.data + 2;
	sim_run(b.sim, SEC(1));
	assert_int_equal(model_tcp_stats(m).recoveries, 1);
	most = (model_tcp_stats(m).threshold * 10 + 6) / 7;
	assert_in_range(most, 320, 2000);
	assert_in_range(model_tcp_stats(m).window, most * 69 / 100, most * 77 / 100);
	/* half of K after that, an eighth of the fall is still missing */
	k = (nsec_t)(cbrt(0.3 * most / 0.4) * 1e9);
	sim_run(b.sim, k / 2);
	assert_in_range(model_tcp_stats(m).window, most * 94 / 100, most * 99 / 100);
	sim_run(b.sim, k / 2);
	assert_in_range(model_tcp_stats(m).window, most * 99 / 100, most * 101 / 100);
	sim_run(b.sim, k / 2);
	assert_in_range(model_tcp_stats(m).window, most * 102 / 100, most * 108 / 100);
	tear_down(&b, m);
}

static void one_loss_is_repaired_in_a_round_trip_without_a_timeout(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp_stats t;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 4, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, MSEC(500));
	b.lose_from = b.data + 1;
	b.lose_to = b.data + 2;
	sim_run(b.sim, SEC(1));
	t = model_tcp_stats(m);
	assert_int_equal(t.resent, 1);
	assert_int_equal(t.recoveries, 1);
	assert_int_equal(t.timeouts, 0);
	assert_int_equal(t.undone, 0);
	assert_int_equal(t.duplicates, 0);
	/* one round trip of that link and its queue, no more */
	assert_true(t.longest_stall > MSEC(40));
	assert_true(t.longest_stall < t.srtt + MSEC(60));
	tear_down(&b, m);
}

static void a_burst_of_losses_is_repaired_without_a_timeout(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp_stats t;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 5, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, MSEC(500));
	b.lose_from = b.data + 1;
	b.lose_to = b.data + 21;
	sim_run(b.sim, SEC(1));
	t = model_tcp_stats(m);
	assert_int_equal(t.resent, 20);
	assert_int_equal(t.recoveries, 1);
	assert_int_equal(t.timeouts, 0);
	tear_down(&b, m);
}

/* The copy is lost too: RACK sees that by time, where counting duplicates could not. */
static void a_lost_copy_is_sent_again_without_a_timeout(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp_stats t;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 6, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, MSEC(500));
	b.lose_from = b.data + 1;
	b.lose_to = b.data + 2;
	while (b.data < b.lose_from)
		sim_run(b.sim, MSEC(1) / 8);
	b.lose_copy = true;
	sim_run(b.sim, SEC(2));
	t = model_tcp_stats(m);
	assert_false(b.lose_copy);
	assert_int_equal(t.resent, 2);
	assert_int_equal(t.timeouts, 0);
	assert_int_equal(t.duplicates, 0);
	tear_down(&b, m);
}

/* Three lost at the very end, where nothing comes behind them: the probe finds it out. */
static void a_lost_tail_is_found_without_a_timeout(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp_stats t;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 16, &way);
	b.lose_from = 498;
	b.lose_to = 501;
	m = start(&b, (struct model_tcp_config){ .bytes = 500 * 1448 });
	sim_run(b.sim, SEC(3));
	t = model_tcp_stats(m);
	assert_int_equal(t.timeouts, 0);
	assert_in_range(t.resent, 3, 4);
	assert_true(t.done_at > 0);
	/* two round trips and 8 ms, then two more for what the probe shows */
	assert_true(t.longest_stall < 5 * t.srtt);
	tear_down(&b, m);
}

/*
 * What a real kernel did (6.18, its defaults: tcp_wmem 4 MB) over 320 ms and much rate: 2716
 * segments of 1448 bytes under way, never more.  44 Mbit/s, as its application sleeps until a
 * third of the buffer is free; here it never sleeps.
 */
static void what_is_under_way_fits_the_send_buffer(void **state)
{
	struct sim_way way = netem(200 * MBIT, MSEC(320), 0);
	struct bench b;
	struct model_tcp *m;

	(void)state;
	way.queue = 10000;
	set_up(&b, 19, &way);
	m = start(&b, (struct model_tcp_config){ .no_hystart = true });
	sim_run(b.sim, SEC(20));
	assert_true(model_tcp_stats(m).window > 2716);
	assert_true(model_tcp_rate(m, 10, 20) < 2716 * 1448 * 8 / 0.64 / 1e6);
	assert_true(model_tcp_rate(m, 10, 20) > 44);
	tear_down(&b, m);
}

/* RFC 6937: while it recovers, what it sends is 0.7 of what arrives. */
static void recovery_sends_in_proportion_to_what_arrives(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp *m;
	uint64_t before;
	uint32_t window;

	(void)state;
	set_up(&b, 17, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, SEC(2));
	b.lose_from = b.data + 1;
	b.lose_to = b.data + 2;
	while (model_tcp_stats(m).recoveries == 0)
		sim_run(b.sim, MSEC(1));
	window = model_tcp_stats(m).threshold * 10 / 7;
	before = b.data;
	sim_run(b.sim, model_tcp_stats(m).srtt * 9 / 10);
	assert_in_range(b.data - before, window * 9 / 10 * 6 / 10, window * 9 / 10 * 8 / 10);
	tear_down(&b, m);
}

/* When that timeout has come; fails when it does not within 5 s. */
static nsec_t timed_out_at(struct bench *b, const struct model_tcp *m, unsigned number)
{
	for (int i = 0; i < 5000 && model_tcp_stats(m).timeouts < number; i++)
		sim_run(b->sim, MSEC(1));
	assert_int_equal(model_tcp_stats(m).timeouts, number);
	return sim_now(b->sim);
}

/* Silence, then the timeout, 200 ms beyond the round trip, doubled each time. */
static void silence_ends_in_a_timeout_that_backs_off(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp_stats t;
	struct model_tcp *m;
	nsec_t cut_at, at[3];
	uint64_t before;

	(void)state;
	way.queue = 100;
	set_up(&b, 7, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, SEC(2));
	t = model_tcp_stats(m);
	assert_int_equal(t.timeouts, 0);
	assert_in_range(t.rto, t.srtt + MSEC(200), t.srtt + MSEC(220));
	sim_cut(b.sim, 0, b.link, true);
	cut_at = sim_now(b.sim);
	for (unsigned i = 0; i < 3; i++)
		at[i] = timed_out_at(&b, m, i + 1);
	/* what was under way is still answered, and then there may be a probe */
	assert_in_range(at[0] - cut_at, t.rto, t.rto + MSEC(40) + 4 * t.srtt);
	assert_in_range(at[1] - at[0], 2 * t.rto - MSEC(20), 2 * t.rto + MSEC(60));
	assert_in_range(at[2] - at[1], 2 * (at[1] - at[0]) - MSEC(4), 2 * (at[1] - at[0]) + MSEC(4));
	assert_int_equal(model_tcp_stats(m).window, 1);
	before = model_tcp_stats(m).bytes;
	sim_cut(b.sim, 0, b.link, false);
	sim_run(b.sim, SEC(8));
	assert_true(model_tcp_stats(m).bytes - before > 8000000);
	assert_true(model_tcp_stats(m).longest_stall > at[2] - cut_at);
	tear_down(&b, m);
}

/* tcp_fastretrans_alert(), FLAG_LOST_RETRANS: the network is still overloaded, so the window falls again. */
static void a_copy_that_is_lost_after_a_timeout_is_a_loss_of_its_own(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp *m;
	uint64_t bytes;
	unsigned recoveries;
	uint32_t threshold;

	(void)state;
	way.queue = 100;
	set_up(&b, 20, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, SEC(2));
	sim_link(b.sim, 0, b.link)->up.cut = true;
	timed_out_at(&b, m, 1);
	sim_link(b.sim, 0, b.link)->up.cut = false;
	bytes = model_tcp_stats(m).bytes;
	assert_true(model_tcp_stats(m).undone == 0);
	while (model_tcp_stats(m).bytes == bytes)
		sim_run(b.sim, MSEC(1));
	recoveries = model_tcp_stats(m).recoveries;
	threshold = model_tcp_stats(m).threshold;
	b.lose_copy = true;
	sim_run(b.sim, SEC(1));
	assert_false(b.lose_copy);
	assert_int_equal(model_tcp_stats(m).recoveries, recoveries + 1);
	assert_int_equal(model_tcp_stats(m).undone, 0);
	assert_true(model_tcp_stats(m).threshold < threshold);
	tear_down(&b, m);
}

static void a_delay_that_causes_a_timeout_is_seen_as_spurious(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp *m;
	uint32_t window;

	(void)state;
	set_up(&b, 8, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, SEC(1));
	window = model_tcp_stats(m).window;
	sim_link(b.sim, 0, b.link)->up.delay = MSEC(700);
	sim_run(b.sim, MSEC(650));
	sim_link(b.sim, 0, b.link)->up.delay = MSEC(20);
	sim_run(b.sim, SEC(1));
	assert_true(model_tcp_stats(m).timeouts >= 1);
	assert_true(model_tcp_stats(m).undone >= 1);
	assert_true(model_tcp_stats(m).window >= window);
	tear_down(&b, m);
}

static void two_flows_share_a_link_about_evenly(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp *one, *two;
	double first, second;

	(void)state;
	way.queue = 100;
	set_up(&b, 9, &way);
	one = start(&b, (struct model_tcp_config){ 0 });
	two = start(&b, (struct model_tcp_config){ .after = SEC(2) });
	sim_run(b.sim, SEC(62));
	first = model_tcp_rate(one, 22, 62);
	second = model_tcp_rate(two, 20, 60);
	assert_true(first + second > 18.5 && first + second < 19.2);
	assert_true(first / second > 0.6 && first / second < 1.7);
	model_tcp_free(two);
	tear_down(&b, one);
}

/* Every packet up to a quarter of the round trip later than another. */
static void reordering_within_a_quarter_of_a_round_trip_is_no_loss(void **state)
{
	struct sim_way way = { .delay = MSEC(20), .jitter = MSEC(10), .reorders = true };
	struct bench b;
	struct model_tcp_stats begun, t;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 10, &way);
	sim_link(b.sim, 0, b.link)->down.jitter = 0;
	m = start(&b, (struct model_tcp_config){ .bytes = 20000000 });
	sim_run(b.sim, SEC(1));
	begun = model_tcp_stats(m);
	assert_true(begun.recoveries <= 1);	/* three duplicates, before any reordering was seen */
	sim_run(b.sim, SEC(20));
	t = model_tcp_stats(m);
	assert_true(t.done_at > 0);
	assert_true(t.reordered > 1000);
	assert_int_equal(t.recoveries, begun.recoveries);
	assert_int_equal(t.timeouts, 0);
	assert_int_equal(t.resent, begun.resent);
	tear_down(&b, m);
}

static void reordering_beyond_that_widens_the_reordering_window(void **state)
{
	struct sim_way way = { .delay = MSEC(20), .jitter = MSEC(30), .reorders = true };
	struct bench b;
	struct model_tcp *m;
	unsigned early, late;

	(void)state;
	for (int no_times = 0; no_times < 2; no_times++) {
		set_up(&b, 11, &way);
		m = start(&b, (struct model_tcp_config){ .duration = SEC(8), .no_times = no_times });
		sim_run(b.sim, SEC(4));
		early = model_tcp_stats(m).recoveries;
		sim_run(b.sim, SEC(5));
		late = model_tcp_stats(m).recoveries - early;
		assert_true(early > 0);
		assert_true(late < early);
		/* by timestamps, or by DSACK alone */
		assert_true(model_tcp_stats(m).undone > 0);
		assert_true(model_tcp_stats(m).duplicates > 0);
		tear_down(&b, m);
	}
}

static void count_segment(void *ctx, uint64_t segment)
{
	(void)segment;
	++*(unsigned *)ctx;
}

static void ignore_round_trip(void *ctx, nsec_t rtt)
{
	(void)ctx;
	(void)rtt;
}

/* An ACK of all below, which also says that the last of them came twice. */
static void acknowledge_twice(struct tcp_sender *t, uint64_t ack, nsec_t now)
{
	const struct tcp_ack a = { .ack = ack, .right = 1000, .block = { { ack - 1, ack } }, .blocks = 1 };

	tcp_sender_ack(t, &a, now);
}

/* RFC 8985, 6.2 step 4: once in a round trip, however many come in it. */
static void duplicates_widen_it_once_in_a_round_trip(void **state)
{
	struct tcp_sender t;
	unsigned sent = 0;

	(void)state;
	tcp_sender_init(&t, 1448, false);
	t.send = count_segment;
	t.sampled = ignore_round_trip;
	t.ctx = &sent;
	tcp_sender_start(&t, MSEC(40), 1000, SEC(1));
	assert_int_equal(sent, 10);
	acknowledge_twice(&t, 1, SEC(1) + MSEC(40));
	assert_int_equal(t.reorder_steps, 1);	/* nothing has been seen to change its place */
	tcp_sender_ack(&t, &(struct tcp_ack){ .ack = 1, .right = 1000, .block = { { 3, 4 } }, .blocks = 1 },
		       SEC(1) + MSEC(40));
	tcp_sender_ack(&t, &(struct tcp_ack){ .ack = 4, .right = 1000 }, SEC(1) + MSEC(41));
	assert_true(t.reordering_seen);
	for (uint64_t ack = 5; ack <= 10; ack++) {
		acknowledge_twice(&t, ack, SEC(1) + MSEC(41));
		assert_int_equal(t.reorder_steps, 2);
	}
	for (uint64_t ack = 11; ack <= t.next && ack <= 30; ack++)
		acknowledge_twice(&t, ack, SEC(1) + MSEC(81));
	assert_int_equal(t.reorder_steps, 3);
	tcp_sender_done(&t);
}

static void every_second_segment_is_acknowledged(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct bench b;
	struct model_tcp *m;
	uint64_t data, acks;

	(void)state;
	set_up(&b, 12, &way);
	m = start(&b, (struct model_tcp_config){ 0 });
	sim_run(b.sim, SEC(1));
	data = sim_link(b.sim, 0, b.link)->up_packets;
	acks = sim_link(b.sim, 0, b.link)->down_packets;
	sim_run(b.sim, MSEC(500));
	data = sim_link(b.sim, 0, b.link)->up_packets - data;
	acks = sim_link(b.sim, 0, b.link)->down_packets - acks;
	assert_in_range(acks * 2, data - data / 20, data + data / 20);
	tear_down(&b, m);
}

/* The design's figures, made by a real kernel over real netem: 48, 4.5 and 1.9 Mbit/s. */
static void plain_tcp_makes_of_a_link_what_linux_makes_of_it(void **state)
{
	static const struct {
		uint32_t loss_ppm;
		double real;
	} row[] = { { 0, 48 }, { 5000, 4.5 }, { 20000, 1.9 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct sim_way way = netem(50 * MBIT, MSEC(20), row[i].loss_ppm);
		double sum = 0;

		for (uint64_t seed = 1; seed <= 5; seed++) {
			struct bench b;
			struct model_tcp *m;

			set_up(&b, seed, &way);
			m = start(&b, (struct model_tcp_config){ 0 });
			sim_run(b.sim, SEC(20));
			sum += model_tcp_rate(m, 5, 20);
			tear_down(&b, m);
		}
		assert_true(sum / 5 > row[i].real * 0.75 && sum / 5 < row[i].real * 1.25);
	}
}

static void it_runs_through_the_tunnel_in_both_directions(void **state)
{
	struct sim *s = sim_new(13, 1, "round-robin");
	struct sim_way way = netem(20 * MBIT, MSEC(20), 0);
	struct model_tcp_config config = { .bytes = 3000000 };
	struct model_tcp *up, *down;

	(void)state;
	sim_add_ways(s, 0, &way, &way);
	sim_run(s, SEC(1));
	up = model_tcp_new(s, &config);
	config.direction = SIM_DOWN;
	down = model_tcp_new(s, &config);
	sim_run(s, SEC(5));
	/* 3 MB at 18.4 Mbit/s are 1.3 s; the ACKs of the other need some of it */
	assert_true(model_tcp_stats(up).done_at > MSEC(1300));
	assert_true(model_tcp_stats(up).done_at < MSEC(2000));
	assert_true(model_tcp_stats(down).done_at < MSEC(2000));
	assert_true(model_tcp_stats(down).bytes >= 3000000);
	assert_int_equal(sim_drops(s, -1, DROP_INNER_INVALID), 0);
	model_tcp_free(up);
	model_tcp_free(down);
	sim_free(s);
}

static void without_timestamps_it_works_too(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 10000);
	struct bench b;
	struct model_tcp *m;

	(void)state;
	set_up(&b, 14, &way);
	m = start(&b, (struct model_tcp_config){ .no_times = true, .bytes = 1000000 });
	sim_run(b.sim, SEC(10));
	assert_true(model_tcp_stats(m).done_at > 0);
	assert_true(model_tcp_stats(m).resent > 0);
	tear_down(&b, m);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	struct sim_way way = netem(20 * MBIT, MSEC(20), 5000);
	uint64_t trace[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bench b;
		struct model_tcp *m;

		set_up(&b, 15, &way);
		m = start(&b, (struct model_tcp_config){ 0 });
		sim_run(b.sim, SEC(5));
		trace[i] = sim_trace(b.sim);
		tear_down(&b, m);
	}
	assert_true(trace[0] == trace[1]);
}

/* RFC 1071 over header and pseudo header is 0 in a good packet; a changed one is not. */
static void its_packets_have_good_checksums(void **state)
{
	const struct segment seg = { .src = { 10, 84, 0, 2 }, .dst = { 10, 84, 0, 1 }, .seq = 7,
				     .src_port = 1, .dst_port = 2, .has_ack = true, .ack = 9,
				     .has_times = true, .time = 5, .echo = 6, .payload = 1001,
				     .block = { { 100, 200 } }, .blocks = 1 };
	uint8_t packet[SEGMENT_MAX];
	size_t len = segment_write(&seg, packet);
	struct segment back;
	uint32_t pseudo;

	(void)state;
	assert_int_equal(checksum_fold(checksum_add(0, packet, 20)), 0);
	pseudo = checksum_add(6 + (uint32_t)(len - 20), packet + 12, 8);
	assert_int_equal(checksum_fold(checksum_add(pseudo, packet + 20, len - 20)), 0);
	assert_true(segment_read(packet, len, &back));
	assert_int_equal(back.payload, 1001);
	assert_int_equal(back.block[0].to, 200);
	assert_int_equal(back.echo, 6);
	packet[40]++;
	assert_int_not_equal(checksum_fold(checksum_add(pseudo, packet + 20, len - 20)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("slow start doubles the window every round trip",
		     slow_start_doubles_the_window_every_round_trip),
		TEST("HyStart ends slow start before the queue is full",
		     hystart_ends_slow_start_before_the_queue_is_full),
		TEST("HyStart does not see a queue that empties between bursts",
		     hystart_does_not_see_a_queue_that_empties_between_bursts),
		TEST("after a loss the window grows as a cubic",
		     after_a_loss_the_window_grows_as_a_cubic),
		TEST("one loss is repaired in a round trip without a timeout",
		     one_loss_is_repaired_in_a_round_trip_without_a_timeout),
		TEST("a burst of losses is repaired without a timeout",
		     a_burst_of_losses_is_repaired_without_a_timeout),
		TEST("a lost copy is sent again without a timeout",
		     a_lost_copy_is_sent_again_without_a_timeout),
		TEST("a lost tail is found without a timeout", a_lost_tail_is_found_without_a_timeout),
		TEST("what is under way fits the send buffer", what_is_under_way_fits_the_send_buffer),
		TEST("recovery sends in proportion to what arrives",
		     recovery_sends_in_proportion_to_what_arrives),
		TEST("silence ends in a timeout that backs off",
		     silence_ends_in_a_timeout_that_backs_off),
		TEST("a copy that is lost after a timeout is a loss of its own",
		     a_copy_that_is_lost_after_a_timeout_is_a_loss_of_its_own),
		TEST("a delay that causes a timeout is seen as spurious",
		     a_delay_that_causes_a_timeout_is_seen_as_spurious),
		TEST("two flows share a link about evenly", two_flows_share_a_link_about_evenly),
		TEST("reordering within a quarter of a round trip is no loss",
		     reordering_within_a_quarter_of_a_round_trip_is_no_loss),
		TEST("reordering beyond that widens the reordering window",
		     reordering_beyond_that_widens_the_reordering_window),
		TEST("duplicates widen it once in a round trip", duplicates_widen_it_once_in_a_round_trip),
		TEST("every second segment is acknowledged", every_second_segment_is_acknowledged),
		TEST("plain TCP makes of a link what Linux makes of it",
		     plain_tcp_makes_of_a_link_what_linux_makes_of_it),
		TEST("it runs through the tunnel in both directions",
		     it_runs_through_the_tunnel_in_both_directions),
		TEST("without timestamps it works too", without_timestamps_it_works_too),
		TEST("the same seed gives the same run", the_same_seed_gives_the_same_run),
		TEST("its packets have good checksums", its_packets_have_good_checksums),
	};

	return RUN_TESTS(tests);
}
