/* model_ping: see model_ping.h. */
#include "sim/model_ping.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "sim/must.h"
#include "sim/segment.h"

#define IP		20
#define PING_LEN	84
#define PING_INTERVAL	MSEC(100)
#define ICMP		8
#define ECHO_REQUEST	8
#define PROTO_ICMP	1

struct model_ping {
	struct sim *sim;
	struct sim_via via;
	uint16_t id;
	nsec_t next_at;
	uint16_t next;
	nsec_t forgot_at;
	struct samples round_trip;
	struct model_ping_stats stats;
};

static void echo(struct model_ping *p, enum sim_direction direction, uint16_t number,
		 nsec_t sent_at)
{
	uint8_t packet[PING_LEN] = { 0 }, src[4], dst[4];
	uint8_t *icmp = packet + IP;

	if (direction == SIM_UP)
		sim_addresses(&p->via, src, dst);
	else
		sim_addresses(&p->via, dst, src);
	ipv4_header(packet, PING_LEN, PROTO_ICMP, src, dst);
	icmp[0] = direction == SIM_UP ? ECHO_REQUEST : 0;
	put_be16(icmp + 4, p->id);
	put_be16(icmp + 6, number);
	put_le64(icmp + ICMP, sent_at);
	put_be16(icmp + 2, checksum_fold(checksum_add(0, icmp, PING_LEN - IP)));
	sim_send(p->sim, &p->via, direction, packet, PING_LEN);
}

static void answered(struct model_ping *p, nsec_t sent_at)
{
	if (sent_at < p->forgot_at)
		return;
	p->stats.answered++;
	samples_add(&p->round_trip, sim_now(p->sim) - sent_at);
	if (p->stats.last_at != 0)
		p->stats.longest_gap = nsec_max(p->stats.longest_gap, sim_now(p->sim) - p->stats.last_at);
	p->stats.last_at = sim_now(p->sim);
}

static bool ping_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct model_ping *p = ctx;
	const uint8_t *icmp = packet + IP;

	if (len != PING_LEN || packet[9] != PROTO_ICMP || get_be16(icmp + 4) != p->id)
		return false;
	if (direction == SIM_UP)
		echo(p, SIM_DOWN, get_be16(icmp + 6), get_le64(icmp + ICMP));
	else
		answered(p, get_le64(icmp + ICMP));
	return true;
}

static nsec_t ping_due(const void *ctx)
{
	return ((const struct model_ping *)ctx)->next_at;
}

static void ping_tick(void *ctx)
{
	struct model_ping *p = ctx;

	p->next_at += PING_INTERVAL;
	p->stats.sent++;
	echo(p, SIM_UP, p->next++, sim_now(p->sim));
}

struct model_ping *model_ping_new(struct sim *s, const struct sim_via *via)
{
	static const struct sim_model ops = { .take = ping_take, .due = ping_due, .tick = ping_tick };
	struct model_ping *p = calloc(1, sizeof(*p));

	must_have(p);
	p->sim = s;
	p->via = *via;
	p->next_at = sim_now(s);
	p->id = (uint16_t)sim_attach(s, &ops, p);
	return p;
}

void model_ping_free(struct model_ping *p)
{
	if (p == NULL)
		return;
	sim_detach(p->sim, p);
	samples_done(&p->round_trip);
	free(p);
}

void model_ping_stop(struct model_ping *p)
{
	p->next_at = NSEC_NEVER;
}

void model_ping_forget(struct model_ping *p)
{
	samples_done(&p->round_trip);
	p->stats = (struct model_ping_stats){ 0 };
	p->forgot_at = sim_now(p->sim);
}

struct model_ping_stats model_ping_stats(struct model_ping *p)
{
	struct model_ping_stats stats = p->stats;

	stats.p50 = samples_percentile(&p->round_trip, 50);
	stats.p95 = samples_percentile(&p->round_trip, 95);
	stats.p99 = samples_percentile(&p->round_trip, 99);
	return stats;
}

struct samples *model_ping_round_trips(struct model_ping *p)
{
	return &p->round_trip;
}
