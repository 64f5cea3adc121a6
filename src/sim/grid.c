/* grid: see grid.h. */
#include "sim/grid.h"

#include <stdio.h>
#include <string.h>

#include "sim/model_ping.h"
#include "sim/model_quic.h"
#include "sim/model_tcp.h"

#define FRAMING		14
#define WARM_UP		SEC(2)	/* until the tunnel and all its paths are up */
#define DRAIN		SEC(4)	/* until nothing is under way any more, and no repair is tried */

const struct grid_pair grid_pair[GRID_PAIRS] = {
	{ "baseline", { 20, 0, 50, 0 }, { 20, 0, 50, 0 }, 95.7, 88, 95, 20 },
	{ "rtt_40", { 20, 0, 50, 0 }, { 40, 0, 50, 0 }, 95.7, 84, 90, 20 },
	{ "rtt_70", { 20, 0, 50, 0 }, { 70, 0, 50, 0 }, 95.7, 84, 94, 20 },
	{ "rtt_120", { 20, 0, 50, 0 }, { 120, 0, 50, 0 }, 95.7, 77, 89, 20 },
	{ "rtt_320", { 20, 0, 50, 0 }, { 320, 0, 50, 0 }, 83.7, 50, 66, 20 },
	{ "jit_5", { 20, 5, 50, 0 }, { 20, 5, 50, 0 }, 95.7, 84, 91, 20 },
	{ "jit_20", { 20, 20, 50, 0 }, { 20, 20, 50, 0 }, 95.7, 68, 84, 60 },
	{ "loss_05", { 20, 0, 50, 5 }, { 20, 0, 50, 5 }, 95.2, 84, 90, 20 },
	{ "loss_2", { 20, 0, 50, 20 }, { 20, 0, 50, 20 }, 93.8, 77, 85, 20 },
	{ "bw_4to1", { 20, 0, 50, 0 }, { 20, 0, 12, 0 }, 59.3, 54, 57, 20 },
	{ "bw_10to1", { 20, 0, 100, 0 }, { 20, 0, 10, 0 }, 105.3, 96, 101, 20 },
	{ "dual_lte", { 30, 5, 40, 5 }, { 45, 8, 25, 5 }, 61.9, 56, 61, 20 },
	{ "fiber_lte", { 8, 0, 100, 0 }, { 40, 8, 30, 5 }, 124.3, 110, 119, 20 },
	{ "lte_starlink", { 35, 8, 40, 0 }, { 50, 25, 100, 10 }, 133.0, 63, 110, 20 },
	{ "lte_geo", { 35, 0, 40, 0 }, { 320, 20, 20, 5 }, 57.3, 42, 51, 20 },
	{ "congested", { 50, 20, 20, 20 }, { 60, 25, 15, 20 }, 32.8, 24, 30, 60 },
};

const struct grid_pair *grid_find(const char *name)
{
	for (size_t i = 0; i < GRID_PAIRS; i++)
		if (strcmp(grid_pair[i].name, name) == 0)
			return &grid_pair[i];
	return NULL;
}

struct sim_way grid_way(const struct grid_link *link)
{
	return (struct sim_way){
		.rate = link->rate * UINT64_C(1000000), .delay = MSEC(link->delay),
		.jitter = MSEC(link->jitter), .normal = true, .netem = true,
		.loss_ppm = link->loss * 1000, .framing = FRAMING,
	};
}

static bool is_random(const struct grid_link *l)
{
	return l->jitter != 0 || l->loss != 0;
}

bool grid_is_random(const struct grid_pair *pair)
{
	return is_random(&pair->a) || is_random(&pair->b);
}

nsec_t grid_run_idle(const struct sim_way *way, const struct grid_options *options)
{
	struct sim *s = sim_new_clear(options->seed, 1, options->strategy);
	struct sim_via via = { .bare = true, .link = sim_add_bare(s, 0, way, way) };
	struct model_ping *ping = model_ping_new(s, &via);
	nsec_t p95;

	sim_run(s, SEC(options->seconds));
	p95 = model_ping_stats(ping).p95;
	model_ping_free(ping);
	sim_free(s);
	return p95;
}

/* --- a flow ------------------------------------------------------------- */

struct flow {
	struct model_tcp *tcp;
	struct model_quic *quic;	/* one of the two */
};

static struct flow flow_new(struct sim *s, const struct grid_options *options, enum sim_direction direction,
			    struct sim_via via)
{
	const struct model_tcp_config tcp = { .via = via, .direction = direction, .duration = SEC(options->seconds) };
	const struct model_quic_config quic = { .via = via, .direction = direction };

	if (options->flow == GRID_QUIC)
		return (struct flow){ .quic = model_quic_new(s, &quic) };
	return (struct flow){ .tcp = model_tcp_new(s, &tcp) };
}

static void flow_free(struct flow *f)
{
	model_tcp_free(f->tcp);
	model_quic_free(f->quic);
}

static double flow_rate(const struct flow *f, unsigned from, unsigned to)
{
	return f->tcp != NULL ? model_tcp_rate(f->tcp, from, to) : model_quic_rate(f->quic, from, to);
}

struct grid_plain grid_run_plain(const struct sim_way *way, const struct grid_options *options)
{
	struct sim *s = sim_new_clear(options->seed, 1, options->strategy);
	struct sim_via via = { .bare = true, .link = sim_add_bare(s, 0, way, way) };
	struct flow flow = flow_new(s, options, options->direction, via);
	struct grid_plain plain;

	sim_run(s, SEC(options->seconds));
	plain.rate = flow_rate(&flow, GRID_FROM, options->seconds);
	plain.early = flow_rate(&flow, 1, 4);
	flow_free(&flow);
	sim_free(s);
	return plain;
}

static void ask_flow(const struct flow *f, struct grid_tunnel *ret)
{
	if (f->tcp != NULL) {
		ret->stall = model_tcp_stats(f->tcp).longest_stall;
		ret->resent = model_tcp_stats(f->tcp).resent;
	} else {
		ret->stall = model_quic_stats(f->quic).longest_stall;
		ret->resent = model_quic_stats(f->quic).lost;
		ret->deepest = model_quic_stats(f->quic).deepest;
	}
}

static void print_flow(const struct flow *f, unsigned second)
{
	if (f->tcp != NULL) {
		struct model_tcp_stats t = model_tcp_stats(f->tcp);

		printf("%3u s %5.1f Mbit/s  window %5u srtt %4.0f ms resent %4lu", second,
		       (double)t.second[second - 1] * 8e-6, t.window, (double)t.srtt / 1e6,
		       (unsigned long)t.resent);
	} else {
		struct model_quic_stats q = model_quic_stats(f->quic);

		printf("%3u s %5.1f Mbit/s  window %5u srtt %4.0f ms lost %4lu deepest %2lu", second,
		       (double)q.second[second - 1] * 8e-6, q.window, (double)q.srtt / 1e6,
		       (unsigned long)q.lost, (unsigned long)q.deepest);
	}
}

/* --- the tunnel --------------------------------------------------------- */

static struct engine *sending_end(struct sim *s, enum sim_direction direction)
{
	return direction == SIM_UP ? sim_client(s, 0) : sim_server(s);
}

static struct engine *receiving_end(struct sim *s, enum sim_direction direction)
{
	return direction == SIM_UP ? sim_server(s) : sim_client(s, 0);
}

static uint64_t lost_datagrams(const struct engine *e, nsec_t now)
{
	struct engine_path_status path[PATHS_MAX];
	size_t count = engine_path_status(e, 0, now, path, PATHS_MAX);
	uint64_t lost = 0;

	for (size_t i = 0; i < count; i++)
		lost += path[i].lost_packets;
	return lost;
}

static uint64_t dropped(const struct engine *e, uint64_t *ret_aqm)
{
	static const enum engine_drop drop[] = { DROP_NO_SESSION, DROP_NO_PATH, DROP_TOO_BIG,
						 DROP_QUEUE_FULL, DROP_NO_BUFFER };
	uint64_t drops[ENGINE_DROPS], sum = 0;

	engine_drops(e, drops);
	for (size_t i = 0; i < ARRAY_SIZE(drop); i++)
		sum += drops[drop[i]];
	*ret_aqm = drops[DROP_CONGESTION];
	return sum;
}

/* Bytes that came out of both links that way, IP and UDP included. */
static uint64_t carried_bytes(struct sim *s, enum sim_direction direction)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct sim_link *l = sim_link(s, 0, i);

		sum += direction == SIM_UP ? l->up_wire.carried_bytes : l->down_wire.carried_bytes;
	}
	return sum;
}

static void ask_engines(struct sim *s, const struct grid_options *options, struct grid_tunnel *ret)
{
	const struct engine *from = sending_end(s, options->direction), *to = receiving_end(s, options->direction);
	struct engine_peer_status sent, got;
	uint64_t needed;

	engine_peer_status(from, 0, sim_now(s), &sent);
	engine_peer_status(to, 0, sim_now(s), &got);
	ret->holes = got.holes;
	ret->lost = lost_datagrams(from, sim_now(s));
	ret->drops = dropped(from, &ret->aqm);
	ret->carried = sent.tx_packets;
	ret->missing = sent.tx_packets - got.rx_packets;
	needed = sent.tx_bytes + sent.tx_packets * ENGINE_OVERHEAD_IPV4;
	ret->extra = (double)carried_bytes(s, options->direction) / (double)needed - 1;
}

/* How the sender sees it, second by second. */
static void watch(struct sim *s, const struct flow *flow, unsigned second, enum sim_direction direction)
{
	struct engine *sender = sending_end(s, direction);
	struct engine_path_status path[4];
	struct engine_peer_status peer;
	size_t n = engine_path_status(sender, 0, sim_now(s), path, 4);

	engine_peer_status(sender, 0, sim_now(s), &peer);
	print_flow(flow, second);
	printf("  queue %5.0f kB", (double)peer.queued / 1e3);
	for (size_t i = 0; i < n; i++)
		printf(" | %5.1f of %5.1f Mbit/s %4.0f ms %6.0f kB out", (double)path[i].tx_rate * 8e-6,
		       (double)path[i].capacity * 8e-6, (double)path[i].srtt / 1e6, (double)path[i].in_flight / 1e3);
	printf("\n");
}

/* Nothing new is sent, as a TCP's end has it by itself; what was is to arrive, or never will. */
static void drain(struct sim *s, struct flow *flow, struct flow *back, struct model_ping *ping)
{
	if (flow->quic != NULL)
		model_quic_stop(flow->quic);
	if (back->quic != NULL)
		model_quic_stop(back->quic);
	model_ping_stop(ping);
	sim_run(s, DRAIN);
}

struct grid_tunnel grid_run_tunnel(const struct sim_way *a, const struct sim_way *b,
				   const struct grid_options *options)
{
	enum sim_direction direction = options->direction, other = direction == SIM_UP ? SIM_DOWN : SIM_UP;
	struct sim *s = sim_new_clear(options->seed, 1, options->strategy);
	const struct sim_via via = { 0 };
	struct grid_tunnel result = { 0 };
	struct flow flow, back = { 0 };
	struct model_ping_stats pings;
	struct model_ping *ping;

	sim_add_ways(s, 0, a, a);
	sim_add_ways(s, 0, b, b);
	sim_run(s, options->warm_up != 0 ? options->warm_up : WARM_UP);
	flow = flow_new(s, options, direction, (struct sim_via){ 0 });
	if (options->both)
		back = flow_new(s, options, other, (struct sim_via){ 0 });
	ping = model_ping_new(s, &via);
	for (unsigned second = 1; second <= options->seconds; second++) {
		sim_run(s, SEC(1));
		if (options->watch)
			watch(s, &flow, second, direction);
	}
	result.rate = flow_rate(&flow, GRID_FROM, options->seconds);
	result.early = flow_rate(&flow, 1, 4);
	if (options->seconds >= 60)
		result.late = flow_rate(&flow, 30, 60);
	if (options->both)
		result.back = flow_rate(&back, GRID_FROM, options->seconds);
	ask_flow(&flow, &result);
	pings = model_ping_stats(ping);
	result.ping = pings.p95;
	result.unanswered = (unsigned)(pings.sent - pings.answered);
	drain(s, &flow, &back, ping);
	ask_engines(s, options, &result);
	model_ping_free(ping);
	flow_free(&flow);
	flow_free(&back);
	sim_free(s);
	return result;
}
