/* negotiate: see negotiate.h. */
#include "core/negotiate.h"

#include <sodium.h>
#include <string.h>

#include "core/transmit.h"

#define CONTACT_LOST	SEC(1)	/* no path answers for so long: the server may have forgotten us */
#define METERED_EVERY	SEC(30)	/* that who is patient asks over a link where every byte costs */

static void drop_keys(struct peer *p, struct keypair **keys)
{
	if (*keys == NULL)
		return;
	key_table_release(&p->ctx->keys, (*keys)->local);
	outbox_seal(&p->ctx->outbox, &p->ctx->hands);
	keypair_free(*keys);
	*keys = NULL;
}

static void drop_pending(struct peer *p, struct keypair **keys)
{
	if (*keys != NULL)
		responder_drop(p->ctx->responder, (*keys)->local);
	drop_keys(p, keys);
}

/* New keys take over; the ones before still open for a while, if the numbers go on. */
static void install(struct peer *p, struct keypair *keys, nsec_t now)
{
	drop_keys(p, &p->session.former);
	if (keys->resumed) {
		p->session.former = p->session.current;
		p->session.former_until = now + SESSION_FORMER_LIFE;
	} else {
		drop_keys(p, &p->session.current);
		peer_reset(p, now);
	}
	p->session.current = keys;
	p->handshake_at = now;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL && p->path[i]->open && (!keys->resumed || !peer_spares(p, p->path[i])))
			p->path[i]->probe_now = true;
}

void negotiate_end(struct peer *p, nsec_t now)
{
	drop_keys(p, &p->session.current);
	drop_keys(p, &p->session.former);
	p->has_ticket = false;
	if (p->ctx->role == ENGINE_SERVER)
		for (unsigned i = 0; i < PATHS_MAX; i++)
			if (p->path[i] != NULL && p->path[i]->open)
				peer_close_path(p, p->path[i], now);
	repair_reset(p->repair);	/* the next one begins without them */
	p->ended_at = now;
	if (p->up)
		peer_event(p, ENGINE_SESSION_DOWN, NULL);
	p->up = false;
}

/* --- server ------------------------------------------------------------- */

void negotiate_confirm(struct peer *p, struct keypair *keys, nsec_t now)
{
	for (unsigned i = 0; i < SESSION_PENDING; i++)
		if (p->session.pending[i] == keys)
			p->session.pending[i] = NULL;
	responder_confirmed(p->ctx->responder, keys->local);
	if (!keys->resumed)
		p->up = false;	/* the client began anew: say it again */
	install(p, keys, now);
	random_fill(&p->ctx->random, p->ticket, sizeof(p->ticket));
	p->has_ticket = true;
	p->wanted |= CONTENT_TICKET;
	if (!p->up) {
		p->up = true;
		p->up_since = now;
		peer_event(p, ENGINE_SESSION_UP, NULL);
	}
}

static struct keypair **free_pending(struct peer *p)
{
	for (unsigned i = 0; i < SESSION_PENDING; i++)
		if (p->session.pending[i] == NULL)
			return &p->session.pending[i];
	return NULL;
}

static void add_pending(struct context *ctx, struct responder_result *result, nsec_t now)
{
	struct peer *p = result->peer;
	struct keypair **place = free_pending(p);

	if (place != NULL)
		*place = keypair_new(&result->keys, &ctx->suite, ctx->hands.count, now);
	if (place == NULL || *place == NULL) {
		key_table_release(&ctx->keys, result->keys.local_index);
		responder_drop(ctx->responder, result->keys.local_index);
		result->type = RESPONDER_IGNORED;
	} else {
		key_table_set(&ctx->keys, result->keys.local_index, p, *place);
		peer_touch(p);
	}
	sodium_memzero(&result->keys, sizeof(result->keys));
}

static void respond(struct context *ctx, const struct endpoint *from, struct buf *b, nsec_t now)
{
	struct responder_result result;

	responder_input(ctx->responder, &from->remote, b->data, b->len, now, &result);
	if (result.type == RESPONDER_NEW)
		add_pending(ctx, &result, now);
	if (result.type == RESPONDER_IGNORED) {
		ctx->drops[DROP_HANDSHAKE]++;
		buf_put(b);
		return;
	}
	/* the answer is never longer than the question: its buffer serves */
	memcpy(b->data, result.reply, result.reply_len);
	b->len = (uint32_t)result.reply_len;
	b->ecn = 0;
	if (!outbox_push(&ctx->outbox, b, from, NULL)) {
		ctx->drops[DROP_QUEUE_FULL]++;
		buf_put(b);
	}
}

bool negotiate_ticket_valid(void *ctx, void *peer, const uint8_t ticket[HANDSHAKE_TICKET])
{
	const struct peer *p = peer;

	(void)ctx;
	return p->has_ticket && sodium_memcmp(p->ticket, ticket, HANDSHAKE_TICKET) == 0;
}

/* Once for each key: that it arrives is CONTENT's matter. */
static void ask_for_keys(struct peer *p)
{
	struct keypair *k = p->session.current;

	if (k == NULL || k->rekey_asked || k->sent < SESSION_REKEY_PACKETS)
		return;
	k->rekey_asked = true;
	p->wanted |= CONTENT_REKEY;
}

static void server_tick(struct peer *p, nsec_t now)
{
	for (unsigned i = 0; i < SESSION_PENDING; i++) {
		struct keypair *k = p->session.pending[i];

		if (k != NULL && nsec_since(k->made_at, now) >= SESSION_PENDING_LIFE)
			drop_pending(p, &p->session.pending[i]);
	}
	ask_for_keys(p);
}

/* --- client ------------------------------------------------------------- */

static void send_init(struct peer *p, struct path *path, nsec_t now)
{
	struct buf *b = buf_get(p->ctx->pool);

	if (b == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		return;
	}
	initiator_message(p->initiator, path->id, now, buf_append(b, HANDSHAKE_INIT_SIZE));
	path_count_tx(path, b->len, now);
	if (!outbox_push(&p->ctx->outbox, b, &path->endpoint, NULL))
		peer_drop(p, DROP_QUEUE_FULL, b);
}

/* On all links at once; but a backup or metered one is left alone while new keys are only a matter of time. */
static bool takes_part(const struct peer *p, const struct path *path)
{
	return path->open && path->link.tier != ENGINE_TIER_NEVER &&
	       (p->session.current == NULL || !peer_spares(p, path));
}

static bool rests(const struct peer *p, const struct path *path, nsec_t now)
{
	return path->link.metered && initiator_is_patient(p->initiator, now) &&
	       nsec_since(path->sent_at, now) < METERED_EVERY;
}

static void send_round(struct peer *p, nsec_t now)
{
	initiator_round(p->initiator, now);
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL && takes_part(p, p->path[i]) && !rests(p, p->path[i], now))
			send_init(p, p->path[i], now);
}

static void begin(struct peer *p, nsec_t now)
{
	uint32_t index = key_table_reserve(&p->ctx->keys, &p->ctx->random, p);

	if (index != 0)
		initiator_start(p->initiator, index, p->has_ticket ? p->ticket : NULL, now);
}

static void stop(struct peer *p)
{
	key_table_release(&p->ctx->keys, p->initiator->init.index);
	initiator_stop(p->initiator);
}

static void finish(struct peer *p, nsec_t now)
{
	const struct handshake_keys *agreed = initiator_keys(p->initiator);
	struct keypair *keys = keypair_new(agreed, &p->ctx->suite, p->ctx->hands.count, now);

	if (keys == NULL) {
		stop(p);
		return;
	}
	p->handed = agreed->config;
	if (!keys->resumed)
		p->up = false;	/* the server began anew, and may hand out something else: say it again */
	p->has_ticket = false;	/* it is used up; the next one comes inside the session */
	key_table_set(&p->ctx->keys, keys->local, p, keys);
	install(p, keys, now);
	initiator_stop(p->initiator);
	p->heard_at = now;
	p->wanted |= CONTENT_CONFIG;
}

static void initiate(struct peer *p, const struct endpoint *from, struct buf *b, nsec_t now)
{
	struct path *path = peer_path_of_socket(p, from->socket);
	enum initiator_result result = INITIATOR_IGNORED;

	if (path != NULL)
		result = initiator_input(p->initiator, path->id, b->data, b->len, now);
	switch (result) {
	case INITIATOR_IGNORED:
		p->ctx->drops[DROP_HANDSHAKE]++;
		break;
	case INITIATOR_AGAIN:
		path_count_rx(path, from, b->len, now);
		send_round(p, now);
		break;
	case INITIATOR_AGAIN_HERE:
		path_count_rx(path, from, b->len, now);
		send_init(p, path, now);
		break;
	case INITIATOR_DONE:
		path_count_rx(path, from, b->len, now);
		finish(p, now);
		break;
	}
	buf_put(b);
}

/* No path answers, and nothing has come for a while. */
static bool contact_is_lost(const struct peer *p, nsec_t now)
{
	return !peer_has_usable_path(p) && nsec_since(p->heard_at, now) >= CONTACT_LOST;
}

static bool wants_keys(const struct peer *p, nsec_t now)
{
	const struct keypair *k = p->session.current;

	return k == NULL || keypair_wants_rekey(k, now) || contact_is_lost(p, now);
}

static void client_tick(struct peer *p, nsec_t now)
{
	bool wanted = peer_has_open_path(p) && wants_keys(p, now);

	if (wanted && !initiator_is_active(p->initiator))
		begin(p, now);
	else if (!wanted && initiator_is_active(p->initiator) && peer_has_open_path(p))
		stop(p);	/* the paths answer again under the old keys */
	if (peer_has_open_path(p) && now >= initiator_deadline(p->initiator))
		send_round(p, now);
}

static nsec_t client_deadline(const struct peer *p, nsec_t now)
{
	const struct keypair *k = p->session.current;

	if (!peer_has_open_path(p))
		return NSEC_NEVER;
	if (initiator_is_active(p->initiator))
		return initiator_deadline(p->initiator);
	if (k == NULL)
		return now;
	if (!peer_has_usable_path(p))
		return nsec_min(p->heard_at + CONTACT_LOST, k->made_at + SESSION_REKEY_AFTER);
	return k->made_at + SESSION_REKEY_AFTER;
}

void negotiate_rekey(struct peer *p, nsec_t now)
{
	if (p->ctx->role == ENGINE_CLIENT && p->session.current != NULL)
		p->session.current->sent = SESSION_REKEY_PACKETS;	/* as good as used up */
	(void)now;
}

void negotiate_join(struct peer *p, struct path *path, nsec_t now)
{
	if (!initiator_is_active(p->initiator) || p->initiator->rounds == 0 || !takes_part(p, path))
		return;
	initiator_hope(p->initiator, now);
	send_init(p, path, now);
}

/* --- both --------------------------------------------------------------- */

void negotiate_input(struct context *ctx, struct peer *client, const struct endpoint *from,
		     struct buf *datagram, nsec_t now)
{
	if (ctx->role == ENGINE_SERVER)
		respond(ctx, from, datagram, now);
	else
		initiate(client, from, datagram, now);
}

/* Who is away for long does not keep buffers from others meanwhile. */
static nsec_t stale_at(const struct peer *p)
{
	return p->session.current == NULL && p->ended_at != 0 ? p->ended_at + TRANSMIT_STALE : NSEC_NEVER;
}

void negotiate_tick(struct peer *p, nsec_t now)
{
	if (now >= stale_at(p)) {
		p->ended_at = 0;
		transmit_renumber(p, now);
	}
	if (p->session.former != NULL && now >= p->session.former_until)
		drop_keys(p, &p->session.former);
	if (p->session.current != NULL && !keypair_may_send(p->session.current, now))
		negotiate_end(p, now);
	if (p->ctx->role == ENGINE_CLIENT)
		client_tick(p, now);
	else
		server_tick(p, now);
}

nsec_t negotiate_deadline(const struct peer *p, nsec_t now)
{
	nsec_t at = stale_at(p);

	if (p->session.former != NULL)
		at = nsec_min(at, p->session.former_until);
	if (p->session.current != NULL)
		at = nsec_min(at, p->session.current->made_at + SESSION_REJECT_AFTER);
	for (unsigned i = 0; i < SESSION_PENDING; i++)
		if (p->session.pending[i] != NULL)
			at = nsec_min(at, p->session.pending[i]->made_at + SESSION_PENDING_LIFE);
	if (p->ctx->role == ENGINE_CLIENT)
		at = nsec_min(at, client_deadline(p, now));
	return at;
}
