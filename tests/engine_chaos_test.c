/*
 * engine: what happens when everything happens at once.
 *
 * Whatever links, addresses, strangers and restarts do, in any order: no crash,
 * no buffer lost (sim_free counts them), nothing inside twice, nothing forged
 * inside, and when it is quiet again the tunnel carries everything within two
 * seconds.
 */
#include <string.h>

#include "sim/sim.h"
#include "tap.h"

#define SERVER	(-1)
#define MBIT	UINT64_C(1000000)
#define TAPE	256

struct chaos {
	struct sim *s;
	uint64_t random;
	/* datagrams that were under way, to be sent again, whole or broken */
	uint8_t tape[TAPE][2048];
	size_t len[TAPE];
	enum sim_direction direction[TAPE];
	unsigned recorded;
	bool present[3];	/* links that the client has */
	uint64_t injected;
};

static uint32_t roll(struct chaos *c, uint32_t below)
{
	c->random = c->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(c->random >> 33) % below;
}

static bool record(void *ctx, struct sim *s, unsigned client, unsigned link,
		   enum sim_direction direction, uint8_t *datagram, size_t *len)
{
	struct chaos *c = ctx;
	unsigned at = c->recorded < TAPE / 2 ? c->recorded	/* the handshake stays */
					     : TAPE / 2 + c->recorded % (TAPE / 2);

	(void)s;
	(void)client;
	(void)link;
	memcpy(c->tape[at], datagram, *len);
	c->len[at] = *len;
	c->direction[at] = direction;
	c->recorded++;
	return true;
}

/* A recorded datagram comes again: as it was, with a bit turned, cut short, or the wrong way. */
static void inject(struct chaos *c)
{
	unsigned at = roll(c, c->recorded < TAPE ? c->recorded : TAPE);
	enum sim_direction direction = c->direction[at];
	uint8_t copy[2048];
	size_t len = c->len[at];

	memcpy(copy, c->tape[at], len);
	switch (roll(c, 4)) {
	case 0:
		break;
	case 1:
		copy[roll(c, (uint32_t)len)] ^= (uint8_t)(1u << roll(c, 8));
		break;
	case 2:
		len = roll(c, (uint32_t)len);
		break;
	case 3:
		direction = direction == SIM_UP ? SIM_DOWN : SIM_UP;
		break;
	}
	c->injected++;
	sim_inject(c->s, 0, roll(c, 3), direction, copy, len);
}

static void toggle(struct chaos *c, unsigned link)
{
	if (c->present[link])
		sim_link_down(c->s, 0, link);
	else
		sim_link_up(c->s, 0, link);
	c->present[link] = !c->present[link];
}

static void something(struct chaos *c)
{
	static const char *const strategy[] = { "weighted", "round-robin", "failover", "redundant" };
	unsigned link = roll(c, 3);
	struct sim_link *l = sim_link(c->s, 0, link);

	switch (roll(c, 8)) {
	case 0:
		sim_cut(c->s, 0, link, true);
		break;
	case 1:
		sim_cut(c->s, 0, link, !c->present[link]);
		break;
	case 2:
		toggle(c, link);
		break;
	case 3:
		l->port++;
		break;
	case 4:
		l->up.loss_ppm = l->down.loss_ppm = roll(c, 400000);
		break;
	case 5:
		l->up.jitter = l->down.jitter = MSEC(roll(c, 30));
		l->up.reorders = l->down.reorders = roll(c, 2) == 0;
		break;
	case 6:
		engine_set_strategy(sim_client(c->s, 0), strategy[roll(c, 4)], sim_now(c->s));
		break;
	case 7:
		l->wish.weight = (uint16_t)(1 + roll(c, 1000));
		l->wish.priority = (uint8_t)roll(c, 256);
		l->wish.max_latency_ms = roll(c, 2) * 30;
		engine_path_set_link(sim_client(c->s, 0), link, &l->wish, sim_now(c->s));
		break;
	}
}

static void calm_down(struct chaos *c)
{
	for (unsigned i = 0; i < 3; i++) {
		struct sim_link *l = sim_link(c->s, 0, i);

		l->up.loss_ppm = l->down.loss_ppm = 0;
		l->up.jitter = l->down.jitter = 0;
		sim_cut(c->s, 0, i, false);
		if (!c->present[i])
			toggle(c, i);
	}
}

static void storm(uint64_t seed, bool restarts)
{
	static struct chaos c;
	unsigned up, down;
	struct sim_flow_stats u, d;

	c = (struct chaos){ .s = sim_new(seed, 1, "round-robin"), .random = seed };
	sim_set_tap(c.s, record, &c);
	for (unsigned i = 0; i < 3; i++) {
		sim_add_link(c.s, 0, 20 * MBIT, MSEC(20 + 30 * i), 0);
		c.present[i] = true;
	}
	up = sim_flow(c.s, 0, SIM_UP, 300, MSEC(5));
	down = sim_flow(c.s, 0, SIM_DOWN, 300, MSEC(5));
	for (unsigned i = 0; i < 600; i++) {
		sim_run(c.s, MSEC(1 + roll(&c, 200)));
		something(&c);
		for (unsigned n = roll(&c, 8); n > 0; n--)
			inject(&c);
		if (restarts && i % 100 == 99) {
			calm_down(&c);	/* a client that restarts has all its links */
			if (roll(&c, 2) == 0)
				sim_restart_client(c.s, 0);
			else
				sim_restart_server(c.s);
		}
	}
	assert_true(c.injected > 1000);
	u = sim_flow_stats(c.s, up);
	d = sim_flow_stats(c.s, down);
	assert_true(u.received > 0 && d.received > 0);
	assert_int_equal(u.duplicates + d.duplicates, 0);

	calm_down(&c);
	sim_run(c.s, SEC(3));
	sim_flow_stop(c.s, up);
	sim_flow_stop(c.s, down);
	sim_run(c.s, SEC(1));
	up = sim_flow(c.s, 0, SIM_UP, 300, MSEC(5));
	down = sim_flow(c.s, 0, SIM_DOWN, 300, MSEC(5));
	sim_run(c.s, SEC(2));
	sim_flow_stop(c.s, up);
	sim_flow_stop(c.s, down);
	sim_run(c.s, SEC(1));
	u = sim_flow_stats(c.s, up);
	d = sim_flow_stats(c.s, down);
	if (u.received != u.sent || d.received != d.sent)
		print_message("# seed %llu: up %llu of %llu, down %llu of %llu\n",
			      (unsigned long long)seed, (unsigned long long)u.received,
			      (unsigned long long)u.sent, (unsigned long long)d.received,
			      (unsigned long long)d.sent);
	assert_int_equal(u.received, u.sent);
	assert_int_equal(d.received, d.sent);
	sim_free(c.s);
}

static void a_storm_leaves_nothing_behind(void **state)
{
	(void)state;
	for (uint64_t seed = 100; seed < 110; seed++)
		storm(seed, false);
}

static void a_storm_with_restarts_leaves_nothing_behind(void **state)
{
	(void)state;
	for (uint64_t seed = 200; seed < 206; seed++)
		storm(seed, true);
}

/* --- no buffers ---------------------------------------------------------- */

static void an_end_without_buffers_recovers_when_they_return(void **state)
{
	(void)state;
	for (int end = SERVER; end <= 0; end++) {
		struct sim *s = sim_new(300, 1, "round-robin");
		struct sim_flow_stats f;
		unsigned up, down;

		sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
		sim_add_link(s, 0, 20 * MBIT, MSEC(60), 0);
		up = sim_flow(s, 0, SIM_UP, 1000, MSEC(1));
		down = sim_flow(s, 0, SIM_DOWN, 1000, MSEC(1));
		sim_run(s, SEC(2));
		for (size_t leave = 0; leave < 6; leave++) {
			sim_starve(s, end, leave);
			sim_run(s, SEC(1));
			sim_feed(s, end);
			sim_run(s, SEC(1));
		}
		sim_run(s, SEC(2));
		sim_flow_stop(s, up);
		sim_flow_stop(s, down);
		sim_run(s, SEC(1));
		up = sim_flow(s, 0, SIM_UP, 1000, MSEC(1));
		down = sim_flow(s, 0, SIM_DOWN, 1000, MSEC(1));
		sim_run(s, SEC(1));
		sim_flow_stop(s, up);
		sim_flow_stop(s, down);
		sim_run(s, SEC(1));
		f = sim_flow_stats(s, up);
		assert_int_equal(f.received, f.sent);
		f = sim_flow_stats(s, down);
		assert_int_equal(f.received, f.sent);
		sim_free(s);
	}
}

/* --- failover, in time --------------------------------------------------- */

static uint64_t packets_on(struct sim *s, unsigned link)
{
	uint64_t n = sim_link(s, 0, link)->up_packets;

	sim_link(s, 0, link)->up_packets = 0;
	return n;
}

static void failover_stays_away_two_seconds_after_a_link_returns(void **state)
{
	struct sim *s = sim_new(301, 1, "failover");
	struct engine_link wish = { .weight = 1, .priority = 1 };

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	engine_path_set_link(sim_client(s, 0), 1, &wish, sim_now(s));
	sim_run(s, SEC(1));
	sim_flow(s, 0, SIM_UP, 500, MSEC(2));
	sim_run(s, SEC(2));
	packets_on(s, 0);
	packets_on(s, 1);
	sim_run(s, SEC(1));
	assert_true(packets_on(s, 0) > 490);
	assert_true(packets_on(s, 1) < 30);
	sim_link_down(s, 0, 0);
	sim_run(s, SEC(1));
	packets_on(s, 0);
	assert_true(packets_on(s, 1) > 490);
	sim_link_up(s, 0, 0);
	sim_run(s, MSEC(1900));
	assert_true(packets_on(s, 0) < 76);	/* 24 PINGs of each end, and ACKs */
	packets_on(s, 1);
	sim_run(s, MSEC(300));
	packets_on(s, 0);
	packets_on(s, 1);
	sim_run(s, SEC(1));
	assert_true(packets_on(s, 0) > 490);
	assert_true(packets_on(s, 1) < 30);
	sim_free(s);
}

static void two_clients_see_only_what_is_theirs(void **state)
{
	struct sim *s = sim_new(302, 2, "round-robin");
	struct sim_flow_stats f[4];
	unsigned flow[4];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		sim_add_link(s, i, 20 * MBIT, MSEC(20), 0);
		sim_add_link(s, i, 20 * MBIT, MSEC(40), 0);
	}
	sim_run(s, SEC(1));
	for (unsigned i = 0; i < 4; i++)
		flow[i] = sim_flow(s, i / 2, i % 2 == 0 ? SIM_UP : SIM_DOWN, 500, MSEC(2));
	sim_run(s, SEC(2));
	/* one client goes away: the other does not notice */
	sim_flow_stop(s, flow[0]);
	sim_flow_stop(s, flow[1]);
	sim_run(s, MSEC(200));
	engine_close(sim_client(s, 0), sim_now(s));
	sim_run(s, SEC(2));
	sim_flow_stop(s, flow[2]);
	sim_flow_stop(s, flow[3]);
	sim_run(s, SEC(1));
	for (unsigned i = 0; i < 4; i++) {
		f[i] = sim_flow_stats(s, flow[i]);
		assert_int_equal(f[i].received, f[i].sent);
		assert_int_equal(f[i].duplicates, 0);
	}
	assert_true(f[3].longest_gap < MSEC(25));
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a storm leaves nothing behind", a_storm_leaves_nothing_behind),
		TEST("a storm with restarts leaves nothing behind",
		     a_storm_with_restarts_leaves_nothing_behind),
		TEST("an end without buffers recovers when they return",
		     an_end_without_buffers_recovers_when_they_return),
		TEST("failover stays away two seconds after a link returns",
		     failover_stays_away_two_seconds_after_a_link_returns),
		TEST("two clients see only what is theirs", two_clients_see_only_what_is_theirs),
	};

	return RUN_TESTS(tests);
}
