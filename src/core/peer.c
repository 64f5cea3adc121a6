/* peer: see peer.h. */
#include "core/peer.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/duties.h"
#include "core/negotiate.h"
#include "core/transmit.h"
#include "core/view.h"

#define BUSY			SEC(2)
#define TUNE_EVERY		MSEC(20)
#define IN_USE			MSEC(300)	/* data came on a path so lately: it is in use */
#define PATIENCE_MIN		MSEC(50)
#define PATIENCE_MAX		SEC(1)
#define WAIT_SLACK		MSEC(50)	/* that a receiver waits longer than a sender tries */
#define QUEUE_PACKETS		6144		/* half a second at 140 Mbit/s */
#define QUEUE_BYTES		(8u << 20)
#define QUANTUM			1514
#define USUAL_MAX		4	/* round trips: what is beyond is a queue, not jitter */
#define REPAIR_ITEMS		8192		/* packets under way that are kept: 16 MiB of buffers */
#define HELD_MAX		(16u << 20)	/* bytes of packets held for order */
#define UNANSWERED_MAX		4096		/* inner packets of data that are remembered as such to be answered */
#define LATE_ANSWERS		SEC(10)		/* so long after a path has gone some may still come */
#define SILENT_PATH_LIFE	SEC(60)		/* a server forgets a path that says nothing for so long */

bool peer_init(struct peer *p, struct context *ctx, uint16_t index,
	       const struct engine_peer_config *config, const struct strategy_ops *strategy)
{
	const struct resequencer_config order = { .max_bytes = HELD_MAX, .late = true };
	const struct fq_codel_config queue = { .max_packets = QUEUE_PACKETS, .max_bytes = QUEUE_BYTES,
					       .quantum = QUANTUM };

	memset(p, 0, sizeof(*p));
	p->ctx = ctx;
	p->index = index;
	p->config = *config;
	p->strategy = strategy;
	p->pump_at = NSEC_NEVER;
	p->refresh_at = NSEC_NEVER;
	p->patience = PATIENCE_MIN;
	p->order = resequencer_new(&order);
	p->pieces = reassembly_new(ctx->pool);
	p->repair = repair_new(REPAIR_ITEMS);
	p->queue = fq_codel_new(&queue);
	p->given = calloc(1, sizeof(*p->given));
	p->got = calloc(1, sizeof(*p->got));
	p->acks = thinner_new();
	p->answers = spacer_new();
	p->gate.rate = config->rate;
	return toll_init(&p->toll, config->rate) && p->given != NULL && p->got != NULL && p->acks != NULL && p->answers != NULL && p->order != NULL && p->pieces != NULL && p->repair != NULL && p->queue != NULL;
}

void peer_done(struct peer *p)
{
	toll_done(&p->toll);
	thinner_free(p->acks);
	free(p->given);
	free(p->got);
	spacer_free(p->answers);
	fq_codel_free(p->queue);
	resequencer_free(p->order);
	reassembly_free(p->pieces);
	repair_free(p->repair);
	for (unsigned i = 0; i < PATHS_MAX; i++)
		path_free(p->path[i]);
	keypair_free(p->session.current);
	keypair_free(p->session.former);
	for (unsigned i = 0; i < SESSION_PENDING; i++)
		keypair_free(p->session.pending[i]);
	if (p->initiator != NULL)
		initiator_done(p->initiator);
	free(p->initiator);
	sodium_memzero(p, sizeof(*p));
}

void peer_drop(struct peer *p, enum engine_drop drop, struct buf *b)
{
	p->ctx->drops[drop]++;
	buf_put(b);
}

struct path *peer_path(struct peer *p, unsigned id)
{
	if (p->path[id] != NULL)
		return loss_wake(&p->path[id]->loss) ? p->path[id] : NULL;
	p->path[id] = path_new((uint8_t)id);
	if (p->path[id] != NULL)
		p->known |= PATH_BIT(id);
	return p->path[id];
}

struct path *peer_path_of_socket(struct peer *p, unsigned socket)
{
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL && p->path[i]->open && p->path[i]->endpoint.socket == socket)
			return p->path[i];
	return NULL;
}

/* A path's numbers begin anew, and its address has to be proven again; a server closes it. */
static void reset_path(struct peer *p, struct path *path, nsec_t now)
{
	uint8_t random[8];

	loss_reset(&path->loss);
	path->replay = (struct replay){ 0 };
	ack_init(&path->ack);
	path->marking = (struct marking){ 0 };
	pmtu_forget_probe(&path->pmtu);
	if (!path->open)
		return;
	if (p->ctx->role == ENGINE_SERVER) {
		peer_close_path(p, path, now);
		return;
	}
	random_fill(&p->ctx->random, random, sizeof(random));
	path_revalidate(path, random, now);
	peer_tell_link(p, path->id);
}

void peer_reset(struct peer *p, nsec_t now)
{
	p->wanted = 0;
	p->link_known = 0;
	p->strategy_known = false;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL)
			reset_path(p, p->path[i], now);
	repair_reset(p->repair);
	memset(&p->lanes, 0, sizeof(p->lanes));
	memset(p->given, 0, sizeof(*p->given));
	memset(p->got, 0, sizeof(*p->got));
	transmit_renumber(p, now);
	peer_release(p, now);
	resequencer_reset(p->order);
	reassembly_reset(p->pieces);
}

void peer_close_path(struct peer *p, struct path *path, nsec_t now)
{
	struct peer_observer observer;

	path_close(path);
	loss_doubt(&path->loss, now, peer_observe(&observer, p, path));	/* what goes elsewhere now has its time from now on */
	loss_abandon(&path->loss, now, peer_observe(&observer, p, path));
	peer_announce(p, path);
}

bool peer_is_busy(const struct peer *p, nsec_t now)
{
	return p->inner_at != 0 && nsec_since(p->inner_at, now) < BUSY;
}

bool peer_may_send(const struct peer *p, nsec_t now)
{
	return p->session.current != NULL && keypair_may_send(p->session.current, now);
}

bool peer_has_open_path(const struct peer *p)
{
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL && p->path[i]->open && p->path[i]->link.tier != ENGINE_TIER_NEVER)
			return true;
	return false;
}

bool peer_has_usable_path(const struct peer *p)
{
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL && path_is_usable(p->path[i]))
			return true;
	return false;
}

static path_set carrying(const struct peer *p)
{
	return p->eligible.now | (p->overflow.on ? p->eligible.overflow : 0);
}

bool peer_carries(const struct peer *p, const struct path *path)
{
	return carrying(p) & PATH_BIT(path->id);
}

bool peer_has_one_path(const struct peer *p)
{
	return path_count(carrying(p)) == 1;
}

bool peer_spares(const struct peer *p, const struct path *path)
{
	bool others = (p->eligible.now & ~PATH_BIT(path->id)) != 0;

	if (p->eligible.now == 0)
		return false;
	if (p->eligible.stand_by & PATH_BIT(path->id))
		return true;
	return (path->link.tier == ENGINE_TIER_BACKUP && !peer_carries(p, path)) || (path->link.metered && others);
}

void peer_set_strategy(struct peer *p, const struct strategy_ops *strategy)
{
	if (p->strategy == strategy)
		return;
	p->strategy = strategy;
	memset(p->strategy_state, 0, sizeof(p->strategy_state));
	p->picked_for = NULL;
	p->outlook.count = 0;
	if (p->ctx->role != ENGINE_CLIENT)
		return;
	p->strategy_serial++;
	p->wanted |= CONTENT_CONFIG;
}

void peer_say_again(struct peer *p, uint32_t content)
{
	p->wanted |= content & (CONTENT_SKIPS_OF(1) - 1);
	repair_repeat_skips(p->repair, (uint16_t)(content / CONTENT_SKIPS_OF(1)));
}

void peer_tell_link(struct peer *p, unsigned id)
{
	p->link_serial[id]++;
	p->wanted |= CONTENT_PATH_STATUS(id);
}

static void fill_tunnel(const struct handshake_config *from, struct engine_tunnel_config *to)
{
	to->address_count = from->address_count;
	memcpy(to->address, from->address, sizeof(to->address));
	to->dns_count = from->dns_count;
	memcpy(to->dns, from->dns, sizeof(to->dns));
	to->mtu = from->mtu;
}

void peer_event(struct peer *p, enum engine_event_type type, const struct path *path)
{
	struct engine_event event = { .type = type, .peer = p->index };

	if (path != NULL) {
		event.path = path->id;
		event.endpoint = path->endpoint;
	}
	if (type == ENGINE_SESSION_UP && p->ctx->role == ENGINE_CLIENT)
		fill_tunnel(&p->handed, &event.config);
	events_push(&p->ctx->events, &event);
}

void peer_announce(struct peer *p, struct path *path)
{
	bool up = path_is_usable(path);
	bool down = !path->open || path->state == ENGINE_PATH_DEAD;

	if (up && !path->announced)
		peer_event(p, ENGINE_PATH_UP, path);
	else if (down && path->announced)
		peer_event(p, ENGINE_PATH_DOWN, path);
	if (up || down)
		path->announced = up;
}

static void ack_read(void *ctx, const struct delivery_sample *sample, nsec_t now)
{
	const struct peer_observer *o = ctx;
	struct congestion_ack ack = {
		.now = now, .in_flight = o->path->loss.in_flight, .sample = *sample,
	};

	if (o->is_newest)
		ack.marked = (uint32_t)marking_acked(&o->path->marking, o->acked, o->counts, now);
	if (o->own_way && sample->rtt != 0)
		path_measured(o->path, sample->rtt);
	o->path->congestion->acked(o->path->congestion_state, &ack);
}

static void packet_acked(void *ctx, const struct loss_record *record, nsec_t now)
{
	struct peer_observer *o = ctx;
	struct repair *repair = o->peer->repair;

	o->acked[record->ecn]++;
	for (uint32_t n = record->copies, handle = record->copy; n > 0; n--, handle = repair_after(repair, handle)) {
		repair_acked(repair, handle);
		contexts_acked(o->peer->given, handle, now);
	}
	pmtu_arrived(&o->path->pmtu, record->len, record->sent_at);
}

static void probe_arrived(void *ctx, const struct loss_record *record, nsec_t now)
{
	const struct peer_observer *o = ctx;

	(void)now;
	pmtu_confirmed(&o->path->pmtu, record->len, record->sent_at);
}

static void packet_lost(void *ctx, const struct loss_record *record, nsec_t now)
{
	const struct peer_observer *o = ctx;

	peer_say_again(o->peer, record->content);
	for (uint32_t n = record->doubted ? 0 : record->copies, handle = record->copy; n > 0;
	     n--, handle = repair_after(o->peer->repair, handle))
		repair_lost(o->peer->repair, handle, now + o->peer->patience);
	marking_lost(&o->path->marking, (enum ecn)record->ecn, now);
	if (o->path->open)
		pmtu_vanished(&o->path->pmtu, record->len, record->sent_at);
	o->path->congestion->lost(o->path->congestion_state, record->len, record->sent_at,
				  o->path->loss.in_flight, now);
}

static void packet_doubted(void *ctx, const struct loss_record *record, nsec_t now)
{
	const struct peer_observer *o = ctx;

	for (uint32_t n = record->copies, handle = record->copy; n > 0;
	     n--, handle = repair_after(o->peer->repair, handle))
		repair_doubted(o->peer->repair, handle, now + o->peer->patience);
	peer_say_again(o->peer, record->content);
}

const struct loss_observer *peer_observe(struct peer_observer *o, struct peer *p, struct path *path)
{
	*o = (struct peer_observer){
		.peer = p,
		.path = path,
		.to = { .acked = packet_acked, .lost = packet_lost, .doubted = packet_doubted,
			.probed = probe_arrived, .progress = ack_read, .ctx = o },
	};
	return &o->to;
}

/* To the TUN; inner acknowledgements only as many as are of use. */
static void deliver(struct peer *p, struct buf *b, nsec_t now)
{
	struct inner inner;
	struct tcp segment;

	if (thinner_is_idle(p->acks) || !tcp_read(b->data, b->len, &segment) ||
	    !inner_read(b->data, b->len, p->ctx->flow_key, &inner)) {
		buf_queue_push(toll_entry(p), b);
		return;
	}
	thinner_take(p->acks, inner_answer_flow(b->data, &inner, p->ctx->flow_key), &segment, b,
		     toll_entry(p), now);
}

void peer_release(struct peer *p, nsec_t now)
{
	struct buf *b;

	while ((b = resequencer_out(p->order, now)) != NULL) {
		p->rx_packets++;
		p->rx_bytes += b->len;
		p->unanswered += b->len > HABIT_ANSWER && p->unanswered < UNANSWERED_MAX;
		deliver(p, b, now);
	}
	thinner_tick(p->acks, toll_entry(p), now);
	toll_settle(p, now);
}

/*
 * Whether the peer may be sending data on a path.  When data begins to come, and
 * when a path joins, it may be on its way there and only be slower.
 */
static bool is_in_use(const struct peer *p, const struct path *path, nsec_t now)
{
	if (path->data_at != 0 && nsec_since(path->data_at, now) < IN_USE)
		return true;
	return peer_carries(p, path) && (nsec_since(p->burst_at, now) < IN_USE ||
					 nsec_since(path->state_since, now) < IN_USE);
}

/* It works, but its link's settings have others carry the data: its delay is nobody's. */
static bool stands_by(const struct peer *p, const struct path *path, nsec_t now)
{
	return path_is_usable(path) && !peer_carries(p, path) && !is_in_use(p, path, now);
}

void peer_note_data(struct peer *p, struct path *path, nsec_t now)
{
	if (nsec_since(p->data_at, now) >= IN_USE) {
		p->burst_at = now;
		p->tuned_at = 0;
	}
	p->data_at = now;
	p->inner_at = now;
	path->data_at = now;
	if (p->ctx->role == ENGINE_SERVER && (p->eligible.stand_by & PATH_BIT(path->id)))
		peer_wake(p);	/* it follows */
}

/* From a packet's loss to the news of it: an ACK's way on the slowest path, with its variation. */
static nsec_t news_of(const struct path *path)
{
	return rtt_bound(&path->rtt, ACK_DELAY_MAX);
}

/* What repairs add to a round trip: the time of one, by the share of time in which one is under way. */
static nsec_t repair_time(const struct peer *p, nsec_t news)
{
	uint64_t ppm = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (path == NULL || !peer_carries(p, path))
			continue;
		/* losses per second × 10^6 */
		ppm += path->congestion->rate(path->congestion_state) / QUANTUM * path->loss.loss_ppm;
	}
	ppm = ppm * (news / NSEC_PER_MSEC) / 1000;
	return ppm >= 1000000 ? news : news / 1000000 * ppm;
}

/* Data of ours goes there: where a strategy has one path at a time, the delay of those that wait is nobody's. */
static bool is_filled(const struct peer *p, const struct path *path, nsec_t now)
{
	return peer_carries(p, path) && (p->strategy->ahead != NULL ||
					 (path->carried_at != 0 && nsec_since(path->carried_at, now) < IN_USE));
}

/*
 * A queue of 5 ms would keep every packet on the fastest path, which always
 * brings it over first.  To be of use to a path that takes longer, a bulk flow
 * may keep what the fast ones carry in that time, and what its own window
 * swings by, over a round trip that jitter and repairs make longer.  While a
 * repair is under way its sender hears nothing, and then all at once: twice that
 * time has to be in the queue, or the paths run dry; and none that stands for
 * less than STANDS_MIN says that more is sent than the paths carry.  Sparse flows
 * pass it all (fq_codel.h).  A strategy that takes nothing from the tail has no
 * use for a queue that bridges delays.
 */
static nsec_t tune_queue(struct peer *p, nsec_t news, nsec_t now)
{
	nsec_t slowest = 0, usual = 0, fastest = NSEC_NEVER, round_trip, repair, target;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (path == NULL || !is_filled(p, path, now) || path->rtt.min == 0)
			continue;
		slowest = nsec_max(slowest, path->rtt.min);
		usual = nsec_max(usual, nsec_min(path->rtt.srtt, USUAL_MAX * path->rtt.min));
		fastest = nsec_min(fastest, path->rtt.min);
	}
	if (slowest == 0)
		return 0;
	if (p->strategy->ahead == NULL)
		slowest = fastest;
	repair = repair_time(p, news);
	round_trip = usual + repair;
	target = (slowest - fastest) / 2 + round_trip * 35 / 100 + 2 * repair;
	fq_codel_set_target(p->queue, target, round_trip * 3 / 2 + target, STANDS_MIN);
	p->bulk_target = (slowest - fastest) / 2 + slowest * 35 / 100;
	return nsec_min(target, FQ_CODEL_TARGET_MAX);
}

/*
 * How long a packet is worth trying: until the slowest path in use would have
 * brought it, and then once more by the fastest.  The receiver waits a little
 * longer than the sender tries, and for what may still be in the sender's queue
 * when a slower path has taken its tail; both know the same round trips.  What
 * the sender gives up it says, so nobody waits to the end for that.
 */
void peer_tune(struct peer *p, nsec_t now)
{
	nsec_t slowest = 0, news = 0, fastest = NSEC_NEVER, backlog;
	path_set in_use = 0;

	if (nsec_since(p->tuned_at, now) < TUNE_EVERY)
		return;
	p->tuned_at = now;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (path == NULL || !path->open || stands_by(p, path, now))
			continue;
		if (is_in_use(p, path, now))
			in_use |= PATH_BIT(i);
		slowest = nsec_max(slowest, rtt_or(&path->rtt, 0));
		news = nsec_max(news, news_of(path));
		fastest = nsec_min(fastest, rtt_or(&path->rtt, NSEC_NEVER));
	}
	if (slowest == 0)
		return;
	p->patience = nsec_clamp((slowest - fastest) / 2 + news * 15 / 4 + fastest / 2, PATIENCE_MIN, PATIENCE_MAX);
	backlog = tune_queue(p, news, now);
	resequencer_set_paths(p->order, in_use);
	resequencer_set_wait(p->order, p->patience + WAIT_SLACK + nsec_max(2 * backlog, SEC(1)));
}

/* Without a session, or when the peer could long have said what has come of what is kept. */
static bool expects_nothing(const struct peer *p, const struct path *path, nsec_t now)
{
	return p->session.current == NULL ||
	       (!p->cut_off && nsec_since(nsec_max(path->heard_at, p->contact_at), now) >= LATE_ANSWERS);
}

/* A path that has gone: nobody waits any more for what has become of its last words. */
static void rest(struct peer *p, struct path *path, nsec_t now)
{
	struct peer_observer observer;

	if (path->loss.record == NULL || !expects_nothing(p, path, now))
		return;
	loss_abandon(&path->loss, now, peer_observe(&observer, p, path));
	loss_rest(&path->loss);
}

static void tick_path(struct peer *p, struct path *path, nsec_t now)
{
	struct peer_observer observer;

	loss_tick(&path->loss, now, peer_observe(&observer, p, path));
	if (!path->open) {
		rest(p, path, now);
		return;
	}
	if (path_tick(path, now))
		peer_announce(p, path);
	if (path->state != ENGINE_PATH_OK && path->loss.doubted < path->loss.next && peer_has_usable_path(p))
		loss_doubt(&path->loss, now, peer_observe(&observer, p, path));
	if (p->ctx->role == ENGINE_SERVER && path->state != ENGINE_PATH_OK &&
	    nsec_since(path->heard_at, now) >= SILENT_PATH_LIFE)
		peer_close_path(p, path, now);
}

/*
 * A TCP whose packets were under way when its last link went would, on its
 * return, wait for its own timer, which has doubled with every try meanwhile.
 * So they are not given up for time in which nothing could be done for them;
 * nor does a receiver forget meanwhile where they are missing (receive.c).
 */
static void note_contact(struct peer *p, nsec_t now)
{
	bool was_cut_off = p->cut_off;

	p->cut_off = !peer_has_usable_path(p);
	if (!was_cut_off || p->cut_off)
		return;
	p->contact_at = now;
	repair_extend(p->repair, now + p->patience);
}

void peer_tick(struct peer *p, nsec_t now)
{
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL)
			tick_path(p, p->path[i], now);
	note_contact(p, now);
	view_refresh(p, now);
	negotiate_tick(p, now);
	peer_tune(p, now);
	if (!p->cut_off)
		reassembly_tick(p->pieces, now);
	peer_release(p, now);
	p->outlook.count = 0;
	transmit_answers(p, false, now);
	transmit_pump(p, now);
	duties_send(p, now);
	p->outlook.count = 0;
}

void peer_touch(struct peer *p)
{
	if (!p->is_touched) {
		p->is_touched = true;
		p->next_touched = p->ctx->touched;
		p->ctx->touched = p;
	}
	if (!p->unsettled) {
		p->unsettled = true;
		p->ctx->unsettled++;
	}
}

void peer_wake(struct peer *p)
{
	peer_touch(p);
	p->outlook.count = 0;
	p->unticked = true;
}

nsec_t peer_deadline(const struct peer *p, nsec_t now)
{
	nsec_t at = nsec_min(negotiate_deadline(p, now), resequencer_deadline(p->order));

	if (!p->cut_off)
		at = nsec_min(at, reassembly_deadline(p->pieces));
	at = nsec_min(at, p->refresh_at);
	at = nsec_min(at, thinner_deadline(p->acks));
	at = nsec_min(at, spacer_deadline(p->answers));
	at = nsec_min(at, toll_deadline(&p->toll));

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (path == NULL || !path->open)
			continue;
		at = nsec_min(at, path->loss.loss_at);
		if (p->ctx->role == ENGINE_SERVER && path->state != ENGINE_PATH_OK)
			at = nsec_min(at, path->heard_at + SILENT_PATH_LIFE);
	}
	return nsec_min(at, duties_deadline(p, now));
}
