/* handshake: initiator and responder in memory: retries, cookies, replays, strangers. */
#include <sodium.h>
#include <string.h>

#include "core/crypto/initiator.h"
#include "core/crypto/responder.h"
#include "tap.h"

#define OFFERED	(CIPHER_BIT(CIPHER_CHACHA20_POLY1305) | CIPHER_BIT(CIPHER_AES_256_GCM))

static uint64_t seed;

static void fill(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	(void)ctx;
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		p[i] = (uint8_t)(seed >> 56);
	}
}

static const struct random_source source = { fill, NULL };

struct bench {
	struct initiator initiator;
	struct responder *responder;
	struct noise_keypair client, server;
	struct addr at;
	nsec_t now;
	bool live;
	uint8_t ticket[HANDSHAKE_TICKET];
	uint32_t index;
	bool known;
};

static bool find(void *ctx, const uint8_t public_key[32], struct responder_peer *ret)
{
	struct bench *b = ctx;

	if (!b->known || memcmp(public_key, b->client.public_key, 32) != 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->peer = b;
	ret->live = b->live;
	ret->config.mtu = 1420;
	ret->config.address_count = 1;
	prefix_parse("10.84.0.2/24", &ret->config.address[0]);
	return true;
}

static bool ticket_valid(void *ctx, void *peer, const uint8_t ticket[HANDSHAKE_TICKET])
{
	struct bench *b = ctx;

	assert_ptr_equal(peer, b);
	return memcmp(ticket, b->ticket, sizeof(b->ticket)) == 0;
}

static uint32_t new_index(void *ctx)
{
	return ++((struct bench *)ctx)->index;
}

static const struct responder_ops ops = { find, ticket_valid, new_index };

static void open_bench(struct bench *b)
{
	const uint8_t psk[32] = { 0 };

	seed = 1;
	memset(b, 0, sizeof(*b));
	b->now = SEC(100);
	b->known = true;
	fill(NULL, b->client.private_key, 32);
	fill(NULL, b->server.private_key, 32);
	fill(NULL, b->ticket, sizeof(b->ticket));
	noise_public_key(&b->client);
	noise_public_key(&b->server);
	assert_true(addr_parse_port("198.51.100.1:4000", 0, &b->at));
	initiator_init(&b->initiator, b->client.private_key, b->server.public_key, psk,
		       OFFERED, &source);
	b->responder = responder_new(b->server.private_key, OFFERED, &source, &ops, b, b->now);
	assert_non_null(b->responder);
}

static void close_bench(struct bench *b)
{
	responder_free(b->responder);
	initiator_done(&b->initiator);
}

static void message(struct bench *b, uint8_t ret[HANDSHAKE_INIT_SIZE])
{
	initiator_round(&b->initiator, b->now);
	initiator_message(&b->initiator, 0, b->now, ret);
}

static struct responder_result ask(struct bench *b, const uint8_t *m, size_t len)
{
	struct responder_result result;

	responder_input(b->responder, &b->at, m, len, b->now, &result);
	if (result.type != RESPONDER_IGNORED)
		assert_true(result.reply_len <= len);	/* no amplification */
	return result;
}

static void start(struct bench *b, const uint8_t *ticket, uint8_t ret[HANDSHAKE_INIT_SIZE])
{
	initiator_start(&b->initiator, 77, ticket, b->now);
	message(b, ret);
}

static enum initiator_result tell(struct bench *b, const struct responder_result *r)
{
	return initiator_input(&b->initiator, 0, r->reply, r->reply_len, b->now);
}

static void both_ends_agree_on_keys_and_configuration(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	const struct handshake_keys *k;
	struct bench b;

	(void)state;
	open_bench(&b);
	start(&b, NULL, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.type, RESPONDER_NEW);
	assert_int_equal(tell(&b, &r), INITIATOR_DONE);
	k = initiator_keys(&b.initiator);
	assert_memory_equal(k->send, r.keys.receive, 32);
	assert_memory_equal(k->receive, r.keys.send, 32);
	assert_int_equal(k->local_index, 77);
	assert_int_equal(k->remote_index, r.keys.local_index);
	assert_int_equal(k->config.mtu, 1420);
	assert_int_equal(k->config.address[0].len, 24);
	assert_false(k->resumed);
	assert_true(k->shorthand && r.keys.shorthand);
	assert_true(k->checksums && r.keys.checksums);
	close_bench(&b);
}

/* As it is with ends that know of none: they write zeros there, and do not look. */
static void what_is_new_is_for_ends_that_both_know_it(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	b.initiator.shorthand = b.initiator.checksums = false;
	start(&b, NULL, m);
	b.initiator.shorthand = b.initiator.checksums = true;	/* as if it had been offered to one that knows of none */
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.type, RESPONDER_NEW);
	assert_false(r.keys.shorthand || r.keys.checksums);
	assert_int_equal(tell(&b, &r), INITIATOR_DONE);
	assert_false(initiator_keys(&b.initiator)->shorthand || initiator_keys(&b.initiator)->checksums);
	close_bench(&b);
}

static void what_a_response_does_not_say_is_not_so(void **state)
{
	static const struct { bool shorthand, checksums; uint8_t flags; } row[] = {
		{ false, false, 0 }, { true, false, 2 }, { false, true, 4 }, { true, true, 6 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct handshake_response r = {
			.version = HANDSHAKE_VERSION, .cipher = CIPHER_CHACHA20_POLY1305, .index = 5,
			.shorthand = row[i].shorthand, .checksums = row[i].checksums, .config = { .mtu = 1420 },
		};
		uint8_t payload[HANDSHAKE_PAYLOAD];
		struct handshake_response read;

		handshake_write_response(&r, payload);
		assert_int_equal(payload[2], row[i].flags);
		assert_true(handshake_read_response(payload, &read));
		assert_int_equal(read.shorthand, row[i].shorthand);
		assert_int_equal(read.checksums, row[i].checksums);
	}
}

static void copies_of_a_message_get_the_same_answer_and_no_new_keys(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE], again[HANDSHAKE_INIT_SIZE];
	struct responder_result first, second;
	struct bench b;

	(void)state;
	open_bench(&b);
	start(&b, NULL, m);
	message(&b, again);
	assert_memory_equal(m, again, sizeof(m));
	first = ask(&b, m, sizeof(m));
	second = ask(&b, m, sizeof(m));
	assert_int_equal(second.type, RESPONDER_REPLY);
	assert_memory_equal(first.reply, second.reply, first.reply_len);
	/* once confirmed, a late copy is known and says nothing */
	responder_confirmed(b.responder, first.keys.local_index);
	assert_int_equal(ask(&b, m, sizeof(m)).type, RESPONDER_IGNORED);
	close_bench(&b);
}

static void a_changed_message_has_a_new_ephemeral(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE], later[HANDSHAKE_INIT_SIZE];
	struct bench b;

	(void)state;
	open_bench(&b);
	start(&b, NULL, m);
	b.now += SEC(5);
	message(&b, later);
	assert_memory_not_equal(m + 4, later + 4, 32);
	close_bench(&b);
}

static void a_ticket_resumes_a_live_session_at_once(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	b.live = true;
	start(&b, b.ticket, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.type, RESPONDER_NEW);
	assert_int_equal(tell(&b, &r), INITIATOR_DONE);
	assert_true(initiator_keys(&b.initiator)->resumed);
	close_bench(&b);
}

static void without_a_ticket_a_live_session_costs_a_retry(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	b.live = true;
	start(&b, NULL, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.type, RESPONDER_REPLY);
	assert_int_equal(r.reply[0], HANDSHAKE_RETRY);
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN);
	/* a second RETRY is not listened to */
	assert_int_equal(tell(&b, &r), INITIATOR_IGNORED);
	message(&b, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.type, RESPONDER_NEW);
	assert_int_equal(tell(&b, &r), INITIATOR_DONE);
	assert_false(initiator_keys(&b.initiator)->resumed);
	close_bench(&b);
}

static void a_recorded_message_gets_no_state_from_elsewhere_or_later(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	b.live = true;
	start(&b, NULL, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN);
	message(&b, m);
	/* the token is good for the address it was given to */
	b.at.port++;
	assert_int_equal(ask(&b, m, sizeof(m)).reply[0], HANDSHAKE_RETRY);
	b.at.port--;
	/* and for 20 seconds at most */
	b.now += SEC(20);
	assert_int_equal(ask(&b, m, sizeof(m)).reply[0], HANDSHAKE_RETRY);
	close_bench(&b);
}

static void replays_take_at_most_one_of_the_two_pending_places(void **state)
{
	uint8_t old[3][HANDSHAKE_INIT_SIZE], m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	for (unsigned i = 0; i < 3; i++)
		start(&b, NULL, old[i]);
	assert_int_equal(ask(&b, old[0], sizeof(m)).type, RESPONDER_NEW);
	for (unsigned i = 1; i < 3; i++)
		assert_int_equal(ask(&b, old[i], sizeof(m)).reply[0], HANDSHAKE_RETRY);
	/* the client itself proves its address and takes the other */
	start(&b, NULL, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN);
	message(&b, m);
	assert_int_equal(ask(&b, m, sizeof(m)).type, RESPONDER_NEW);
	close_bench(&b);
}

static void a_ticket_takes_one_pending_place_and_a_token_the_other(void **state)
{
	uint8_t old[HANDSHAKE_INIT_SIZE], m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	b.live = true;
	start(&b, b.ticket, old);
	start(&b, b.ticket, m);
	assert_int_equal(ask(&b, old, sizeof(old)).type, RESPONDER_NEW);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.reply[0], HANDSHAKE_RETRY);
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN);
	message(&b, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.type, RESPONDER_NEW);
	assert_true(r.keys.resumed);
	assert_int_equal(tell(&b, &r), INITIATOR_DONE);
	assert_true(initiator_keys(&b.initiator)->resumed);
	close_bench(&b);
}

static void under_load_an_address_is_proven_before_any_curve(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE], junk[HANDSHAKE_INIT_SIZE];
	struct responder_result r = { 0 };
	struct cookie_keys keys;
	struct bench b;

	(void)state;
	open_bench(&b);
	start(&b, NULL, junk);
	cookie_keys_init(&keys, b.server.public_key);
	for (unsigned i = 0; i < RESPONDER_BUDGET; i++) {
		junk[4] = (uint8_t)i;
		junk[5] = (uint8_t)(i >> 8);
		cookie_mac1(&keys, junk, HANDSHAKE_INIT_MAC1, junk + HANDSHAKE_INIT_MAC1);
		assert_int_equal(ask(&b, junk, sizeof(junk)).type, RESPONDER_IGNORED);
	}
	message(&b, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.reply[0], HANDSHAKE_COOKIE);
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN_HERE);
	message(&b, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.reply[0], HANDSHAKE_RETRY);
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN);
	message(&b, m);
	r = ask(&b, m, sizeof(m));
	assert_int_equal(r.type, RESPONDER_NEW);
	assert_int_equal(tell(&b, &r), INITIATOR_DONE);
	close_bench(&b);
}

/* A COOKIE for message m, as anybody could make it who has the jar's public key; ret_cookie: what is in it. */
static struct responder_result cookie_for(struct bench *b, struct cookie_jar *jar, const uint8_t *m,
					  uint8_t ret_cookie[COOKIE_MAC])
{
	struct responder_result r = { .type = RESPONDER_REPLY, .reply_len = HANDSHAKE_COOKIE_SIZE };
	const uint8_t *mac1 = m + HANDSHAKE_INIT_MAC1;

	r.reply[0] = HANDSHAKE_COOKIE;
	memcpy(r.reply + 1, m + 1, 3);
	cookie_bake(jar, &source, &b->at, mac1, b->now, r.reply + 4, r.reply + 4 + COOKIE_NONCE);
	assert_true(cookie_open(&jar->keys, mac1, r.reply + 4, r.reply + 4 + COOKIE_NONCE, ret_cookie));
	return r;
}

static bool is_by(const uint8_t *m, const uint8_t cookie[COOKIE_MAC])
{
	uint8_t mac2[COOKIE_MAC];

	cookie_mac2(cookie, m, HANDSHAKE_INIT_MAC2, mac2);
	return memcmp(mac2, m + HANDSHAKE_INIT_MAC2, COOKIE_MAC) == 0;
}

static void a_forged_cookie_does_not_put_the_good_one_out(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE], good[COOKIE_MAC], bad[COOKIE_MAC];
	struct cookie_jar jar, forger;
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	cookie_jar_init(&jar, b.server.public_key, &source, b.now);
	cookie_jar_init(&forger, b.server.public_key, &source, b.now);
	start(&b, NULL, m);
	r = cookie_for(&b, &jar, m, good);
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN_HERE);
	message(&b, m);
	assert_true(is_by(m, good));
	b.now += SEC(5);
	message(&b, m);
	assert_true(is_by(m, good));
	/* they take turns, and the one that came goes first */
	r = cookie_for(&b, &forger, m, bad);
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN_HERE);
	initiator_message(&b.initiator, 0, b.now, m);
	assert_true(is_by(m, bad));
	message(&b, m);
	assert_true(is_by(m, good));
	message(&b, m);
	assert_true(is_by(m, bad));
	/* who asks for the same again learns nothing new: the other stays */
	b.now += SEC(5);
	message(&b, m);
	r = cookie_for(&b, &forger, m, bad);
	assert_int_equal(tell(&b, &r), INITIATOR_AGAIN_HERE);
	message(&b, m);
	assert_true(is_by(m, good));
	close_bench(&b);
}

static void nor_does_it_when_it_is_there_first(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE], good[COOKIE_MAC], bad[COOKIE_MAC];
	struct cookie_jar jar, forger;
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	cookie_jar_init(&jar, b.server.public_key, &source, b.now);
	start(&b, NULL, m);
	/* on whatever round it comes, and for message after message */
	for (unsigned n = 0; n < 4; n++) {
		for (unsigned round = 0; round < n; round++)
			message(&b, m);
		cookie_jar_init(&forger, b.server.public_key, &source, b.now);
		r = cookie_for(&b, &forger, m, bad);
		assert_int_equal(tell(&b, &r), INITIATOR_AGAIN_HERE);
		initiator_message(&b.initiator, 0, b.now, m);
		assert_true(is_by(m, bad));
		r = cookie_for(&b, &jar, m, good);
		assert_int_equal(tell(&b, &r), INITIATOR_IGNORED);
		message(&b, m);
		if (!is_by(m, good))
			message(&b, m);
		assert_true(is_by(m, good));
		b.now += SEC(5);
		message(&b, m);
	}
	close_bench(&b);
}

static void a_cookie_counts_for_two_lives_of_a_secret_at_most(void **state)
{
	/* asked at these times after it was made, in turn: seconds, and whether it still counts at the last */
	static const struct { unsigned at[3]; bool counts; } row[] = {
		{ { 0 }, true }, { { 119 }, true }, { { 120 }, true }, { { 239 }, true }, { { 240 }, false },
		{ { 241 }, false }, { { 3600 }, false }, { { 130, 239 }, true }, { { 130, 241 }, false },
		{ { 239, 241 }, false }, { { 100, 130, 245 }, false },
	};
	const uint8_t public_key[32] = { 9 }, message[4] = { 1 };
	struct addr from;

	(void)state;
	assert_true(addr_parse_port("198.51.100.1:4000", 0, &from));
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint8_t nonce[COOKIE_NONCE], sealed[COOKIE_SEALED], cookie[COOKIE_MAC], mac1[COOKIE_MAC] = { 0 };
		uint8_t mac2[COOKIE_MAC];
		struct cookie_jar jar;
		bool counts = false;

		cookie_jar_init(&jar, public_key, &source, SEC(1000));
		cookie_bake(&jar, &source, &from, mac1, SEC(1000), nonce, sealed);
		assert_true(cookie_open(&jar.keys, mac1, nonce, sealed, cookie));
		cookie_mac2(cookie, message, sizeof(message), mac2);
		for (size_t n = 0; n < ARRAY_SIZE(row[i].at) && (n == 0 || row[i].at[n] != 0); n++)
			counts = cookie_check(&jar, &source, &from, message, sizeof(message), mac2,
					      SEC(1000 + row[i].at[n]));
		assert_int_equal(counts, row[i].counts);
	}
}

static void strangers_and_damage_get_silence(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE];
	struct bench b;

	(void)state;
	open_bench(&b);
	start(&b, NULL, m);
	for (size_t i = 0; i < sizeof(m) - COOKIE_MAC; i++) {
		m[i] ^= 0x10;
		assert_int_equal(ask(&b, m, sizeof(m)).type, RESPONDER_IGNORED);
		m[i] ^= 0x10;
	}
	for (size_t len = 0; len < sizeof(m); len++)
		assert_int_equal(ask(&b, m, len).type, RESPONDER_IGNORED);
	b.known = false;
	assert_int_equal(ask(&b, m, sizeof(m)).type, RESPONDER_IGNORED);
	close_bench(&b);
}

static void a_damaged_answer_leaves_the_good_one_its_chance(void **state)
{
	uint8_t m[HANDSHAKE_INIT_SIZE];
	struct responder_result r;
	struct bench b;

	(void)state;
	open_bench(&b);
	start(&b, NULL, m);
	r = ask(&b, m, sizeof(m));
	for (size_t i = 0; i < r.reply_len; i++) {
		r.reply[i] ^= 1;
		assert_int_equal(tell(&b, &r), INITIATOR_IGNORED);
		r.reply[i] ^= 1;
	}
	assert_int_equal(tell(&b, &r), INITIATOR_DONE);
	assert_int_equal(tell(&b, &r), INITIATOR_IGNORED);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("both ends agree on keys and configuration",
		     both_ends_agree_on_keys_and_configuration),
		TEST("what is new is for ends that both know it", what_is_new_is_for_ends_that_both_know_it),
		TEST("what a response does not say is not so", what_a_response_does_not_say_is_not_so),
		TEST("copies of a message get the same answer and no new keys",
		     copies_of_a_message_get_the_same_answer_and_no_new_keys),
		TEST("a changed message has a new ephemeral", a_changed_message_has_a_new_ephemeral),
		TEST("a ticket resumes a live session at once", a_ticket_resumes_a_live_session_at_once),
		TEST("without a ticket a live session costs a RETRY",
		     without_a_ticket_a_live_session_costs_a_retry),
		TEST("a recorded message gets no state from elsewhere, or later",
		     a_recorded_message_gets_no_state_from_elsewhere_or_later),
		TEST("replays take at most one of the two pending places",
		     replays_take_at_most_one_of_the_two_pending_places),
		TEST("a ticket takes one pending place, and a token the other",
		     a_ticket_takes_one_pending_place_and_a_token_the_other),
		TEST("under load an address is proven before any curve",
		     under_load_an_address_is_proven_before_any_curve),
		TEST("a forged cookie does not put the good one out",
		     a_forged_cookie_does_not_put_the_good_one_out),
		TEST("nor does it when it is there first", nor_does_it_when_it_is_there_first),
		TEST("a cookie counts for two lives of a secret at most",
		     a_cookie_counts_for_two_lives_of_a_secret_at_most),
		TEST("strangers and damage get silence", strangers_and_damage_get_silence),
		TEST("a damaged answer leaves the good one its chance",
		     a_damaged_answer_leaves_the_good_one_its_chance),
	};

	if (sodium_init() < 0)
		return 1;
	return RUN_TESTS(tests);
}
