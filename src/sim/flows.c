/* flows: numbered UDP packets at a steady pace, and what became of them; see sim_state.h. */
#include "sim/sim_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sim/must.h"

#define SEEN		(1u << 20)
#define INNER_HEADERS	28
#define FLOW_PORT	9000

struct flow {
	bool used, running;
	unsigned client;
	enum sim_direction direction;
	size_t len;
	nsec_t interval, next_at;
	uint32_t number, newest, base;
	struct sim_flow_stats stats;
	uint8_t seen[SEEN / 8];
};

void flow_start_none(struct sim *s)
{
	s->flow = calloc(SIM_FLOWS, sizeof(*s->flow));
	must_have(s->flow);
}

static void write_inner(uint8_t *p, size_t len, const uint8_t src[4], const uint8_t dst[4],
			uint16_t port)
{
	memset(p, 0, len);
	p[0] = 0x45;
	put_be16(p + 2, (uint16_t)len);
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, src, 4);
	memcpy(p + 16, dst, 4);
	put_be16(p + 20, port);
	put_be16(p + 22, port);
	put_be16(p + 24, (uint16_t)(len - 20));
}

nsec_t flow_next_at(const struct sim *s, unsigned *ret)
{
	nsec_t at = NSEC_NEVER;

	for (unsigned i = 0; i < SIM_FLOWS; i++)
		if (s->flow[i].used && s->flow[i].running && s->flow[i].next_at < at) {
			at = s->flow[i].next_at;
			*ret = i;
		}
	return at;
}

void flow_send(struct sim *s, unsigned index)
{
	struct flow *f = &s->flow[index];
	const uint8_t server[4] = { 10, 84, 0, 1 }, client[4] = { 10, 84, 0, (uint8_t)(2 + f->client) };
	uint8_t packet[2048];
	bool up = f->direction == SIM_UP;
	int from = up ? (int)f->client : SIM_SERVER;

	write_inner(packet, f->len, up ? client : server, up ? server : client,
		    (uint16_t)(FLOW_PORT + index));
	put_le32(packet + INNER_HEADERS, f->number++);
	put_le64(packet + INNER_HEADERS + 4, s->now);
	f->stats.sent++;
	f->next_at += f->interval;
	/* an end without a buffer loses the packet, as a TUN's queue does */
	if (buf_pool_left(end_of(s, from)->pool) > 0)
		sim_tun_in(s, from, packet, f->len);
	end_take_out(s, from);
}

void flow_take(struct sim *s, const uint8_t *packet, size_t len)
{
	unsigned index = get_be16(packet + 22) - FLOW_PORT;
	struct flow *f = index < SIM_FLOWS ? &s->flow[index] : NULL;
	uint32_t number;
	nsec_t latency;

	if (f == NULL || !f->used || len < INNER_HEADERS + 12)
		return;
	number = get_le32(packet + INNER_HEADERS);
	latency = s->now - get_le64(packet + INNER_HEADERS + 4);
	sim_mix(s, number ^ s->now);
	must(number < SEEN, "a flow of more packets than are remembered");
	if (f->seen[number / 8] & 1u << number % 8) {
		f->stats.duplicates++;
		return;
	}
	f->seen[number / 8] |= (uint8_t)(1u << number % 8);
	f->stats.received++;
	if (f->stats.last_at != 0 && number < f->newest) {
		f->stats.reordered++;
		if (f->newest - number > f->stats.deepest)
			f->stats.deepest = f->newest - number;
	} else {
		f->newest = number;
	}
	if (f->stats.last_at != 0 && s->now - f->stats.last_at > f->stats.longest_gap)
		f->stats.longest_gap = s->now - f->stats.last_at;
	if (f->stats.last_at == 0)
		f->stats.first_at = s->now;
	f->stats.last_at = s->now;
	f->stats.latency_sum += latency;
	f->stats.latency_max = nsec_max(f->stats.latency_max, latency);
}

unsigned sim_flow(struct sim *s, unsigned client, enum sim_direction direction, size_t len,
		  nsec_t interval)
{
	for (unsigned i = 0; i < SIM_FLOWS; i++) {
		if (s->flow[i].used)
			continue;
		s->flow[i] = (struct flow){ .used = true, .running = true, .client = client,
					    .direction = direction, .len = len,
					    .interval = interval, .next_at = s->now };
		return i;
	}
	must_fail("too many flows", __FILE__, __LINE__);
}

void sim_flow_stop(struct sim *s, unsigned flow)
{
	s->flow[flow].running = false;
}

struct sim_flow_stats sim_flow_stats(const struct sim *s, unsigned flow)
{
	return s->flow[flow].stats;
}

void sim_flow_forget(struct sim *s, unsigned flow)
{
	s->flow[flow].stats = (struct sim_flow_stats){ 0 };
}
