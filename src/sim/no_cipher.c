/* no_cipher: see no_cipher.h. */
#include "sim/no_cipher.h"

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
const struct aead_ops no_cipher = {
	.library = "-",
	.cipher = CIPHER_CHACHA20_POLY1305,
	.init = init_nothing,
	.seal = seal_nothing,
	.open = open_nothing,
};
