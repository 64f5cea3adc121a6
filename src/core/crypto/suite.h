/*
 * suite: which ciphers this machine offers, and which library does each.
 *
 * ChaCha20-Poly1305 is always offered, AES-256-GCM where it is there and no
 * slower.  Both ends have it then where it is used, so it is faster for both.
 */
#ifndef TTT_CORE_CRYPTO_SUITE_H
#define TTT_CORE_CRYPTO_SUITE_H

#include "base/units.h"
#include "core/crypto/aead.h"

struct suite {
	uint16_t offered;			/* a CIPHER_BIT each */
	const struct aead_ops *ops[CIPHERS];	/* by cipher; NULL: it is not there */
};

/* libsodium's; AES counts as faster where its CPU instructions are there.  The same on every such machine. */
void suite_plain(struct suite *ret);
/*
 * The fastest of all that are there, found by trying them; takes some
 * milliseconds, and what the libraries do when they are first called.  clock
 * is read before and after each try.
 */
void suite_fastest(struct suite *ret, nsec_t (*clock)(void *ctx), void *ctx);

/* The cipher to use of those that both ends offer: AES before ChaCha; CIPHER_NONE: nothing in common. */
enum cipher suite_choose(uint16_t ours, uint16_t theirs);

#endif
