/* duties: see duties.h. */
#include "core/duties.h"

#include <string.h>

#include "core/datagram.h"
#include "core/frame.h"
#include "core/packet.h"
#include "core/rank.h"

#define CONTROL_MAX	1100	/* bytes of frames in a datagram of ours without data, if the path takes them */
#define SKIPS_AT_ONCE	32
#define WANTED_MAX	FRAME_CONFIG_MAX	/* bytes of the longest thing that is wanted */
#define CARRIES		MSEC(500)	/* data of ours went there so lately: it carries it */
#define NO_BUFFER_RETRY	MSEC(10)	/* duties wait so long for a buffer: what is due for ever spins a CPU */

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

static bool may_carry(const struct path *path)
{
	return path->link.tier != ENGINE_TIER_NEVER;
}

/* On a link that is never to be used only this may have to be said, when there is no other. */
static bool may_speak(const struct peer *p, const struct path *path)
{
	return may_carry(path) || p->wanted != 0;
}

static bool is_better(const struct peer *p, const struct path *a, const struct path *b)
{
	if (b == NULL || may_carry(a) != may_carry(b))
		return b == NULL || may_carry(a);
	if (rank_of(p, a) != rank_of(p, b))
		return rank_of(p, a) < rank_of(p, b);
	if (rank_is_fresh(p, a) != rank_is_fresh(p, b))
		return rank_is_fresh(p, a);
	if (peer_carries(p, a) != peer_carries(p, b))
		return peer_carries(p, a);
	return control_cost(p, a) < control_cost(p, b);
}

/* Where a control datagram arrives first; NULL: nowhere. */
static struct path *control_path(const struct peer *p)
{
	struct path *best = NULL;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *path = p->path[i];

		if (path == NULL || !path->open || !datagram_has_credit(path, CONTROL_MAX) || !may_speak(p, path))
			continue;
		if (is_better(p, path, best))
			best = path;
	}
	return best;
}

/*
 * How much is to be known of a path.  Backup and metered links are left alone
 * while others carry the data; when those fail they are needed at once.
 */
static enum path_care care_of(const struct peer *p, const struct path *path, nsec_t now)
{
	const struct engine_link *link = &path->link;
	bool carries = path->carried_at != 0 && nsec_since(path->carried_at, now) < CARRIES;

	if (link->tier == ENGINE_TIER_NEVER)
		return PATH_CARE_NONE;
	if (peer_spares(p, path) && !(peer_carries(p, path) && carries))
		return peer_is_busy(p, now) ? PATH_CARE_QUIET : PATH_CARE_SLEEP;
	if (!peer_is_busy(p, now))
		return p->ctx->role == ENGINE_CLIENT ? PATH_CARE_IDLE : PATH_CARE_LISTEN;
	if (link->max_latency_ms != 0 && carries)
		return PATH_CARE_CLOSE;
	return link->metered ? PATH_CARE_SPARING : PATH_CARE_BUSY;
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

/* Bytes of frames that a datagram without data may have there. */
static size_t control_room(const struct path *path)
{
	size_t room = path_room(path) - PACKET_HEADER - PACKET_TAG;

	return room < CONTROL_MAX ? room : CONTROL_MAX;
}

static size_t write_acks(struct peer *p, uint8_t *at, size_t room, nsec_t now)
{
	size_t len = 0;

	for (unsigned i = 0; i < PATHS_MAX && room - len >= FRAME_ACK_MAX; i++)
		if (p->path[i] != NULL && ack_is_waiting(&p->path[i]->ack))
			len += ack_write(&p->path[i]->ack, (uint8_t)i, at + len, now);
	return len;
}

/*
 * A path in doubt on which the peer still speaks, and which is faster than the
 * one that is trusted: when both ends doubt it for want of ACKs, and send them
 * the long way round, neither hears for a long time that nothing was wrong.
 */
static struct path *short_cut(const struct peer *p, const struct path *best)
{
	struct path *found = NULL;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *path = p->path[i];

		if (path == NULL || !path->open || rank_of(p, path) != RANK_DOUBTED)
			continue;
		if (control_cost(p, path) < control_cost(p, found != NULL ? found : best))
			found = path;
	}
	return found;
}

/* All ACKs that wait, and once more on a short cut. */
static void append_acks(struct peer *p, const struct path *best, struct buf *b, nsec_t now)
{
	size_t before = b->len, len = write_acks(p, b->data + before, control_room(best) - before, now);
	struct path *also = len > 0 ? short_cut(p, best) : NULL;
	struct buf *copy;

	buf_append(b, len);
	if (also == NULL || len > control_room(also))
		return;
	copy = buf_get(p->ctx->pool);
	if (copy == NULL)
		return;
	memcpy(buf_append(copy, len), b->data + before, len);
	datagram_send(p, also, copy, &(struct datagram_load){ 0 }, &also->endpoint, now);
}

static struct frame_path_status status_of(const struct peer *p, unsigned id)
{
	const struct path *path = p->path[id];
	const struct engine_link *link;

	if (path == NULL || !path->open)
		return (struct frame_path_status){ .path = (uint8_t)id, .serial = p->link_serial[id],
						   .state = FRAME_PATH_GONE, .weight = 1 };
	link = &path->link;
	return (struct frame_path_status){
		.path = (uint8_t)id,
		.serial = p->link_serial[id],
		.state = FRAME_PATH_AVAILABLE,
		.priority = link->priority,
		.tier = (uint8_t)link->tier,
		.metered = link->metered,
		.interface = link->interface,
		.weight = link->weight != 0 ? link->weight : 1,
		.max_latency_ms = link->max_latency_ms,
		.max_loss_ppm = link->max_loss_ppm,
		.rate = link->rate,
		.mtu = link->mtu,
	};
}

static size_t write_skips(struct peer *p, uint8_t *at, size_t room, uint32_t *ret_content)
{
	struct skips_range skip[SKIPS_AT_ONCE];
	size_t most = room / FRAME_SKIP_BYTES < SKIPS_AT_ONCE ? room / FRAME_SKIP_BYTES : SKIPS_AT_ONCE, len = 0;
	uint16_t batch;
	size_t count = repair_skips(p->repair, skip, most, &batch);

	for (size_t i = 0; i < count; i++) {
		const struct frame_skip f = { .lane = skip[i].lane, .seq = skip[i].seq, .count = skip[i].count };

		len += frame_write_skip(at + len, &f);
	}
	*ret_content |= CONTENT_SKIPS_OF(batch);
	return len;
}

static size_t write_config(const struct peer *p, uint8_t *at)
{
	struct frame_config config = { .serial = p->strategy_serial, .copies_ppm = p->copies.share };

	strncpy(config.strategy, p->strategy->name, FRAME_NAME_MAX);
	return frame_write_config(at, &config);
}

/* One thing that is wanted: at most WANTED_MAX bytes, but of skips as many as there is room for. */
static size_t write_content(struct peer *p, uint32_t content, uint8_t *at, size_t room, uint32_t *ret_content)
{
	struct frame_path_status status;

	switch (content) {
	case CONTENT_TICKET:	return frame_write_ticket(at, p->ticket);
	case CONTENT_CONFIG:	return write_config(p, at);
	case CONTENT_REKEY:	return frame_write_rekey(at);
	case CONTENT_SKIP:	return write_skips(p, at, room, ret_content);
	}
	status = status_of(p, (unsigned)__builtin_ctz(content));
	return frame_write_path_status(at, &status);
}

/* As much of `wanted` as there is room for, which is told; the rest stays wanted. */
static size_t write_wanted(struct peer *p, uint8_t *at, size_t room, uint32_t *ret_content)
{
	size_t len = 0;

	for (uint32_t left = p->wanted; left != 0 && room - len >= WANTED_MAX; left &= left - 1) {
		uint32_t content = left & -left;

		len += write_content(p, content, at + len, room - len, ret_content);
		*ret_content |= content;
	}
	p->wanted &= ~*ret_content;
	if (repair_has_skips(p->repair))
		p->wanted |= CONTENT_SKIP;
	return len;
}

/*
 * One datagram of duties on a path: its probes, and on the best one also all
 * ACKs and what is wanted.  A probe of a slower path must not take them: one
 * ACK that comes late makes the path look overdue for which it is.
 */
static void send_duties(struct peer *p, struct path *path, bool is_best, nsec_t now)
{
	struct buf *b = buf_get(p->ctx->pool);
	struct datagram_load load = { 0 };
	size_t room = control_room(path), len;

	if (b == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		p->duties_at = now + NO_BUFFER_RETRY;
		return;
	}
	len = path_write_probes(path, care_of(p, path, now), b->data, now);
	if (is_best && p->wanted != 0)
		len += write_wanted(p, b->data + len, room - len, &load.content);
	load.eliciting = len > 0;
	buf_append(b, len);
	if (is_best)
		append_acks(p, path, b, now);
	len = b->len;
	if (len > 0)
		datagram_send(p, path, b, &load, &path->endpoint, now);
	else
		buf_put(b);
}

/* A datagram of the size that the path is asked for, if it is. */
static bool send_mtu_probe(struct peer *p, struct path *path, nsec_t now)
{
	size_t size = path_mtu_probe(path, care_of(p, path, now), now), frames = size - PACKET_HEADER - PACKET_TAG;
	struct buf *b;

	if (size == 0)
		return false;
	b = buf_get(p->ctx->pool);
	if (b == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		p->duties_at = now + NO_BUFFER_RETRY;
		return false;
	}
	frame_write_mtu_probe(buf_append(b, frames), frames);
	datagram_send(p, path, b, &(struct datagram_load){ .eliciting = true, .probe = true }, &path->endpoint, now);
	return true;
}

static bool probe_is_due(const struct peer *p, const struct path *path, nsec_t now)
{
	return path->open && now >= path_deadline(path, care_of(p, path, now), now);
}

static void challenge_former(struct peer *p, struct path *path, nsec_t now)
{
	uint8_t frames[FRAME_TOKEN];

	if (path->former_until == 0 || path->challenge_at > now)
		return;
	frame_write_token(frames, FRAME_PATH_CHALLENGE, path->former_challenge);
	datagram_answer(p, path, &path->former, frames, sizeof(frames), now);
}

/*
 * Behind an MTU probe goes something small: only when that has arrived is a
 * probe that has not lost.  The challenge goes before it: its answer gives the
 * first round trip, and should not wait for the probe's.
 */
static void send_probes(struct peer *p, struct path *path, bool is_best, nsec_t now)
{
	path_tick_mtu(path, care_of(p, path, now), now);
	if (path->state != ENGINE_PATH_VALIDATING && send_mtu_probe(p, path, now))
		path->probe_now = true;
	if (probe_is_due(p, path, now)) {
		challenge_former(p, path, now);
		send_duties(p, path, is_best, now);
	}
	if (path->state == ENGINE_PATH_VALIDATING)
		send_mtu_probe(p, path, now);
}

void duties_send(struct peer *p, nsec_t now)
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
		if (p->path[i] != NULL && p->path[i]->open)
			send_probes(p, p->path[i], p->path[i] == best, now);
	}
	if (best != NULL && (p->wanted != 0 || now >= ack_due_at(p)))
		send_duties(p, best, true, now);
	if (now >= ack_due_at(p) && now >= p->duties_at)
		postpone_acks(p);
}

nsec_t duties_deadline(const struct peer *p, nsec_t now)
{
	nsec_t at = NSEC_NEVER;

	if (!peer_may_send(p, now))
		return NSEC_NEVER;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL)
			at = nsec_min(at, path_deadline(p->path[i], care_of(p, p->path[i], now), now));
	at = nsec_max(nsec_min(at, ack_due_at(p)), p->duties_at);
	if (fq_codel_stats(p->queue).packets > 0 || repair_is_waiting(p->repair) || p->copies.count > 0)
		at = nsec_min(at, p->pump_at);
	return at;
}
