/*
 * responder: the server's half of the handshake, against strangers.
 *
 * The order of work is that of its price: MAC1, copies of a message that is
 * answered already, load, and only then curves.  A message 1 that makes a
 * pending handshake changes nothing else: its keys are unconfirmed until data
 * arrives under them.  While its peer has a pending handshake, and without a valid
 * ticket also while it has a session or under load, it makes not even that: it is
 * answered with a RETRY, whose token binds the next message to the address it came
 * from.  So recorded messages neither take a session over nor block a rekey:
 * of a peer's two pending places a replay can take at most one.
 *
 * Memory: RESPONDER_PENDING handshakes, allocated at start.
 */
#ifndef TTT_CORE_CRYPTO_RESPONDER_H
#define TTT_CORE_CRYPTO_RESPONDER_H

#include "base/random.h"
#include "base/units.h"
#include "core/crypto/handshake.h"

#define RESPONDER_PENDING	512
#define RESPONDER_PENDING_LIFE	SEC(10)	/* unconfirmed for so long: forgotten */
#define RESPONDER_PER_PEER	2
#define RESPONDER_BUDGET	200	/* curves' work per second without a cookie */
#define RESPONDER_SOURCE_BUDGET	20	/* per second and source network, with one */

struct responder;

/* What the owner knows of the peer with a public key. */
struct responder_peer {
	void *peer;		/* handed back in the result */
	uint8_t psk[32];
	bool live;		/* it has a session now */
	struct handshake_config config;
};

struct responder_ops {
	/* False: no such peer. */
	bool (*find)(void *ctx, const uint8_t public_key[32], struct responder_peer *ret);
	/* Whether this is the ticket that peer was given last; do not use it up yet. */
	bool (*ticket_valid)(void *ctx, void *peer, const uint8_t ticket[HANDSHAKE_TICKET]);
	/* An index that no key of ours has, 24 bits; 0: there is none left. */
	uint32_t (*new_index)(void *ctx);
};

enum responder_result_type {
	RESPONDER_IGNORED,	/* say nothing */
	RESPONDER_REPLY,	/* send the reply */
	RESPONDER_NEW,		/* send the reply; here are a peer's unconfirmed keys */
};

struct responder_result {
	enum responder_result_type type;
	uint8_t reply[HANDSHAKE_RESPONSE_SIZE];
	size_t reply_len;
	void *peer;			/* NEW */
	struct handshake_keys keys;	/* NEW; the caller wipes it */
};

/* NULL: memory.  ops and ctx must stay valid. */
struct responder *responder_new(const uint8_t private_key[32], uint16_t ciphers,
				const struct random_source *random, const struct responder_ops *ops,
				void *ctx, nsec_t now);
void responder_free(struct responder *r);	/* wipes */

/* A handshake message from a stranger. */
void responder_input(struct responder *r, const struct addr *from, const uint8_t *datagram,
		     size_t len, nsec_t now, struct responder_result *ret);
/* Data came under the keys with this local index: no longer pending. Late copies stay known for a while. */
void responder_confirmed(struct responder *r, uint32_t index);
/* The owner gave the keys up. */
void responder_drop(struct responder *r, uint32_t index);

#endif
