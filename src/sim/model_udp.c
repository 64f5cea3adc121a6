/* model_udp: see model_udp.h. */
#include "sim/model_udp.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "sim/must.h"
#include "sim/segment.h"

#define IP		20
#define UDP		8
#define UDP_PORT	30000
#define PROTO_UDP	17
#define WINDOW		(1u << 17)

struct model_udp {
	struct sim *sim;
	struct model_udp_config config;
	uint16_t port;
	nsec_t began_at, next_at;
	struct stream stream;
};

static bool udp_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct model_udp *u = ctx;

	(void)direction;
	if (len != u->config.len || packet[9] != PROTO_UDP || get_be16(packet + IP) != u->port)
		return false;
	stream_hear(&u->stream, packet + IP + UDP, sim_now(u->sim));
	return true;
}

static nsec_t udp_due(const void *ctx)
{
	return ((const struct model_udp *)ctx)->next_at;
}

/* Of the n-th packet: from the beginning, so that no rounding adds up. */
static nsec_t time_of(const struct model_udp *u, uint32_t n)
{
	return u->began_at + (nsec_t)((double)n * (double)u->config.len * 8e9 / (double)u->config.rate);
}

static void udp_tick(void *ctx)
{
	struct model_udp *u = ctx;
	size_t len = u->config.len;
	uint8_t packet[MODEL_UDP_MAX] = { 0 }, src[4], dst[4];

	if (u->config.direction == SIM_UP)
		sim_addresses(&u->config.via, src, dst);
	else
		sim_addresses(&u->config.via, dst, src);
	ipv4_header(packet, len, PROTO_UDP, src, dst);
	ipv4_mark(packet, u->config.dscp);
	put_be16(packet + IP, u->port);
	put_be16(packet + IP + 2, u->port);
	put_be16(packet + IP + 4, (uint16_t)(len - IP));
	stream_tell(&u->stream, packet + IP + UDP, sim_now(u->sim));
	u->next_at = time_of(u, u->stream.next);
	sim_send(u->sim, &u->config.via, u->config.direction, packet, len);
}

struct model_udp *model_udp_new(struct sim *s, const struct model_udp_config *config)
{
	static const struct sim_model ops = { .take = udp_take, .due = udp_due, .tick = udp_tick };
	struct model_udp *u = calloc(1, sizeof(*u));

	must_have(u);
	must(config->rate != 0 && config->len >= MODEL_UDP_MIN && config->len <= MODEL_UDP_MAX,
	     "a UDP flow without a rate, or of packets that it cannot write");
	u->sim = s;
	u->config = *config;
	u->began_at = u->next_at = sim_now(s);
	u->port = (uint16_t)(UDP_PORT + sim_attach(s, &ops, u));
	stream_init(&u->stream, WINDOW);
	return u;
}

void model_udp_free(struct model_udp *u)
{
	if (u == NULL)
		return;
	sim_detach(u->sim, u);
	stream_done(&u->stream);
	free(u);
}

void model_udp_stop(struct model_udp *u)
{
	u->next_at = NSEC_NEVER;
}

struct stream_stats model_udp_stats(const struct model_udp *u)
{
	return u->stream.stats;
}

struct samples *model_udp_latency(struct model_udp *u)
{
	return &u->stream.latency;
}
