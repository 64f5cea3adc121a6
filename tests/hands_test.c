/*
 * engine: hands that help to seal and open change nothing but who does it: every
 * datagram and every inner packet is the same, byte for byte, whatever strangers
 * put between them, and whatever happens to the keys meanwhile.
 *
 * Two engines, and the datagrams between them, which arrive in batches.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/crypto/suite.h"
#include "core/engine.h"
#include "inner_packet.h"
#include "io/crew.h"
#include "shuffle.h"
#include "sim/dice.h"
#include "sim/sim.h"
#include "tap.h"

#define POOL		16384
#define BATCH		512	/* datagrams that may arrive at once */
#define INNER		1300
#define STEP		MSEC(5)
#define TAPE		64
#define WORTH		16384

struct datagram {
	size_t len;
	uint8_t bytes[2048];
};

struct end {
	struct engine *engine;
	struct buf_pool *pool;
	struct datagram *in;		/* BATCH of them, which arrive next */
	size_t in_count;
	uint64_t came;			/* inner packets */
};

struct world {
	nsec_t now;
	struct dice dice, mischief;
	struct hands hands;
	bool together;			/* what arrives is given to an engine in one call, else one by one */
	bool hostile;
	struct suite suite;
	struct end server, client;
	uint8_t server_key[32], client_key[32];
	struct datagram tape[TAPE];	/* of what was under way */
	size_t taped;
	crypto_generichash_state trace;
};

/* What two runs share only if all went alike. */
struct outcome {
	uint8_t trace[32];
	uint64_t up, down, drops[ENGINE_DROPS];
};

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(text, &p));
	return p;
}

static struct addr address_of(bool server)
{
	const uint8_t ip[4] = { 198, 51, 100, server ? 2 : 1 };

	return addr_from_ipv4(ip, 7474);
}

static void start(struct world *w, struct end *e, struct engine_config *config)
{
	strcpy(config->strategy, "aggregate");
	config->random = (struct random_source){ dice_fill, &w->dice };
	config->hands = w->hands;
	config->suite = &w->suite;
	config->pool = e->pool;
	e->engine = engine_new(config, w->now);
	assert_non_null(e->engine);
}

static void start_server(struct world *w)
{
	struct engine_peer_config peer = { .name = "laptop", .prefix_count = 1 };
	struct engine_config config = { .role = ENGINE_SERVER, .mtu = 1420, .peer = &peer, .peer_count = 1 };

	peer.prefix[0] = prefix_of("10.84.0.2/32");
	crypto_scalarmult_base(peer.public_key, w->client_key);
	memcpy(config.private_key, w->server_key, 32);
	start(w, &w->server, &config);
}

static void start_client(struct world *w)
{
	struct engine_peer_config peer = { .name = "vps" };
	struct engine_config config = { .role = ENGINE_CLIENT, .peer = &peer, .peer_count = 1 };
	const struct endpoint to = { .remote = address_of(true) };
	const struct engine_link link = { .fixed = true };

	crypto_scalarmult_base(peer.public_key, w->server_key);
	memcpy(config.private_key, w->client_key, 32);
	start(w, &w->client, &config);
	assert_int_equal(engine_path_add(w->client.engine, &to, &link, w->now), 0);
}

/* --- what arrives ---------------------------------------------------------- */

static bool rolls(struct world *w, unsigned one_of)
{
	return dice_draw(&w->mischief) % one_of == 0;
}

static void add(struct end *to, const struct datagram *d)
{
	if (to->in_count < BATCH)
		to->in[to->in_count++] = *d;
}

static void damage(struct world *w, struct datagram *d)
{
	d->bytes[7 + dice_draw(&w->mischief) % (d->len - 7)] ^= (uint8_t)(1u << dice_draw(&w->mischief) % 8);
}

/* Strangers see what is under way, and can put in what they like. */
static void meddle(struct world *w, struct end *to, const struct datagram *d)
{
	struct datagram other = *d;

	if (rolls(w, 16)) {
		damage(w, &other);
		add(to, &other);		/* under a number that is yet to come */
	}
	add(to, d);
	if (rolls(w, 8))
		add(to, d);			/* twice */
	if (rolls(w, 16)) {
		other = w->tape[dice_draw(&w->mischief) % TAPE];
		if (rolls(w, 2) && other.len > 7)
			damage(w, &other);
		add(to, &other);		/* of another time, perhaps under other keys, or the other way */
	}
	if (rolls(w, 16)) {
		dice_fill(&w->mischief, other.bytes, other.len);
		other.bytes[0] &= 0x8f;		/* says that it is data */
		add(to, &other);
	}
	if (rolls(w, 32) && to->in_count > 1) {
		struct datagram *last = &to->in[to->in_count - 1];

		other = *last;
		*last = last[-1];
		last[-1] = other;
	}
	w->tape[w->taped++ % TAPE] = *d;
}

static void arrive(struct world *w, struct end *e, bool server)
{
	static struct engine_arrival a[BATCH];
	size_t count = e->in_count;

	for (size_t i = 0; i < count; i++) {
		a[i] = (struct engine_arrival){ { .remote = address_of(!server) }, buf_get(e->pool) };
		assert_non_null(a[i].datagram);
		memcpy(buf_append(a[i].datagram, e->in[i].len), e->in[i].bytes, e->in[i].len);
	}
	e->in_count = 0;
	if (w->together)
		engine_net_in_all(e->engine, a, count, w->now);
	for (size_t i = 0; i < count && !w->together; i++)
		engine_net_in(e->engine, &a[i].from, a[i].datagram, w->now);
}

static void take_out(struct world *w, struct end *e, struct end *other)
{
	struct engine_event event;
	struct endpoint to;
	struct datagram d;
	struct buf *b;

	while ((b = engine_net_out(e->engine, w->now, &to)) != NULL) {
		crypto_generichash_update(&w->trace, b->data, b->len);
		d.len = b->len;
		memcpy(d.bytes, b->data, b->len);
		if (w->hostile)
			meddle(w, other, &d);
		else
			add(other, &d);
		buf_put(b);
	}
	while ((b = engine_tun_out(e->engine, w->now)) != NULL) {
		crypto_generichash_update(&w->trace, b->data, b->len);
		e->came++;
		buf_put(b);
	}
	while (engine_event_out(e->engine, &event))
		crypto_generichash_update(&w->trace, (const uint8_t *)&event.type, sizeof(event.type));
}

/* --- what goes ------------------------------------------------------------- */

static void send_inner(struct world *w, struct end *e, bool server)
{
	static const uint8_t inner[2][4] = { { 10, 84, 0, 2 }, { 10, 84, 0, 1 } };
	struct buf *b = buf_get_to_keep(e->pool);
	uint8_t *p;

	assert_non_null(b);
	p = buf_append(b, INNER);
	dice_fill(&w->mischief, p, INNER);
	inner_packet_ipv4(p, INNER, 6, inner[server], inner[!server]);
	put_be16(p + 20, (uint16_t)(1000 + dice_draw(&w->mischief) % 3));
	put_be16(p + 22, 443);
	p[32] = 0x50;
	engine_tun_in(e->engine, b, w->now);
}

/* Both ends have so many packets to send, in each of so many turns. */
static void turns(struct world *w, unsigned count, unsigned packets)
{
	while (count-- > 0) {
		arrive(w, &w->server, true);
		arrive(w, &w->client, false);
		for (unsigned i = 0; i < packets; i++) {
			send_inner(w, &w->server, true);
			send_inner(w, &w->client, false);
		}
		if (w->now >= engine_deadline(w->server.engine, w->now))
			engine_tick(w->server.engine, w->now);
		if (w->now >= engine_deadline(w->client.engine, w->now))
			engine_tick(w->client.engine, w->now);
		take_out(w, &w->server, &w->client);
		take_out(w, &w->client, &w->server);
		w->now += STEP;
	}
}

static void restart_client(struct world *w)
{
	engine_free(w->client.engine);
	w->client.in_count = 0;
	start_client(w);
}

static struct end end_new(void)
{
	struct end e = { .pool = buf_pool_new(POOL), .in = calloc(BATCH, sizeof(struct datagram)) };

	assert_non_null(e.pool);
	assert_non_null(e.in);
	return e;
}

static void end_done(struct end *e)
{
	engine_free(e->engine);
	buf_pool_free(e->pool);		/* which asserts that all are back */
	free(e->in);
}

/* All that can happen to keys, with a lot under way. */
static void live(struct world *w)
{
	turns(w, 40, 0);
	for (unsigned rekey = 0; rekey < 2; rekey++) {
		turns(w, 30, 30);
		turns(w, 23850, 0);		/* 119.25 s */
		turns(w, 250, 20);
	}
	assert_true(w->server.came > 8000 && w->client.came > 8000);
	/* goodbye, and packets behind it */
	engine_close(w->client.engine, w->now);
	turns(w, 4, 40);
	turns(w, 400, 0);
	restart_client(w);
	turns(w, 100, 20);
}

static struct outcome run(const struct hands *hands, bool together, bool hostile, const struct aead_ops *ops)
{
	static struct world w;
	struct outcome o;

	w = (struct world){ .now = SEC(1000), .together = together, .hostile = hostile };
	if (hands != NULL)
		w.hands = *hands;
	w.suite = (struct suite){ .offered = CIPHER_BIT(CIPHER_CHACHA20_POLY1305) };
	w.suite.ops[CIPHER_CHACHA20_POLY1305] = ops;
	dice_sow(&w.dice, 1);
	dice_sow(&w.mischief, 2);
	dice_fill(&w.dice, w.server_key, 32);
	dice_fill(&w.dice, w.client_key, 32);
	crypto_generichash_init(&w.trace, NULL, 0, sizeof(o.trace));
	w.server = end_new();
	w.client = end_new();
	start_server(&w);
	start_client(&w);
	live(&w);
	memset(&o, 0, sizeof(o));
	o.up = w.server.came;
	o.down = w.client.came;
	engine_drops(w.server.engine, o.drops);
	crypto_generichash_final(&w.trace, o.trace, sizeof(o.trace));
	end_done(&w.server);
	end_done(&w.client);
	return o;
}

/* --- the tests ------------------------------------------------------------- */

static const struct aead_ops *const cipher[] = {
	&aead_sodium_chacha20_poly1305_ops,
#ifdef TTT_LIBCRYPTO
	&aead_libcrypto_chacha20_poly1305_ops,
#endif
#ifdef TTT_IPSEC_MB
	&aead_ipsec_mb_chacha20_poly1305_ops,
#endif
};

static void same(const struct outcome *a, const struct outcome *b)
{
	assert_memory_equal(a->drops, b->drops, sizeof(a->drops));
	assert_int_equal(a->up, b->up);
	assert_int_equal(a->down, b->down);
	assert_memory_equal(a->trace, b->trace, sizeof(a->trace));
}

static void compare(bool hostile)
{
	const struct outcome alone = run(NULL, false, hostile, cipher[0]);

	if (hostile)
		assert_true(alone.drops[DROP_AUTH] > 100 && alone.drops[DROP_REPLAY] > 100 &&
			    alone.drops[DROP_NO_KEY] > 100);
	for (size_t c = 0; c < sizeof(cipher) / sizeof(cipher[0]); c++)
		for (size_t worth = 0; worth <= WORTH; worth += WORTH) {
			struct shuffle shuffle = { .runs = 0 };
			struct outcome helped;
			struct hands hands;

			dice_sow(&shuffle.dice, 3);
			hands = shuffle_hands(&shuffle, worth);
			helped = run(&hands, true, hostile, cipher[c]);
			assert_true(shuffle.items > 20000);
			same(&alone, &helped);
		}
}

static void in_any_order_and_by_any_hand_all_is_the_same(void **state)
{
	(void)state;
	compare(false);
}

static void and_so_it_is_among_strangers_datagrams(void **state)
{
	(void)state;
	compare(true);
}

static void and_so_it_is_with_threads(void **state)
{
	const struct outcome alone = run(NULL, false, true, cipher[0]);

	(void)state;
	for (size_t c = 0; c < sizeof(cipher) / sizeof(cipher[0]); c++) {
		struct outcome helped;
		struct hands hands = { .run = crew_run, .count = 3, .worth = WORTH };
		struct crew *crew;

		assert_int_equal(crew_new(2, &crew), 0);
		hands.ctx = crew;
		helped = run(&hands, true, true, cipher[c]);
		crew_free(crew);
		same(&alone, &helped);
	}
}

/* Two links that lose, repairs, acknowledgements: nothing of it knows. */
static uint64_t trace_of(const struct hands *hands)
{
	struct sim *s = sim_new(7, 1, "redundant");
	uint64_t trace;

	sim_set_hands(s, hands);
	sim_restart_server(s);
	sim_restart_client(s, 0);
	sim_add_link(s, 0, UINT64_C(20000000), MSEC(20), 10000);
	sim_add_link(s, 0, UINT64_C(10000000), MSEC(60), 20000);
	sim_run(s, SEC(1));
	sim_flow(s, 0, SIM_UP, 1200, MSEC(1));
	sim_flow(s, 0, SIM_DOWN, 1200, MSEC(1));
	sim_run(s, SEC(20));
	assert_true(sim_flow_stats(s, 0).received > 10000);
	trace = sim_trace(s);
	sim_free(s);
	return trace;
}

static void a_simulation_does_not_know_who_helped(void **state)
{
	struct shuffle shuffle = { .runs = 0 };
	const struct hands nobody = { 0 };
	struct hands hands;

	(void)state;
	dice_sow(&shuffle.dice, 4);
	hands = shuffle_hands(&shuffle, 0);
	assert_int_equal(trace_of(&hands), trace_of(&nobody));
	assert_true(shuffle.items > 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("in any order, and by any hand, all is the same", in_any_order_and_by_any_hand_all_is_the_same),
		TEST("and so it is among strangers' datagrams, and while keys come and go",
		     and_so_it_is_among_strangers_datagrams),
		TEST("and so it is with threads", and_so_it_is_with_threads),
		TEST("a simulation does not know who helped", a_simulation_does_not_know_who_helped),
	};

	if (sodium_init() < 0)
		return 1;
	return RUN_TESTS(tests);
}
