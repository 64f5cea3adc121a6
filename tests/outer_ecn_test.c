/* outer_ecn: marks of routers between the ends, and of our own queue, reach the inner packets, and the sender. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "core/ecn.h"
#include "core/engine.h"
#include "sim/bottleneck.h"
#include "sim/sim.h"
#include "tap.h"

#define INTERVAL	MSEC(5)
#define LEN		600

/* Inner UDP packets with an ECN field, one way, and how they arrive. */
struct stream {
	struct sim *s;
	enum ecn ecn;
	nsec_t interval, next_at;
	uint64_t sent, got[4];
};

static bool stream_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct stream *st = ctx;

	if (direction != SIM_UP || len != LEN)
		return false;
	st->got[ecn_read(packet)]++;
	return true;
}

static nsec_t stream_due(const void *ctx)
{
	return ((const struct stream *)ctx)->next_at;
}

static void stream_tick(void *ctx)
{
	struct stream *st = ctx;
	const struct sim_via via = { 0 };
	uint8_t packet[LEN] = { 0x45, [8] = 64, [9] = 17 };

	packet[1] = (uint8_t)st->ecn;
	put_be16(packet + 2, LEN);
	sim_addresses(&via, packet + 12, packet + 16);
	put_be16(packet + 20, 7777);
	put_be16(packet + 22, 7777);
	put_be16(packet + 24, LEN - 20);
	sim_send(st->s, &via, SIM_UP, packet, LEN);
	st->sent++;
	st->next_at += st->interval;
}

static const struct sim_model stream_model = { stream_take, stream_due, stream_tick };

static struct sim *begin(struct stream *st, enum ecn ecn, const struct sim_way *way)
{
	struct sim *s = sim_new(1, 1, "aggregate");

	sim_add_ways(s, 0, way, way);
	sim_run(s, SEC(2));
	*st = (struct stream){ .s = s, .ecn = ecn, .interval = INTERVAL, .next_at = sim_now(s) };
	sim_attach(s, &stream_model, st);
	return s;
}

static void finish(struct stream *st)
{
	sim_detach(st->s, st);
	sim_free(st->s);
}

static struct engine_path_status path_of(struct sim *s)
{
	struct engine_path_status status;

	assert_int_equal(engine_path_status(sim_client(s, 0), 0, sim_now(s), &status, 1), 1);
	return status;
}

/* A change between the ends; what is under way when it happens is not counted. */
static void becomes(struct stream *st, enum sim_ecn ecn)
{
	sim_link(st->s, 0, 0)->up.ecn = ecn;
	sim_run(st->s, MSEC(100));
	memset(st->got, 0, sizeof(st->got));
}

static void a_router_s_mark_reaches_the_inner_packet_and_the_sender(void **state)
{
	const struct sim_way way = { .rate = 50000000, .delay = MSEC(10) };
	struct stream st;
	struct sim *s = begin(&st, ECN_ECT0, &way);

	(void)state;
	sim_run(s, SEC(1));
	assert_int_equal(path_of(s).ecn, ENGINE_ECN_CAPABLE);
	assert_int_equal(path_of(s).marked, 0);
	assert_true(st.got[ECN_ECT0] > 190);
	assert_int_equal(st.got[ECN_CE], 0);
	becomes(&st, SIM_ECN_MARKS);
	sim_run(s, SEC(1));
	assert_int_equal(st.got[ECN_CE], 200);
	assert_int_equal(st.got[ECN_ECT0], 0);
	assert_in_range(path_of(s).marked, 210, 220);	/* and those of the 100 ms before */
	becomes(&st, SIM_ECN_KEEPS);
	sim_run(s, SEC(1));
	assert_int_equal(st.got[ECN_ECT0], 200);
	assert_int_equal(path_of(s).ecn, ENGINE_ECN_CAPABLE);
	finish(&st);
}

static void the_outer_header_says_what_the_inner_one_does(void **state)
{
	const struct sim_way way = { .rate = 50000000, .delay = MSEC(10), .ecn = SIM_ECN_MARKS };

	(void)state;
	for (enum ecn ecn = ECN_NOT_ECT; ecn <= ECN_CE; ecn++) {
		struct stream st;
		struct sim *s = begin(&st, ecn, &way);
		uint64_t marked;

		sim_run(s, SEC(1));
		marked = sim_link(s, 0, 0)->up_wire.marked;
		/* beside the tests, what may be marked, and is not yet */
		if (ecn == ECN_ECT0 || ecn == ECN_ECT1)
			assert_in_range(marked, 198, 204);
		else
			assert_in_range(marked, 1, 3);
		assert_int_equal(st.got[ecn == ECN_NOT_ECT ? ECN_NOT_ECT : ECN_CE], 198);
		/* a mark that was sent is no news of the path's */
		if (ecn == ECN_CE)
			assert_in_range(path_of(s).marked, 0, 3);
		finish(&st);
	}
}

/*
 * A tenth more than the link carries, from a sender that does not react: what its
 * strikes hit is marked or, where it may not be, dropped (RFC 8290 and RFC 3168).
 * No router marks here, and a mark that was sent is no news of the path's.
 */
static void our_own_queue_marks_what_may_be_marked_and_drops_the_rest(void **state)
{
	const struct sim_way way = { .rate = 5000000, .delay = MSEC(10) };

	(void)state;
	for (enum ecn ecn = ECN_NOT_ECT; ecn <= ECN_CE; ecn++) {
		struct stream st;
		struct sim *s = begin(&st, ecn, &way);
		uint64_t dropped;

		st.interval = LEN * 8 * NSEC_PER_SEC / 5500000;
		sim_run(s, SEC(5));
		st.next_at = NSEC_NEVER;
		sim_run(s, SEC(2));
		dropped = sim_drops(s, 0, DROP_CONGESTION);
		printf("# ECN %d: %lu of %lu marked, %lu dropped\n", (int)ecn, (unsigned long)st.got[ECN_CE],
		       (unsigned long)st.sent, (unsigned long)dropped);
		assert_int_equal(st.got[ecn] + (ecn != ECN_CE ? st.got[ECN_CE] : 0) + dropped, st.sent);
		if (ecn == ECN_NOT_ECT) {
			assert_true(dropped > 20);
			assert_int_equal(st.got[ECN_CE], 0);
		} else {
			assert_true(st.got[ECN_CE] > 20);
			assert_int_equal(dropped, 0);
		}
		assert_int_equal(sim_link(s, 0, 0)->up_wire.marked, 0);
		assert_int_equal(path_of(s).marked, 0);
		finish(&st);
	}
}

/* It may happen long after the tests: the route changes. */
static void a_network_that_clears_marks_is_found_out_and_loses_nothing(void **state)
{
	const struct sim_way way = { .rate = 50000000, .delay = MSEC(10) };

	(void)state;
	for (unsigned late = 0; late < 2; late++) {
		struct sim_way first = way;
		struct stream st;
		struct sim *s;

		first.ecn = late ? SIM_ECN_KEEPS : SIM_ECN_CLEARS;
		s = begin(&st, ECN_ECT0, &first);
		sim_run(s, MSEC(200));
		assert_int_equal(path_of(s).ecn, late ? ENGINE_ECN_CAPABLE : ENGINE_ECN_INCAPABLE);
		sim_link(s, 0, 0)->up.ecn = SIM_ECN_CLEARS;
		sim_run(s, MSEC(200));
		assert_int_equal(path_of(s).ecn, ENGINE_ECN_INCAPABLE);
		assert_in_range(st.got[ECN_ECT0], st.sent - 3, st.sent);
		/* from now on nothing is there to be marked */
		becomes(&st, SIM_ECN_MARKS);
		sim_run(s, SEC(1));
		assert_int_equal(st.got[ECN_ECT0], 200);
		assert_int_equal(sim_link(s, 0, 0)->up_wire.marked, 0);
		finish(&st);
	}
}

static void a_network_that_drops_what_it_does_not_know_takes_no_data(void **state)
{
	const struct sim_way way = { .rate = 50000000, .delay = MSEC(10), .ecn = SIM_ECN_DROPS };
	struct stream st;
	struct sim *s = begin(&st, ECN_ECT0, &way);

	(void)state;
	sim_run(s, SEC(5));
	assert_int_equal(path_of(s).ecn, ENGINE_ECN_INCAPABLE);
	assert_in_range(st.got[ECN_ECT0], st.sent - 4, st.sent);
	assert_in_range(path_of(s).lost_packets, 1, 3);
	finish(&st);
}

/* Another address is another way. */
static void a_path_that_moves_is_tested_again(void **state)
{
	const struct sim_way way = { .rate = 50000000, .delay = MSEC(10) };
	struct stream st;
	struct sim *s = begin(&st, ECN_ECT0, &way);
	struct engine_path_status status;

	(void)state;
	sim_run(s, SEC(1));
	engine_path_status(sim_server(s), 0, sim_now(s), &status, 1);
	assert_int_equal(status.ecn, ENGINE_ECN_CAPABLE);
	sim_link(s, 0, 0)->port++;
	sim_run(s, MSEC(20));
	engine_path_status(sim_server(s), 0, sim_now(s), &status, 1);
	assert_int_equal(status.ecn, ENGINE_ECN_TESTING);
	sim_run(s, SEC(1));
	engine_path_status(sim_server(s), 0, sim_now(s), &status, 1);
	assert_int_equal(status.ecn, ENGINE_ECN_CAPABLE);
	finish(&st);
}

/* From 20 Mbit/s on: there the six packets that the controller lets stand take less than 5 ms. */
static void a_router_that_runs_codel_finds_little_to_mark(void **state)
{
	static const uint64_t mbit[] = { 20, 50, 100 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(mbit); i++) {
		const struct bottleneck_link link = { .rate = mbit[i] * 1000000, .delay = MSEC(20), .codel = true };
		struct bottleneck *b = bottleneck_new(&link, 1);
		unsigned flow = bottleneck_flow(b, &congestion_steer, &(struct congestion_config){ .mtu = 1500 });

		bottleneck_offer(b, flow, UINT64_MAX);
		bottleneck_run(b, SEC(40));
		printf("# %lu Mbit/s: %lu marks in 40 s\n", (unsigned long)mbit[i],
		       (unsigned long)bottleneck_marked(b, flow));
		assert_true(bottleneck_rate(b, flow, SEC(5), SEC(40)) > link.rate * 99 / 100);
		assert_true(bottleneck_marked(b, flow) <= 80);
		bottleneck_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a router's mark reaches the inner packet, and the sender",
		     a_router_s_mark_reaches_the_inner_packet_and_the_sender),
		TEST("the outer header says what the inner one does",
		     the_outer_header_says_what_the_inner_one_does),
		TEST("our own queue marks what may be marked, and drops the rest",
		     our_own_queue_marks_what_may_be_marked_and_drops_the_rest),
		TEST("a network that clears marks is found out, and loses nothing",
		     a_network_that_clears_marks_is_found_out_and_loses_nothing),
		TEST("a network that drops what it does not know takes no data",
		     a_network_that_drops_what_it_does_not_know_takes_no_data),
		TEST("a router that runs CoDel finds little to mark",
		     a_router_that_runs_codel_finds_little_to_mark),
		TEST("a path that moves is tested again", a_path_that_moves_is_tested_again),
	};

	return RUN_TESTS(tests);
}
