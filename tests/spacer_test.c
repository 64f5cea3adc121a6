/* spacer: which acknowledgements wait before they enter the tunnel, for how long, and in which order. */
#include <stdio.h>
#include <stdlib.h>

#include "core/flow/spacer.h"
#include "sim/grid.h"
#include "sim/model_tcp.h"
#include "tap.h"

#define POOL	400
#define FLOW	7u
#define SPACE	MSEC(5)
#define START	SEC(100)

struct fixture {
	struct spacer *s;
	struct buf_pool *pool;
	struct buf_queue out;
	nsec_t now;
};

static struct fixture *prepare(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->s = spacer_new();
	f->pool = buf_pool_new(POOL);
	assert_true(f->s != NULL && f->pool != NULL);
	f->now = START;
	return f;
}

static void finish(struct fixture *f)
{
	buf_queue_clear(&f->out);
	spacer_free(f->s);
	assert_int_equal(buf_pool_left(f->pool), POOL);
	buf_pool_free(f->pool);
	free(f);
}

/* Every deadline on the way is kept. */
static void pass_time(struct fixture *f, nsec_t time)
{
	nsec_t end = f->now + time;

	while (spacer_deadline(f->s) <= end) {
		f->now = nsec_max(f->now, spacer_deadline(f->s));
		spacer_tick(f->s, &f->out, f->now);
		assert_true(spacer_deadline(f->s) > f->now);
	}
	f->now = end;
}

static void take(struct fixture *f, uint32_t flow, struct tcp segment, nsec_t space, uint32_t label)
{
	struct buf *b = buf_get(f->pool);

	assert_non_null(b);
	b->mark[0] = label;
	spacer_take(f->s, flow, &segment, b, space, &f->out, f->now);
}

/* A plain acknowledgement, which is its own label. */
static void ack_of(struct fixture *f, uint32_t flow, uint32_t number)
{
	take(f, flow, (struct tcp){ .ack = number, .has_ack = true, .plain_ack = true }, SPACE, number);
}

static void ack(struct fixture *f, uint32_t number)
{
	ack_of(f, FLOW, number);
}

/* The label of what went on next; 0: nothing did. */
static uint32_t next(struct fixture *f)
{
	struct buf *b = buf_queue_pop(&f->out);
	uint32_t label = b != NULL ? b->mark[0] : 0;

	buf_put(b);
	return label;
}

static void one_that_comes_soon_waits_and_gives_way_to_a_newer_one(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	ack(f, 1000);
	assert_int_equal(next(f), 1000);
	pass_time(f, MSEC(1));
	ack(f, 2000);
	ack(f, 3000);
	assert_int_equal(next(f), 0);
	assert_int_equal(spacer_held(f->s), 1);
	pass_time(f, SPACE - MSEC(1) - 1);
	assert_int_equal(next(f), 0);
	pass_time(f, 1);
	assert_int_equal(next(f), 3000);
	assert_int_equal(next(f), 0);
	assert_int_equal(spacer_spared(f->s), 1);
	assert_int_equal(spacer_deadline(f->s), NSEC_NEVER);
	finish(f);
}

/* Each millisecond for a second. */
static void of_many_one_goes_in_each_space(void **state)
{
	struct fixture *f = prepare();
	unsigned count = 0;
	uint32_t last = 0, label;

	(void)state;
	for (uint32_t i = 1; i <= 1000; i++) {
		ack(f, 1000 * i);
		pass_time(f, MSEC(1));
	}
	pass_time(f, SPACE);
	while ((label = next(f)) != 0) {
		assert_true(label > last);
		last = label;
		count++;
	}
	assert_in_range(count, 190, 202);
	assert_int_equal(last, 1000000);
	finish(f);
}

static void one_after_a_pause_goes_at_once(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	ack(f, 1000);
	pass_time(f, SPACE);
	ack(f, 2000);
	assert_int_equal(next(f), 1000);
	assert_int_equal(next(f), 2000);
	finish(f);
}

static void all_else_goes_at_once_behind_what_waited(void **state)
{
	static const struct tcp other[] = {
		{ .seq = 5, .end = 105, .ack = 2500, .has_ack = true },		/* data */
		{ .seq = 5, .end = 5, .ack = 2500, .has_ack = true },		/* SACK, or another flag */
		{ .ack = 2000, .has_ack = true, .plain_ack = true },		/* a duplicate, a window update */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		struct fixture *f = prepare();

		ack(f, 1000);
		ack(f, 2000);
		take(f, FLOW, other[i], SPACE, 77);
		assert_int_equal(next(f), 1000);
		assert_int_equal(next(f), 2000);
		assert_int_equal(next(f), 77);
		assert_int_equal(spacer_held(f->s), 0);
		finish(f);
	}
}

static void numbers_go_round(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	ack(f, UINT32_MAX - 100);
	ack(f, UINT32_MAX - 50);
	ack(f, 200);
	assert_int_equal(next(f), UINT32_MAX - 100);
	assert_int_equal(next(f), 0);
	pass_time(f, SPACE);
	assert_int_equal(next(f), 200);
	finish(f);
}

static void without_a_space_nothing_waits(void **state)
{
	struct fixture *f = prepare();
	const struct tcp newer = { .ack = 3000, .has_ack = true, .plain_ack = true };

	(void)state;
	ack(f, 1000);
	ack(f, 2000);
	take(f, FLOW, newer, 0, 3000);	/* the paths have grown calm */
	assert_int_equal(next(f), 1000);
	assert_int_equal(next(f), 3000);
	assert_int_equal(spacer_held(f->s), 0);
	finish(f);
}

static void flows_wait_by_themselves_and_who_takes_a_slot_lets_out_what_waits_there(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	ack(f, 1000);
	ack(f, 2000);
	ack_of(f, FLOW + 1, 5000);
	assert_int_equal(next(f), 1000);
	assert_int_equal(next(f), 5000);
	assert_int_equal(next(f), 0);
	ack_of(f, FLOW + SPACER_FLOWS, 6000);
	assert_int_equal(next(f), 2000);
	assert_int_equal(next(f), 6000);
	finish(f);
}

static void when_room_is_short_all_goes_on(void **state)
{
	struct fixture *f = prepare();

	(void)state;
	for (uint32_t flow = 0; flow < SPACER_FLOWS; flow++) {
		ack_of(f, flow, 1);
		assert_int_equal(next(f), 1);
		ack_of(f, flow, 2);
	}
	assert_int_equal(spacer_held(f->s), SPACER_FLOWS);
	spacer_yield(f->s, &f->out);
	assert_int_equal(spacer_held(f->s), 0);
	for (uint32_t flow = 0; flow < SPACER_FLOWS; flow++)
		assert_int_equal(next(f), 2);
	finish(f);
}

/* --- in the tunnel --------------------------------------------------------- */

/* Datagrams a second that come back over both links of a pair while a TCP fills them. */
static double come_back(const char *pair)
{
	const struct grid_pair *p = grid_find(pair);
	struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);
	struct sim *s = sim_new(1, 1, "aggregate");
	const struct model_tcp_config config = { .direction = SIM_UP };
	struct model_tcp *tcp;
	double before, count;

	sim_add_ways(s, 0, &a, &a);
	sim_add_ways(s, 0, &b, &b);
	sim_run(s, SEC(2));
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(3));
	before = (double)(sim_link(s, 0, 0)->down_packets + sim_link(s, 0, 1)->down_packets);
	sim_run(s, SEC(5));
	count = (double)(sim_link(s, 0, 0)->down_packets + sim_link(s, 0, 1)->down_packets) - before;
	printf("# %s: %.0f datagrams a second come back, %.1f Mbit/s go\n", pair, count / 5,
	       model_tcp_rate(tcp, 3, 8));
	model_tcp_free(tcp);
	sim_free(s);
	return count / 5;
}

/* Every one delays those behind it.  Without spaces 3700 and 3300. */
static void links_that_jitter_carry_few_acknowledgements(void **state)
{
	(void)state;
	assert_true(come_back("jit_5") < 700);
	assert_true(come_back("jit_20") < 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("one that comes soon waits, and gives way to a newer one",
		     one_that_comes_soon_waits_and_gives_way_to_a_newer_one),
		TEST("of many one goes in each space", of_many_one_goes_in_each_space),
		TEST("one after a pause goes at once", one_after_a_pause_goes_at_once),
		TEST("all else goes at once, behind what waited", all_else_goes_at_once_behind_what_waited),
		TEST("numbers go round", numbers_go_round),
		TEST("without a space nothing waits", without_a_space_nothing_waits),
		TEST("flows wait by themselves, and who takes a slot lets out what waits there",
		     flows_wait_by_themselves_and_who_takes_a_slot_lets_out_what_waits_there),
		TEST("when room is short all goes on", when_room_is_short_all_goes_on),
		TEST("links that jitter carry few acknowledgements", links_that_jitter_carry_few_acknowledgements),
	};

	return RUN_TESTS(tests);
}
