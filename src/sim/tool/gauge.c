/* gauge: see gauge.h. */
#include "sim/tool/gauge.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

#define SHOWN	48	/* bytes of a link's text */

static const char *const way_name[] = { [SIM_UP] = "up", [SIM_DOWN] = "down" };

static const struct sim_wire *wire_of(const struct sim_link *l, int direction)
{
	return direction == SIM_UP ? &l->up_wire : &l->down_wire;
}

static const struct sim_way *way_of(const struct sim_link *l, int direction)
{
	return direction == SIM_UP ? &l->up : &l->down;
}

static uint64_t dropped_by(const struct sim_link *l, int direction)
{
	return direction == SIM_UP ? l->up_dropped : l->down_dropped;
}

/* Who sends that way. */
static struct engine *sender(struct sim *s, int direction)
{
	return direction == SIM_UP ? sim_client(s, 0) : sim_server(s);
}

void gauge_init(struct gauge *g, struct sim *s, size_t links)
{
	*g = (struct gauge){ .sim = s, .links = links, .at = sim_now(s) };
	for (unsigned i = 0; i < links; i++)
		for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
			const struct sim_link *l = sim_link(s, 0, i);
			struct gauge_way *w = &g->link[i].way[direction];

			w->carried_bytes = w->from_bytes = wire_of(l, direction)->carried_bytes;
			w->from_lost = wire_of(l, direction)->lost;
			w->from_dropped = dropped_by(l, direction);
		}
}

void gauge_done(struct gauge *g)
{
	for (size_t i = 0; i < g->links; i++)
		samples_done(&g->link[i].rtt);
}

/* --- a step --------------------------------------------------------------- */

static void step_way(struct gauge *g, unsigned link, int direction, struct gauge_step *ret)
{
	const struct sim_link *l = sim_link(g->sim, 0, link);
	const struct sim_wire *wire = wire_of(l, direction);
	const struct sim_way *way = way_of(l, direction);
	struct gauge_way *w = &g->link[link].way[direction];
	double span = (double)(sim_now(g->sim) - g->at) / 1e9;
	double could = way->cut ? 0 : (double)sim_way_bits(way, g->at, sim_now(g->sim));

	w->could += could;
	w->deepest = wire->queued > w->deepest ? wire->queued : w->deepest;
	ret->could[link][direction] = could * 1e-6 / span;
	ret->carried[link][direction] = (double)(wire->carried_bytes - w->carried_bytes) * 8e-6 / span;
	ret->queue[link][direction] = (double)wire->queued;
	w->carried_bytes = wire->carried_bytes;
}

/* The client names its paths by their links. */
static void step_rtt(struct gauge *g, const struct engine_path_status *path, struct gauge_step *ret)
{
	unsigned link = path->endpoint.socket;

	if (link >= g->links || path->srtt == 0 || path->state != ENGINE_PATH_OK)
		return;
	samples_add(&g->link[link].rtt, path->srtt);
	ret->rtt[link] = (double)path->srtt / 1e6;
}

/* A path that went takes its count along, and a new one of its id begins at 0. */
static void step_lost(struct gauge_end *e, const struct engine_path_status *path)
{
	uint64_t before = e->lost_by[path->id];

	e->lost += path->lost_packets - (path->lost_packets >= before ? before : 0);
	e->lost_by[path->id] = path->lost_packets;
}

static void step_end(struct gauge *g, int direction, struct gauge_step *ret)
{
	const struct engine *engine = sender(g->sim, direction);
	struct gauge_end *e = &g->end[direction];
	struct engine_path_status path[PATHS_MAX];
	struct engine_peer_status peer;
	size_t count = engine_path_status(engine, 0, sim_now(g->sim), path, PATHS_MAX);

	engine_peer_status(engine, 0, sim_now(g->sim), &peer);
	e->backlog = peer.queued > e->backlog ? peer.queued : e->backlog;
	ret->backlog[direction] = (double)peer.queued / 1e3;
	for (size_t i = 0; i < count; i++) {
		step_lost(e, &path[i]);
		if (direction == SIM_UP)
			step_rtt(g, &path[i], ret);
	}
}

void gauge_step(struct gauge *g, struct gauge_step *ret)
{
	for (unsigned i = 0; i < g->links; i++) {
		ret->rtt[i] = NAN;
		for (int direction = SIM_UP; direction <= SIM_DOWN; direction++)
			step_way(g, i, direction, ret);
	}
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++)
		step_end(g, direction, ret);
	g->at = sim_now(g->sim);
}

/* --- the report ----------------------------------------------------------- */

enum link_column { SHARE, CARRIED, USED, RTT50, RTT95, QUEUE, LOST, FULL };

const struct table_column gauge_link_columns[] = {
	[SHARE] = { "share %", 1 }, [CARRIED] = { "MB", 2 }, [USED] = { "used %", 1 },
	[RTT50] = { "rtt p50", 1 }, [RTT95] = { "rtt p95", 1 }, [QUEUE] = { "queue", 0 },
	[LOST] = { "lost", 0 }, [FULL] = { "full", 0 }, { NULL, 0 },
};

static double carried(const struct gauge_way *w)
{
	return (double)(w->carried_bytes - w->from_bytes);
}

static double all_carried(const struct gauge *g, int direction)
{
	double sum = 0;

	for (size_t i = 0; i < g->links; i++)
		sum += carried(&g->link[i].way[direction]);
	return sum;
}

static void report_way(struct gauge *g, unsigned link, int direction, double cell[])
{
	const struct sim_link *l = sim_link(g->sim, 0, link);
	struct gauge_link *gl = &g->link[link];
	const struct gauge_way *w = &gl->way[direction];

	if (all_carried(g, direction) > 0)
		cell[SHARE] = 100 * carried(w) / all_carried(g, direction);
	cell[CARRIED] = carried(w) / 1e6;
	if (w->could > 0)
		cell[USED] = 100 * carried(w) * 8 / w->could;
	if (direction == SIM_UP && gl->rtt.count > 0) {
		cell[RTT50] = (double)samples_percentile(&gl->rtt, 50) / 1e6;
		cell[RTT95] = (double)samples_percentile(&gl->rtt, 95) / 1e6;
	}
	cell[QUEUE] = (double)w->deepest;
	cell[LOST] = (double)(wire_of(l, direction)->lost - w->from_lost);
	cell[FULL] = (double)(dropped_by(l, direction) - w->from_dropped);
}

void gauge_report_links(struct gauge *g, const char *const *name, struct table *ret)
{
	for (unsigned i = 0; i < g->links; i++)
		for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
			double *cell = direction == SIM_UP ?
				       table_add(ret, "%u %.*s up", i + 1, text_whole(name[i], SHOWN), name[i]) :
				       table_add(ret, "  down");

			report_way(g, i, direction, cell);
		}
}

enum tunnel_column { JUDGED, REPAIRED, HOLES, AQM, DROPPED, COPIES, BACKLOG };

const struct table_column gauge_tunnel_columns[] = {
	[JUDGED] = { "lost", 0 }, [REPAIRED] = { "repaired", 0 }, [HOLES] = { "holes", 0 },
	[AQM] = { "aqm", 0 }, [DROPPED] = { "dropped", 0 }, [COPIES] = { "copies", 0 },
	[BACKLOG] = { "backlog kB", 0 }, { NULL, 0 },
};

static uint64_t dropped(const uint64_t drops[ENGINE_DROPS])
{
	static const enum engine_drop own[] = { DROP_NO_SESSION, DROP_NO_PATH, DROP_TOO_BIG,
						DROP_QUEUE_FULL, DROP_NO_BUFFER };
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		sum += drops[own[i]];
	return sum;
}

void gauge_report_tunnel(const struct gauge *g, struct table *ret)
{
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		const struct engine *from = sender(g->sim, direction), *to = sender(g->sim, !direction);
		struct engine_peer_status sending, receiving;
		uint64_t sent[ENGINE_DROPS], got[ENGINE_DROPS];
		double *cell = table_add(ret, "%s", way_name[direction]);

		engine_peer_status(from, 0, sim_now(g->sim), &sending);
		engine_peer_status(to, 0, sim_now(g->sim), &receiving);
		engine_drops(from, sent);
		engine_drops(to, got);
		cell[JUDGED] = (double)g->end[direction].lost;
		cell[REPAIRED] = (double)sending.repaired;
		cell[HOLES] = (double)receiving.holes;
		cell[AQM] = (double)sent[DROP_CONGESTION];
		cell[DROPPED] = (double)dropped(sent);
		cell[COPIES] = (double)got[DROP_DUPLICATE];
		cell[BACKLOG] = (double)g->end[direction].backlog / 1e3;
	}
}
