/* cookie: see cookie.h. */
#include "core/crypto/cookie.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

#define LABEL_MAC1	"ttt-mac1"
#define LABEL_COOKIE	"ttt-cook"
#define LABEL_LEN	8

static void derive(const char *label, const uint8_t public_key[32], uint8_t ret[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, (const uint8_t *)label, LABEL_LEN);
	crypto_generichash_update(&state, public_key, 32);
	crypto_generichash_final(&state, ret, 32);
}

void cookie_keys_init(struct cookie_keys *k, const uint8_t public_key[32])
{
	derive(LABEL_MAC1, public_key, k->mac1);
	derive(LABEL_COOKIE, public_key, k->seal);
}

void cookie_mac1(const struct cookie_keys *k, const uint8_t *message, size_t len,
		 uint8_t ret[COOKIE_MAC])
{
	crypto_generichash(ret, COOKIE_MAC, message, len, k->mac1, sizeof(k->mac1));
}

void cookie_mac2(const uint8_t cookie[COOKIE_MAC], const uint8_t *message, size_t len,
		 uint8_t ret[COOKIE_MAC])
{
	crypto_generichash(ret, COOKIE_MAC, message, len, cookie, COOKIE_MAC);
}

void cookie_jar_init(struct cookie_jar *j, const uint8_t public_key[32],
		     const struct random_source *random, nsec_t now)
{
	cookie_keys_init(&j->keys, public_key);
	random_fill(random, j->secret, sizeof(j->secret));
	random_fill(random, j->former, sizeof(j->former));
	random_fill(random, j->retry, sizeof(j->retry));
	j->changed_at = now;
}

/* As if a clock did it, though nobody may have asked for long. */
static void turn(struct cookie_jar *j, const struct random_source *random, nsec_t now)
{
	nsec_t age = nsec_since(j->changed_at, now);

	if (age < COOKIE_LIFE)
		return;
	if (age < 2 * COOKIE_LIFE)
		memcpy(j->former, j->secret, sizeof(j->former));
	else
		random_fill(random, j->former, sizeof(j->former));
	random_fill(random, j->secret, sizeof(j->secret));
	j->changed_at = now - age % COOKIE_LIFE;
}

/* An address and its port as bytes that have one form only. */
static void source_bytes(const struct addr *from, uint8_t ret[20])
{
	memset(ret, 0, 20);
	ret[0] = from->family;
	put_le16(ret + 2, from->port);
	memcpy(ret + 4, from->ip, 16);
}

static void cookie_for(const uint8_t secret[32], const struct addr *from, uint8_t ret[COOKIE_MAC])
{
	uint8_t source[20];

	source_bytes(from, source);
	crypto_generichash(ret, COOKIE_MAC, source, sizeof(source), secret, 32);
}

void cookie_bake(struct cookie_jar *j, const struct random_source *random, const struct addr *from,
		 const uint8_t mac1[COOKIE_MAC], nsec_t now, uint8_t ret_nonce[COOKIE_NONCE],
		 uint8_t ret_sealed[COOKIE_SEALED])
{
	uint8_t cookie[COOKIE_MAC];

	turn(j, random, now);
	cookie_for(j->secret, from, cookie);
	random_fill(random, ret_nonce, COOKIE_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(ret_sealed, NULL, cookie, sizeof(cookie), mac1,
						   COOKIE_MAC, NULL, ret_nonce, j->keys.seal);
}

static bool made_with(const uint8_t secret[32], const struct addr *from, const uint8_t *message,
		      size_t len, const uint8_t mac2[COOKIE_MAC])
{
	uint8_t cookie[COOKIE_MAC], mac[COOKIE_MAC];

	cookie_for(secret, from, cookie);
	cookie_mac2(cookie, message, len, mac);
	return sodium_memcmp(mac, mac2, COOKIE_MAC) == 0;
}

bool cookie_check(struct cookie_jar *j, const struct random_source *random, const struct addr *from,
		  const uint8_t *message, size_t len, const uint8_t mac2[COOKIE_MAC], nsec_t now)
{
	turn(j, random, now);
	return made_with(j->secret, from, message, len, mac2) ||
	       made_with(j->former, from, message, len, mac2);
}

bool cookie_open(const struct cookie_keys *k, const uint8_t mac1[COOKIE_MAC],
		 const uint8_t nonce[COOKIE_NONCE], const uint8_t sealed[COOKIE_SEALED],
		 uint8_t ret[COOKIE_MAC])
{
	uint8_t cookie[COOKIE_MAC];

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(cookie, NULL, NULL, sealed, COOKIE_SEALED,
						       mac1, COOKIE_MAC, nonce, k->seal) != 0)
		return false;
	memcpy(ret, cookie, COOKIE_MAC);
	return true;
}

static void token_at(const struct cookie_jar *j, const struct addr *from,
		     const uint8_t ephemeral[32], uint64_t epoch, uint8_t ret[COOKIE_MAC])
{
	uint8_t text[20 + 32 + 8];

	source_bytes(from, text);
	memcpy(text + 20, ephemeral, 32);
	put_le64(text + 52, epoch);
	crypto_generichash(ret, COOKIE_MAC, text, sizeof(text), j->retry, sizeof(j->retry));
}

void cookie_token(const struct cookie_jar *j, const struct addr *from, const uint8_t ephemeral[32],
		  nsec_t now, uint8_t ret[COOKIE_MAC])
{
	token_at(j, from, ephemeral, now / COOKIE_EPOCH, ret);
}

bool cookie_token_check(const struct cookie_jar *j, const struct addr *from,
			const uint8_t ephemeral[32], const uint8_t token[COOKIE_MAC], nsec_t now)
{
	uint64_t epoch = now / COOKIE_EPOCH;
	uint8_t good[COOKIE_MAC];

	token_at(j, from, ephemeral, epoch, good);
	if (sodium_memcmp(good, token, COOKIE_MAC) == 0)
		return true;
	token_at(j, from, ephemeral, epoch - 1, good);
	return epoch > 0 && sodium_memcmp(good, token, COOKIE_MAC) == 0;
}
