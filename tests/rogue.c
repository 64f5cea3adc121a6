/* rogue: see rogue.h. */
#include "rogue.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/crypto/initiator.h"
#include "core/crypto/responder.h"
#include "core/frame.h"
#include "core/packet.h"
#include "core/session.h"
#include "inner_packet.h"
#include "sim/dice.h"
#include "tap.h"

#define POOL		4096
#define ADDRESSES	16
#define OFFERED		CIPHER_BIT(CIPHER_CHACHA20_POLY1305)
#define INDEX		0x515151	/* where a rogue server, and the first rogue client, wants its data */

struct end {
	struct noise_keypair self;
	struct keypair *keys;
	uint64_t next[PATHS_MAX];
};

struct rogue {
	nsec_t now;
	struct dice dice;
	struct suite suite;
	struct buf_pool *pool;
	struct engine *engine;
	struct noise_keypair self;	/* the engine's */
	unsigned ends;
	struct end *end;
	struct {
		struct endpoint to;
		unsigned datagrams;
		size_t bytes;
	} heard[ADDRESSES];
	unsigned addresses;
};

static struct endpoint at(unsigned network, unsigned host)
{
	const uint8_t ip[4] = { 10, (uint8_t)network, 0, (uint8_t)host };

	return (struct endpoint){ .remote = addr_from_ipv4(ip, 4000) };
}

struct endpoint rogue_home(const struct rogue *r, unsigned end)
{
	(void)r;
	return at(1, end + 1);
}

struct endpoint rogue_elsewhere(const struct rogue *r, unsigned n)
{
	(void)r;
	return at(9, n + 1);
}

/* --- what the engine says ------------------------------------------------- */

static void count(struct rogue *r, const struct endpoint *to, size_t bytes)
{
	unsigned i = 0;

	while (i < r->addresses && !addr_equal(&r->heard[i].to.remote, &to->remote))
		i++;
	assert_true(i < ADDRESSES);
	if (i == r->addresses) {
		r->heard[i].to = *to;
		r->heard[i].datagrams = 0;
		r->heard[i].bytes = 0;
		r->addresses++;
	}
	r->heard[i].datagrams++;
	r->heard[i].bytes += bytes + PACKET_IP_UDP_IPV4;
}

/* Answer a challenge, which stands first where it is. */
static void answer(struct rogue *r, struct buf *b, const struct endpoint *to)
{
	struct packet_header header;
	uint8_t frames[FRAME_TOKEN];
	struct frame f;

	if (!packet_read_header(b->data, b->len, &header))
		return;
	for (unsigned i = 0; i < r->ends; i++) {
		struct end *end = &r->end[i];
		const struct endpoint home = rogue_home(r, i);

		if (end->keys == NULL || end->keys->local != header.index || !addr_equal(&to->remote, &home.remote))
			continue;
		/* so few are said here that none of their numbers is longer than what is on the wire */
		assert_true(aead_open(&end->keys->receive, header.path, header.number, b->data, PACKET_HEADER,
				      b->data + PACKET_HEADER, b->len - PACKET_HEADER));
		if (frame_read(b->data + PACKET_HEADER, b->len - PACKET_HEADER - PACKET_TAG, &f) == 0 ||
		    f.type != FRAME_PATH_CHALLENGE)
			continue;
		frame_write_token(frames, FRAME_PATH_RESPONSE, f.token);
		rogue_say(r, i, header.path, rogue_next(r, i, header.path), to, frames, sizeof(frames));
	}
}

void rogue_take(struct rogue *r)
{
	struct engine_event event;
	struct endpoint to;
	struct buf *b;

	while ((b = engine_net_out(r->engine, r->now, &to)) != NULL) {
		count(r, &to, b->len);
		answer(r, b, &to);
		buf_put(b);
	}
	while ((b = engine_tun_out(r->engine, r->now)) != NULL)
		buf_put(b);
	while (engine_event_out(r->engine, &event))
		;
}

void rogue_pass(struct rogue *r, nsec_t time)
{
	nsec_t until = r->now + time, due;

	rogue_take(r);
	while ((due = engine_deadline(r->engine, r->now)) <= until) {
		r->now = nsec_max(r->now, due);
		engine_tick(r->engine, r->now);
		rogue_take(r);
	}
	r->now = until;
}

unsigned rogue_datagrams(const struct rogue *r, const struct endpoint *to)
{
	for (unsigned i = 0; i < r->addresses; i++)
		if (addr_equal(&r->heard[i].to.remote, &to->remote))
			return r->heard[i].datagrams;
	return 0;
}

size_t rogue_bytes(const struct rogue *r, const struct endpoint *to)
{
	for (unsigned i = 0; i < r->addresses; i++)
		if (addr_equal(&r->heard[i].to.remote, &to->remote))
			return r->heard[i].bytes;
	return 0;
}

void rogue_forget(struct rogue *r)
{
	r->addresses = 0;
}

uint64_t rogue_drops(const struct rogue *r, enum engine_drop drop)
{
	uint64_t all[ENGINE_DROPS];

	engine_drops(r->engine, all);
	return all[drop];
}

/* --- what a rogue says ------------------------------------------------------ */

uint64_t rogue_next(const struct rogue *r, unsigned end, unsigned path)
{
	return r->end[end].next[path];
}

struct buf *rogue_seal(struct rogue *r, unsigned end, unsigned path, uint64_t number, const uint8_t *frames,
		       size_t len)
{
	struct end *e = &r->end[end];
	const struct packet_header header = { (uint8_t)path, e->keys->remote, (uint32_t)number & 0xffffff };
	struct buf *b = buf_get(r->pool);

	assert_non_null(b);
	assert_true(len <= ROGUE_FRAMES);
	packet_write_header(buf_append(b, PACKET_HEADER + len + PACKET_TAG), &header);
	aead_seal(&e->keys->send, header.path, number, b->data, PACKET_HEADER, b->data + PACKET_HEADER, frames, len);
	if (number >= e->next[path])
		e->next[path] = number + 1;
	return b;
}

void rogue_say(struct rogue *r, unsigned end, unsigned path, uint64_t number, const struct endpoint *from,
	       const uint8_t *frames, size_t len)
{
	engine_net_in(r->engine, from, rogue_seal(r, end, path, number, frames, len), r->now);
}

static void write_ip(uint8_t ip[4], unsigned end)
{
	memcpy(ip, (uint8_t[]){ 10, 2, 0, (uint8_t)end }, 4);
}

struct buf *rogue_inner(struct rogue *r, unsigned end, size_t len)
{
	struct buf *b = buf_get(r->pool);
	uint8_t *p, from[4], to[4];

	assert_non_null(b);
	p = buf_append(b, len);
	memset(p, 0, len);
	write_ip(from, 255);
	write_ip(to, end);
	inner_packet_ipv4(p, len, 17, from, to);
	return b;
}

/* --- keys --------------------------------------------------------------------- */

static void make_pair(struct rogue *r, struct noise_keypair *ret)
{
	dice_fill(&r->dice, ret->private_key, sizeof(ret->private_key));
	noise_public_key(ret);
}

/* The handshake message that the engine says next, alone. */
static struct buf *message(struct rogue *r, struct endpoint *ret_to)
{
	struct buf *b = engine_net_out(r->engine, r->now, ret_to);

	assert_non_null(b);
	assert_false(packet_is_data(b->data, b->len));
	return b;
}

static struct buf *init_of(struct rogue *r, unsigned n, struct initiator *initiator)
{
	const struct random_source random = { dice_fill, &r->dice };
	static const uint8_t none[32];
	struct buf *b = buf_get(r->pool);

	assert_non_null(b);
	initiator_init(initiator, r->end[n].self.private_key, r->self.public_key, none, OFFERED, &random);
	initiator_start(initiator, INDEX + n, NULL, r->now);
	initiator_round(initiator, r->now);
	initiator_message(initiator, 0, r->now, buf_append(b, HANDSHAKE_INIT_SIZE));
	return b;
}

struct buf *rogue_init(struct rogue *r, unsigned end)
{
	struct initiator initiator;
	struct buf *b = init_of(r, end, &initiator);

	initiator_done(&initiator);
	return b;
}

static void become_client(struct rogue *r, unsigned n)
{
	const struct endpoint from = rogue_home(r, n);
	struct end *end = &r->end[n];
	struct initiator initiator;
	struct endpoint to;
	struct buf *b;

	engine_net_in(r->engine, &from, init_of(r, n, &initiator), r->now);
	b = message(r, &to);
	assert_int_equal(initiator_input(&initiator, 0, b->data, b->len, r->now), INITIATOR_DONE);
	buf_put(b);
	end->keys = keypair_new(initiator_keys(&initiator), &r->suite, 1, r->now);
	assert_non_null(end->keys);
	initiator_done(&initiator);
}

/* The engine's own key is the only one that a rogue server knows. */
static bool find(void *ctx, const uint8_t public_key[32], struct responder_peer *ret)
{
	struct rogue *r = ctx;

	if (memcmp(public_key, r->self.public_key, 32) != 0)
		return false;
	*ret = (struct responder_peer){ .peer = r, .config.mtu = 1420, .config.address_count = 1 };
	prefix_parse("10.2.0.0/24", &ret->config.address[0]);
	return true;
}

static bool ticket_valid(void *ctx, void *peer, const uint8_t ticket[HANDSHAKE_TICKET])
{
	(void)ctx;
	(void)peer;
	(void)ticket;
	return false;
}

static uint32_t new_index(void *ctx)
{
	(void)ctx;
	return INDEX;
}

static void become_server(struct rogue *r)
{
	static const struct responder_ops ops = { find, ticket_valid, new_index };
	const struct random_source random = { dice_fill, &r->dice };
	struct responder *responder;
	struct responder_result result;
	struct endpoint to;
	struct buf *b;

	b = message(r, &to);
	responder = responder_new(r->end[0].self.private_key, OFFERED, &random, &ops, r, r->now);
	assert_non_null(responder);
	responder_input(responder, &to.remote, b->data, b->len, r->now, &result);
	assert_int_equal(result.type, RESPONDER_NEW);
	b->len = 0;
	memcpy(buf_append(b, result.reply_len), result.reply, result.reply_len);
	engine_net_in(r->engine, &to, b, r->now);
	r->end[0].keys = keypair_new(&result.keys, &r->suite, 1, r->now);
	assert_non_null(r->end[0].keys);
	responder_free(responder);
}

/* --- life ----------------------------------------------------------------------- */

static struct rogue *start(unsigned ends)
{
	struct rogue *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_true(sodium_init() >= 0);
	r->end = calloc(ends, sizeof(*r->end));
	r->pool = buf_pool_new(POOL);
	assert_non_null(r->end);
	assert_non_null(r->pool);
	suite_plain(&r->suite);
	dice_sow(&r->dice, ends);
	r->now = SEC(1000);
	r->ends = ends;
	make_pair(r, &r->self);
	for (unsigned i = 0; i < ends; i++)
		make_pair(r, &r->end[i].self);
	return r;
}

static void start_engine(struct rogue *r, enum engine_role role)
{
	struct engine_peer_config *peer = calloc(r->ends, sizeof(*peer));
	struct engine_config config = { .role = role, .mtu = 1420, .strategy = "aggregate", .peer = peer,
					.peer_count = r->ends, .random = { dice_fill, &r->dice }, .pool = r->pool };

	assert_non_null(peer);
	memcpy(config.private_key, r->self.private_key, 32);
	for (unsigned i = 0; i < r->ends; i++) {
		uint8_t ip[4];

		memcpy(peer[i].public_key, r->end[i].self.public_key, 32);
		write_ip(ip, i);
		peer[i].prefix[0] = (struct prefix){ addr_from_ipv4(ip, 0), 32 };
		peer[i].prefix_count = 1;
	}
	r->engine = engine_new(&config, r->now);
	assert_non_null(r->engine);
	free(peer);
}

static void must_be_proven(struct rogue *r, unsigned end, size_t paths)
{
	struct engine_path_status path[PATHS_MAX];

	assert_int_equal(engine_path_status(r->engine, end, r->now, path, PATHS_MAX), paths);
	for (size_t i = 0; i < paths; i++)
		assert_int_equal(path[i].state, ENGINE_PATH_OK);
}

struct rogue *rogue_clients(unsigned clients)
{
	static const uint8_t padding[1] = { FRAME_PADDING };
	struct rogue *r = start(clients);

	start_engine(r, ENGINE_SERVER);
	for (unsigned i = 0; i < clients; i++) {
		const struct endpoint home = rogue_home(r, i);

		become_client(r, i);
		rogue_say(r, i, 0, 0, &home, padding, sizeof(padding));
		rogue_pass(r, MSEC(100));
		must_be_proven(r, i, 1);
	}
	rogue_forget(r);
	return r;
}

struct rogue *rogue_asked(unsigned links)
{
	struct rogue *r = start(1);

	start_engine(r, ENGINE_CLIENT);
	for (unsigned i = 0; i < links; i++) {
		const struct engine_link link = { .weight = 1 };
		struct endpoint to = rogue_home(r, 0);

		to.socket = (uint8_t)i;
		assert_int_equal(engine_path_add(r->engine, &to, &link, r->now), 0);
	}
	engine_tick(r->engine, r->now);
	return r;
}

struct rogue *rogue_server(unsigned links)
{
	struct rogue *r = rogue_asked(links);

	become_server(r);
	rogue_pass(r, MSEC(100));
	must_be_proven(r, 0, links);
	rogue_forget(r);
	return r;
}

void rogue_free(struct rogue *r)
{
	for (unsigned i = 0; i < r->ends; i++)
		keypair_free(r->end[i].keys);
	engine_free(r->engine);
	assert_int_equal(buf_pool_left(r->pool), POOL);
	buf_pool_free(r->pool);
	free(r->end);
	free(r);
}

const uint8_t *rogue_public_key(const struct rogue *r, unsigned end)
{
	return r->end[end].self.public_key;
}

struct engine *rogue_engine(struct rogue *r)
{
	return r->engine;
}

nsec_t rogue_now(const struct rogue *r)
{
	return r->now;
}
