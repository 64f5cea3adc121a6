/*
 * fq_codel: turns, shares, limits, both ends of a backlog, and CoDel in front
 * of a link with senders that listen to it, in virtual time.
 */
#include <string.h>

#include "base/buf.h"
#include "core/flow/fq_codel.h"
#include "core/flow/lane.h"
#include "tap.h"

#define POOL	2048
#define QUANTUM	1500
#define START	SEC(10)

struct fixture {
	struct buf_pool *pool;
	struct fq_codel *q;
	nsec_t now;
	uint32_t pushed[8];	/* packets of a sender */
};

static void open_limited(struct fixture *f, uint32_t max_packets, uint32_t max_bytes)
{
	const struct fq_codel_config config = {
		.max_packets = max_packets, .max_bytes = max_bytes, .quantum = QUANTUM,
	};

	memset(f, 0, sizeof(*f));
	f->pool = buf_pool_new(POOL);
	f->q = fq_codel_new(&config);
	f->now = START;
	assert_non_null(f->pool);
	assert_non_null(f->q);
}

static void open_fixture(struct fixture *f)
{
	open_limited(f, POOL, POOL * 2000);
}

static void close_fixture(struct fixture *f)
{
	fq_codel_free(f->q);
	assert_int_equal(buf_pool_left(f->pool), POOL);
	buf_pool_free(f->pool);
}

/* What a test's packet says of itself. */
struct label {
	uint32_t sender, number;
	nsec_t since;
};

static struct label label_of(const struct buf *b)
{
	struct label label;

	memcpy(&label, b->data, sizeof(label));
	return label;
}

static void push_labelled(struct fixture *f, uint32_t flow, uint32_t len, struct label label)
{
	struct buf *b = buf_get(f->pool);

	assert_non_null(b);
	memcpy(buf_append(b, len), &label, sizeof(label));
	b->mark[0] = flow;
	fq_codel_push(f->q, b, f->now);
}

/* The sender's next packet, without asking. */
static void push(struct fixture *f, uint32_t flow, uint32_t len)
{
	uint32_t sender = flow % ARRAY_SIZE(f->pushed);

	push_labelled(f, flow, len, (struct label){ flow, f->pushed[sender]++, f->now });
}

static enum fq_codel_verdict offer(struct fixture *f, uint32_t flow, uint32_t len)
{
	enum fq_codel_verdict verdict = fq_codel_admit(f->q, flow, len, false, f->now);

	if (verdict == FQ_CODEL_PASS)
		push(f, flow, len);
	return verdict;
}

/* The packet that leaves says so: flow * 1000 + number; -1: there is none. */
static int64_t name_of(struct buf *b)
{
	struct label label;

	if (b == NULL)
		return -1;
	label = label_of(b);
	buf_put(b);
	return label.sender * 1000 + label.number;
}

static int64_t pop(struct fixture *f)
{
	struct buf *head = fq_codel_head(f->q, f->now), *b = fq_codel_pop(f->q, f->now);

	assert_ptr_equal(head, b);
	return name_of(b);
}

static int64_t pop_tail(struct fixture *f)
{
	uint32_t ahead;
	struct buf *tail = fq_codel_tail(f->q, &ahead), *b = fq_codel_pop_tail(f->q);

	assert_ptr_equal(tail, b);
	return name_of(b);
}

/* --- turns --------------------------------------------------------------- */

static void an_empty_queue_gives_nothing(void **state)
{
	struct fixture f;
	uint32_t ahead = 77;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pop(&f), -1);
		assert_null(fq_codel_tail(f.q, &ahead));
		assert_null(fq_codel_pop_tail(f.q));
		assert_int_equal(ahead, 77);
		push(&f, 1, 100);
		assert_int_equal(pop(&f), 1000 + i);
	}
	assert_int_equal(fq_codel_stats(f.q).packets, 0);
	close_fixture(&f);
}

static void a_flow_keeps_its_order(void **state)
{
	struct fixture f;
	uint32_t next[3] = { 0 };
	struct buf *b;

	(void)state;
	open_fixture(&f);
	for (uint32_t i = 0; i < 600; i++)
		push(&f, i % 7 % 3, 100 + i);
	while ((b = fq_codel_pop(f.q, f.now)) != NULL) {
		struct label label = label_of(b);

		assert_int_equal(label.number, next[label.sender]++);
		buf_put(b);
	}
	assert_int_equal(next[0] + next[1] + next[2], 600);
	close_fixture(&f);
}

static void fresh_flows_go_first_and_once(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 4; i++)
		push(&f, 1, QUANTUM);
	assert_int_equal(pop(&f), 1000);
	push(&f, 2, 200);
	assert_int_equal(pop(&f), 2000);
	push(&f, 2, 200);	/* its turn goes on: it never was found empty */
	assert_int_equal(pop(&f), 2001);
	assert_int_equal(pop(&f), 1001);
	push(&f, 2, 200);	/* it was found empty, and is behind flow 1 now, which goes on */
	push(&f, 3, 200);
	assert_int_equal(pop(&f), 3000);
	assert_int_equal(pop(&f), 2002);
	assert_int_equal(pop(&f), 1002);
	assert_int_equal(pop(&f), 1003);
	assert_int_equal(pop(&f), -1);
	close_fixture(&f);
}

/* Flow i sends packets of 1500 - 140 i bytes and always has two; everyone gets the same bytes. */
static void busy_flows_get_equal_shares(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned flows = 2; flows <= 10; flows++) {
		uint64_t bytes[10] = { 0 }, all = 0;

		open_fixture(&f);
		for (unsigned i = 0; i < 2 * flows; i++)
			push(&f, i / 2, QUANTUM - 140 * (i / 2));
		while (all < 100 * QUANTUM * flows) {
			struct buf *b = fq_codel_pop(f.q, f.now);
			uint32_t flow = b->mark[0];

			bytes[flow] += b->len;
			all += b->len;
			buf_put(b);
			push(&f, flow, QUANTUM - 140 * flow);
		}
		for (unsigned i = 0; i < flows; i++)
			assert_in_range(bytes[i] * flows * 1000 / all, 950, 1050);
		close_fixture(&f);
	}
}

/* Flows, by number, that may not go. */
static bool is_open(void *ctx, struct buf *b)
{
	const uint32_t *blocked = ctx;

	return !(*blocked & 1u << b->mark[0]);
}

static int64_t pop_open(struct fixture *f, uint32_t blocked)
{
	struct buf *b = fq_codel_find(f->q, is_open, &blocked);

	if (b != NULL)
		fq_codel_pop_found(f->q, b, f->now);
	return name_of(b);
}

static void who_may_not_go_keeps_nobody_back(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	assert_int_equal(pop_open(&f, 0), -1);
	push(&f, 1, QUANTUM);
	push(&f, 2, QUANTUM);
	push(&f, 3, 200);
	assert_int_equal(pop_open(&f, 1u << 1 | 1u << 2 | 1u << 3), -1);
	assert_int_equal(pop_open(&f, 1u << 1), 2000);
	assert_int_equal(pop_open(&f, 1u << 1), 3000);
	assert_int_equal(pop_open(&f, 1u << 1), -1);
	assert_int_equal(pop_open(&f, 0), 1000);
	assert_int_equal(pop_open(&f, 0), -1);
	close_fixture(&f);
}

/* Flows 0 to 4 always have two packets; 0 and 1 may go half of the time, the others always. */
static void who_may_go_shares_what_leaves(void **state)
{
	uint64_t bytes[5] = { 0 };
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (uint32_t flow = 0; flow < 5; flow++)
		for (int n = 0; n < 2; n++)
			push(&f, flow, QUANTUM - 200 * flow);
	for (unsigned i = 0; i < 5000; i++) {
		uint32_t blocked = i / 50 % 2 == 0 ? 3 : 0;
		struct buf *b = fq_codel_find(f.q, is_open, &blocked);
		uint32_t flow;

		assert_non_null(b);
		flow = b->mark[0];
		assert_false(blocked & 1u << flow);
		bytes[flow] += b->len;
		fq_codel_pop_found(f.q, b, f.now);
		buf_put(b);
		push(&f, flow, QUANTUM - 200 * flow);
	}
	assert_in_range(bytes[0] * 1000 / bytes[1], 950, 1050);
	assert_in_range(bytes[2] * 1000 / bytes[3], 980, 1020);
	assert_in_range(bytes[3] * 1000 / bytes[4], 980, 1020);
	assert_true(bytes[0] * 3 > bytes[2] && bytes[0] < bytes[2]);
	close_fixture(&f);
}

/*
 * A link of a byte each microsecond; busy flows always have ten packets of a
 * quantum; the sparse one sends 100 bytes every 7 to 57 ms.  Returns its longest wait.
 */
static nsec_t longest_wait_beside(unsigned busy)
{
	struct fixture f;
	nsec_t next = START + SEC(1), longest = 0;	/* when the busy ones are no longer fresh */

	open_fixture(&f);
	for (unsigned i = 0; i < 10 * busy; i++)
		push(&f, 1 + i % busy, QUANTUM);
	for (unsigned i = 0; i < 20000; i++) {
		struct buf *b = fq_codel_pop(f.q, f.now);
		nsec_t start = f.now, end = start + b->len * NSEC_PER_USEC;

		if (b->mark[0] == 0)
			longest = nsec_max(longest, start - label_of(b).since);
		else
			push(&f, b->mark[0], QUANTUM);
		buf_put(b);
		for (; next <= end; next += MSEC(7 + i % 51)) {
			f.now = next;
			push(&f, 0, 100);
		}
		f.now = end;
	}
	close_fixture(&f);
	return longest;
}

static void a_sparse_flow_waits_for_a_quantum_of_each_flow_at_most(void **state)
{
	(void)state;
	for (unsigned busy = 1; busy <= 40; busy++) {
		nsec_t longest = longest_wait_beside(busy);

		assert_in_range(longest, 1, busy * QUANTUM * NSEC_PER_USEC);
		/* a round is shorter than its pauses, so it is always fresh */
		if (busy <= 3)
			assert_in_range(longest, 1, QUANTUM * NSEC_PER_USEC);
	}
}

static void flows_that_collide_are_one(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 4; i++) {
		push_labelled(&f, 5 + i % 2 * LANES, QUANTUM, (struct label){ .sender = 5, .number = i });
		push_labelled(&f, 6, QUANTUM, (struct label){ .sender = 6, .number = i });
	}
	assert_int_equal(fq_codel_stats(f.q).flows, 2);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pop(&f), 5000 + i);
		assert_int_equal(pop(&f), 6000 + i);
	}
	close_fixture(&f);
}

/* --- limits -------------------------------------------------------------- */

static void the_limits_hold_and_leave_room_for_others(void **state)
{
	static const struct { uint32_t packets, bytes, len, alone, others; } row[] = {
		{ 100, 1000000, 1000, 80, 4 },	/* by packets */
		{ 2000, 100000, 1000, 80, 4 },	/* by bytes */
		{ 2000, 10000, 1200, 7, 1 },	/* a third would have its share, but there is no room */
		{ 1, 2000, 1000, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct fixture f;
		struct fq_codel_stats stats;

		open_limited(&f, row[i].packets, row[i].bytes);
		while (offer(&f, 0, row[i].len) == FQ_CODEL_PASS)
			;
		assert_int_equal(fq_codel_stats(f.q).packets, row[i].alone);
		for (uint32_t flow = 1; flow < 300; flow++) {
			enum fq_codel_verdict first = offer(&f, flow, row[i].len);

			if (flow <= row[i].others)
				assert_int_equal(first, FQ_CODEL_PASS);
			assert_int_equal(offer(&f, 0, row[i].len), FQ_CODEL_FULL);
		}
		stats = fq_codel_stats(f.q);
		assert_in_range(stats.packets, row[i].alone, row[i].packets);
		assert_in_range(stats.bytes, row[i].alone * row[i].len, row[i].bytes);
		assert_true(stats.refused >= 300);
		assert_int_equal(stats.dropped, 0);
		close_fixture(&f);
	}
}

/* The fat flow is refused until it is no longer the fattest; then the other one is. */
static void a_flow_that_comes_later_gets_its_half(void **state)
{
	struct fixture f;
	unsigned mine[2] = { 0 };

	(void)state;
	open_limited(&f, 900, 900000);
	while (offer(&f, 0, 1000) == FQ_CODEL_PASS)
		;
	for (unsigned i = 0; i < 4000; i++) {
		struct buf *b = fq_codel_pop(f.q, f.now);

		if (i >= 2000)
			mine[b->mark[0]]++;
		buf_put(b);
		for (unsigned tries = 0; tries < 3; tries++) {
			offer(&f, 0, 1000);
			offer(&f, 1, 1000);
		}
	}
	assert_in_range(mine[0], 950, 1050);
	assert_in_range(mine[1], 950, 1050);
	close_fixture(&f);
}

static void what_waits_goes_back_when_the_queue_is_freed(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 100; i++)
		push(&f, i % 9, 500);
	close_fixture(&f);
}

/* --- the other end ------------------------------------------------------- */

static void the_tail_is_the_longest_flows_last_packet(void **state)
{
	struct fixture f;
	uint32_t ahead = 0;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 3; i++)
		push(&f, 1, 1000);
	push(&f, 2, 1400);
	push(&f, 2, 1300);
	assert_int_equal(label_of(fq_codel_tail(f.q, &ahead)).sender, 1);
	assert_int_equal(ahead, 2000);
	assert_int_equal(pop_tail(&f), 1002);
	assert_int_equal(pop_tail(&f), 2001);	/* 2700 bytes against 2000 */
	assert_int_equal(pop_tail(&f), 1001);
	assert_non_null(fq_codel_tail(f.q, &ahead));
	assert_int_equal(ahead, 0);
	assert_int_equal(pop_tail(&f), 2000);
	assert_int_equal(pop_tail(&f), 1000);
	assert_int_equal(pop_tail(&f), -1);
	assert_int_equal(fq_codel_stats(f.q).bytes, 0);
	assert_int_equal(fq_codel_stats(f.q).flows, 0);
	close_fixture(&f);
}

static int64_t pop_behind(struct fixture *f, uint32_t ahead)
{
	struct buf *found = fq_codel_behind(f->q, ahead);

	return found != NULL ? name_of(fq_codel_pop_behind(f->q)) : -1;
}

static void a_packet_is_found_by_what_waits_before_it(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	assert_null(fq_codel_behind(f.q, 1));
	assert_null(fq_codel_pop_behind(f.q));
	for (unsigned i = 0; i < 10; i++)
		push(&f, 1, 1000);
	push(&f, 2, 1400);
	assert_null(fq_codel_behind(f.q, 10000));
	assert_int_equal(pop_behind(&f, 9001), -1);
	assert_int_equal(pop_behind(&f, 3001), 1004);
	assert_int_equal(pop_behind(&f, 4000), 1005);
	assert_int_equal(pop_behind(&f, 1), 1001);
	assert_int_equal(pop(&f), 1000);
	/* two went, and one from before it: 2, 3, 6, 7, 8, 9 wait */
	assert_int_equal(pop_behind(&f, 2000), 1006);
	assert_int_equal(pop_behind(&f, 1000), 1003);
	assert_int_equal(pop_tail(&f), 1009);
	assert_int_equal(pop_behind(&f, 2000), 1008);
	assert_int_equal(pop_behind(&f, 0), 1002);
	close_fixture(&f);
}

static void taking_from_the_tail_leaves_the_rest_in_order(void **state)
{
	struct fixture f;
	uint32_t head = 0, tail = 0;

	(void)state;
	open_fixture(&f);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 3; i++)
			push(&f, 0, 1000);
		tail = f.pushed[0] - 1;
		assert_int_equal(pop(&f), head++);
		assert_int_equal(pop_tail(&f), tail);
		f.pushed[0]--;	/* its number comes again, so that those left have no gap */
	}
	for (; head < f.pushed[0]; head++)
		assert_int_equal(pop(&f), head);
	assert_int_equal(pop(&f), -1);
	close_fixture(&f);
}

/* --- CoDel over flows ---------------------------------------------------- */

/* What CoDel a test's queue has, and its flow of its own; target 0: none. */
struct wish {
	nsec_t target, own, own_interval;
};

/*
 * A flow with `waiting` packets of len at all times, whose head always waits for
 * 60 ms: strikes in the first half second.
 */
static unsigned strikes_for(const struct wish *wish, unsigned waiting, uint32_t len, bool ecn_capable)
{
	struct fixture f;
	struct fq_codel_stats stats;
	unsigned strikes = 0;

	open_fixture(&f);
	fq_codel_set_target(f.q, wish->target, MSEC(100), 0);
	for (unsigned i = 0; i < waiting; i++)
		push(&f, 0, len);
	for (; f.now < START + MSEC(500); f.now += MSEC(60) / waiting) {
		enum fq_codel_verdict verdict = fq_codel_admit(f.q, 0, len, ecn_capable, f.now);

		if (wish->own != 0)
			fq_codel_set_flow(f.q, LANES, wish->own, wish->own_interval);	/* of the same lane */

		assert_int_not_equal(verdict, FQ_CODEL_FULL);
		if (verdict != FQ_CODEL_PASS) {
			strikes++;
			assert_int_equal(verdict, ecn_capable ? FQ_CODEL_MARK : FQ_CODEL_DROP);
		}
		push(&f, 0, len);
		buf_put(fq_codel_pop(f.q, f.now));
	}
	stats = fq_codel_stats(f.q);
	assert_int_equal(stats.marked, ecn_capable ? strikes : 0);
	assert_int_equal(stats.dropped, ecn_capable ? 0 : strikes);
	close_fixture(&f);
	return strikes;
}

static unsigned strikes_of(nsec_t target, unsigned waiting, uint32_t len, bool ecn_capable)
{
	return strikes_for(&(struct wish){ .target = target }, waiting, len, ecn_capable);
}

static void a_target_is_for_bulk_flows(void **state)
{
	(void)state;
	/* 9000 bytes: bulk */
	assert_in_range(strikes_of(MSEC(50), 6, QUANTUM, false), 4, 9);
	assert_int_equal(strikes_of(MSEC(61), 6, QUANTUM, false), 0);
	/* 6000 bytes with the one that leaves: sparse, 5 ms */
	assert_in_range(strikes_of(MSEC(500), 3, QUANTUM, false), 4, 9);
	assert_in_range(strikes_of(MSEC(500), 30, 100, false), 4, 9);
	assert_int_equal(strikes_of(MSEC(500), 5, QUANTUM, false), 0);
}

static unsigned strikes_with(nsec_t target, nsec_t own, nsec_t own_interval, unsigned waiting)
{
	return strikes_for(&(struct wish){ target, own, own_interval }, waiting, QUANTUM, false);
}

/* Longer or shorter than the others', and not while it is sparse. */
static void a_bulk_flow_may_have_a_codel_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(strikes_with(MSEC(50), MSEC(61), MSEC(100), 6), 0);
	assert_in_range(strikes_with(MSEC(61), MSEC(50), MSEC(100), 6), 4, 9);
	assert_int_equal(strikes_with(MSEC(50), MSEC(50), MSEC(600), 6), 0);
	assert_in_range(strikes_with(MSEC(61), MSEC(500), MSEC(100), 3), 4, 9);
}

static void a_codel_of_its_own_is_within_the_same_bounds(void **state)
{
	struct fixture f;

	(void)state;
	/* 5 ms and 100 ms at least */
	assert_int_equal(strikes_with(MSEC(61), 1, 1, 6), strikes_with(MSEC(61), MSEC(5), MSEC(100), 6));
	assert_in_range(strikes_with(MSEC(61), 1, 1, 6), 4, 9);
	/* 500 ms and 10 s at most: nothing leaves, and the head waits for 10.5 s */
	open_fixture(&f);
	for (unsigned i = 0; i < 10; i++)
		push(&f, 0, QUANTUM);
	fq_codel_set_flow(f.q, 0, SEC(100), SEC(100));
	fq_codel_head(f.q, f.now += MSEC(500));
	fq_codel_head(f.q, f.now += SEC(10) - 1);
	assert_int_equal(offer(&f, 0, 100), FQ_CODEL_PASS);
	fq_codel_head(f.q, f.now += 1);
	assert_int_equal(offer(&f, 0, 100), FQ_CODEL_DROP);
	close_fixture(&f);
}

/* Ten packets wait for 60 ms and longer than an interval: what is the next one told? */
static enum fq_codel_verdict verdict_after_a_wait(struct fixture *f, uint32_t flow)
{
	fq_codel_head(f->q, f->now += MSEC(60));
	fq_codel_head(f->q, f->now += MSEC(100));
	return fq_codel_admit(f->q, flow, 100, false, f->now);
}

static void a_codel_of_its_own_leaves_with_the_flow_and_is_no_other_s(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	fq_codel_set_flow(f.q, 1, MSEC(500), MSEC(500));
	for (unsigned i = 0; i < 10; i++)
		push(&f, 0, QUANTUM);
	assert_int_equal(verdict_after_a_wait(&f, 0), FQ_CODEL_DROP);
	while (pop(&f) >= 0)
		;
	for (unsigned i = 0; i < 10; i++)
		push(&f, 1, QUANTUM);
	/* said before the slot was in use, it is forgotten; said now, it counts */
	assert_int_equal(verdict_after_a_wait(&f, 1), FQ_CODEL_DROP);
	while (pop(&f) >= 0)
		;
	for (unsigned i = 0; i < 10; i++)
		push(&f, 1, QUANTUM);
	fq_codel_set_flow(f.q, 1, MSEC(500), MSEC(500));
	assert_int_equal(verdict_after_a_wait(&f, 1), FQ_CODEL_PASS);
	close_fixture(&f);
}

static void it_is_known_how_long_a_flow_s_first_packet_waits(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	assert_int_equal(fq_codel_sojourn(f.q, 3, f.now), 0);
	for (unsigned i = 0; i < 3; i++) {
		push(&f, 3, QUANTUM);
		push(&f, 4, QUANTUM);
		f.now += MSEC(10);
	}
	f.now += MSEC(5);
	assert_int_equal(fq_codel_sojourn(f.q, 3, f.now), MSEC(35));
	assert_int_equal(fq_codel_sojourn(f.q, 3 + LANES, f.now), MSEC(35));
	assert_int_equal(pop(&f), 3000);
	assert_int_equal(fq_codel_sojourn(f.q, 3, f.now), MSEC(25));
	assert_int_equal(fq_codel_sojourn(f.q, 4, f.now), MSEC(35));
	assert_int_equal(fq_codel_sojourn(f.q, 3, START), 0);	/* before it came */
	while (pop(&f) >= 0)
		;
	assert_int_equal(fq_codel_sojourn(f.q, 3, f.now), 0);
	close_fixture(&f);
}

static void a_flow_that_only_has_a_quantum_behind_its_head_is_let_be(void **state)
{
	(void)state;
	assert_int_equal(strikes_of(MSEC(5), 1, QUANTUM, false), 0);
	assert_int_equal(strikes_of(MSEC(5), 10, 150, false), 0);
	assert_in_range(strikes_of(MSEC(5), 11, 150, false), 4, 9);
}

static void who_knows_ecn_is_marked_instead_of_dropped(void **state)
{
	(void)state;
	assert_int_equal(strikes_of(MSEC(5), 6, QUANTUM, true), strikes_of(MSEC(5), 6, QUANTUM, false));
	assert_in_range(strikes_of(MSEC(5), 6, QUANTUM, true), 4, 9);
}

/* Nothing leaves, so only looking at the head can tell. */
static void a_stalled_queue_stands_too(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 10; i++)
		push(&f, 0, QUANTUM);
	for (; f.now < START + MSEC(104); f.now += MSEC(1)) {
		fq_codel_head(f.q, f.now);
		assert_int_equal(offer(&f, 0, 100), FQ_CODEL_PASS);
	}
	f.now = START + MSEC(105);
	fq_codel_head(f.q, f.now);
	assert_int_equal(offer(&f, 0, 100), FQ_CODEL_DROP);
	close_fixture(&f);
}

/* The head is seen before its time is up; that must not count as a packet that left in time. */
static void looking_at_the_head_early_proves_nothing(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 3; i++)
		push(&f, 0, QUANTUM);
	for (unsigned i = 0; i < 100; i++) {
		fq_codel_head(f.q, f.now);	/* waits for 4 ms so far */
		f.now += MSEC(2);
		buf_put(fq_codel_pop(f.q, f.now));
		push(&f, 0, QUANTUM);
	}
	assert_int_equal(offer(&f, 0, 100), FQ_CODEL_DROP);
	close_fixture(&f);
}

/* A target of 500 ms is a bulk flow's: three packets that wait for 5 ms are too long for another. */
static void a_bulk_flow_that_was_gone_is_sparse_again(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	fq_codel_set_target(f.q, MSEC(500), MSEC(500), 0);
	for (unsigned i = 0; i < 5; i++)
		push(&f, 0, QUANTUM);
	for (unsigned i = 0; i < 2; i++)
		pop(&f);
	fq_codel_head(f.q, f.now += MSEC(5));
	fq_codel_head(f.q, f.now += MSEC(100));
	assert_int_equal(offer(&f, 0, 100), FQ_CODEL_PASS);
	while (pop(&f) >= 0)
		;
	for (unsigned i = 0; i < 3; i++)
		push(&f, 0, QUANTUM);
	fq_codel_head(f.q, f.now += MSEC(5));
	fq_codel_head(f.q, f.now += MSEC(100));
	assert_int_equal(offer(&f, 0, 100), FQ_CODEL_DROP);
	close_fixture(&f);
}

static void a_queue_that_ran_empty_is_forgiven(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned by_tail = 0; by_tail < 2; by_tail++) {
		open_fixture(&f);
		for (unsigned i = 0; i < 10; i++)
			push(&f, 0, QUANTUM);
		fq_codel_head(f.q, START + MSEC(5));
		fq_codel_head(f.q, START + MSEC(105));
		f.now = START + MSEC(106);
		while (fq_codel_stats(f.q).packets > 0)
			by_tail ? pop_tail(&f) : pop(&f);
		assert_int_equal(offer(&f, 0, 100), FQ_CODEL_PASS);
		close_fixture(&f);
	}
}

/* --- a link, and senders that listen ------------------------------------- */

#define ACKS		4096
#define SENDERS_MAX	10

/* Reno with the back-off of CUBIC: a window's first loss or mark makes it 0.7 of itself. */
struct sender {
	double window, threshold;	/* packets */
	uint32_t next, acked;		/* numbers of packets: to be sent, seen by the receiver */
	uint32_t recover;		/* no second back-off before this one is acked */
	bool ecn;
	uint32_t unanswered;		/* marks */
};

struct ack {
	nsec_t at;
	struct label label;
};

struct line {
	struct fixture f;
	struct sender sender[SENDERS_MAX];
	unsigned senders;
	uint64_t rate;			/* bytes each second */
	nsec_t rtt, free_at;
	struct ack ack[ACKS];
	size_t first, acks;
	uint64_t bytes[SENDERS_MAX];	/* delivered, since measured_from */
	nsec_t measured_from, waited;
	uint64_t packets;
};

#define LINE_LEN	1400

static void send_window(struct line *l, uint32_t i)
{
	struct sender *s = &l->sender[i];

	while (s->next - s->acked < (uint32_t)s->window) {
		enum fq_codel_verdict verdict = fq_codel_admit(l->f.q, i, LINE_LEN, s->ecn, l->f.now);
		struct label label = { .sender = i, .number = s->next++, .since = l->f.now };

		if (verdict == FQ_CODEL_MARK)
			label.sender |= 1u << 31;
		if (verdict == FQ_CODEL_PASS || verdict == FQ_CODEL_MARK)
			push_labelled(&l->f, i, LINE_LEN, label);
	}
}

/* A packet was acked; those between it and the last one are lost. */
static void hear(struct line *l, struct label label)
{
	uint32_t i = label.sender & ~(1u << 31);
	struct sender *s = &l->sender[i];
	bool congested = label.number != s->acked || label.sender != i;

	if (congested && (int32_t)(label.number - s->recover) >= 0) {
		s->window = s->window * 0.7 > 2 ? s->window * 0.7 : 2;
		s->threshold = s->window;
		s->recover = s->next;
	} else {
		s->window += s->window < s->threshold ? 1 : 1 / s->window;
	}
	s->acked = label.number + 1;
	send_window(l, i);
}

static void transmit(struct line *l)
{
	struct buf *b = fq_codel_pop(l->f.q, l->f.now);
	struct ack *ack = &l->ack[(l->first + l->acks++) % ACKS];

	assert_in_range(l->acks, 1, ACKS);
	ack->label = label_of(b);
	l->free_at = l->f.now + b->len * NSEC_PER_SEC / l->rate;
	ack->at = l->free_at + l->rtt;
	if (l->f.now >= l->measured_from) {
		l->bytes[b->mark[0]] += b->len;
		l->waited += l->f.now - ack->label.since;
		l->packets++;
	}
	buf_put(b);
}

static void run_line(struct line *l, nsec_t until)
{
	for (uint32_t i = 0; i < l->senders; i++)
		send_window(l, i);
	while (l->f.now < until) {
		nsec_t free_at = fq_codel_head(l->f.q, l->f.now) != NULL ?
				 nsec_max(l->free_at, l->f.now) : NSEC_NEVER;
		nsec_t ack_at = l->acks > 0 ? l->ack[l->first].at : NSEC_NEVER;

		assert_int_not_equal(nsec_min(free_at, ack_at), NSEC_NEVER);
		l->f.now = nsec_min(free_at, ack_at);
		if (free_at <= ack_at) {
			transmit(l);
			continue;
		}
		hear(l, l->ack[l->first].label);
		l->first = (l->first + 1) % ACKS;
		l->acks--;
	}
}

/* 60 s of which the last 45 are measured. */
static void measure(struct line *l, unsigned senders, double mbit, nsec_t rtt, nsec_t target, bool ecn)
{
	memset(l, 0, sizeof(*l));
	open_fixture(&l->f);
	/* a strike is heard of a round trip and a sojourn later */
	fq_codel_set_target(l->f.q, target, nsec_max(MSEC(100), rtt * 3 / 2 + target), 0);
	l->senders = senders;
	l->rate = (uint64_t)(mbit * 125000);
	l->rtt = rtt;
	l->measured_from = START + SEC(15);
	for (unsigned i = 0; i < senders; i++)
		l->sender[i] = (struct sender){ .window = 10, .threshold = 1e9, .ecn = ecn };
	run_line(l, START + SEC(60));
}

static nsec_t mean_wait(const struct line *l)
{
	return l->waited / l->packets;
}

/* Permille of what the line could carry. */
static uint64_t used(const struct line *l)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < l->senders; i++)
		bytes += l->bytes[i];
	return bytes * 1000 / (l->rate * 45);
}

/* Bounds are a tenth to both sides of what was measured when this was written. */
static void a_saturating_flow_waits_less_than_the_target(void **state)
{
	static const struct { unsigned mbit, rtt_ms, target_ms, low_us, high_us, used; } row[] = {
		{ 20, 20, 5, 3300, 4200, 985 },
		{ 20, 50, 5, 1400, 1800, 925 },
		{ 100, 20, 5, 2000, 2500, 975 },
		{ 2, 20, 5, 14900, 20900, 990 },	/* three packets' time: fewer are no queue */
		{ 20, 40, 100, 61000, 75000, 990 },
		{ 20, 100, 300, 182000, 223000, 990 },
	};
	static struct line l;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(row); i++) {
		bool ecn = i % 2;

		measure(&l, 1, row[i / 2].mbit, MSEC(row[i / 2].rtt_ms), MSEC(row[i / 2].target_ms), ecn);
		assert_in_range(mean_wait(&l) / NSEC_PER_USEC, row[i / 2].low_us, row[i / 2].high_us);
		assert_in_range(used(&l), row[i / 2].used, 1000);
		assert_int_not_equal(fq_codel_stats(l.f.q).dropped, ecn ? 1 : 0);
		close_fixture(&l.f);
	}
}

static void senders_that_listen_get_equal_shares(void **state)
{
	static struct line l;

	(void)state;
	for (unsigned senders = 2; senders <= SENDERS_MAX; senders++) {
		uint64_t bytes = 0;

		measure(&l, senders, 20, MSEC(20), MSEC(20), senders % 2);
		for (unsigned i = 0; i < senders; i++)
			bytes += l.bytes[i];
		for (unsigned i = 0; i < senders; i++)
			assert_in_range(l.bytes[i] * senders * 1000 / bytes, 950, 1050);
		assert_in_range(used(&l), 985, 1000);
		close_fixture(&l.f);
	}
}

/*
 * A sender that does not listen, at 1.2 times the line's 2000 packets/s, which
 * come `burst` at once.  The mean wait in the last 20 s of 60.
 */
static nsec_t mean_wait_behind_a_deaf_sender(unsigned burst)
{
	nsec_t next = START, waited = 0, packets = 0;
	struct fixture f;

	open_fixture(&f);
	for (unsigned i = 0; i < 120000; i++) {
		struct buf *b;

		for (; next <= f.now; next += burst * SEC(1) / 2400)
			for (unsigned n = 0; n < burst; n++)
				offer(&f, 0, 1000);
		b = fq_codel_pop(f.q, f.now);
		if (b != NULL && i >= 80000) {
			waited += f.now - label_of(b).since;
			packets++;
		}
		buf_put(b);
		f.now += SEC(1) / 2000;
	}
	assert_int_equal(fq_codel_stats(f.q).refused, 0);
	close_fixture(&f);
	return waited / packets;
}

/* RFC 8289's own code, which drops at the head and so at once, has a mean of 252 ms there; here 293. */
static void a_sender_that_does_not_listen_is_held_as_by_rfc_8289(void **state)
{
	(void)state;
	assert_in_range(mean_wait_behind_a_deaf_sender(1), MSEC(230), MSEC(310));
	assert_in_range(mean_wait_behind_a_deaf_sender(45), MSEC(230), MSEC(310));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("an empty queue gives nothing", an_empty_queue_gives_nothing),
		TEST("a flow keeps its order", a_flow_keeps_its_order),
		TEST("fresh flows go first, and once", fresh_flows_go_first_and_once),
		TEST("busy flows get equal shares", busy_flows_get_equal_shares),
		TEST("a sparse flow waits for a quantum of each flow at most",
		     a_sparse_flow_waits_for_a_quantum_of_each_flow_at_most),
		TEST("who may not go keeps nobody back", who_may_not_go_keeps_nobody_back),
		TEST("who may go shares what leaves", who_may_go_shares_what_leaves),
		TEST("flows that collide are one", flows_that_collide_are_one),
		TEST("the limits hold and leave room for others", the_limits_hold_and_leave_room_for_others),
		TEST("a flow that comes later gets its half", a_flow_that_comes_later_gets_its_half),
		TEST("what waits goes back when the queue is freed",
		     what_waits_goes_back_when_the_queue_is_freed),
		TEST("the tail is the longest flow's last packet", the_tail_is_the_longest_flows_last_packet),
		TEST("a packet is found by what waits before it", a_packet_is_found_by_what_waits_before_it),
		TEST("taking from the tail leaves the rest in order",
		     taking_from_the_tail_leaves_the_rest_in_order),
		TEST("a target is for bulk flows", a_target_is_for_bulk_flows),
		TEST("a bulk flow may have a CoDel of its own", a_bulk_flow_may_have_a_codel_of_its_own),
		TEST("a CoDel of its own is within the same bounds", a_codel_of_its_own_is_within_the_same_bounds),
		TEST("a CoDel of its own leaves with the flow, and is no other's",
		     a_codel_of_its_own_leaves_with_the_flow_and_is_no_other_s),
		TEST("it is known how long a flow's first packet waits",
		     it_is_known_how_long_a_flow_s_first_packet_waits),
		TEST("a flow that only has a quantum behind its head is let be",
		     a_flow_that_only_has_a_quantum_behind_its_head_is_let_be),
		TEST("who knows ECN is marked instead of dropped", who_knows_ecn_is_marked_instead_of_dropped),
		TEST("a stalled queue stands too", a_stalled_queue_stands_too),
		TEST("looking at the head early proves nothing", looking_at_the_head_early_proves_nothing),
		TEST("a bulk flow that was gone is sparse again", a_bulk_flow_that_was_gone_is_sparse_again),
		TEST("a queue that ran empty is forgiven", a_queue_that_ran_empty_is_forgiven),
		TEST("a saturating flow waits less than the target",
		     a_saturating_flow_waits_less_than_the_target),
		TEST("senders that listen get equal shares", senders_that_listen_get_equal_shares),
		TEST("a sender that does not listen is held as by RFC 8289",
		     a_sender_that_does_not_listen_is_held_as_by_rfc_8289),
	};

	return RUN_TESTS(tests);
}
