/* town: see town.h. */
#include "town.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "inner_packet.h"
#include "sim/dice.h"
#include "tap.h"

#define INNER		1400
#define HEADERS		28
#define UDP		17
#define TCP		6
#define CLIENT_POOL	131072

struct road {
	uint32_t sent, newest;
	struct town_arrivals arrivals;
};

struct client {
	struct engine *engine;
	bool mute, deaf;
	struct road up, down;
};

struct town {
	nsec_t now;
	struct dice dice;
	struct buf_pool *server_pool, *client_pool;
	struct engine *server;
	unsigned clients;
	size_t least_left;
	/* the datagram that is kept, and whose the next one is to be */
	bool keep, keep_up, kept_up;
	unsigned keep_of, kept_of;
	struct buf *kept;
	struct client client[];
};

static void write_ip(uint8_t ip[4], unsigned network, unsigned client)
{
	ip[0] = 10;
	ip[1] = (uint8_t)network;
	ip[2] = (uint8_t)(client >> 8);
	ip[3] = (uint8_t)client;
}

static struct addr outer_of(unsigned client)
{
	uint8_t ip[4];

	write_ip(ip, 1, client + 1);
	return addr_from_ipv4(ip, 4000);
}

static struct addr server_outer(void)
{
	uint8_t ip[4];

	write_ip(ip, 1, 0);
	return addr_from_ipv4(ip, 7474);
}

/* --- datagrams ----------------------------------------------------------- */

static void into(struct town *t, unsigned client, bool up, struct buf *b)
{
	struct engine *to = up ? t->server : t->client[client].engine;
	struct buf *copy = buf_get(up ? t->server_pool : t->client_pool);
	const struct endpoint from = { .remote = up ? outer_of(client) : server_outer() };

	assert_non_null(copy);
	memcpy(buf_append(copy, b->len), b->data, b->len);
	buf_put(b);
	engine_net_in(to, &from, copy, t->now);
	if (buf_pool_left(t->server_pool) < t->least_left)
		t->least_left = buf_pool_left(t->server_pool);
}

static void carry(struct town *t, unsigned client, bool up, struct buf *b)
{
	if (up ? t->client[client].mute : t->client[client].deaf) {
		buf_put(b);
	} else if (t->keep && t->keep_of == client && t->keep_up == up) {
		t->keep = false;
		t->kept = b;
		t->kept_of = client;
		t->kept_up = up;
	} else {
		into(t, client, up, b);
	}
}

void town_give(struct town *t)
{
	struct buf *b = t->kept;

	assert_non_null(b);
	t->kept = NULL;
	into(t, t->kept_of, t->kept_up, b);
	town_pass(t, 0);
}

static void take_inner(struct road *road, const struct buf *b)
{
	uint32_t number = get_le32(b->data + HEADERS);

	if (b->data[9] != UDP)
		return;
	road->arrivals.count++;
	if (road->arrivals.count > 1 && number < road->newest)
		road->arrivals.backward++;
	else
		road->newest = number;
}

/* One datagram, or one inner packet, of each end; false: nobody has any. */
static bool take_out(struct town *t)
{
	struct endpoint to;
	struct buf *b;
	bool any = false;

	while ((b = engine_net_out(t->server, t->now, &to)) != NULL) {
		carry(t, (unsigned)(to.remote.ip[2] << 8 | to.remote.ip[3]) - 1, false, b);
		any = true;
	}
	while ((b = engine_tun_out(t->server, t->now)) != NULL) {
		take_inner(&t->client[get_be16(b->data + 14)].up, b);
		buf_put(b);
	}
	for (unsigned i = 0; i < t->clients; i++) {
		while ((b = engine_net_out(t->client[i].engine, t->now, &to)) != NULL) {
			carry(t, i, true, b);
			any = true;
		}
		while ((b = engine_tun_out(t->client[i].engine, t->now)) != NULL) {
			take_inner(&t->client[i].down, b);
			buf_put(b);
		}
	}
	return any;
}

void town_pass(struct town *t, nsec_t time)
{
	nsec_t until = t->now + time;

	for (;;) {
		nsec_t at;

		while (take_out(t))
			;
		at = engine_deadline(t->server, t->now);
		for (unsigned i = 0; i < t->clients; i++)
			at = nsec_min(at, engine_deadline(t->client[i].engine, t->now));
		if (at > until)
			break;
		t->now = nsec_max(t->now, at);
		engine_tick(t->server, t->now);
		for (unsigned i = 0; i < t->clients; i++)
			engine_tick(t->client[i].engine, t->now);
	}
	t->now = until;
}

/* --- life ---------------------------------------------------------------- */

static void start_server(struct town *t, uint8_t (*public_key)[32], const uint8_t private_key[32])
{
	struct engine_peer_config *peer = calloc(t->clients, sizeof(*peer));
	struct engine_config config = { .role = ENGINE_SERVER, .mtu = 1420, .strategy = "aggregate",
					.peer = peer, .peer_count = t->clients,
					.random = { dice_fill, &t->dice }, .pool = t->server_pool };

	assert_non_null(peer);
	memcpy(config.private_key, private_key, 32);
	for (unsigned i = 0; i < t->clients; i++) {
		uint8_t ip[4];

		write_ip(ip, 2, i);
		memcpy(peer[i].public_key, public_key[i], 32);
		peer[i].prefix[0].addr = addr_from_ipv4(ip, 0);
		peer[i].prefix[0].len = 32;
		peer[i].prefix_count = 1;
	}
	t->server = engine_new(&config, t->now);
	assert_non_null(t->server);
	free(peer);
}

static void start_client(struct town *t, unsigned client, const uint8_t private_key[32], const uint8_t server[32])
{
	struct engine_peer_config peer = { .name = "server" };
	struct engine_config config = { .role = ENGINE_CLIENT, .strategy = "aggregate", .peer = &peer,
					.peer_count = 1, .random = { dice_fill, &t->dice },
					.pool = t->client_pool };
	const struct endpoint to = { .remote = server_outer() };
	const struct engine_link link = { .fixed = true };

	memcpy(config.private_key, private_key, 32);
	memcpy(peer.public_key, server, 32);
	t->client[client].engine = engine_new(&config, t->now);
	assert_non_null(t->client[client].engine);
	assert_int_equal(engine_path_add(t->client[client].engine, &to, &link, t->now), 0);
}

struct town *town_new(unsigned clients, size_t buffers)
{
	struct town *t = calloc(1, sizeof(*t) + clients * sizeof(t->client[0]));
	uint8_t (*key)[32] = calloc(clients + 1, 32), (*public_key)[32] = calloc(clients + 1, 32);

	assert_non_null(t);
	assert_true(key != NULL && public_key != NULL);
	assert_true(sodium_init() >= 0);
	dice_sow(&t->dice, clients);
	t->now = SEC(1000);
	t->server_pool = buf_pool_new(buffers);
	t->client_pool = buf_pool_new(CLIENT_POOL);
	assert_non_null(t->server_pool);
	assert_non_null(t->client_pool);
	for (unsigned i = 0; i <= clients; i++) {
		dice_fill(&t->dice, key[i], 32);
		crypto_scalarmult_base(public_key[i], key[i]);
	}
	t->clients = clients;
	start_server(t, public_key, key[clients]);
	t->clients = 0;
	for (unsigned i = 0; i < clients; i++) {
		struct engine_peer_status status;

		start_client(t, i, key[i], public_key[clients]);
		t->clients++;
		town_pass(t, MSEC(20));	/* more at once are a flood */
		engine_peer_status(t->client[i].engine, 0, t->now, &status);
		assert_true(status.session);
	}
	free(key);
	free(public_key);
	t->least_left = buf_pool_left(t->server_pool);
	return t;
}

void town_free(struct town *t)
{
	buf_put(t->kept);
	engine_free(t->server);
	for (unsigned i = 0; i < t->clients; i++)
		engine_free(t->client[i].engine);
	assert_int_equal(buf_pool_left(t->server_pool), buf_pool_size(t->server_pool));
	assert_int_equal(buf_pool_left(t->client_pool), CLIENT_POOL);
	buf_pool_free(t->server_pool);
	buf_pool_free(t->client_pool);
	free(t);
}

/* --- what tests do ------------------------------------------------------- */

struct engine *town_server(struct town *t)
{
	return t->server;
}

void town_mute(struct town *t, unsigned client, bool mute)
{
	t->client[client].mute = mute;
}

void town_deafen(struct town *t, unsigned client, bool deaf)
{
	t->client[client].deaf = deaf;
}

void town_keep_next(struct town *t, unsigned client, bool up)
{
	assert_null(t->kept);
	t->keep = true;
	t->keep_up = up;
	t->keep_of = client;
}

/* An inner packet of a client's flow, but for what its transport says. */
static struct buf *packet_of(struct town *t, unsigned client, unsigned flow, bool up, uint8_t protocol,
			     size_t len)
{
	struct buf *b = buf_get(up ? t->client_pool : t->server_pool);
	uint8_t *p, its[4], other[4];

	assert_non_null(b);
	p = buf_append(b, len);
	memset(p, 0, len);
	write_ip(its, 2, client);
	write_ip(other, 3, 0);
	inner_packet_ipv4(p, len, protocol, up ? its : other, up ? other : its);
	put_be16(p + 20, (uint16_t)(1000 + flow));
	put_be16(p + 22, (uint16_t)(1000 + flow));
	return b;
}

/* Into an end; what comes of it is taken out at once, as a worker does. */
static void send(struct town *t, unsigned client, struct buf *b, bool up)
{
	engine_tun_in(up ? t->client[client].engine : t->server, b, t->now);
	while (take_out(t))
		;
	if (buf_pool_left(t->server_pool) < t->least_left)
		t->least_left = buf_pool_left(t->server_pool);
}

void town_send_up(struct town *t, unsigned client, unsigned flow)
{
	struct buf *b = packet_of(t, client, flow, true, UDP, INNER);

	put_le32(b->data + HEADERS, t->client[client].up.sent++);
	send(t, client, b, true);
}

void town_send_down(struct town *t, unsigned client, unsigned flow)
{
	struct buf *b = packet_of(t, client, flow, false, UDP, INNER);

	put_le32(b->data + HEADERS, t->client[client].down.sent++);
	send(t, client, b, false);
}

static struct buf *segment_of(struct town *t, unsigned client, unsigned flow, bool up, size_t payload)
{
	struct buf *b = packet_of(t, client, flow, up, TCP, 40 + payload);

	b->data[32] = 5 << 4;
	b->data[33] = 0x10;	/* ACK */
	return b;
}

void town_tcp_down(struct town *t, unsigned client, unsigned flow, uint32_t seq, uint16_t len)
{
	struct buf *b = segment_of(t, client, flow, false, len);

	put_be32(b->data + 24, seq);
	send(t, client, b, false);
}

void town_ack_up(struct town *t, unsigned client, unsigned flow, uint32_t ack)
{
	struct buf *b = segment_of(t, client, flow, true, 0);

	put_be32(b->data + 28, ack);
	send(t, client, b, true);
}

struct town_arrivals town_up(const struct town *t, unsigned client)
{
	return t->client[client].up.arrivals;
}

struct town_arrivals town_down(const struct town *t, unsigned client)
{
	return t->client[client].down.arrivals;
}

size_t town_least_left(const struct town *t)
{
	return t->least_left;
}
