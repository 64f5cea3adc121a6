/*
 * message: see message.h.
 *
 * Each message is described once, by a function that walks its fields with a
 * codec; the codec writes or reads, and checks ranges either way.  So the two
 * directions cannot drift apart.
 */
#include "control/message.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define HEADER	4

struct codec {
	uint8_t *at, *end;
	bool writing;
	bool bad;	/* out of room, or out of range: nothing more is read or written */
};

/* The next n bytes, or NULL when they are not there. */
static uint8_t *take(struct codec *c, size_t n)
{
	uint8_t *at = c->at;

	if (c->bad || (size_t)(c->end - at) < n) {
		c->bad = true;
		return NULL;
	}
	c->at += n;
	return at;
}

static void require(struct codec *c, bool holds)
{
	if (!holds)
		c->bad = true;
}

static void bytes(struct codec *c, uint8_t *field, size_t n)
{
	uint8_t *at = take(c, n);

	if (at == NULL)
		return;
	if (c->writing)
		memcpy(at, field, n);
	else
		memcpy(field, at, n);
}

static void u8(struct codec *c, uint8_t *field)
{
	bytes(c, field, 1);
}

static void u16(struct codec *c, uint16_t *field)
{
	uint8_t *at = take(c, 2);

	if (at == NULL)
		return;
	if (c->writing)
		put_le16(at, *field);
	else
		*field = get_le16(at);
}

static void u32(struct codec *c, uint32_t *field)
{
	uint8_t *at = take(c, 4);

	if (at == NULL)
		return;
	if (c->writing)
		put_le32(at, *field);
	else
		*field = get_le32(at);
}

static void u64(struct codec *c, uint64_t *field)
{
	uint8_t *at = take(c, 8);

	if (at == NULL)
		return;
	if (c->writing)
		put_le64(at, *field);
	else
		*field = get_le64(at);
}

/* A number of at most max, in one byte: an enum, a count, a flag. */
static unsigned small(struct codec *c, size_t value, unsigned max)
{
	uint8_t byte = (uint8_t)value;

	require(c, !c->writing || value <= max);
	u8(c, &byte);
	require(c, byte <= max);
	return c->bad ? 0 : byte;
}

/* Enums differ in type, so this is a macro around the number. */
#define choice(c, field, max) ((field) = small((c), (field), (max)))

static void flag(struct codec *c, bool *field)
{
	*field = small(c, *field, 1) != 0;
}

/* An errno from 0 or 1 up, negative or positive as the field wants it. */
static void error_number(struct codec *c, int *field, int sign, uint16_t min)
{
	uint16_t n = 0;

	if (c->writing) {
		require(c, *field * sign >= min && *field * sign <= MESSAGE_ERRNO_MAX);
		n = c->bad ? 0 : (uint16_t)(*field * sign);
	}
	u16(c, &n);
	require(c, n >= min && n <= MESSAGE_ERRNO_MAX);
	if (!c->bad)
		*field = n * sign;
}

static bool is_clean_text(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

static void name(struct codec *c, char field[MESSAGE_NAME])
{
	uint8_t len = 0, *at;

	if (c->writing)
		len = (uint8_t)strnlen(field, MESSAGE_NAME);
	u8(c, &len);
	require(c, len < MESSAGE_NAME);
	at = take(c, len);
	if (at == NULL)
		return;
	if (c->writing) {
		memcpy(at, field, len);
	} else {
		memcpy(field, at, len);
		field[len] = '\0';
	}
	require(c, is_clean_text(at, len));
}

static bool is_known_family(const struct addr *a)
{
	return a->family == ADDR_NONE || a->family == ADDR_IPV4 || a->family == ADDR_IPV6;
}

/* Only the bytes that the family has are written, so nothing can hide in the others. */
static void addr(struct codec *c, struct addr *field)
{
	u8(c, &field->family);
	require(c, !c->bad && is_known_family(field));
	if (c->bad || field->family == ADDR_NONE)
		return;
	u16(c, &field->port);
	if (field->family == ADDR_IPV6)
		u32(c, &field->scope);
	bytes(c, field->ip, addr_size(field));
}

static void prefix(struct codec *c, struct prefix *field)
{
	addr(c, &field->addr);
	require(c, !c->bad && field->addr.family != ADDR_NONE && field->addr.port == 0);
	u8(c, &field->len);
	require(c, !c->bad && field->len <= 8 * addr_size(&field->addr));
}

static void prefixes(struct codec *c, struct prefix *field, size_t *count, unsigned max)
{
	*count = small(c, *count, max);
	for (size_t i = 0; i < *count && !c->bad; i++)
		prefix(c, &field[i]);
}

static void resolvers(struct codec *c, struct addr *field, size_t *count)
{
	*count = small(c, *count, MESSAGE_DNS);
	for (size_t i = 0; i < *count && !c->bad; i++) {
		addr(c, &field[i]);
		require(c, field[i].family != ADDR_NONE);
	}
}

static void socket_number(struct codec *c, uint8_t *field)
{
	u8(c, field);
	require(c, *field < ENDPOINT_SOCKETS);
}

static void peer_number(struct codec *c, uint16_t *field)
{
	u16(c, field);
	require(c, *field < MESSAGE_PEERS);
}

static void path_number(struct codec *c, uint8_t *field)
{
	u8(c, field);
	require(c, *field < MESSAGE_PATHS);
}

static void endpoint(struct codec *c, struct endpoint *field)
{
	socket_number(c, &field->socket);
	addr(c, &field->local);
	addr(c, &field->remote);
}

static void preferences(struct codec *c, struct message_link *field)
{
	u16(c, &field->mtu);
	u16(c, &field->weight);
	require(c, field->weight <= 1000);
	u8(c, &field->priority);
	choice(c, field->tier, MESSAGE_TIER_NEVER);
	u32(c, &field->max_latency_ms);
	u32(c, &field->max_loss_ppm);
	require(c, field->max_loss_ppm <= 1000000);
	u64(c, &field->rate);
	flag(c, &field->fixed);
	flag(c, &field->metered);
	u8(c, &field->interface);
	require(c, field->interface <= MESSAGE_INTERFACES);
}

static void tunnel_mtu(struct codec *c, uint16_t *field, bool may_be_none)
{
	u16(c, field);
	require(c, (may_be_none && *field == 0) ||
		   (*field >= MESSAGE_MTU_MIN && *field <= MESSAGE_MTU_MAX));
}

static void setup(struct codec *c, struct message_setup *m)
{
	choice(c, m->role, MESSAGE_SERVER);
	bytes(c, m->private_key, sizeof(m->private_key));
	name(c, m->strategy);
	u32(c, &m->copies_ppm);
	require(c, m->copies_ppm <= 1000000);
	flag(c, &m->coalesce);
	tunnel_mtu(c, &m->mtu, m->role == MESSAGE_CLIENT);
	prefixes(c, m->address, &m->address_count, MESSAGE_ADDRESSES);
	resolvers(c, m->dns, &m->dns_count);
	u32(c, &m->pool);
	require(c, m->pool >= MESSAGE_POOL_MIN && m->pool <= MESSAGE_POOL_MAX);
	u8(c, &m->log_level);
	require(c, m->log_level >= 3 && m->log_level <= 7);
	u16(c, &m->peer_count);
	require(c, m->role == MESSAGE_CLIENT ? m->peer_count == 1 : m->peer_count <= MESSAGE_PEERS);
}

static void peer(struct codec *c, struct message_peer *m)
{
	peer_number(c, &m->index);
	name(c, m->name);
	bytes(c, m->public_key, sizeof(m->public_key));
	bytes(c, m->preshared_key, sizeof(m->preshared_key));
	prefixes(c, m->prefix, &m->prefix_count, MESSAGE_PREFIXES);
	u64(c, &m->rate);
}

static void tun(struct codec *c, struct message_tun *m)
{
	flag(c, &m->header);
	flag(c, &m->tso);
	flag(c, &m->uso);
	require(c, (m->header || !m->tso) && (m->tso || !m->uso));
}

static bool is_whole_socket(const struct message_socket_add *m)
{
	if (m->kind == MESSAGE_SOCKET_LISTEN)
		return m->remote.family == ADDR_NONE;
	return m->remote.family != ADDR_NONE && m->remote.port != 0 &&
	       (m->local.family == ADDR_NONE || m->local.family == m->remote.family);
}

static void socket_add(struct codec *c, struct message_socket_add *m)
{
	socket_number(c, &m->socket);
	choice(c, m->kind, MESSAGE_SOCKET_LISTEN);
	name(c, m->link);
	addr(c, &m->local);
	addr(c, &m->remote);
	preferences(c, &m->preferences);
	require(c, is_whole_socket(m));
}

static void event(struct codec *c, struct message_event *m)
{
	choice(c, m->type, MESSAGE_PATH_ROAMED);
	peer_number(c, &m->peer);
	path_number(c, &m->path);
	endpoint(c, &m->endpoint);
	prefixes(c, m->tunnel.address, &m->tunnel.address_count, MESSAGE_ADDRESSES);
	resolvers(c, m->tunnel.dns, &m->tunnel.dns_count);
	tunnel_mtu(c, &m->tunnel.mtu, true);
}

static void socket_error(struct codec *c, struct message_socket_error *m)
{
	socket_number(c, &m->socket);
	choice(c, m->operation, MESSAGE_ON_PATH);
	error_number(c, &m->error, 1, 1);
	u32(c, &m->count);
	require(c, m->count >= 1);
	addr(c, &m->remote);
}

static void status(struct codec *c, struct message_status *m)
{
	u32(c, &m->id);
	u64(c, &m->now);
	choice(c, m->role, MESSAGE_SERVER);
	u16(c, &m->peer_count);
	require(c, m->peer_count <= MESSAGE_PEERS);
	u32(c, &m->pool);
	u32(c, &m->pool_left);
	require(c, m->pool_left <= m->pool && m->pool <= MESSAGE_POOL_MAX);
	flag(c, &m->gro);
	u8(c, &m->sockets);
	u8(c, &m->segmenting);
	require(c, m->segmenting <= m->sockets && m->sockets <= ENDPOINT_SOCKETS);
	u64(c, &m->tx_datagrams);
	u64(c, &m->tx_messages);
	u64(c, &m->rx_datagrams);
	u64(c, &m->rx_messages);
	u8(c, &m->threads);
}

static void status_peer(struct codec *c, struct message_status_peer *m)
{
	u32(c, &m->id);
	peer_number(c, &m->peer);
	name(c, m->name);
	bytes(c, m->public_key, sizeof(m->public_key));
	flag(c, &m->session);
	flag(c, &m->handshaking);
	u64(c, &m->session_since);
	u64(c, &m->handshake_at);
	name(c, m->strategy);
	prefixes(c, m->address, &m->address_count, MESSAGE_ADDRESSES);
	u64(c, &m->tx_packets);
	u64(c, &m->tx_bytes);
	u64(c, &m->rx_packets);
	u64(c, &m->rx_bytes);
	u64(c, &m->held);
	u64(c, &m->holes);
}

static void status_path(struct codec *c, struct message_status_path *m)
{
	u32(c, &m->id);
	peer_number(c, &m->peer);
	path_number(c, &m->path);
	name(c, m->link);
	endpoint(c, &m->endpoint);
	choice(c, m->state, MESSAGE_PATH_DEAD);
	u64(c, &m->state_since);
	preferences(c, &m->preferences);
	u64(c, &m->srtt);
	u64(c, &m->rttvar);
	u64(c, &m->min_rtt);
	u64(c, &m->latest_rtt);
	u32(c, &m->loss_ppm);
	require(c, m->loss_ppm <= 1000000);
	u64(c, &m->tx_packets);
	u64(c, &m->tx_bytes);
	u64(c, &m->rx_packets);
	u64(c, &m->rx_bytes);
	u64(c, &m->lost_packets);
	u64(c, &m->tx_rate);
	u64(c, &m->rx_rate);
	u64(c, &m->in_flight);
	u16(c, &m->mtu);
	flag(c, &m->eligible);
	flag(c, &m->unfit);
	choice(c, m->ecn, MESSAGE_ECN_INCAPABLE);
	u64(c, &m->marked);
}

static void status_drops(struct codec *c, struct message_status_drops *m)
{
	u32(c, &m->id);
	m->drop_count = small(c, m->drop_count, MESSAGE_DROPS);
	for (size_t i = 0; i < m->drop_count && !c->bad; i++) {
		name(c, m->drop[i].name);
		u64(c, &m->drop[i].count);
	}
}

/* False: no such type. */
static bool walk(struct codec *c, struct message *m)
{
	switch (m->type) {
	case MESSAGE_SETUP: setup(c, &m->setup); return true;
	case MESSAGE_PEER: peer(c, &m->peer); return true;
	case MESSAGE_START: return true;
	case MESSAGE_TUN: tun(c, &m->tun); return true;
	case MESSAGE_SOCKET_ADD: socket_add(c, &m->socket_add); return true;
	case MESSAGE_SOCKET_REMOVE: socket_number(c, &m->socket_remove.socket); return true;
	case MESSAGE_LINK_SET:
		socket_number(c, &m->link_set.socket);
		name(c, m->link_set.link);
		preferences(c, &m->link_set.preferences);
		return true;
	case MESSAGE_PATH_PROBE: socket_number(c, &m->path_probe.socket); return true;
	case MESSAGE_STRATEGY:
		u32(c, &m->strategy.id);
		name(c, m->strategy.name);
		return true;
	case MESSAGE_BARRIER: u32(c, &m->barrier.id); return true;
	case MESSAGE_STATUS_REQUEST: u32(c, &m->status_request.id); return true;
	case MESSAGE_STOP: return true;
	case MESSAGE_READY: return true;
	case MESSAGE_EVENT: event(c, &m->event); return true;
	case MESSAGE_SOCKET_ERROR: socket_error(c, &m->socket_error); return true;
	case MESSAGE_TUN_ERROR:
		choice(c, m->tun_error.operation, MESSAGE_ON_PATH);
		error_number(c, &m->tun_error.error, 1, 1);
		return true;
	case MESSAGE_ACK:
		u32(c, &m->ack.id);
		error_number(c, &m->ack.error, -1, 0);
		return true;
	case MESSAGE_STATUS: status(c, &m->status); return true;
	case MESSAGE_STATUS_PEER: status_peer(c, &m->status_peer); return true;
	case MESSAGE_STATUS_PATH: status_path(c, &m->status_path); return true;
	case MESSAGE_STATUS_DROPS: status_drops(c, &m->status_drops); return true;
	case MESSAGE_STATUS_END: u32(c, &m->status_end.id); return true;
	}
	return false;
}

bool message_is_from_supervisor(enum message_type type)
{
	return type < MESSAGE_READY;
}

unsigned message_fds(enum message_type type)
{
	return type == MESSAGE_TUN || type == MESSAGE_SOCKET_ADD ? 1 : 0;
}

int message_encode(const struct message *m, uint8_t buf[MESSAGE_MAX])
{
	struct codec c = { .at = buf + HEADER, .end = buf + MESSAGE_MAX, .writing = true };
	struct message copy = *m;	/* walking assigns to fields, if only what they had */
	bool whole = walk(&c, &copy) && !c.bad;
	size_t len = (size_t)(c.at - buf);

	message_wipe(&copy, sizeof(copy));
	if (!whole) {
		message_wipe(buf, MESSAGE_MAX);
		return -EINVAL;
	}
	buf[0] = (uint8_t)m->type;
	buf[1] = 0;
	put_le16(buf + 2, (uint16_t)len);
	return (int)len;
}

int message_decode(const uint8_t *data, size_t len, struct message *ret)
{
	struct codec c;

	memset(ret, 0, sizeof(*ret));
	if (len < HEADER || len > MESSAGE_MAX || data[1] != 0 || get_le16(data + 2) != len)
		return -EPROTO;
	/* a codec that reads changes no byte */
	c = (struct codec){ .at = (uint8_t *)(uintptr_t)data + HEADER,
			    .end = (uint8_t *)(uintptr_t)data + len };
	ret->type = data[0];
	if (!walk(&c, ret) || c.bad || c.at != c.end) {
		message_wipe(ret, sizeof(*ret));
		return -EPROTO;
	}
	return 0;
}

void message_wipe(void *at, size_t len)
{
	explicit_bzero(at, len);
}

const char *message_path_state_name(enum message_path_state state)
{
	switch (state) {
	case MESSAGE_PATH_VALIDATING: return "validating";
	case MESSAGE_PATH_OK: return "up";
	case MESSAGE_PATH_SUSPECT: return "suspect";
	case MESSAGE_PATH_DEAD: return "down";
	}
	return "?";
}
