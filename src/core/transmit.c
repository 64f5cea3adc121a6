/* transmit: see transmit.h. */
#include "core/transmit.h"

#include <string.h>

#include "core/ecn.h"
#include "core/frame.h"
#include "core/packet.h"

#define WAITING_MAX	512	/* inner packets that wait for a session */
#define CONTROL_MAX	1100	/* bytes of frames in a datagram of ours without data */
#define FRESH		MSEC(30)	/* so long ago a path was heard that may be trusted with an ACK */
#define RATE_WINDOW	(10 * 1400)	/* bytes */
#define UNSTEADY_PPM	1000	/* of a path that loses so many a second copy may help */
#define SPARE_SHARE	20	/* second copies may be one byte in so many, */
#define SPARE_MAX	(1u << 20)	/* and so many bytes at once */
#define SKIPS_AT_ONCE	32
#define KEEP_RESERVE	2048	/* buffers that no copy takes: what is under way needs them more */
#define NO_BUFFER_RETRY	MSEC(10)	/* duties wait so long for a buffer: what is due for ever spins a CPU */
#define ACK_RUNS_ALONG	8	/* longer ACKs do not ride along: they need the headroom */

/* A datagram may go where it was always allowed to: within the credit of an unproven address. */
static bool has_credit(const struct path *path, size_t len)
{
	return path->state != ENGINE_PATH_VALIDATING || path->credit >= len + path_outer(path);
}

/* What must not be lost with a datagram. */
struct load {
	uint32_t content;	/* CONTENT bits */
	uint32_t copy;		/* repair's handle of the inner packet */
	bool eliciting;
};

/* Seal the frames in b and queue the datagram.  Takes b. */
static void seal(struct peer *p, struct path *path, struct buf *b, const struct load *load,
		 const struct endpoint *to, nsec_t now)
{
	struct keypair *keys = p->session.current;
	struct peer_observer observer;
	struct packet_header header = { .path = path->id, .index = keys->remote };
	size_t frames = b->len, len = frames + PACKET_HEADER + PACKET_TAG;
	uint64_t number;

	if (!has_credit(path, len)) {
		p->wanted |= load->content;
		peer_drop(p, DROP_UNVALIDATED, b);
		return;
	}
	number = loss_sent(&path->loss, (uint32_t)(len + path_outer(path)), load->content, load->eliciting,
			   now, peer_observe(&observer, p, path));
	loss_attach(&path->loss, number, load->copy);
	repair_sent(p->repair, load->copy);
	header.number = (uint32_t)number & ((1u << PACKET_NUMBER_BITS) - 1);
	packet_write_header(buf_push(b, PACKET_HEADER), &header);
	buf_append(b, PACKET_TAG);
	aead_seal(&keys->send, path->id, number, b->data, PACKET_HEADER, b->data + PACKET_HEADER, frames);
	keys->sent++;
	path_count_tx(path, len, now);
	if (!outbox_push(&p->ctx->outbox, b, to))
		peer_drop(p, DROP_QUEUE_FULL, b);
}

/* --- control ------------------------------------------------------------ */

/*
 * Whether the peer spoke there when it last spoke at all.  A link that fell
 * silent in both directions is first noticed by who sends on it; who only
 * receives must not go on answering into the hole.
 */
static bool is_fresh(const struct peer *p, const struct path *path)
{
	return path->heard_at + FRESH >= p->heard_at;
}

enum rank { RANK_OK, RANK_DOUBTED, RANK_SILENT, RANK_UNPROVEN, RANK_DEAD };

static enum rank rank(const struct peer *p, const struct path *path)
{
	switch (path->state) {
	case ENGINE_PATH_OK:		return RANK_OK;
	case ENGINE_PATH_SUSPECT:	return is_fresh(p, path) ? RANK_DOUBTED : RANK_SILENT;
	case ENGINE_PATH_VALIDATING:	return RANK_UNPROVEN;
	case ENGINE_PATH_DEAD:		break;
	}
	return RANK_DEAD;
}

/*
 * What a control datagram takes there: a lost one has to be said again.  The
 * one that was used last has a start: ACKs that change their way back with
 * every whim of a round trip look like jitter of all paths.
 */
static nsec_t control_cost(const struct peer *p, const struct path *path)
{
	nsec_t cost = rtt_or(&path->rtt, SEC(1)) + path->loss.loss_ppm * NSEC_PER_USEC;

	return path->id == p->spoke_on ? cost * 3 / 4 : cost;
}

static bool is_better(const struct peer *p, const struct path *a, const struct path *b)
{
	if (b == NULL || rank(p, a) != rank(p, b))
		return b == NULL || rank(p, a) < rank(p, b);
	if (is_fresh(p, a) != is_fresh(p, b))
		return is_fresh(p, a);
	return control_cost(p, a) < control_cost(p, b);
}

/* Where a control datagram arrives first; NULL: nowhere. */
static struct path *control_path(const struct peer *p)
{
	struct path *best = NULL;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *path = p->path[i];

		if (path == NULL || !path->open || !has_credit(path, CONTROL_MAX))
			continue;
		if (is_better(p, path, best))
			best = path;
	}
	return best;
}

static nsec_t ack_due_at(const struct peer *p)
{
	nsec_t at = NSEC_NEVER;

	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL)
			at = nsec_min(at, ack_deadline(&p->path[i]->ack));
	return at;
}

/* Nobody to say it to: the ACKs wait until somebody is there, without a clock. */
static void postpone_acks(struct peer *p)
{
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL)
			p->path[i]->ack.due = NSEC_NEVER;
}

static size_t write_acks(struct peer *p, uint8_t *at, size_t room, nsec_t now)
{
	size_t len = 0;

	for (unsigned i = 0; i < PATHS_MAX && room - len >= FRAME_ACK_MAX; i++)
		if (p->path[i] != NULL && ack_is_waiting(&p->path[i]->ack))
			len += ack_write(&p->path[i]->ack, (uint8_t)i, at + len, now);
	return len;
}

static struct frame_path_status status_of(const struct peer *p, unsigned id)
{
	const struct path *path = p->path[id];
	bool open = path != NULL && path->open;

	return (struct frame_path_status){
		.path = (uint8_t)id,
		.state = open ? FRAME_PATH_AVAILABLE : FRAME_PATH_GONE,
		.priority = open ? path->link.priority : 0,
		.weight = open && path->link.weight != 0 ? path->link.weight : 1,
		.max_latency_ms = open ? path->link.max_latency_ms : 0,
	};
}

static size_t write_skips(struct peer *p, uint8_t *at)
{
	struct repair_skip skip[SKIPS_AT_ONCE];
	size_t count = repair_skips(p->repair, skip, SKIPS_AT_ONCE), len = 0;

	for (size_t i = 0; i < count; i++) {
		const struct frame_skip f = { .lane = skip[i].lane, .seq = skip[i].seq, .count = skip[i].count };

		len += frame_write_skip(at + len, &f);
	}
	return len;
}

/* Everything in `wanted`, which always fits a control datagram: 16 × 10 + 17 + 33 + 1 + 32 × 7 bytes. */
static size_t write_wanted(struct peer *p, uint8_t *at)
{
	size_t len = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->wanted & CONTENT_PATH_STATUS(i)) {
			struct frame_path_status status = status_of(p, i);

			len += frame_write_path_status(at + len, &status);
		}
	if (p->wanted & CONTENT_TICKET)
		len += frame_write_ticket(at + len, p->ticket);
	if (p->wanted & CONTENT_CONFIG)
		len += frame_write_config(at + len, p->strategy->name);
	if (p->wanted & CONTENT_REKEY)
		len += frame_write_rekey(at + len);
	if (p->wanted & CONTENT_SKIP)
		len += write_skips(p, at + len);
	return len;
}

/* One datagram of duties on a path: its probes, all ACKs, and what is wanted. */
static void send_duties(struct peer *p, struct path *path, bool with_wanted, nsec_t now)
{
	bool keepalive = p->ctx->role == ENGINE_CLIENT;
	struct buf *b = buf_get(p->ctx->pool);
	struct load load = { 0 };
	size_t len;

	if (b == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		p->duties_at = now + NO_BUFFER_RETRY;
		return;
	}
	len = path_write_probes(path, peer_is_busy(p, now), keepalive, b->data, now);
	if (with_wanted && p->wanted != 0) {
		len += write_wanted(p, b->data + len);
		load.content = p->wanted;
		p->wanted = repair_has_skips(p->repair) ? CONTENT_SKIP : 0;
	}
	load.eliciting = len > 0;
	len += write_acks(p, b->data + len, CONTROL_MAX - len, now);
	buf_append(b, len);
	if (len > 0)
		seal(p, path, b, &load, &path->endpoint, now);
	else
		buf_put(b);
}

static bool probe_is_due(const struct peer *p, const struct path *path, nsec_t now)
{
	nsec_t at = path_deadline(path, peer_is_busy(p, now), p->ctx->role == ENGINE_CLIENT, now);

	return path->open && now >= at;
}

static void challenge_former(struct peer *p, struct path *path, nsec_t now)
{
	uint8_t frames[FRAME_TOKEN];

	if (path->former_until == 0 || path->challenge_at > now)
		return;
	frame_write_token(frames, FRAME_PATH_CHALLENGE, path->former_challenge);
	transmit_answer(p, path, &path->former, frames, sizeof(frames), now);
}

void transmit_control(struct peer *p, nsec_t now)
{
	struct path *best;

	if (!peer_may_send(p, now)) {
		postpone_acks(p);
		return;
	}
	if (now < p->duties_at)
		return;
	best = control_path(p);
	if (best != NULL)
		p->spoke_on = best->id;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *path = p->path[i];

		if (path == NULL || !probe_is_due(p, path, now))
			continue;
		challenge_former(p, path, now);
		send_duties(p, path, path == best, now);
	}
	if (best != NULL && (p->wanted != 0 || now >= ack_due_at(p)))
		send_duties(p, best, true, now);
	if (now >= ack_due_at(p) && now >= p->duties_at)
		postpone_acks(p);
}

nsec_t transmit_deadline(const struct peer *p, nsec_t now)
{
	nsec_t at = NSEC_NEVER;
	bool busy = peer_is_busy(p, now);

	if (!peer_may_send(p, now))
		return NSEC_NEVER;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL)
			at = nsec_min(at, path_deadline(p->path[i], busy,
							p->ctx->role == ENGINE_CLIENT, now));
	at = nsec_max(nsec_min(at, ack_due_at(p)), p->duties_at);
	if (fq_codel_stats(p->queue).packets > 0 || repair_is_waiting(p->repair))
		at = nsec_min(at, p->pump_at);
	return at;
}

void transmit_answer(struct peer *p, struct path *path, const struct endpoint *to,
		     const uint8_t *frames, size_t len, nsec_t now)
{
	struct buf *b;

	if (!peer_may_send(p, now))
		return;
	b = buf_get(p->ctx->pool);
	if (b == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		return;
	}
	memcpy(buf_append(b, len), frames, len);
	seal(p, path, b, &(struct load){ .eliciting = true }, to, now);
}

void transmit_close(struct peer *p, nsec_t now)
{
	uint8_t frames[2];

	frame_write_close(frames, 0);
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL && p->path[i]->open)
			transmit_answer(p, p->path[i], &p->path[i]->endpoint, frames, sizeof(frames), now);
}

/* --- data --------------------------------------------------------------- */

/*
 * A path that has carried nothing yet, or only a little now and then, is known
 * by that little; but any takes a window of ten packets a round trip (RFC 6928),
 * and who is never given a packet never shows more.
 */
static uint64_t believed_rate(const struct path *path)
{
	uint64_t least = RATE_WINDOW * NSEC_PER_SEC / rtt_or(&path->rtt, MSEC(100));
	uint64_t known = path->congestion->rate(path->congestion_state);

	return known > least ? known : least;
}

static struct strategy_path view_of(const struct path *path, size_t len, nsec_t now)
{
	return (struct strategy_path){
		.id = path->id,
		.weight = path->link.weight != 0 ? path->link.weight : 1,
		.priority = path->link.priority,
		.suspect = path->state != ENGINE_PATH_OK,
		.max_latency = MSEC(path->link.max_latency_ms),
		.srtt = path->rtt.srtt,
		.latest_rtt = path->rtt.latest,
		.free_at = path_send_at(path, len, now),
		.rate = believed_rate(path),
		.in_flight = path->loss.in_flight,
		.loss_ppm = path->loss.loss_ppm,
	};
}

/* Bytes of the datagram that carries an inner packet of len bytes alone. */
static size_t datagram_size(size_t len)
{
	return PACKET_HEADER + FRAME_DATA_HEADER + len + PACKET_TAG;
}

static bool may_carry(const struct path *path, size_t len)
{
	return path != NULL && path->open && has_credit(path, datagram_size(len));
}

/* The open paths of the best rank there is: working ones, else suspect ones, else any. */
static size_t view_paths(const struct peer *p, size_t len, struct strategy_path *ret, nsec_t now)
{
	enum rank worst = RANK_DEAD;
	size_t count = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (may_carry(p->path[i], len) && rank(p, p->path[i]) < worst)
			worst = rank(p, p->path[i]);
	if (p->strategy->sees_suspect && worst < RANK_SILENT)
		worst = RANK_SILENT;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (may_carry(p->path[i], len) && rank(p, p->path[i]) <= worst)
			ret[count++] = view_of(p->path[i], datagram_size(len), now);
	return count;
}

/* ACKs ride along in front of a packet that leaves room for them. */
static void carry_acks(struct peer *p, struct path *path, struct buf *b, nsec_t now)
{
	uint8_t frame[FRAME_ACK_MAX];

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *of = p->path[i];
		size_t len;

		if (of == NULL || !ack_is_waiting(&of->ack) || of->ack.count > ACK_RUNS_ALONG)
			continue;
		len = 10 + 4 * (of->ack.count - 1);
		if ((size_t)(b->data - b->storage) < PACKET_HEADER + len ||
		    PACKET_HEADER + b->len + len + PACKET_TAG > path_room(path))
			return;
		len = ack_write(&of->ack, (uint8_t)i, frame, now);
		memcpy(buf_push(b, len), frame, len);
	}
}

/* Where an inner packet stands among others. */
struct place {
	unsigned lane;
	uint32_t seq;
	bool unordered;
	uint32_t copy;		/* repair's handle; REPAIR_NONE: nobody will send it again */
};

/* mark[0] is the flow's hash, whose lane it is in; mark[1] the number there, and whether order matters. */
static void number(struct peer *p, struct buf *b, bool unordered)
{
	b->mark[1] = lane_take(&p->lanes, lane_of(b->mark[0])) << 1 | unordered;
}

static struct place place_of(const struct buf *b)
{
	return (struct place){
		.lane = lane_of(b->mark[0]), .seq = b->mark[1] >> 1, .unordered = b->mark[1] & 1,
		.copy = REPAIR_NONE,
	};
}

/* Takes b, whose content is the inner packet. */
static void send_data(struct peer *p, struct path *path, struct buf *b, const struct place *at, nsec_t now)
{
	uint8_t flags = 0;

	if (datagram_size(b->len) > path_room(path)) {
		peer_drop(p, DROP_TOO_BIG, b);
		return;
	}
	if (at->copy == REPAIR_NONE)
		flags |= FRAME_DATA_NOREPAIR;
	if (at->unordered)
		flags |= FRAME_DATA_UNORDERED;
	frame_write_data_header(buf_push(b, FRAME_DATA_HEADER), flags, at->lane, at->seq);
	carry_acks(p, path, b, now);
	seal(p, path, b, &(struct load){ .copy = at->copy, .eliciting = true }, &path->endpoint, now);
}

static struct buf *copy_of(struct peer *p, const struct buf *b)
{
	struct buf *copy = buf_get(p->ctx->pool);

	if (copy == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		return NULL;
	}
	memcpy(buf_append(copy, b->len), b->data, b->len);
	return copy;
}

/* A copy of b on every path of the set; the last one gets b itself unless it is kept. */
static void spread(struct peer *p, path_set set, struct buf *b, const struct place *at, nsec_t now)
{
	bool kept = at->copy != REPAIR_NONE;

	for (unsigned i = 0; set != 0; i++) {
		struct buf *copy;

		if (!(set & PATH_BIT(i)))
			continue;
		set &= (path_set)~PATH_BIT(i);
		copy = set != 0 || kept ? copy_of(p, b) : b;
		if (copy != NULL)
			send_data(p, p->path[i], copy, at, now);
	}
}

/* Send b on every path of the set, and keep it until it has arrived.  Takes b. */
static void send_on(struct peer *p, path_set set, struct buf *b, nsec_t now)
{
	struct place at = place_of(b);

	p->tx_packets++;
	p->tx_bytes += b->len;
	p->spare = p->spare + b->len / SPARE_SHARE < SPARE_MAX ? p->spare + b->len / SPARE_SHARE : SPARE_MAX;
	if (buf_pool_left(p->ctx->pool) > KEEP_RESERVE)
		at.copy = repair_keep(p->repair, b, at.lane, at.seq, at.unordered, now + p->patience);
	spread(p, set, b, &at, now);
}

/* Those of the set that may send now; if none, *ret_at says when the first may. */
static path_set ready_paths(const struct strategy_view *view, path_set set, nsec_t *ret_at)
{
	path_set ready = 0;
	nsec_t at = NSEC_NEVER;

	for (size_t i = 0; i < view->count; i++) {
		if (!(set & PATH_BIT(view->path[i].id)))
			continue;
		if (view->path[i].free_at <= view->now)
			ready |= PATH_BIT(view->path[i].id);
		at = nsec_min(at, view->path[i].free_at);
	}
	*ret_at = at;
	return ready;
}

/* --- repair ------------------------------------------------------------- */

/*
 * Where a lost packet arrives first of all that may send now; NULL: nowhere
 * yet, and *at says when.  Never on a path that is in doubt itself: there it
 * would only double what may be on its way.
 */
static struct path *repair_path(struct peer *p, const struct buf *packet, nsec_t now, nsec_t *at)
{
	struct strategy_path path[PATHS_MAX];
	struct strategy_view view = { .now = now, .path = path };
	const struct strategy_packet what = { .len = packet->len, .flow = packet->mark[0] };
	path_set allowed = UINT16_MAX;
	const struct strategy_path *best = NULL;

	view.count = view_paths(p, packet->len, path, now);
	if (view.count > 0 && p->strategy->repairs_as_picked)
		allowed = p->strategy->pick(p->strategy_state, &view, &what);
	for (size_t i = 0; i < view.count; i++) {
		if (path[i].suspect || !(allowed & PATH_BIT(path[i].id)))
			continue;
		*at = nsec_min(*at, path[i].free_at);
		if (path[i].free_at <= now && (best == NULL || path[i].srtt < best->srtt))
			best = &path[i];
	}
	return best != NULL ? p->path[best->id] : NULL;
}

/* What is lost goes ahead of everything else: others wait for it. */
static void pump_repairs(struct peer *p, nsec_t now)
{
	const struct repair_item *item;

	while ((item = repair_next(p->repair, now)) != NULL) {
		struct place at = { .lane = item->lane, .seq = item->seq, .unordered = item->unordered,
				    .copy = item->handle };
		struct path *path = repair_path(p, item->packet, now, &p->pump_at);
		struct buf *copy;

		if (path == NULL) {
			/* it is given up when its time is over */
			p->pump_at = nsec_min(p->pump_at, item->deadline);
			break;
		}
		copy = copy_of(p, item->packet);
		repair_take(p->repair);
		if (copy != NULL)
			send_data(p, path, copy, &at, now);
	}
	if (repair_has_skips(p->repair))
		p->wanted |= CONTENT_SKIP;
}

/* Its paths are occupied, and it keeps them: to choose again would count it twice. */
static path_set picked_before(const struct peer *p, const struct buf *b, const struct strategy_view *view)
{
	path_set there = 0;

	for (size_t i = 0; i < view->count; i++)
		there |= PATH_BIT(view->path[i].id);
	return p->picked_for == b && !p->strategy->takes_tail ? p->picked & there : 0;
}

/* Those paths that the strategy picks for b and that may send now. */
static path_set paths_for(struct peer *p, const struct buf *b, size_t queued, nsec_t now)
{
	struct strategy_path path[PATHS_MAX];
	struct strategy_view view = { .now = now, .path = path };
	const struct strategy_packet packet = { .len = b->len, .flow = b->mark[0], .queued = queued };
	path_set ready;
	nsec_t at;

	view.count = view_paths(p, b->len, path, now);
	if (view.count == 0)
		return 0;
	p->picked = picked_before(p, b, &view);
	if (p->picked == 0)
		p->picked = p->strategy->pick(p->strategy_state, &view, &packet);
	p->picked_for = b;
	ready = ready_paths(&view, p->picked, &at);
	if (ready == 0)
		p->pump_at = nsec_min(p->pump_at, at);
	else
		p->picked_for = NULL;
	return ready;
}

/* --- second copies --------------------------------------------------------- */

static bool is_unsteady(const struct path *path)
{
	return path->loss.loss_ppm >= UNSTEADY_PPM || path->rtt.var * 8 > path->rtt.srtt;
}

/*
 * While nothing waits, the paths have room to spare, and a flow that is just
 * beginning is slowed by every hole and every whim of a path: so it gets a
 * second copy on another one, as far as a small budget goes.  Adds that path.
 */
static path_set with_second(struct peer *p, path_set ready, const struct buf *b, nsec_t now)
{
	const struct path *first = p->path[__builtin_ctz(ready)], *second = NULL;

	if (!p->strategy->second_copies || (ready & (ready - 1)) != 0 || p->spare < b->len ||
	    fq_codel_stats(p->queue).packets > 1 || !is_unsteady(first))
		return ready;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (path == first || !may_carry(path, b->len) || rank(p, path) != RANK_OK ||
		    path_send_at(path, datagram_size(b->len), now) > now)
			continue;
		if (second == NULL || path->rtt.srtt < second->rtt.srtt)
			second = path;
	}
	if (second == NULL)
		return ready;
	p->spare -= b->len;
	return ready | PATH_BIT(second->id);
}

/* The next packet, and while its path is occupied, for slower ones the last. */
static bool send_one(struct peer *p, nsec_t now)
{
	struct buf *b = fq_codel_head(p->queue, now);
	uint32_t ahead;
	path_set ready;

	if (b == NULL)
		return false;
	ready = paths_for(p, b, 0, now);
	if (ready != 0) {
		ready = with_second(p, ready, b, now);
		send_on(p, ready, fq_codel_pop(p->queue, now), now);
		return true;
	}
	b = p->strategy->takes_tail ? fq_codel_tail(p->queue, &ahead) : NULL;
	if (b == NULL || ahead == 0)
		return false;
	ready = paths_for(p, b, fq_codel_stats(p->queue).bytes - b->len, now);
	if (ready == 0)
		return false;
	send_on(p, ready, fq_codel_pop_tail(p->queue), now);
	return true;
}

void transmit_pump(struct peer *p, nsec_t now)
{
	p->pump_at = NSEC_NEVER;
	if (!peer_may_send(p, now))
		return;
	pump_repairs(p, now);
	while (send_one(p, now))
		;
}

void transmit_renumber(struct peer *p, nsec_t now)
{
	struct buf_queue all = { 0 };
	struct buf *b;

	while ((b = fq_codel_pop(p->queue, now)) != NULL)
		buf_queue_push(&all, b);
	while ((b = buf_queue_pop(&all)) != NULL) {
		number(p, b, b->mark[1] & 1);
		fq_codel_push(p->queue, b, now);
	}
}

/* Without a session little may wait: a retransmission that gets through wakes an inner TCP. */
static bool is_welcome(const struct peer *p, nsec_t now)
{
	return peer_may_send(p, now) || fq_codel_stats(p->queue).packets < WAITING_MAX;
}

void transmit_inner(struct peer *p, struct buf *packet, const struct inner *inner, nsec_t now)
{
	enum fq_codel_verdict verdict;

	p->inner_at = now;
	if (!is_welcome(p, now)) {
		peer_drop(p, DROP_NO_SESSION, packet);
		return;
	}
	verdict = fq_codel_admit(p->queue, inner->flow, packet->len, ecn_read(packet->data) != ECN_NOT_ECT, now);
	if (verdict == FQ_CODEL_DROP || verdict == FQ_CODEL_FULL) {
		peer_drop(p, verdict == FQ_CODEL_DROP ? DROP_CONGESTION : DROP_QUEUE_FULL, packet);
		return;
	}
	if (verdict == FQ_CODEL_MARK)
		ecn_mark(packet->data);
	packet->mark[0] = inner->flow;
	number(p, packet, inner->unordered);
	fq_codel_push(p->queue, packet, now);
	transmit_pump(p, now);
}
