/* short: what goes in shorthand between two engines comes out bit by bit, whatever the links do; and it is of use. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ip.h"
#include "core/engine.h"
#include "sim/model_tcp.h"
#include "sim/segment.h"
#include "sim/sim.h"
#include "tap.h"

#define SERVER	(-1)
#define MBIT	UINT64_C(1000000)
#define HEADER	52
#define PACKETS	(1u << 17)
#define FLOWS	40

/* Segments of several flows: the n-th is made from its number alone, so its receiver can tell each bit. */
struct crowd {
	struct sim *sim;
	enum sim_direction direction;
	nsec_t next_at, until, every;
	uint32_t sent, came;
	uint8_t seen[PACKETS / 8];
};

static uint32_t dice_of(uint32_t n)
{
	n = (n ^ 61) ^ n >> 16;
	n *= 9;
	n ^= n >> 4;
	n *= 0x27d4eb2d;
	return n ^ n >> 15;
}

static size_t len_of(uint32_t n)
{
	return dice_of(n) % 8 == 0 ? HEADER + 4 + dice_of(n + 1) % 1300 : 1420;
}

/* Mostly as a download goes on; now and then anything else. */
static size_t make(const struct crowd *c, uint32_t n, uint8_t *p)
{
	const struct sim_via via = { 0 };
	uint32_t flow = dice_of(n / 16) % FLOWS, dice = dice_of(n * 7 + 1);
	size_t len = len_of(n);
	uint8_t client[4], server[4], *tcp = p + 20;

	sim_addresses(&via, client, server);
	memset(p, (int)n, len);
	if (c->direction == SIM_UP)
		ipv4_header(p, len, 6, client, server);
	else
		ipv4_header(p, len, 6, server, client);
	put_be16(p + 4, flow % 3 == 0 ? 0 : (uint16_t)n);
	if (dice % 50 == 0)
		p[8] = 63;
	put_be16(p + 10, 0);
	put_be16(p + 10, checksum_fold(checksum_add(0, p, 20)));
	if (dice % 50 == 1)
		p[10] ^= 1;
	put_be16(tcp, (uint16_t)(1000 + flow));
	put_be16(tcp + 2, 4242);
	put_be32(tcp + 4, dice % 20 == 0 ? dice : n * 1368);
	put_be32(tcp + 8, n / 64 * 100);
	tcp[12] = dice % 30 == 2 ? 0x51 + 0x30 : 0x80;
	tcp[13] = dice % 10 == 0 ? 0x18 : 0x10;
	put_be16(tcp + 14, (uint16_t)(n / 256));
	put_be16(tcp + 16, (uint16_t)dice);
	put_be16(tcp + 18, 0);
	put_be32(tcp + 20, 0x0101080a);
	put_be32(tcp + 24, n / 4);
	put_be32(tcp + 28, n / 5);
	put_be32(p + HEADER, n);
	if (dice % 4 != 3)	/* the others have one that is wrong */
		ip_finish_checksum(p, len);
	return len;
}

static bool crowd_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct crowd *c = ctx;
	uint8_t as_sent[1500];
	uint32_t n;

	if (direction != c->direction || len < HEADER + 4 || get_be16(packet + 22) != 4242)
		return false;
	n = get_be32(packet + HEADER);
	assert_in_range(n, 0, c->sent - 1);
	assert_int_equal(make(c, n, as_sent), len);
	assert_memory_equal(packet, as_sent, len);
	assert_false(c->seen[n / 8] & 1 << n % 8);
	c->seen[n / 8] |= (uint8_t)(1 << n % 8);
	c->came++;
	return true;
}

static nsec_t crowd_due(const void *ctx)
{
	const struct crowd *c = ctx;

	return c->next_at < c->until ? c->next_at : NSEC_NEVER;
}

static void crowd_tick(void *ctx)
{
	struct crowd *c = ctx;
	const struct sim_via via = { 0 };
	uint8_t packet[1500];
	size_t len = make(c, c->sent, packet);

	c->sent++;
	c->next_at += c->every;
	sim_send(c->sim, &via, c->direction, packet, len);
}

static struct crowd *crowd_new(struct sim *s, enum sim_direction direction, nsec_t every, nsec_t duration)
{
	static const struct sim_model ops = { .take = crowd_take, .due = crowd_due, .tick = crowd_tick };
	struct crowd *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->sim = s;
	c->direction = direction;
	c->every = every;
	c->next_at = sim_now(s);
	c->until = sim_now(s) + duration;
	assert_true(duration / every < PACKETS);
	sim_attach(s, &ops, c);
	return c;
}

static void crowd_free(struct crowd *c)
{
	sim_detach(c->sim, c);
	free(c);
}

static void nothing_was_meant_that_was_not_there(struct sim *s)
{
	assert_int_equal(sim_drops(s, 0, DROP_NO_CONTEXT), 0);
	assert_int_equal(sim_drops(s, SERVER, DROP_NO_CONTEXT), 0);
	assert_int_equal(sim_drops(s, 0, DROP_MALFORMED), 0);
	assert_int_equal(sim_drops(s, SERVER, DROP_MALFORMED), 0);
}

static uint64_t carried(struct sim *s)
{
	return sim_link(s, 0, 0)->up_bytes + sim_link(s, 0, 1)->up_bytes + sim_link(s, 0, 0)->down_bytes +
	       sim_link(s, 0, 1)->down_bytes;
}

static uint64_t bytes_of(const struct crowd *c)
{
	uint64_t bytes = 0;

	for (uint32_t n = 0; n < c->sent; n++)
		bytes += len_of(n);
	return bytes;
}

/* Two links that differ, lose and reorder: with each strategy. */
static void every_bit_comes_back_over_links_that_lose_and_reorder(void **state)
{
	static const char *const strategy[] = { "aggregate", "redundant", "round-robin" };
	const struct sim_way fast = { .rate = 60 * MBIT, .delay = MSEC(10), .jitter = MSEC(15), .reorders = true,
				      .loss_ppm = 20000 };
	const struct sim_way slow = { .rate = 60 * MBIT, .delay = MSEC(80), .jitter = MSEC(5), .loss_ppm = 5000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategy); i++) {
		struct sim *s = sim_new(7 + i, 1, strategy[i]);
		struct crowd *up, *down;

		sim_add_ways(s, 0, &fast, &fast);
		sim_add_ways(s, 0, &slow, &slow);
		sim_run(s, SEC(2));
		up = crowd_new(s, SIM_UP, 800 * NSEC_PER_USEC, SEC(20));
		down = crowd_new(s, SIM_DOWN, 700 * NSEC_PER_USEC, SEC(20));
		sim_run(s, SEC(23));
		assert_true(up->came > up->sent * 98 / 100);
		assert_true(down->came > down->sent * 98 / 100);
		nothing_was_meant_that_was_not_there(s);
		crowd_free(up);
		crowd_free(down);
		sim_free(s);
	}
}

/* Longer than keys live, and with a slot's generations going round. */
static void new_keys_and_a_dead_link_change_nothing(void **state)
{
	struct sim *s = sim_new(3, 1, "aggregate");
	struct crowd *c;

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(60), 1000);
	sim_run(s, SEC(1));
	c = crowd_new(s, SIM_UP, MSEC(4), SEC(400));
	for (unsigned i = 0; i < 20; i++) {
		sim_run(s, SEC(18));
		sim_cut(s, 0, i % 2, true);
		sim_run(s, SEC(2));
		sim_cut(s, 0, i % 2, false);
	}
	sim_run(s, SEC(2));
	assert_true(c->came > c->sent * 995 / 1000);
	nothing_was_meant_that_was_not_there(s);
	crowd_free(c);
	sim_free(s);
}

static void an_end_that_begins_anew_is_told_everything_anew(void **state)
{
	struct sim *s = sim_new(5, 1, "aggregate");
	struct crowd *up, *down;

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(30), 0);
	sim_run(s, SEC(1));
	up = crowd_new(s, SIM_UP, MSEC(2), SEC(100));
	down = crowd_new(s, SIM_DOWN, MSEC(2), SEC(100));
	for (unsigned i = 0; i < 8; i++) {
		sim_run(s, SEC(10));
		if (i % 2 == 0)
			sim_restart_server(s);
		else
			sim_restart_client(s, 0);
	}
	sim_run(s, SEC(22));
	assert_true(up->came > up->sent / 2 && down->came > down->sent / 2);
	nothing_was_meant_that_was_not_there(s);
	crowd_free(up);
	crowd_free(down);
	sim_free(s);
}

/* A link that takes no whole packet: pieces have no shorthand, and the others still do. */
static void beside_pieces_it_goes_on(void **state)
{
	const struct sim_way narrow = { .rate = 40 * MBIT, .delay = MSEC(10), .mtu = 1300, .loss_ppm = 5000 };
	const struct sim_way wide = { .rate = 40 * MBIT, .delay = MSEC(10), .loss_ppm = 5000 };
	struct sim *s = sim_new(9, 1, "redundant");
	struct crowd *c;

	(void)state;
	sim_add_ways(s, 0, &narrow, &narrow);
	sim_add_ways(s, 0, &wide, &wide);
	sim_run(s, SEC(3));
	c = crowd_new(s, SIM_DOWN, MSEC(1), SEC(10));
	sim_run(s, SEC(12));
	assert_true(c->came > c->sent * 99 / 100);
	nothing_was_meant_that_was_not_there(s);
	crowd_free(c);
	sim_free(s);
}

/* Forty flows whose every tenth packet is like no other: more is saved than is said. */
static void even_of_forty_flows_fewer_bytes_go_than_came(void **state)
{
	struct sim *s = sim_new(11, 1, "aggregate");
	uint64_t before, bytes;
	struct crowd *c;

	(void)state;
	sim_add_link(s, 0, 40 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 40 * MBIT, MSEC(20), 0);
	sim_run(s, SEC(2));
	before = carried(s);
	c = crowd_new(s, SIM_UP, MSEC(1), SEC(20));
	sim_run(s, SEC(22));
	bytes = bytes_of(c);
	print_message("# %.1f bytes more for a packet\n", ((double)(carried(s) - before) - (double)bytes) / c->sent);
	assert_true(carried(s) - before < bytes + 40 * (uint64_t)c->sent);
	crowd_free(c);
	sim_free(s);
}

/* --- one flow ------------------------------------------------------------------ */

static double rate_of(struct sim *s, const struct sim_via *via, enum sim_direction direction, bool no_times)
{
	const struct model_tcp_config config = { .via = *via, .direction = direction, .no_times = no_times };
	struct model_tcp *m = model_tcp_new(s, &config);
	double rate;

	sim_run(s, SEC(20));
	rate = model_tcp_rate(m, 5, 20);
	model_tcp_free(m);
	return rate;
}

static void a_flow_gets_98_percent_of_what_it_gets_without_the_tunnel(void **state)
{
	static const struct { enum sim_direction direction; bool no_times; double share; } row[] = {
		{ SIM_UP, false, 98 }, { SIM_DOWN, false, 98 }, { SIM_UP, true, 97.5 },
	};
	const struct sim_way way = { .rate = 20 * MBIT, .delay = MSEC(10), .queue = 200, .framing = 14 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct sim *s = sim_new_clear(1 + i, 1, "aggregate");
		const struct sim_via through = { 0 }, beside = { .bare = true, .link = 1 };
		double inside, outside;

		sim_add_ways(s, 0, &way, &way);
		sim_add_bare(s, 0, &way, &way);
		sim_run(s, SEC(2));
		inside = rate_of(s, &through, row[i].direction, row[i].no_times);
		outside = rate_of(s, &beside, row[i].direction, row[i].no_times);
		print_message("# %s: %.2f of %.2f Mbit/s, %.1f %%\n", row[i].direction == SIM_UP ? "up" : "down",
			      inside, outside, inside / outside * 100);
		assert_true(inside >= outside * row[i].share / 100);
		nothing_was_meant_that_was_not_there(s);
		sim_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("every bit comes back over links that lose and reorder",
		     every_bit_comes_back_over_links_that_lose_and_reorder),
		TEST("new keys and a dead link change nothing", new_keys_and_a_dead_link_change_nothing),
		TEST("an end that begins anew is told everything anew", an_end_that_begins_anew_is_told_everything_anew),
		TEST("beside pieces it goes on", beside_pieces_it_goes_on),
		TEST("of forty flows at once fewer bytes go than without", even_of_forty_flows_fewer_bytes_go_than_came),
		TEST("a flow gets 98 % of what it gets without the tunnel",
		     a_flow_gets_98_percent_of_what_it_gets_without_the_tunnel),
	};

	return RUN_TESTS(tests);
}
