/*
 * noise: the Noise handshake IK and IKpsk2 over X25519, ChaCha20-Poly1305 and
 * SHA-512 (The Noise Protocol Framework, revision 34).
 *
 *   IKpsk2:   <- s
 *             ...
 *             -> e, es, s, ss
 *             <- e, ee, se, psk
 *
 * Buffers: a first message is NOISE_INIT_OVERHEAD bytes longer than its
 * payload, the second NOISE_RESPONSE_OVERHEAD.  A false from any function
 * leaves the state useless; keep a copy where that matters.
 */
#ifndef TTT_CORE_CRYPTO_NOISE_H
#define TTT_CORE_CRYPTO_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOISE_KEY			32
#define NOISE_HASH			64
#define NOISE_INIT_OVERHEAD		(32 + 48 + 16)
#define NOISE_RESPONSE_OVERHEAD		(32 + 16)

struct noise_keypair {
	uint8_t private_key[NOISE_KEY], public_key[NOISE_KEY];
};

struct noise {
	bool psk_mode;
	bool keyed;
	uint64_t number;
	uint8_t key[NOISE_KEY];
	uint8_t chain[NOISE_HASH], hash[NOISE_HASH];
	struct noise_keypair ephemeral;
	uint8_t remote_static[NOISE_KEY], remote_ephemeral[NOISE_KEY];
};

/* The public key of a private one. */
void noise_public_key(struct noise_keypair *pair);

/* psk_mode: IKpsk2, else IK.  responder: the responder's static key, known to both. */
void noise_begin(struct noise *n, bool psk_mode, const uint8_t *prologue, size_t prologue_len,
		 const uint8_t responder[NOISE_KEY]);

/* Initiator, first message: n->ephemeral is set by the caller. False: a key is worthless. */
bool noise_write_init(struct noise *n, const struct noise_keypair *self, const uint8_t *payload,
		      size_t len, uint8_t *ret);
/* Responder: gives the payload and, in n->remote_static, who it says it is. */
bool noise_read_init(struct noise *n, const struct noise_keypair *self, const uint8_t *message,
		     size_t len, uint8_t *ret_payload);
/* Responder, second message; psk is not read in IK. */
bool noise_write_response(struct noise *n, const uint8_t psk[NOISE_KEY], const uint8_t *payload,
			  size_t len, uint8_t *ret);
bool noise_read_response(struct noise *n, const struct noise_keypair *self,
			 const uint8_t psk[NOISE_KEY], const uint8_t *message, size_t len,
			 uint8_t *ret_payload);
/* The two transport keys: initiator to responder, and back. Wipes the state. */
void noise_split(struct noise *n, uint8_t ret_forth[NOISE_KEY], uint8_t ret_back[NOISE_KEY]);

#endif
