/* session: see session.h. */
#include "core/session.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define INDEX_MAX	0xffffffu
#define TRIES		64

static unsigned place_of(uint32_t index)
{
	return index % KEY_TABLE;
}

uint32_t key_table_reserve(struct key_table *t, const struct random_source *random, void *peer)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t index = random_u32(random) & INDEX_MAX;

		if (index == 0 || t->place[place_of(index)].peer != NULL)
			continue;
		key_table_set(t, index, peer, NULL);
		return index;
	}
	return 0;
}

void key_table_set(struct key_table *t, uint32_t index, void *peer, struct keypair *keys)
{
	unsigned at = place_of(index);

	t->place[at].peer = peer;
	t->place[at].keys = keys;
	if (keys != NULL)
		keys->serial = ++t->serial;
	t->place[at].index = index;
}

bool key_table_has(const struct key_table *t, uint32_t index)
{
	unsigned at = place_of(index);

	return t->place[at].peer != NULL && t->place[at].index == index;
}

void key_table_release(struct key_table *t, uint32_t index)
{
	if (key_table_has(t, index))
		t->place[place_of(index)].peer = NULL;
}

struct keypair *key_table_find(const struct key_table *t, uint32_t index, void **ret_peer)
{
	unsigned at = place_of(index);

	if (!key_table_has(t, index))
		return NULL;
	*ret_peer = t->place[at].peer;
	return t->place[at].keys;
}

static bool make_keys(struct keypair *k, const struct handshake_keys *keys, const struct aead_ops *ops,
		      unsigned hands)
{
	if (!aead_init(&k->send, ops, keys->send) || !aead_init(&k->receive, ops, keys->receive))
		return false;
	if (hands < 2)
		return true;
	k->more = calloc(hands - 1, sizeof(*k->more));
	if (k->more == NULL)
		return false;
	for (k->more_count = hands - 1; hands > 1; hands--)
		if (!aead_init(&k->more[hands - 2].send, ops, keys->send) ||
		    !aead_init(&k->more[hands - 2].receive, ops, keys->receive))
			return false;
	return true;
}

struct keypair *keypair_new(const struct handshake_keys *keys, const struct suite *suite, unsigned hands,
			    nsec_t now)
{
	const struct aead_ops *ops = suite->ops[keys->cipher];
	struct keypair *k = aligned_alloc(64, (sizeof(*k) + 63) / 64 * 64);

	if (k == NULL)
		return NULL;
	memset(k, 0, sizeof(*k));
	if (ops == NULL || !make_keys(k, keys, ops, hands)) {
		keypair_free(k);
		return NULL;
	}
	k->local = keys->local_index;
	k->remote = keys->remote_index;
	k->resumed = keys->resumed;
	k->shorthand = keys->shorthand;
	k->checksums = keys->checksums;
	k->made_at = now;
	return k;
}

void keypair_free(struct keypair *k)
{
	if (k == NULL)
		return;
	for (unsigned i = 0; i < k->more_count; i++) {
		aead_done(&k->more[i].send);
		aead_done(&k->more[i].receive);
	}
	free(k->more);
	aead_done(&k->send);
	aead_done(&k->receive);
	sodium_memzero(k, sizeof(*k));
	free(k);
}

const struct aead_key *keypair_sends(const struct keypair *k, unsigned hand)
{
	return hand == 0 ? &k->send : &k->more[hand - 1].send;
}

const struct aead_key *keypair_receives(const struct keypair *k, unsigned hand)
{
	return hand == 0 ? &k->receive : &k->more[hand - 1].receive;
}

bool keypair_may_send(const struct keypair *k, nsec_t now)
{
	return nsec_since(k->made_at, now) < SESSION_REJECT_AFTER && k->sent < SESSION_REJECT_PACKETS;
}

bool keypair_wants_rekey(const struct keypair *k, nsec_t now)
{
	return nsec_since(k->made_at, now) >= SESSION_REKEY_AFTER || k->sent >= SESSION_REKEY_PACKETS;
}
