/*
 * aead: sealing and opening datagrams, behind one small ops struct for each
 * cipher and library that does it.  Which of them a machine uses: suite.h.
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
#define AEAD_NONCE	12

/* As on the wire. */
enum cipher { CIPHER_NONE = 0, CIPHER_CHACHA20_POLY1305 = 1, CIPHER_AES_256_GCM = 2 };

#define CIPHERS			3	/* with CIPHER_NONE */
#define CIPHER_BIT(cipher)	((uint16_t)(1u << (cipher)))

struct aead_key;

struct aead_ops {
	const char *library;
	enum cipher cipher;
	/* NULL: it is there on every machine. */
	bool (*is_there)(void);
	/* False: memory.  done follows, also then; NULL: there is nothing to be done but wiping. */
	bool (*init)(struct aead_key *k, const uint8_t key[AEAD_KEY]);
	void (*done)(struct aead_key *k);
	void (*seal)(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *to, const uint8_t *from, size_t len);
	/* len without the tag, which follows. */
	bool (*open)(const struct aead_key *k, const uint8_t nonce[AEAD_NONCE], const uint8_t *ad,
		     size_t ad_len, uint8_t *data, size_t len);
};

struct aead_key {
	const struct aead_ops *ops;	/* NULL: no key */
	union {
		uint8_t chacha[AEAD_KEY];
		crypto_aead_aes256gcm_state aes;	/* aligned to 16 by its type */
		void *context;				/* a library's own, which it allocates */
	};
};

extern const struct aead_ops aead_sodium_chacha20_poly1305_ops;
extern const struct aead_ops aead_sodium_aes_256_gcm_ops;
extern const struct aead_ops aead_libcrypto_chacha20_poly1305_ops;
extern const struct aead_ops aead_libcrypto_aes_256_gcm_ops;
extern const struct aead_ops aead_ipsec_mb_chacha20_poly1305_ops;
extern const struct aead_ops aead_ipsec_mb_aes_256_gcm_ops;

/* False: memory, no key is there then.  aead_done wipes; also of a zeroed key, or one that could not be made. */
bool aead_init(struct aead_key *k, const struct aead_ops *ops, const uint8_t key[AEAD_KEY]);
void aead_done(struct aead_key *k);

/* Writes len + AEAD_TAG bytes; from and to are the same, or apart. */
void aead_seal(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *to, const uint8_t *from, size_t len);
/* In place; len counts the tag.  False: forged or damaged, data is worthless then. */
bool aead_open(const struct aead_key *k, uint32_t path, uint64_t number, const uint8_t *ad,
	       size_t ad_len, uint8_t *data, size_t len);

#endif
