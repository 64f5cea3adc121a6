/* thinner: which acknowledgements of a beginning TCP go on, when, and in which order. */
#include <stdlib.h>

#include "core/flow/thinner.h"
#include "tap.h"

#define POOL		400
#define FLOW		7u
#define MSS		1200u
#define UNDER_WAY	(16 * MSS)	/* from there on acknowledgements are thinned */
#define ROUND		MSEC(50)
#define START		SEC(100)

struct fixture {
	struct thinner *t;
	struct buf_pool *pool;
	struct buf_queue out;
	nsec_t now;
	uint32_t sent, acked;	/* as the sender of FLOW counts */
};

static struct fixture *prepare_at(uint32_t first)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->t = thinner_new();
	f->pool = buf_pool_new(POOL);
	assert_true(f->t != NULL && f->pool != NULL);
	f->now = START;
	f->sent = f->acked = first;
	return f;
}

static struct fixture *prepare(void)
{
	return prepare_at(1000000);
}

static void finish(struct fixture *f)
{
	buf_queue_clear(&f->out);
	thinner_free(f->t);
	assert_int_equal(buf_pool_left(f->pool), POOL);
	buf_pool_free(f->pool);
	free(f);
}

/* Every deadline on the way is kept. */
static void pass_time(struct fixture *f, nsec_t time)
{
	nsec_t end = f->now + time;

	while (thinner_deadline(f->t) <= end) {
		f->now = nsec_max(f->now, thinner_deadline(f->t));
		thinner_tick(f->t, &f->out, f->now);
		assert_true(thinner_deadline(f->t) > f->now);
	}
	f->now = end;
}

static void send_of(struct fixture *f, uint32_t flow, uint32_t seq, uint32_t len)
{
	const struct tcp segment = { .seq = seq, .end = seq + len, .has_ack = true };

	thinner_sent(f->t, flow, &segment, f->now);
}

static void send(struct fixture *f, uint32_t len)
{
	send_of(f, FLOW, f->sent, len);
	f->sent += len;
}

/* It goes in with that label; what goes on has it, too. */
static void take(struct fixture *f, uint32_t flow, struct tcp segment, uint32_t label)
{
	struct buf *b = buf_get(f->pool);

	assert_non_null(b);
	b->mark[0] = label;
	segment.end = segment.plain_ack ? segment.seq : segment.end;
	thinner_take(f->t, flow, &segment, b, &f->out, f->now);
}

/* A plain acknowledgement, which is its own label. */
static void ack_of(struct fixture *f, uint32_t flow, uint32_t number)
{
	take(f, flow, (struct tcp){ .ack = number, .has_ack = true, .plain_ack = true }, number);
}

static void ack(struct fixture *f, uint32_t number)
{
	if (tcp_diff(number, f->acked) > 0)
		f->acked = number;
	ack_of(f, FLOW, number);
}

/* One that has more to say than its number: SACK, data, FIN, ECE. */
static void rich_ack(struct fixture *f, uint32_t number, uint32_t label)
{
	take(f, FLOW, (struct tcp){ .ack = number, .has_ack = true }, label);
}

static uint32_t next_out(struct fixture *f)
{
	struct buf *b = buf_queue_pop(&f->out);
	uint32_t label;

	assert_non_null(b);
	label = b->mark[0];
	buf_put(b);
	return label;
}

static size_t count_out(struct fixture *f)
{
	size_t count = f->out.count;

	buf_queue_clear(&f->out);
	return count;
}

/*
 * Two rounds of the sender, after which it is known how long one takes, and
 * `packets` are under way, of which the first has been acknowledged: a round
 * has just begun.
 */
static void begin(struct fixture *f, unsigned packets)
{
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < packets; i++)
			send(f, MSS);
		pass_time(f, ROUND);
		if (round < 2)
			ack(f, f->sent);
	}
	for (unsigned i = 0; i < packets; i++)
		send(f, MSS);
	ack(f, f->sent - (2 * packets - 1) * MSS);
	count_out(f);
}

static size_t waiting(const struct fixture *f)
{
	return POOL - buf_pool_left(f->pool) - f->out.count;
}

/* --- how many ------------------------------------------------------------------ */

static void a_beginning_tcp_hears_five_a_round(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin(f, 100);
	for (unsigned round = 0; round < 5; round++) {
		uint32_t ends = f->sent;
		size_t passed = 0;

		/* one packet in half a millisecond: acknowledged, and another one sent for it */
		for (unsigned i = 0; i < 99; i++) {
			send(f, MSS);
			pass_time(f, ROUND / 100);
			ack(f, f->acked + MSS);
			passed += count_out(f);
			assert_true(waiting(f) <= 1);
		}
		assert_in_range(passed, 3, 4);	/* and that with which the round began */
		send(f, MSS);
		pass_time(f, ROUND / 100);
		ack(f, ends + MSS);
		assert_int_equal(count_out(f), 1);
	}
	assert_true(thinner_spared(f->t) > 5 * 90);
	finish(f);
}

/* Five evenly over the length of the last round, then none until this one ends, however long that takes. */
static void they_go_evenly_and_the_newest_stands_for_all(void **state)
{
	struct fixture *f = prepare();
	uint32_t first;

	(void)state;
	begin(f, 100);
	first = f->acked;
	for (unsigned i = 1; i <= 49; i++) {
		pass_time(f, MSEC(1));
		ack(f, first + i * MSS);
		assert_int_equal(f->out.count, i / 10);
	}
	assert_int_equal(next_out(f), first + 9 * MSS);
	assert_int_equal(next_out(f), first + 19 * MSS);
	assert_int_equal(next_out(f), first + 29 * MSS);
	assert_int_equal(next_out(f), first + 39 * MSS);
	assert_int_equal(thinner_spared(f->t), 44);
	finish(f);
}

static void nothing_is_held_longer_than_a_round(void **state)
{
	struct fixture *f = prepare();
	uint32_t first;

	(void)state;
	begin(f, 100);
	first = f->acked;
	for (unsigned i = 1; i <= 41; i++) {
		pass_time(f, MSEC(1));
		ack(f, first + i * MSS);
	}
	assert_int_equal(count_out(f), 4);	/* the share of this round is gone, and it does not end */
	assert_int_equal(waiting(f), 1);
	pass_time(f, ROUND - MSEC(2));
	assert_int_equal(f->out.count, 0);
	pass_time(f, MSEC(1));
	assert_int_equal(next_out(f), first + 41 * MSS);
	assert_int_equal(thinner_deadline(f->t), NSEC_NEVER);
	finish(f);
}

static void a_round_begins_with_the_ack_of_what_was_sent_when_the_last_one_began(void **state)
{
	struct fixture *f = prepare();
	uint32_t ends;

	(void)state;
	begin(f, 100);
	ends = f->sent;
	send(f, 30 * MSS);
	for (unsigned i = 0; i < 5; i++) {
		pass_time(f, ROUND / 5);
		ack(f, f->acked + MSS);
		count_out(f);
	}
	pass_time(f, MSEC(1));
	ack(f, ends);			/* not yet: it has to be more than that */
	assert_int_equal(f->out.count, 0);
	ack(f, ends + 1);
	assert_int_equal(next_out(f), ends + 1);
	assert_int_equal(waiting(f), 0);
	ack(f, ends + 2);
	assert_int_equal(f->out.count, 0);
	finish(f);
}

static void a_flow_with_little_under_way_hears_all(void **state)
{
	(void)state;
	for (unsigned missing = 0; missing <= 1; missing++) {
		struct fixture *f = prepare();
		uint32_t first = f->sent;

		begin(f, 100);
		ack(f, f->sent);
		count_out(f);
		first = f->acked;
		send(f, UNDER_WAY + 9 - missing);
		pass_time(f, ROUND);
		ack(f, first + 1);
		assert_int_equal(count_out(f), 1);
		for (unsigned i = 2; i <= 10; i++)
			ack(f, first + i);
		/* for the last one the least was under way */
		assert_int_equal(f->out.count, 2 * missing);
		finish(f);
	}
}

/* A first burst, acknowledged one by one, and for each two packets more: nothing follows it for a round. */
static void begin_with_a_burst(struct fixture *f, bool alone)
{
	for (unsigned round = 0; round < 2; round++) {
		send(f, MSS);
		pass_time(f, ROUND);
		ack(f, f->sent);
	}
	count_out(f);
	send(f, 10 * MSS);
	thinner_alone(f->t, FLOW, alone);
	pass_time(f, ROUND);
	for (unsigned i = 0; i < 10; i++) {
		ack(f, f->acked + MSS);
		send(f, 2 * MSS);
	}
	assert_int_equal(waiting(f), 1);
	count_out(f);
}

static void on_one_path_the_end_of_a_first_burst_waits_for_a_fifth_of_a_round(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin_with_a_burst(f, true);
	pass_time(f, ROUND / 5);
	assert_int_equal(next_out(f), f->acked);
	assert_int_equal(waiting(f), 0);
	finish(f);
}

static void on_several_it_waits_for_the_next_round(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin_with_a_burst(f, false);
	pass_time(f, ROUND - MSEC(1));
	assert_int_equal(waiting(f), 1);
	pass_time(f, MSEC(1));
	assert_int_equal(next_out(f), f->acked);
	finish(f);
}

static void until_a_round_is_measured_all_pass(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	send(f, 200 * MSS);
	pass_time(f, ROUND);
	for (unsigned i = 1; i <= 150; i++)
		ack(f, 1000000 + i * MSS);
	assert_int_equal(f->out.count, 150);
	assert_int_equal(thinner_round_trip(f->t, FLOW), 0);
	finish(f);
}

/* --- what is never held ----------------------------------------------------------- */

static void what_says_more_than_a_number_passes_at_once_behind_what_was_held(void **state)
{
	struct fixture *f = prepare();
	uint32_t first;

	(void)state;
	begin(f, 100);
	first = f->acked;
	for (unsigned i = 1; i <= 20; i++) {
		ack(f, first + i * MSS);
		assert_int_equal(f->out.count, 0);
		rich_ack(f, first + i * MSS, i);
		assert_int_equal(next_out(f), first + i * MSS);
		assert_int_equal(next_out(f), i);
	}
	assert_int_equal(thinner_spared(f->t), 0);
	finish(f);
}

static void duplicates_and_window_updates_pass_at_once(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin(f, 100);
	for (unsigned i = 0; i < 20; i++) {
		ack(f, f->acked);
		assert_int_equal(next_out(f), f->acked);
	}
	ack(f, f->acked + MSS);
	assert_int_equal(f->out.count, 0);
	ack(f, f->acked);	/* it is no news, so it is a duplicate: both count */
	assert_int_equal(next_out(f), f->acked);
	assert_int_equal(next_out(f), f->acked);
	assert_int_equal(thinner_spared(f->t), 0);
	finish(f);
}

/* Its sender waits for it, and nothing more is to come. */
static void the_last_one_waits_for_no_newer_one(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin(f, 100);
	ack(f, f->sent - 1);
	assert_int_equal(f->out.count, 0);
	ack(f, f->sent);
	assert_int_equal(f->out.tail->mark[0], f->sent);
	assert_int_equal(waiting(f), 0);
	finish(f);
}

static void an_old_ack_that_a_newer_one_overtook_goes_no_further(void **state)
{
	struct fixture *f = prepare();
	uint32_t first;

	(void)state;
	begin(f, 100);
	first = f->acked;
	ack(f, first - 1);
	assert_int_equal(f->out.count, 0);
	assert_int_equal(waiting(f), 0);
	rich_ack(f, first - 1, 5);	/* but it may say something else */
	assert_int_equal(next_out(f), 5);
	ack(f, first);
	assert_int_equal(next_out(f), first);
	assert_int_equal(thinner_spared(f->t), 1);
	finish(f);
}

static void other_flows_are_let_be(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin(f, 100);
	for (unsigned i = 0; i < 50; i++)
		ack_of(f, FLOW + 1, 1000 - i);
	assert_int_equal(count_out(f), 50);
	for (unsigned i = 0; i < 50; i++)
		ack_of(f, FLOW + THINNER_FLOWS, 1000 - i);	/* in the same slot */
	assert_int_equal(count_out(f), 50);
	finish(f);
}

/* --- until when --------------------------------------------------------------------- */

/* Is the next one held? */
static bool is_thinned(struct fixture *f)
{
	bool held;

	send(f, MSS);
	ack(f, f->acked + 1);
	ack(f, f->acked + 1);
	held = waiting(f) > 0;
	pass_time(f, ROUND / 5);
	count_out(f);
	return held;
}

static void who_fills_the_paths_for_a_quarter_of_a_round_hears_all(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin(f, 100);
	thinner_waits(f->t, FLOW, true, f->now);
	thinner_waits(f->t, FLOW, false, f->now + ROUND / 2);
	assert_true(is_thinned(f));
	thinner_waits(f->t, FLOW, true, f->now);
	pass_time(f, ROUND / 4 - 1);
	thinner_waits(f->t, FLOW, true, f->now);
	assert_true(is_thinned(f));
	thinner_waits(f->t, FLOW, true, f->now);
	assert_false(is_thinned(f));
	thinner_waits(f->t, FLOW, false, f->now);
	assert_false(is_thinned(f));
	thinner_waits(f->t, FLOW + 1, true, f->now);	/* nobody's */
	finish(f);
}

/* One that was silent for a second begins again; sending and being acknowledged are its life. */
static void who_was_silent_is_judged_anew(void **state)
{
	(void)state;
	for (unsigned missing = 0; missing <= 1; missing++) {
		struct fixture *f = prepare();

		begin(f, 100);
		thinner_waits(f->t, FLOW, true, f->now);
		thinner_waits(f->t, FLOW, true, f->now + ROUND);
		ack(f, f->sent);
		pass_time(f, SEC(1) - missing);
		send(f, 100 * MSS);
		pass_time(f, ROUND);
		ack(f, f->acked + MSS);
		assert_int_equal(is_thinned(f), missing == 0);
		finish(f);
	}
}

/* What it waited for before says nothing about now. */
static void a_wait_before_a_silence_does_not_count(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin(f, 100);
	thinner_waits(f->t, FLOW, true, f->now);
	ack(f, f->sent);
	pass_time(f, SEC(2));
	send(f, 100 * MSS);
	thinner_waits(f->t, FLOW, true, f->now);
	pass_time(f, ROUND);
	ack(f, f->acked + MSS);
	assert_true(is_thinned(f));
	finish(f);
}

static void nothing_is_held_for_who_sends_nothing(void **state)
{
	struct fixture *f = prepare();
	uint32_t first;

	(void)state;
	begin(f, 100);
	first = f->acked;
	pass_time(f, SEC(1));
	for (unsigned i = 1; i < 50; i++)
		ack(f, first + i * MSS);
	assert_int_equal(f->out.count, 49);
	finish(f);
}

/* --- how long a round takes ------------------------------------------------------------ */

static void a_round_trip_is_the_longest_of_late(void **state)
{
	struct fixture *f = prepare();
	nsec_t trip;

	(void)state;
	begin(f, 100);
	assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
	ack(f, f->sent);
	send(f, 100 * MSS);
	pass_time(f, 2 * ROUND);
	ack(f, f->sent);
	assert_int_equal(thinner_round_trip(f->t, FLOW), 2 * ROUND);
	for (unsigned i = 0; i < 3; i++) {
		trip = thinner_round_trip(f->t, FLOW);
		send(f, 100 * MSS);
		pass_time(f, ROUND);
		ack(f, f->sent);
		assert_in_range(thinner_round_trip(f->t, FLOW), trip * 4 / 5, trip - 1);
	}
	for (unsigned i = 0; i < 20; i++) {
		send(f, 100 * MSS);
		pass_time(f, ROUND);
		ack(f, f->sent);
	}
	assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
	assert_int_equal(thinner_round_trip(f->t, FLOW + 1), 0);
	finish(f);
}

/* A request now and then: a pause is no round trip, and the answer's ACKs do not wait a fifth of it. */
static void a_pause_is_not_taken_for_a_long_round(void **state)
{
	static const nsec_t pause[] = { MSEC(300), MSEC(900), SEC(1), SEC(30), SEC(3600) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pause); i++) {
		struct fixture *f = prepare();

		begin(f, 100);
		ack(f, f->sent);
		count_out(f);
		pass_time(f, pause[i]);
		assert_int_equal(f->out.count, 0);
		send(f, 100 * MSS);
		pass_time(f, ROUND);
		ack(f, f->acked + MSS);
		assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
		ack(f, f->acked + MSS);
		pass_time(f, ROUND / 5);
		assert_int_equal(count_out(f), 2);
		finish(f);
	}
}

/*
 * Everything was lost for a while: what is sent again ends no slow start of this
 * kind, its ACKs are few and each is waited for, and such a round measures the
 * outage (Karn's rule).
 */
static void who_sends_again_hears_all_and_is_not_measured_by_it(void **state)
{
	struct fixture *f = prepare();
	uint32_t first, end;

	(void)state;
	begin(f, 100);
	first = f->acked;
	end = f->sent;
	pass_time(f, MSEC(900));
	send_of(f, FLOW, first, MSS);
	for (unsigned i = 1; i <= 10; i++) {
		pass_time(f, ROUND);
		ack(f, first + i * MSS);
		assert_int_equal(next_out(f), first + i * MSS);
		ack(f, first + i * MSS + 1);
		assert_int_equal(next_out(f), first + i * MSS + 1);
		send_of(f, FLOW, first + i * MSS + 1, MSS);
	}
	send(f, 100 * MSS);
	ack(f, end + MSS);		/* all of that has arrived: a round like others begins */
	count_out(f);
	assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
	assert_true(is_thinned(f));
	finish(f);
}

/* A round that begins in the middle of that is one of those, too. */
static void sending_again_ends_when_all_has_arrived_that_was_sent_before(void **state)
{
	struct fixture *f = prepare();
	uint32_t ends;

	(void)state;
	begin(f, 100);
	ends = f->sent;
	send(f, 100 * MSS);
	send_of(f, FLOW, f->acked, MSS);
	pass_time(f, 4 * ROUND);
	ack(f, ends + MSS);
	send(f, 100 * MSS);
	ack(f, ends + 2 * MSS);
	pass_time(f, 4 * ROUND);
	assert_int_equal(count_out(f), 2);
	ack(f, ends + 101 * MSS);	/* more than had been sent by then: from here on all is well */
	assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
	ack(f, ends + 102 * MSS);
	assert_int_equal(count_out(f), 1);
	pass_time(f, ROUND);
	send(f, 100 * MSS);
	ack(f, ends + 202 * MSS);
	assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
	finish(f);
}

/* --- what strangers say -------------------------------------------------------------------- */

/* Whoever knows addresses and ports can send such a segment; a sender pays it no heed (RFC 5961). */
static void an_ack_of_what_was_never_sent_changes_nothing(void **state)
{
	static const uint32_t wild[] = { 1, 1u << 30, 0x7fffffff - 200 * MSS, 0x80000000, 0xa0000000, 0xc0000000 - 200 * MSS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		struct fixture *f = prepare();
		uint32_t first;

		begin(f, 100);
		first = f->acked;
		ack_of(f, FLOW, f->sent + wild[i]);
		assert_int_equal(next_out(f), f->sent + wild[i]);
		pass_time(f, ROUND);
		ack(f, first + MSS);
		assert_int_equal(next_out(f), first + MSS);
		ack(f, first + 2 * MSS);
		ack_of(f, FLOW, f->sent + wild[i]);
		assert_int_equal(next_out(f), first + 2 * MSS);	/* in order */
		assert_int_equal(next_out(f), f->sent + wild[i]);
		assert_int_equal(thinner_spared(f->t), 0);
		finish(f);
	}
}

static void without_the_flag_an_ack_number_says_nothing(void **state)
{
	struct fixture *f = prepare();
	uint32_t first;

	(void)state;
	begin(f, 100);
	first = f->acked;
	take(f, FLOW, (struct tcp){ .ack = f->sent }, 1);	/* RST */
	assert_int_equal(next_out(f), 1);
	pass_time(f, ROUND);
	ack(f, first + MSS);
	assert_int_equal(next_out(f), first + MSS);
	finish(f);
}

/* Whatever it says, nothing waits longer than a round, and nothing is lost but what is old. */
static void a_hostile_peer_gains_nothing_by_its_numbers(void **state)
{
	struct fixture *f = prepare();
	uint64_t random = 42;

	(void)state;
	begin(f, 100);
	for (unsigned i = 0; i < 20000; i++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (i % 7 == 0)
			send(f, (random >> 40) % (300 * MSS));
		take(f, FLOW, (struct tcp){ .ack = (uint32_t)(random >> 32), .has_ack = true,
					    .plain_ack = random >> 31 & 1 }, i);
		ack_of(f, FLOW, f->sent - (uint32_t)(random >> 20) % (200 * MSS));
		assert_true(waiting(f) <= 1);
		pass_time(f, (random >> 8) % MSEC(3));
		buf_queue_clear(&f->out);
	}
	ack(f, f->sent);
	pass_time(f, SEC(1));
	assert_int_equal(waiting(f), 0);
	assert_int_equal(f->out.tail->mark[0], f->sent);
	assert_int_equal(thinner_deadline(f->t), NSEC_NEVER);
	finish(f);
}

static void numbers_may_wrap(void **state)
{
	(void)state;
	for (unsigned before = 0; before <= 400 * MSS; before += 1111) {
		struct fixture *f = prepare_at(0u - before);
		uint32_t first;

		begin(f, 100);
		first = f->acked;
		for (unsigned i = 1; i <= 49; i++) {
			pass_time(f, MSEC(1));
			ack(f, first + i * MSS);
			assert_int_equal(f->out.count, i / 10);
		}
		assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
		finish(f);
	}
}

/* Half of the circle later, a number says the opposite of what it said. */
static void gigabytes_later_it_still_counts_right(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	begin(f, 100);
	send_of(f, FLOW, f->acked, MSS);	/* again */
	for (unsigned i = 0; i < 12; i++) {
		for (unsigned n = 0; n < 8; n++)
			send(f, 1u << 26);
		pass_time(f, ROUND);
		ack(f, f->sent - 100 * MSS);
		pass_time(f, 1);
		ack(f, f->sent - 99 * MSS);
		assert_int_not_equal(f->out.tail->mark[0], f->acked);
		pass_time(f, ROUND);
		assert_int_equal(f->out.tail->mark[0], f->acked);
		count_out(f);
	}
	finish(f);
}

/* --- connections come and go ------------------------------------------------------------------ */

/* The same addresses and ports again, and numbers that lie behind those of before. */
static void another_connection_of_the_same_ends_is_another(void **state)
{
	static const uint32_t jump[] = { 0, 5000, 1u << 20, 0x80000000, 0xfff00000, 0xfffffff0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jump); i++) {
		struct fixture *f = prepare();
		struct tcp syn;

		begin(f, 100);
		ack(f, f->acked + 1);
		assert_int_equal(waiting(f), 1);
		f->sent = f->acked = f->sent + jump[i];
		syn = (struct tcp){ .seq = f->sent, .end = f->sent + 1, .syn = true };
		thinner_sent(f->t, FLOW, &syn, f->now);
		assert_int_equal(waiting(f), 0);
		assert_int_equal(thinner_round_trip(f->t, FLOW), 0);
		f->sent++;
		/* the other end may still be in the old one, and says so (RFC 9293 §3.5) */
		ack_of(f, FLOW, f->sent - 0x50000000);
		assert_int_equal(next_out(f), f->sent - 0x50000000);
		ack_of(f, FLOW, f->sent + 0x50000000);
		assert_int_equal(next_out(f), f->sent + 0x50000000);
		pass_time(f, ROUND);
		rich_ack(f, f->sent, 3);
		assert_int_equal(next_out(f), 3);
		for (unsigned n = 0; n < 10; n++) {
			send(f, MSS);
			ack(f, f->sent);
			assert_int_equal(next_out(f), f->sent);
		}
		finish(f);
	}
}

/* It is seen only from some byte on; what is before that is still acknowledged. */
static void a_flow_that_is_met_on_its_way_loses_no_ack(void **state)
{
	struct fixture *f = prepare();
	uint32_t first = f->sent;

	(void)state;
	send(f, MSS);
	for (unsigned i = 50; i > 0; i--) {
		ack(f, first - i * MSS);
		assert_int_equal(next_out(f), first - i * MSS);
		ack(f, first - i * MSS);
		assert_int_equal(next_out(f), first - i * MSS);
	}
	finish(f);
}

static void a_slot_belongs_to_one_flow_until_that_is_silent(void **state)
{
	struct fixture *f = prepare();
	const uint32_t other = FLOW + 3 * THINNER_FLOWS;

	(void)state;
	begin(f, 100);
	pass_time(f, SEC(1) - 1);
	send_of(f, other, 5, 300 * MSS);
	for (unsigned i = 1; i < 200; i++)
		ack_of(f, other, 5 + i * MSS);
	assert_int_equal(count_out(f), 199);
	assert_int_equal(thinner_round_trip(f->t, FLOW), ROUND);
	pass_time(f, 1);
	send_of(f, other, 5, 300 * MSS);
	assert_int_equal(thinner_round_trip(f->t, FLOW), 0);
	for (unsigned i = 1; i < 50; i++)
		ack(f, f->acked + MSS);		/* it is thinned no more, but loses nothing */
	assert_int_equal(count_out(f), 49);
	finish(f);
}

/* A round of ten seconds is hardly one, but what waits for its end is not to be lost. */
static void a_slot_with_something_in_it_is_not_given_away(void **state)
{
	struct fixture *f = prepare();
	uint32_t first;

	(void)state;
	begin(f, 100);
	send(f, 100 * MSS);
	pass_time(f, SEC(10));
	send(f, MSS);
	ack(f, f->sent - MSS);
	pass_time(f, MSEC(1));
	first = f->acked;
	send(f, 100 * MSS);
	ack(f, first + 1);
	count_out(f);
	assert_int_equal(waiting(f), 1);
	f->now += MSEC(1500);
	send_of(f, FLOW + THINNER_FLOWS, 5, MSS);
	assert_true(thinner_round_trip(f->t, FLOW) >= SEC(10));
	pass_time(f, SEC(1));
	assert_int_equal(next_out(f), first + 1);
	assert_int_equal(waiting(f), 0);
	finish(f);
}

/* All slots hold one at the same time. */
static struct fixture *full(void)
{
	struct fixture *f = prepare();

	for (unsigned step = 0; step < 3; step++) {
		for (uint32_t flow = 0; flow < THINNER_FLOWS; flow++) {
			if (step > 0)
				ack_of(f, flow, step * 100 * MSS - 50 * MSS);
			send_of(f, flow, step * 100 * MSS, 100 * MSS);
		}
		buf_queue_clear(&f->out);
		pass_time(f, ROUND);
	}
	for (uint32_t i = 1; i <= 2; i++) {
		for (uint32_t flow = 0; flow < THINNER_FLOWS; flow++)
			ack_of(f, flow, 200 * MSS + i);
		buf_queue_clear(&f->out);
	}
	assert_int_equal(waiting(f), THINNER_FLOWS);
	assert_int_equal(thinner_held(f->t), THINNER_FLOWS);
	return f;
}

static void what_is_held_comes_out_or_goes_back(void **state)
{
	struct fixture *f = full();

	(void)state;
	pass_time(f, ROUND / 5);
	assert_int_equal(f->out.count, THINNER_FLOWS);
	assert_int_equal(waiting(f), 0);
	assert_int_equal(thinner_held(f->t), 0);
	finish(f);
	f = full();
	finish(f);	/* thinner_free gives them back */
}

static void answer(struct fixture *f, uint32_t flow, uint32_t window)
{
	ack_of(f, flow, window * 100 * MSS + 1);
	send_of(f, flow, (window + 1) * 100 * MSS, 100 * MSS);
}

/* The one that is to wait longer is held last. */
static void each_is_let_go_at_its_own_time(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	for (uint32_t flow = 0; flow < 2; flow++)
		send_of(f, flow, 0, 100 * MSS);
	pass_time(f, 2 * ROUND);
	for (uint32_t flow = 0; flow < 2; flow++)
		answer(f, flow, 0);
	pass_time(f, ROUND);
	answer(f, 0, 1);
	pass_time(f, 2 * ROUND);
	answer(f, 0, 2);	/* this took it two rounds, */
	answer(f, 1, 1);	/* and the other one three */
	count_out(f);
	ack_of(f, 0, 200 * MSS + 2);
	ack_of(f, 1, 100 * MSS + 2);
	pass_time(f, 2 * ROUND / 5 - 1);
	assert_int_equal(f->out.count, 0);
	pass_time(f, 1);
	assert_int_equal(next_out(f), 200 * MSS + 2);
	pass_time(f, ROUND / 5 - 1);
	assert_int_equal(f->out.count, 0);
	pass_time(f, 1);
	assert_int_equal(next_out(f), 100 * MSS + 2);
	finish(f);
}

static void who_must_hold_nothing_lets_all_go_on(void **state)
{
	struct fixture *f = full();

	(void)state;
	thinner_yield(f->t, &f->out);
	assert_int_equal(f->out.count, THINNER_FLOWS);
	assert_int_equal(thinner_held(f->t), 0);
	pass_time(f, SEC(1));
	assert_int_equal(thinner_deadline(f->t), NSEC_NEVER);
	finish(f);
}

static void who_has_sent_nothing_asks_nothing(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	assert_true(thinner_is_idle(f->t));
	send_of(f, FLOW, 5, 0);		/* an ACK of ours */
	assert_true(thinner_is_idle(f->t));
	ack(f, 5);
	assert_int_equal(next_out(f), 5);
	assert_int_equal(thinner_deadline(f->t), NSEC_NEVER);
	send(f, 1);
	assert_false(thinner_is_idle(f->t));
	finish(f);
	thinner_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a beginning TCP hears five a round", a_beginning_tcp_hears_five_a_round),
		TEST("they go evenly, and the newest stands for all", they_go_evenly_and_the_newest_stands_for_all),
		TEST("nothing is held longer than a round", nothing_is_held_longer_than_a_round),
		TEST("a round begins with the ACK of what was sent when the last one began",
		     a_round_begins_with_the_ack_of_what_was_sent_when_the_last_one_began),
		TEST("a flow with little under way hears all", a_flow_with_little_under_way_hears_all),
		TEST("on one path the end of a first burst waits for a fifth of a round",
		     on_one_path_the_end_of_a_first_burst_waits_for_a_fifth_of_a_round),
		TEST("on several it waits for the next round", on_several_it_waits_for_the_next_round),
		TEST("until a round is measured all pass", until_a_round_is_measured_all_pass),
		TEST("what says more than a number passes at once, behind what was held",
		     what_says_more_than_a_number_passes_at_once_behind_what_was_held),
		TEST("duplicates and window updates pass at once", duplicates_and_window_updates_pass_at_once),
		TEST("the last one waits for no newer one", the_last_one_waits_for_no_newer_one),
		TEST("an old ACK that a newer one overtook goes no further",
		     an_old_ack_that_a_newer_one_overtook_goes_no_further),
		TEST("other flows are let be", other_flows_are_let_be),
		TEST("who fills the paths for a quarter of a round hears all",
		     who_fills_the_paths_for_a_quarter_of_a_round_hears_all),
		TEST("who was silent is judged anew", who_was_silent_is_judged_anew),
		TEST("a wait before a silence does not count", a_wait_before_a_silence_does_not_count),
		TEST("nothing is held for who sends nothing", nothing_is_held_for_who_sends_nothing),
		TEST("a round trip is the longest of late", a_round_trip_is_the_longest_of_late),
		TEST("a pause is not taken for a long round", a_pause_is_not_taken_for_a_long_round),
		TEST("who sends again hears all, and is not measured by it",
		     who_sends_again_hears_all_and_is_not_measured_by_it),
		TEST("sending again ends when all has arrived that was sent before",
		     sending_again_ends_when_all_has_arrived_that_was_sent_before),
		TEST("an ACK of what was never sent changes nothing",
		     an_ack_of_what_was_never_sent_changes_nothing),
		TEST("without the flag an ACK number says nothing", without_the_flag_an_ack_number_says_nothing),
		TEST("a hostile peer gains nothing by its numbers", a_hostile_peer_gains_nothing_by_its_numbers),
		TEST("numbers may wrap", numbers_may_wrap),
		TEST("gigabytes later it still counts right", gigabytes_later_it_still_counts_right),
		TEST("another connection of the same ends is another",
		     another_connection_of_the_same_ends_is_another),
		TEST("a flow that is met on its way loses no ACK", a_flow_that_is_met_on_its_way_loses_no_ack),
		TEST("a slot belongs to one flow until that is silent",
		     a_slot_belongs_to_one_flow_until_that_is_silent),
		TEST("a slot with something in it is not given away",
		     a_slot_with_something_in_it_is_not_given_away),
		TEST("what is held comes out, or goes back", what_is_held_comes_out_or_goes_back),
		TEST("each is let go at its own time", each_is_let_go_at_its_own_time),
		TEST("who must hold nothing lets all go on", who_must_hold_nothing_lets_all_go_on),
		TEST("who has sent nothing asks nothing", who_has_sent_nothing_asks_nothing),
	};

	return RUN_TESTS(tests);
}
