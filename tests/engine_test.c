/* engine: what two ends do with each other, in virtual time. */
#include <string.h>

#include "sim/sim.h"
#include "tap.h"

#define SERVER	(-1)
#define MBIT	UINT64_C(1000000)

static struct sim *two_links(uint64_t seed, const char *strategy)
{
	struct sim *s = sim_new(seed, 1, strategy);

	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(60), 0);
	return s;
}

/* Up, and both paths proven at both ends. */
static struct sim *running(uint64_t seed, const char *strategy)
{
	struct sim *s = two_links(seed, strategy);

	sim_run(s, SEC(1));
	assert_int_equal(sim_events(s, SERVER, ENGINE_PATH_UP), 2);
	return s;
}

static void a_session_is_up_after_two_round_trips_of_the_fastest_link(void **state)
{
	struct sim *s = two_links(1, "weighted");

	(void)state;
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, MSEC(42)));
	sim_run(s, SEC(1));
	assert_int_equal(sim_events(s, SERVER, ENGINE_SESSION_UP), 1);
	assert_int_equal(sim_events(s, 0, ENGINE_PATH_UP), 2);
	assert_int_equal(sim_events(s, SERVER, ENGINE_PATH_UP), 2);
	sim_free(s);
}

static void a_dead_first_link_costs_a_handshake_nothing(void **state)
{
	struct sim *s = sim_new(2, 1, "weighted");

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_cut(s, 0, 0, true);
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, MSEC(42)));
	sim_free(s);
}

static void packets_cross_both_links_in_order_without_loss(void **state)
{
	static const char *const strategy[] = { "weighted", "round-robin", "redundant" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strategy); i++) {
		struct sim *s = running(3, strategy[i]);
		unsigned up = sim_flow(s, 0, SIM_UP, 1400, MSEC(1));
		unsigned down = sim_flow(s, 0, SIM_DOWN, 1400, MSEC(1));
		struct sim_flow_stats u, d;

		sim_run(s, SEC(5));
		sim_flow_stop(s, up);
		sim_flow_stop(s, down);
		sim_run(s, SEC(1));
		u = sim_flow_stats(s, up);
		d = sim_flow_stats(s, down);
		assert_int_equal(u.received, u.sent);
		assert_int_equal(d.received, d.sent);
		assert_int_equal(u.reordered + d.reordered, 0);
		assert_int_equal(u.duplicates + d.duplicates, 0);
		assert_true(sim_link(s, 0, 0)->up_packets > 2400);
		assert_true(sim_link(s, 0, 1)->up_packets > 2400);
		sim_free(s);
	}
}

static void weights_of_75_to_25_mean_it_in_both_directions(void **state)
{
	struct sim *s = sim_new(4, 1, "weighted");
	struct engine_link wish = { .weight = 75 };
	double share;

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	engine_path_set_link(sim_client(s, 0), 0, &wish, sim_now(s));
	wish.weight = 25;
	engine_path_set_link(sim_client(s, 0), 1, &wish, sim_now(s));
	sim_run(s, SEC(1));
	for (unsigned i = 0; i < 2; i++)
		sim_link(s, 0, i)->up_bytes = sim_link(s, 0, i)->down_bytes = 0;
	sim_flow(s, 0, SIM_UP, 1400, MSEC(1));
	sim_flow(s, 0, SIM_DOWN, 1400, MSEC(1));
	sim_run(s, SEC(10));
	share = (double)sim_link(s, 0, 0)->up_bytes /
		(double)(sim_link(s, 0, 0)->up_bytes + sim_link(s, 0, 1)->up_bytes);
	assert_true(share > 0.73 && share < 0.77);
	share = (double)sim_link(s, 0, 0)->down_bytes /
		(double)(sim_link(s, 0, 0)->down_bytes + sim_link(s, 0, 1)->down_bytes);
	assert_true(share > 0.73 && share < 0.77);
	sim_free(s);
}

static void the_server_knows_what_the_client_wants_of_a_link(void **state)
{
	struct sim *s = running(20, "weighted");
	const struct engine_link wish = {
		.weight = 7, .priority = 9, .tier = ENGINE_TIER_BACKUP, .metered = true,
		.max_latency_ms = 300, .max_loss_ppm = 50000, .rate = 123456, .mtu = 1400,
	};
	struct engine_path_status path[2];

	(void)state;
	engine_path_set_link(sim_client(s, 0), 1, &wish, sim_now(s));
	sim_flow(s, 0, SIM_UP, 100, SEC(1));	/* takes the datagrams out */
	sim_run(s, MSEC(100));
	assert_int_equal(engine_path_status(sim_server(s), 0, sim_now(s), path, 2), 2);
	assert_int_equal(path[0].link.tier, ENGINE_TIER_PRIMARY);
	assert_false(path[0].link.metered);
	assert_int_equal(path[1].link.weight, 7);
	assert_int_equal(path[1].link.priority, 9);
	assert_int_equal(path[1].link.tier, ENGINE_TIER_BACKUP);
	assert_true(path[1].link.metered);
	assert_int_equal(path[1].link.max_latency_ms, 300);
	assert_int_equal(path[1].link.max_loss_ppm, 50000);
	assert_int_equal(path[1].link.rate, 123456);
	assert_int_equal(path[1].link.mtu, 1400);
	sim_free(s);
}

/* Holds the next small datagram that goes up back. */
struct holder {
	bool hold;
	uint8_t datagram[1600];
	size_t len;
};

static bool hold_back(void *ctx, struct sim *s, unsigned client, unsigned link,
		      enum sim_direction direction, uint8_t *datagram, size_t *len)
{
	struct holder *h = ctx;

	(void)s;
	(void)client;
	(void)link;
	if (!h->hold || direction != SIM_UP || *len < 50 || *len > 500)
		return true;
	memcpy(h->datagram, datagram, *len);
	h->len = *len;
	h->hold = false;
	return false;
}

static void old_news_that_come_late_change_nothing(void **state)
{
	struct sim *s = running(21, "weighted");
	struct engine_link wish = { .weight = 10 };
	struct engine_path_status path[2];
	struct engine_peer_status peer;
	struct holder h = { 0 };

	(void)state;
	sim_set_tap(s, hold_back, &h);
	sim_flow(s, 0, SIM_UP, 1000, MSEC(2));	/* takes the datagrams out */
	h.hold = true;
	engine_path_set_link(sim_client(s, 0), 1, &wish, sim_now(s));
	engine_set_strategy(sim_client(s, 0), "failover", sim_now(s));
	sim_run(s, MSEC(10));
	assert_false(h.hold);
	wish.weight = 20;
	engine_path_set_link(sim_client(s, 0), 1, &wish, sim_now(s));
	engine_set_strategy(sim_client(s, 0), "round-robin", sim_now(s));
	sim_run(s, MSEC(100));
	sim_inject(s, 0, 0, SIM_UP, h.datagram, h.len);
	sim_run(s, MSEC(100));
	engine_path_status(sim_server(s), 0, sim_now(s), path, 2);
	engine_peer_status(sim_server(s), 0, sim_now(s), &peer);
	assert_int_equal(path[1].link.weight, 20);
	assert_string_equal(peer.strategy, "round-robin");
	sim_free(s);
}

static const char *strategy_of_server(struct sim *s, struct engine_peer_status *peer)
{
	engine_peer_status(sim_server(s), 0, sim_now(s), peer);
	return peer->strategy;
}

static void a_servers_strategy_does_not_overrule_its_clients(void **state)
{
	struct sim *s = running(22, "failover");
	struct engine_peer_status peer;

	(void)state;
	assert_string_equal(strategy_of_server(s, &peer), "failover");
	assert_int_equal(engine_set_strategy(sim_server(s), "redundant", sim_now(s)), 0);
	assert_string_equal(strategy_of_server(s, &peer), "failover");
	engine_set_strategy(sim_client(s, 0), "weighted", sim_now(s));
	sim_run(s, SEC(1));
	assert_string_equal(strategy_of_server(s, &peer), "weighted");
	sim_free(s);
}

static void redundant_copies_hide_the_loss_of_one_link(void **state)
{
	struct sim *s = sim_new(5, 1, "redundant");
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 300000);
	sim_add_link(s, 0, 20 * MBIT, MSEC(60), 0);
	sim_run(s, SEC(2));
	flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));
	sim_run(s, SEC(10));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	assert_int_equal(f.received, f.sent);
	assert_int_equal(f.duplicates, 0);
	assert_true(sim_drops(s, SERVER, DROP_DUPLICATE) > f.sent / 2);
	sim_free(s);
}

static void a_black_hole_is_left_within_100_ms_and_loses_nothing(void **state)
{
	struct sim *s = running(6, "failover");
	struct sim_flow_stats f;
	unsigned flow = sim_flow(s, 0, SIM_UP, 1000, MSEC(2));

	(void)state;
	sim_run(s, SEC(3));
	sim_flow_forget(s, flow);
	sim_cut(s, 0, 0, true);
	sim_run(s, SEC(3));
	f = sim_flow_stats(s, flow);
	/* what was sent into the hole comes over the other link */
	assert_true(f.longest_gap < MSEC(100));
	assert_int_equal(sim_events(s, 0, ENGINE_PATH_DOWN), 1);
	sim_cut(s, 0, 0, false);
	assert_true(sim_run_until(s, 0, ENGINE_PATH_UP, MSEC(300)));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, flow);
	assert_true(f.received >= f.sent);	/* and what was under way at first */
	sim_free(s);
}

static void a_removed_link_loses_nothing(void **state)
{
	struct sim *s = running(7, "round-robin");
	struct sim_flow_stats f;
	unsigned down = sim_flow(s, 0, SIM_DOWN, 1000, MSEC(1));

	(void)state;
	sim_run(s, SEC(2));
	sim_link_down(s, 0, 1);
	sim_run(s, SEC(1));
	sim_flow_stop(s, down);
	sim_run(s, SEC(1));
	f = sim_flow_stats(s, down);
	assert_int_equal(f.received, f.sent);
	assert_int_equal(sim_events(s, SERVER, ENGINE_PATH_DOWN), 1);
	sim_link_up(s, 0, 1);
	assert_true(sim_run_until(s, SERVER, ENGINE_PATH_UP, MSEC(200)));
	sim_free(s);
}

/* Loses the next data packet that goes up, once. */
static bool lose_one(void *ctx, struct sim *s, unsigned client, unsigned link,
		     enum sim_direction direction, uint8_t *datagram, size_t *len)
{
	unsigned *left = ctx;

	(void)s;
	(void)client;
	(void)link;
	(void)datagram;
	if (*left == 0 || direction != SIM_UP || *len < 500)
		return true;
	(*left)--;
	return false;
}

static void a_lost_packet_delays_only_its_own_lane(void **state)
{
	struct sim *s = sim_new(8, 1, "round-robin");
	unsigned lossy, other, left = 0;
	struct sim_flow_stats l, o;

	(void)state;
	sim_set_tap(s, lose_one, &left);
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_run(s, SEC(1));
	lossy = sim_flow(s, 0, SIM_UP, 500, MSEC(10));
	other = sim_flow(s, 0, SIM_UP, 500, MSEC(10));
	sim_run(s, MSEC(505));
	left = 1;	/* two are sent at the same time: the first is of the first flow */
	sim_run(s, SEC(1));
	sim_flow_stop(s, lossy);
	sim_flow_stop(s, other);
	sim_run(s, SEC(1));
	l = sim_flow_stats(s, lossy);
	o = sim_flow_stats(s, other);
	assert_int_equal(left, 0);
	assert_int_equal(l.received, l.sent);
	/* three later ones tell of it, and it is sent again */
	assert_true(l.latency_max > MSEC(25) && l.latency_max < MSEC(65));
	assert_int_equal(o.received, o.sent);
	assert_true(o.latency_max < MSEC(12));
	sim_free(s);
}

static void a_rekey_loses_and_reorders_nothing(void **state)
{
	struct sim *s = running(9, "round-robin");
	struct engine_peer_status before, after;
	unsigned up = sim_flow(s, 0, SIM_UP, 200, MSEC(2));
	unsigned down = sim_flow(s, 0, SIM_DOWN, 200, MSEC(2));
	struct sim_flow_stats u, d;

	(void)state;
	engine_peer_status(sim_client(s, 0), 0, sim_now(s), &before);
	sim_run(s, SEC(400));
	engine_peer_status(sim_client(s, 0), 0, sim_now(s), &after);
	sim_flow_stop(s, up);
	sim_flow_stop(s, down);
	sim_run(s, SEC(1));
	u = sim_flow_stats(s, up);
	d = sim_flow_stats(s, down);
	assert_true(after.handshake_at >= before.handshake_at + SEC(360));
	assert_int_equal(u.received, u.sent);
	assert_int_equal(d.received, d.sent);
	assert_int_equal(u.reordered + d.reordered, 0);
	/* the longest is at the start, where the slower path's first packet is waited for */
	assert_true(u.longest_gap < MSEC(25));
	assert_int_equal(sim_events(s, 0, ENGINE_SESSION_UP), 1);
	assert_int_equal(sim_events(s, 0, ENGINE_SESSION_DOWN), 0);
	sim_free(s);
}

static void keys_end_after_180_s_without_an_answer(void **state)
{
	struct sim *s = running(10, "round-robin");

	(void)state;
	sim_cut(s, 0, 0, true);
	sim_cut(s, 0, 1, true);
	sim_flow(s, 0, SIM_UP, 200, MSEC(100));
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_DOWN, SEC(185)));
	assert_true(sim_now(s) >= SEC(1175));
	sim_cut(s, 0, 0, false);
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, SEC(2)));
	sim_free(s);
}

static void an_idle_tunnel_is_nearly_silent(void **state)
{
	struct sim *s = running(11, "round-robin");
	uint64_t before;

	(void)state;
	sim_run(s, SEC(10));
	before = sim_link(s, 0, 0)->up_packets;
	sim_run(s, SEC(60));
	/* a keepalive each 22 s, and its ACK and PONG */
	assert_true(sim_link(s, 0, 0)->up_packets - before <= 12);
	assert_true(sim_link(s, 0, 0)->up_packets - before >= 2);
	assert_int_equal(sim_events(s, 0, ENGINE_PATH_DOWN), 0);
	sim_free(s);
}

static void a_changed_port_is_followed_after_proof(void **state)
{
	struct sim *s = running(12, "failover");
	struct sim_flow_stats f;
	unsigned up = sim_flow(s, 0, SIM_UP, 500, MSEC(2));
	unsigned down = sim_flow(s, 0, SIM_DOWN, 500, MSEC(2));

	(void)state;
	sim_run(s, SEC(2));
	sim_flow_forget(s, up);
	sim_flow_forget(s, down);
	sim_link(s, 0, 0)->port = 50000;
	sim_run(s, SEC(2));
	assert_int_equal(sim_events(s, SERVER, ENGINE_PATH_ROAMED), 1);
	f = sim_flow_stats(s, up);
	/* while the address is proven, ACKs come by the slower path */
	assert_true(f.longest_gap < MSEC(50));
	f = sim_flow_stats(s, down);
	assert_true(f.longest_gap < MSEC(100));
	sim_free(s);
}

static void a_restarted_server_is_found_again_within_two_seconds(void **state)
{
	struct sim *s = running(13, "round-robin");
	struct sim_flow_stats f;
	unsigned flow = sim_flow(s, 0, SIM_UP, 500, MSEC(10));

	(void)state;
	sim_run(s, SEC(2));
	sim_flow_forget(s, flow);
	sim_restart_server(s);
	sim_run(s, SEC(4));
	f = sim_flow_stats(s, flow);
	assert_true(f.received > 0);
	assert_true(f.first_at < SEC(1003) + SEC(2));
	sim_free(s);
}

static void a_restarted_client_takes_its_session_anew(void **state)
{
	struct sim *s = running(14, "round-robin");
	struct sim_flow_stats f;
	unsigned flow;

	(void)state;
	sim_run(s, SEC(5));
	sim_restart_client(s, 0);
	/* the server has a session, so it asks for proof first: one round trip more */
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, MSEC(62)));
	flow = sim_flow(s, 0, SIM_DOWN, 500, MSEC(10));
	sim_run(s, SEC(2));
	f = sim_flow_stats(s, flow);
	assert_true(f.sent - f.received < 10);
	sim_free(s);
}

struct recorder {
	uint8_t datagram[512][1600];
	size_t len[512];
	unsigned count;
	enum sim_direction direction;
	bool on;
};

static bool record(void *ctx, struct sim *s, unsigned client, unsigned link,
		   enum sim_direction direction, uint8_t *datagram, size_t *len)
{
	struct recorder *r = ctx;

	(void)s;
	(void)client;
	(void)link;
	if (r->on && direction == r->direction && r->count < 512) {
		memcpy(r->datagram[r->count], datagram, *len);
		r->len[r->count++] = *len;
	}
	return true;
}

static void replayed_and_forged_datagrams_change_nothing(void **state)
{
	static struct recorder r;
	struct sim *s = sim_new(15, 1, "round-robin");
	struct sim_flow_stats before, after;
	uint64_t refused;
	unsigned flow;

	(void)state;
	r = (struct recorder){ .direction = SIM_UP, .on = true };
	sim_set_tap(s, record, &r);
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	flow = sim_flow(s, 0, SIM_UP, 500, MSEC(10));
	sim_run(s, SEC(3));
	sim_flow_stop(s, flow);
	sim_run(s, SEC(3));
	r.on = false;
	before = sim_flow_stats(s, flow);
	assert_true(r.count > 200);
	for (unsigned i = 0; i < r.count; i++)
		sim_inject(s, 0, 0, SIM_UP, r.datagram[i], r.len[i]);
	refused = sim_drops(s, SERVER, DROP_REPLAY);
	assert_true(refused > 200);
	for (unsigned i = 0; i < r.count; i++) {
		r.datagram[i][(i * 37) % r.len[i]] ^= (uint8_t)(1u << i % 8);
		sim_inject(s, 0, 0, SIM_UP, r.datagram[i], r.len[i]);
	}
	sim_run(s, SEC(1));
	after = sim_flow_stats(s, flow);
	assert_int_equal(after.received, before.received);
	assert_int_equal(after.duplicates, 0);
	assert_int_equal(sim_events(s, SERVER, ENGINE_SESSION_UP), 1);
	assert_int_equal(sim_events(s, SERVER, ENGINE_SESSION_DOWN), 0);
	/* and the session still works */
	flow = sim_flow(s, 0, SIM_UP, 500, MSEC(10));
	sim_run(s, SEC(1));
	assert_true(sim_flow_stats(s, flow).received > 90);
	sim_free(s);
}

static void a_client_cannot_use_the_address_of_another(void **state)
{
	struct sim *s = sim_new(16, 2, "round-robin");
	uint8_t packet[40] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, 84, 0, 3, 10, 84, 0, 1 };
	unsigned flow;

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 1, 20 * MBIT, MSEC(20), 0);
	sim_run(s, SEC(1));
	assert_int_equal(sim_events(s, SERVER, ENGINE_SESSION_UP), 2);
	flow = sim_flow(s, 1, SIM_DOWN, 500, MSEC(10));
	sim_tun_in(s, 0, packet, sizeof(packet));
	sim_run(s, SEC(1));
	assert_int_equal(sim_drops(s, SERVER, DROP_INNER_SOURCE), 1);
	assert_true(sim_flow_stats(s, flow).received > 90);
	sim_free(s);
}

static void a_goodbye_ends_the_session_at_once(void **state)
{
	struct sim *s = running(17, "round-robin");

	(void)state;
	engine_close(sim_client(s, 0), sim_now(s));
	sim_flow(s, 0, SIM_DOWN, 100, SEC(1));	/* takes the datagrams out */
	sim_run(s, MSEC(50));
	sim_inject(s, 0, 0, SIM_DOWN, (const uint8_t *)"", 0);
	assert_true(sim_events(s, SERVER, ENGINE_SESSION_DOWN) == 1 ||
		    sim_run_until(s, SERVER, ENGINE_SESSION_DOWN, MSEC(100)));
	sim_free(s);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	uint64_t trace[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct sim *s = sim_new(i < 2 ? 18 : 19, 1, "round-robin");

		sim_add_link(s, 0, 20 * MBIT, MSEC(20), 20000);
		sim_add_link(s, 0, 10 * MBIT, MSEC(60), 20000);
		sim_flow(s, 0, SIM_UP, 1000, MSEC(1));
		sim_run(s, SEC(5));
		trace[i] = sim_trace(s);
		sim_free(s);
	}
	assert_true(trace[0] == trace[1]);
	assert_true(trace[0] != trace[2]);
}

/* The server has a session of the client's, so that it asks for a token: by a link of 1.2 s there and back. */
static void a_client_comes_back_over_a_long_link(void **state)
{
	struct sim *s = sim_new(31, 1, "aggregate");

	(void)state;
	sim_add_link(s, 0, 20 * MBIT, MSEC(1200), 0);
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, SEC(5)));
	sim_run(s, SEC(10));
	sim_restart_client(s, 0);
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, SEC(5)));
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a session is up after two round trips of the fastest link",
		     a_session_is_up_after_two_round_trips_of_the_fastest_link),
		TEST("a dead first link costs a handshake nothing",
		     a_dead_first_link_costs_a_handshake_nothing),
		TEST("packets cross both links, in order, without loss",
		     packets_cross_both_links_in_order_without_loss),
		TEST("weights of 75 to 25 mean it, in both directions",
		     weights_of_75_to_25_mean_it_in_both_directions),
		TEST("the server knows what the client wants of a link",
		     the_server_knows_what_the_client_wants_of_a_link),
		TEST("old news that come late change nothing", old_news_that_come_late_change_nothing),
		TEST("a server's strategy does not overrule its client's",
		     a_servers_strategy_does_not_overrule_its_clients),
		TEST("redundant copies hide the loss of one link",
		     redundant_copies_hide_the_loss_of_one_link),
		TEST("a black hole is left within 100 ms, and loses nothing",
		     a_black_hole_is_left_within_100_ms_and_loses_nothing),
		TEST("a removed link loses nothing", a_removed_link_loses_nothing),
		TEST("a lost packet delays only its own lane", a_lost_packet_delays_only_its_own_lane),
		TEST("a rekey loses and reorders nothing", a_rekey_loses_and_reorders_nothing),
		TEST("keys end after 180 s without an answer", keys_end_after_180_s_without_an_answer),
		TEST("an idle tunnel is nearly silent", an_idle_tunnel_is_nearly_silent),
		TEST("a changed port is followed after proof", a_changed_port_is_followed_after_proof),
		TEST("a restarted server is found again within two seconds",
		     a_restarted_server_is_found_again_within_two_seconds),
		TEST("a restarted client takes its session anew", a_restarted_client_takes_its_session_anew),
		TEST("a client comes back over a long link", a_client_comes_back_over_a_long_link),
		TEST("replayed and forged datagrams change nothing",
		     replayed_and_forged_datagrams_change_nothing),
		TEST("a client cannot use the address of another",
		     a_client_cannot_use_the_address_of_another),
		TEST("a goodbye ends the session at once", a_goodbye_ends_the_session_at_once),
		TEST("the same seed gives the same run", the_same_seed_gives_the_same_run),
	};

	return RUN_TESTS(tests);
}
