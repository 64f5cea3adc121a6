/*
 * aead_libcrypto: the same ciphers as OpenSSL's libcrypto does them, where ttt
 * is built with it (TTT_LIBCRYPTO).
 *
 * A key has a context of its own, made once; a packet only sets its nonce.  None
 * of the calls fails on a context that was made; should one, what is sealed is
 * zeros, which nobody takes for a packet.
 */
#include "core/crypto/aead.h"

#ifdef TTT_LIBCRYPTO

#include <openssl/evp.h>
#include <string.h>

enum { OPENS, SEALS };	/* as EVP_CipherInit_ex wants it */

static bool init(struct aead_key *k, const EVP_CIPHER *cipher, const uint8_t key[AEAD_KEY])
{
	k->context = EVP_CIPHER_CTX_new();
	return k->context != NULL && EVP_CipherInit_ex(k->context, cipher, NULL, key, NULL, SEALS) > 0;
}

static void done(struct aead_key *k)
{
	EVP_CIPHER_CTX_free(k->context);
}

static bool run(EVP_CIPHER_CTX *c, const uint8_t *ad, size_t ad_len, uint8_t *to, const uint8_t *from,
		size_t len)
{
	int n;

	return EVP_CipherUpdate(c, NULL, &n, ad, (int)ad_len) > 0 &&
	       EVP_CipherUpdate(c, to, &n, from, (int)len) > 0 && EVP_CipherFinal_ex(c, to + len, &n) > 0;
}

static void seal(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
		 size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	EVP_CIPHER_CTX *c = k->context;

	if (EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, SEALS) <= 0 ||
	    !run(c, ad, ad_len, to, from, len) ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, to + len) <= 0)
		memset(to, 0, len + AEAD_TAG);
}

static bool open_sealed(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
			size_t ad_len, uint8_t *data, size_t len)
{
	EVP_CIPHER_CTX *c = k->context;
	uint8_t tag[AEAD_TAG];

	memcpy(tag, data + len, AEAD_TAG);
	return EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, OPENS) > 0 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) > 0 &&
	       run(c, ad, ad_len, data, data, len);
}

static bool chacha_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	return init(k, EVP_chacha20_poly1305(), key);
}

static bool aes_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	return init(k, EVP_aes_256_gcm(), key);
}

const struct aead_ops aead_libcrypto_chacha20_poly1305_ops = {
	.library = "libcrypto",
	.cipher = CIPHER_CHACHA20_POLY1305,
	.init = chacha_init,
	.done = done,
	.seal = seal,
	.open = open_sealed,
};

const struct aead_ops aead_libcrypto_aes_256_gcm_ops = {
	.library = "libcrypto",
	.cipher = CIPHER_AES_256_GCM,
	.init = aes_init,
	.done = done,
	.seal = seal,
	.open = open_sealed,
};

#endif
