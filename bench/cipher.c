/* cipher: see cipher.h. */
#include "cipher.h"

#include "sim/no_cipher.h"

static const struct aead_ops *const table[] = {
	&no_cipher,
	&aead_sodium_chacha20_poly1305_ops,
	&aead_sodium_aes_256_gcm_ops,
#ifdef TTT_LIBCRYPTO
	&aead_libcrypto_chacha20_poly1305_ops,
	&aead_libcrypto_aes_256_gcm_ops,
#endif
#ifdef TTT_IPSEC_MB
	&aead_ipsec_mb_chacha20_poly1305_ops,
	&aead_ipsec_mb_aes_256_gcm_ops,
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
	if (ops == &no_cipher)
		return "none";
	return ops->cipher == CIPHER_AES_256_GCM ? "aes-256-gcm" : "chacha20-poly1305";
}

struct suite cipher_suite(const struct aead_ops *ops)
{
	struct suite suite = { .offered = CIPHER_BIT(ops->cipher) };

	suite.ops[ops->cipher] = ops;
	return suite;
}
