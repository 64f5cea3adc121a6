/* traffic: see traffic.h. */
#include "sim/tool/traffic.h"

#include <math.h>

#include "sim/model_call.h"
#include "sim/model_ping.h"
#include "sim/model_quic.h"
#include "sim/model_tcp.h"
#include "sim/model_udp.h"

static const char *const way_name[] = { [SIM_UP] = "up", [SIM_DOWN] = "down" };

static void start(void *ctx, struct sim *s)
{
	const struct sim_via tunnel = { 0 };
	struct traffic *t = ctx;
	const struct scenario_flow *plan = t->plan;

	t->started_at = sim_now(s);
	switch (plan->kind) {
	case FLOW_TCP:
		t->tcp = model_tcp_new(s, &(struct model_tcp_config){
			.direction = plan->direction, .bytes = plan->bytes,
			.duration = plan->stop != NSEC_NEVER ? plan->stop - plan->start : 0 });
		break;
	case FLOW_QUIC:
		t->quic = model_quic_new(s, &(struct model_quic_config){ .direction = plan->direction });
		break;
	case FLOW_CALL:
		t->call = model_call_new(s, &tunnel);
		break;
	case FLOW_PING:
		t->ping = model_ping_new(s, &tunnel);
		break;
	case FLOW_UDP:
		t->udp = model_udp_new(s, &(struct model_udp_config){
			.direction = plan->direction, .rate = plan->rate, .len = plan->size });
		break;
	}
}

/* A TCP knows by itself when to end. */
static void stop(void *ctx, struct sim *s)
{
	struct traffic *t = ctx;

	(void)s;
	if (t->quic != NULL)
		model_quic_stop(t->quic);
	if (t->call != NULL)
		model_call_stop(t->call);
	if (t->ping != NULL)
		model_ping_stop(t->ping);
	if (t->udp != NULL)
		model_udp_stop(t->udp);
}

void traffic_plan(struct traffic *t, const struct scenario_flow *plan, struct sim *s, nsec_t zero,
		  nsec_t end)
{
	*t = (struct traffic){ .plan = plan, .end = end };
	sim_at(s, zero + plan->start, start, t);
	if (plan->stop != NSEC_NEVER && zero + plan->stop < end)
		sim_at(s, zero + plan->stop, stop, t);
}

void traffic_done(struct traffic *t)
{
	model_tcp_free(t->tcp);
	model_quic_free(t->quic);
	model_call_free(t->call);
	model_ping_free(t->ping);
	model_udp_free(t->udp);
}

bool traffic_goes(const struct traffic *t, enum sim_direction direction)
{
	switch (t->plan->kind) {
	case FLOW_CALL:
		return true;
	case FLOW_PING:
		return direction == SIM_UP;
	case FLOW_TCP:
	case FLOW_QUIC:
	case FLOW_UDP:
		break;
	}
	return t->plan->direction == direction;
}

uint64_t traffic_bytes(const struct traffic *t, enum sim_direction direction)
{
	if (!traffic_goes(t, direction))
		return 0;
	if (t->tcp != NULL)
		return model_tcp_bytes(t->tcp);
	if (t->quic != NULL)
		return model_quic_bytes(t->quic);
	if (t->call != NULL)
		return model_call_counts(t->call, direction).received * MODEL_CALL_LEN;
	if (t->udp != NULL)
		return model_udp_stats(t->udp).received * t->plan->size;
	return 0;
}

/* --- latency ------------------------------------------------------------- */

static struct samples *samples_of(struct traffic *t, enum sim_direction direction)
{
	if (t->tcp != NULL)
		return model_tcp_round_trips(t->tcp);
	if (t->quic != NULL)
		return model_quic_round_trips(t->quic);
	if (t->call != NULL)
		return model_call_latency(t->call, direction);
	if (t->udp != NULL)
		return model_udp_latency(t->udp);
	return t->ping != NULL ? model_ping_round_trips(t->ping) : NULL;
}

double traffic_latency(struct traffic *t, enum sim_direction direction)
{
	const struct samples *s = samples_of(t, direction);
	nsec_t most = 0, sum = 0;
	size_t count;

	if (s == NULL || s->count == t->seen[direction])
		return NAN;
	count = s->count - t->seen[direction];
	for (size_t i = t->seen[direction]; i < s->count; i++) {
		most = nsec_max(most, s->value[i]);
		sum += s->value[i];
	}
	t->seen[direction] = s->count;
	return (t->tcp != NULL || t->quic != NULL ? (double)sum / (double)count : (double)most) / 1e6;
}

/* --- the report ---------------------------------------------------------- */

enum column { GOODPUT, DONE, P50, P95, P99, GAP, SENT, LOST, LATE, DEEPEST, TWICE, RESENT };

const struct table_column traffic_columns[] = {
	[GOODPUT] = { "Mbit/s", 2 }, [DONE] = { "done s", 2 }, [P50] = { "p50 ms", 1 },
	[P95] = { "p95 ms", 1 }, [P99] = { "p99 ms", 1 }, [GAP] = { "gap ms", 0 },
	[SENT] = { "sent", 0 }, [LOST] = { "lost", 0 }, [LATE] = { "late", 0 },
	[DEEPEST] = { "deepest", 0 }, [TWICE] = { "twice", 0 }, [RESENT] = { "resent", 0 }, { NULL, 0 },
};

_Static_assert(ARRAY_SIZE(traffic_columns) <= TABLE_COLUMNS + 1, "a table has room for them");

static double milliseconds(nsec_t t)
{
	return (double)t / 1e6;
}

static nsec_t ends_at(const struct traffic *t)
{
	nsec_t until = t->end;

	if (t->plan->stop != NSEC_NEVER)
		until = nsec_min(until, t->started_at + t->plan->stop - t->plan->start);
	if (t->tcp != NULL && model_tcp_stats(t->tcp).done_at != 0)
		until = nsec_min(until, t->started_at + model_tcp_stats(t->tcp).done_at);
	return until;
}

/* Seconds that it had; a TCP that is done needed no more. */
static double lasted(const struct traffic *t)
{
	return (double)(ends_at(t) - t->started_at) / 1e9;
}

/* That nothing came any more until its end, or nothing ever, is one, too. */
static double gap(const struct traffic *t, nsec_t longest, nsec_t last_at)
{
	nsec_t silent = nsec_since(last_at != 0 ? last_at : t->started_at, ends_at(t));

	return milliseconds(nsec_max(longest, silent));
}

static void report_tcp(const struct traffic *t, double cell[])
{
	struct model_tcp_stats stats = model_tcp_stats(t->tcp);

	if (stats.done_at != 0)
		cell[DONE] = (double)stats.done_at / 1e9;
	cell[GAP] = gap(t, stats.longest_stall, stats.last_at);
	cell[SENT] = (double)stats.sent;
	cell[LATE] = (double)stats.reordered;
	cell[TWICE] = (double)stats.duplicates;
	cell[RESENT] = (double)stats.resent;
}

static void report_quic(const struct traffic *t, double cell[])
{
	struct model_quic_stats stats = model_quic_stats(t->quic);

	cell[GAP] = gap(t, stats.longest_stall, stats.last_at);
	cell[SENT] = (double)stats.sent;
	cell[LATE] = (double)stats.reordered;
	cell[DEEPEST] = (double)stats.deepest;
	cell[RESENT] = (double)stats.lost;
}

static void report_way(struct traffic *t, unsigned number, enum sim_direction direction,
		       struct table *ret)
{
	const char *name = scenario_kind_name(t->plan->kind);
	double *cell = t->ping != NULL ? table_add(ret, "%u %s", number, name) :
					 table_add(ret, "%u %s %s", number, name, way_name[direction]);

	t->cell[direction] = cell;
	if (t->ping == NULL)
		cell[GOODPUT] = (double)traffic_bytes(t, direction) * 8e-6 / lasted(t);
	if (t->tcp != NULL)
		report_tcp(t, cell);
	if (t->quic != NULL)
		report_quic(t, cell);
}

void traffic_report(struct traffic *t, unsigned number, struct sim *s, struct table *ret)
{
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++)
		if (traffic_goes(t, (enum sim_direction)direction))
			report_way(t, number, (enum sim_direction)direction, ret);
	stop(t, s);
}

static void settle_stream(const struct traffic *t, const struct stream_stats *stats, double cell[])
{
	cell[GAP] = gap(t, stats->longest_gap, stats->last_at);
	cell[SENT] = (double)stats->sent;
	cell[LOST] = (double)(stats->sent - stats->received);
	cell[LATE] = (double)stats->late;
	cell[DEEPEST] = (double)stats->deepest;
	cell[TWICE] = (double)stats->duplicates;
}

static void settle_ping(const struct traffic *t, const struct model_ping_stats *stats, double cell[])
{
	cell[GAP] = gap(t, stats->longest_gap, stats->last_at);
	cell[SENT] = (double)stats->sent;
	cell[LOST] = (double)(stats->sent - stats->answered);
}

static void settle_way(struct traffic *t, enum sim_direction direction, double cell[])
{
	struct samples *s = samples_of(t, direction);
	struct stream_stats stream;
	struct model_ping_stats ping;

	if (t->call != NULL || t->udp != NULL) {
		stream = t->call != NULL ? model_call_counts(t->call, direction) : model_udp_stats(t->udp);
		settle_stream(t, &stream, cell);
	}
	if (t->ping != NULL) {
		ping = model_ping_stats(t->ping);
		settle_ping(t, &ping, cell);
	}
	if (s->count == 0)
		return;
	cell[P50] = milliseconds(samples_percentile(s, 50));
	cell[P95] = milliseconds(samples_percentile(s, 95));
	cell[P99] = milliseconds(samples_percentile(s, 99));
}

void traffic_settle(struct traffic *t)
{
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++)
		if (t->cell[direction] != NULL)
			settle_way(t, (enum sim_direction)direction, t->cell[direction]);
}
