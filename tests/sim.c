/* sim: see sim.h. */
#include "sim.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tap.h"

#define SERVER		(-1)
#define SERVER_PORT	7474
#define QUEUE		1000
#define OUTER		28
#define POOL		8192
#define SEEN		(1u << 20)

/* xoshiro256** (Blackman, Vigna): small, fast, and the same everywhere. */
struct generator {
	uint64_t s[4];
};

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

static uint64_t draw(struct generator *g)
{
	uint64_t result = rotl(g->s[1] * 5, 7) * 9, t = g->s[1] << 17;

	g->s[2] ^= g->s[0];
	g->s[3] ^= g->s[1];
	g->s[1] ^= g->s[2];
	g->s[0] ^= g->s[3];
	g->s[2] ^= t;
	g->s[3] = rotl(g->s[3], 45);
	return result;
}

static void sow(struct generator *g, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		seed += UINT64_C(0x9e3779b97f4a7c15);
		g->s[i] = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9) ^ (seed >> 27);
	}
	for (int i = 0; i < 16; i++)
		draw(g);
}

static void fill(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)draw(ctx);
}

struct flight {
	nsec_t at;
	uint64_t order;		/* ties go by age */
	int client;
	unsigned link;
	enum sim_direction direction;
	uint16_t port;
	size_t len;
	uint8_t *datagram;
};

struct flow {
	bool used, running;
	unsigned client;
	enum sim_direction direction;
	size_t len;
	nsec_t interval, next_at;
	uint32_t number, newest, base;
	bool any;
	struct sim_flow_stats stats;
	uint8_t seen[SEEN / 8];
};

struct model {
	const struct sim_model *ops;
	void *ctx;
};

struct event {
	nsec_t at;
	sim_action *action;
	void *ctx;
};

struct end {
	struct engine *engine;
	struct buf_pool *pool;
	struct buf_queue waiting;	/* what models sent, until the engine can take it */
	struct buf_queue hoard;	/* what sim_starve took */
	struct generator random;
	unsigned events[8];
};

struct sim {
	nsec_t now;
	uint64_t seed, trace, order;
	struct generator random;
	char strategy[32];
	unsigned clients;
	struct end server, client[SIM_CLIENTS];
	uint8_t server_key[32], client_key[SIM_CLIENTS][32];
	struct sim_link link[SIM_CLIENTS][SIM_LINKS];
	unsigned links[SIM_CLIENTS];
	struct flight *heap;
	size_t flights, room;
	struct flow *flow;
	struct model model[SIM_MODELS];
	size_t models;
	unsigned attached;
	struct event event[SIM_EVENTS];
	size_t event_count;
	sim_tap *tap;
	void *tap_ctx;
};

static struct end *end_of(const struct sim *s, int end)
{
	return (struct end *)(end == SERVER ? &s->server : &s->client[end]);
}

/* --- the heap of datagrams under way ------------------------------------- */

static bool before(const struct flight *a, const struct flight *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct sim *s, struct flight f)
{
	size_t i = s->flights++;

	if (s->flights > s->room) {
		s->room = s->room != 0 ? 2 * s->room : 1024;
		s->heap = realloc(s->heap, s->room * sizeof(*s->heap));
		assert_non_null(s->heap);
	}
	f.order = s->order++;
	while (i > 0 && before(&f, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = f;
}

static struct flight heap_pop(struct sim *s)
{
	struct flight top = s->heap[0], last = s->heap[--s->flights];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->flights)
			break;
		if (child + 1 < s->flights && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
	return top;
}

/* --- ends ---------------------------------------------------------------- */

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(text, &p));
	return p;
}

static void public_key(const uint8_t private_key[32], uint8_t ret[32])
{
	crypto_scalarmult_base(ret, private_key);
}

static void start_engine(struct sim *s, struct end *end, struct engine_config *config)
{
	strcpy(config->strategy, s->strategy);
	config->random = (struct random_source){ fill, &end->random };
	end->pool = buf_pool_new(POOL);
	assert_non_null(end->pool);
	config->pool = end->pool;
	end->engine = engine_new(config, s->now);
	assert_non_null(end->engine);
}

static void start_server(struct sim *s)
{
	static struct engine_peer_config peer[SIM_CLIENTS];
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
	struct engine_config config = { .role = ENGINE_CLIENT, .peer = &peer, .peer_count = 1 };

	memcpy(config.private_key, s->client_key[client], 32);
	public_key(s->server_key, peer.public_key);
	start_engine(s, &s->client[client], &config);
}

static void stop_end(struct end *end)
{
	engine_free(end->engine);
	buf_queue_clear(&end->waiting);
	buf_queue_clear(&end->hoard);
	assert_int_equal(buf_pool_left(end->pool), POOL);
	buf_pool_free(end->pool);
}

struct sim *sim_new(uint64_t seed, unsigned clients, const char *strategy)
{
	struct sim *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_true(sodium_init() >= 0);
	s->now = SEC(1000);
	s->seed = seed;
	s->clients = clients;
	strcpy(s->strategy, strategy);
	s->flow = calloc(SIM_FLOWS, sizeof(*s->flow));
	assert_non_null(s->flow);
	sow(&s->random, seed);
	sow(&s->server.random, seed + 1);
	fill(&s->random, s->server_key, 32);
	for (unsigned i = 0; i < clients; i++) {
		sow(&s->client[i].random, seed + 2 + i);
		fill(&s->random, s->client_key[i], 32);
	}
	start_server(s);
	for (unsigned i = 0; i < clients; i++)
		start_client(s, i);
	return s;
}

void sim_free(struct sim *s)
{
	while (s->flights > 0)
		free(heap_pop(s).datagram);
	stop_end(&s->server);
	for (unsigned i = 0; i < s->clients; i++)
		stop_end(&s->client[i]);
	free(s->heap);
	free(s->flow);
	free(s);
}

nsec_t sim_now(const struct sim *s)
{
	return s->now;
}

struct engine *sim_client(struct sim *s, unsigned client)
{
	return s->client[client].engine;
}

struct engine *sim_server(struct sim *s)
{
	return s->server.engine;
}

struct sim_link *sim_link(struct sim *s, unsigned client, unsigned link)
{
	return &s->link[client][link];
}

/* --- links --------------------------------------------------------------- */

static struct addr server_address(void)
{
	const uint8_t ip[4] = { 192, 0, 2, 1 };

	return addr_from_ipv4(ip, SERVER_PORT);
}

static struct addr client_address(int client, unsigned link, uint16_t port)
{
	const uint8_t ip[4] = { 198, 51, (uint8_t)(100 + client), (uint8_t)(1 + link) };

	return addr_from_ipv4(ip, port);
}

static void mix(struct sim *s, uint64_t value)
{
	s->trace = rotl(s->trace ^ value, 23) * UINT64_C(0x9e3779b97f4a7c15);
}

static size_t step_at(const struct sim_way *way, nsec_t offset)
{
	size_t low = 0, high = way->rate_count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (way->rates[middle].at <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* When the bits are through that begin at `from`, at rates that change meanwhile. */
static nsec_t through_steps(const struct sim_way *way, uint64_t bits, nsec_t from)
{
	nsec_t period = way->rates_period, offset = from - way->rates_from;
	size_t i;

	if (period != 0)
		offset %= period;
	for (i = step_at(way, offset);; i = (i + 1) % way->rate_count) {
		bool last = i + 1 == way->rate_count;
		nsec_t end = !last ? way->rates[i + 1].at : period != 0 ? period : NSEC_NEVER;
		nsec_t left = end - offset, need = NSEC_NEVER;

		if (way->rates[i].rate != 0)
			need = bits * NSEC_PER_SEC / way->rates[i].rate;
		if (need <= left)
			return from + need;
		if (end == NSEC_NEVER)
			return NSEC_NEVER;
		bits -= left * way->rates[i].rate / NSEC_PER_SEC;
		from += left;
		offset = last ? 0 : end;
	}
}

static nsec_t through(const struct sim_way *way, uint64_t bits, nsec_t from)
{
	if (way->rate_count != 0)
		return through_steps(way, bits, from);
	return way->rate != 0 ? from + bits * NSEC_PER_SEC / way->rate : from;
}

/* The sum of twelve uniform numbers has the variance 1: no libm, the same everywhere. */
static nsec_t normal_delay(struct sim *s, const struct sim_way *way)
{
	int64_t sum = -6 * 65536, delay;

	for (int i = 0; i < 3; i++) {
		uint64_t word = draw(&s->random);

		for (int j = 0; j < 4; j++, word >>= 16)
			sum += (int64_t)(word & 0xffff);
	}
	delay = (int64_t)way->delay + (int64_t)way->jitter * sum / 65536;
	return delay > 0 ? (nsec_t)delay : 0;
}

static nsec_t drawn_delay(struct sim *s, const struct sim_way *way)
{
	if (way->jitter == 0)
		return way->delay;
	if (way->normal)
		return normal_delay(s, way);
	return way->delay + draw(&s->random) % way->jitter;
}

/* sch_netem.c, netem_enqueue(): behind the last packet in the queue, then its time on the wire. */
static nsec_t netem_arrival(struct sim *s, const struct sim_way *way, uint64_t bits,
			    nsec_t *last_at)
{
	nsec_t ready = s->now + drawn_delay(s, way), at;

	if (way->rate == 0 && way->rate_count == 0)
		return ready;
	at = through(way, bits, nsec_max(*last_at, ready));
	if (at != NSEC_NEVER)
		*last_at = at;
	return at;
}

/* A wire that takes one packet after the other, and then a way that may vary. */
static nsec_t wire_arrival(struct sim *s, const struct sim_way *way, uint64_t bits, nsec_t *free_at,
			   nsec_t *last_at)
{
	nsec_t at = through(way, bits, nsec_max(*free_at, s->now));

	if (at == NSEC_NEVER)
		return at;
	*free_at = at;
	at += drawn_delay(s, way);
	if (!way->reorders)
		at = nsec_max(at, *last_at);
	*last_at = at;
	return at;
}

/* Into the link, where it waits its turn, or is lost. */
static void enter(struct sim *s, int client, unsigned link, enum sim_direction direction,
		  const uint8_t *datagram, size_t datagram_len)
{
	struct sim_link *l = &s->link[client][link];
	const struct sim_way *way = direction == SIM_UP ? &l->up : &l->down;
	nsec_t *free_at = direction == SIM_UP ? &l->up_free_at : &l->down_free_at;
	nsec_t *last_at = direction == SIM_UP ? &l->up_last_at : &l->down_last_at;
	size_t *queued = direction == SIM_UP ? &l->up_queued : &l->down_queued;
	struct flight f = { .client = client, .link = link, .direction = direction, .port = l->port,
			    .len = datagram_len };
	uint8_t copy[2048];
	uint64_t bits;

	memcpy(copy, datagram, f.len);
	if (s->tap != NULL && !s->tap(s->tap_ctx, s, (unsigned)client, link, direction, copy, &f.len))
		return;
	*(direction == SIM_UP ? &l->up_packets : &l->down_packets) += 1;
	*(direction == SIM_UP ? &l->up_bytes : &l->down_bytes) += f.len + (l->bare ? 0 : OUTER);
	mix(s, s->now ^ f.len << 40 ^ (uint64_t)link << 56 ^ (uint64_t)direction << 60);
	if (way->cut || (way->mtu != 0 && f.len + (l->bare ? 0 : OUTER) > way->mtu))
		return;
	if (*queued >= (way->queue != 0 ? way->queue : QUEUE)) {
		*(direction == SIM_UP ? &l->up_dropped : &l->down_dropped) += 1;
		return;
	}
	if (way->loss_ppm != 0 && draw(&s->random) % 1000000 < way->loss_ppm)
		return;
	bits = (f.len + (l->bare ? 0 : OUTER) + way->framing) * 8;
	f.at = way->netem ? netem_arrival(s, way, bits, last_at) :
			    wire_arrival(s, way, bits, free_at, last_at);
	f.datagram = malloc(f.len > 0 ? f.len : 1);
	assert_non_null(f.datagram);
	memcpy(f.datagram, copy, f.len);
	(*queued)++;
	heap_push(s, f);
}

static void send_all(struct sim *s, int end)
{
	struct endpoint to;
	struct buf *b;

	while ((b = engine_net_out(end_of(s, end)->engine, s->now, &to)) != NULL) {
		if (end == SERVER)
			enter(s, to.remote.ip[2] - 100, to.remote.ip[3] - 1u, SIM_DOWN, b->data, b->len);
		else
			enter(s, end, to.socket, SIM_UP, b->data, b->len);
		buf_put(b);
	}
}

/* --- flows --------------------------------------------------------------- */

#define INNER_HEADERS	28
#define FLOW_PORT	9000

static void write_inner(uint8_t *p, size_t len, const uint8_t src[4], const uint8_t dst[4],
			uint16_t port)
{
	memset(p, 0, len);
	p[0] = 0x45;
	put_be16(p + 2, (uint16_t)len);
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, src, 4);
	memcpy(p + 16, dst, 4);
	put_be16(p + 20, port);
	put_be16(p + 22, port);
	put_be16(p + 24, (uint16_t)(len - 20));
}

void sim_tun_in(struct sim *s, int end, const uint8_t *packet, size_t len)
{
	struct buf *b = buf_get(end_of(s, end)->pool);

	assert_non_null(b);
	memcpy(buf_append(b, len), packet, len);
	engine_tun_in(end_of(s, end)->engine, b, s->now);
}

static void flow_send(struct sim *s, unsigned index)
{
	struct flow *f = &s->flow[index];
	const uint8_t server[4] = { 10, 84, 0, 1 }, client[4] = { 10, 84, 0, (uint8_t)(2 + f->client) };
	uint8_t packet[2048];
	bool up = f->direction == SIM_UP;

	write_inner(packet, f->len, up ? client : server, up ? server : client,
		    (uint16_t)(FLOW_PORT + index));
	put_le32(packet + INNER_HEADERS, f->number++);
	put_le64(packet + INNER_HEADERS + 4, s->now);
	f->stats.sent++;
	f->next_at += f->interval;
	/* an end without a buffer loses the packet, as a TUN's queue does */
	if (buf_pool_left(end_of(s, up ? (int)f->client : SERVER)->pool) > 0)
		sim_tun_in(s, up ? (int)f->client : SERVER, packet, f->len);
}

static void flow_take(struct sim *s, const uint8_t *packet, size_t len)
{
	unsigned index = get_be16(packet + 22) - FLOW_PORT;
	struct flow *f = index < SIM_FLOWS ? &s->flow[index] : NULL;
	uint32_t number;
	nsec_t latency;

	if (f == NULL || !f->used || len < INNER_HEADERS + 12)
		return;
	number = get_le32(packet + INNER_HEADERS);
	latency = s->now - get_le64(packet + INNER_HEADERS + 4);
	mix(s, number ^ s->now);
	assert_true(number < SEEN);
	if (f->seen[number / 8] & 1u << number % 8) {
		f->stats.duplicates++;
		return;
	}
	f->seen[number / 8] |= (uint8_t)(1u << number % 8);
	f->stats.received++;
	if (f->any && number < f->newest) {
		f->stats.reordered++;
		if (f->newest - number > f->stats.deepest)
			f->stats.deepest = f->newest - number;
	} else {
		f->newest = number;
	}
	if (f->any && s->now - f->stats.last_at > f->stats.longest_gap)
		f->stats.longest_gap = s->now - f->stats.last_at;
	if (!f->any)
		f->stats.first_at = s->now;
	f->any = true;
	f->stats.last_at = s->now;
	f->stats.latency_sum += latency;
	f->stats.latency_max = nsec_max(f->stats.latency_max, latency);
}

unsigned sim_flow(struct sim *s, unsigned client, enum sim_direction direction, size_t len,
		  nsec_t interval)
{
	for (unsigned i = 0; i < SIM_FLOWS; i++) {
		if (s->flow[i].used)
			continue;
		s->flow[i] = (struct flow){ .used = true, .running = true, .client = client,
					    .direction = direction, .len = len,
					    .interval = interval, .next_at = s->now };
		return i;
	}
	fail_msg("too many flows");
	return 0;
}

void sim_flow_stop(struct sim *s, unsigned flow)
{
	s->flow[flow].running = false;
}

struct sim_flow_stats sim_flow_stats(const struct sim *s, unsigned flow)
{
	return s->flow[flow].stats;
}

void sim_flow_forget(struct sim *s, unsigned flow)
{
	s->flow[flow].any = false;
	s->flow[flow].stats = (struct sim_flow_stats){ 0 };
}

/* --- models -------------------------------------------------------------- */

unsigned sim_attach(struct sim *s, const struct sim_model *model, void *ctx)
{
	assert_true(s->models < SIM_MODELS);
	s->model[s->models++] = (struct model){ model, ctx };
	return s->attached++;
}

void sim_detach(struct sim *s, void *ctx)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->models; i++)
		if (s->model[i].ctx != ctx)
			s->model[kept++] = s->model[i];
	s->models = kept;
}

void sim_addresses(const struct sim_via *via, uint8_t ret_client[4], uint8_t ret_server[4])
{
	const uint8_t server[4] = { 10, 84, 0, 1 };

	memcpy(ret_server, server, 4);
	memcpy(ret_client, server, 4);
	ret_client[3] = (uint8_t)(2 + via->client);
}

void sim_send(struct sim *s, const struct sim_via *via, enum sim_direction direction,
	      const uint8_t *packet, size_t len)
{
	struct end *end = end_of(s, direction == SIM_UP ? (int)via->client : SERVER);
	struct buf *b;

	if (via->bare) {
		enter(s, (int)via->client, via->link, direction, packet, len);
		return;
	}
	b = buf_get(end->pool);
	if (b == NULL)
		return;
	memcpy(buf_append(b, len), packet, len);
	buf_queue_push(&end->waiting, b);
}

static bool models_take(struct sim *s, enum sim_direction direction, const uint8_t *packet,
			size_t len)
{
	for (size_t i = 0; i < s->models; i++)
		if (s->model[i].ops->take(s->model[i].ctx, direction, packet, len)) {
			mix(s, s->now ^ len);
			return true;
		}
	return false;
}

static nsec_t next_model_at(const struct sim *s, size_t *ret)
{
	nsec_t at = NSEC_NEVER;

	for (size_t i = 0; i < s->models; i++) {
		nsec_t due = s->model[i].ops->due(s->model[i].ctx);

		if (due < at) {
			at = due;
			*ret = i;
		}
	}
	return at;
}

void sim_at(struct sim *s, nsec_t at, sim_action *action, void *ctx)
{
	assert_true(s->event_count < SIM_EVENTS);
	s->event[s->event_count++] = (struct event){ at, action, ctx };
}

/* Of two at the same time, the one that was asked for first. */
static nsec_t next_event_at(const struct sim *s, size_t *ret)
{
	nsec_t at = NSEC_NEVER;

	for (size_t i = 0; i < s->event_count; i++)
		if (s->event[i].at < at) {
			at = s->event[i].at;
			*ret = i;
		}
	return at;
}

static void act(struct sim *s, size_t index)
{
	struct event e = s->event[index];

	s->event_count--;
	memmove(&s->event[index], &s->event[index + 1],
		(s->event_count - index) * sizeof(s->event[0]));
	e.action(e.ctx, s);
}

/* --- the loop ------------------------------------------------------------ */

static void take_out(struct sim *s, int end)
{
	struct end *e = end_of(s, end);
	struct engine_event event;
	struct buf *b;

	send_all(s, end);
	while ((b = engine_tun_out(e->engine, s->now)) != NULL) {
		if (!models_take(s, end == SERVER ? SIM_UP : SIM_DOWN, b->data, b->len))
			flow_take(s, b->data, b->len);
		buf_put(b);
	}
	while (engine_event_out(e->engine, &event))
		e->events[event.type]++;
}

/* What models sent, a burst at a time, as a TUN gives it. */
static void take_in(struct sim *s)
{
	for (int i = SERVER; i < (int)s->clients; i++) {
		struct end *e = end_of(s, i);

		while (e->waiting.count > 0) {
			struct buf *b;

			while ((b = buf_queue_pop(&e->waiting)) != NULL)
				engine_tun_in(e->engine, b, s->now);
			take_out(s, i);
		}
	}
}

static void deliver(struct sim *s, int client, unsigned link, enum sim_direction direction,
		    uint16_t port, const uint8_t *datagram, size_t len)
{
	int end = direction == SIM_UP ? SERVER : client;
	struct endpoint from = { .socket = direction == SIM_UP ? 0 : (uint8_t)link };
	struct buf *b = buf_get(end_of(s, end)->pool);

	if (b == NULL)
		return;
	from.remote = direction == SIM_UP ? client_address(client, link, port) : server_address();
	memcpy(buf_append(b, len), datagram, len);
	engine_net_in(end_of(s, end)->engine, &from, b, s->now);
	take_out(s, end);
}

static void arrive(struct sim *s)
{
	struct flight f = heap_pop(s);
	struct sim_link *l = &s->link[f.client][f.link];

	*(f.direction == SIM_UP ? &l->up_queued : &l->down_queued) -= 1;
	/* a NAT knows only the port that the client has now */
	if (l->bare)
		models_take(s, f.direction, f.datagram, f.len);
	else if (f.direction == SIM_UP || f.port == l->port)
		deliver(s, f.client, f.link, f.direction, f.port, f.datagram, f.len);
	free(f.datagram);
}

static nsec_t next_flow_at(const struct sim *s, unsigned *ret)
{
	nsec_t at = NSEC_NEVER;

	for (unsigned i = 0; i < SIM_FLOWS; i++)
		if (s->flow[i].used && s->flow[i].running && s->flow[i].next_at < at) {
			at = s->flow[i].next_at;
			*ret = i;
		}
	return at;
}

static nsec_t next_deadline(const struct sim *s, int *ret)
{
	nsec_t at = NSEC_NEVER;

	for (int i = SERVER; i < (int)s->clients; i++) {
		nsec_t due = engine_deadline(end_of(s, i)->engine, s->now);

		if (due < at) {
			at = due;
			*ret = i;
		}
	}
	return at;
}

/* One thing happens; false: nothing before `until`. */
static bool happen(struct sim *s, nsec_t until, unsigned *spins)
{
	unsigned flow = 0;
	int end = 0;
	size_t model = 0, event = 0;
	nsec_t flow_at = next_flow_at(s, &flow), due = next_deadline(s, &end);
	nsec_t model_at = next_model_at(s, &model), event_at = next_event_at(s, &event);
	nsec_t arrival = s->flights > 0 ? s->heap[0].at : NSEC_NEVER;
	nsec_t at = nsec_min(nsec_min(arrival, nsec_min(flow_at, due)), nsec_min(model_at, event_at));

	if (at > until || at == NSEC_NEVER)
		return false;
	*spins = at <= s->now ? *spins + 1 : 0;
	assert_true(*spins < 100000);	/* a deadline that is never met spins a CPU */
	s->now = nsec_max(s->now, at);
	if (event_at == at) {
		act(s, event);
	} else if (arrival == at) {
		arrive(s);
	} else if (flow_at == at) {
		int from = s->flow[flow].direction == SIM_UP ? (int)s->flow[flow].client : SERVER;

		flow_send(s, flow);
		take_out(s, from);
	} else if (model_at == at) {
		s->model[model].ops->tick(s->model[model].ctx);
	} else {
		engine_tick(end_of(s, end)->engine, s->now);
		take_out(s, end);
	}
	take_in(s);
	return true;
}

void sim_run(struct sim *s, nsec_t duration)
{
	nsec_t until = s->now + duration;
	unsigned spins = 0;

	while (happen(s, until, &spins))
		;
	s->now = until;
}

bool sim_run_until(struct sim *s, int end, enum engine_event_type type, nsec_t within)
{
	nsec_t until = s->now + within;
	unsigned had = sim_events(s, end, type), spins = 0;

	while (sim_events(s, end, type) == had)
		if (!happen(s, until, &spins)) {
			s->now = until;
			return false;
		}
	return true;
}

unsigned sim_events(const struct sim *s, int end, enum engine_event_type type)
{
	return end_of(s, end)->events[type];
}

/* --- what happens to it -------------------------------------------------- */

static void join(struct sim *s, unsigned client, unsigned link)
{
	struct endpoint to = { .socket = (uint8_t)link, .remote = server_address() };

	assert_int_equal(engine_path_add(s->client[client].engine, &to, &s->link[client][link].wish,
					 s->now), 0);
	take_out(s, (int)client);
}

unsigned sim_add_bare(struct sim *s, unsigned client, const struct sim_way *up,
		      const struct sim_way *down)
{
	unsigned link = s->links[client]++;

	assert_true(link < SIM_LINKS);
	s->link[client][link] = (struct sim_link){ .up = *up, .down = *down, .port = 40000,
						   .bare = true, .wish.weight = 1 };
	return link;
}

unsigned sim_add_ways(struct sim *s, unsigned client, const struct sim_way *up,
		      const struct sim_way *down)
{
	unsigned link = sim_add_bare(s, client, up, down);

	s->link[client][link].bare = false;
	join(s, client, link);
	return link;
}

unsigned sim_add_link(struct sim *s, unsigned client, uint64_t rate, nsec_t rtt, uint32_t loss_ppm)
{
	struct sim_way way = { .rate = rate, .delay = rtt / 2, .loss_ppm = loss_ppm };

	return sim_add_ways(s, client, &way, &way);
}

void sim_way_follow(struct sim *s, struct sim_way *way, const struct sim_rate *rates, size_t count,
		    nsec_t period)
{
	uint64_t most = 0;

	assert_true(count > 0 && rates[0].at == 0);
	for (size_t i = 0; i < count; i++)
		most = rates[i].rate > most ? rates[i].rate : most;
	assert_true(period == 0 || (most > 0 && rates[count - 1].at < period));
	way->rates = rates;
	way->rate_count = count;
	way->rates_from = s->now;
	way->rates_period = period;
}

void sim_link_down(struct sim *s, unsigned client, unsigned link)
{
	sim_cut(s, client, link, true);
	engine_path_remove(s->client[client].engine, link, s->now);
	take_out(s, (int)client);
}

void sim_link_up(struct sim *s, unsigned client, unsigned link)
{
	sim_cut(s, client, link, false);
	join(s, client, link);
}

void sim_cut(struct sim *s, unsigned client, unsigned link, bool cut)
{
	s->link[client][link].up.cut = cut;
	s->link[client][link].down.cut = cut;
}

void sim_restart_server(struct sim *s)
{
	stop_end(&s->server);
	start_server(s);
}

void sim_restart_client(struct sim *s, unsigned client)
{
	stop_end(&s->client[client]);
	start_client(s, client);
	for (unsigned i = 0; i < s->links[client]; i++)
		if (!s->link[client][i].bare)
			join(s, client, i);
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

void sim_set_tap(struct sim *s, sim_tap *tap, void *ctx)
{
	s->tap = tap;
	s->tap_ctx = ctx;
}

void sim_inject(struct sim *s, unsigned client, unsigned link, enum sim_direction direction,
		const uint8_t *datagram, size_t len)
{
	deliver(s, (int)client, link, direction, s->link[client][link].port, datagram, len);
}

uint64_t sim_trace(const struct sim *s)
{
	return s->trace;
}

uint64_t sim_drops(const struct sim *s, int end, enum engine_drop drop)
{
	uint64_t drops[ENGINE_DROPS];

	engine_drops(end_of(s, end)->engine, drops);
	return drops[drop];
}

void sim_overfill(struct sim *s, unsigned client, unsigned link)
{
	struct engine_link *wish = &sim_link(s, client, link)->wish;

	wish->fixed = true;
	engine_path_set_link(sim_client(s, client), link, wish, s->now);
}

uint64_t sim_arrived(const struct sim *s)
{
	struct engine_path_status path;

	return engine_path_status(sim_server((struct sim *)s), 0, s->now, &path, 1) == 1 ? path.rx_bytes : 0;
}
