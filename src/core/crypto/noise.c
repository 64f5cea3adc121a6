/* noise: see noise.h.  Function names follow the specification's, section 5. */
#include "core/crypto/noise.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

#define TAG	16

static const char name_ik[] = "Noise_IK_25519_ChaChaPoly_SHA512";
static const char name_ikpsk2[] = "Noise_IKpsk2_25519_ChaChaPoly_SHA512";

static void hmac(const uint8_t *key, size_t key_len, const uint8_t *a, size_t a_len,
		 const uint8_t *b, size_t b_len, uint8_t ret[NOISE_HASH])
{
	crypto_auth_hmacsha512_state state;

	crypto_auth_hmacsha512_init(&state, key, key_len);
	crypto_auth_hmacsha512_update(&state, a, a_len);
	crypto_auth_hmacsha512_update(&state, b, b_len);
	crypto_auth_hmacsha512_final(&state, ret);
	sodium_memzero(&state, sizeof(state));
}

/* HKDF with up to three outputs (specification §4.3); NULL: not wanted. */
static void hkdf(const uint8_t chain[NOISE_HASH], const uint8_t *input, size_t len,
		 uint8_t out[3][NOISE_HASH], unsigned count)
{
	uint8_t temp[NOISE_HASH];

	hmac(chain, NOISE_HASH, input, len, NULL, 0, temp);
	for (uint8_t i = 1; i <= count; i++)
		hmac(temp, NOISE_HASH, i > 1 ? out[i - 2] : NULL, i > 1 ? NOISE_HASH : 0, &i, 1,
		     out[i - 1]);
	sodium_memzero(temp, sizeof(temp));
}

static void mix_hash(struct noise *n, const uint8_t *data, size_t len)
{
	crypto_hash_sha512_state state;

	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, n->hash, sizeof(n->hash));
	crypto_hash_sha512_update(&state, data, len);
	crypto_hash_sha512_final(&state, n->hash);
}

static void set_key(struct noise *n, const uint8_t *key)
{
	memcpy(n->key, key, NOISE_KEY);	/* of 64 bytes the first 32 */
	n->number = 0;
	n->keyed = true;
}

static void mix_key(struct noise *n, const uint8_t *input, size_t len)
{
	uint8_t out[3][NOISE_HASH];

	hkdf(n->chain, input, len, out, 2);
	memcpy(n->chain, out[0], NOISE_HASH);
	set_key(n, out[1]);
	sodium_memzero(out, sizeof(out));
}

static void mix_key_and_hash(struct noise *n, const uint8_t *input, size_t len)
{
	uint8_t out[3][NOISE_HASH];

	hkdf(n->chain, input, len, out, 3);
	memcpy(n->chain, out[0], NOISE_HASH);
	mix_hash(n, out[1], NOISE_HASH);
	set_key(n, out[2]);
	sodium_memzero(out, sizeof(out));
}

static void nonce_of(const struct noise *n, uint8_t ret[12])
{
	memset(ret, 0, 4);
	put_le64(ret + 4, n->number);
}

static void encrypt_and_hash(struct noise *n, const uint8_t *plain, size_t len, uint8_t *ret)
{
	uint8_t nonce[12];

	nonce_of(n, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(ret, NULL, plain, len, n->hash, NOISE_HASH, NULL,
						  nonce, n->key);
	n->number++;
	mix_hash(n, ret, len + TAG);
}

/* len: of the plain text; the tag is behind it. */
static bool decrypt_and_hash(struct noise *n, const uint8_t *sealed, size_t len, uint8_t *ret)
{
	uint8_t nonce[12];

	nonce_of(n, nonce);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(ret, NULL, NULL, sealed, len + TAG, n->hash,
						      NOISE_HASH, nonce, n->key) != 0)
		return false;
	n->number++;
	mix_hash(n, sealed, len + TAG);
	return true;
}

/* False for an all-zero result: the other side's key has a low order. */
static bool mix_dh(struct noise *n, const uint8_t private_key[NOISE_KEY],
		   const uint8_t public_key[NOISE_KEY])
{
	uint8_t shared[NOISE_KEY];
	bool good = crypto_scalarmult(shared, private_key, public_key) == 0;

	if (good)
		mix_key(n, shared, sizeof(shared));
	sodium_memzero(shared, sizeof(shared));
	return good;
}

static void mix_ephemeral(struct noise *n, const uint8_t public_key[NOISE_KEY])
{
	mix_hash(n, public_key, NOISE_KEY);
	if (n->psk_mode)
		mix_key(n, public_key, NOISE_KEY);
}

void noise_public_key(struct noise_keypair *pair)
{
	crypto_scalarmult_base(pair->public_key, pair->private_key);
}

void noise_begin(struct noise *n, bool psk_mode, const uint8_t *prologue, size_t prologue_len,
		 const uint8_t responder[NOISE_KEY])
{
	const char *name = psk_mode ? name_ikpsk2 : name_ik;

	memset(n, 0, sizeof(*n));
	n->psk_mode = psk_mode;
	/* names are shorter than a hash: padded, not hashed (§5.2) */
	memcpy(n->hash, name, strlen(name));
	memcpy(n->chain, n->hash, NOISE_HASH);
	mix_hash(n, prologue, prologue_len);
	mix_hash(n, responder, NOISE_KEY);
	memcpy(n->remote_static, responder, NOISE_KEY);
}

bool noise_write_init(struct noise *n, const struct noise_keypair *self, const uint8_t *payload,
		      size_t len, uint8_t *ret)
{
	memcpy(ret, n->ephemeral.public_key, NOISE_KEY);
	mix_ephemeral(n, n->ephemeral.public_key);
	if (!mix_dh(n, n->ephemeral.private_key, n->remote_static))
		return false;
	encrypt_and_hash(n, self->public_key, NOISE_KEY, ret + 32);
	if (!mix_dh(n, self->private_key, n->remote_static))
		return false;
	encrypt_and_hash(n, payload, len, ret + 80);
	return true;
}

bool noise_read_init(struct noise *n, const struct noise_keypair *self, const uint8_t *message,
		     size_t len, uint8_t *ret_payload)
{
	if (len < NOISE_INIT_OVERHEAD)
		return false;
	memcpy(n->remote_ephemeral, message, NOISE_KEY);
	mix_ephemeral(n, n->remote_ephemeral);
	if (!mix_dh(n, self->private_key, n->remote_ephemeral))
		return false;
	if (!decrypt_and_hash(n, message + 32, NOISE_KEY, n->remote_static))
		return false;
	if (!mix_dh(n, self->private_key, n->remote_static))
		return false;
	return decrypt_and_hash(n, message + 80, len - NOISE_INIT_OVERHEAD, ret_payload);
}

bool noise_write_response(struct noise *n, const uint8_t psk[NOISE_KEY], const uint8_t *payload,
			  size_t len, uint8_t *ret)
{
	memcpy(ret, n->ephemeral.public_key, NOISE_KEY);
	mix_ephemeral(n, n->ephemeral.public_key);
	if (!mix_dh(n, n->ephemeral.private_key, n->remote_ephemeral))
		return false;
	if (!mix_dh(n, n->ephemeral.private_key, n->remote_static))
		return false;
	if (n->psk_mode)
		mix_key_and_hash(n, psk, NOISE_KEY);
	encrypt_and_hash(n, payload, len, ret + 32);
	return true;
}

bool noise_read_response(struct noise *n, const struct noise_keypair *self,
			 const uint8_t psk[NOISE_KEY], const uint8_t *message, size_t len,
			 uint8_t *ret_payload)
{
	if (len < NOISE_RESPONSE_OVERHEAD)
		return false;
	memcpy(n->remote_ephemeral, message, NOISE_KEY);
	mix_ephemeral(n, n->remote_ephemeral);
	if (!mix_dh(n, n->ephemeral.private_key, n->remote_ephemeral))
		return false;
	if (!mix_dh(n, self->private_key, n->remote_ephemeral))
		return false;
	if (n->psk_mode)
		mix_key_and_hash(n, psk, NOISE_KEY);
	return decrypt_and_hash(n, message + 32, len - NOISE_RESPONSE_OVERHEAD, ret_payload);
}

void noise_split(struct noise *n, uint8_t ret_forth[NOISE_KEY], uint8_t ret_back[NOISE_KEY])
{
	uint8_t out[3][NOISE_HASH];

	hkdf(n->chain, NULL, 0, out, 2);
	memcpy(ret_forth, out[0], NOISE_KEY);
	memcpy(ret_back, out[1], NOISE_KEY);
	sodium_memzero(out, sizeof(out));
	sodium_memzero(n, sizeof(*n));
}
