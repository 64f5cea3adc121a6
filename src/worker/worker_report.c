/* worker_report: see worker_report.h. */
#include "worker/worker_report.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(((struct message_peer *)0)->name) == ENGINE_NAME, "names have one size");
static_assert(MESSAGE_PEERS == ENGINE_PEERS && MESSAGE_PREFIXES == ENGINE_PEER_PREFIXES &&
	      MESSAGE_ADDRESSES == ENGINE_ADDRESSES && MESSAGE_DNS == ENGINE_DNS &&
	      MESSAGE_PATHS == PATHS_MAX, "a message holds what the engine says");
static_assert((int)ENGINE_DROPS + (int)REPORT_COUNTS <= MESSAGE_DROPS, "the drop table is large enough");

enum { STEP_HEADER, STEP_PEER, STEP_PATHS, STEP_DROPS, STEP_END, STEP_OVER };

static const char *const count_name[REPORT_COUNTS] = {
	[REPORT_SEND_FAILED] = "send-failed",
	[REPORT_SEND_BLOCKED] = "send-blocked",
	[REPORT_SOCKET_GONE] = "socket-gone",
	[REPORT_TUN_FAILED] = "tun-failed",
	[REPORT_TUN_INVALID] = "tun-invalid",
	[REPORT_TOO_LONG] = "too-long",
	[REPORT_NO_BUFFER] = "receive-no-buffer",
	[REPORT_UNSENT] = "report-unsent",
};

static void copy_name(char to[MESSAGE_NAME], const char *from)
{
	size_t len = strnlen(from, MESSAGE_NAME - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

static_assert((int)MESSAGE_TIER_PRIMARY == (int)ENGINE_TIER_PRIMARY &&
	      (int)MESSAGE_TIER_OVERFLOW == (int)ENGINE_TIER_OVERFLOW &&
	      (int)MESSAGE_TIER_BACKUP == (int)ENGINE_TIER_BACKUP &&
	      (int)MESSAGE_TIER_NEVER == (int)ENGINE_TIER_NEVER, "tiers have the same order");

struct engine_link report_engine_link(const struct message_link *link)
{
	return (struct engine_link){
		.mtu = link->mtu,
		.weight = link->weight,
		.priority = link->priority,
		.tier = (enum engine_tier)link->tier,
		.metered = link->metered,
		.interface = link->interface,
		.max_latency_ms = link->max_latency_ms,
		.max_loss_ppm = link->max_loss_ppm,
		.rate = link->rate,
		.fixed = link->fixed,
	};
}

static struct message_link message_link(const struct engine_link *link)
{
	return (struct message_link){
		.mtu = link->mtu,
		.weight = link->weight,
		.priority = link->priority,
		.tier = (enum message_tier)link->tier,
		.max_latency_ms = link->max_latency_ms,
		.max_loss_ppm = link->max_loss_ppm,
		.rate = link->rate,
		.fixed = link->fixed,
		.metered = link->metered,
		.interface = link->interface,
	};
}

static enum message_event_type event_type(enum engine_event_type type)
{
	switch (type) {
	case ENGINE_SESSION_UP: return MESSAGE_SESSION_UP;
	case ENGINE_SESSION_DOWN: return MESSAGE_SESSION_DOWN;
	case ENGINE_PATH_UP: return MESSAGE_PATH_UP;
	case ENGINE_PATH_DOWN: return MESSAGE_PATH_DOWN;
	case ENGINE_PATH_ROAMED: return MESSAGE_PATH_ROAMED;
	}
	assert(false);
	return MESSAGE_SESSION_DOWN;
}

void report_event(const struct engine_event *event, struct message *ret)
{
	struct message_event *m = &ret->event;

	*ret = (struct message){ .type = MESSAGE_EVENT };
	m->type = event_type(event->type);
	m->peer = event->peer;
	m->path = event->path;
	m->endpoint = event->endpoint;
	memcpy(m->tunnel.address, event->config.address, sizeof(m->tunnel.address));
	m->tunnel.address_count = event->config.address_count;
	memcpy(m->tunnel.dns, event->config.dns, sizeof(m->tunnel.dns));
	m->tunnel.dns_count = event->config.dns_count;
	/* our buffers set the limit; a server of another make may offer more */
	m->tunnel.mtu = event->config.mtu < MESSAGE_MTU_MAX ? event->config.mtu : MESSAGE_MTU_MAX;
}

static enum message_path_state path_state(enum engine_path_state state)
{
	switch (state) {
	case ENGINE_PATH_VALIDATING: return MESSAGE_PATH_VALIDATING;
	case ENGINE_PATH_OK: return MESSAGE_PATH_OK;
	case ENGINE_PATH_SUSPECT: return MESSAGE_PATH_SUSPECT;
	case ENGINE_PATH_DEAD: return MESSAGE_PATH_DEAD;
	}
	assert(false);
	return MESSAGE_PATH_DEAD;
}

static void header(const struct report_walk *w, const struct report_source *from, nsec_t now,
		   struct message *ret)
{
	ret->type = MESSAGE_STATUS;
	ret->status = (struct message_status){
		.id = w->id,
		.now = now,
		.role = from->role,
		.peer_count = (uint16_t)engine_peer_count(from->engine),
		.pool = from->pool,
		.pool_left = from->pool_left,
		.gro = from->udp.gro,
		.sockets = from->udp.sockets,
		.segmenting = from->udp.segmenting,
		.tx_datagrams = from->udp.tx_datagrams,
		.tx_messages = from->udp.tx_messages,
		.rx_datagrams = from->udp.rx_datagrams,
		.rx_messages = from->udp.rx_messages,
		.threads = (uint8_t)from->threads,
	};
}

static void peer(const struct report_walk *w, const struct report_source *from, nsec_t now,
		 struct message *ret)
{
	struct message_status_peer *m = &ret->status_peer;
	struct engine_peer_status s;

	engine_peer_status(from->engine, w->peer, now, &s);
	ret->type = MESSAGE_STATUS_PEER;
	m->id = w->id;
	m->peer = (uint16_t)w->peer;
	copy_name(m->name, s.name);
	memcpy(m->public_key, s.public_key, sizeof(m->public_key));
	m->session = s.session;
	m->handshaking = s.handshaking;
	m->session_since = s.session_since;
	m->handshake_at = s.handshake_at;
	copy_name(m->strategy, s.strategy);
	memcpy(m->address, s.address, sizeof(m->address));
	m->address_count = s.address_count;
	m->tx_packets = s.tx_packets;
	m->tx_bytes = s.tx_bytes;
	m->rx_packets = s.rx_packets;
	m->rx_bytes = s.rx_bytes;
	m->held = s.held;
	m->holes = s.holes;
}

static void path(const struct engine_path_status *s, const struct report_source *from, struct message *ret)
{
	const struct report_socket *socket = &from->socket[s->endpoint.socket];
	struct message_status_path *m = &ret->status_path;

	ret->type = MESSAGE_STATUS_PATH;
	m->path = s->id;
	copy_name(m->link, socket->link);
	m->endpoint = s->endpoint;
	if (m->endpoint.local.family == ADDR_NONE)
		m->endpoint.local = socket->local;
	m->state = path_state(s->state);
	m->state_since = s->state_since;
	m->preferences = message_link(&s->link);
	m->srtt = s->srtt;
	m->rttvar = s->rttvar;
	m->min_rtt = s->min_rtt;
	m->latest_rtt = s->latest_rtt;
	m->loss_ppm = s->loss_ppm;
	m->tx_packets = s->tx_packets;
	m->tx_bytes = s->tx_bytes;
	m->rx_packets = s->rx_packets;
	m->rx_bytes = s->rx_bytes;
	m->lost_packets = s->lost_packets;
	m->tx_rate = s->tx_rate;
	m->rx_rate = s->rx_rate;
	m->in_flight = s->in_flight;
	m->mtu = s->mtu;
	m->eligible = s->eligible;
	m->unfit = s->unfit;
	m->ecn = (enum message_ecn)s->ecn;	/* the same, in the same order */
	m->marked = s->marked;
}

/* The client's, which has one peer. */
bool report_socket(const struct report_source *from, unsigned socket, nsec_t now, struct message *ret)
{
	struct engine_path_status row[PATHS_MAX];
	size_t count = engine_path_status(from->engine, 0, now, row, PATHS_MAX);

	for (size_t i = 0; i < count; i++)
		if (row[i].endpoint.socket == socket) {
			memset(ret, 0, sizeof(*ret));
			path(&row[i], from, ret);
			return true;
		}
	return false;
}

static void add_drop(struct message_status_drops *m, const char *name, uint64_t count)
{
	copy_name(m->drop[m->drop_count].name, name);
	m->drop[m->drop_count++].count = count;
}

static void drops(const struct report_walk *w, const struct report_source *from, struct message *ret)
{
	struct message_status_drops *m = &ret->status_drops;
	uint64_t count[ENGINE_DROPS];

	ret->type = MESSAGE_STATUS_DROPS;
	m->id = w->id;
	engine_drops(from->engine, count);
	for (unsigned i = 0; i < ENGINE_DROPS; i++)
		add_drop(m, engine_drop_name((enum engine_drop)i), count[i]);
	for (unsigned i = 0; i < REPORT_COUNTS; i++)
		add_drop(m, count_name[i], from->count[i]);
}

void report_begin(struct report_walk *w, uint32_t id)
{
	*w = (struct report_walk){ .active = true, .id = id };
}

/* The step behind what has just been given. */
static void advance(struct report_walk *w, const struct engine *engine, nsec_t now)
{
	if (w->step == STEP_PEER) {
		w->paths = engine_path_status(engine, w->peer, now, w->row, PATHS_MAX);
		w->path = 0;
		w->step = STEP_PATHS;
	} else if (w->step == STEP_PATHS) {
		w->path++;
	} else {
		w->step++;
	}
	if (w->step == STEP_PATHS && w->path == w->paths) {
		w->peer++;
		w->step = STEP_PEER;
	}
	if (w->step == STEP_PEER && w->peer == engine_peer_count(engine))
		w->step = STEP_DROPS;
}

bool report_next(struct report_walk *w, const struct report_source *from, nsec_t now,
		 struct message *ret)
{
	if (!w->active)
		return false;
	memset(ret, 0, sizeof(*ret));
	switch (w->step) {
	case STEP_HEADER: header(w, from, now, ret); break;
	case STEP_PEER: peer(w, from, now, ret); break;
	case STEP_PATHS:
		path(&w->row[w->path], from, ret);
		ret->status_path.id = w->id;
		ret->status_path.peer = (uint16_t)w->peer;
		break;
	case STEP_DROPS: drops(w, from, ret); break;
	case STEP_END:
		ret->type = MESSAGE_STATUS_END;
		ret->status_end.id = w->id;
		break;
	default:
		w->active = false;
		return false;
	}
	advance(w, from->engine, now);
	return true;
}
