/* responder: see responder.h. */
#include "core/crypto/responder.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/crypto/suite.h"

#define SOURCES	1024	/* counters of source networks, by hash: a collision only shares a budget */

struct pending {
	nsec_t at;		/* 0: free */
	bool confirmed;		/* kept only to know late copies */
	void *peer;
	uint32_t index;
	uint8_t ephemeral[32];
	uint8_t reply[HANDSHAKE_RESPONSE_SIZE];
};

struct responder {
	struct noise_keypair self;
	uint16_t ciphers;
	struct random_source random;
	const struct responder_ops *ops;
	void *ctx;
	struct cookie_jar jar;
	uint64_t second;		/* that the counters below are of */
	unsigned work;
	uint8_t source_key[crypto_shorthash_KEYBYTES];
	uint8_t source[SOURCES];
	struct pending pending[RESPONDER_PENDING];
};

/* One message on its way through the steps. */
struct asked {
	const struct addr *from;
	const uint8_t *datagram;
	nsec_t now;
	bool loaded;		/* we are under load */
	struct noise noise;
	struct handshake_init init;
	struct responder_peer peer;
};

struct responder *responder_new(const uint8_t private_key[32], uint16_t ciphers,
				const struct random_source *random, const struct responder_ops *ops,
				void *ctx, nsec_t now)
{
	struct responder *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	memcpy(r->self.private_key, private_key, 32);
	noise_public_key(&r->self);
	r->ciphers = ciphers;
	r->random = *random;
	r->ops = ops;
	r->ctx = ctx;
	cookie_jar_init(&r->jar, r->self.public_key, random, now);
	random_fill(random, r->source_key, sizeof(r->source_key));
	return r;
}

void responder_free(struct responder *r)
{
	if (r == NULL)
		return;
	sodium_memzero(r, sizeof(*r));
	free(r);
}

static bool is_live(const struct pending *p, nsec_t now)
{
	return p->at != 0 && nsec_since(p->at, now) < RESPONDER_PENDING_LIFE;
}

static struct pending *find_ephemeral(struct responder *r, const uint8_t ephemeral[32], nsec_t now)
{
	for (size_t i = 0; i < RESPONDER_PENDING; i++)
		if (is_live(&r->pending[i], now) &&
		    memcmp(r->pending[i].ephemeral, ephemeral, 32) == 0)
			return &r->pending[i];
	return NULL;
}

static unsigned pending_of(const struct responder *r, const void *peer, nsec_t now)
{
	unsigned n = 0;

	for (size_t i = 0; i < RESPONDER_PENDING; i++)
		n += is_live(&r->pending[i], now) && !r->pending[i].confirmed &&
		     r->pending[i].peer == peer;
	return n;
}

/* A free place, or one that only remembers; a pending handshake is never put out. */
static struct pending *free_place(struct responder *r, nsec_t now)
{
	struct pending *oldest = NULL;

	for (size_t i = 0; i < RESPONDER_PENDING; i++) {
		struct pending *p = &r->pending[i];

		if (!is_live(p, now))
			return p;
		if (p->confirmed && (oldest == NULL || p->at < oldest->at))
			oldest = p;
	}
	return oldest;
}

static void answer(struct responder_result *ret, enum responder_result_type type,
		   const uint8_t *reply, size_t len)
{
	ret->type = type;
	memcpy(ret->reply, reply, len);
	ret->reply_len = len;
}

static void answer_retry(const struct responder *r, const struct asked *a,
			 struct responder_result *ret)
{
	uint8_t reply[HANDSHAKE_RETRY_SIZE];

	reply[0] = HANDSHAKE_RETRY;
	memcpy(reply + 1, a->datagram + 1, 3);
	memcpy(reply + 4, a->datagram + HANDSHAKE_INIT_MAC1, COOKIE_MAC);
	cookie_token(&r->jar, a->from, a->datagram + 4, a->now, reply + 4 + COOKIE_MAC);
	answer(ret, RESPONDER_REPLY, reply, sizeof(reply));
}

static void answer_cookie(struct responder *r, const struct asked *a, struct responder_result *ret)
{
	uint8_t reply[HANDSHAKE_COOKIE_SIZE];

	reply[0] = HANDSHAKE_COOKIE;
	memcpy(reply + 1, a->datagram + 1, 3);
	cookie_bake(&r->jar, &r->random, a->from, a->datagram + HANDSHAKE_INIT_MAC1, a->now, reply + 4,
		    reply + 4 + COOKIE_NONCE);
	answer(ret, RESPONDER_REPLY, reply, sizeof(reply));
}

/* Count this message's source (/32 or /64); false: it had its share of this second. */
static bool source_may(struct responder *r, const struct addr *from)
{
	uint8_t network[9], hash[crypto_shorthash_BYTES];
	uint8_t *count;

	network[0] = from->family;
	memcpy(network + 1, from->ip, 8);	/* IPv4: 4 bytes and 4 zeros */
	crypto_shorthash(hash, network, sizeof(network), r->source_key);
	count = &r->source[get_le16(hash) % SOURCES];
	if (*count >= RESPONDER_SOURCE_BUDGET)
		return false;
	(*count)++;
	return true;
}

static void turn_second(struct responder *r, nsec_t now)
{
	if (now / NSEC_PER_SEC == r->second)
		return;
	r->second = now / NSEC_PER_SEC;
	r->work = 0;
	memset(r->source, 0, sizeof(r->source));
}

/* Whether this message may cost us curves; else it was answered, or ignored. */
static bool admitted(struct responder *r, struct asked *a, struct responder_result *ret)
{
	turn_second(r, a->now);
	a->loaded = r->work >= RESPONDER_BUDGET;
	if (a->loaded) {
		if (!cookie_check(&r->jar, &r->random, a->from, a->datagram, HANDSHAKE_INIT_MAC2,
				  a->datagram + HANDSHAKE_INIT_MAC2, a->now)) {
			answer_cookie(r, a, ret);
			return false;
		}
		if (!source_may(r, a->from))
			return false;
	}
	r->work++;
	return true;
}

static bool opened(struct responder *r, struct asked *a)
{
	uint8_t payload[HANDSHAKE_PAYLOAD];
	bool good;

	noise_begin(&a->noise, true, (const uint8_t *)HANDSHAKE_PROLOGUE, strlen(HANDSHAKE_PROLOGUE),
		    r->self.public_key);
	good = noise_read_init(&a->noise, &r->self, a->datagram + 4, HANDSHAKE_INIT_NOISE, payload) &&
	       handshake_read_init(payload, &a->init) && a->init.index == get_le24(a->datagram + 1) &&
	       (a->init.versions & 1u << HANDSHAKE_VERSION) &&
	       suite_choose(r->ciphers, a->init.ciphers) != CIPHER_NONE &&
	       r->ops->find(r->ctx, a->noise.remote_static, &a->peer);
	sodium_memzero(payload, sizeof(payload));
	return good;
}

static bool ticket_holds(const struct responder *r, const struct asked *a)
{
	return a->init.has_ticket && a->peer.live &&
	       r->ops->ticket_valid(r->ctx, a->peer.peer, a->init.ticket);
}

static bool token_holds(const struct responder *r, const struct asked *a)
{
	return a->init.has_token &&
	       cookie_token_check(&r->jar, a->from, a->init.token_ephemeral, a->init.token, a->now);
}

static void respond(struct responder *r, struct asked *a, struct pending *place, bool resumed,
		    struct responder_result *ret)
{
	uint8_t payload[HANDSHAKE_PAYLOAD], reply[HANDSHAKE_RESPONSE_SIZE];
	struct handshake_response response = {
		.version = HANDSHAKE_VERSION,
		.cipher = (uint8_t)suite_choose(r->ciphers, a->init.ciphers),
		.resumed = resumed,
		.shorthand = a->init.shorthand,
		.checksums = a->init.checksums,
		.index = r->ops->new_index(r->ctx),
		.config = a->peer.config,
	};
	struct cookie_keys their_keys;

	if (response.index == 0)
		return;
	random_fill(&r->random, a->noise.ephemeral.private_key, 32);
	noise_public_key(&a->noise.ephemeral);
	handshake_write_response(&response, payload);
	reply[0] = HANDSHAKE_RESPONSE;
	put_le24(reply + 1, a->init.index);
	cookie_keys_init(&their_keys, a->noise.remote_static);
	if (!noise_write_response(&a->noise, a->peer.psk, payload, sizeof(payload), reply + 4))
		return;
	cookie_mac1(&their_keys, reply, HANDSHAKE_RESPONSE_MAC1, reply + HANDSHAKE_RESPONSE_MAC1);

	*place = (struct pending){ .at = nsec_max(a->now, 1), .peer = a->peer.peer,
				   .index = response.index };
	memcpy(place->ephemeral, a->datagram + 4, 32);
	memcpy(place->reply, reply, sizeof(reply));

	answer(ret, RESPONDER_NEW, reply, sizeof(reply));
	ret->peer = a->peer.peer;
	ret->keys = (struct handshake_keys){
		.cipher = (enum cipher)response.cipher,
		.local_index = response.index,
		.remote_index = a->init.index,
		.resumed = resumed,
		.shorthand = response.shorthand,
		.checksums = response.checksums,
		.config = a->peer.config,
	};
	noise_split(&a->noise, ret->keys.receive, ret->keys.send);
}

/* A ticket stands for a token once: a pending handshake may have come by it, and others with it may be replays. */
static bool needs_token(const struct asked *a, bool ticket, unsigned pending)
{
	return pending > 0 || (!ticket && (a->peer.live || a->loaded));
}

static void consider(struct responder *r, struct asked *a, struct responder_result *ret)
{
	struct pending *copy = find_ephemeral(r, a->datagram + 4, a->now);
	struct pending *place;
	unsigned pending;
	bool ticket;

	if (copy != NULL) {
		if (!copy->confirmed)
			answer(ret, RESPONDER_REPLY, copy->reply, sizeof(copy->reply));
		return;
	}
	if (!admitted(r, a, ret) || !opened(r, a))
		return;
	ticket = ticket_holds(r, a);
	pending = pending_of(r, a->peer.peer, a->now);
	if (needs_token(a, ticket, pending) && !token_holds(r, a)) {
		answer_retry(r, a, ret);
		return;
	}
	place = free_place(r, a->now);
	if (pending >= RESPONDER_PER_PEER || place == NULL)
		return;
	respond(r, a, place, ticket, ret);
}

void responder_input(struct responder *r, const struct addr *from, const uint8_t *datagram,
		     size_t len, nsec_t now, struct responder_result *ret)
{
	struct asked a = { .from = from, .datagram = datagram, .now = now };
	uint8_t mac[COOKIE_MAC];

	ret->type = RESPONDER_IGNORED;
	if (len != HANDSHAKE_INIT_SIZE || datagram[0] != HANDSHAKE_INIT)
		return;
	cookie_mac1(&r->jar.keys, datagram, HANDSHAKE_INIT_MAC1, mac);
	if (sodium_memcmp(mac, datagram + HANDSHAKE_INIT_MAC1, COOKIE_MAC) != 0)
		return;
	consider(r, &a, ret);
	sodium_memzero(&a, sizeof(a));
}

static struct pending *find_index(struct responder *r, uint32_t index)
{
	for (size_t i = 0; i < RESPONDER_PENDING; i++)
		if (r->pending[i].at != 0 && r->pending[i].index == index)
			return &r->pending[i];
	return NULL;
}

void responder_confirmed(struct responder *r, uint32_t index)
{
	struct pending *p = find_index(r, index);

	if (p != NULL)
		p->confirmed = true;
}

void responder_drop(struct responder *r, uint32_t index)
{
	struct pending *p = find_index(r, index);

	if (p != NULL && !p->confirmed)
		p->at = 0;
}
