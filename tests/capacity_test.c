/* capacity: what a path is believed to carry, by what arrived, when, and of how much. */
#include <stdio.h>

#include "core/path/capacity.h"
#include "tap.h"

#define PACKET	1500
#define RTT	MSEC(40)
#define RATE	UINT64_C(6250000)	/* 50 Mbit/s */

/* A path that carries `rate`, as long as that does not change: an ACK for each packet. */
struct way {
	struct capacity capacity;
	struct standing standing;
	nsec_t now, sent_at;
	uint64_t delivered, in_flight;
	unsigned rounds;	/* that were filled */
	struct capacity_round round;	/* the last one */
};

static void open_way(struct way *w)
{
	*w = (struct way){ .now = SEC(1), .sent_at = SEC(1) - RTT };
	w->capacity.mtu = PACKET;
	capacity_init(&w->capacity, w->now);
}

/* The next ACK comes now, of a packet that took as long. */
static void ack(struct way *w, uint64_t rate, nsec_t rtt, enum capacity_use use)
{
	uint64_t flight = rate * RTT / NSEC_PER_SEC;
	struct congestion_ack a = { .now = w->now, .in_flight = w->in_flight };

	w->delivered += PACKET;
	a.sample = (struct delivery_sample){
		.acked = PACKET, .delivered = w->delivered, .at = w->now,
		.sent_at = w->sent_at, .interval = RTT,
		.prior = w->delivered > flight ? w->delivered - flight : 0,
	};
	capacity_count(&w->capacity, &a.sample, w->standing.floor == 0);
	standing_acked(&w->standing, rtt, rtt, w->now);
	capacity_acked(&w->capacity, &w->standing, &a.sample, use);
	if (capacity_ends_round(&w->capacity, &w->standing, &a, use, &w->round))
		w->rounds += w->round.filled;
}

/* For that time; of a hundred bytes that are sent `more` do not arrive, but stay under way. */
static void carry(struct way *w, uint64_t rate, nsec_t time, double more, enum capacity_use use)
{
	nsec_t step = PACKET * NSEC_PER_SEC / rate;

	for (nsec_t end = w->now + time; w->now < end; w->now += step) {
		w->sent_at += step;
		w->in_flight += (uint64_t)(more / 100 * PACKET);
		ack(w, rate, RTT, use);
	}
}

/* Full, so that each round ages what is known. */
static void carry_full(struct way *w, uint64_t rate, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		carry(w, rate, RTT, 0, CAPACITY_USED);
		capacity_age(&w->capacity);
	}
}

static void make_jittery(struct way *w)
{
	for (unsigned i = 0; i < 2 * JITTER_CALM; i++)
		standing_calm(&w->standing, i % 2 != 0 ? RTT + MSEC(6) : RTT - MSEC(6));
	assert_true(standing_is_jittery(&w->standing));
}

static void assert_rate(const struct way *w, uint64_t rate)
{
	printf("# %.2f of %.2f MB/s\n", (double)capacity_rate(&w->capacity) / 1e6, (double)rate / 1e6);
	assert_in_range(capacity_rate(&w->capacity), rate - rate / 50, rate + rate / 50);
}

static void what_arrives_is_believed_and_less_only_after_eight_full_rounds(void **state)
{
	struct way w;

	(void)state;
	open_way(&w);
	carry_full(&w, RATE, 20);
	assert_rate(&w, RATE);
	carry(&w, RATE / 2, SEC(5), 0, CAPACITY_USED);	/* nobody says that these were full */
	assert_rate(&w, RATE);
	carry_full(&w, RATE / 2, 7);
	assert_rate(&w, RATE);
	carry_full(&w, RATE / 2, 3);
	assert_rate(&w, RATE / 2);
	carry_full(&w, 2 * RATE, 3);
	assert_rate(&w, 2 * RATE);
}

static void who_has_little_to_send_does_not_make_a_path_slow(void **state)
{
	struct way w;

	(void)state;
	open_way(&w);
	carry_full(&w, RATE, 20);
	w.rounds = 0;
	for (int i = 0; i < 100; i++) {
		capacity_idle(&w.capacity, RATE / 8);
		carry_full(&w, RATE / 4, 1);
	}
	assert_rate(&w, RATE);
	assert_in_range(w.rounds, 0, 2);
	capacity_idle(&w.capacity, RATE);
	carry_full(&w, 2 * RATE, 2);	/* more is more all the same */
	assert_rate(&w, 2 * RATE);
}

static void a_queue_that_drains_does_not_make_a_path_fast(void **state)
{
	struct way w;

	(void)state;
	open_way(&w);
	carry_full(&w, RATE, 20);
	carry(&w, 2 * RATE, SEC(1), 0, CAPACITY_DRAINED);
	assert_rate(&w, RATE);
}

/* Each time what was sent in 10 ms arrives in 20, and all of it has waited. */
static void a_queue_that_never_ends_makes_a_path_slow_whoever_fills_it(void **state)
{
	struct way w;

	(void)state;
	open_way(&w);
	carry_full(&w, RATE, 20);
	for (int i = 0; i < 1000; i++) {
		capacity_idle(&w.capacity, RATE);
		w.now += 2 * (PACKET * NSEC_PER_SEC / RATE);
		w.sent_at += PACKET * NSEC_PER_SEC / RATE;
		ack(&w, RATE / 2, RTT + MSEC(100), CAPACITY_USED);
	}
	assert_rate(&w, RATE / 2);
}

static void where_it_jitters_a_rate_comes_down_only_by_evidence(void **state)
{
	struct way w;

	(void)state;
	open_way(&w);
	make_jittery(&w);
	carry(&w, RATE, SEC(10), 0, CAPACITY_USED);
	assert_rate(&w, RATE);
	carry(&w, RATE / 2, SEC(10), 4, CAPACITY_USED);
	assert_rate(&w, RATE);
	carry(&w, RATE / 2, SEC(20), 6, CAPACITY_USED);	/* more than 5 % stay under way */
	assert_rate(&w, RATE / 2);
}

static void a_queue_settles_the_rate_when_more_was_sent_than_arrived(void **state)
{
	static const double more[] = { 2.9, 3.1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		struct way w;

		open_way(&w);
		carry_full(&w, RATE, 20);
		carry(&w, RATE * 9 / 10, SEC(1), more[i], CAPACITY_USED);
		capacity_settle(&w.capacity, &w.standing);
		assert_rate(&w, more[i] > 3 ? RATE * 9 / 10 : RATE);
	}
}

/* The least of four batches of 187 packets: bursts are something else. */
static void what_is_always_lost_is_told_from_what_is_lost_now_and_then(void **state)
{
	struct way w;

	(void)state;
	open_way(&w);
	for (int i = 0; i < 20; i++) {
		int lost = i % 4 == 0 ? 4 : 40;

		for (int n = 0; n < lost; n++)
			capacity_lost(&w.capacity, PACKET);
		carry(&w, RATE, (187 - (nsec_t)lost) * PACKET * NSEC_PER_SEC / RATE, 0, CAPACITY_USED);
	}
	printf("# %.2f %% are always lost\n", 100 * w.capacity.loss);
	assert_true(w.capacity.loss > 3.9 / 187 && w.capacity.loss < 4.1 / 187);
}

/* Nothing for 20 ms, and then all at once. */
static void acks_that_come_in_bunches_are_allowed_for(void **state)
{
	nsec_t time = 84 * PACKET * NSEC_PER_SEC / RATE;
	struct way w;

	(void)state;
	open_way(&w);
	carry_full(&w, RATE, 20);
	assert_in_range(capacity_extra(&w.capacity), 0, 2 * PACKET);
	for (int i = 0; i < 10; i++) {
		w.now += time;
		w.sent_at += time;
		for (int n = 0; n < 84; n++)
			ack(&w, RATE, RTT, CAPACITY_USED);
	}
	assert_in_range(capacity_extra(&w.capacity), 80 * PACKET, 88 * PACKET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what arrives is believed, and less only after eight full rounds",
		     what_arrives_is_believed_and_less_only_after_eight_full_rounds),
		TEST("who has little to send does not make a path slow",
		     who_has_little_to_send_does_not_make_a_path_slow),
		TEST("a queue that drains does not make a path fast",
		     a_queue_that_drains_does_not_make_a_path_fast),
		TEST("a queue that never ends makes a path slow, whoever fills it",
		     a_queue_that_never_ends_makes_a_path_slow_whoever_fills_it),
		TEST("where it jitters a rate comes down only by evidence",
		     where_it_jitters_a_rate_comes_down_only_by_evidence),
		TEST("a queue settles the rate when more was sent than arrived",
		     a_queue_settles_the_rate_when_more_was_sent_than_arrived),
		TEST("what is always lost is told from what is lost now and then",
		     what_is_always_lost_is_told_from_what_is_lost_now_and_then),
		TEST("ACKs that come in bunches are allowed for", acks_that_come_in_bunches_are_allowed_for),
	};

	return RUN_TESTS(tests);
}
