/* aead: see aead.h. */
#include "core/crypto/aead.h"

#include <string.h>

#include "base/bytes.h"

bool aead_init(struct aead_key *k, const struct aead_ops *ops, const uint8_t key[AEAD_KEY])
{
	memset(k, 0, sizeof(*k));
	k->ops = ops;
	if (ops->init(k, key))
		return true;
	aead_done(k);
	return false;
}

void aead_done(struct aead_key *k)
{
	if (k->ops != NULL && k->ops->done != NULL)
		k->ops->done(k);
	sodium_memzero(k, sizeof(*k));
}

static void nonce_of(uint32_t path, uint64_t number, uint8_t ret[AEAD_NONCE])
{
	put_le32(ret, path);
	put_le64(ret + 4, number);
}

void aead_seal(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	uint8_t nonce[AEAD_NONCE];

	nonce_of(path, number, nonce);
	k->ops->seal(k, nonce, ad, ad_len, to, from, len);
}

bool aead_open(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *data, size_t len)
{
	uint8_t nonce[AEAD_NONCE];

	if (len < AEAD_TAG)
		return false;
	nonce_of(path, number, nonce);
	return k->ops->open(k, nonce, ad, ad_len, data, len - AEAD_TAG);
}
