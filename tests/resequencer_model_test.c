/*
 * resequencer against a model that is too simple to be wrong.
 *
 * The model keeps one flag per number ever sent and knows no bound: what goes
 * out was put in, once, and in order unless its place had been given up.
 */
#include <string.h>

#include "base/buf.h"
#include "core/flow/lane.h"
#include "core/flow/resequencer.h"
#include "tap.h"

#define POOL	4096
#define NUMBERS	6000	/* per lane and run */
#define USED	4	/* lanes */
#define WAIT	MSEC(50)

struct model {
	uint8_t taken[USED][NUMBERS], out[USED][NUMBERS];
	nsec_t taken_at[USED][NUMBERS];
	int64_t newest[USED];		/* newest that went out */
	uint64_t backward;		/* went out behind a newer one */
};

struct fixture {
	struct buf_pool *pool;
	struct resequencer *r;
	nsec_t now;
	uint64_t random;
	struct model m;
	uint32_t base[USED];		/* number on the wire of the model's 0 */
};

static uint32_t roll(struct fixture *f, uint32_t below)
{
	f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(f->random >> 33) % below;
}

static void drain(struct fixture *f)
{
	struct buf *b;

	while ((b = resequencer_out(f->r, f->now)) != NULL) {
		uint32_t lane, n;

		memcpy(&lane, b->data, 4);
		memcpy(&n, b->data + 4, 4);
		assert_true(f->m.taken[lane][n]);
		assert_false(f->m.out[lane][n]);
		f->m.out[lane][n] = 1;
		/* nobody waits longer than the wait */
		assert_true(f->now - f->m.taken_at[lane][n] <= WAIT);
		if (n < f->m.newest[lane])
			f->m.backward++;
		else
			f->m.newest[lane] = n;
		buf_put(b);
	}
}

/* Time goes on to `to`, with a wake-up at each deadline as the engine has it. */
static void pass(struct fixture *f, nsec_t to)
{
	nsec_t at;

	while ((at = resequencer_deadline(f->r)) <= to) {
		f->now = nsec_max(f->now, at);
		drain(f);
	}
	f->now = to;
}

static void put(struct fixture *f, uint32_t lane, uint32_t n, bool unordered)
{
	struct resequencer_frame frame = {
		.lane = (uint16_t)(lane * 341), .seq = (f->base[lane] + n) & LANE_SEQ_MASK,
		.path = (uint8_t)roll(f, 3), .unordered = unordered, .repaired = true,
	};
	struct buf *b = buf_get(f->pool);
	enum resequencer_result result;

	assert_non_null(b);
	memcpy(buf_append(b, 4), &lane, 4);
	memcpy(buf_append(b, 4), &n, 4);
	result = resequencer_put(f->r, &frame, b, f->now);
	if (f->m.taken[lane][n]) {
		assert_int_not_equal(result, RESEQUENCER_TAKEN);
	} else {
		assert_int_equal(result, RESEQUENCER_TAKEN);
		f->m.taken[lane][n] = 1;
		f->m.taken_at[lane][n] = f->now;
	}
	if (result != RESEQUENCER_TAKEN)
		buf_put(b);
	drain(f);
}

/* The lane has been used before, up to some number far from where the model begins. */
static void use_lane(struct fixture *f, uint16_t lane, uint32_t seq)
{
	const struct resequencer_frame frame = { .lane = lane, .seq = seq };

	assert_int_equal(resequencer_put(f->r, &frame, buf_get(f->pool), f->now), RESEQUENCER_TAKEN);
	buf_put(resequencer_out(f->r, f->now));
}

static void open_fixture(struct fixture *f, uint64_t seed, size_t packets)
{
	const struct resequencer_config config = { .max_bytes = packets * sizeof(struct buf),
						   .late = true };

	memset(f, 0, sizeof(*f));
	f->pool = buf_pool_new(POOL);
	f->r = resequencer_new(&config);
	f->now = SEC(10);
	f->random = seed;
	assert_non_null(f->pool);
	assert_non_null(f->r);
	resequencer_set_wait(f->r, WAIT);
	for (unsigned i = 0; i < USED; i++) {
		f->base[i] = 2 * RESEQUENCER_HISTORY + roll(f, (1u << LANE_SEQ_BITS) - 4 * RESEQUENCER_HISTORY);	/* a new lane expects 0 */
		f->m.newest[i] = -1;
	}
	f->base[0] = LANE_SEQ_MASK - 5 * NUMBERS / 6;	/* one of them wraps */
	use_lane(f, 0, f->base[0] - 3 * RESEQUENCER_HISTORY);
}

static void close_fixture(struct fixture *f)
{
	resequencer_free(f->r);
	assert_int_equal(buf_pool_left(f->pool), POOL);
	buf_pool_free(f->pool);
}

/*
 * Numbers 0.. of each lane, disordered by up to `spread`, lost and doubled.
 * Returns how many went out behind a newer one.
 */
static uint64_t run(uint64_t seed, uint32_t spread, uint32_t loss_percent, bool unordered,
		    size_t packets)
{
	static struct fixture f;
	uint64_t backward;

	open_fixture(&f, seed, packets);
	for (uint32_t lane = 0; lane < USED; lane++)
		put(&f, lane, 0, false);	/* the lane begins where its first packet is */
	for (uint32_t n = 1; n + spread < NUMBERS; n++) {
		for (uint32_t lane = 0; lane < USED; lane++) {
			uint32_t at = n + roll(&f, spread);

			pass(&f, f.now + 50 * NSEC_PER_USEC);
			if (roll(&f, 100) >= loss_percent)
				put(&f, lane, at, unordered && roll(&f, 4) == 0);
			if (roll(&f, 10) == 0)
				put(&f, lane, n, false);
			assert_true(resequencer_stats(f.r).held <= packets);
		}
	}
	pass(&f, f.now + WAIT);
	assert_int_equal(resequencer_stats(f.r).held, 0);
	assert_int_equal(resequencer_deadline(f.r), NSEC_NEVER);
	for (unsigned lane = 0; lane < USED; lane++)
		assert_memory_equal(f.m.taken[lane], f.m.out[lane], NUMBERS);
	backward = f.m.backward;
	close_fixture(&f);
	return backward;
}

static void whatever_comes_goes_out_once_and_within_the_wait(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		run(seed, 1, 0, false, 1000);
		run(seed, 8, 5, false, 1000);
		run(seed, 64, 20, true, 1000);
		run(seed, 1500, 10, true, 2000);
		run(seed, 500, 30, true, 40);	/* memory for few, beside lanes and shelves */
		run(seed, 500, 90, false, 1000);
	}
}

/* Every number comes, none later than the wait: nothing inside is out of order. */
static void nothing_is_out_of_order_while_all_come_in_time(void **state)
{
	static struct fixture f;

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		open_fixture(&f, seed, 1000);
		for (uint32_t lane = 0; lane < USED; lane++)
			put(&f, lane, 0, false);
		for (uint32_t block = 1; block + 100 < NUMBERS; block += 100) {
			uint32_t order[100];

			for (uint32_t i = 0; i < 100; i++)
				order[i] = i;
			for (uint32_t i = 99; i > 0; i--) {
				uint32_t j = roll(&f, i + 1), swap = order[i];

				order[i] = order[j];
				order[j] = swap;
			}
			for (uint32_t i = 0; i < 100; i++)
				for (uint32_t lane = 0; lane < USED; lane++) {
					pass(&f, f.now + 100 * NSEC_PER_USEC);
					put(&f, lane, block + order[i], false);
				}
		}
		assert_int_equal(f.m.backward, 0);
		assert_int_equal(resequencer_stats(f.r).held, 0);
		close_fixture(&f);
	}
}

/* --- what a hostile peer can do ------------------------------------------ */

static bool put_raw(struct fixture *f, uint32_t lane, uint32_t seq, bool unordered)
{
	struct resequencer_frame frame = { .lane = (uint16_t)lane, .seq = seq & LANE_SEQ_MASK,
					   .unordered = unordered, .repaired = true };
	struct buf *b = buf_get(f->pool);
	bool taken;

	assert_non_null(b);
	taken = resequencer_put(f->r, &frame, b, f->now) == RESEQUENCER_TAKEN;
	if (!taken)
		buf_put(b);
	while ((b = resequencer_out(f->r, f->now)) != NULL)
		buf_put(b);
	return taken;
}

static void jumps_anywhere_are_survived_in_bounded_memory(void **state)
{
	static struct fixture f;
	struct buf *b;

	(void)state;
	open_fixture(&f, 9, 500);
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t near = roll(&f, 3) == 0 ? roll(&f, 9000) : roll(&f, 1u << LANE_SEQ_BITS);

		f.now += roll(&f, 1000) * NSEC_PER_USEC;
		put_raw(&f, roll(&f, 2) == 0 ? roll(&f, LANES) : roll(&f, 4), near,
			roll(&f, 5) == 0);
		assert_true(resequencer_stats(f.r).held <= 500);
		assert_true(resequencer_stats(f.r).held_bytes <= 500 * sizeof(struct buf));
	}
	f.now += 4 * WAIT;
	while ((b = resequencer_out(f.r, f.now)) != NULL)
		buf_put(b);
	assert_int_equal(resequencer_stats(f.r).held, 0);
	close_fixture(&f);
}

/* More than half the circle was lost, so that the next number looks old. */
static void a_lane_that_looks_old_after_a_silence_begins_anew(void **state)
{
	static struct fixture f;
	const uint32_t far = (1u << 21) + 100000;

	(void)state;
	open_fixture(&f, 10, 500);
	assert_true(put_raw(&f, 1, 0, false));
	f.now += SEC(2) - 1;
	assert_false(put_raw(&f, 1, far, false));	/* a straggler, as far as anybody knows */
	f.now += 1;
	assert_true(put_raw(&f, 1, far + 1, false));
	assert_true(put_raw(&f, 1, far + 2, false));
	assert_false(put_raw(&f, 1, far + 2, false));
	close_fixture(&f);
}

/* In a lane that lives, an old number stays old however often it comes. */
static void stragglers_do_not_move_a_living_lane(void **state)
{
	static struct fixture f;

	(void)state;
	open_fixture(&f, 11, 500);
	for (uint32_t i = 0; i < 6000; i++) {
		f.now += MSEC(1);
		assert_true(put_raw(&f, 1, 50000 + i, false));
		assert_false(put_raw(&f, 1, i % 5000, false));
	}
	close_fixture(&f);
}

/* A later packet that fills in does not make the first one wait longer. */
static void a_hole_is_as_old_as_the_earliest_packet_beyond_it(void **state)
{
	static struct fixture f;
	nsec_t start;

	(void)state;
	open_fixture(&f, 12, 500);
	start = f.now;
	put_raw(&f, 1, 0, false);
	put_raw(&f, 1, 100, false);
	f.now += MSEC(20);
	put_raw(&f, 1, 50, false);
	put_raw(&f, 1, 1, false);
	assert_int_equal(resequencer_deadline(f.r), start + WAIT);
	f.now = start + WAIT - 1;
	assert_null(resequencer_out(f.r, f.now));
	f.now++;
	for (unsigned i = 0; i < 2; i++) {
		struct buf *b = resequencer_out(f.r, f.now);

		assert_non_null(b);
		buf_put(b);
	}
	assert_int_equal(resequencer_stats(f.r).held, 0);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("whatever comes goes out once and within the wait",
		     whatever_comes_goes_out_once_and_within_the_wait),
		TEST("nothing is out of order while all come in time",
		     nothing_is_out_of_order_while_all_come_in_time),
		TEST("jumps anywhere are survived in bounded memory",
		     jumps_anywhere_are_survived_in_bounded_memory),
		TEST("a lane that looks old after a silence begins anew",
		     a_lane_that_looks_old_after_a_silence_begins_anew),
		TEST("stragglers do not move a living lane", stragglers_do_not_move_a_living_lane),
		TEST("a hole is as old as the earliest packet beyond it",
		     a_hole_is_as_old_as_the_earliest_packet_beyond_it),
	};

	return RUN_TESTS(tests);
}
