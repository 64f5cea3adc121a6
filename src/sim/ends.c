/* ends: the engines of the simulator, their keys, buffers and deadlines; see sim_state.h. */
#include "sim/sim_state.h"

#include <sodium.h>
#include <string.h>

#include "base/ip.h"
#include "base/text.h"
#include "core/crypto/suite.h"
#include "sim/must.h"
#include "sim/no_cipher.h"

struct end *end_of(const struct sim *s, int end)
{
	return (struct end *)(end == SIM_SERVER ? &s->server : &s->client[end]);
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	must(prefix_parse(text, &p), "an inner prefix that is none");
	return p;
}

static void public_key(const uint8_t private_key[32], uint8_t ret[32])
{
	crypto_scalarmult_base(ret, private_key);
}

static void start_engine(struct sim *s, struct end *end, struct engine_config *config)
{
	const struct suite clear = {
		.offered = CIPHER_BIT(no_cipher.cipher), .ops = { [CIPHER_CHACHA20_POLY1305] = &no_cipher },
	};

	if (s->clear)
		config->suite = &clear;
	text_copy(config->strategy, sizeof(config->strategy), s->strategy);
	config->random = (struct random_source){ dice_fill, &end->dice };
	config->alone = s->alone;
	config->own_checksums = s->own_checksums;
	end->pool = buf_pool_new(engine_bufs(config->peer_count));
	must_have(end->pool);
	config->pool = end->pool;
	config->hands = s->hands;
	end->engine = engine_new(config, s->now);
	must(end->engine != NULL, "no engine: memory, or no such strategy");
}

static void start_server(struct sim *s)
{
	struct engine_peer_config peer[SIM_CLIENTS];
	struct engine_config config = {
		.role = ENGINE_SERVER, .mtu = 1420, .peer = peer, .peer_count = s->clients,
		.address = { prefix_of("10.84.0.1/24"), prefix_of("fd84::1/64") }, .address_count = 2,
	};

	memcpy(config.private_key, s->server_key, 32);
	memset(peer, 0, sizeof(peer));
	for (unsigned i = 0; i < s->clients; i++) {
		strcpy(peer[i].name, "client");
		public_key(s->client_key[i], peer[i].public_key);
		peer[i].prefix[0] = prefix_of("10.84.0.2/32");
		peer[i].prefix[0].addr.ip[3] = (uint8_t)(2 + i);
		peer[i].prefix_count = 1;
	}
	start_engine(s, &s->server, &config);
}

static void start_client(struct sim *s, unsigned client)
{
	struct engine_peer_config peer = { .name = "server" };
	struct engine_config config = { .role = ENGINE_CLIENT, .peer = &peer, .peer_count = 1,
					.copies_ppm = s->copies_ppm };

	memcpy(config.private_key, s->client_key[client], 32);
	public_key(s->server_key, peer.public_key);
	start_engine(s, &s->client[client], &config);
}

void end_start_all(struct sim *s)
{
	start_server(s);
	for (unsigned i = 0; i < s->clients; i++)
		start_client(s, i);
}

void end_stop(struct end *end)
{
	engine_free(end->engine);
	buf_queue_clear(&end->waiting);
	buf_queue_clear(&end->hoard);
	must(buf_pool_left(end->pool) == buf_pool_size(end->pool), "an engine did not give all its buffers back");
	buf_pool_free(end->pool);
}

void sim_restart_server(struct sim *s)
{
	end_stop(&s->server);
	start_server(s);
}

void sim_set_copies(struct sim *s, uint32_t copies_ppm)
{
	s->copies_ppm = copies_ppm;
}

void sim_set_hands(struct sim *s, const struct hands *hands)
{
	s->hands = *hands;
}

void sim_restart_client(struct sim *s, unsigned client)
{
	end_stop(&s->client[client]);
	start_client(s, client);
	for (unsigned i = 0; i < s->links[client]; i++)
		if (!s->link[client][i].bare)
			link_join(s, client, i);
}

static void restart_all(struct sim *s)
{
	sim_restart_server(s);
	for (unsigned i = 0; i < s->clients; i++)
		sim_restart_client(s, i);
}

void sim_set_alone(struct sim *s, bool alone)
{
	s->alone = alone;
	restart_all(s);
}

void sim_set_own_checksums(struct sim *s, bool own)
{
	s->own_checksums = own;
	restart_all(s);
}

void sim_starve(struct sim *s, int end, size_t leave)
{
	struct end *e = end_of(s, end);

	while (buf_pool_left(e->pool) > leave)
		buf_queue_push(&e->hoard, buf_get(e->pool));
}

void sim_feed(struct sim *s, int end)
{
	buf_queue_clear(&end_of(s, end)->hoard);
}

void sim_sleep(struct sim *s, unsigned client, nsec_t time)
{
	s->client[client].sleeps_from = s->now;
	s->client[client].sleeps_until = s->now + time;
}

bool end_sleeps(const struct sim *s, int end)
{
	return s->now < end_of(s, end)->sleeps_until;
}

void end_leave_checksum(struct buf *b)
{
	struct ip ip;

	if (!ip_read(b->data, b->len, &ip) || !ip_has_right_checksum(b->data, &ip, b->len))
		return;
	ip_leave_checksum(b->data, &ip, b->len);
	b->needs_checksum = true;
}

void end_take_out(struct sim *s, int end)
{
	struct end *e = end_of(s, end);
	struct engine_event event;
	struct buf *b;

	link_take_out(s, end);
	while ((b = engine_tun_out(e->engine, s->now)) != NULL) {
		if (b->needs_checksum)
			ip_finish_checksum(b->data, b->len);
		if (!model_take(s, end == SIM_SERVER ? SIM_UP : SIM_DOWN, b->data, b->len))
			flow_take(s, b->data, b->len);
		buf_put(b);
	}
	while (engine_event_out(e->engine, &event))
		e->events[event.type]++;
}

void end_take_in(struct sim *s)
{
	for (int i = SIM_SERVER; i < (int)s->clients; i++) {
		struct end *e = end_of(s, i);

		while (e->waiting.count > 0 && !end_sleeps(s, i)) {
			struct buf *b;

			while ((b = buf_queue_pop(&e->waiting)) != NULL)
				engine_tun_in(e->engine, b, s->now);
			end_take_out(s, i);
		}
	}
}

nsec_t end_next_at(const struct sim *s, int *ret)
{
	nsec_t at = NSEC_NEVER;

	for (int i = SIM_SERVER; i < (int)s->clients; i++) {
		nsec_t due = end_sleeps(s, i) ? end_of(s, i)->sleeps_until :
						engine_deadline(end_of(s, i)->engine, s->now);

		if (due < at) {
			at = due;
			*ret = i;
		}
	}
	return at;
}

void end_tick(struct sim *s, int end)
{
	engine_tick(end_of(s, end)->engine, s->now);
	end_take_out(s, end);
}

void sim_tun_in(struct sim *s, int end, const uint8_t *packet, size_t len)
{
	struct buf *b = buf_get(end_of(s, end)->pool);

	must(b != NULL, "no buffer for a packet of the caller's making");
	memcpy(buf_append(b, len), packet, len);
	end_leave_checksum(b);
	engine_tun_in(end_of(s, end)->engine, b, s->now);
}

struct engine *sim_client(struct sim *s, unsigned client)
{
	return s->client[client].engine;
}

struct engine *sim_server(struct sim *s)
{
	return s->server.engine;
}

unsigned sim_events(const struct sim *s, int end, enum engine_event_type type)
{
	return end_of(s, end)->events[type];
}

uint64_t sim_drops(const struct sim *s, int end, enum engine_drop drop)
{
	uint64_t drops[ENGINE_DROPS];

	engine_drops(end_of(s, end)->engine, drops);
	return drops[drop];
}
