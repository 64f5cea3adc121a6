/* report: see report.h. */
#include "supervisor/report.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"

static nsec_t age_of(const struct report *r, nsec_t then)
{
	return then != 0 ? nsec_since(then, r->now) : STATUS_NEVER;
}

static void copy_name(char to[STATUS_NAME], const char *from)
{
	text_copy(to, STATUS_NAME, from);
}

static void take_peer(struct report *r, const struct message_status_peer *m)
{
	struct status_peer *p = status_add_peer(&r->status);

	if (p == NULL)
		return;
	copy_name(p->name, m->name);
	sodium_bin2base64(p->public_key, sizeof(p->public_key), m->public_key, 32,
			  sodium_base64_VARIANT_ORIGINAL);
	copy_name(p->state, m->session ? "up" : "connecting");
	copy_name(p->strategy, m->strategy);
	p->session_age = m->session ? age_of(r, m->session_since) : STATUS_NEVER;
	p->handshake_age = age_of(r, m->handshake_at);
	p->address_count = m->address_count;
	memcpy(p->address, m->address, sizeof(m->address));
	p->tx_packets = m->tx_packets;
	p->tx_bytes = m->tx_bytes;
	p->rx_packets = m->rx_packets;
	p->rx_bytes = m->rx_bytes;
	p->held = m->held;
	p->holes = m->holes;
}

static const char *ecn_name(enum message_ecn ecn)
{
	switch (ecn) {
	case MESSAGE_ECN_TESTING:	return "testing";
	case MESSAGE_ECN_CAPABLE:	return "yes";
	case MESSAGE_ECN_INCAPABLE:	return "no";
	}
	return "?";
}

static void take_path(struct report *r, const struct message_status_path *m)
{
	struct status_peer *peer;
	struct status_path *p;

	if (m->peer >= r->status.peer_count)
		return;
	peer = &r->status.peer[m->peer];
	if (peer->path_count == STATUS_PATHS)
		return;
	p = &peer->path[peer->path_count++];
	*p = (struct status_path){
		.id = m->path,
		.local = m->endpoint.local,
		.remote = m->endpoint.remote,
		.state_age = age_of(r, m->state_since),
		.srtt = m->srtt,
		.min_rtt = m->min_rtt,
		.loss_ppm = m->loss_ppm,
		.tx_packets = m->tx_packets,
		.tx_bytes = m->tx_bytes,
		.rx_packets = m->rx_packets,
		.rx_bytes = m->rx_bytes,
		.lost_packets = m->lost_packets,
		.tx_rate = m->tx_rate,
		.rx_rate = m->rx_rate,
		.in_flight = m->in_flight,
		.mtu = m->mtu,
		.eligible = m->eligible,
		.unfit = m->unfit,
		.marked = m->marked,
		.weight = m->preferences.weight,
		.priority = m->preferences.priority,
		.max_latency = MSEC(m->preferences.max_latency_ms),
		.max_loss_ppm = m->preferences.max_loss_ppm,
	};
	copy_name(p->tier, config_tier_name((enum config_tier)m->preferences.tier));
	copy_name(p->link, m->link);
	copy_name(p->state, message_path_state_name(m->state));
	copy_name(p->ecn, ecn_name(m->ecn));
}

/* In words; a socket may not, because what it sends to does not take it. */
static void take_udp(struct report *r, const struct message_status *m)
{
	struct status *s = &r->status;
	char segment[STATUS_REASON] = "";

	if (m->segmenting > 0 && m->segmenting == m->sockets)
		text_copy(segment, sizeof(segment), "segment");
	else if (m->segmenting > 0)
		snprintf(segment, sizeof(segment), "segment (on %u of %u sockets)", m->segmenting, m->sockets);
	snprintf(s->offload_udp, sizeof(s->offload_udp), "%s%s%s", segment,
		 segment[0] != '\0' && m->gro ? " " : "", m->gro ? "gro" : segment[0] != '\0' ? "" : "none");
	s->udp_tx_datagrams = m->tx_datagrams;
	s->udp_tx_messages = m->tx_messages;
	s->udp_rx_datagrams = m->rx_datagrams;
	s->udp_rx_messages = m->rx_messages;
}

static void take_drops(struct report *r, const struct message_status_drops *m)
{
	for (size_t i = 0; i < m->drop_count && r->status.drop_count < STATUS_DROPS; i++) {
		struct status_drop *d = &r->status.drop[r->status.drop_count++];

		copy_name(d->name, m->drop[i].name);
		d->count = m->drop[i].count;
	}
}

bool report_take(struct report *r, const struct message *m)
{
	if (m->type == MESSAGE_STATUS) {
		status_done(&r->status);
		r->id = m->status.id;
		r->now = m->status.now;
		r->status.pool = m->status.pool;
		r->status.pool_left = m->status.pool_left;
		take_udp(r, &m->status);
		r->status.threads = m->status.threads;
	} else if (m->type == MESSAGE_STATUS_PEER && m->status_peer.id == r->id) {
		take_peer(r, &m->status_peer);
	} else if (m->type == MESSAGE_STATUS_PATH && m->status_path.id == r->id) {
		take_path(r, &m->status_path);
	} else if (m->type == MESSAGE_STATUS_DROPS && m->status_drops.id == r->id) {
		take_drops(r, &m->status_drops);
	} else if (m->type == MESSAGE_STATUS_END && m->status_end.id == r->id) {
		for (size_t i = 0; i < r->status.peer_count; i++)
			status_share(&r->status.peer[i]);
		return true;
	}
	return false;
}

void report_done(struct report *r)
{
	status_done(&r->status);
}
