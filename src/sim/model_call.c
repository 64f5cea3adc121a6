/* model_call: see model_call.h. */
#include "sim/model_call.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "sim/must.h"
#include "sim/segment.h"

#define IP		20
#define UDP		8
#define RTP		12
#define CALL_INTERVAL	MSEC(20)
#define CALL_SAMPLES	160	/* of an 8 kHz codec in 20 ms */
#define CALL_PORT	20000
#define PROTO_UDP	17
#define WINDOW		1024

struct model_call {
	struct sim *sim;
	struct sim_via via;
	uint16_t port;
	nsec_t next_at;
	struct stream voice[2];		/* by direction */
};

static void speak(struct model_call *c, enum sim_direction direction)
{
	uint8_t packet[MODEL_CALL_LEN] = { 0 }, src[4], dst[4];
	uint8_t *udp = packet + IP, *rtp = udp + UDP;
	uint32_t number = stream_tell(&c->voice[direction], rtp + RTP, sim_now(c->sim));

	if (direction == SIM_UP)
		sim_addresses(&c->via, src, dst);
	else
		sim_addresses(&c->via, dst, src);
	ipv4_header(packet, MODEL_CALL_LEN, PROTO_UDP, src, dst);
	packet[1] = 0xb8;	/* EF */
	put_be16(packet + 10, 0);
	put_be16(packet + 10, checksum_fold(checksum_add(0, packet, IP)));
	put_be16(udp, c->port);
	put_be16(udp + 2, c->port);
	put_be16(udp + 4, MODEL_CALL_LEN - IP);
	rtp[0] = 0x80;
	put_be16(rtp + 2, (uint16_t)number);
	put_be32(rtp + 4, number * CALL_SAMPLES);
	put_be32(rtp + 8, c->port);
	sim_send(c->sim, &c->via, direction, packet, MODEL_CALL_LEN);
}

static bool call_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct model_call *c = ctx;

	if (len != MODEL_CALL_LEN || packet[9] != PROTO_UDP || get_be16(packet + IP) != c->port)
		return false;
	stream_hear(&c->voice[direction], packet + IP + UDP + RTP, sim_now(c->sim));
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
	for (int i = 0; i < 2; i++)
		stream_init(&c->voice[i], WINDOW);
	return c;
}

void model_call_free(struct model_call *c)
{
	if (c == NULL)
		return;
	sim_detach(c->sim, c);
	for (int i = 0; i < 2; i++)
		stream_done(&c->voice[i]);
	free(c);
}

void model_call_stop(struct model_call *c)
{
	c->next_at = NSEC_NEVER;
}

struct model_call_stats model_call_stats(struct model_call *c, enum sim_direction direction)
{
	struct stream *v = &c->voice[direction];

	return (struct model_call_stats){
		.sent = v->stats.sent, .received = v->stats.received,
		.duplicates = v->stats.duplicates, .late = v->stats.late,
		.longest_gap = v->stats.longest_gap,
		.p50 = samples_percentile(&v->latency, 50), .p95 = samples_percentile(&v->latency, 95),
		.p99 = samples_percentile(&v->latency, 99),
	};
}

struct stream_stats model_call_counts(const struct model_call *c, enum sim_direction direction)
{
	return c->voice[direction].stats;
}

struct samples *model_call_latency(struct model_call *c, enum sim_direction direction)
{
	return &c->voice[direction].latency;
}
