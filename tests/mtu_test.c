/* mtu: links that do not carry a full packet, in virtual time. */
#include <string.h>

#include "sim/model_tcp.h"
#include "sim/sim.h"
#include "tap.h"

#define SERVER	(-1)
#define MBIT	UINT64_C(1000000)
#define FULL	1420	/* bytes of the largest inner packet */

static unsigned add_link(struct sim *s, uint64_t rate, nsec_t rtt, size_t mtu)
{
	const struct sim_way way = { .rate = rate, .delay = rtt / 2, .mtu = mtu };

	return sim_add_ways(s, 0, &way, &way);
}

/* The client's interface has that MTU. */
static void set_mtu(struct sim *s, unsigned link, size_t mtu)
{
	struct sim_link *l = sim_link(s, 0, link);

	l->up.mtu = l->down.mtu = mtu;
	l->wish.mtu = (uint16_t)mtu;
	engine_path_set_link(sim_client(s, 0), link, &l->wish, sim_now(s));
}

static struct sim_flow_stats run_flow(struct sim *s, unsigned flow, nsec_t duration)
{
	sim_run(s, duration);
	sim_flow_stop(s, flow);
	sim_run(s, SEC(2));
	return sim_flow_stats(s, flow);
}

static void nothing_is_missing(const struct sim_flow_stats *f)
{
	assert_true(f->sent > 0);
	assert_int_equal(f->received, f->sent);
	assert_int_equal(f->duplicates, 0);
}

static void full_packets_cross_a_link_of_576_in_pieces(void **state)
{
	struct sim *s = sim_new(1, 1, "aggregate");
	struct sim_flow_stats up, down;
	unsigned flow;

	(void)state;
	add_link(s, 20 * MBIT, MSEC(20), 0);
	set_mtu(s, 0, 576);
	sim_run(s, SEC(1));
	flow = sim_flow(s, 0, SIM_UP, FULL, MSEC(2));
	up = run_flow(s, flow, SEC(3));
	flow = sim_flow(s, 0, SIM_DOWN, FULL, MSEC(2));
	down = run_flow(s, flow, SEC(3));
	nothing_is_missing(&up);
	nothing_is_missing(&down);
	assert_int_equal(up.reordered + down.reordered, 0);
	sim_free(s);
}

static void a_lost_piece_is_repaired_by_itself(void **state)
{
	struct sim *s = sim_new(2, 1, "aggregate");
	struct engine_peer_status peer;
	struct sim_flow_stats up;
	uint64_t bytes;
	unsigned flow;

	(void)state;
	add_link(s, 20 * MBIT, MSEC(20), 0);
	set_mtu(s, 0, 576);
	sim_run(s, SEC(1));
	sim_link(s, 0, 0)->up.loss_ppm = 50000;
	bytes = sim_link(s, 0, 0)->up_bytes;
	flow = sim_flow(s, 0, SIM_UP, FULL, MSEC(2));
	up = run_flow(s, flow, SEC(5));
	bytes = sim_link(s, 0, 0)->up_bytes - bytes;
	nothing_is_missing(&up);
	engine_peer_status(sim_client(s, 0), 0, sim_now(s), &peer);
	assert_true(peer.repaired > up.sent / 10);
	/* three pieces with 57 bytes around each; one in twenty goes again, and no whole packet */
	assert_true(bytes < up.sent * (FULL + 3 * 57) * 110 / 100);
	sim_free(s);
}

static void what_a_wide_path_loses_goes_on_in_pieces_over_a_narrow_one(void **state)
{
	struct sim *s = sim_new(3, 1, "aggregate");
	struct sim_flow_stats up;
	unsigned flow;

	(void)state;
	add_link(s, 20 * MBIT, MSEC(20), 0);
	add_link(s, 20 * MBIT, MSEC(30), 0);
	set_mtu(s, 1, 576);
	sim_run(s, SEC(1));
	flow = sim_flow(s, 0, SIM_UP, FULL, MSEC(2));
	sim_run(s, SEC(1));
	sim_cut(s, 0, 0, true);
	up = run_flow(s, flow, SEC(2));
	nothing_is_missing(&up);
	assert_true(up.longest_gap < MSEC(100));
	sim_free(s);
}

/* Loses the second of a packet's three pieces. */
static bool lose_second(void *ctx, struct sim *s, unsigned client, unsigned link, enum sim_direction direction,
			uint8_t *datagram, size_t *len)
{
	unsigned *pieces = ctx;

	(void)s;
	(void)client;
	(void)link;
	(void)datagram;
	return direction != SIM_UP || *len < 400 || (*pieces)++ % 3 != 1;
}

/* Nobody sends again what has arrived: so it has to be there still. */
static void half_a_packet_is_kept_while_no_link_works(void **state)
{
	static const nsec_t away[] = { MSEC(500), SEC(3), SEC(30) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(away); i++) {
		struct sim *s = sim_new(6, 1, "aggregate");
		struct sim_flow_stats up;
		unsigned flow, pieces = 0;

		add_link(s, 20 * MBIT, MSEC(20), 0);
		set_mtu(s, 0, 576);
		sim_run(s, SEC(1));
		flow = sim_flow(s, 0, SIM_UP, FULL, MSEC(4));
		sim_run(s, SEC(1));
		sim_set_tap(s, lose_second, &pieces);
		sim_run(s, MSEC(20));
		sim_set_tap(s, NULL, NULL);
		sim_cut(s, 0, 0, true);
		sim_flow_stop(s, flow);
		sim_run(s, away[i]);
		sim_cut(s, 0, 0, false);
		sim_run(s, SEC(1));
		up = sim_flow_stats(s, flow);
		nothing_is_missing(&up);
		sim_free(s);
	}
}

static void a_copy_in_pieces_and_a_whole_one_are_the_same_packet(void **state)
{
	struct sim *s = sim_new(4, 1, "redundant");
	struct sim_flow_stats up;
	unsigned flow;

	(void)state;
	add_link(s, 20 * MBIT, MSEC(20), 0);
	add_link(s, 20 * MBIT, MSEC(20), 0);
	set_mtu(s, 1, 576);
	sim_link(s, 0, 0)->up.loss_ppm = sim_link(s, 0, 1)->up.loss_ppm = 20000;
	sim_run(s, SEC(1));
	flow = sim_flow(s, 0, SIM_UP, FULL, MSEC(2));
	up = run_flow(s, flow, SEC(5));
	nothing_is_missing(&up);
	assert_true(sim_drops(s, SERVER, DROP_DUPLICATE) > up.sent / 2);
	assert_true(sim_link(s, 0, 0)->up_packets > up.sent);
	assert_true(sim_link(s, 0, 1)->up_packets > 3 * up.sent);
	sim_free(s);
}

/* What that end sends over the link at once, as far as it knows. */
static unsigned mtu_of(struct sim *s, int end, unsigned link)
{
	struct engine *e = end == SERVER ? sim_server(s) : sim_client(s, 0);
	struct engine_path_status path[SIM_LINKS];

	assert_true(engine_path_status(e, 0, sim_now(s), path, SIM_LINKS) > link);
	return path[link].mtu;
}

static uint64_t lost_of(struct sim *s, int end, unsigned link)
{
	struct engine *e = end == SERVER ? sim_server(s) : sim_client(s, 0);
	struct engine_path_status path[SIM_LINKS];

	assert_true(engine_path_status(e, 0, sim_now(s), path, SIM_LINKS) > link);
	return path[link].lost_packets + path[link].loss_ppm + path[link].in_flight;
}

static void a_usual_link_has_its_full_size_when_it_is_proven(void **state)
{
	struct sim *s = sim_new(6, 1, "aggregate");

	(void)state;
	add_link(s, 20 * MBIT, MSEC(40), 1500);
	assert_true(sim_run_until(s, 0, ENGINE_PATH_UP, MSEC(100)));
	sim_run(s, MSEC(2));		/* its answer is as much longer under way as it is larger */
	assert_int_equal(mtu_of(s, 0, 0), 1500);
	assert_true(sim_run_until(s, SERVER, ENGINE_PATH_UP, MSEC(100)));
	sim_run(s, MSEC(2));
	assert_int_equal(mtu_of(s, SERVER, 0), 1500);
	sim_free(s);
}

static void full_packets_cross_a_narrow_link_of_which_nobody_says_so(void **state)
{
	static const size_t mtu[] = { 1492, 1400, 1280, 1000, 576 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtu); i++) {
		struct sim *s = sim_new(7, 1, "aggregate");
		struct sim_flow_stats up, down;
		unsigned flow;

		add_link(s, 20 * MBIT, MSEC(20), mtu[i]);
		assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, MSEC(100)));
		flow = sim_flow(s, 0, SIM_UP, FULL, MSEC(10));
		up = run_flow(s, flow, SEC(3));
		flow = sim_flow(s, 0, SIM_DOWN, FULL, MSEC(10));
		down = run_flow(s, flow, SEC(3));
		/* a path below the base takes the search to find out */
		assert_true(up.received >= up.sent - (mtu[i] < 1200 ? 30 : 0));
		nothing_is_missing(&down);
		sim_free(s);
	}
}

static void the_search_is_no_loss_and_ends(void **state)
{
	struct sim *s = sim_new(8, 1, "aggregate");
	uint64_t packets;

	(void)state;
	add_link(s, 20 * MBIT, MSEC(20), 1280);
	sim_run(s, SEC(5));
	assert_int_equal(mtu_of(s, 0, 0), 1280);
	assert_int_equal(mtu_of(s, SERVER, 0), 1280);
	assert_int_equal(lost_of(s, 0, 0), 0);
	assert_int_equal(lost_of(s, SERVER, 0), 0);
	/* an idle path that is narrow is left in peace: a keepalive and its answer now and then */
	packets = sim_link(s, 0, 0)->up_packets;
	sim_run(s, SEC(100));
	assert_true(sim_link(s, 0, 0)->up_packets - packets <= 12);
	sim_free(s);
}

struct shrinking {
	unsigned link;
	size_t mtu;
};

static void shrink(void *ctx, struct sim *s)
{
	const struct shrinking *to = ctx;

	sim_link(s, 0, to->link)->up.mtu = sim_link(s, 0, to->link)->down.mtu = to->mtu;
}

static void no_packet_is_lost_when_a_path_shrinks_under_a_flow(void **state)
{
	static const struct { size_t len; nsec_t interval; } kind[] = {
		{ FULL, MSEC(2) }, { FULL, MSEC(20) }, { FULL, MSEC(100) }, { FULL, SEC(1) }, { 1300, MSEC(250) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		struct sim *s = sim_new(9, 1, "aggregate");
		struct shrinking to = { .mtu = 1280 };
		struct sim_flow_stats up;
		unsigned flow;

		add_link(s, 20 * MBIT, MSEC(20), 1500);
		sim_run(s, SEC(2));
		flow = sim_flow(s, 0, SIM_UP, kind[i].len, kind[i].interval);
		sim_at(s, sim_now(s) + MSEC(3500), shrink, &to);
		up = run_flow(s, flow, SEC(10));
		nothing_is_missing(&up);
		assert_int_equal(mtu_of(s, 0, 0), 1280);
		sim_free(s);
	}
}

/*
 * 1480: a full packet passes, one that has an ACK along with it does not, and others
 * whose headers are left out do.
 */
static void a_path_that_shrinks_by_a_little_loses_nothing_for_long(void **state)
{
	const struct model_tcp_config config = { .direction = SIM_UP };

	(void)state;
	for (unsigned links = 1; links <= 2; links++) {
		struct sim *s = sim_new(9, 1, "aggregate");
		struct shrinking to = { .mtu = 1480 };
		struct model_tcp *tcp;

		for (unsigned i = 0; i < links; i++)
			add_link(s, 10 * MBIT, MSEC(20 + 10 * i), 1500);
		sim_run(s, SEC(2));
		sim_flow(s, 0, SIM_UP, FULL, FULL * 8 * NSEC_PER_SEC / (4 * MBIT));
		tcp = model_tcp_new(s, &config);
		sim_run(s, SEC(3));
		shrink(&to, s);
		sim_run(s, SEC(10));
		assert_int_equal(mtu_of(s, 0, 0), 1480);
		assert_true(sim_link(s, 0, 0)->up_wire.lost < 40);
		assert_true(model_tcp_rate(tcp, 4, 13) > (links == 1 ? 5 : 14));
		model_tcp_free(tcp);
		sim_free(s);
	}
}

static void set_ways(struct sim *s, size_t mtu)
{
	sim_link(s, 0, 0)->up.mtu = sim_link(s, 0, 0)->down.mtu = mtu;
}

/* Nothing is known of what lies behind a link that comes back, or an address of another network. */
static void of_another_way_the_size_is_found_anew(void **state)
{
	struct sim *s = sim_new(11, 1, "aggregate");

	(void)state;
	add_link(s, 20 * MBIT, MSEC(20), 1280);
	sim_flow(s, 0, SIM_UP, FULL, MSEC(20));
	sim_flow(s, 0, SIM_DOWN, FULL, MSEC(20));
	sim_run(s, SEC(3));
	assert_int_equal(mtu_of(s, 0, 0), 1280);
	assert_int_equal(mtu_of(s, SERVER, 0), 1280);
	set_ways(s, 1400);
	/* as often as there are ids for a path, so that the first one is taken again */
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		sim_link_down(s, 0, 0);
		sim_run(s, MSEC(100));
		sim_link_up(s, 0, 0);
		sim_run(s, i + 1 < PATHS_MAX ? MSEC(100) : SEC(3));
	}
	assert_int_equal(mtu_of(s, 0, 0), 1400);
	assert_int_equal(mtu_of(s, SERVER, 0), 1400);
	set_ways(s, 1500);
	sim_link(s, 0, 0)->port++;
	sim_run(s, SEC(3));
	assert_int_equal(mtu_of(s, SERVER, 0), 1500);
	sim_free(s);
}

/* What passes is no likely size: by trying alone 1380 would be found. */
static void what_a_router_says_of_a_path_is_what_is_tried(void **state)
{
	static const int end[] = { 0, SERVER };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(end); i++) {
		struct sim *s = sim_new(10, 1, "aggregate");
		struct engine *e = end[i] == SERVER ? sim_server(s) : sim_client(s, 0);
		struct engine_path_status path[2];
		struct shrinking to = { .link = 1, .mtu = 1390 };

		add_link(s, 20 * MBIT, MSEC(20), 1500);
		add_link(s, 20 * MBIT, MSEC(20), 1500);
		sim_run(s, SEC(1));
		assert_int_equal(engine_path_status(e, 0, sim_now(s), path, 2), 2);
		sim_flow(s, 0, end[i] == SERVER ? SIM_DOWN : SIM_UP, FULL, MSEC(2));
		sim_run(s, SEC(1));
		shrink(&to, s);
		for (unsigned k = 0; k < 100; k++) {
			sim_run(s, MSEC(10));
			engine_too_big(e, &path[1].endpoint, 1390, sim_now(s));
		}
		assert_int_equal(mtu_of(s, end[i], 0), 1500);
		assert_int_equal(mtu_of(s, end[i], 1), 1390);
		sim_free(s);
	}
}

static void a_packet_without_buffers_for_its_pieces_is_told_as_lost(void **state)
{
	struct sim *s = sim_new(5, 1, "aggregate");
	struct sim_flow_stats up;
	unsigned flow;

	(void)state;
	add_link(s, 20 * MBIT, MSEC(20), 0);
	set_mtu(s, 0, 576);
	sim_run(s, SEC(1));
	flow = sim_flow(s, 0, SIM_UP, FULL, MSEC(20));
	for (unsigned i = 0; i < 20; i++) {
		sim_run(s, MSEC(95));
		/* one for the packet, one to send a piece in, none for the second */
		sim_starve(s, 0, 2);
		sim_run(s, MSEC(5));
		sim_feed(s, 0);
	}
	up = run_flow(s, flow, SEC(1));
	assert_true(sim_drops(s, 0, DROP_NO_BUFFER) >= 15);
	assert_int_equal(up.received + sim_drops(s, 0, DROP_NO_BUFFER), up.sent);
	/* three later ones would prove the loss, 60 ms later */
	assert_true(up.latency_max < MSEC(40));
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("full packets cross a link of 576 in pieces", full_packets_cross_a_link_of_576_in_pieces),
		TEST("a lost piece is repaired by itself", a_lost_piece_is_repaired_by_itself),
		TEST("what a wide path loses goes on in pieces over a narrow one",
		     what_a_wide_path_loses_goes_on_in_pieces_over_a_narrow_one),
		TEST("half a packet is kept while no link works", half_a_packet_is_kept_while_no_link_works),
		TEST("a copy in pieces and a whole one are the same packet",
		     a_copy_in_pieces_and_a_whole_one_are_the_same_packet),
		TEST("a usual link has its full size when it is proven", a_usual_link_has_its_full_size_when_it_is_proven),
		TEST("full packets cross a narrow link of which nobody says so",
		     full_packets_cross_a_narrow_link_of_which_nobody_says_so),
		TEST("the search is no loss, and ends", the_search_is_no_loss_and_ends),
		TEST("no packet is lost when a path shrinks under a flow",
		     no_packet_is_lost_when_a_path_shrinks_under_a_flow),
		TEST("a path that shrinks by a little loses nothing for long",
		     a_path_that_shrinks_by_a_little_loses_nothing_for_long),
		TEST("of another way the size is found anew", of_another_way_the_size_is_found_anew),
		TEST("what a router says of a path is what is tried", what_a_router_says_of_a_path_is_what_is_tried),
		TEST("a packet without buffers for its pieces is told as lost",
		     a_packet_without_buffers_for_its_pieces_is_told_as_lost),
	};

	return RUN_TESTS(tests);
}
