/*
 * session: the keys shared with a peer, and which of them to use.
 *
 *   current    what we seal with, and open with
 *   former     the one before: still opens for 60 s, so that a rekey loses nothing
 *   pending    agreed by a handshake that nobody has confirmed yet (server)
 *
 * The table of all receiver indices is shared by an engine's peers.
 */
#ifndef TTT_CORE_SESSION_H
#define TTT_CORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hands.h"
#include "base/random.h"
#include "base/units.h"
#include "core/crypto/aead.h"
#include "core/crypto/handshake.h"
#include "core/crypto/suite.h"

#define SESSION_REKEY_AFTER	SEC(120)
#define SESSION_REKEY_PACKETS	(UINT64_C(1) << 30)
#define SESSION_REJECT_AFTER	SEC(180)
#define SESSION_REJECT_PACKETS	(UINT64_C(1) << 32)
#define SESSION_FORMER_LIFE	SEC(60)
#define SESSION_PENDING_LIFE	SEC(10)
#define SESSION_PENDING		2

/* A library's key may remember where it is in a packet: so each hand has its own. */
struct keypair {
	struct aead_key send, receive;	/* the first hand's */
	struct { struct aead_key send, receive; } *more;	/* the others' */
	unsigned more_count;
	uint64_t serial;	/* never 0 nor another's, as long as the engine lives */
	uint32_t local, remote;	/* receiver indices: the peer's data has local, ours remote */
	bool resumed;		/* numbers and lanes go on under these keys */
	bool shorthand;		/* the other end reads packets that come as SHORT */
	bool checksums;		/* and makes checksums that are left to it */
	nsec_t made_at;
	uint64_t sent;		/* datagrams sealed */
	bool rekey_asked;	/* server: the client was told that it is time for others */
};

struct session {
	struct keypair *current, *former;
	struct keypair *pending[SESSION_PENDING];
	nsec_t former_until;
};

/* receiver index -> who, and which keys. */
#define KEY_TABLE	4096	/* places; 256 peers with 4 keys each fill a quarter */

struct key_table {
	struct {
		void *peer;	/* NULL: free */
		struct keypair *keys;	/* NULL: reserved, a handshake is under way */
		uint32_t index;
	} place[KEY_TABLE];
	uint64_t serial;	/* of the keys that were last set */
};

/* A new random index, reserved for peer; 0: the table is full. */
uint32_t key_table_reserve(struct key_table *t, const struct random_source *random, void *peer);
void key_table_set(struct key_table *t, uint32_t index, void *peer, struct keypair *keys);
void key_table_release(struct key_table *t, uint32_t index);
/* The keys of an index and whose they are, or NULL. */
struct keypair *key_table_find(const struct key_table *t, uint32_t index, void **ret_peer);
bool key_table_has(const struct key_table *t, uint32_t index);

/*
 * Keys as a handshake agreed them, for so many hands (0 is 1); NULL: memory, or a
 * cipher that is not there.  Freed with keypair_free, which wipes.
 */
struct keypair *keypair_new(const struct handshake_keys *keys, const struct suite *suite, unsigned hands,
			    nsec_t now);
void keypair_free(struct keypair *k);
/* For packets that this hand seals, or opens. */
const struct aead_key *keypair_sends(const struct keypair *k, unsigned hand);
const struct aead_key *keypair_receives(const struct keypair *k, unsigned hand);

/* May we seal with these now? */
bool keypair_may_send(const struct keypair *k, nsec_t now);
bool keypair_wants_rekey(const struct keypair *k, nsec_t now);

#endif
