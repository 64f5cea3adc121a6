/* pair: see pair.h. */
#include "pair.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "cipher.h"
#include "core/engine.h"
#include "io/crew.h"
#include "sim/segment.h"
#include "stopwatch.h"
#include "wire.h"

#define POOL		16384
#define PORT		7474
#define ARRIVALS	1024	/* datagrams that an engine takes in a turn at most */
#define WARM		MSEC(3000)	/* the controllers know their links by then, and lanes how much waits in them */
#define UP_WITHIN	SEC(5)
#define SLACK		5 / 4	/* of what the links hold: so much is on its way or waits */
#define HEADERS		52	/* of IPv4 and TCP, with timestamps */
#define NUMBERED	(HEADERS + 4)	/* the payload begins with the packet's number */
#define HELP_FROM	16384	/* as the worker */

struct side {
	struct engine *engine;
	struct buf_pool *pool;
	struct wire *out;		/* one for each link */
	struct stopwatch watch;
	struct engine_arrival in[ARRIVALS];
	struct buf *packets[ARRIVALS];
	size_t in_count, packet_count;
	struct buf_queue sent;		/* datagrams, mark[0] says on which link */
	struct buf_queue received;	/* inner packets */
	nsec_t deadline;
};

struct pair {
	struct pair_options options;
	nsec_t now, turn;
	uint64_t random;
	struct wire wire[2][PAIR_LINKS];	/* from the client, from the server */
	struct side client, server;
	struct side *sender, *receiver;
	uint64_t window;		/* inner packets under way or waiting */
	uint64_t sent, received, acks, wrong, missing;
	uint32_t next[256], expected[256];	/* by flow */
	uint8_t packet[PAIR_PACKET];
};

/* --- beginning ------------------------------------------------------------ */

/* Nobody is to be kept out: any numbers will do, and the same ones in each run. */
static void fill(void *ctx, void *at, size_t len)
{
	uint64_t *state = ctx;
	uint8_t *p = at;

	for (size_t i = 0; i < len; i++) {
		*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (uint8_t)(*state >> 56);
	}
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p = { 0 };

	prefix_parse(text, &p);
	return p;
}

static struct addr address_of(bool server, unsigned link)
{
	const uint8_t ip[4] = { 198, 51, server ? 200 : 100, (uint8_t)(1 + link) };

	return addr_from_ipv4(ip, PORT);
}

static bool start_side(struct pair *p, struct side *s, struct engine_config *config)
{
	const struct suite suite = cipher_suite(p->options.cipher);

	s->pool = buf_pool_new(POOL);
	if (s->pool == NULL)
		return false;
	strncpy(config->strategy, p->options.strategy, sizeof(config->strategy) - 1);
	config->random = (struct random_source){ fill, &p->random };
	config->pool = s->pool;
	config->suite = &suite;
	config->alone = p->options.alone;
	config->hands = (struct hands){ crew_run, p->options.crew, p->options.threads + 1, HELP_FROM };
	s->engine = engine_new(config, p->now);
	return s->engine != NULL;
}

static bool start_engines(struct pair *p)
{
	struct engine_peer_config laptop = { .name = "laptop", .prefix_count = 1 };
	struct engine_peer_config vps = { .name = "vps" };
	struct engine_config server = {
		.role = ENGINE_SERVER, .mtu = 1420, .address_count = 1, .peer = &laptop, .peer_count = 1,
	};
	struct engine_config client = { .role = ENGINE_CLIENT, .peer = &vps, .peer_count = 1 };

	server.address[0] = prefix_of("10.84.0.1/24");
	laptop.prefix[0] = prefix_of("10.84.0.2/32");
	fill(&p->random, server.private_key, 32);
	fill(&p->random, client.private_key, 32);
	crypto_scalarmult_base(vps.public_key, server.private_key);
	crypto_scalarmult_base(laptop.public_key, client.private_key);
	return start_side(p, &p->server, &server) && start_side(p, &p->client, &client);
}

/* Half of the rtt more with each link, so that order has to be made. */
static nsec_t rtt_of(const struct pair_options *o, unsigned link)
{
	return o->rtt + link * o->rtt / 2;
}

static bool make_links(struct pair *p)
{
	const struct pair_options *o = &p->options;
	uint64_t rate = o->rate / 8 / o->links, bytes = 0;

	for (unsigned i = 0; i < o->links; i++) {
		if (!wire_init(&p->wire[0][i], rate, rtt_of(o, i) / 2, o->loss_ppm) ||
		    !wire_init(&p->wire[1][i], rate, rtt_of(o, i) / 2, o->loss_ppm))
			return false;
		bytes += rate * (rtt_of(o, i) / NSEC_PER_USEC) / 1000000;
	}
	p->window = bytes * SLACK / o->size + PAIR_BATCH;
	p->turn = (nsec_t)PAIR_BATCH * o->size * 8 * NSEC_PER_SEC / o->rate;
	p->client.out = p->wire[0];
	p->server.out = p->wire[1];
	return true;
}

/* An inner TCP segment; only its flow and number will change. */
static void make_packet(struct pair *p)
{
	uint8_t *ip = p->packet, *tcp = ip + 20;
	const uint8_t client[4] = { 10, 84, 0, 2 }, server[4] = { 10, 84, 0, 1 };

	fill(&p->random, p->packet, sizeof(p->packet));
	memset(p->packet, 0, HEADERS);
	ip[0] = 0x45;
	put_be16(ip + 2, (uint16_t)p->options.size);
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, p->options.down ? server : client, 4);
	memcpy(ip + 16, p->options.down ? client : server, 4);
	put_be16(tcp + 2, 443);
	tcp[12] = 0x80;
	tcp[13] = 0x10;
	put_be32(tcp + 20, 0x0101080a);
	put_be16(ip + 10, checksum_fold(checksum_add(0, ip, 20)));
}

/* --- a turn --------------------------------------------------------------- */

static void bring_arrivals(struct pair *p, struct side *s)
{
	bool server = s == &p->server;
	struct wire *from = p->wire[server ? 0 : 1];

	s->in_count = 0;
	for (unsigned i = 0; i < p->options.links; i++)
		while (s->in_count < ARRIVALS && wire_has(&from[i], p->now)) {
			struct buf *b = buf_get(s->pool);

			if (b == NULL)
				return;
			wire_receive(&from[i], b);
			s->in[s->in_count].from = (struct endpoint){ .remote = address_of(!server, i) };
			/* the server has one socket for all, the client one for each */
			s->in[s->in_count].from.socket = server ? 0 : (uint8_t)i;
			s->in[s->in_count++].datagram = b;
		}
}

static void bring_packets(struct pair *p, struct side *s)
{
	s->packet_count = 0;
	while (p->sent - p->received - p->missing < p->window && s->packet_count < 2 * PAIR_BATCH) {
		struct buf *b = buf_get_to_keep(s->pool);
		unsigned flow = (unsigned)(p->sent % p->options.flows);

		if (b == NULL)
			return;
		put_be16(p->packet + 20, (uint16_t)(1024 + flow));
		put_be32(p->packet + 24, p->next[flow] * (uint32_t)(p->options.size - HEADERS));
		put_be32(p->packet + HEADERS, p->next[flow]++);
		memcpy(buf_append(b, p->options.size), p->packet, p->options.size);
		s->packets[s->packet_count++] = b;
		p->sent++;
	}
}

static void collect(struct side *s, nsec_t now)
{
	struct endpoint to;
	struct buf *b;

	while ((b = engine_net_out(s->engine, now, &to)) != NULL) {
		b->mark[0] = to.remote.ip[3] - 1u;
		buf_queue_push(&s->sent, b);
	}
}

/* What the worker does when it is woken. */
static void run_engine(struct side *s, nsec_t now)
{
	struct buf *b;

	stopwatch_start(&s->watch);
	engine_net_in_all(s->engine, s->in, s->in_count, now);
	collect(s, now);
	for (size_t i = 0; i < s->packet_count; i++)
		engine_tun_in(s->engine, s->packets[i], now);
	collect(s, now);
	if (now >= s->deadline)
		engine_tick(s->engine, now);
	collect(s, now);
	while ((b = engine_tun_out(s->engine, now)) != NULL)
		buf_queue_push(&s->received, b);
	s->deadline = engine_deadline(s->engine, now);
	stopwatch_stop(&s->watch);
}

/* Whole, and not behind a later one of its flow.  What the sender's queue has dropped, or what was given up, is missing. */
static bool is_right(struct pair *p, const struct buf *b)
{
	uint32_t *expected, number;
	int32_t ahead;

	if (b->len != p->options.size || memcmp(b->data + NUMBERED, p->packet + NUMBERED, b->len - NUMBERED) != 0)
		return false;
	expected = &p->expected[get_be16(b->data + 20) - 1024u];
	number = get_be32(b->data + HEADERS);
	ahead = (int32_t)(number - *expected);
	if (ahead < 0)
		return false;
	p->missing += (uint32_t)ahead;
	*expected = number + 1;
	return true;
}

static void take_out(struct pair *p, struct side *s)
{
	struct engine_event event;
	struct buf *b;

	while ((b = buf_queue_pop(&s->sent)) != NULL) {
		p->acks += s == p->receiver;
		wire_send(&s->out[b->mark[0]], b, p->now);
		buf_put(b);
	}
	while ((b = buf_queue_pop(&s->received)) != NULL) {
		p->received++;
		p->wrong += !is_right(p, b);
		buf_put(b);
	}
	while (engine_event_out(s->engine, &event))
		;
}

static void turn(struct pair *p, bool loaded)
{
	bring_arrivals(p, p->sender);
	if (loaded)
		bring_packets(p, p->sender);
	run_engine(p->sender, p->now);
	take_out(p, p->sender);
	bring_arrivals(p, p->receiver);
	run_engine(p->receiver, p->now);
	take_out(p, p->receiver);
	p->now += p->turn;
}

static bool all_paths_are_up(const struct pair *p)
{
	struct engine_path_status path[PATHS_MAX];
	size_t count = engine_path_status(p->sender->engine, 0, p->now, path, PATHS_MAX), up = 0;

	for (size_t i = 0; i < count; i++)
		up += path[i].state == ENGINE_PATH_OK;
	return up == p->options.links;
}

static bool come_up(struct pair *p)
{
	nsec_t until = p->now + UP_WITHIN;

	for (unsigned i = 0; i < p->options.links; i++) {
		const struct engine_link link = { 0 };
		const struct endpoint to = { .socket = (uint8_t)i, .remote = address_of(true, i) };

		if (engine_path_add(p->client.engine, &to, &link, p->now) < 0)
			return false;
	}
	while (!all_paths_are_up(p)) {
		turn(p, false);
		if (p->now >= until)
			return false;
	}
	for (until = p->now + WARM; p->now < until;)
		turn(p, true);
	return p->received > 0;
}

struct pair *pair_new(const struct pair_options *options)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->options = *options;
	p->now = SEC(1000);
	p->sender = options->down ? &p->server : &p->client;
	p->receiver = options->down ? &p->client : &p->server;
	make_packet(p);
	if (!make_links(p) || !start_engines(p) || !come_up(p)) {
		pair_free(p);
		return NULL;
	}
	return p;
}

static void stop_side(struct side *s)
{
	engine_free(s->engine);
	buf_pool_free(s->pool);
}

void pair_free(struct pair *p)
{
	if (p == NULL)
		return;
	stop_side(&p->client);
	stop_side(&p->server);
	for (unsigned i = 0; i < PAIR_LINKS; i++) {
		wire_done(&p->wire[0][i]);
		wire_done(&p->wire[1][i]);
	}
	free(p);
}

struct pair_result pair_run(struct pair *p, uint64_t packets)
{
	uint64_t from = p->received, acks = p->acks, wrong = p->wrong, missing = p->missing, calls = allocations();
	struct pair_result r = { 0 };

	p->sender->watch = p->receiver->watch = (struct stopwatch){ 0 };
	while (p->received - from < packets)
		turn(p, true);
	r.packets = p->received - from;
	r.acks = p->acks - acks;
	r.wrong = p->wrong - wrong;
	r.missing = p->missing - missing;
	r.allocations = allocations() - calls;
	r.sender = stopwatch_nsec(&p->sender->watch) / (double)r.packets;
	r.receiver = stopwatch_nsec(&p->receiver->watch) / (double)r.packets;
	r.sender_wall = (double)p->sender->watch.wall / (double)r.packets;
	r.receiver_wall = (double)p->receiver->watch.wall / (double)r.packets;
	return r;
}

unsigned pair_share(const struct pair *p, unsigned link)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < p->options.links; i++)
		all += p->sender->out[i].carried;
	return all != 0 ? (unsigned)(p->sender->out[link].carried * 1000 / all) : 0;
}
