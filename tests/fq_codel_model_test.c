/*
 * fq_codel against a model that is too simple to be wrong.
 *
 * The model keeps each flow's packets and both lists of flows in arrays and
 * does RFC 8290 section 4.2 word by word.  All is over within CoDel's interval,
 * so that it has nothing to say, whatever the flows' own targets are.
 */
#include <string.h>

#include "base/buf.h"
#include "core/flow/fq_codel.h"
#include "core/flow/lane.h"
#include "tap.h"

#define POOL		300
#define MAX_PACKETS	200
#define MAX_BYTES	150000
#define QUANTUM		1200
#define FLOWS		12
#define START		SEC(10)
#define OPERATIONS	30000

struct model_flow {
	struct buf *packet[MAX_PACKETS];
	nsec_t since[MAX_PACKETS];
	uint32_t count;
	int deficit;
};

struct model_list {
	unsigned flow[FLOWS];
	unsigned count;
};

struct fixture {
	struct buf_pool *pool;
	struct fq_codel *q;
	nsec_t now;
	uint64_t random;
	struct model_flow flow[FLOWS];
	struct model_list fresh, old;
	uint64_t refused;
};

static uint32_t roll(struct fixture *f, uint32_t below)
{
	f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(f->random >> 33) % below;
}

/* --- the model ----------------------------------------------------------- */

static uint32_t bytes_of(const struct model_flow *flow)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < flow->count; i++)
		bytes += flow->packet[i]->len;
	return bytes;
}

static struct fq_codel_stats totals(const struct fixture *f)
{
	struct fq_codel_stats sum = { .refused = f->refused };

	for (unsigned i = 0; i < FLOWS; i++) {
		sum.packets += f->flow[i].count;
		sum.bytes += bytes_of(&f->flow[i]);
		sum.flows += f->flow[i].count > 0;
	}
	return sum;
}

static bool is_in(const struct model_list *list, unsigned flow)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->flow[i] == flow)
			return true;
	return false;
}

static void remove_first(struct model_list *list)
{
	memmove(list->flow, list->flow + 1, --list->count * sizeof(list->flow[0]));
}

static void add_last(struct model_list *list, unsigned flow)
{
	list->flow[list->count++] = flow;
}

/* NULL: nothing waits.  The flow stays where it is. */
static struct model_flow *model_next(struct fixture *f)
{
	for (;;) {
		bool is_fresh = f->fresh.count > 0;
		struct model_list *list = is_fresh ? &f->fresh : &f->old;
		struct model_flow *flow;
		unsigned id;

		if (list->count == 0)
			return NULL;
		id = list->flow[0];
		flow = &f->flow[id];
		if (flow->deficit <= 0) {
			flow->deficit += QUANTUM;
			remove_first(list);
			add_last(&f->old, id);
		} else if (flow->count > 0) {
			return flow;
		} else {
			remove_first(list);
			if (is_fresh && f->old.count > 0)
				add_last(&f->old, id);
		}
	}
}

static bool model_admits(const struct fixture *f, const struct model_flow *flow, uint32_t len)
{
	struct fq_codel_stats sum = totals(f);

	if (sum.packets + 1 > MAX_PACKETS || sum.bytes + len > MAX_BYTES)
		return false;
	return flow->count < 4 * (MAX_PACKETS - sum.packets) &&
	       bytes_of(flow) + len <= 4 * (MAX_BYTES - sum.bytes);
}

static uint32_t most_bytes(const struct fixture *f)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < FLOWS; i++)
		if (bytes_of(&f->flow[i]) > most)
			most = bytes_of(&f->flow[i]);
	return most;
}

/* --- both --------------------------------------------------------------- */

static void arrive(struct fixture *f)
{
	unsigned id = roll(f, 2) == 0 ? roll(f, 3) : roll(f, FLOWS);
	uint32_t hash = id + LANES * roll(f, 1000), len = 1 + roll(f, roll(f, 2) == 0 ? 100 : 1900);
	struct model_flow *flow = &f->flow[id];
	enum fq_codel_verdict verdict = fq_codel_admit(f->q, hash, len, roll(f, 2), f->now);
	struct buf *b;

	if (!model_admits(f, flow, len)) {
		f->refused++;
		assert_int_equal(verdict, FQ_CODEL_FULL);
		return;
	}
	assert_int_equal(verdict, FQ_CODEL_PASS);
	b = buf_get(f->pool);
	assert_non_null(b);
	buf_append(b, len);
	b->mark[0] = hash;
	fq_codel_push(f->q, b, f->now);
	flow->since[flow->count] = f->now;
	flow->packet[flow->count++] = b;
	if (!is_in(&f->fresh, id) && !is_in(&f->old, id)) {
		flow->deficit = QUANTUM;
		add_last(&f->fresh, id);
	}
}

static void look(struct fixture *f)
{
	struct model_flow *flow = model_next(f);

	assert_ptr_equal(fq_codel_head(f->q, f->now), flow != NULL ? flow->packet[0] : NULL);
}

static void leave(struct fixture *f)
{
	struct model_flow *flow = model_next(f);
	struct buf *b = fq_codel_pop(f->q, f->now);

	assert_ptr_equal(b, flow != NULL ? flow->packet[0] : NULL);
	if (b == NULL)
		return;
	flow->deficit -= (int)b->len;
	memmove(flow->packet, flow->packet + 1, --flow->count * sizeof(flow->packet[0]));
	memmove(flow->since, flow->since + 1, flow->count * sizeof(flow->since[0]));
	buf_put(b);
}

static void leave_by_the_tail(struct fixture *f)
{
	uint32_t ahead = 0, most = most_bytes(f);
	struct buf *tail = fq_codel_tail(f->q, &ahead), *b = fq_codel_pop_tail(f->q);
	struct model_flow *flow;

	assert_ptr_equal(tail, b);
	assert_int_equal(b != NULL, most > 0);
	if (b == NULL)
		return;
	flow = &f->flow[lane_of(b->mark[0])];
	assert_int_equal(bytes_of(flow), most);
	assert_int_equal(ahead, most - b->len);
	assert_ptr_equal(b, flow->packet[--flow->count]);
	buf_put(b);
}

/* How long a flow's first packet waits; its own CoDel changes nothing of all this. */
static void ask_of_one(struct fixture *f)
{
	unsigned id = roll(f, FLOWS);
	uint32_t hash = id + LANES * roll(f, 1000);
	const struct model_flow *flow = &f->flow[id];

	assert_int_equal(fq_codel_sojourn(f->q, hash, f->now), flow->count > 0 ? f->now - flow->since[0] : 0);
	fq_codel_set_flow(f->q, hash, roll(f, 1000) * NSEC_PER_MSEC, roll(f, 20000) * NSEC_PER_MSEC);
}

/* The first packet of the longest flow with so many bytes before it, looked for packet by packet. */
static void leave_from_within(struct fixture *f)
{
	uint32_t most = most_bytes(f), ahead = most > 0 ? roll(f, most + most / 4) : 1;
	struct buf *found = fq_codel_behind(f->q, ahead), *b;
	struct model_flow *flow;
	uint32_t before = 0;
	size_t i = 0;

	if (most <= ahead)
		assert_null(found);
	if (found == NULL)
		return;
	flow = &f->flow[lane_of(found->mark[0])];
	assert_int_equal(bytes_of(flow), most);
	while (before < ahead)
		before += flow->packet[i++]->len;
	assert_ptr_equal(found, flow->packet[i]);
	b = fq_codel_pop_behind(f->q);
	assert_ptr_equal(b, found);
	flow->count--;
	memmove(flow->packet + i, flow->packet + i + 1, (flow->count - i) * sizeof(flow->packet[0]));
	memmove(flow->since + i, flow->since + i + 1, (flow->count - i) * sizeof(flow->since[0]));
	buf_put(b);
}

static void compare_totals(const struct fixture *f)
{
	struct fq_codel_stats stats = fq_codel_stats(f->q), wanted = totals(f);

	assert_int_equal(stats.packets, wanted.packets);
	assert_int_equal(stats.bytes, wanted.bytes);
	assert_int_equal(stats.flows, wanted.flows);
	assert_int_equal(stats.refused, wanted.refused);
	assert_int_equal(stats.dropped + stats.marked, 0);
	assert_int_equal(buf_pool_left(f->pool) + wanted.packets, POOL);
}

/* Packets come with `load` percent of the operations, as many others take one. */
static void run(uint64_t seed, uint32_t load)
{
	static struct fixture f;
	const struct fq_codel_config config = {
		.max_packets = MAX_PACKETS, .max_bytes = MAX_BYTES, .quantum = QUANTUM,
	};

	memset(&f, 0, sizeof(f));
	f.pool = buf_pool_new(POOL);
	f.q = fq_codel_new(&config);
	f.random = seed;
	f.now = START;
	assert_non_null(f.pool);
	assert_non_null(f.q);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		uint32_t what = roll(&f, 100);

		if (what < load)
			arrive(&f);
		else if (what < 90)
			leave(&f);
		else if (what < 93)
			leave_by_the_tail(&f);
		else if (what < 97)
			leave_from_within(&f);
		else
			look(&f);
		ask_of_one(&f);
		f.now += roll(&f, 2 * FQ_CODEL_INTERVAL / OPERATIONS);
		compare_totals(&f);
	}
	assert_in_range(f.now - START, FQ_CODEL_INTERVAL * 9 / 10, FQ_CODEL_INTERVAL * 11 / 10);
	fq_codel_free(f.q);
	assert_int_equal(buf_pool_left(f.pool), POOL);
	buf_pool_free(f.pool);
}

static void it_does_what_the_model_does(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		run(seed, 30);
		run(seed, 46);
		run(seed, 48);
		run(seed, 60);
		run(seed, 85);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("whatever comes and goes, it does what the model does", it_does_what_the_model_does),
	};

	return RUN_TESTS(tests);
}
