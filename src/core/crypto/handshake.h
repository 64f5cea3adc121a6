/*
 * handshake: the four messages that agree on keys, as they are on the wire.
 *
 *   INIT      01  index (3)  ephemeral (32)  static (48)  payload (272)  MAC1 (16)  MAC2 (16)
 *   RESPONSE  02  index (3)  ephemeral (32)  payload (272)  MAC1 (16)
 *   RETRY     03  index (3)  MAC1 of the INIT (16)  token (16)
 *   COOKIE    04  index (3)  nonce (24)  sealed cookie (32)
 *
 * The index is the initiator's in all four.  The payloads are padded to one
 * size, so that no answer is longer than what asked for it.
 */
#ifndef TTT_CORE_CRYPTO_HANDSHAKE_H
#define TTT_CORE_CRYPTO_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/crypto/aead.h"
#include "core/crypto/cookie.h"
#include "core/crypto/noise.h"

enum handshake_type {
	HANDSHAKE_INIT = 1,
	HANDSHAKE_RESPONSE = 2,
	HANDSHAKE_RETRY = 3,
	HANDSHAKE_COOKIE = 4,
};

#define HANDSHAKE_VERSION	1
#define HANDSHAKE_PROLOGUE	"ttt 1"
#define HANDSHAKE_TICKET	16

#define HANDSHAKE_PAYLOAD	256
#define HANDSHAKE_INIT_NOISE	(NOISE_INIT_OVERHEAD + HANDSHAKE_PAYLOAD)
#define HANDSHAKE_INIT_MAC1	(4 + HANDSHAKE_INIT_NOISE)	/* where MAC1 begins */
#define HANDSHAKE_INIT_MAC2	(HANDSHAKE_INIT_MAC1 + COOKIE_MAC)
#define HANDSHAKE_INIT_SIZE	(HANDSHAKE_INIT_MAC2 + COOKIE_MAC)
#define HANDSHAKE_RESPONSE_NOISE (NOISE_RESPONSE_OVERHEAD + HANDSHAKE_PAYLOAD)
#define HANDSHAKE_RESPONSE_MAC1	(4 + HANDSHAKE_RESPONSE_NOISE)
#define HANDSHAKE_RESPONSE_SIZE	(HANDSHAKE_RESPONSE_MAC1 + COOKIE_MAC)
#define HANDSHAKE_RETRY_SIZE	(4 + COOKIE_MAC + COOKIE_MAC)
#define HANDSHAKE_COOKIE_SIZE	(4 + COOKIE_NONCE + COOKIE_SEALED)
#define HANDSHAKE_MAX		HANDSHAKE_INIT_SIZE

#define HANDSHAKE_ADDRESSES	4
#define HANDSHAKE_DNS		4

/* What an INIT says once it is opened. */
struct handshake_init {
	uint16_t versions;	/* bit n: version n */
	uint16_t ciphers;	/* a CIPHER_BIT each */
	uint32_t index;		/* where the initiator wants its data, 24 bits */
	bool shorthand;		/* it reads packets that come as SHORT */
	bool checksums;		/* it makes those that are left to it */
	bool has_ticket, has_token;
	uint8_t ticket[HANDSHAKE_TICKET];
	uint8_t token[COOKIE_MAC];	/* from a RETRY, */
	uint8_t token_ephemeral[32];	/* and the ephemeral of the message it answered */
};

/* What the responder hands out. */
struct handshake_config {
	struct prefix address[HANDSHAKE_ADDRESSES];	/* the initiator's inner addresses */
	size_t address_count;
	struct addr dns[HANDSHAKE_DNS];
	size_t dns_count;
	uint16_t mtu;		/* of the tunnel, 1280..9000 */
};

struct handshake_response {
	uint8_t version;
	uint8_t cipher;		/* enum cipher */
	bool resumed;		/* numbers and lanes of the session before go on */
	bool shorthand;		/* both ends read packets that come as SHORT */
	bool checksums;		/* both make checksums that are left to them */
	uint32_t index;		/* where the responder wants its data */
	struct handshake_config config;
};

/* What both ends have in the end. */
struct handshake_keys {
	uint8_t send[AEAD_KEY], receive[AEAD_KEY];
	enum cipher cipher;
	uint32_t local_index, remote_index;
	bool resumed, shorthand, checksums;
	struct handshake_config config;
};

/* Write a payload, padded with zeros to HANDSHAKE_PAYLOAD. */
void handshake_write_init(const struct handshake_init *init, uint8_t ret[HANDSHAKE_PAYLOAD]);
void handshake_write_response(const struct handshake_response *r, uint8_t ret[HANDSHAKE_PAYLOAD]);
/* Read one; false: it does not parse, or a value is out of range. */
bool handshake_read_init(const uint8_t payload[HANDSHAKE_PAYLOAD], struct handshake_init *ret);
bool handshake_read_response(const uint8_t payload[HANDSHAKE_PAYLOAD],
			     struct handshake_response *ret);

#endif
