/*
 * aead_ipsec_mb: the same ciphers as Intel's library for IPsec and DPDK does them,
 * where ttt is built with it (TTT_IPSEC_MB; 64-bit x86 of any maker): no look-up for
 * a packet, and code for each generation of vector instructions.
 *
 * Of its multi-buffer manager only the functions for this CPU are wanted: they are
 * kept with the key, and the manager is gone when that is made (0.12 ms).  What a
 * call needs besides is on its stack.
 */
#include "core/crypto/aead.h"

#ifdef TTT_IPSEC_MB

#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE	64

/* CPUs that its code is made for; elsewhere it imitates what is missing. */
static bool is_there(void)
{
	return crypto_aead_aes256gcm_is_available() == 1;
}

/* Room for a key's context, and a manager to fill it from.  NULL: memory, or it does not know this CPU. */
static IMB_MGR *begin(struct aead_key *k, size_t size)
{
	IMB_MGR *m;

	k->context = aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	m = k->context != NULL ? alloc_mb_mgr(0) : NULL;
	if (m == NULL)
		return NULL;
	init_mb_mgr_auto(m, NULL);
	if (imb_get_errno(m) == 0)
		return m;
	free_mb_mgr(m);
	return NULL;
}

static void end(struct aead_key *k, size_t size)
{
	if (k->context != NULL)
		sodium_memzero(k->context, size);
	free(k->context);
}

/* --- AES-256-GCM ------------------------------------------------------------ */

struct aes {
	struct gcm_key_data key;	/* first: it wants a cache line's beginning */
	aes_gcm_enc_dec_t seal, open;
};

static bool aes_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	IMB_MGR *m = begin(k, sizeof(struct aes));
	struct aes *x = k->context;

	if (m == NULL)
		return false;
	x->seal = m->gcm256_enc;
	x->open = m->gcm256_dec;
	IMB_AES256_GCM_PRE(m, key, &x->key);
	free_mb_mgr(m);
	return true;
}

static void aes_done(struct aead_key *k)
{
	end(k, sizeof(struct aes));
}

static void aes_seal(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	const struct aes *x = k->context;
	struct gcm_context_data state;

	x->seal(&x->key, &state, to, from, len, nonce, ad, ad_len, to + len, AEAD_TAG);
	sodium_memzero(&state, sizeof(state));	/* it has some of the key stream */
}

/* It decrypts, and leaves it to us to compare the tag; so it is below. */
static bool aes_open(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *data, size_t len)
{
	const struct aes *x = k->context;
	struct gcm_context_data state;
	uint8_t tag[AEAD_TAG];

	x->open(&x->key, &state, data, data, len, nonce, ad, ad_len, tag, AEAD_TAG);
	sodium_memzero(&state, sizeof(state));
	return sodium_memcmp(tag, data + len, AEAD_TAG) == 0;
}

/* --- ChaCha20-Poly1305 -------------------------------------------------------- */

struct chacha {
	uint8_t key[AEAD_KEY];
	chacha_poly_init_t begin;
	chacha_poly_enc_dec_update_t seal, open;
	chacha_poly_finalize_t finish;
};

static bool chacha_init(struct aead_key *k, const uint8_t key[AEAD_KEY])
{
	IMB_MGR *m = begin(k, sizeof(struct chacha));
	struct chacha *x = k->context;

	if (m == NULL)
		return false;
	memcpy(x->key, key, AEAD_KEY);
	x->begin = m->chacha20_poly1305_init;
	x->seal = m->chacha20_poly1305_enc_update;
	x->open = m->chacha20_poly1305_dec_update;
	x->finish = m->chacha20_poly1305_finalize;
	free_mb_mgr(m);
	return true;
}

static void chacha_done(struct aead_key *k)
{
	end(k, sizeof(struct chacha));
}

static void chacha_seal(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
			size_t ad_len, uint8_t *to, const uint8_t *from, size_t len)
{
	const struct chacha *x = k->context;
	struct chacha20_poly1305_context_data state;

	x->begin(x->key, &state, nonce, ad, ad_len);
	x->seal(x->key, &state, to, from, len);
	x->finish(&state, to + len, AEAD_TAG);
	sodium_memzero(&state, sizeof(state));
}

static bool chacha_open(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
			size_t ad_len, uint8_t *data, size_t len)
{
	const struct chacha *x = k->context;
	struct chacha20_poly1305_context_data state;
	uint8_t tag[AEAD_TAG];

	x->begin(x->key, &state, nonce, ad, ad_len);
	x->open(x->key, &state, data, data, len);
	x->finish(&state, tag, AEAD_TAG);
	sodium_memzero(&state, sizeof(state));
	return sodium_memcmp(tag, data + len, AEAD_TAG) == 0;
}

const struct aead_ops aead_ipsec_mb_chacha20_poly1305_ops = {
	.library = "ipsec-mb",
	.cipher = CIPHER_CHACHA20_POLY1305,
	.is_there = is_there,
	.init = chacha_init,
	.done = chacha_done,
	.seal = chacha_seal,
	.open = chacha_open,
};

const struct aead_ops aead_ipsec_mb_aes_256_gcm_ops = {
	.library = "ipsec-mb",
	.cipher = CIPHER_AES_256_GCM,
	.is_there = is_there,
	.init = aes_init,
	.done = aes_done,
	.seal = aes_seal,
	.open = aes_open,
};

#endif
