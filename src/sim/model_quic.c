/* model_quic: see model_quic.h. */
#include "sim/model_quic.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/path/ack.h"
#include "sim/must.h"
#include "sim/quic_sender.h"
#include "sim/segment.h"

#define PORT		443
#define FIRST_PORT	50000
#define PROTO_UDP	17
#define IP		20
#define UDP		8
#define HEADERS		(IP + UDP + 13 + 8 + 16)	/* short header, STREAM frame, tag */
#define PACKET_MAX	1500
#define ACK_DELAY	MSEC(25)
#define ACK_EVERY	2
#define ACK_FIXED	(IP + UDP + 13 + 16 + 13)	/* without its runs */
#define AHEAD		65536u	/* chunks that may wait for the one in turn */

struct model_quic {
	struct sim *sim;
	struct model_quic_config config;
	uint16_t port;			/* of who sends */
	size_t mtu, payload;
	nsec_t began_at;
	struct quic_sender sender;
	struct samples round_trips;
	/* who receives */
	struct ack ack;
	unsigned unsaid;		/* packets without an ACK */
	nsec_t ack_at;			/* NSEC_NEVER: there are none */
	uint64_t expected;		/* number: all below have come */
	uint64_t chunk;			/* all below went to the reader */
	uint8_t *come;			/* by chunk modulo AHEAD */
	struct model_quic_stats stats;
};

static void put(struct model_quic *m, bool forward, uint8_t *packet, size_t len)
{
	enum sim_direction direction = m->config.direction;
	uint8_t src[4], dst[4];

	if (!forward)
		direction = direction == SIM_UP ? SIM_DOWN : SIM_UP;
	if (direction == SIM_UP)
		sim_addresses(&m->config.via, src, dst);
	else
		sim_addresses(&m->config.via, dst, src);
	ipv4_header(packet, len, PROTO_UDP, src, dst);
	put_be16(packet + IP, forward ? m->port : PORT);
	put_be16(packet + IP + 2, forward ? PORT : m->port);
	put_be16(packet + IP + 4, (uint16_t)(len - IP));
	sim_send(m->sim, &m->config.via, direction, packet, len);
}

/* --- the sender's end ---------------------------------------------------- */

static void send_data(void *ctx, uint64_t number, uint64_t chunk)
{
	struct model_quic *m = ctx;
	uint8_t packet[PACKET_MAX] = { 0 };

	put_le64(packet + IP + UDP, number);
	put_le64(packet + IP + UDP + 8, chunk);
	put(m, true, packet, m->mtu);
}

static void note_round_trip(void *ctx, nsec_t rtt)
{
	struct model_quic *m = ctx;

	samples_add(&m->round_trips, rtt);
}

static void take_ack(struct model_quic *m, const uint8_t *at)
{
	struct frame_run run[FRAME_ACK_RUNS];
	size_t runs = at[12];
	uint64_t last = get_le64(at);

	for (size_t i = 0; i < runs; i++) {
		const uint8_t *p = at + 13 + 8 * i;

		run[i].last = last - get_le32(p);
		run[i].first = run[i].last - get_le32(p + 4);
	}
	quic_sender_ack(&m->sender, run, runs, get_le32(at + 8) * NSEC_PER_USEC, sim_now(m->sim));
}

/* --- the receiver's end -------------------------------------------------- */

static void send_ack(struct model_quic *m)
{
	uint8_t packet[PACKET_MAX] = { 0 }, *at = packet + IP + UDP;
	const struct frame_run *run = m->ack.run;

	put_le64(at, run[0].last);
	put_le32(at + 8, (uint32_t)((sim_now(m->sim) - m->ack.largest_at) / NSEC_PER_USEC));
	at[12] = (uint8_t)m->ack.count;
	for (size_t i = 0; i < m->ack.count; i++) {
		put_le32(at + 13 + 8 * i, (uint32_t)(run[0].last - run[i].last));
		put_le32(at + 17 + 8 * i, (uint32_t)(run[i].last - run[i].first));
	}
	m->unsaid = 0;
	m->ack_at = NSEC_NEVER;
	put(m, false, packet, ACK_FIXED + 8 * m->ack.count);
}

static void count(struct model_quic *m, uint64_t bytes)
{
	nsec_t now = sim_now(m->sim);
	uint64_t second = (now - m->began_at) / NSEC_PER_SEC;

	if (bytes == 0)
		return;
	if (m->stats.last_at != 0 && now - m->stats.last_at > m->stats.longest_stall)
		m->stats.longest_stall = now - m->stats.last_at;
	m->stats.last_at = now;
	m->stats.bytes += bytes;
	m->stats.second[second < MODEL_QUIC_SECONDS ? second : MODEL_QUIC_SECONDS - 1] += bytes;
}

/* The stream in order, to its reader. */
static void take_chunk(struct model_quic *m, uint64_t chunk)
{
	uint64_t before = m->chunk;

	must(chunk < m->chunk + AHEAD, "a stream further ahead than its sender may be");
	if (chunk < m->chunk)
		return;
	m->come[chunk % AHEAD] = 1;
	while (m->come[m->chunk % AHEAD]) {
		m->come[m->chunk % AHEAD] = 0;
		m->chunk++;
	}
	count(m, (m->chunk - before) * m->payload);
}

static void take_data(struct model_quic *m, const uint8_t *at)
{
	uint64_t number = get_le64(at);
	bool in_order = number == m->expected;

	if (m->ack.count > 0 && number < m->ack.run[0].last) {
		uint64_t behind = m->ack.run[0].last - number;

		m->stats.reordered++;
		m->stats.deepest = behind > m->stats.deepest ? behind : m->stats.deepest;
	}
	ack_received(&m->ack, number, ECN_NOT_ECT, true, ACK_DELAY, sim_now(m->sim));
	m->expected = m->ack.run[0].last + 1;
	take_chunk(m, get_le64(at + 8));
	m->ack_at = nsec_min(m->ack_at, sim_now(m->sim) + ACK_DELAY);
	if (++m->unsaid >= ACK_EVERY || !in_order)
		send_ack(m);
}

/* --- both ---------------------------------------------------------------- */

static bool take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct model_quic *m = ctx;
	bool forward = direction == m->config.direction;

	if (len < IP + UDP || packet[9] != PROTO_UDP ||
	    get_be16(packet + IP) != (forward ? m->port : PORT) ||
	    get_be16(packet + IP + 2) != (forward ? PORT : m->port))
		return false;
	if (forward)
		take_data(m, packet + IP + UDP);
	else
		take_ack(m, packet + IP + UDP);
	return true;
}

static nsec_t due(const void *ctx)
{
	const struct model_quic *m = ctx;

	return nsec_min(m->ack_at, quic_sender_due(&m->sender));
}

static void tick(void *ctx)
{
	struct model_quic *m = ctx;
	nsec_t now = sim_now(m->sim);

	if (now >= m->ack_at)
		send_ack(m);
	if (now >= quic_sender_due(&m->sender))
		quic_sender_tick(&m->sender, now);
}

struct model_quic *model_quic_new(struct sim *s, const struct model_quic_config *config)
{
	static const struct sim_model ops = { .take = take, .due = due, .tick = tick };
	struct model_quic *m = calloc(1, sizeof(*m));

	must_have(m);
	m->sim = s;
	m->config = *config;
	m->mtu = config->mtu != 0 ? config->mtu : config->via.bare ? PACKET_MAX : 1420;
	must(m->mtu > HEADERS && m->mtu <= PACKET_MAX, "an MTU that no QUIC fits into");
	m->payload = m->mtu - HEADERS;
	m->port = (uint16_t)(FIRST_PORT + sim_attach(s, &ops, m));
	m->began_at = sim_now(s);
	m->ack_at = NSEC_NEVER;
	ack_init(&m->ack);
	m->come = calloc(AHEAD, 1);
	must_have(m->come);
	quic_sender_init(&m->sender, config->reno, m->began_at);
	m->sender.send = send_data;
	m->sender.sampled = note_round_trip;
	m->sender.ctx = m;
	return m;
}

void model_quic_free(struct model_quic *m)
{
	if (m == NULL)
		return;
	sim_detach(m->sim, m);
	quic_sender_done(&m->sender);
	samples_done(&m->round_trips);
	free(m->come);
	free(m);
}

void model_quic_stop(struct model_quic *m)
{
	m->sender.stopped = true;
}

struct model_quic_stats model_quic_stats(const struct model_quic *m)
{
	struct model_quic_stats stats = m->stats;

	stats.sent = m->sender.next;
	stats.lost = m->sender.lost;
	stats.spurious = m->sender.spurious;
	stats.losses = m->sender.losses;
	stats.window = m->sender.cubic.window;
	stats.srtt = m->sender.srtt;
	return stats;
}

uint64_t model_quic_bytes(const struct model_quic *m)
{
	return m->stats.bytes;
}

struct samples *model_quic_round_trips(struct model_quic *m)
{
	return &m->round_trips;
}

double model_quic_rate(const struct model_quic *m, unsigned from, unsigned to)
{
	uint64_t bytes = 0;

	for (unsigned i = from; i < to && i < MODEL_QUIC_SECONDS; i++)
		bytes += m->stats.second[i];
	return (double)bytes * 8 / 1e6 / (to - from);
}
