/*
 * together: small packets that wait at the same moment share a datagram, and
 * nothing else is noticed of it: no delay, no loss, no other order.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "core/ecn.h"
#include "sim/sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)
#define PORT	4321
#define NUMBER	28	/* where a packet says its number, and then when it was sent */
#define ALTERNATES	(-1)	/* every second packet is ECT(0) */

/* So many small packets at once, again and again, and what came out. */
struct crowd {
	struct sim *s;
	struct sim_via via;
	enum sim_direction direction;
	unsigned size;		/* packets at once */
	size_t len;
	int ecn;		/* enum ecn, or ALTERNATES */
	nsec_t every, next;
	uint32_t sent, received, wrong, marked;
	nsec_t latency_max;
};

static uint8_t ecn_of(const struct crowd *c, uint32_t number)
{
	return c->ecn == ALTERNATES ? (number % 2 != 0 ? ECN_ECT0 : ECN_NOT_ECT) : (uint8_t)c->ecn;
}

static void send_packet(struct crowd *c)
{
	uint8_t packet[1500] = { 0x45, ecn_of(c, c->sent) }, client[4], server[4];
	bool up = c->direction == SIM_UP;

	sim_addresses(&c->via, client, server);
	put_be16(packet + 2, (uint16_t)c->len);
	packet[8] = 64;
	packet[9] = 17;
	memcpy(packet + 12, up ? client : server, 4);
	memcpy(packet + 16, up ? server : client, 4);
	put_be16(packet + 20, PORT);
	put_be16(packet + 22, PORT);
	put_be16(packet + 24, (uint16_t)(c->len - 20));
	put_le32(packet + NUMBER, c->sent++);
	put_le64(packet + NUMBER + 4, sim_now(c->s));
	sim_send(c->s, &c->via, c->direction, packet, c->len);
}

/* In order, once, and as long and as marked as it was sent. */
static bool take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct crowd *c = ctx;
	uint8_t ecn = packet[1] & 3;

	if (packet[9] != 17 || get_be16(packet + 22) != PORT || direction != c->direction)
		return false;
	c->marked += ecn == ECN_CE;
	c->wrong += len != c->len || get_le32(packet + NUMBER) != c->received ||
		    (ecn != ecn_of(c, c->received) && (ecn != ECN_CE || ecn_of(c, c->received) == ECN_NOT_ECT));
	c->received++;
	c->latency_max = nsec_max(c->latency_max, sim_now(c->s) - get_le64(packet + NUMBER + 4));
	return true;
}

static nsec_t due(const void *ctx)
{
	const struct crowd *c = ctx;

	return c->next;
}

static void tick(void *ctx)
{
	struct crowd *c = ctx;

	for (unsigned i = 0; i < c->size; i++)
		send_packet(c);
	c->next += c->every;
}

static void begin(struct crowd *c, struct sim *s)
{
	static const struct sim_model model = { .take = take, .due = due, .tick = tick };

	c->s = s;
	c->next = sim_now(s);
	sim_attach(s, &model, c);
}

/* For that long, and until everything has come. */
static void run(struct crowd *c, struct sim *s, nsec_t duration)
{
	begin(c, s);
	sim_run(s, duration);
	c->next = NSEC_NEVER;
	sim_run(s, SEC(2));
	sim_detach(s, c);
}

/* alone: each packet has a datagram of its own, as a measure. */
static struct sim *tunnel(const char *strategy, uint64_t rate, uint32_t loss_ppm, unsigned links, bool alone)
{
	struct sim *s = sim_new(81, 1, strategy);

	sim_set_alone(s, alone);
	for (unsigned i = 0; i < links; i++)
		sim_add_link(s, 0, rate, MSEC(20 + 10 * i), loss_ppm);
	sim_run(s, SEC(2));
	return s;
}

static uint64_t datagrams(struct sim *s, unsigned links)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < links; i++)
		sum += sim_link(s, 0, i)->up_packets;
	return sum;
}

static uint64_t holes(struct sim *s)
{
	struct engine_peer_status status;

	engine_peer_status(sim_server(s), 0, sim_now(s), &status);
	return status.holes;
}

static void a_burst_of_small_packets_takes_few_datagrams(void **state)
{
	(void)state;
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		struct sim *s = tunnel("aggregate", 100 * MBIT, 0, 1, false);
		struct crowd c = { .direction = (enum sim_direction)direction, .size = 100, .len = 64, .every = MSEC(10) };
		struct sim_link *l = sim_link(s, 0, 0);
		uint64_t before = direction == SIM_UP ? l->up_packets : l->down_packets, used;

		run(&c, s, SEC(1));
		used = (direction == SIM_UP ? l->up_packets : l->down_packets) - before;
		printf("# %u packets in %lu datagrams\n", c.sent, (unsigned long)used);
		assert_int_equal(c.received, c.sent);
		assert_int_equal(c.wrong, 0);
		assert_true(c.sent > 12 * used);
		sim_free(s);
	}
}

/* Three flows, none of which ever waits: the runs are the same, to the nanosecond. */
static void without_a_backlog_nothing_is_delayed(void **state)
{
	static const char *const strategy[] = { "aggregate", "adaptive", "redundant", "weighted", "flow" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategy); i++) {
		uint64_t trace[2];

		for (int alone = 0; alone < 2; alone++) {
			struct sim *s = tunnel(strategy[i], 20 * MBIT, 2000, 2, alone);

			sim_flow(s, 0, SIM_UP, 64, MSEC(7));
			sim_flow(s, 0, SIM_UP, 200, MSEC(3));
			sim_flow(s, 0, SIM_DOWN, 1200, MSEC(5));
			sim_run(s, SEC(10));
			trace[alone] = sim_trace(s);
			sim_free(s);
		}
		assert_true(trace[0] == trace[1]);
	}
}

/* More than the link carries: it carries more packets when their headers are fewer. */
static void a_backlog_of_small_packets_leaves_faster(void **state)
{
	uint32_t came[2];

	(void)state;
	for (int alone = 0; alone < 2; alone++) {
		struct sim *s = tunnel("aggregate", 10 * MBIT, 0, 1, alone);
		struct crowd c = { .direction = SIM_UP, .size = 2, .len = 64, .every = 50 * NSEC_PER_USEC };

		begin(&c, s);
		sim_run(s, SEC(5));
		came[alone] = c.received;
		sim_detach(s, &c);
		sim_free(s);
	}
	printf("# %u packets, alone %u\n", came[0], came[1]);
	assert_true(came[0] > came[1] * 3 / 2);
}

/* Who sends a packet now and then waits for one datagram of the crowd at most, as he did before. */
static void what_is_sparse_does_not_wait_for_a_crowd(void **state)
{
	nsec_t latest[2];

	(void)state;
	for (int alone = 0; alone < 2; alone++) {
		struct sim *s = tunnel("aggregate", 10 * MBIT, 0, 1, alone);
		struct crowd c = { .direction = SIM_UP, .size = 2, .len = 64, .every = 50 * NSEC_PER_USEC };
		unsigned flow;

		begin(&c, s);
		sim_run(s, SEC(3));
		flow = sim_flow(s, 0, SIM_UP, 100, MSEC(23));
		sim_run(s, SEC(3));
		latest[alone] = sim_flow_stats(s, flow).latency_max;
		assert_true(sim_flow_stats(s, flow).received > 120);
		sim_detach(s, &c);
		sim_free(s);
	}
	printf("# at most %.2f ms, alone %.2f ms\n", (double)latest[0] / 1e6, (double)latest[1] / 1e6);
	assert_true(latest[0] < latest[1] + 1200 * NSEC_PER_USEC);	/* of 1500 bytes on the wire */
}

/* A datagram that is lost takes many with it: each is brought again, once, in its place. */
static void what_is_lost_together_is_repaired_one_by_one(void **state)
{
	static const char *const strategy[] = { "aggregate", "redundant", "adaptive", "weighted", "flow" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategy); i++) {
		struct sim *s = tunnel(strategy[i], 50 * MBIT, 30000, 2, false);
		struct crowd c = { .direction = SIM_UP, .size = 40, .len = 64, .every = MSEC(4) };
		struct engine_peer_status status;
		uint64_t before = datagrams(s, 2);

		run(&c, s, SEC(10));
		engine_peer_status(sim_client(s, 0), 0, sim_now(s), &status);
		printf("# %s: %u of %u, %lu repaired, %lu datagrams\n", strategy[i], c.received, c.sent,
		       (unsigned long)status.repaired, (unsigned long)(datagrams(s, 2) - before));
		assert_int_equal(c.received, c.sent);
		assert_int_equal(c.wrong, 0);
		assert_int_equal(holes(s), 0);
		assert_true(status.repaired > 0);
		sim_free(s);
	}
}

static void cut_first(void *ctx, struct sim *s)
{
	(void)ctx;
	sim_cut(s, 0, 0, true);
}

static void a_link_that_falls_silent_takes_none_of_them(void **state)
{
	struct sim *s = tunnel("aggregate", 50 * MBIT, 0, 2, false);
	struct crowd c = { .direction = SIM_UP, .size = 40, .len = 64, .every = MSEC(4) };

	(void)state;
	sim_at(s, sim_now(s) + MSEC(1001), cut_first, NULL);
	run(&c, s, SEC(3));
	printf("# %u of %u, at most %.1f ms\n", c.received, c.sent, (double)c.latency_max / 1e6);
	assert_int_equal(c.received, c.sent);
	assert_int_equal(c.wrong, 0);
	assert_int_equal(holes(s), 0);
	assert_true(c.latency_max < MSEC(150));
	sim_free(s);
}

/* What a router says of a datagram is said of all that it carries: they have to be alike. */
static void a_mark_is_true_of_all_that_share_a_datagram(void **state)
{
	struct sim_way up = { .rate = 50 * MBIT, .delay = MSEC(10), .ecn = SIM_ECN_MARKS };
	struct sim_way down = { .rate = 50 * MBIT, .delay = MSEC(10) };
	struct crowd mixed = { .direction = SIM_UP, .size = 40, .len = 64, .every = MSEC(10), .ecn = ALTERNATES };
	struct crowd alike = mixed;
	struct sim *s = sim_new(82, 1, "aggregate");
	uint64_t before;

	(void)state;
	alike.ecn = ECN_ECT0;
	sim_add_ways(s, 0, &up, &down);
	sim_run(s, SEC(5));
	before = datagrams(s, 1);
	run(&mixed, s, SEC(1));
	printf("# %u of %u, %u marked, %lu datagrams\n", mixed.received, mixed.sent, mixed.marked,
	       (unsigned long)(datagrams(s, 1) - before));
	assert_int_equal(mixed.received, mixed.sent);
	assert_int_equal(mixed.wrong, 0);
	assert_int_equal(mixed.marked, mixed.sent / 2);
	assert_true(datagrams(s, 1) - before >= mixed.sent);
	before = datagrams(s, 1);
	run(&alike, s, SEC(1));
	assert_int_equal(alike.marked, alike.sent);
	assert_true(datagrams(s, 1) - before < alike.sent / 8);
	sim_free(s);
}

/* Of what its receiver has no buffer for, nobody waits. */
static void who_has_no_buffer_for_all_of_them_takes_some(void **state)
{
	struct sim *s = tunnel("aggregate", 50 * MBIT, 0, 1, false);
	struct crowd c = { .direction = SIM_UP, .size = 40, .len = 64, .every = MSEC(10) };
	uint32_t came;

	(void)state;
	begin(&c, s);
	sim_run(s, MSEC(500));
	sim_starve(s, -1, 12);
	sim_run(s, MSEC(500));
	came = c.received;
	sim_feed(s, -1);
	sim_run(s, MSEC(500));
	c.next = NSEC_NEVER;
	sim_run(s, SEC(1));
	assert_true(sim_drops(s, -1, DROP_NO_BUFFER) > 0);
	assert_true(c.received > came);
	assert_true(c.latency_max < MSEC(100));
	sim_detach(s, &c);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a burst of small packets takes few datagrams", a_burst_of_small_packets_takes_few_datagrams),
		TEST("without a backlog nothing is delayed, to the nanosecond", without_a_backlog_nothing_is_delayed),
		TEST("a backlog of small packets leaves half as fast again", a_backlog_of_small_packets_leaves_faster),
		TEST("what is sparse does not wait for a crowd", what_is_sparse_does_not_wait_for_a_crowd),
		TEST("what is lost together is repaired one by one", what_is_lost_together_is_repaired_one_by_one),
		TEST("a link that falls silent takes none of them", a_link_that_falls_silent_takes_none_of_them),
		TEST("a mark is true of all that share a datagram", a_mark_is_true_of_all_that_share_a_datagram),
		TEST("who has no buffer for all of them takes some", who_has_no_buffer_for_all_of_them_takes_some),
	};

	return RUN_TESTS(tests);
}
