/* model_call: see model_call.h. */
#include "sim/model_call.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "sim/must.h"
#include "sim/segment.h"

#define IP		20
#define UDP		8
#define RTP		12
#define CALL_LEN	200
#define CALL_INTERVAL	MSEC(20)
#define CALL_SAMPLES	160	/* of an 8 kHz codec in 20 ms */
#define CALL_PORT	20000
#define PING_LEN	84
#define PING_INTERVAL	MSEC(100)
#define ICMP		8
#define ECHO_REQUEST	8
#define PROTO_ICMP	1
#define PROTO_UDP	17
#define WINDOW		1024u	/* a copy that comes later than so many packets counts as new */

static void addresses(const struct sim_via *via, enum sim_direction direction, uint8_t src[4],
		      uint8_t dst[4])
{
	if (direction == SIM_UP)
		sim_addresses(via, src, dst);
	else
		sim_addresses(via, dst, src);
}

static void note_gap(nsec_t *longest, nsec_t *last_at, nsec_t now)
{
	if (*last_at != 0 && now - *last_at > *longest)
		*longest = now - *last_at;
	*last_at = now;
}

/* --- a call -------------------------------------------------------------- */

/* One direction of it. */
struct voice {
	uint32_t next, newest;
	bool any;
	uint32_t seen[WINDOW];		/* number + 1 of the last packet in that slot */
	nsec_t last_at;
	struct samples latency;
	struct model_call_stats stats;
};

struct model_call {
	struct sim *sim;
	struct sim_via via;
	uint16_t port;
	nsec_t next_at;
	struct voice voice[2];		/* by direction */
};

static void speak(struct model_call *c, enum sim_direction direction)
{
	struct voice *v = &c->voice[direction];
	uint8_t packet[CALL_LEN] = { 0 }, src[4], dst[4];
	uint8_t *udp = packet + IP, *rtp = udp + UDP;

	addresses(&c->via, direction, src, dst);
	ipv4_header(packet, CALL_LEN, PROTO_UDP, src, dst);
	packet[1] = 0xb8;	/* EF */
	put_be16(packet + 10, 0);
	put_be16(packet + 10, checksum_fold(checksum_add(0, packet, IP)));
	put_be16(udp, c->port);
	put_be16(udp + 2, c->port);
	put_be16(udp + 4, CALL_LEN - IP);
	rtp[0] = 0x80;
	put_be16(rtp + 2, (uint16_t)v->next);
	put_be32(rtp + 4, v->next * CALL_SAMPLES);
	put_be32(rtp + 8, c->port);
	put_le32(rtp + RTP, v->next);
	put_le64(rtp + RTP + 4, sim_now(c->sim));
	v->next++;
	v->stats.sent++;
	sim_send(c->sim, &c->via, direction, packet, CALL_LEN);
}

static void hear(struct voice *v, uint32_t number, nsec_t latency, nsec_t now)
{
	if (v->seen[number % WINDOW] == number + 1) {
		v->stats.duplicates++;
		return;
	}
	v->seen[number % WINDOW] = number + 1;
	v->stats.received++;
	if (v->any && number < v->newest)
		v->stats.late++;
	else
		v->newest = number;
	v->any = true;
	samples_add(&v->latency, latency);
	note_gap(&v->stats.longest_gap, &v->last_at, now);
}

static bool call_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct model_call *c = ctx;
	const uint8_t *told = packet + IP + UDP + RTP;

	if (len != CALL_LEN || packet[9] != PROTO_UDP || get_be16(packet + IP) != c->port)
		return false;
	hear(&c->voice[direction], get_le32(told), sim_now(c->sim) - get_le64(told + 4),
	     sim_now(c->sim));
	return true;
}

static nsec_t call_due(const void *ctx)
{
	return ((const struct model_call *)ctx)->next_at;
}

static void call_tick(void *ctx)
{
	struct model_call *c = ctx;

	c->next_at += CALL_INTERVAL;
	speak(c, SIM_UP);
	speak(c, SIM_DOWN);
}

struct model_call *model_call_new(struct sim *s, const struct sim_via *via)
{
	static const struct sim_model ops = { .take = call_take, .due = call_due, .tick = call_tick };
	struct model_call *c = calloc(1, sizeof(*c));

	must_have(c);
	c->sim = s;
	c->via = *via;
	c->next_at = sim_now(s);
	c->port = (uint16_t)(CALL_PORT + sim_attach(s, &ops, c));
	return c;
}

void model_call_free(struct model_call *c)
{
	if (c == NULL)
		return;
	sim_detach(c->sim, c);
	for (int i = 0; i < 2; i++)
		samples_done(&c->voice[i].latency);
	free(c);
}

void model_call_stop(struct model_call *c)
{
	c->next_at = NSEC_NEVER;
}

struct model_call_stats model_call_stats(struct model_call *c, enum sim_direction direction)
{
	struct voice *v = &c->voice[direction];
	struct model_call_stats stats = v->stats;

	stats.p50 = samples_percentile(&v->latency, 50);
	stats.p95 = samples_percentile(&v->latency, 95);
	stats.p99 = samples_percentile(&v->latency, 99);
	return stats;
}

/* --- a ping -------------------------------------------------------------- */

struct model_ping {
	struct sim *sim;
	struct sim_via via;
	uint16_t id;
	nsec_t next_at;
	uint16_t next;
	nsec_t forgot_at, last_at;
	struct samples round_trip;
	struct model_ping_stats stats;
};

static void echo(struct model_ping *p, enum sim_direction direction, uint16_t number,
		 nsec_t sent_at)
{
	uint8_t packet[PING_LEN] = { 0 }, src[4], dst[4];
	uint8_t *icmp = packet + IP;

	addresses(&p->via, direction, src, dst);
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
	note_gap(&p->stats.longest_gap, &p->last_at, sim_now(p->sim));
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
	p->last_at = 0;
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
