/* initiator: see initiator.h. */
#include "core/crypto/initiator.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

#define MESSAGE_LIFE		SEC(5)	/* then a new ephemeral is taken */
#define TOKEN_MESSAGE_LIFE	SEC(1)	/* at least: a token is short-lived, and may have been a lie */

#define RARELY			SEC(5)	/* between two messages of who is patient */

static const nsec_t resend[] = { MSEC(250), MSEC(250), MSEC(500), MSEC(1000) };

static void make_message(struct initiator *i, nsec_t now)
{
	uint8_t payload[HANDSHAKE_PAYLOAD];
	uint8_t *m = i->message;

	noise_begin(&i->noise, true, (const uint8_t *)HANDSHAKE_PROLOGUE, strlen(HANDSHAKE_PROLOGUE),
		    i->peer);
	random_fill(&i->random, i->noise.ephemeral.private_key, 32);
	noise_public_key(&i->noise.ephemeral);
	handshake_write_init(&i->init, payload);
	memset(m, 0, HANDSHAKE_INIT_SIZE);
	m[0] = HANDSHAKE_INIT;
	put_le24(m + 1, i->init.index);
	/* fails only for a peer's key of low order, which then never gets an answer */
	if (!noise_write_init(&i->noise, &i->self, payload, sizeof(payload), m + 4))
		memset(m + 4, 0, HANDSHAKE_INIT_NOISE);
	cookie_mac1(&i->peer_keys, m, HANDSHAKE_INIT_MAC1, m + HANDSHAKE_INIT_MAC1);
	sodium_memzero(payload, sizeof(payload));
	i->made_at = now;
	i->life = MESSAGE_LIFE;
	i->due = now;
	i->rounds = 0;
	i->fed = 0;
}

void initiator_init(struct initiator *i, const uint8_t private_key[32], const uint8_t peer[32],
		    const uint8_t psk[32], uint16_t ciphers, const struct random_source *random)
{
	memset(i, 0, sizeof(*i));
	memcpy(i->self.private_key, private_key, 32);
	noise_public_key(&i->self);
	memcpy(i->peer, peer, 32);
	memcpy(i->psk, psk, 32);
	cookie_keys_init(&i->peer_keys, peer);
	cookie_keys_init(&i->self_keys, i->self.public_key);
	i->ciphers = ciphers;
	i->shorthand = true;
	i->checksums = true;
	i->random = *random;
}

void initiator_done(struct initiator *i)
{
	sodium_memzero(i, sizeof(*i));
}

void initiator_start(struct initiator *i, uint32_t index, const uint8_t *ticket, nsec_t now)
{
	initiator_stop(i);
	i->init = (struct handshake_init){
		.versions = 1u << HANDSHAKE_VERSION,
		.ciphers = i->ciphers,
		.shorthand = i->shorthand,
		.checksums = i->checksums,
		.index = index,
		.has_ticket = ticket != NULL,
	};
	if (ticket != NULL)
		memcpy(i->init.ticket, ticket, HANDSHAKE_TICKET);
	i->active = true;
	i->silent_since = now;
	make_message(i, now);
}

void initiator_stop(struct initiator *i)
{
	i->active = false;
	sodium_memzero(&i->noise, sizeof(i->noise));
	sodium_memzero(&i->keys, sizeof(i->keys));
}

bool initiator_is_active(const struct initiator *i)
{
	return i->active;
}

void initiator_hope(struct initiator *i, nsec_t now)
{
	i->silent_since = now;
	i->due = nsec_min(i->due, now + resend[0]);
}

bool initiator_is_patient(const struct initiator *i, nsec_t now)
{
	return nsec_since(i->silent_since, now) >= INITIATOR_PATIENT;
}

nsec_t initiator_deadline(const struct initiator *i)
{
	return i->active ? i->due : NSEC_NEVER;
}

void initiator_round(struct initiator *i, nsec_t now)
{
	size_t n;

	if (nsec_since(i->made_at, now) >= i->life) {
		i->init.has_token = false;
		make_message(i, now);
	}
	n = i->rounds < ARRAY_SIZE(resend) ? i->rounds : ARRAY_SIZE(resend) - 1;
	i->due = now + (initiator_is_patient(i, now) ? RARELY : resend[n]);
	i->rounds++;
}

static bool is_fresh(const struct initiator_cookie *c, nsec_t now)
{
	return c->at != 0 && nsec_since(c->at, now) < COOKIE_LIFE;
}

void initiator_message(const struct initiator *i, unsigned slot, nsec_t now,
		       uint8_t ret[HANDSHAKE_INIT_SIZE])
{
	const struct initiator_cookie *last = &i->cookie[slot], *former = &i->former[slot];
	bool others_turn = (i->rounds - last->round) % 2 != 0 && is_fresh(former, now);
	const struct initiator_cookie *c = others_turn ? former : last;

	memcpy(ret, i->message, HANDSHAKE_INIT_SIZE);
	if (is_fresh(c, now))
		cookie_mac2(c->cookie, ret, HANDSHAKE_INIT_MAC2, ret + HANDSHAKE_INIT_MAC2);
}

static const uint8_t *our_mac1(const struct initiator *i)
{
	return i->message + HANDSHAKE_INIT_MAC1;
}

static enum initiator_result take_retry(struct initiator *i, const uint8_t *d, nsec_t now)
{
	nsec_t took = nsec_since(i->made_at, now);

	if (i->init.has_token || sodium_memcmp(d + 4, our_mac1(i), COOKIE_MAC) != 0)
		return INITIATOR_IGNORED;
	i->init.has_token = true;
	memcpy(i->init.token, d + 4 + COOKIE_MAC, COOKIE_MAC);
	memcpy(i->init.token_ephemeral, i->noise.ephemeral.public_key, 32);
	i->silent_since = now;
	make_message(i, now);
	/* its answer takes as long as this one did */
	i->life = nsec_clamp(2 * took, TOKEN_MESSAGE_LIFE, MESSAGE_LIFE);
	return INITIATOR_AGAIN;
}

/*
 * The first for a message goes out at once.  Of others one is forged, but nobody knows
 * which: the last of them is kept, beside the one that was there before this message or
 * else the first.
 */
static enum initiator_result take_cookie(struct initiator *i, unsigned slot, const uint8_t *d,
					 nsec_t now)
{
	struct initiator_cookie *last = &i->cookie[slot], *former = &i->former[slot];
	struct initiator_cookie came = { .at = nsec_max(now, 1), .round = i->rounds };
	bool first = !(i->fed & PATH_BIT(slot));

	if (!cookie_open(&i->peer_keys, our_mac1(i), d + 4, d + 4 + COOKIE_NONCE, came.cookie))
		return INITIATOR_IGNORED;
	i->silent_since = now;
	i->fed |= PATH_BIT(slot);
	if (memcmp(came.cookie, last->cookie, COOKIE_MAC) != 0 && (first || !is_fresh(former, now)))
		*former = *last;
	*last = came;
	return first ? INITIATOR_AGAIN_HERE : INITIATOR_IGNORED;
}

static bool usable(const struct initiator *i, const struct handshake_response *r)
{
	return r->version == HANDSHAKE_VERSION && r->cipher < 16 &&
	       (CIPHER_BIT(r->cipher) & i->ciphers) && (!r->resumed || i->init.has_ticket);
}

static enum initiator_result take_response(struct initiator *i, const uint8_t *d)
{
	struct noise noise = i->noise;	/* a forged answer must not spoil ours */
	uint8_t mac[COOKIE_MAC], payload[HANDSHAKE_PAYLOAD];
	struct handshake_response r;
	enum initiator_result result = INITIATOR_IGNORED;

	cookie_mac1(&i->self_keys, d, HANDSHAKE_RESPONSE_MAC1, mac);
	if (sodium_memcmp(mac, d + HANDSHAKE_RESPONSE_MAC1, COOKIE_MAC) != 0)
		return INITIATOR_IGNORED;
	if (noise_read_response(&noise, &i->self, i->psk, d + 4, HANDSHAKE_RESPONSE_NOISE, payload) &&
	    handshake_read_response(payload, &r) && usable(i, &r)) {
		i->keys = (struct handshake_keys){
			.cipher = (enum cipher)r.cipher,
			.local_index = i->init.index,
			.remote_index = r.index,
			.resumed = r.resumed,
			.shorthand = r.shorthand && i->shorthand,
			.checksums = r.checksums && i->checksums,
			.config = r.config,
		};
		noise_split(&noise, i->keys.send, i->keys.receive);
		i->active = false;
		sodium_memzero(&i->noise, sizeof(i->noise));
		result = INITIATOR_DONE;
	}
	sodium_memzero(&noise, sizeof(noise));
	sodium_memzero(payload, sizeof(payload));
	return result;
}

enum initiator_result initiator_input(struct initiator *i, unsigned slot, const uint8_t *d,
				      size_t len, nsec_t now)
{
	if (!i->active || len < 4 || get_le24(d + 1) != i->init.index)
		return INITIATOR_IGNORED;
	if (d[0] == HANDSHAKE_RESPONSE && len == HANDSHAKE_RESPONSE_SIZE)
		return take_response(i, d);
	if (d[0] == HANDSHAKE_RETRY && len == HANDSHAKE_RETRY_SIZE)
		return take_retry(i, d, now);
	if (d[0] == HANDSHAKE_COOKIE && len == HANDSHAKE_COOKIE_SIZE)
		return take_cookie(i, slot, d, now);
	return INITIATOR_IGNORED;
}

const struct handshake_keys *initiator_keys(const struct initiator *i)
{
	return &i->keys;
}
