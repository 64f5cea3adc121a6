/*
 * cookie: cheap proofs before costly work.
 *
 * MAC1 shows that a sender knows whom it speaks to, MAC2 that it receives at
 * the address it sends from (WireGuard paper §5.4.4 and §5.4.7, with BLAKE2b).
 * A retry token proves the same for one handshake message, without a state.
 */
#ifndef TTT_CORE_CRYPTO_COOKIE_H
#define TTT_CORE_CRYPTO_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/random.h"
#include "base/units.h"

#define COOKIE_MAC	16
#define COOKIE_NONCE	24
#define COOKIE_SEALED	(COOKIE_MAC + 16)
#define COOKIE_LIFE	SEC(120)
#define COOKIE_EPOCH	SEC(10)

/* The keys that belong to one public key: for MAC1 of what is sent to it, and for its cookies. */
struct cookie_keys {
	uint8_t mac1[32], seal[32];
};

void cookie_keys_init(struct cookie_keys *k, const uint8_t public_key[32]);
/* MAC over message[0..len). */
void cookie_mac1(const struct cookie_keys *k, const uint8_t *message, size_t len,
		 uint8_t ret[COOKIE_MAC]);
void cookie_mac2(const uint8_t cookie[COOKIE_MAC], const uint8_t *message, size_t len,
		 uint8_t ret[COOKIE_MAC]);

/* The answering side: a secret that changes every 2 minutes, the one before still counts. */
struct cookie_jar {
	struct cookie_keys keys;	/* of our own public key */
	uint8_t secret[32], former[32];
	uint8_t retry[32];		/* for tokens: lives as long as the jar */
	nsec_t changed_at;
};

void cookie_jar_init(struct cookie_jar *j, const uint8_t public_key[32],
		     const struct random_source *random, nsec_t now);
/* Seals a cookie for `from`; mac1 (of the message it answers) is bound to it. */
void cookie_bake(struct cookie_jar *j, const struct random_source *random, const struct addr *from,
		 const uint8_t mac1[COOKIE_MAC], nsec_t now, uint8_t ret_nonce[COOKIE_NONCE],
		 uint8_t ret_sealed[COOKIE_SEALED]);
/* Whether mac2 over message[0..len) was made with a cookie of ours for `from`. */
bool cookie_check(struct cookie_jar *j, const struct random_source *random, const struct addr *from,
		  const uint8_t *message, size_t len, const uint8_t mac2[COOKIE_MAC], nsec_t now);
/* The asking side: opens a cookie; k: of the answering side's public key. */
bool cookie_open(const struct cookie_keys *k, const uint8_t mac1[COOKIE_MAC],
		 const uint8_t nonce[COOKIE_NONCE], const uint8_t sealed[COOKIE_SEALED],
		 uint8_t ret[COOKIE_MAC]);

/* A token for one ephemeral key from one address; good for 10 to 20 seconds. */
void cookie_token(const struct cookie_jar *j, const struct addr *from, const uint8_t ephemeral[32],
		  nsec_t now, uint8_t ret[COOKIE_MAC]);
bool cookie_token_check(const struct cookie_jar *j, const struct addr *from,
			const uint8_t ephemeral[32], const uint8_t token[COOKIE_MAC], nsec_t now);

#endif
