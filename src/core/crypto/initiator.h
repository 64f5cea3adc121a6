/*
 * initiator: the client's half of a handshake, over all links at once.
 *
 * One message 1 goes out on every link, byte for byte the same but for MAC2,
 * and again until an answer comes; the first answer wins.  Any change of its
 * content takes a new ephemeral key: else a nonce would be used twice.
 *
 *   idle --start--> asking --RESPONSE--> done (idle, keys are there)
 *                    |  ^
 *                    +--+  RETRY, COOKIE, or 5 s without an answer: asks anew
 *
 * After INITIATOR_PATIENT without a word from there it asks every five seconds only: a
 * server may be gone for days, and every message wakes a radio, or costs money.
 *
 * RETRY and COOKIE carry no proof of who wrote them, only that he saw our
 * message (its MAC1): such a one can cost a round trip, never the handshake,
 * since a message with a token takes no further RETRY and a message that is
 * not answered is made anew without one; and a message goes out in turn with the
 * last COOKIE that came on the link and with one before, so that only who is faster
 * than the server and has the last word as well, for message after message, is in
 * the way, and only while the server asks for cookies.
 */
#ifndef TTT_CORE_CRYPTO_INITIATOR_H
#define TTT_CORE_CRYPTO_INITIATOR_H

#include "base/random.h"
#include "base/units.h"
#include "core/crypto/handshake.h"

#define INITIATOR_PATIENT	SEC(300)

struct initiator {
	struct noise_keypair self;
	uint8_t peer[32], psk[32];
	struct cookie_keys peer_keys, self_keys;
	uint16_t ciphers;
	bool shorthand;		/* that SHORT is read is offered */
	bool checksums;		/* and that checksums are made */
	struct random_source random;

	bool active;
	struct handshake_init init;
	struct noise noise;			/* after message 1 was written */
	uint8_t message[HANDSHAKE_INIT_SIZE];	/* MAC2 left open */
	nsec_t made_at;			/* when this message was made, */
	nsec_t life;			/* and how long it waits for an answer */
	nsec_t due;			/* when it goes out next */
	unsigned rounds;		/* how often it went out */
	nsec_t silent_since;		/* nobody has answered since then, and nothing else gave hope */
	/* of each link the last that came, and another before it: either may be forged */
	struct initiator_cookie {
		uint8_t cookie[COOKIE_MAC];
		nsec_t at;		/* 0: none */
		unsigned round;		/* after so many rounds; only whether that is odd counts */
	} cookie[PATHS_MAX], former[PATHS_MAX];
	path_set fed;			/* links that a COOKIE for this message has come on */
	struct handshake_keys keys;
};

enum initiator_result {
	INITIATOR_IGNORED,	/* not for us, not now, or not authentic */
	INITIATOR_AGAIN,	/* a new message is due at once */
	INITIATOR_AGAIN_HERE,	/* so is the same one, on this link: it has another MAC2 there */
	INITIATOR_DONE,		/* initiator_keys has the keys; the handshake is over */
};

/* self: private key; psk: zeros for none; ciphers: what to offer.  All copied. */
void initiator_init(struct initiator *i, const uint8_t private_key[32], const uint8_t peer[32],
		    const uint8_t psk[32], uint16_t ciphers, const struct random_source *random);
void initiator_done(struct initiator *i);	/* wipes */

/* Begin; index: where we want the peer's data; ticket: from the session before, or NULL. */
void initiator_start(struct initiator *i, uint32_t index, const uint8_t *ticket, nsec_t now);
/* Give up; keys that were never fetched are wiped. */
void initiator_stop(struct initiator *i);
bool initiator_is_active(const struct initiator *i);

/* There may be an answer now, which there was not: ask as if it had just begun. */
void initiator_hope(struct initiator *i, nsec_t now);
/* It has asked for so long that it asks rarely. */
bool initiator_is_patient(const struct initiator *i, nsec_t now);

/* When the message wants to go out on all links (again); NSEC_NEVER when idle. */
nsec_t initiator_deadline(const struct initiator *i);
/* Call when that time has come, before initiator_message: makes a new message if the old one is stale. */
void initiator_round(struct initiator *i, nsec_t now);
/* The message for one link (slot: 0..PATHS_MAX-1); HANDSHAKE_INIT_SIZE bytes.  May be asked any time while active. */
void initiator_message(const struct initiator *i, unsigned slot, nsec_t now,
		       uint8_t ret[HANDSHAKE_INIT_SIZE]);
/* What came on a link. */
enum initiator_result initiator_input(struct initiator *i, unsigned slot, const uint8_t *datagram,
				      size_t len, nsec_t now);
/* Valid after DONE until the next start or stop. */
const struct handshake_keys *initiator_keys(const struct initiator *i);

#endif
