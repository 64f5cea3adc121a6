/* aead: see aead.h. */
#include "core/crypto/aead.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

#define NONCE	12

struct aead_ops {
	void (*init)(struct aead_key *k, const uint8_t key[AEAD_KEY]);
	void (*seal)(const struct aead_key *k, const uint8_t nonce[NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *to, const uint8_t *from, size_t len);
	bool (*open)(const struct aead_key *k, const uint8_t nonce[NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *data, size_t len);
};

static void chacha_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	memcpy(k->chacha, key, AEAD_KEY);
}

static void chacha_seal(const struct aead_key *k, const uint8_t nonce[NONCE], const uint8_t *ad,
			size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	crypto_aead_chacha20poly1305_ietf_encrypt_detached(to, to + len, NULL, from, len, ad, ad_len,
							   NULL, nonce, k->chacha);
}

static bool chacha_open(const struct aead_key *k, const uint8_t nonce[NONCE], const uint8_t *ad,
			size_t ad_len, uint8_t *data, size_t len)
{
	return crypto_aead_chacha20poly1305_ietf_decrypt_detached(data, NULL, data, len, data + len,
								  ad, ad_len, nonce, k->chacha) == 0;
}

static void aes_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	crypto_aead_aes256gcm_beforenm(&k->aes, key);
}

static void aes_seal(const struct aead_key *k, const uint8_t nonce[NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	crypto_aead_aes256gcm_encrypt_detached_afternm(to, to + len, NULL, from, len, ad, ad_len, NULL,
						       nonce, &k->aes);
}

static bool aes_open(const struct aead_key *k, const uint8_t nonce[NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *data, size_t len)
{
	return crypto_aead_aes256gcm_decrypt_detached_afternm(data, NULL, data, len, data + len, ad,
							      ad_len, nonce, &k->aes) == 0;
}

static const struct aead_ops chacha = { chacha_init, chacha_seal, chacha_open };
static const struct aead_ops aes = { aes_init, aes_seal, aes_open };

uint16_t aead_available(void)
{
	uint16_t ciphers = CIPHER_BIT(CIPHER_CHACHA20_POLY1305);

	if (crypto_aead_aes256gcm_is_available())
		ciphers |= CIPHER_BIT(CIPHER_AES_256_GCM);
	return ciphers;
}

enum cipher aead_choose(uint16_t ours, uint16_t theirs)
{
	uint16_t both = ours & theirs;

	if (both & CIPHER_BIT(CIPHER_AES_256_GCM))
		return CIPHER_AES_256_GCM;
	if (both & CIPHER_BIT(CIPHER_CHACHA20_POLY1305))
		return CIPHER_CHACHA20_POLY1305;
	return CIPHER_NONE;
}

void aead_init(struct aead_key *k, enum cipher cipher, const uint8_t key[AEAD_KEY])
{
	assert(cipher != CIPHER_NONE);
	k->ops = cipher == CIPHER_AES_256_GCM ? &aes : &chacha;
	k->ops->init(k, key);
}

void aead_done(struct aead_key *k)
{
	sodium_memzero(k, sizeof(*k));
}

static void nonce_of(uint32_t path, uint64_t number, uint8_t ret[NONCE])
{
	put_le32(ret, path);
	put_le64(ret + 4, number);
}

void aead_seal(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	uint8_t nonce[NONCE];

	nonce_of(path, number, nonce);
	k->ops->seal(k, nonce, ad, ad_len, to, from, len);
}

bool aead_open(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *data, size_t len)
{
	uint8_t nonce[NONCE];

	if (len < AEAD_TAG)
		return false;
	nonce_of(path, number, nonce);
	return k->ops->open(k, nonce, ad, ad_len, data, len - AEAD_TAG);
}
