/* model_tcp: see model_tcp.h. */
#include "sim/model_tcp.h"

#include <stdlib.h>

#include "sim/must.h"
#include "sim/segment.h"
#include "sim/tcp_receiver.h"
#include "sim/tcp_sender.h"

#define PORT		5201
#define FIRST_PORT	40000
#define HEADERS		40
#define TIMES		12
#define BEGIN		1u	/* the first byte's number; the SYN's is 0 */
#define SYN_RETRY	SEC(1)

struct model_tcp {
	struct sim *sim;
	struct model_tcp_config config;
	nsec_t began_at, ends_at;
	uint16_t port;			/* of who opens it */
	size_t payload;
	/* who sends the data */
	bool open;
	nsec_t syn_at, syn_sent_at;	/* when to send one (again); when it was sent */
	struct tcp_sender sender;
	uint32_t receiver_time;		/* the peer's last timestamp */
	uint64_t right;
	/* who receives it */
	bool accepted;
	struct tcp_receiver receiver;
	uint32_t sender_time;
	struct samples round_trips;
	struct model_tcp_stats stats;
};

static enum sim_direction back(const struct model_tcp *m)
{
	return m->config.direction == SIM_UP ? SIM_DOWN : SIM_UP;
}

static uint32_t milliseconds(const struct model_tcp *m)
{
	return (uint32_t)(sim_now(m->sim) / MSEC(1));
}

static void put(struct model_tcp *m, enum sim_direction direction, struct segment *seg)
{
	uint8_t packet[SEGMENT_MAX];
	bool forward = direction == m->config.direction;

	if (direction == SIM_UP)
		sim_addresses(&m->config.via, seg->src, seg->dst);
	else
		sim_addresses(&m->config.via, seg->dst, seg->src);
	seg->src_port = forward ? m->port : PORT;
	seg->dst_port = forward ? PORT : m->port;
	seg->has_times = !m->config.no_times;
	seg->time = milliseconds(m);
	seg->echo = forward ? m->receiver_time : m->sender_time;
	sim_send(m->sim, &m->config.via, direction, packet, segment_write(seg, packet));
}

/* --- the sender's end ---------------------------------------------------- */

static void send_syn(struct model_tcp *m)
{
	struct segment seg = { .syn = true, .window = UINT16_MAX };

	m->syn_sent_at = sim_now(m->sim);
	m->syn_at = m->syn_sent_at + SYN_RETRY;
	put(m, m->config.direction, &seg);
}

static void send_data(void *ctx, uint64_t segment)
{
	struct model_tcp *m = ctx;
	struct segment seg = { .seq = BEGIN + (uint32_t)(segment * m->payload), .ack = BEGIN,
			       .has_ack = true, .window = UINT16_MAX, .payload = m->payload };

	put(m, m->config.direction, &seg);
}

static void note_round_trip(void *ctx, nsec_t rtt)
{
	struct model_tcp *m = ctx;

	samples_add(&m->round_trips, rtt);
}

/* Segments from bytes on the wire, near to one that is known. */
static uint64_t segments(const struct model_tcp *m, uint32_t number, uint64_t near)
{
	uint64_t known = BEGIN + near * m->payload;

	return (known + (uint64_t)(int64_t)(int32_t)(number - (uint32_t)known) - BEGIN) / m->payload;
}

/* The time of an echo: 32 bits of milliseconds, not long ago. */
static nsec_t time_of(const struct model_tcp *m, uint32_t echo)
{
	return sim_now(m->sim) / MSEC(1) * MSEC(1) - MSEC(milliseconds(m) - echo);
}

static void connected(struct model_tcp *m, const struct segment *seg)
{
	nsec_t now = sim_now(m->sim);

	if (m->open)
		return;
	m->open = true;
	m->syn_at = NSEC_NEVER;
	m->stats.connected_at = now - m->began_at;
	m->receiver_time = seg->time;
	tcp_sender_start(&m->sender, now - m->syn_sent_at, seg->window / m->payload, now);
}

static void take_ack(struct model_tcp *m, const struct segment *seg)
{
	struct tcp_sender *t = &m->sender;
	struct tcp_ack ack = { .ack = segments(m, seg->ack, t->una), .has_echo = seg->has_times };

	if (seg->syn) {
		connected(m, seg);
		return;
	}
	m->receiver_time = seg->time;
	ack.right = ack.ack + ((uint64_t)seg->window << SEGMENT_SCALE) / m->payload;
	if (seg->has_times)
		ack.echo = time_of(m, seg->echo);
	for (; ack.blocks < seg->blocks; ack.blocks++) {
		ack.block[ack.blocks].from = segments(m, seg->block[ack.blocks].from, t->una);
		ack.block[ack.blocks].to = segments(m, seg->block[ack.blocks].to, t->una);
	}
	tcp_sender_ack(t, &ack, sim_now(m->sim));
	if (t->una >= t->end && m->stats.done_at == 0)
		m->stats.done_at = sim_now(m->sim) - m->began_at;
}

/* --- the receiver's end -------------------------------------------------- */

static uint16_t scaled(uint64_t window)
{
	window >>= SEGMENT_SCALE;
	return window < UINT16_MAX ? (uint16_t)window : UINT16_MAX;
}

static void send_ack(void *ctx)
{
	struct model_tcp *m = ctx;
	struct segment seg = { .has_ack = true, .seq = BEGIN };
	struct tcp_ack ack;

	tcp_receiver_tell(&m->receiver, m->config.no_times ? 4 : 3, &ack);
	seg.ack = BEGIN + (uint32_t)(ack.ack * m->payload);
	seg.window = scaled((ack.right - ack.ack) * m->payload);
	for (; seg.blocks < ack.blocks; seg.blocks++) {
		seg.block[seg.blocks].from =
			BEGIN + (uint32_t)(ack.block[seg.blocks].from * m->payload);
		seg.block[seg.blocks].to = BEGIN + (uint32_t)(ack.block[seg.blocks].to * m->payload);
	}
	put(m, back(m), &seg);
}

static void accept_syn(struct model_tcp *m, const struct segment *seg)
{
	struct segment answer = { .syn = true, .has_ack = true, .ack = BEGIN, .window = UINT16_MAX };

	m->accepted = true;
	m->sender_time = seg->time;
	put(m, back(m), &answer);
}

static void count(struct model_tcp *m, uint64_t bytes)
{
	nsec_t now = sim_now(m->sim);
	uint64_t second = (now - m->began_at) / NSEC_PER_SEC;

	if (bytes == 0)
		return;
	if (m->stats.last_at != 0 && now - m->stats.last_at > m->stats.longest_stall)
		m->stats.longest_stall = now - m->stats.last_at;
	m->stats.last_at = now;
	m->stats.bytes += bytes;
	m->stats.second[second < MODEL_TCP_SECONDS ? second : MODEL_TCP_SECONDS - 1] += bytes;
}

static void take_data(struct model_tcp *m, const struct segment *seg)
{
	struct tcp_receiver *r = &m->receiver;
	uint64_t before = r->next, segment;
	nsec_t rtt = 0;

	if (seg->syn) {
		accept_syn(m, seg);
		return;
	}
	if (!m->accepted || seg->payload == 0)
		return;
	segment = segments(m, seg->seq, r->next);
	if (seg->has_times && seg->echo != 0)
		rtt = sim_now(m->sim) - time_of(m, seg->echo);
	/* RFC 7323: what an ACK echoes is of the segment that moved the edge */
	if (seg->has_times && segment <= r->acked)
		m->sender_time = seg->time;
	tcp_receiver_take(r, segment, rtt, sim_now(m->sim));
	count(m, (r->next - before) * m->payload);
}

/* --- both ---------------------------------------------------------------- */

static bool take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct model_tcp *m = ctx;
	struct segment seg;
	bool forward = direction == m->config.direction;

	if (!segment_read(packet, len, &seg) || (forward ? seg.src_port : seg.dst_port) != m->port ||
	    (forward ? seg.dst_port : seg.src_port) != PORT)
		return false;
	if (forward)
		take_data(m, &seg);
	else
		take_ack(m, &seg);
	return true;
}

static nsec_t due(const void *ctx)
{
	const struct model_tcp *m = ctx;

	return nsec_min(nsec_min(m->syn_at, m->ends_at),
			nsec_min(tcp_sender_due(&m->sender), tcp_receiver_due(&m->receiver)));
}

static void tick(void *ctx)
{
	struct model_tcp *m = ctx;
	nsec_t now = sim_now(m->sim);

	if (now >= m->syn_at)
		send_syn(m);
	if (now >= m->ends_at) {
		m->ends_at = NSEC_NEVER;
		m->sender.end = m->sender.next;
	}
	tcp_sender_tick(&m->sender, now);
	tcp_receiver_tick(&m->receiver, now);
}

static const struct sim_model ops = { .take = take, .due = due, .tick = tick };

struct model_tcp *model_tcp_new(struct sim *s, const struct model_tcp_config *config)
{
	struct model_tcp *m = calloc(1, sizeof(*m));
	size_t mtu = config->mtu != 0 ? config->mtu : config->via.bare ? 1500 : 1420;

	must_have(m);
	m->sim = s;
	m->config = *config;
	m->port = (uint16_t)(FIRST_PORT + sim_attach(s, &ops, m));
	m->payload = mtu - HEADERS - (config->no_times ? 0 : TIMES);
	m->began_at = m->syn_at = sim_now(s) + config->after;
	m->ends_at = config->duration != 0 ? m->began_at + config->duration : NSEC_NEVER;
	tcp_sender_init(&m->sender, m->payload, !config->no_hystart);
	m->sender.send = send_data;
	m->sender.sampled = note_round_trip;
	m->sender.ctx = m;
	if (config->bytes != 0)
		m->sender.end = (config->bytes + m->payload - 1) / m->payload;
	tcp_receiver_init(&m->receiver, m->payload);
	m->receiver.reply = send_ack;
	m->receiver.ctx = m;
	return m;
}

void model_tcp_free(struct model_tcp *m)
{
	if (m == NULL)
		return;
	sim_detach(m->sim, m);
	tcp_sender_done(&m->sender);
	tcp_receiver_done(&m->receiver);
	samples_done(&m->round_trips);
	free(m);
}

struct model_tcp_stats model_tcp_stats(const struct model_tcp *m)
{
	struct model_tcp_stats stats = m->stats;
	const struct tcp_sender_stats *sender = &m->sender.stats;
	bool waits = m->stats.last_at != 0 && m->stats.done_at == 0;

	stats.sent = sender->sent;
	stats.resent = sender->resent;
	stats.recoveries = sender->recoveries;
	stats.timeouts = sender->timeouts;
	stats.undone = sender->undone;
	stats.duplicates = m->receiver.duplicates;
	stats.reordered = m->receiver.reordered;
	stats.window = m->sender.cubic.window;
	stats.threshold = m->sender.cubic.threshold;
	stats.srtt = (nsec_t)(m->sender.srtt8 / 8) * NSEC_PER_USEC;
	stats.rto = tcp_sender_rto(&m->sender);
	if (waits)
		stats.longest_stall = nsec_max(stats.longest_stall, sim_now(m->sim) - m->stats.last_at);
	return stats;
}

uint64_t model_tcp_bytes(const struct model_tcp *m)
{
	return m->stats.bytes;
}

double model_tcp_rate(const struct model_tcp *m, unsigned from, unsigned to)
{
	uint64_t bytes = 0;

	for (unsigned i = from; i < to && i < MODEL_TCP_SECONDS; i++)
		bytes += m->stats.second[i];
	return (double)bytes * 8 / 1e6 / (to - from);
}

struct samples *model_tcp_round_trips(struct model_tcp *m)
{
	return &m->round_trips;
}
