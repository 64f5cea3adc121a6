/* duties: see duties.h. */
#include "core/duties.h"

#include <string.h>

#include "core/datagram.h"
#include "core/frame.h"
#include "core/rank.h"

#define CONTROL_MAX	1100	/* bytes of frames in a datagram of ours without data */
#define SKIPS_AT_ONCE	32
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
	size_t before = b->len, len = write_acks(p, b->data + before, CONTROL_MAX - before, now);
	struct path *also = len > 0 ? short_cut(p, best) : NULL;
	struct buf *copy;

	buf_append(b, len);
	if (also == NULL)
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
		.weight = link->weight != 0 ? link->weight : 1,
		.max_latency_ms = link->max_latency_ms,
		.max_loss_ppm = link->max_loss_ppm,
		.rate = link->rate,
		.mtu = link->mtu,
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

static size_t write_config(const struct peer *p, uint8_t *at)
{
	struct frame_config config = { .serial = p->strategy_serial, .copies_ppm = p->copies.share };

	strncpy(config.strategy, p->strategy->name, FRAME_NAME_MAX);
	return frame_write_config(at, &config);
}

/* Everything in `wanted`, which always fits a control datagram: 16 × 27 + 17 + 38 + 1 + 32 × 7 bytes. */
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
		len += write_config(p, at + len);
	if (p->wanted & CONTENT_REKEY)
		len += frame_write_rekey(at + len);
	if (p->wanted & CONTENT_SKIP)
		len += write_skips(p, at + len);
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
	size_t len;

	if (b == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		p->duties_at = now + NO_BUFFER_RETRY;
		return;
	}
	len = path_write_probes(path, care_of(p, path, now), b->data, now);
	if (is_best && p->wanted != 0) {
		len += write_wanted(p, b->data + len);
		load.content = p->wanted;
		p->wanted = repair_has_skips(p->repair) ? CONTENT_SKIP : 0;
	}
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
