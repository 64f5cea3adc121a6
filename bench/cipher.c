/* cipher: see cipher.h. */
#include "cipher.h"

#include <string.h>

static const uint8_t no_tag[AEAD_TAG] = "not encrypted";

static bool init_nothing(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	(void)k;
	(void)key;
	return true;
}

static void seal_nothing(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
			 size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	(void)k;
	(void)nonce;
	(void)ad;
	(void)ad_len;
	if (to != from)
		memcpy(to, from, len);
	memcpy(to + len, no_tag, AEAD_TAG);
}

static bool open_nothing(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
			 size_t ad_len, uint8_t *data, size_t len)
{
	(void)k;
	(void)nonce;
	(void)ad;
	(void)ad_len;
	return memcmp(data + len, no_tag, AEAD_TAG) == 0;
}

/* The number is only what the handshake says. */
const struct aead_ops cipher_nothing = {
	.library = "-",
	.cipher = CIPHER_CHACHA20_POLY1305,
	.init = init_nothing,
	.seal = seal_nothing,
	.open = open_nothing,
};

static const struct aead_ops *const table[] = {
	&cipher_nothing,
	&aead_sodium_chacha20_poly1305_ops,
	&aead_sodium_aes_256_gcm_ops,
#ifdef TTT_LIBCRYPTO
	&aead_libcrypto_chacha20_poly1305_ops,
	&aead_libcrypto_aes_256_gcm_ops,
#endif
};

const struct aead_ops *cipher_at(size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i]->is_there != NULL && !table[i]->is_there())
			continue;
		if (n-- == 0)
			return table[i];
	}
	return NULL;
}

const char *cipher_name(const struct aead_ops *ops)
{
	if (ops == &cipher_nothing)
		return "none";
	return ops->cipher == CIPHER_AES_256_GCM ? "aes-256-gcm" : "chacha20-poly1305";
}

struct suite cipher_suite(const struct aead_ops *ops)
{
	struct suite suite = { .offered = CIPHER_BIT(ops->cipher) };

	suite.ops[ops->cipher] = ops;
	return suite;
}
