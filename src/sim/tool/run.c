/* run: see run.h. */
#include "sim/tool/run.h"

#include <stdlib.h>

#include "sim/must.h"
#include "sim/tool/gauge.h"
#include "sim/tool/traffic.h"

#define WARM_UP		SEC(2)		/* until the tunnel is up and its paths are proven */
#define SETTLE		SEC(2)		/* for what is under way at the end */

struct run;

/* What an event is given. */
struct errand {
	struct run *run;
	const struct scenario_event *event;
};

struct run {
	const struct scenario *plan;
	struct sim *sim;
	nsec_t zero;
	struct traffic traffic[SCENARIO_FLOWS];
	struct config_link wish[SCENARIO_LINKS];
	bool down[SCENARIO_LINKS];
	struct errand errand[SCENARIO_EVENTS];
	struct gauge gauge;
	uint64_t seen_bytes[SCENARIO_FLOWS][2];
};

/* --- events --------------------------------------------------------------- */

static struct engine_link engine_link(const struct config_link *wish)
{
	static const enum engine_tier tier[] = {
		[CONFIG_TIER_PRIMARY] = ENGINE_TIER_PRIMARY, [CONFIG_TIER_OVERFLOW] = ENGINE_TIER_OVERFLOW,
		[CONFIG_TIER_BACKUP] = ENGINE_TIER_BACKUP, [CONFIG_TIER_NEVER] = ENGINE_TIER_NEVER,
	};

	return (struct engine_link){
		.weight = wish->weight, .priority = wish->priority, .tier = tier[wish->tier],
		.metered = wish->metered, .max_latency_ms = (uint32_t)(wish->max_latency / MSEC(1)),
		.max_loss_ppm = wish->max_loss_ppm, .rate = wish->rate, .fixed = wish->fixed,
	};
}

static void tell_wish(struct run *r, unsigned link)
{
	struct engine_link wish = engine_link(&r->wish[link]);

	sim_wish(r->sim, 0, link, &wish);
}

static void take_down(struct run *r, unsigned link)
{
	if (!r->down[link])
		sim_link_down(r->sim, 0, link);
	r->down[link] = true;
}

/* From down, and from cut. */
static void bring_up(struct run *r, unsigned link)
{
	if (r->down[link])
		sim_link_up(r->sim, 0, link);
	sim_cut(r->sim, 0, link, false);
	r->down[link] = false;
}

static void act(void *ctx, struct sim *s)
{
	const struct errand *errand = ctx;
	const struct scenario_event *e = errand->event;
	struct run *r = errand->run;
	struct complaint none = { "" };

	switch (e->action) {
	case ACTION_DOWN:
		take_down(r, e->link);
		break;
	case ACTION_UP:
		bring_up(r, e->link);
		break;
	case ACTION_CUT:
		sim_cut(s, 0, e->link, true);
		break;
	case ACTION_TRAIT:
		scenario_set_trait(&sim_link(s, 0, e->link)->up, &sim_link(s, 0, e->link)->down, e->trait,
				   e->value);
		break;
	case ACTION_SET:
		scenario_change_wish(&r->wish[e->link], e->words, &none);
		tell_wish(r, e->link);
		break;
	case ACTION_STRATEGY:
		engine_set_strategy(sim_client(s, 0), e->words, sim_now(s));
		break;
	}
}

/* --- the beginning -------------------------------------------------------- */

/* The client names its paths by their links.  False: one of them is silent. */
static bool all_answer(struct run *r, bool ret_silent[SCENARIO_LINKS])
{
	struct engine_path_status path[PATHS_MAX];
	size_t count = engine_path_status(sim_client(r->sim, 0), 0, sim_now(r->sim), path, PATHS_MAX);
	size_t silent = r->plan->links;

	for (size_t i = 0; i < r->plan->links; i++)
		ret_silent[i] = true;
	for (size_t i = 0; i < count; i++) {
		if (path[i].state != ENGINE_PATH_OK)
			continue;
		ret_silent[path[i].endpoint.socket] = false;
		silent--;
	}
	return silent == 0;
}

/* Where links are slow it takes longer. */
static void warm_up(struct run *r, bool ret_silent[SCENARIO_LINKS])
{
	nsec_t from = sim_now(r->sim);

	sim_run(r->sim, WARM_UP);
	while (!all_answer(r, ret_silent) && sim_now(r->sim) - from < RUN_PATIENCE)
		sim_run(r->sim, MSEC(500));
	r->zero = sim_now(r->sim);
}

static void follow_traces(struct run *r)
{
	for (unsigned i = 0; i < r->plan->links; i++) {
		struct sim_link *l = sim_link(r->sim, 0, i);

		for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
			const struct trace *t = &r->plan->link[i].trace[direction];

			if (t->count > 0)
				sim_way_follow(r->sim, direction == SIM_UP ? &l->up : &l->down, t->step,
					       t->count, t->length);
		}
	}
}

static void plan_events(struct run *r)
{
	for (size_t i = 0; i < r->plan->events; i++) {
		r->errand[i] = (struct errand){ r, &r->plan->event[i] };
		if (r->plan->event[i].at == 0)
			act(&r->errand[i], r->sim);
		else
			sim_at(r->sim, r->zero + r->plan->event[i].at, act, &r->errand[i]);
	}
}

static void begin(struct run *r, const struct scenario *plan, uint64_t seed, struct outcome *ret)
{
	r->plan = plan;
	r->sim = sim_new_clear(seed, 1, plan->strategy);
	for (unsigned i = 0; i < plan->links; i++) {
		sim_add_ways(r->sim, 0, &plan->link[i].way[SIM_UP], &plan->link[i].way[SIM_DOWN]);
		r->wish[i] = plan->link[i].wish;
		tell_wish(r, i);
	}
	warm_up(r, ret->silent);
	follow_traces(r);
	plan_events(r);
	for (size_t i = 0; i < plan->flows; i++)
		traffic_plan(&r->traffic[i], &plan->flow[i], r->sim, r->zero, r->zero + SEC(plan->seconds));
	gauge_init(&r->gauge, r->sim, plan->links);
}

/* --- the series ----------------------------------------------------------- */

static const char *const way_name[] = { [SIM_UP] = "up", [SIM_DOWN] = "down" };

static void name_flow(struct run *r, unsigned i, enum sim_direction direction, struct series *s)
{
	const struct traffic *t = &r->traffic[i];
	const char *kind = scenario_kind_name(t->plan->kind), *way = way_name[direction];

	if (!traffic_goes(t, direction))
		return;
	if (t->plan->kind != FLOW_PING)
		series_column(s, SERIES_GOODPUT, i, direction, "flow%u_%s_%s_mbit", i + 1, kind, way);
	series_column(s, SERIES_LATENCY, i, direction, "flow%u_%s_%s_ms", i + 1, kind, way);
}

static void name_columns(struct run *r, struct series *s)
{
	for (unsigned i = 0; i < r->plan->flows; i++)
		for (int d = SIM_UP; d <= SIM_DOWN; d++)
			name_flow(r, i, (enum sim_direction)d, s);
	for (unsigned i = 0; i < r->plan->links; i++) {
		for (int d = SIM_UP; d <= SIM_DOWN; d++) {
			enum sim_direction way = (enum sim_direction)d;

			series_column(s, SERIES_CARRIED, i, way, "link%u_%s_mbit", i + 1, way_name[d]);
			series_column(s, SERIES_CAPACITY, i, way, "link%u_%s_could_mbit", i + 1, way_name[d]);
			series_column(s, SERIES_QUEUE, i, way, "link%u_%s_packets", i + 1, way_name[d]);
		}
		series_column(s, SERIES_RTT, i, SIM_UP, "link%u_rtt_ms", i + 1);
	}
	for (int d = SIM_UP; d <= SIM_DOWN; d++)
		series_column(s, SERIES_BACKLOG, 0, (enum sim_direction)d, "backlog_%s_kb", way_name[d]);
}

static double goodput(struct run *r, unsigned flow, enum sim_direction direction)
{
	uint64_t bytes = traffic_bytes(&r->traffic[flow], direction);
	uint64_t *seen = &r->seen_bytes[flow][direction];
	double rate = (double)(bytes - *seen) * 8e-6 * 1e9 / (double)SERIES_STEP;

	*seen = bytes;
	return rate;
}

static double look(struct run *r, const struct series_column *c, const struct gauge_step *step)
{
	switch (c->kind) {
	case SERIES_GOODPUT:
		return goodput(r, c->index, c->direction);
	case SERIES_LATENCY:
		return traffic_latency(&r->traffic[c->index], c->direction);
	case SERIES_CARRIED:
		return step->carried[c->index][c->direction];
	case SERIES_CAPACITY:
		return step->could[c->index][c->direction];
	case SERIES_QUEUE:
		return step->queue[c->index][c->direction];
	case SERIES_RTT:
		return step->rtt[c->index];
	case SERIES_BACKLOG:
		return step->backlog[c->direction];
	}
	return 0;
}

static void note(struct run *r, const struct gauge_step *step, struct series *s)
{
	double *row = series_add(s);

	for (size_t i = 0; i < s->columns; i++)
		row[i] = look(r, &s->column[i], step);
}

/* --- the end -------------------------------------------------------------- */

static void report(struct run *r, struct outcome *ret)
{
	const char *name[SCENARIO_LINKS];

	for (size_t i = 0; i < r->plan->links; i++)
		name[i] = r->plan->link[i].text;
	table_init(&ret->flows, "flow", traffic_columns);
	table_init(&ret->links, "link", gauge_link_columns);
	table_init(&ret->tunnel, "tunnel", gauge_tunnel_columns);
	gauge_report_links(&r->gauge, name, &ret->links);
	gauge_report_tunnel(&r->gauge, &ret->tunnel);
	for (unsigned i = 0; i < r->plan->flows; i++)
		traffic_report(&r->traffic[i], i + 1, r->sim, &ret->flows);
	sim_run(r->sim, SETTLE);
	for (size_t i = 0; i < r->plan->flows; i++)
		traffic_settle(&r->traffic[i]);
}

static void end(struct run *r)
{
	gauge_done(&r->gauge);
	for (size_t i = 0; i < r->plan->flows; i++)
		traffic_done(&r->traffic[i]);
	sim_free(r->sim);
	free(r);
}

void run_scenario(const struct scenario *plan, uint64_t seed, struct outcome *ret,
		  struct series *series)
{
	struct run *r = calloc(1, sizeof(*r));
	struct gauge_step step;

	must_have(r);
	begin(r, plan, seed, ret);
	if (series != NULL)
		name_columns(r, series);
	for (size_t row = 1; row <= SEC(plan->seconds) / SERIES_STEP; row++) {
		/* what happens at its end belongs to the next one */
		sim_run(r->sim, r->zero + row * SERIES_STEP - 1 - sim_now(r->sim));
		gauge_step(&r->gauge, &step);
		if (series != NULL)
			note(r, &step, series);
	}
	report(r, ret);
	end(r);
}
