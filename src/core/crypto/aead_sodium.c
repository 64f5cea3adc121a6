/* aead_sodium: the ciphers as libsodium does them; AES only where the CPU has it. */
#include "core/crypto/aead.h"

#include <string.h>

static bool chacha_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	memcpy(k->chacha, key, AEAD_KEY);
	return true;
}

static void chacha_seal(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
			size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	crypto_aead_chacha20poly1305_ietf_encrypt_detached(to, to + len, NULL, from, len, ad, ad_len,
							   NULL, nonce, k->chacha);
}

static bool chacha_open(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
			size_t ad_len, uint8_t *data, size_t len)
{
	return crypto_aead_chacha20poly1305_ietf_decrypt_detached(data, NULL, data, len, data + len,
								  ad, ad_len, nonce, k->chacha) == 0;
}

static bool aes_is_there(void)
{
	return crypto_aead_aes256gcm_is_available();
}

static bool aes_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	crypto_aead_aes256gcm_beforenm(&k->aes, key);
	return true;
}

static void aes_seal(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	crypto_aead_aes256gcm_encrypt_detached_afternm(to, to + len, NULL, from, len, ad, ad_len, NULL,
						       nonce, &k->aes);
}

static bool aes_open(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *data, size_t len)
{
	return crypto_aead_aes256gcm_decrypt_detached_afternm(data, NULL, data, len, data + len, ad,
							      ad_len, nonce, &k->aes) == 0;
}

const struct aead_ops aead_sodium_chacha20_poly1305_ops = {
	.library = "libsodium",
	.cipher = CIPHER_CHACHA20_POLY1305,
	.init = chacha_init,
	.seal = chacha_seal,
	.open = chacha_open,
};

const struct aead_ops aead_sodium_aes_256_gcm_ops = {
	.library = "libsodium",
	.cipher = CIPHER_AES_256_GCM,
	.is_there = aes_is_there,
	.init = aes_init,
	.seal = aes_seal,
	.open = aes_open,
};
