/* suite: see suite.h. */
#include "core/crypto/suite.h"

#include <string.h>

#define TRIES	7	/* of each; the quickest counts: whatever comes on top is somebody else's */
#define PACKETS	16	/* in a try */
#define PACKET	1400	/* bytes of one */

/* libsodium's first: it stays where another is not faster. */
static const struct aead_ops *const table[] = {
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

static bool is_there(const struct aead_ops *ops)
{
	return ops->is_there == NULL || ops->is_there();
}

void suite_plain(struct suite *ret)
{
	*ret = (struct suite){
		.offered = CIPHER_BIT(CIPHER_CHACHA20_POLY1305),
		.ops[CIPHER_CHACHA20_POLY1305] = &aead_sodium_chacha20_poly1305_ops,
	};
	if (!is_there(&aead_sodium_aes_256_gcm_ops))
		return;
	ret->offered |= CIPHER_BIT(CIPHER_AES_256_GCM);
	ret->ops[CIPHER_AES_256_GCM] = &aead_sodium_aes_256_gcm_ops;
}

/* Seal and open some packets; false: what was sealed did not open. */
static bool try(const struct aead_key *k)
{
	uint8_t packet[PACKET + AEAD_TAG] = { 0 };
	bool good = true;

	for (uint64_t n = 0; n < PACKETS; n++) {
		aead_seal(k, 0, n, packet, 0, packet, packet, PACKET);
		good = aead_open(k, 0, n, packet, 0, packet, sizeof(packet)) && good;
	}
	return good;
}

/* NSEC_NEVER: it is of no use. */
static nsec_t time_of(const struct aead_ops *ops, nsec_t (*clock)(void *ctx), void *ctx)
{
	static const uint8_t key[AEAD_KEY] = { 1 };
	nsec_t least = NSEC_NEVER;
	struct aead_key k;

	if (!is_there(ops) || !aead_init(&k, ops, key))
		return NSEC_NEVER;
	for (int i = 0; i < TRIES; i++) {
		nsec_t began = clock(ctx);
		bool good = try(&k);

		least = good ? nsec_min(least, nsec_since(began, clock(ctx))) : least;
	}
	aead_done(&k);
	return least;
}

void suite_fastest(struct suite *ret, nsec_t (*clock)(void *ctx), void *ctx)
{
	nsec_t best[CIPHERS] = { NSEC_NEVER, NSEC_NEVER, NSEC_NEVER };

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		enum cipher cipher = table[i]->cipher;
		nsec_t time = time_of(table[i], clock, ctx);

		if (time >= best[cipher])
			continue;
		best[cipher] = time;
		ret->ops[cipher] = table[i];
	}
	/* always there, and so it is even if the clock stands still or goes mad */
	if (ret->ops[CIPHER_CHACHA20_POLY1305] == NULL)
		ret->ops[CIPHER_CHACHA20_POLY1305] = table[0];
	ret->offered = CIPHER_BIT(CIPHER_CHACHA20_POLY1305);
	if (best[CIPHER_AES_256_GCM] <= best[CIPHER_CHACHA20_POLY1305] && ret->ops[CIPHER_AES_256_GCM] != NULL)
		ret->offered |= CIPHER_BIT(CIPHER_AES_256_GCM);
}

enum cipher suite_choose(uint16_t ours, uint16_t theirs)
{
	uint16_t both = ours & theirs;

	if (both & CIPHER_BIT(CIPHER_AES_256_GCM))
		return CIPHER_AES_256_GCM;
	if (both & CIPHER_BIT(CIPHER_CHACHA20_POLY1305))
		return CIPHER_CHACHA20_POLY1305;
	return CIPHER_NONE;
}
