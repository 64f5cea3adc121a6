/* crowd: see crowd.h. */
#include "crowd.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "core/crypto/handshake.h"
#include "core/packet.h"
#include "inner_packet.h"
#include "sim/dice.h"
#include "tap.h"

#define CLIENT_BUFFERS	262144
#define BATCH		64	/* datagrams that an end takes together, as the worker does */
#define HEADERS		28
#define STAMP		(HEADERS + 8)	/* bytes of the shortest inner packet */
#define SERVER_PORT	7474

/* A datagram under way. */
struct ride {
	struct ride *next;
	nsec_t at;
	unsigned client;
	bool up;
	struct endpoint to;
	uint16_t port;		/* that it was sent from, upwards */
	struct buf *b;
};

/* All that is under way on the paths of one number: they are equally long, so the first is the next. */
struct lane {
	struct ride *head, **tail;
};

struct client {
	struct engine *engine;
	nsec_t due;
	bool vanished;
	uint16_t moved;		/* how often it has been somewhere else */
	struct crowd_count count;
};

struct crowd {
	nsec_t now;
	struct dice dice;
	struct buf_pool *server_pool, *client_pool;
	struct engine *server;
	nsec_t server_due;
	unsigned clients, paths;
	bool one_address;
	uint8_t (*key)[32], (*public_key)[32];	/* of the clients, then the server's */
	struct lane lane[CROWD_PATHS];
	struct crowd_heard heard;
	nsec_t (*read)(void);	/* NULL: nobody wants to know */
	nsec_t began, took;
	struct client client[];
};

static void write_ip(uint8_t ip[4], unsigned network, unsigned client)
{
	ip[0] = 10;
	ip[1] = (uint8_t)network;
	ip[2] = (uint8_t)(client >> 8);
	ip[3] = (uint8_t)client;
}

static nsec_t delay_of(unsigned path)
{
	return MSEC(10) + path * MSEC(7);
}

static struct addr server_outer(void)
{
	uint8_t ip[4];

	write_ip(ip, 1, 0);
	return addr_from_ipv4(ip, SERVER_PORT);
}

/* Ports tell paths apart, and networks where a client is. */
static struct addr outer_of(const struct crowd *c, unsigned client, unsigned path)
{
	unsigned moved = c->client[client].moved;
	uint8_t ip[4];

	if (c->one_address) {
		write_ip(ip, 100, 1);
		return addr_from_ipv4(ip, (uint16_t)(1024 + client * CROWD_PATHS + path + 16384 * (moved % 3)));
	}
	write_ip(ip, 10 + path + CROWD_PATHS * (moved % 16), client + 1);
	return addr_from_ipv4(ip, 4000);
}

static unsigned whose(const struct crowd *c, const struct addr *a, unsigned *ret_path)
{
	unsigned n = a->port - 1024u;

	if (c->one_address) {
		*ret_path = n % 16384 % CROWD_PATHS;
		return n % 16384 / CROWD_PATHS;
	}
	*ret_path = (a->ip[1] - 10u) % CROWD_PATHS;
	return (unsigned)(a->ip[2] << 8 | a->ip[3]) - 1;
}

/* --- datagrams ----------------------------------------------------------- */

static void depart(struct crowd *c, unsigned client, unsigned path, bool up, struct buf *b)
{
	struct ride *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	*r = (struct ride){ .at = c->now + delay_of(path), .client = client, .up = up, .b = b };
	r->to.remote = up ? outer_of(c, client, path) : server_outer();
	r->to.socket = up ? 0 : (uint8_t)path;
	*c->lane[path].tail = r;
	c->lane[path].tail = &r->next;
}

static void take_inner(struct crowd *c, struct buf *b, bool up)
{
	unsigned client = get_be16(b->data + (up ? 14 : 18));
	struct crowd_count *n = &c->client[client].count;
	nsec_t wait = c->now - get_le64(b->data + HEADERS);

	if (up) {
		n->up++;
		n->up_wait = nsec_max(n->up_wait, wait);
	} else {
		n->down++;
		n->down_wait = nsec_max(n->down_wait, wait);
	}
	buf_put(b);
}

static void server_begins(struct crowd *c)
{
	if (c->read != NULL)
		c->began = c->read();
}

static void server_ends(struct crowd *c)
{
	if (c->read != NULL)
		c->took += c->read() - c->began;
}

struct said {
	struct buf *b;
	struct endpoint to;
};

static void depart_down(struct crowd *c, const struct said *s)
{
	unsigned path, client = whose(c, &s->to.remote, &path);
	struct addr now_at = outer_of(c, client, path);

	if (c->client[client].vanished || !addr_equal(&s->to.remote, &now_at))
		buf_put(s->b);
	else
		depart(c, client, path, false, s->b);
}

/* A part of what it has to say: how much. */
static size_t take_some(struct crowd *c)
{
	struct said said[BATCH];
	size_t count = 0;

	while (count < BATCH && (said[count].b = engine_net_out(c->server, c->now, &said[count].to)) != NULL)
		count++;
	server_ends(c);
	for (size_t i = 0; i < count; i++)
		depart_down(c, &said[i]);
	server_begins(c);
	return count;
}

/* After server_begins and a call of the engine.  Gives how many datagrams it has said. */
static uint64_t take_server_out(struct crowd *c)
{
	struct buf_queue inner = { 0 };
	uint64_t said = 0;
	struct buf *b;
	size_t some;

	while ((some = take_some(c)) > 0)
		said += some;
	while ((b = engine_tun_out(c->server, c->now)) != NULL)
		buf_queue_push(&inner, b);
	c->server_due = engine_deadline(c->server, c->now);
	server_ends(c);
	while ((b = buf_queue_pop(&inner)) != NULL)
		take_inner(c, b, true);
	return said;
}

static void take_client_out(struct crowd *c, unsigned client)
{
	struct client *k = &c->client[client];
	struct engine_event event;
	struct endpoint to;
	struct buf *b;

	while ((b = engine_net_out(k->engine, c->now, &to)) != NULL) {
		if (k->vanished)
			buf_put(b);
		else
			depart(c, client, to.socket, true, b);
	}
	while ((b = engine_tun_out(k->engine, c->now)) != NULL)
		take_inner(c, b, false);
	while (engine_event_out(k->engine, &event))
		;
	k->due = engine_deadline(k->engine, c->now);
}

static struct lane *next_lane(struct crowd *c)
{
	struct lane *next = NULL;

	for (unsigned i = 0; i < c->paths; i++)
		if (c->lane[i].head != NULL && (next == NULL || c->lane[i].head->at < next->head->at))
			next = &c->lane[i];
	return next;
}

static struct buf *pop_ride(struct lane *l, struct ride *ret)
{
	struct ride *r = l->head;

	l->head = r->next;
	if (l->head == NULL)
		l->tail = &l->head;
	*ret = *r;
	free(r);
	return ret->b;
}

static struct buf *copy_into(struct buf_pool *pool, struct buf *b)
{
	struct buf *copy = buf_get(pool);

	assert_non_null(copy);
	memcpy(buf_append(copy, b->len), b->data, b->len);
	copy->ecn = b->ecn;
	buf_put(b);
	return copy;
}

static void note_heard(struct crowd *c, const struct buf *b)
{
	if (packet_is_data(b->data, b->len))
		c->heard.data++;
	else if (b->data[0] == HANDSHAKE_INIT)
		c->heard.inits++;
}

/* What comes at one moment, a batch of it at most. */
static void arrive(struct crowd *c)
{
	struct engine_arrival batch[BATCH];
	struct lane *l = next_lane(c);
	nsec_t at = l->head->at;
	size_t count = 0;

	while (l->head != NULL && l->head->at == at && count < BATCH) {
		bool up = l->head->up;
		struct ride r;

		if (up) {
			batch[count].datagram = copy_into(c->server_pool, pop_ride(l, &r));
			batch[count++].from = r.to;
			note_heard(c, batch[count - 1].datagram);
			continue;
		}
		if (count > 0)
			break;
		pop_ride(l, &r);
		if (c->client[r.client].vanished) {
			buf_put(r.b);
			return;
		}
		engine_net_in(c->client[r.client].engine, &r.to, copy_into(c->client_pool, r.b), c->now);
		take_client_out(c, r.client);
		return;
	}
	server_begins(c);
	engine_net_in_all(c->server, batch, count, c->now);
	take_server_out(c);
}

static nsec_t next_client(const struct crowd *c, unsigned *ret)
{
	nsec_t at = NSEC_NEVER;

	for (unsigned i = 0; i < c->clients; i++)
		if (c->client[i].due < at) {
			at = c->client[i].due;
			*ret = i;
		}
	return at;
}

void crowd_run(struct crowd *c, nsec_t time)
{
	nsec_t until = c->now + time;

	for (;;) {
		struct lane *l = next_lane(c);
		unsigned client = 0;
		nsec_t ride = l != NULL ? l->head->at : NSEC_NEVER, theirs = next_client(c, &client);
		nsec_t at = nsec_min(ride, nsec_min(theirs, c->server_due));

		if (at > until)
			break;
		c->now = nsec_max(c->now, at);
		if (at == ride) {
			arrive(c);
		} else if (at == theirs) {
			engine_tick(c->client[client].engine, c->now);
			take_client_out(c, client);
		} else {
			server_begins(c);
			engine_tick(c->server, c->now);
			take_server_out(c);
		}
	}
	c->now = until;
}

/* --- life ---------------------------------------------------------------- */

static void start_server(struct crowd *c)
{
	struct engine_peer_config *peer = calloc(c->clients, sizeof(*peer));
	struct engine_config config = { .role = ENGINE_SERVER, .mtu = 1420, .strategy = "aggregate",
					.peer = peer, .peer_count = c->clients,
					.random = { dice_fill, &c->dice } };

	assert_non_null(peer);
	memcpy(config.private_key, c->key[c->clients], 32);
	for (unsigned i = 0; i < c->clients; i++) {
		uint8_t ip[4];

		write_ip(ip, 2, i);
		memcpy(peer[i].public_key, c->public_key[i], 32);
		peer[i].prefix[0].addr = addr_from_ipv4(ip, 0);
		peer[i].prefix[0].len = 32;
		peer[i].prefix_count = 1;
	}
	config.pool = c->server_pool = buf_pool_new(engine_bufs(c->clients));
	assert_non_null(c->server_pool);
	c->server = engine_new(&config, c->now);
	assert_non_null(c->server);
	c->server_due = c->now;
	free(peer);
}

/* Datagrams under way from the server are in its pool. */
static void forget_rides(struct crowd *c)
{
	struct ride r;

	for (unsigned i = 0; i < c->paths; i++)
		while (c->lane[i].head != NULL)
			buf_put(pop_ride(&c->lane[i], &r));
}

static void stop_server(struct crowd *c)
{
	engine_free(c->server);
	forget_rides(c);
	assert_int_equal(buf_pool_left(c->server_pool), buf_pool_size(c->server_pool));
	buf_pool_free(c->server_pool);
}

void crowd_close_server(struct crowd *c)
{
	server_begins(c);
	engine_close(c->server, c->now);
	c->heard.goodbyes = take_server_out(c);
}

void crowd_restart_server(struct crowd *c)
{
	stop_server(c);
	start_server(c);
}

static void start_client(struct crowd *c, unsigned client)
{
	struct engine_peer_config peer = { .name = "server" };
	struct engine_config config = { .role = ENGINE_CLIENT, .strategy = "aggregate", .peer = &peer,
					.peer_count = 1, .random = { dice_fill, &c->dice },
					.pool = c->client_pool };
	struct client *k = &c->client[client];

	memcpy(config.private_key, c->key[client], 32);
	memcpy(peer.public_key, c->public_key[c->clients], 32);
	k->engine = engine_new(&config, c->now);
	assert_non_null(k->engine);
	for (unsigned i = 0; i < c->paths; i++) {
		const struct endpoint to = { .remote = server_outer(), .socket = (uint8_t)i };

		assert_int_equal(engine_path_add(k->engine, &to, &(struct engine_link){ .weight = 1 }, c->now), 0);
	}
}

struct crowd *crowd_new(unsigned clients, unsigned paths)
{
	struct crowd *c = calloc(1, sizeof(*c) + clients * sizeof(c->client[0]));

	assert_non_null(c);
	assert_true(sodium_init() >= 0);
	dice_sow(&c->dice, clients * CROWD_PATHS + paths);
	c->now = SEC(1000);
	c->clients = clients;
	c->paths = paths;
	c->key = calloc(clients + 1, 32);
	c->public_key = calloc(clients + 1, 32);
	c->client_pool = buf_pool_new(CLIENT_BUFFERS);
	assert_true(c->key != NULL && c->public_key != NULL && c->client_pool != NULL);
	for (unsigned i = 0; i <= clients; i++) {
		dice_fill(&c->dice, c->key[i], 32);
		crypto_scalarmult_base(c->public_key[i], c->key[i]);
	}
	for (unsigned i = 0; i < CROWD_PATHS; i++)
		c->lane[i].tail = &c->lane[i].head;
	start_server(c);
	for (unsigned i = 0; i < clients; i++) {
		start_client(c, i);
		c->client[i].due = c->now;
	}
	return c;
}

void crowd_free(struct crowd *c)
{
	for (unsigned i = 0; i < c->clients; i++)
		engine_free(c->client[i].engine);
	stop_server(c);
	assert_int_equal(buf_pool_left(c->client_pool), CLIENT_BUFFERS);
	buf_pool_free(c->client_pool);
	free(c->key);
	free(c->public_key);
	free(c);
}

/* --- what tests do ------------------------------------------------------- */

struct engine *crowd_server(struct crowd *c)
{
	return c->server;
}

struct engine *crowd_client(struct crowd *c, unsigned client)
{
	return c->client[client].engine;
}

void crowd_vanish(struct crowd *c, unsigned client, bool vanish)
{
	c->client[client].vanished = vanish;
}

void crowd_move(struct crowd *c, unsigned client)
{
	c->client[client].moved++;
}

void crowd_share_address(struct crowd *c)
{
	c->one_address = true;
}

unsigned crowd_in_session(const struct crowd *c)
{
	struct engine_peer_status here, there;
	unsigned n = 0;

	for (unsigned i = 0; i < c->clients; i++) {
		engine_peer_status(c->client[i].engine, 0, c->now, &here);
		engine_peer_status(c->server, i, c->now, &there);
		n += here.session && there.session;
	}
	return n;
}

nsec_t crowd_now(const struct crowd *c)
{
	return c->now;
}

static struct buf *packet_of(struct crowd *c, unsigned client, unsigned flow, bool up, size_t len)
{
	struct buf *b = buf_get(up ? c->client_pool : c->server_pool);
	uint8_t its[4], other[4];

	assert_true(b != NULL && len >= STAMP);
	memset(buf_append(b, len), 0, len);
	write_ip(its, 2, client);
	write_ip(other, 3, 0);
	inner_packet_ipv4(b->data, len, 17, up ? its : other, up ? other : its);
	put_be16(b->data + 20, (uint16_t)(1000 + flow));
	put_be16(b->data + 22, (uint16_t)(1000 + flow));
	put_le64(b->data + HEADERS, c->now);
	return b;
}

void crowd_send_up(struct crowd *c, unsigned client, unsigned flow, size_t len)
{
	engine_tun_in(c->client[client].engine, packet_of(c, client, flow, true, len), c->now);
	take_client_out(c, client);
}

/* The worker, too, takes out what there is after a batch of them, not after each. */
void crowd_send_down(struct crowd *c, unsigned client, unsigned flow, size_t len)
{
	struct buf *b = packet_of(c, client, flow, false, len);

	server_begins(c);
	engine_tun_in(c->server, b, c->now);
	server_ends(c);
	c->server_due = c->now;
}

void crowd_watch_server(struct crowd *c, nsec_t (*read)(void))
{
	c->read = read;
}

nsec_t crowd_server_took(const struct crowd *c)
{
	return c->took;
}

struct crowd_count crowd_count(const struct crowd *c, unsigned client)
{
	return c->client[client].count;
}

void crowd_forget(struct crowd *c)
{
	memset(&c->heard, 0, sizeof(c->heard));
	c->took = 0;
	for (unsigned i = 0; i < c->clients; i++)
		c->client[i].count = (struct crowd_count){ 0 };
}

struct crowd_heard crowd_heard(const struct crowd *c)
{
	return c->heard;
}

uint64_t crowd_drops(const struct crowd *c, enum engine_drop drop)
{
	uint64_t all[ENGINE_DROPS];

	engine_drops(c->server, all);
	return all[drop];
}
