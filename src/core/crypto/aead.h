/*
 * aead: sealing and opening datagrams, behind one small ops struct per cipher.
 *
 * The nonce is the path id (32 bits) and the packet number (64 bits), both
 * little-endian: unique as long as a path's numbers never restart under a key.
 */
#ifndef TTT_CORE_CRYPTO_AEAD_H
#define TTT_CORE_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#define AEAD_KEY	32
#define AEAD_TAG	16

enum cipher { CIPHER_NONE = 0, CIPHER_CHACHA20_POLY1305 = 1, CIPHER_AES_256_GCM = 2 };

#define CIPHER_BIT(cipher)	((uint16_t)(1u << (cipher)))

struct aead_ops;

struct aead_key {
	const struct aead_ops *ops;	/* NULL: no key */
	union {
		uint8_t chacha[AEAD_KEY];
		crypto_aead_aes256gcm_state aes;	/* aligned to 16 by its type */
	};
};

/* The ciphers that this machine can do, a CIPHER_BIT each. */
uint16_t aead_available(void);
/* The one to use of those that both ends have: AES where both can; CIPHER_NONE: nothing in common. */
enum cipher aead_choose(uint16_t ours, uint16_t theirs);

/* cipher must be available. */
void aead_init(struct aead_key *k, enum cipher cipher, const uint8_t key[AEAD_KEY]);
/* Wipes; also of a zeroed key. */
void aead_done(struct aead_key *k);

/* Writes len + AEAD_TAG bytes; from and to are the same, or apart. */
void aead_seal(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *to, const uint8_t *from, size_t len);
/* In place; len counts the tag.  False: forged or damaged, data is worthless then. */
bool aead_open(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *data, size_t len);

#endif
