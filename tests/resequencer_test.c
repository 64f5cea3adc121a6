/* resequencer: order, holes, duplicates, and what a hostile peer can make it hold. */
#include <string.h>

#include "base/buf.h"
#include "core/flow/lane.h"
#include "core/flow/resequencer.h"
#include "tap.h"

#define POOL	256

struct fixture {
	struct buf_pool *pool;
	struct resequencer *r;
	nsec_t now;
};

static void open_fixture(struct fixture *f, size_t max_packets)
{
	const struct resequencer_config config = {
		.max_bytes = max_packets * sizeof(struct buf), .late = true,
	};

	f->pool = buf_pool_new(POOL);
	f->r = resequencer_new(&config);
	f->now = SEC(10);
	assert_non_null(f->pool);
	assert_non_null(f->r);
	resequencer_set_wait(f->r, MSEC(50));
}

static void close_fixture(struct fixture *f)
{
	resequencer_free(f->r);
	assert_int_equal(buf_pool_left(f->pool), POOL);
	buf_pool_free(f->pool);
}

static enum resequencer_result put(struct fixture *f, struct resequencer_frame frame)
{
	struct buf *b = buf_get(f->pool);
	enum resequencer_result result;

	assert_non_null(b);
	memcpy(buf_append(b, 4), &frame.seq, 4);
	result = resequencer_put(f->r, &frame, b, f->now);
	if (result != RESEQUENCER_TAKEN)
		buf_put(b);
	return result;
}

static enum resequencer_result put_seq(struct fixture *f, uint32_t seq)
{
	return put(f, (struct resequencer_frame){ .seq = seq });
}

/* The next number out, or -1. */
static int64_t out(struct fixture *f)
{
	struct buf *b = resequencer_out(f->r, f->now);
	uint32_t seq;

	if (b == NULL)
		return -1;
	memcpy(&seq, b->data, 4);
	buf_put(b);
	return seq;
}

static void packets_behind_a_hole_wait_for_it(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	put_seq(&f, 0);
	put_seq(&f, 2);
	put_seq(&f, 3);
	assert_int_equal(out(&f), 0);
	assert_int_equal(out(&f), -1);
	assert_int_equal(resequencer_deadline(f.r), f.now + MSEC(50));
	put_seq(&f, 1);
	for (int64_t i = 1; i <= 3; i++)
		assert_int_equal(out(&f), i);
	assert_int_equal(resequencer_deadline(f.r), NSEC_NEVER);
	close_fixture(&f);
}

static void a_hole_is_given_up_at_its_deadline_and_not_before(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	put_seq(&f, 1);
	f.now += MSEC(50) - 1;
	assert_int_equal(out(&f), -1);
	f.now += 1;
	assert_int_equal(out(&f), 1);
	assert_int_equal(resequencer_stats(f.r).holes, 1);
	/* what was given up may still come: once */
	assert_int_equal(put_seq(&f, 0), RESEQUENCER_TAKEN);
	assert_int_equal(out(&f), 0);
	assert_int_equal(put_seq(&f, 0), RESEQUENCER_DUPLICATE);
	close_fixture(&f);
}

static void a_second_hole_counts_from_when_its_packet_came(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	put_seq(&f, 1);
	f.now += MSEC(20);
	put_seq(&f, 3);
	f.now += MSEC(30);
	assert_int_equal(out(&f), 1);
	assert_int_equal(out(&f), -1);
	f.now += MSEC(20);
	assert_int_equal(out(&f), 3);
	close_fixture(&f);
}

static void three_later_packets_on_every_path_in_use_prove_a_loss(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	resequencer_set_paths(f.r, PATH_BIT(0) | PATH_BIT(1));
	for (uint32_t seq = 1; seq <= 6; seq++)
		put(&f, (struct resequencer_frame){ .seq = seq, .path = 0 });
	/* three packets, not one that is three numbers further; in whatever order */
	put(&f, (struct resequencer_frame){ .seq = 9, .path = 1 });
	put(&f, (struct resequencer_frame){ .seq = 7, .path = 1 });
	assert_int_equal(out(&f), -1);
	put(&f, (struct resequencer_frame){ .seq = 8, .path = 1 });
	for (int64_t seq = 1; seq <= 9; seq++)
		assert_int_equal(out(&f), seq);
	assert_int_equal(resequencer_stats(f.r).holes, 1);
	close_fixture(&f);
}

static void a_repaired_frame_is_waited_for_whatever_the_paths_say(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	resequencer_set_paths(f.r, PATH_BIT(0));
	for (uint32_t seq = 1; seq <= 6; seq++)
		put(&f, (struct resequencer_frame){ .seq = seq, .repaired = true });
	assert_int_equal(out(&f), -1);
	close_fixture(&f);
}

/* Its sender was out of room for copies for a while: the hole may be one that it repairs. */
static void a_hole_behind_a_repaired_packet_is_waited_for_too(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	resequencer_set_paths(f.r, PATH_BIT(0));
	put(&f, (struct resequencer_frame){ .seq = 0, .repaired = true });
	assert_int_equal(out(&f), 0);
	for (uint32_t seq = 2; seq <= 6; seq++)
		put(&f, (struct resequencer_frame){ .seq = seq });
	assert_int_equal(out(&f), -1);
	put(&f, (struct resequencer_frame){ .seq = 1, .repaired = true });
	for (int64_t seq = 1; seq <= 6; seq++)
		assert_int_equal(out(&f), seq);
	put(&f, (struct resequencer_frame){ .seq = 8 });
	put(&f, (struct resequencer_frame){ .seq = 9, .repaired = true });
	put(&f, (struct resequencer_frame){ .seq = 10 });
	assert_int_equal(out(&f), -1);	/* two of them prove, not three */
	put(&f, (struct resequencer_frame){ .seq = 11 });
	assert_int_equal(out(&f), 8);
	close_fixture(&f);
}

/* A call loses one packet in ten for a minute; then a download takes its lane. */
static void nothing_waits_for_what_unordered_packets_left_behind(void **state)
{
	struct fixture f;
	uint32_t seq;

	(void)state;
	open_fixture(&f, 100);
	for (seq = 0; seq < 3000; seq++) {
		f.now += MSEC(20);
		if (seq % 10 == 5)
			continue;
		put(&f, (struct resequencer_frame){ .seq = seq, .unordered = true });
		assert_int_equal(out(&f), seq);
	}
	assert_in_range(resequencer_stats(f.r).holes, 299, 300);
	f.now += SEC(1);
	put(&f, (struct resequencer_frame){ .seq = seq });
	assert_int_equal(out(&f), seq);
	/* but for what went missing a moment ago */
	put(&f, (struct resequencer_frame){ .seq = seq + 2, .unordered = true });
	assert_int_equal(out(&f), seq + 2);
	put(&f, (struct resequencer_frame){ .seq = seq + 3 });
	assert_int_equal(out(&f), -1);
	put(&f, (struct resequencer_frame){ .seq = seq + 1 });
	assert_int_equal(out(&f), seq + 1);
	assert_int_equal(out(&f), seq + 3);
	close_fixture(&f);
}

static void a_hole_delays_only_its_own_lane(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	put_seq(&f, 1);
	put(&f, (struct resequencer_frame){ .lane = 7, .seq = 0 });
	assert_int_equal(out(&f), 0);
	assert_int_equal(out(&f), -1);
	close_fixture(&f);
}

static void unordered_packets_pass_and_are_never_doubled(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	assert_int_equal(put(&f, (struct resequencer_frame){ .seq = 1, .unordered = true }),
			 RESEQUENCER_TAKEN);
	assert_int_equal(out(&f), 1);
	assert_int_equal(put(&f, (struct resequencer_frame){ .seq = 1, .unordered = true }),
			 RESEQUENCER_DUPLICATE);
	put_seq(&f, 2);
	put_seq(&f, 0);
	assert_int_equal(out(&f), 0);
	assert_int_equal(out(&f), 2);
	close_fixture(&f);
}

static void numbers_wrap_without_a_seam(void **state)
{
	const uint32_t first = LANE_SEQ_MASK - 5;
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	for (uint32_t seq = 0; seq < first; seq += RESEQUENCER_HISTORY / 2) {
		put_seq(&f, seq);
		while (out(&f) >= 0)
			;
	}
	put_seq(&f, first);	/* whatever was before, the lane ends up here */
	f.now += SEC(1);
	while (out(&f) >= 0)
		;
	for (uint32_t i = 1; i < 20; i += 2) {
		put_seq(&f, (first + i + 1) & LANE_SEQ_MASK);
		assert_int_equal(out(&f), -1);
		put_seq(&f, (first + i) & LANE_SEQ_MASK);
		assert_int_equal(out(&f), (first + i) & LANE_SEQ_MASK);
		assert_int_equal(out(&f), (first + i + 1) & LANE_SEQ_MASK);
	}
	close_fixture(&f);
}

static void what_the_sender_gave_up_is_not_waited_for(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 1000);
	put_seq(&f, 0);
	assert_int_equal(out(&f), 0);
	put_seq(&f, 3);
	put_seq(&f, 6);
	assert_int_equal(out(&f), -1);
	resequencer_skip(f.r, 0, 4, 2, f.now);	/* behind a hole: nothing moves yet */
	assert_int_equal(out(&f), -1);
	resequencer_skip(f.r, 0, 1, 2, f.now);
	assert_int_equal(out(&f), 3);
	assert_int_equal(out(&f), 6);
	assert_int_equal(out(&f), -1);
	assert_int_equal(resequencer_stats(f.r).holes, 4);
	resequencer_skip(f.r, 0, 7, 1000, f.now);
	resequencer_skip(f.r, 999, 7, 1000, f.now);	/* a lane that nobody used */
	put_seq(&f, 1007);
	assert_int_equal(out(&f), 1007);
	close_fixture(&f);
}

static void memory_is_bounded_and_the_oldest_hole_goes_first(void **state)
{
	struct fixture f;
	unsigned held;

	(void)state;
	open_fixture(&f, 30);
	for (uint16_t lane = 0; lane < 8; lane++) {
		f.now += MSEC(1) / 10;
		put(&f, (struct resequencer_frame){ .lane = lane, .seq = 1000 + lane });
		assert_true(resequencer_stats(f.r).held_bytes <= 30 * sizeof(struct buf));
	}
	/* beside 8 lanes a packet and a shelf of 1024 places for each: two fit, of a 32-bit machine's four */
	held = sizeof(void *) == 8 ? 2 : 4;
	assert_int_equal(resequencer_stats(f.r).held, held);
	for (uint16_t lane = 0; lane < 8 - held; lane++)
		assert_int_equal(out(&f), 1000 + lane);
	assert_int_equal(out(&f), -1);
	for (uint16_t lane = 0; lane < 100; lane++) {
		put(&f, (struct resequencer_frame){ .lane = lane, .seq = 1200 });
		assert_true(resequencer_stats(f.r).held_bytes <= 30 * sizeof(struct buf));
	}
	close_fixture(&f);
}

static void who_is_asked_to_yields_its_oldest_hole(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	for (uint16_t lane = 0; lane < 3; lane++) {
		f.now += MSEC(1);
		put(&f, (struct resequencer_frame){ .lane = 2 - lane, .seq = 5u + lane });
	}
	for (int64_t seq = 5; seq < 8; seq++) {
		assert_int_equal(out(&f), -1);
		assert_true(resequencer_yield(f.r, f.now));
		assert_int_equal(out(&f), seq);
	}
	/* only lanes are left */
	for (unsigned i = 0; i < 3; i++)
		assert_true(resequencer_yield(f.r, f.now));
	assert_false(resequencer_yield(f.r, f.now));
	assert_int_equal(resequencer_stats(f.r).held_bytes, 0);
	close_fixture(&f);
}

/* A hole as wide as that, which is given up, and what was behind it comes out. */
static void open_and_close(struct fixture *f, uint32_t *next, uint32_t width)
{
	put_seq(f, *next + width);
	assert_int_equal(out(f), -1);
	resequencer_skip(f->r, 0, *next, width, f->now);
	assert_int_equal(out(f), *next + width);
	*next += width + 1;
}

static void a_shelf_stays_while_it_is_needed_again_and_again(void **state)
{
	struct fixture f;
	uint32_t next = 0;
	uint64_t wide;

	(void)state;
	open_fixture(&f, 100);
	open_and_close(&f, &next, 2000);
	wide = resequencer_stats(f.r).held_bytes;
	assert_true(wide > 4608 + 2048 * sizeof(void *));
	for (int i = 0; i < 20; i++) {
		f.now += RESEQUENCER_SILENCE / 2;
		open_and_close(&f, &next, i % 2 == 0 ? 10 : 2000);
		assert_int_equal(resequencer_stats(f.r).held_bytes, wide);
	}
	f.now += RESEQUENCER_SILENCE;
	open_and_close(&f, &next, 10);
	assert_true(resequencer_stats(f.r).held_bytes < 2 * 4608);
	/* and it is the first thing to go */
	open_and_close(&f, &next, 2000);
	put(&f, (struct resequencer_frame){ .lane = 1, .seq = 1 });
	assert_int_equal(out(&f), -1);
	assert_true(resequencer_yield(f.r, f.now));
	assert_int_equal(out(&f), -1);
	assert_true(resequencer_yield(f.r, f.now));
	assert_int_equal(out(&f), 1);
	close_fixture(&f);
}

/* What was lost with the last link comes when there is one again, however long that takes. */
static void a_lane_in_which_nothing_could_come_is_not_forgotten(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	put_seq(&f, 0);
	put_seq(&f, 2);
	assert_int_equal(out(&f), 0);
	f.now += RESEQUENCER_IDLE;
	assert_int_equal(out(&f), 2);
	resequencer_wake(f.r, f.now);
	put(&f, (struct resequencer_frame){ .lane = 9 });
	assert_int_equal(out(&f), 0);
	assert_int_equal(put_seq(&f, 1), RESEQUENCER_TAKEN);
	assert_int_equal(out(&f), 1);
	close_fixture(&f);
}

/* A link was away for half a minute: what was lost with it is told when it is back. */
static void what_the_sender_gave_up_of_a_forgotten_lane_is_not_waited_for(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	put_seq(&f, 0);
	assert_int_equal(out(&f), 0);
	f.now += RESEQUENCER_IDLE;
	put(&f, (struct resequencer_frame){ .lane = 9 });	/* then it is seen who is unused */
	assert_int_equal(out(&f), 0);
	resequencer_skip(f.r, 0, 1, 5, f.now);
	put_seq(&f, 6);
	assert_int_equal(out(&f), 6);
	close_fixture(&f);
}

static void an_unused_lane_is_forgotten_but_for_its_edge(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	for (uint32_t seq = 0; seq < 3; seq++)
		put_seq(&f, seq);
	put_seq(&f, 4);
	f.now += RESEQUENCER_IDLE;
	for (int64_t seq = 0; seq < 3; seq++)
		assert_int_equal(out(&f), seq);
	assert_int_equal(out(&f), 4);
	put(&f, (struct resequencer_frame){ .lane = 1 });
	assert_int_equal(out(&f), 0);
	assert_true(resequencer_stats(f.r).held_bytes < 2 * 4608);
	/* what came, or might have come, before is not taken twice; what is next is in order */
	assert_int_equal(put_seq(&f, 2), RESEQUENCER_DUPLICATE);
	assert_int_equal(put_seq(&f, 3), RESEQUENCER_DUPLICATE);
	put_seq(&f, 6);
	assert_int_equal(out(&f), -1);
	put_seq(&f, 5);
	assert_int_equal(out(&f), 5);
	assert_int_equal(out(&f), 6);
	/* and a reset forgets even that */
	resequencer_reset(f.r);
	put_seq(&f, 0);
	assert_int_equal(out(&f), 0);
	close_fixture(&f);
}

static void a_jump_beyond_the_history_begins_the_lane_anew(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100);
	put_seq(&f, 0);
	put_seq(&f, RESEQUENCER_HISTORY + 1);
	assert_int_equal(out(&f), 0);
	assert_int_equal(out(&f), RESEQUENCER_HISTORY + 1);
	put_seq(&f, RESEQUENCER_HISTORY + 2);
	assert_int_equal(out(&f), RESEQUENCER_HISTORY + 2);
	close_fixture(&f);
}

/* Any order, with losses and copies: each packet at most once, none that arrived is lost. */
static void nothing_that_came_is_lost_or_doubled(void **state)
{
	struct fixture f;
	uint32_t random = 1;
	static uint8_t seen[20000];
	unsigned put_count = 0, got = 0;

	(void)state;
	open_fixture(&f, 64);
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < 15000; i++) {
		uint32_t seq;
		int64_t n;

		random = random * 1664525 + 1013904223;
		f.now += MSEC(1);
		seq = i + (random >> 16) % 40;
		put_count += put_seq(&f, seq) == RESEQUENCER_TAKEN;
		while ((n = out(&f)) >= 0) {
			assert_int_equal(seen[n]++, 0);
			got++;
		}
	}
	f.now += SEC(1);
	while (out(&f) >= 0)
		got++;
	assert_int_equal(got, put_count);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("packets behind a hole wait for it", packets_behind_a_hole_wait_for_it),
		TEST("a hole is given up at its deadline and not before",
		     a_hole_is_given_up_at_its_deadline_and_not_before),
		TEST("a second hole counts from when its packet came",
		     a_second_hole_counts_from_when_its_packet_came),
		TEST("three later packets on every path in use prove a loss",
		     three_later_packets_on_every_path_in_use_prove_a_loss),
		TEST("a repaired frame is waited for, whatever the paths say",
		     a_repaired_frame_is_waited_for_whatever_the_paths_say),
		TEST("a hole behind a repaired packet is waited for, too",
		     a_hole_behind_a_repaired_packet_is_waited_for_too),
		TEST("nothing waits for what unordered packets left behind",
		     nothing_waits_for_what_unordered_packets_left_behind),
		TEST("a hole delays only its own lane", a_hole_delays_only_its_own_lane),
		TEST("unordered packets pass and are never doubled",
		     unordered_packets_pass_and_are_never_doubled),
		TEST("numbers wrap without a seam", numbers_wrap_without_a_seam),
		TEST("what the sender gave up is not waited for", what_the_sender_gave_up_is_not_waited_for),
		TEST("memory is bounded and the oldest hole goes first",
		     memory_is_bounded_and_the_oldest_hole_goes_first),
		TEST("who is asked to yields its oldest hole", who_is_asked_to_yields_its_oldest_hole),
		TEST("a shelf stays while it is needed again and again, and goes first",
		     a_shelf_stays_while_it_is_needed_again_and_again),
		TEST("an unused lane is forgotten, but for its edge",
		     an_unused_lane_is_forgotten_but_for_its_edge),
		TEST("a lane in which nothing could come is not forgotten",
		     a_lane_in_which_nothing_could_come_is_not_forgotten),
		TEST("what the sender gave up of a forgotten lane is not waited for",
		     what_the_sender_gave_up_of_a_forgotten_lane_is_not_waited_for),
		TEST("a jump beyond the history begins the lane anew",
		     a_jump_beyond_the_history_begins_the_lane_anew),
		TEST("nothing that came is lost or doubled", nothing_that_came_is_lost_or_doubled),
	};

	return RUN_TESTS(tests);
}
