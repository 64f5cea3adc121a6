/* receive: see receive.h. */
#include "core/receive.h"

#include <string.h>

#include "base/ip.h"
#include "core/datagram.h"
#include "core/ecn.h"
#include "core/frame.h"
#include "core/negotiate.h"
#include "core/packet.h"

#define PUSH_ROOM	16	/* headroom that is left: the packet may go out to another peer */
#define LONG_AWAY	SEC(1)	/* who was not heard for so long, and could not be, has not been idle */

/* One authentic datagram. */
struct arrival {
	struct peer *peer;
	struct path *path;		/* whose number it has; may be closed */
	const struct endpoint *from;
	struct buf *b;			/* data: its frames */
	enum ecn ecn;			/* of the IP header around it */
	bool taken;			/* b went on as an inner packet */
	bool ponged, responded;		/* it has had its answer of that kind */
	nsec_t now;
};

/* --- frames ------------------------------------------------------------- */

/*
 * PONG and PATH_RESPONSE go to where the datagram came from, which need not be an
 * address that is proven.  One of each is less than three times the datagram's bytes,
 * and no more for the outbox than other answers are.
 */
static void take_ping(struct arrival *a, const struct frame *f)
{
	struct frame_pong pong = { .clock = transit_clock(a->now) };
	uint8_t frames[FRAME_PONG_BYTES];

	if (a->ponged)
		return;
	a->ponged = true;
	memcpy(pong.token, f->token, sizeof(pong.token));
	frame_write_pong(frames, &pong);
	datagram_answer(a->peer, a->path, a->from, frames, sizeof(frames), a->now);
}

static void take_pong(struct arrival *a, const struct frame *f)
{
	path_pong(a->path, &f->pong, a->now);
	peer_announce(a->peer, a->path);
}

static void take_challenge(struct arrival *a, const struct frame *f)
{
	uint8_t frames[FRAME_TOKEN];

	if (a->responded)
		return;
	a->responded = true;
	frame_write_token(frames, FRAME_PATH_RESPONSE, f->token);
	datagram_answer(a->peer, a->path, a->from, frames, sizeof(frames), a->now);
}

static void take_path_response(struct arrival *a, const struct frame *f)
{
	bool moved = a->path->former_until != 0;

	if (path_claim_back(a->path, a->from, f->token, a->now))
		return;
	if (path_proven(a->path, f->token, a->now) && moved) {
		a->path->former_until = 0;
		peer_event(a->peer, ENGINE_PATH_ROAMED, a->path);
	}
	peer_announce(a->peer, a->path);
}

static void take_ack(struct arrival *a, const struct frame *f)
{
	struct path *path = a->peer->path[f->ack.path];
	struct frame_run runs[FRAME_ACK_RUNS];
	struct peer_observer observer;
	uint64_t largest;
	size_t count;
	bool news;

	if (path == NULL)
		return;
	largest = packet_expand_number(f->ack.largest_low, path->loss.next);
	count = frame_ack_runs(&f->ack, largest, runs);
	peer_observe(&observer, a->peer, path);
	observer.own_way = a->path == path;
	observer.is_newest = !path->loss.any_acked || largest > path->loss.largest_acked;
	observer.counts = f->ack.has_counts ? &f->ack.counts : NULL;
	if (count == 0 || !loss_ack(&path->loss, runs, count, &f->ack.came, a->now, &observer.to, &news))
		return;
	if (news && path->open) {
		path_acked(path);
		path_answered(path, path->loss.rtt.latest, a->now);
		peer_announce(a->peer, path);
	}
}

/* Older ones may come later, by a slower path. */
static bool is_news(struct peer *p, const struct frame_path_status *s)
{
	if ((p->link_known & PATH_BIT(s->path)) && !frame_serial_is_news(s->serial, p->link_serial[s->path]))
		return false;
	p->link_known |= PATH_BIT(s->path);
	p->link_serial[s->path] = s->serial;
	return true;
}

/* The client says how it wants its links used, and which are gone. */
static void take_path_status(struct arrival *a, const struct frame *f)
{
	const struct frame_path_status *s = &f->path_status;
	struct path *path = a->peer->path[s->path];
	struct engine_link *link = &a->peer->link[s->path];

	if (a->peer->ctx->role != ENGINE_SERVER || !is_news(a->peer, s))
		return;
	link->priority = s->priority;
	link->weight = s->weight;
	link->tier = (enum engine_tier)s->tier;
	link->metered = s->metered;
	link->interface = s->interface;
	link->max_latency_ms = s->max_latency_ms;
	link->max_loss_ppm = s->max_loss_ppm;
	link->rate = s->rate;
	link->mtu = s->mtu;
	if (path == NULL || !path->open)
		return;
	if (s->state == FRAME_PATH_GONE)
		peer_close_path(a->peer, path, a->now);
	else
		path_set_link(path, link, a->now);
}

static void take_ticket(struct arrival *a, const struct frame *f)
{
	if (a->peer->ctx->role != ENGINE_CLIENT)
		return;
	memcpy(a->peer->ticket, f->ticket, FRAME_TICKET_BYTES);
	a->peer->has_ticket = true;
}

static void take_config(struct arrival *a, const struct frame *f)
{
	const struct strategy_ops *strategy = strategy_find(f->config.strategy);
	struct peer *p = a->peer;

	if (p->ctx->role != ENGINE_SERVER ||
	    (p->strategy_known && !frame_serial_is_news(f->config.serial, p->strategy_serial)))
		return;
	p->strategy_known = true;
	p->strategy_serial = f->config.serial;
	copies_set_share(&p->copies, f->config.copies_ppm);
	/* a name that we do not know leaves ours: both directions need not agree */
	p->strategy_followed = strategy != NULL;
	if (strategy != NULL)
		peer_set_strategy(p, strategy);
}

static void take_skip(struct arrival *a, const struct frame *f)
{
	resequencer_skip(a->peer->order, f->skip.lane, f->skip.seq, f->skip.count, a->now);
}

/* The frame's inner packet in a buffer that is ours; NULL: none was left. */
static struct buf *packet_of(struct arrival *a, const struct frame_data *d)
{
	struct buf *packet = a->b;

	if (d->last) {
		buf_pull(packet, (size_t)(d->packet - packet->data));
		a->taken = true;
		return packet;
	}
	packet = buf_get(a->peer->ctx->pool);
	if (packet == NULL)
		a->peer->ctx->drops[DROP_NO_BUFFER]++;
	else
		memcpy(buf_append(packet, d->len), d->packet, d->len);
	return packet;
}

/* The same when the frame brings a piece; NULL, too, while others are missing. */
static struct buf *packet_with(struct arrival *a, const struct frame_data *d)
{
	struct peer *p = a->peer;

	if (resequencer_is_settled(p->order, d->piece.lane, d->piece.seq)) {
		p->ctx->drops[DROP_DUPLICATE]++;
		return NULL;
	}
	return reassembly_put(p->pieces, &d->piece, d->packet, d->len, a->now);
}

/* There was no buffer for it; its datagram is acknowledged, so nobody sends it again. */
static void is_lost(struct arrival *a, const struct piece *place)
{
	resequencer_skip(a->peer->order, place->lane, place->seq, 1, a->now);
}

/* The other end takes for granted that this is done, whatever becomes of the packet. */
static void remember(struct arrival *a, const struct frame_data *d, const struct piece *place,
		     const uint8_t *header, size_t len)
{
	if (d->piece.offers != 0)
		contexts_learn(a->peer->got, d->piece.offers, place, header, len);
}

/*
 * The packet of a frame that has its header in shorthand, and its place; NULL: what
 * it is like is not here, or there was no buffer.  Where the frame ends the datagram
 * the header is written before the payload, over what has been read.
 */
static struct buf *packet_in_shorthand(struct arrival *a, const struct frame_data *d, struct piece *ret_place)
{
	const struct shorthand_context *like = contexts_find(a->peer->got, d->by);
	uint8_t header[SHORTHAND_HEADER];
	struct buf *packet = a->b;
	const uint8_t *payload;
	size_t len;

	if (like == NULL) {
		a->peer->ctx->drops[DROP_NO_CONTEXT]++;
		return NULL;
	}
	ret_place->lane = like->lane;
	ret_place->seq = shorthand_seq(like, (uint16_t)d->piece.seq);
	len = shorthand_read(like, d->packet, d->len, ret_place->seq, d->piece.needs_checksum, header);
	if (len == 0) {
		a->peer->ctx->drops[DROP_MALFORMED]++;
		return NULL;
	}
	payload = d->packet + len;
	len = d->len - len;
	remember(a, d, ret_place, header, like->len + len);
	if (d->last && payload - packet->storage >= like->len + PUSH_ROOM) {
		a->taken = true;
		packet->data = packet->storage + (payload - packet->storage - like->len);
		packet->len = (uint32_t)(like->len + len);
		memcpy(packet->data, header, like->len);
		return packet;
	}
	packet = like->len + len <= BUF_ROOM ? buf_get(a->peer->ctx->pool) : NULL;
	if (packet == NULL) {
		a->peer->ctx->drops[DROP_NO_BUFFER]++;
		is_lost(a, ret_place);
		return NULL;
	}
	memcpy(buf_append(packet, like->len), header, like->len);
	memcpy(buf_append(packet, len), payload, len);
	return packet;
}

/* A whole packet that this peer may send; else it is counted why not. */
static bool is_welcome(struct peer *p, const struct frame_data *d, const uint8_t *packet, size_t len)
{
	struct inner inner;
	struct ip ip;

	if (!inner_read(packet, len, NULL, &inner) || (d->piece.needs_checksum && !ip_read(packet, len, &ip))) {
		p->ctx->drops[DROP_INNER_INVALID]++;
		return false;
	}
	if (p->ctx->role == ENGINE_SERVER && route_find(p->ctx->routes, &inner.src) != p->index) {
		p->ctx->drops[DROP_INNER_SOURCE]++;
		return false;
	}
	return true;
}

/*
 * What the outer header says goes on inside (RFC 6040).  False: the packet is to
 * be lost, since its transport knows no other way to hear of congestion; a piece
 * was sent as one of those, but has no header to say so.
 */
static bool take_off(const struct arrival *a, const struct frame_data *d, struct buf *packet)
{
	enum ecn inner = ecn_read(packet->data), is = inner;

	if (a->ecn == ECN_NOT_ECT || d->piece.partial)
		return true;
	if (!ecn_decapsulate(inner, a->ecn, &is))
		return false;
	if (is != inner)
		ecn_write(packet->data, is);
	return true;
}

/* The whole packet that a frame brings, or completes; NULL: there is none, or this peer may not send it. */
static struct buf *packet_read(struct arrival *a, const struct frame_data *d, struct piece *place)
{
	struct buf *packet;

	if (d->by == 0 && !d->piece.partial) {
		remember(a, d, place, d->packet, d->len);
		if (!is_welcome(a->peer, d, d->packet, d->len))
			return NULL;
		packet = packet_of(a, d);
		if (packet == NULL)
			is_lost(a, place);
		return packet;
	}
	packet = d->by != 0 ? packet_in_shorthand(a, d, place) : packet_with(a, d);
	if (packet != NULL && !is_welcome(a->peer, d, packet->data, packet->len)) {
		buf_put(packet);
		return NULL;
	}
	return packet;
}

static void take_data(struct arrival *a, const struct frame *f)
{
	const struct frame_data *d = &f->data;
	struct peer *p = a->peer;
	struct piece piece = d->piece;
	struct buf *packet;

	peer_note_data(p, a->path, a->now);
	peer_tune(p, a->now);
	packet = packet_read(a, d, &piece);
	if (packet == NULL)
		return;
	packet->needs_checksum = piece.needs_checksum;
	struct resequencer_frame place = {
		.lane = piece.lane,
		.seq = piece.seq,
		.path = a->path->id,
		.unordered = piece.unordered,
		.repaired = !d->no_repair,
	};
	if (!take_off(a, d, packet)) {
		resequencer_skip(p->order, place.lane, place.seq, 1, a->now);
		peer_drop(p, DROP_CONGESTION, packet);
		return;
	}
	switch (resequencer_put(p->order, &place, packet, a->now)) {
	case RESEQUENCER_TAKEN:
		break;
	case RESEQUENCER_DUPLICATE:
		peer_drop(p, DROP_DUPLICATE, packet);
		break;
	case RESEQUENCER_LATE:
		peer_drop(p, DROP_LATE, packet);
		break;
	}
}

static void take_frame(struct arrival *a, const struct frame *f)
{
	switch (f->type) {
	case FRAME_PADDING:		break;
	case FRAME_PING:		take_ping(a, f); break;
	case FRAME_PONG:		take_pong(a, f); break;
	case FRAME_ACK:
	case FRAME_ACK_ECN:		take_ack(a, f); break;
	case FRAME_PATH_CHALLENGE:	take_challenge(a, f); break;
	case FRAME_PATH_RESPONSE:	take_path_response(a, f); break;
	case FRAME_PATH_STATUS:		take_path_status(a, f); break;
	case FRAME_TICKET:		take_ticket(a, f); break;
	case FRAME_CONFIG:		take_config(a, f); break;
	case FRAME_CLOSE:		negotiate_end(a->peer, a->now); break;
	case FRAME_REKEY:		negotiate_rekey(a->peer, a->now); break;
	case FRAME_SKIP:		take_skip(a, f); break;
	case FRAME_MTU_PROBE:		ack_at_once(&a->path->ack, a->now); break;
	case FRAME_DATA:		take_data(a, f); break;
	}
}

/* Whether all frames parse, and are no more than there may be; *ret_eliciting: some want an ACK. */
static bool frames_are_good(const uint8_t *at, size_t len, bool *ret_eliciting)
{
	bool eliciting = false;
	unsigned packets = 0;

	while (len > 0) {
		struct frame f;
		size_t n = frame_read(at, len, &f);

		packets += f.type == FRAME_DATA;
		if (n == 0 || packets > ENGINE_TOGETHER)
			return false;
		eliciting |= f.type != FRAME_ACK && f.type != FRAME_PADDING && f.type != FRAME_CLOSE;
		at += n;
		len -= n;
	}
	*ret_eliciting = eliciting;
	return true;
}

/* After CLOSE, and after inner data took the buffer, nothing more is read. */
static void take_frames(struct arrival *a)
{
	const uint8_t *at = a->b->data;
	size_t len = a->b->len;

	while (len > 0 && !a->taken) {
		struct frame f;
		size_t n = frame_read(at, len, &f);

		take_frame(a, &f);
		if (f.type == FRAME_CLOSE)
			return;
		at += n;
		len -= n;
	}
}

/* --- datagrams ---------------------------------------------------------- */

/* A server learns its paths from where authentic datagrams come; a client knows its own. */
static void locate(struct arrival *a, bool newest)
{
	struct peer *p = a->peer;
	struct path *path = a->path;
	uint8_t random[16];

	if (p->ctx->role != ENGINE_SERVER)
		return;
	if (!path->open) {
		random_fill(&p->ctx->random, random, sizeof(random));
		path_open(path, a->from, &p->link[path->id], false, random, a->now);
		return;
	}
	if (!newest || endpoint_equal(a->from, &path->endpoint))
		return;
	random_fill(&p->ctx->random, random, sizeof(random));
	path_roam(path, a->from, random, a->now);
}

static nsec_t ack_delay_of(const struct path *path)
{
	return nsec_min(ACK_DELAY_MAX, rtt_or(&path->rtt, 4 * ACK_DELAY_MAX) / 4);
}

/* Whether numbers under these keys continue those of the session. */
static bool numbers_go_on(const struct peer *p, const struct keypair *keys)
{
	return keys == p->session.current || keys == p->session.former || keys->resumed;
}

static bool is_pending(const struct peer *p, const struct keypair *keys)
{
	return keys != p->session.current && keys != p->session.former;
}

static void arrived(struct arrival *a, uint64_t number, size_t len)
{
	struct peer *p = a->peer;
	bool newest = number >= a->path->replay.next;
	bool eliciting;

	replay_accept(&a->path->replay, number);
	if (p->cut_off && nsec_since(p->heard_at, a->now) >= LONG_AWAY) {
		resequencer_wake(p->order, a->now);
		reassembly_wake(p->pieces, a->now);
	}
	p->heard_at = a->now;
	locate(a, newest);
	path_count_rx(a->path, a->from, len, a->now);
	if (!frames_are_good(a->b->data, a->b->len, &eliciting)) {
		p->ctx->drops[DROP_MALFORMED]++;
		return;
	}
	ack_received(&a->path->ack, number, a->ecn, eliciting, ack_delay_of(a->path), a->now);
	if (p->ctx->role == ENGINE_CLIENT && !p->up) {
		p->up = true;
		p->up_since = a->now;
		peer_event(p, ENGINE_SESSION_UP, NULL);
	}
	take_frames(a);
}

/* Whose a sealed datagram claims to be. */
struct claim {
	struct packet_header header;
	struct peer *peer;
	struct keypair *keys;
	uint64_t number;
};

/* False: it cannot be opened, or need not be, and *ret_why says it. */
static bool look_up(const struct context *ctx, const struct buf *b, struct claim *ret, enum engine_drop *ret_why)
{
	const struct path *path;
	void *owner;
	bool known;

	if (!packet_read_header(b->data, b->len, &ret->header)) {
		*ret_why = DROP_MALFORMED;
		return false;
	}
	ret->keys = key_table_find(&ctx->keys, ret->header.index, &owner);
	if (ret->keys == NULL) {
		*ret_why = DROP_NO_KEY;
		return false;
	}
	ret->peer = owner;
	path = ret->peer->path[ret->header.path];
	known = path != NULL && numbers_go_on(ret->peer, ret->keys);
	ret->number = packet_expand_number(ret->header.number, known ? path->replay.next : 0);
	*ret_why = DROP_REPLAY;
	return !known || replay_check(&path->replay, ret->number);
}

static bool opens(const struct claim *c, unsigned hand, struct buf *b)
{
	return aead_open(keypair_receives(c->keys, hand), c->header.path, c->number, b->data, PACKET_HEADER,
			 b->data + PACKET_HEADER, b->len - PACKET_HEADER);
}

/*
 * Since it was opened ahead, what came before it may have brought other keys, or
 * moved its path so far that its number would be another.  Then it proves nothing.
 */
static bool was_opened(const struct claim *c, const struct receive_opened *opened)
{
	return opened->genuine && opened->serial == c->keys->serial && opened->number == c->number;
}

/* --- ahead --------------------------------------------------------------- */

struct ahead {
	size_t count;
	struct {
		struct buf *b;
		struct claim claim;
		struct receive_opened *opened;
	} item[RECEIVE_BATCH];
};

static void open_some(void *work, unsigned hand, size_t from, size_t to)
{
	struct ahead *a = work;

	for (; from < to; from++)
		a->item[from].opened->genuine = opens(&a->item[from].claim, hand, a->item[from].b);
}

bool receive_ahead(const struct context *ctx, const struct engine_arrival *arrival, size_t count,
		   struct receive_opened *ret)
{
	struct ahead a;
	size_t bytes = 0;

	a.count = 0;
	for (size_t i = 0; i < count; i++) {
		struct buf *b = arrival[i].datagram;
		struct claim *claim = &a.item[a.count].claim;
		enum engine_drop why;

		ret[i].serial = 0;
		if (!packet_is_data(b->data, b->len) || !look_up(ctx, b, claim, &why))
			continue;
		a.item[a.count].b = b;
		a.item[a.count++].opened = &ret[i];
		bytes += b->len;
	}
	if (bytes < ctx->hands.worth)
		return false;
	for (size_t i = 0; i < a.count; i++) {
		a.item[i].opened->serial = a.item[i].claim.keys->serial;
		a.item[i].opened->number = a.item[i].claim.number;
	}
	ctx->hands.run(ctx->hands.ctx, open_some, &a, a.count);
	return true;
}

/* --- one ------------------------------------------------------------------ */

/*
 * A client gives the ids out: what comes under one that it never used, its server made
 * up.  A closed one may still be the server's way to a link that has gone and come back.
 */
static bool is_ours(const struct peer *p, unsigned id)
{
	return p->ctx->role == ENGINE_SERVER || p->path[id] != NULL;
}

struct peer *receive_datagram(struct context *ctx, const struct endpoint *from, struct buf *b,
			      const struct receive_opened *opened, nsec_t now)
{
	struct arrival a = { .from = from, .b = b, .ecn = (enum ecn)(b->ecn & 3), .now = now };
	enum engine_drop why;
	struct claim claim;
	size_t len = b->len;

	if (!look_up(ctx, b, &claim, &why)) {
		ctx->drops[why]++;
		goto out;
	}
	if (opened != NULL && opened->serial != 0 ? !was_opened(&claim, opened) : !opens(&claim, 0, b)) {
		ctx->drops[DROP_AUTH]++;
		goto out;
	}
	a.peer = claim.peer;
	if (is_pending(a.peer, claim.keys))
		negotiate_confirm(a.peer, claim.keys, now);
	if (!is_ours(a.peer, claim.header.path)) {
		ctx->drops[DROP_NO_PATH]++;
		goto out;
	}
	a.path = peer_path(a.peer, claim.header.path);
	if (a.path == NULL) {
		ctx->drops[DROP_NO_BUFFER]++;
		goto out;
	}
	buf_pull(b, PACKET_HEADER);
	b->len -= PACKET_TAG;
	arrived(&a, claim.number, len);
	if (a.taken)
		return a.peer;
out:
	buf_put(b);
	return a.peer;
}
