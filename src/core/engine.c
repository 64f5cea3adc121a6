/*
 * engine: see engine.h.  Finds the peer a packet belongs to and passes it on;
 * what is done to one peer is in peer.c and the files around it.
 */
#include "core/engine.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/backlog.h"
#include "core/datagram.h"
#include "core/negotiate.h"
#include "core/packet.h"
#include "core/peer.h"
#include "core/receive.h"
#include "core/share.h"
#include "core/transmit.h"

#define MTU_MIN		1280
#define MTU_MAX		1900

struct engine {
	struct context ctx;
	nsec_t deadline[ENGINE_PEERS];	/* of each peer that is not touched */
	size_t peer_count;
	struct peer peer[];
};

/* --- what the responder asks -------------------------------------------- */

static bool find_peer(void *ctx, const uint8_t public_key[32], struct responder_peer *ret)
{
	struct engine *e = ctx;

	for (size_t i = 0; i < e->peer_count; i++) {
		struct peer *p = &e->peer[i];

		if (memcmp(p->config.public_key, public_key, 32) != 0)
			continue;
		ret->peer = p;
		memcpy(ret->psk, p->config.preshared_key, 32);
		ret->live = p->session.current != NULL;
		ret->config = p->handed;
		return true;
	}
	return false;
}

static uint32_t new_index(void *ctx)
{
	struct engine *e = ctx;

	/* whose it is becomes known when the keys are set; a full table gives 0: no answer */
	return key_table_reserve(&e->ctx.keys, &e->ctx.random, e);
}

static const struct responder_ops responder_ops = {
	.find = find_peer,
	.ticket_valid = negotiate_ticket_valid,
	.new_index = new_index,
};

/* --- memory ------------------------------------------------------------- */

size_t engine_bufs(size_t peers)
{
	size_t most = ENGINE_STOCK / sizeof(struct buf) + 1, wanted = peers * ENGINE_BUFS_PEER;

	return ENGINE_BUFS_RESERVE + (wanted < most ? wanted : most);
}

/* --- life --------------------------------------------------------------- */

static bool config_is_valid(const struct engine_config *c)
{
	if (c->hands.count > HANDS_MAX)
		return false;
	if (c->copies_ppm > COPIES_ALL && c->copies_ppm != ENGINE_NO_COPIES)
		return false;
	if (c->peer_count < (c->role == ENGINE_CLIENT ? 1 : 0) || c->peer_count > ENGINE_PEERS)
		return false;
	if (c->role == ENGINE_CLIENT)
		return c->peer_count == 1;
	return c->mtu >= MTU_MIN && c->mtu <= MTU_MAX && c->address_count <= ENGINE_ADDRESSES &&
	       c->dns_count <= ENGINE_DNS;
}

static uint32_t copies_of(const struct engine_config *c)
{
	if (c->copies_ppm == ENGINE_NO_COPIES)
		return 0;
	return c->copies_ppm != 0 ? c->copies_ppm : COPIES_USUAL;
}

/* The length of the tunnel's own prefix around an address: a client then knows its neighbours. */
static uint8_t tunnel_prefix_len(const struct engine_config *config, const struct prefix *p)
{
	for (size_t i = 0; i < config->address_count; i++)
		if (prefix_holds(&config->address[i], &p->addr))
			return config->address[i].len;
	return p->len;
}

/* What a server hands to this peer: the first address of each family, MTU, DNS. */
static void prepare_handed(const struct engine_config *config, struct peer *p)
{
	struct handshake_config *h = &p->handed;
	bool has4 = false, has6 = false;

	h->mtu = config->mtu;
	h->dns_count = config->dns_count;
	memcpy(h->dns, config->dns, sizeof(h->dns));
	for (size_t i = 0; i < p->config.prefix_count; i++) {
		const struct prefix *from = &p->config.prefix[i];
		bool *has = from->addr.family == ADDR_IPV4 ? &has4 : &has6;

		if (*has)
			continue;
		*has = true;
		h->address[h->address_count].addr = from->addr;
		h->address[h->address_count++].len = tunnel_prefix_len(config, from);
	}
}

static bool add_routes(struct engine *e, const struct peer *p)
{
	for (size_t i = 0; i < p->config.prefix_count; i++)
		if (!route_add(e->ctx.routes, &p->config.prefix[i], p->index))
			return false;
	return true;
}

static bool prepare_server(struct engine *e, const struct engine_config *config, nsec_t now)
{
	e->ctx.responder = responder_new(config->private_key, e->ctx.suite.offered, &e->ctx.random,
					 &responder_ops, e, now);
	e->ctx.routes = route_table_new(ENGINE_PEERS * ENGINE_PEER_PREFIXES);
	if (e->ctx.responder == NULL || e->ctx.routes == NULL)
		return false;
	for (size_t i = 0; i < e->peer_count; i++) {
		prepare_handed(config, &e->peer[i]);
		if (!add_routes(e, &e->peer[i]))
			return false;
	}
	return true;
}

static bool prepare_client(struct engine *e, const struct engine_config *config)
{
	struct peer *p = &e->peer[0];

	p->initiator = aligned_alloc(64, (sizeof(*p->initiator) + 63) / 64 * 64);
	if (p->initiator == NULL)
		return false;
	initiator_init(p->initiator, config->private_key, p->config.public_key,
		       p->config.preshared_key, e->ctx.suite.offered, &e->ctx.random);
	p->initiator->checksums = !config->own_checksums;
	return true;
}

struct engine *engine_new(const struct engine_config *config, nsec_t now)
{
	const struct strategy_ops *strategy = strategy_find(config->strategy);
	size_t size = sizeof(struct engine) + config->peer_count * sizeof(struct peer);
	struct engine *e;
	bool good = true;

	if (strategy == NULL || !config_is_valid(config))
		return NULL;
	e = aligned_alloc(64, (size + 63) / 64 * 64);
	if (e == NULL)
		return NULL;
	memset(e, 0, size);
	e->ctx.role = config->role;
	e->ctx.alone = config->alone;
	e->ctx.random = config->random;
	e->ctx.hands = config->hands;
	e->ctx.pool = config->pool;
	if (config->suite != NULL)
		e->ctx.suite = *config->suite;
	else
		suite_plain(&e->ctx.suite);
	e->ctx.peers = e->peer;
	stock_init(&e->ctx.stock, buf_pool_size(config->pool));
	random_fill(&config->random, e->ctx.flow_key, sizeof(e->ctx.flow_key));
	for (size_t i = 0; i < config->peer_count && good; i++) {
		good = config->peer[i].prefix_count <= ENGINE_PEER_PREFIXES &&
		       peer_init(&e->peer[i], &e->ctx, (uint16_t)i, &config->peer[i], strategy);
		copies_set_share(&e->peer[i].copies, copies_of(config));
		e->peer_count++;
		peer_touch(&e->peer[i]);
	}
	good = good && (config->role == ENGINE_SERVER ? prepare_server(e, config, now)
						      : prepare_client(e, config));
	if (!good) {
		engine_free(e);
		return NULL;
	}
	return e;
}

void engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	outbox_clear(&e->ctx.outbox);
	buf_queue_clear(&e->ctx.tun);
	for (size_t i = 0; i < e->peer_count; i++)
		peer_done(&e->peer[i]);
	responder_free(e->ctx.responder);
	route_table_free(e->ctx.routes);
	sodium_memzero(&e->ctx, sizeof(e->ctx));
	free(e);
}

void engine_close(struct engine *e, nsec_t now)
{
	(void)now;
	for (size_t i = 0; i < e->peer_count; i++) {
		e->peer[i].leaves = true;
		peer_touch(&e->peer[i]);
	}
}

/* --- a client's paths --------------------------------------------------- */

/* An id that no path has: one never used, else the one whose path closed longest ago. */
static int free_id(const struct peer *p)
{
	int best = -1;

	for (int i = 0; i < PATHS_MAX; i++) {
		if (p->path[i] == NULL)
			return i;
		if (!p->path[i]->open && (best < 0 || p->path[i]->heard_at < p->path[best]->heard_at))
			best = i;
	}
	return best;
}

int engine_path_add(struct engine *e, const struct endpoint *to, const struct engine_link *link,
		    nsec_t now)
{
	struct peer *p = &e->peer[0];
	struct path *path;
	uint8_t random[8];
	int id;

	if (e->ctx.role != ENGINE_CLIENT)
		return -EINVAL;
	if (peer_path_of_socket(p, to->socket) != NULL)
		return -EEXIST;
	id = free_id(p);
	if (id < 0)
		return -ENOSPC;
	path = peer_path(p, (unsigned)id);
	if (path == NULL)
		return -ENOMEM;
	random_fill(&e->ctx.random, random, sizeof(random));
	path_open(path, to, link, true, random, now);
	peer_tell_link(p, (unsigned)id);
	negotiate_join(p, path, now);
	peer_wake(p);
	return 0;
}

void engine_path_remove(struct engine *e, unsigned socket, nsec_t now)
{
	struct peer *p = &e->peer[0];
	struct path *path = e->ctx.role == ENGINE_CLIENT ? peer_path_of_socket(p, socket) : NULL;

	if (path == NULL)
		return;
	peer_close_path(p, path, now);
	peer_tell_link(p, path->id);
	peer_wake(p);
}

void engine_path_set_link(struct engine *e, unsigned socket, const struct engine_link *link,
			  nsec_t now)
{
	struct peer *p = &e->peer[0];
	struct path *path = e->ctx.role == ENGINE_CLIENT ? peer_path_of_socket(p, socket) : NULL;

	if (path == NULL)
		return;
	path_set_link(path, link, now);
	peer_tell_link(p, path->id);
	peer_wake(p);
}

void engine_path_probe(struct engine *e, unsigned socket, nsec_t now)
{
	struct peer *p = &e->peer[0];
	struct path *path = e->ctx.role == ENGINE_CLIENT ? peer_path_of_socket(p, socket) : NULL;

	(void)now;
	if (path == NULL)
		return;
	path->probe_now = true;
	peer_wake(p);
}

int engine_set_strategy(struct engine *e, const char *name, nsec_t now)
{
	const struct strategy_ops *strategy = strategy_find(name);

	(void)now;
	if (strategy == NULL)
		return -ENOENT;
	for (size_t i = 0; i < e->peer_count; i++) {
		if (e->peer[i].strategy_followed)
			continue;
		peer_set_strategy(&e->peer[i], strategy);
		peer_wake(&e->peer[i]);
	}
	return 0;
}

/* --- in ----------------------------------------------------------------- */

static struct peer *peer_for(struct engine *e, const struct addr *dst)
{
	int index;

	if (e->ctx.role == ENGINE_CLIENT)
		return &e->peer[0];
	index = route_find(e->ctx.routes, dst);
	return index != ROUTE_NONE ? &e->peer[index] : NULL;
}

void engine_tun_in(struct engine *e, struct buf *packet, nsec_t now)
{
	struct inner inner;
	struct peer *p;

	if (!inner_read(packet->data, packet->len, e->ctx.flow_key, &inner)) {
		e->ctx.drops[DROP_INNER_INVALID]++;
		buf_put(packet);
		return;
	}
	p = peer_for(e, &inner.dst);
	if (p == NULL) {
		e->ctx.drops[DROP_NO_ROUTE]++;
		buf_put(packet);
		return;
	}
	transmit_inner(p, packet, &inner, now);
	peer_touch(p);
}

static void net_in(struct engine *e, const struct endpoint *from, struct buf *datagram,
		   const struct receive_opened *opened, nsec_t now)
{
	struct peer *client = e->ctx.role == ENGINE_CLIENT ? &e->peer[0] : NULL;
	struct peer *p;

	if (!packet_is_data(datagram->data, datagram->len)) {
		negotiate_input(&e->ctx, client, from, datagram, now);
		if (client != NULL)
			peer_wake(client);
		return;
	}
	p = receive_datagram(&e->ctx, from, datagram, opened, now);
	if (p != NULL)
		peer_wake(p);
}

void engine_net_in(struct engine *e, const struct endpoint *from, struct buf *datagram, nsec_t now)
{
	net_in(e, from, datagram, NULL, now);
}

void engine_net_in_all(struct engine *e, const struct engine_arrival *arrival, size_t count, nsec_t now)
{
	struct receive_opened opened[RECEIVE_BATCH];
	size_t n;

	for (; count > 0; count -= n, arrival += n) {
		bool ahead;

		n = count < RECEIVE_BATCH ? count : RECEIVE_BATCH;
		ahead = e->ctx.hands.count > 1 && receive_ahead(&e->ctx, arrival, n, opened);
		for (size_t i = 0; i < n; i++)
			net_in(e, &arrival[i].from, arrival[i].datagram, ahead ? &opened[i] : NULL, now);
	}
}

/* Port 0 is any: the kernel does not say it of what it did not send itself. */
static bool leads_to(const struct path *path, const struct endpoint *to)
{
	const struct endpoint *end = &path->endpoint;

	return path->open && end->socket == to->socket && addr_same_host(&end->remote, &to->remote) &&
	       (to->remote.port == 0 || to->remote.port == end->remote.port);
}

void engine_too_big(struct engine *e, const struct endpoint *to, unsigned mtu, nsec_t now)
{
	for (size_t i = 0; i < e->peer_count; i++) {
		struct peer *p = &e->peer[i];

		for (path_set left = p->known; left != 0; left = path_rest(left)) {
			struct path *path = p->path[path_first(left)];

			if (!leads_to(path, to))
				continue;
			pmtu_too_big(&path->pmtu, mtu, now);
			peer_touch(p);
		}
	}
}

/* --- time --------------------------------------------------------------- */

static void settle_peer(struct peer *p, nsec_t now)
{
	bool tick = p->unticked;

	p->unsettled = p->unticked = false;
	p->ctx->unsettled--;
	if (p->leaves)
		datagram_close(p, now);
	p->leaves = false;
	if (tick)
		peer_tick(p, now);
	transmit_settle(p, now);
	backlog_check(p, now);
	share_settle(p, now);
}

/*
 * What came is answered once for all of a batch, when its end shows: somebody
 * takes out what there is.  Many together may have more to say than the outbox
 * holds: who finds no room has his turn when it is empty.
 */
static void settle(struct engine *e, nsec_t now)
{
	struct peer *p = e->ctx.touched;

	while (e->ctx.unsettled > 0 && outbox_takes_more(&e->ctx.outbox)) {
		if (p->unsettled)
			settle_peer(p, now);
		/* others may have been touched meanwhile: they stand in front */
		p = p->next_touched != NULL ? p->next_touched : e->ctx.touched;
	}
}

/* Deadlines are read again only of peers that something happened to. */
static void read_deadlines(struct engine *e, nsec_t now)
{
	struct peer *p, *waiting = NULL;

	while ((p = e->ctx.touched) != NULL) {
		e->ctx.touched = p->next_touched;
		e->deadline[p->index] = p->unsettled ? now : peer_deadline(p, now);
		p->is_touched = p->unsettled;
		if (p->unsettled) {
			p->next_touched = waiting;
			waiting = p;
		}
	}
	e->ctx.touched = waiting;
}

void engine_tick(struct engine *e, nsec_t now)
{
	settle(e, now);
	read_deadlines(e, now);
	for (size_t i = 0; i < e->peer_count; i++)
		if (now >= e->deadline[i])
			peer_wake(&e->peer[i]);
	settle(e, now);
}

nsec_t engine_deadline(struct engine *e, nsec_t now)
{
	nsec_t at = NSEC_NEVER;

	settle(e, now);
	read_deadlines(e, now);
	for (size_t i = 0; i < e->peer_count; i++)
		at = nsec_min(at, e->deadline[i]);
	return at;
}

/* --- out ---------------------------------------------------------------- */

struct buf *engine_net_out(struct engine *e, nsec_t now, struct endpoint *ret_to)
{
	settle(e, now);
	outbox_seal(&e->ctx.outbox, &e->ctx.hands);
	return outbox_pop(&e->ctx.outbox, ret_to);
}

struct buf *engine_tun_out(struct engine *e, nsec_t now)
{
	settle(e, now);
	return buf_queue_pop(&e->ctx.tun);
}

bool engine_event_out(struct engine *e, struct engine_event *ret)
{
	return events_pop(&e->ctx.events, ret);
}

/* --- observation -------------------------------------------------------- */

const char *engine_drop_name(enum engine_drop drop)
{
	static const char *const name[ENGINE_DROPS] = {
		[DROP_MALFORMED] = "malformed",
		[DROP_NO_KEY] = "no-key",
		[DROP_AUTH] = "not-authentic",
		[DROP_REPLAY] = "replay",
		[DROP_HANDSHAKE] = "handshake",
		[DROP_INNER_INVALID] = "inner-invalid",
		[DROP_INNER_SOURCE] = "inner-source",
		[DROP_NO_ROUTE] = "no-route",
		[DROP_NO_SESSION] = "no-session",
		[DROP_NO_PATH] = "no-path",
		[DROP_TOO_BIG] = "too-big",
		[DROP_FRAGMENT] = "fragment",
		[DROP_QUEUE_FULL] = "queue-full",
		[DROP_CONGESTION] = "congestion",
		[DROP_NO_BUFFER] = "no-buffer",
		[DROP_DUPLICATE] = "duplicate",
		[DROP_LATE] = "late",
		[DROP_NO_CONTEXT] = "no-context",
		[DROP_UNVALIDATED] = "unvalidated",
	};

	return name[drop];
}

void engine_drops(const struct engine *e, uint64_t ret[ENGINE_DROPS])
{
	memcpy(ret, e->ctx.drops, sizeof(e->ctx.drops));
	for (size_t i = 0; i < e->peer_count; i++) {
		struct reassembly_stats pieces = reassembly_stats(e->peer[i].pieces);

		ret[DROP_FRAGMENT] += pieces.forgotten;
		ret[DROP_NO_BUFFER] += pieces.no_buffer;
	}
}

const char *engine_path_state_name(enum engine_path_state state)
{
	switch (state) {
	case ENGINE_PATH_VALIDATING:	return "validating";
	case ENGINE_PATH_OK:		return "up";
	case ENGINE_PATH_SUSPECT:	return "suspect";
	case ENGINE_PATH_DEAD:		return "down";
	}
	return "?";
}

size_t engine_peer_count(const struct engine *e)
{
	return e->peer_count;
}

void engine_peer_status(const struct engine *e, size_t peer, nsec_t now,
			struct engine_peer_status *ret)
{
	const struct peer *p = &e->peer[peer];
	struct resequencer_stats order = resequencer_stats(p->order);

	*ret = (struct engine_peer_status){
		.session = peer_may_send(p, now) && p->up,
		.handshaking = p->initiator != NULL && initiator_is_active(p->initiator),
		.session_since = p->up_since,
		.handshake_at = p->handshake_at,
		.tx_packets = p->tx_packets,
		.tx_bytes = p->tx_bytes,
		.rx_packets = p->rx_packets,
		.rx_bytes = p->rx_bytes,
		.held = order.held,
		.holes = order.holes,
		.queued = fq_codel_stats(p->queue).bytes,
		.repaired = repair_stats(p->repair).resent,
		.address_count = p->handed.address_count,
	};
	memcpy(ret->name, p->config.name, sizeof(ret->name));
	memcpy(ret->public_key, p->config.public_key, 32);
	memcpy(ret->address, p->handed.address, sizeof(ret->address));
	strncpy(ret->strategy, p->strategy->name, sizeof(ret->strategy) - 1);
}

static enum engine_ecn ecn_of(const struct path *path)
{
	switch (path->marking.state) {
	case MARKING_TESTING:	return ENGINE_ECN_TESTING;
	case MARKING_GOOD:	return ENGINE_ECN_CAPABLE;
	case MARKING_BAD:	return ENGINE_ECN_INCAPABLE;
	}
	return ENGINE_ECN_TESTING;
}

static struct engine_path_status status_of(const struct peer *p, const struct path *path, nsec_t now)
{
	return (struct engine_path_status){
		.id = path->id,
		.endpoint = path->endpoint,
		.state = path->state,
		.state_since = path->state_since,
		.link = path->link,
		.srtt = path->rtt.srtt,
		.rttvar = path->rtt.var,
		.min_rtt = path->rtt.min,
		.latest_rtt = path->rtt.latest,
		.loss_ppm = path->loss.loss_ppm,
		.tx_packets = path->tx_packets,
		.tx_bytes = path->tx_bytes,
		.rx_packets = path->rx_packets,
		.rx_bytes = path->rx_bytes,
		.lost_packets = path->loss.lost - path->loss.spurious,
		.tx_rate = meter_rate(&path->tx_meter, now),
		.rx_rate = meter_rate(&path->rx_meter, now),
		.in_flight = path->loss.in_flight,
		.capacity = path->congestion->rate(path->congestion_state),
		.eligible = peer_carries(p, path),
		.unfit = path->fitness.unfit,
		.ecn = ecn_of(path),
		.marked = path->marking.told,
		.mtu = path->pmtu.size,
	};
}

size_t engine_path_status(const struct engine *e, size_t peer, nsec_t now,
			  struct engine_path_status *ret, size_t max)
{
	const struct peer *p = &e->peer[peer];
	size_t n = 0;

	for (unsigned i = 0; i < PATHS_MAX && n < max; i++)
		if (p->path[i] != NULL && p->path[i]->open)
			ret[n++] = status_of(p, p->path[i], now);
	return n;
}
