/* grid: see grid.h. */
#include "sim/grid.h"

#include <stdio.h>
#include <string.h>

#include "sim/model_ping.h"
#include "sim/model_tcp.h"

#define FRAMING		14
#define WARM_UP		SEC(2)	/* until the tunnel and all its paths are up */

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

nsec_t grid_run_idle(const struct sim_way *way, const struct grid_options *options)
{
	struct sim *s = sim_new(options->seed, 1, options->strategy);
	struct sim_via via = { .bare = true, .link = sim_add_bare(s, 0, way, way) };
	struct model_ping *ping = model_ping_new(s, &via);
	nsec_t p95;

	sim_run(s, SEC(options->seconds));
	p95 = model_ping_stats(ping).p95;
	model_ping_free(ping);
	sim_free(s);
	return p95;
}

double grid_run_plain(const struct sim_way *way, const struct grid_options *options)
{
	struct sim *s = sim_new(options->seed, 1, options->strategy);
	struct model_tcp_config config = { .via.bare = true, .direction = options->direction };
	struct model_tcp *tcp;
	double rate;

	config.via.link = sim_add_bare(s, 0, way, way);
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(options->seconds));
	rate = model_tcp_rate(tcp, GRID_FROM, options->seconds);
	model_tcp_free(tcp);
	sim_free(s);
	return rate;
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

static uint64_t dropped(const struct engine *e)
{
	static const enum engine_drop drop[] = { DROP_NO_SESSION, DROP_NO_PATH, DROP_TOO_BIG,
						 DROP_QUEUE_FULL, DROP_NO_BUFFER };
	uint64_t drops[ENGINE_DROPS], sum = 0;

	engine_drops(e, drops);
	for (size_t i = 0; i < ARRAY_SIZE(drop); i++)
		sum += drops[drop[i]];
	return sum;
}

static void ask_engines(struct sim *s, enum sim_direction direction, struct grid_tunnel *ret)
{
	const struct engine *client = sim_client(s, 0), *server = sim_server(s);
	const struct engine *from = direction == SIM_UP ? client : server;
	struct engine_peer_status peer;

	engine_peer_status(direction == SIM_UP ? server : client, 0, sim_now(s), &peer);
	ret->holes = peer.holes;
	ret->lost = lost_datagrams(from, sim_now(s));
	ret->drops = dropped(from);
}

/* How the sender sees it, second by second. */
static void watch(struct sim *s, const struct model_tcp *tcp, unsigned second, enum sim_direction direction)
{
	struct engine *sender = direction == SIM_UP ? sim_client(s, 0) : sim_server(s);
	struct model_tcp_stats t = model_tcp_stats(tcp);
	struct engine_path_status path[4];
	struct engine_peer_status peer;
	size_t n = engine_path_status(sender, 0, sim_now(s), path, 4);

	engine_peer_status(sender, 0, sim_now(s), &peer);
	printf("%3u s %5.1f Mbit/s  window %5u srtt %4.0f ms resent %4lu  queue %5.0f kB", second,
	       (double)t.second[second - 1] * 8e-6, t.window, (double)t.srtt / 1e6, (unsigned long)t.resent,
	       (double)peer.queued / 1e3);
	for (size_t i = 0; i < n; i++)
		printf(" | %5.1f of %5.1f Mbit/s %4.0f ms %6.0f kB out", (double)path[i].tx_rate * 8e-6,
		       (double)path[i].capacity * 8e-6, (double)path[i].srtt / 1e6, (double)path[i].in_flight / 1e3);
	printf("\n");
}

struct grid_tunnel grid_run_tunnel(const struct sim_way *a, const struct sim_way *b,
				   const struct grid_options *options)
{
	struct sim *s = sim_new(options->seed, 1, options->strategy);
	struct model_tcp_config config = { .direction = options->direction };
	struct grid_tunnel result = { 0 };
	struct model_ping_stats pings;
	struct model_ping *ping;
	struct model_tcp *tcp;

	sim_add_ways(s, 0, a, a);
	sim_add_ways(s, 0, b, b);
	sim_run(s, WARM_UP);
	tcp = model_tcp_new(s, &config);
	ping = model_ping_new(s, &config.via);
	for (unsigned second = 1; second <= options->seconds; second++) {
		sim_run(s, SEC(1));
		if (options->watch)
			watch(s, tcp, second, options->direction);
	}
	result.rate = model_tcp_rate(tcp, GRID_FROM, options->seconds);
	result.early = model_tcp_rate(tcp, 1, 4);
	result.stall = model_tcp_stats(tcp).longest_stall;
	result.resent = model_tcp_stats(tcp).resent;
	pings = model_ping_stats(ping);
	result.ping = pings.p95;
	result.unanswered = (unsigned)(pings.sent - pings.answered);
	ask_engines(s, options->direction, &result);
	model_ping_free(ping);
	model_tcp_free(tcp);
	sim_free(s);
	return result;
}
