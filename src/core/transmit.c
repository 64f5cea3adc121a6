/* transmit: see transmit.h. */
#include "core/transmit.h"

#include "core/carry.h"
#include "core/ecn.h"
#include "core/view.h"

#define CUT_PERCENT	35	/* of a round trip, that an inner TCP may queue here */
#define SPACE_JITTER	MSEC(3)		/* from here on a path jitters */
#define SPACE_MAX	MSEC(5)		/* between two acknowledgements of an inner TCP, */
#define SPACE_SHARE	8		/* but no more than this part of the shortest round trip */
#define PASSING_MAX	3028	/* bytes at once, of others than those that repairs are of */
#define WAITING_MAX	512	/* inner packets that wait for a session */
#define ENOUGH		1449	/* bytes of frames in a datagram of 1500: who fills that waits for nobody */

static void count_sent(struct peer *p, size_t packets, size_t len, nsec_t now)
{
	p->tx_packets += packets;
	p->tx_bytes += len;
	gate_pass(&p->gate, len, now);
	copies_earn(&p->copies, len);
}

/* Send b on every path of the set.  Takes b, and gives repair's handle of it. */
static uint32_t send_on(struct peer *p, path_set set, struct buf *b, nsec_t now)
{
	count_sent(p, 1, b->len, now);
	return carry_packet(p, set, b, now);
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

/* Else it goes on as soon as the outbox has been emptied. */
static bool finds_room(struct peer *p, nsec_t now)
{
	if (outbox_has_room(&p->ctx->outbox))
		return true;
	p->pump_at = now;
	return false;
}

/* --- repair ------------------------------------------------------------- */

/*
 * Where a lost packet arrives first; NULL: it may not leave there yet, and *at says
 * when it may.  Never on a path that is in doubt itself: there it would only double
 * what may be on its way.
 */
static struct path *repair_path(struct peer *p, const struct buf *packet, nsec_t now, nsec_t *at)
{
	struct strategy_path path[PATHS_MAX];
	struct strategy_view view = { .now = now, .path = path };
	const struct strategy_packet what = { .len = packet->len, .flow = packet->mark[0] };
	path_set allowed = UINT16_MAX;
	const struct strategy_path *best = NULL, *ready = NULL;
	nsec_t soonest = NSEC_NEVER, ready_there = NSEC_NEVER;

	view.count = view_paths(p, packet->len, path, now);
	if (view.count > 0 && p->strategy->repairs_as_picked)
		allowed = p->strategy->pick(p->strategy_state, &view, &what);
	for (size_t i = 0; i < view.count; i++) {
		nsec_t there = strategy_arrival(&path[i], packet->len, now);

		if (path[i].suspect || !(allowed & PATH_BIT(path[i].id)))
			continue;
		if (there < soonest) {
			soonest = there;
			best = &path[i];
		}
		if (path[i].free_at <= now && there < ready_there) {
			ready_there = there;
			ready = &path[i];
		}
	}
	if (best == NULL)
		return NULL;
	if (ready != NULL && ready_there <= soonest + best->srtt / 64)
		return p->path[ready->id];
	*at = nsec_min(*at, best->free_at);
	return NULL;
}

/* --- the queue ------------------------------------------------------------- */

/*
 * The paths for packets of len bytes: built once, and kept while nothing
 * happens but that packets come and are sent.
 */
static void look(struct peer *p, size_t len, nsec_t now)
{
	struct outlook *o = &p->outlook;

	if (o->count > 0 && o->len == len)
		return;
	o->count = view_paths(p, len, o->path, now);
	o->len = len;
}

/* Something was sent on these paths.  Only an address that is not proven may go by that. */
static void look_again(struct peer *p, path_set sent, nsec_t now)
{
	struct outlook *o = &p->outlook;

	for (size_t i = 0; i < o->count; i++) {
		const struct path *path = p->path[o->path[i].id];

		if (!(sent & PATH_BIT(path->id)))
			continue;
		if (path->state == ENGINE_PATH_VALIDATING) {
			o->count = 0;
			return;
		}
		view_sent(path, o->len, now, &o->path[i]);
	}
}

/* Its paths are occupied, and it keeps them: to choose again would count it twice. */
static path_set picked_before(const struct peer *p, const struct buf *b, const struct strategy_view *view)
{
	path_set there = 0;

	if (p->picked_for != b || p->strategy->asked_anew)
		return 0;
	for (size_t i = 0; i < view->count; i++)
		there |= PATH_BIT(view->path[i].id);
	return p->picked & there;
}

/* Of b, or of several like it with len bytes together. */
static struct strategy_packet packet_of(const struct peer *p, const struct buf *b, size_t len)
{
	return (struct strategy_packet){
		.len = len, .flow = b->mark[0], .spare = p->copies.spare,
		.sparse = carry_traits(b) & CARRY_SPARSE, .steady = carry_traits(b) & CARRY_STEADY,
	};
}

/* Those paths that the strategy picks for b and that may send now. */
static path_set paths_for(struct peer *p, const struct buf *b, nsec_t now)
{
	struct strategy_view view = { .now = now, .path = p->outlook.path };
	const struct strategy_packet packet = packet_of(p, b, b->len);
	path_set ready;
	nsec_t at;

	look(p, b->len, now);
	view.count = p->outlook.count;
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

static void note_sent(struct peer *p, const struct buf *b, size_t len, path_set on, nsec_t now)
{
	const struct strategy_packet packet = packet_of(p, b, len);

	if (p->strategy->sent != NULL)
		p->strategy->sent(p->strategy_state, &packet, on, now);
}

/* A packet goes where its path is free, and soon where else the strategy wants it.  Takes b. */
static void send_picked(struct peer *p, struct buf *b, path_set ready, nsec_t now)
{
	path_set later = p->picked & (path_set)~ready;

	note_sent(p, b, b->len, ready, now);
	copies_spend(p, path_count(ready) - 1, b->len);
	ready = copies_second(p, ready, b->len, now);
	copies_defer(p, send_on(p, ready, b, now), later & (path_set)~ready, now);
	look_again(p, ready, now);
}

/* --- company ---------------------------------------------------------------- */

/*
 * Packets that wait at the same moment, and go the same way, leave in one datagram:
 * nobody waits for company, and nobody passes another one for it.  Only those
 * keep it that are alike: what is sparse is neither held up nor made larger by
 * bulk, and a router's mark on the datagram is true of all that it carries.
 */
struct company {
	struct buf_queue packets;
	size_t room, used;	/* bytes of frames */
	size_t len;		/* bytes of packets */
};

static void join(struct company *c, struct buf *b)
{
	buf_queue_push(&c->packets, b);
	c->used += carry_share(b->len);
	c->len += b->len;
}

/* The first of a datagram on these paths; it may be that no other can join. */
static void gather(const struct peer *p, struct company *c, path_set on, struct buf *first)
{
	bool alone = p->ctx->alone || fq_codel_stats(p->queue).packets == 0;

	*c = (struct company){ .room = alone ? 0 : carry_room(p, on) };
	join(c, first);
}

static bool is_like(const struct peer *p, const struct buf *a, const struct buf *b)
{
	return ((carry_traits(a) ^ carry_traits(b)) & (CARRY_SPARSE | CARRY_STEADY)) == 0 &&
	       ecn_read(a->data) == ecn_read(b->data) && (!p->strategy->by_flow || a->mark[0] == b->mark[0]);
}

/* b: NULL: there is none. */
static bool may_join(const struct peer *p, const struct company *c, const struct buf *b)
{
	return b != NULL && c->used + carry_share(b->len) <= c->room && c->packets.count < ENGINE_TOGETHER &&
	       is_like(p, c->packets.head, b);
}

/* They leave on these paths, on which there is room for them. */
static void send_company(struct peer *p, struct company *c, path_set on, nsec_t now)
{
	note_sent(p, c->packets.head, c->len, on, now);
	count_sent(p, c->packets.count, c->len, now);
	carry_together(p, on, &c->packets, now);
	look_again(p, on, now);
}

/* Where the strategy picked, a single packet or several.  Copies that would leave later are of single ones only. */
static void send_gathered(struct peer *p, struct company *c, path_set ready, nsec_t now)
{
	path_set both;

	if (c->packets.count == 1) {
		send_picked(p, buf_queue_pop(&c->packets), ready, now);
		return;
	}
	copies_spend(p, path_count(ready) - 1, c->len);
	both = copies_second(p, ready, c->len, now);
	send_company(p, c, c->used <= carry_room(p, both) ? both : ready, now);
}

/* The queue's head, and who is behind it in turn. */
static void send_head(struct peer *p, path_set ready, nsec_t now)
{
	struct company c;

	gather(p, &c, ready, fq_codel_pop(p->queue, now));
	while (p->picked == ready && may_join(p, &c, fq_codel_head(p->queue, now)))
		join(&c, fq_codel_pop(p->queue, now));
	send_gathered(p, &c, ready, now);
}

/* --- who may go ------------------------------------------------------------- */

struct asking {
	struct peer *peer;
	path_set ready;
	nsec_t now;
};

static bool is_let_through(struct peer *p, nsec_t now)
{
	if (!finds_room(p, now))
		return false;
	if (gate_is_open(&p->gate, now))
		return true;
	p->pump_at = nsec_min(p->pump_at, p->gate.opens_at);
	return false;
}

static bool may_go(void *ctx, struct buf *b)
{
	struct asking *a = ctx;

	if (!is_let_through(a->peer, a->now))
		return false;
	a->ready = paths_for(a->peer, b, a->now);
	return a->ready != 0;
}

static bool may_hurry(void *ctx, struct buf *b)
{
	return (carry_traits(b) & CARRY_SPARSE) && may_go(ctx, b);
}

/* Of a flow nothing of which has to be sent again. */
static bool may_pass(void *ctx, struct buf *b)
{
	struct asking *a = ctx;

	return !repair_lane_waits(a->peer->repair, lane_of(b->mark[0])) && may_go(ctx, b);
}

/* The next packet of those flows that may go now, and who goes with it: their bytes; 0: there is none. */
static size_t send_of_some(struct peer *p, bool (*may)(void *ctx, struct buf *b), nsec_t now)
{
	struct asking a = { .peer = p, .now = now };
	struct buf *b = fq_codel_find(p->queue, may, &a), *next;
	struct company c;
	size_t len;

	if (b == NULL)
		return 0;
	fq_codel_pop_found(p->queue, b, now);
	gather(p, &c, a.ready, b);
	while (p->picked == a.ready && may_join(p, &c, next = fq_codel_next(p->queue, b->mark[0]))) {
		fq_codel_pop_found(p->queue, next, now);
		join(&c, next);
	}
	len = c.len;
	send_gathered(p, &c, a.ready, now);
	return len;
}

/* For a slower path, while that of the next packet is occupied, the one whose time has come there. */
static bool send_later_one(struct peer *p, size_t len, nsec_t now)
{
	const struct strategy_view view = { .now = now, .path = p->outlook.path, .count = p->outlook.count };
	path_set on = 0;
	struct company c;
	struct buf *b;
	size_t ahead;

	if (p->strategy->ahead == NULL || view.count < 2)
		return false;
	ahead = p->strategy->ahead(&view, len, &on);
	if (ahead >= UINT32_MAX)	/* SIZE_MAX may be that very number */
		return false;
	/* of several flows each has its turn: so much of each leaves before it */
	ahead = ahead / fq_codel_stats(p->queue).flows + 1;
	b = fq_codel_behind(p->queue, (uint32_t)ahead);
	if (b == NULL)
		return false;
	look(p, b->len, now);
	gather(p, &c, on, fq_codel_pop_behind(p->queue));
	while (may_join(p, &c, fq_codel_behind(p->queue, (uint32_t)ahead)))
		join(&c, fq_codel_pop_behind(p->queue));
	if (c.packets.count > 1) {
		send_company(p, &c, on, now);
		return true;
	}
	b = buf_queue_pop(&c.packets);
	note_sent(p, b, b->len, on, now);
	send_on(p, on, b, now);
	look_again(p, on, now);
	return true;
}

/* The next packet, and while its path is occupied, for slower ones a later one. */
static bool send_one(struct peer *p, nsec_t now)
{
	struct buf *b = fq_codel_head(p->queue, now);
	path_set ready;

	p->outlook.head = b;
	if (view_spill(p, now))
		p->outlook.count = 0;
	if (b == NULL || !is_let_through(p, now))
		return false;
	if (p->strategy->by_flow)
		return send_of_some(p, may_go, now) > 0;
	ready = paths_for(p, b, now);
	if (ready != 0) {
		send_head(p, ready, now);
		return true;
	}
	return send_later_one(p, b->len, now);
}

/*
 * Before then no path takes anything, whatever waits; 0: it is not known.  Who
 * is held back by his window waits for an ACK, and until then is one more to
 * be compared with the others as time goes on.
 */
static nsec_t full_until(const struct outlook *o)
{
	nsec_t at = NSEC_NEVER;

	for (size_t i = 0; i < o->count; i++) {
		if (o->path[i].free_at == NSEC_NEVER)
			return 0;
		at = nsec_min(at, o->path[i].free_at);
	}
	return o->count > 0 ? at : 0;
}

/*
 * What is lost goes ahead of its flow.  Others that have lost nothing, or to whom
 * all of it was sent again, get as much as the repairs, or what a download loses
 * with a path would hold up all that goes beside it.
 */
static void let_others_pass(struct peer *p, nsec_t now)
{
	size_t len;

	while (p->passing > 0 && (len = send_of_some(p, may_pass, now)) > 0)
		p->passing -= (int)len;
}

/*
 * A call or a key does not wait for repairs, whoever's turn it would be: while
 * they take all there is, turns do not change, and of a download there may be many.
 */
static void pump_repairs(struct peer *p, nsec_t now)
{
	while (repair_is_waiting(p->repair)) {
		const struct repair_item *item;
		struct path *path;

		while (send_of_some(p, may_hurry, now) > 0)
			;
		let_others_pass(p, now);
		item = repair_next(p->repair, now);
		if (item == NULL)
			break;
		path = finds_room(p, now) ? repair_path(p, item->packet, now, &p->pump_at) : NULL;
		if (path == NULL) {
			/* it is given up when its time is over */
			p->pump_at = nsec_min(p->pump_at, item->deadline);
			break;
		}
		p->passing = (int)nsec_min((nsec_t)(p->passing + (int)carry_again(p, item, path, now)), PASSING_MAX);
		p->outlook.count = 0;
	}
	if (repair_has_skips(p->repair))
		p->wanted |= CONTENT_SKIP;
}

void transmit_pump(struct peer *p, nsec_t now)
{
	p->pump_at = NSEC_NEVER;
	p->outlook.full_until = 0;
	p->unseen = 0;
	if (!peer_may_send(p, now))
		return;
	if (!p->cut_off)
		pump_repairs(p, now);
	copies_pump(p, now);
	while (send_one(p, now))
		;
	if (p->outlook.head != NULL)
		p->outlook.full_until = full_until(&p->outlook);
}

/*
 * A packet has come into the queue.  That may only matter where a path is free,
 * where the packet is the first, or where a longer queue makes others help.
 */
static void pump_more(struct peer *p, nsec_t now)
{
	bool full = p->outlook.count > 0 && now < p->outlook.full_until && p->eligible.overflow == 0;

	p->unseen = 0;
	if (!full || fq_codel_head(p->queue, now) != p->outlook.head)
		transmit_pump(p, now);
}

void transmit_settle(struct peer *p, nsec_t now)
{
	if (p->unseen > 0)
		pump_more(p, now);
}

/* The first in turn, for which nobody waits any more. */
static bool is_stale(struct peer *p, nsec_t now)
{
	const struct buf *b = fq_codel_head(p->queue, now);

	return b != NULL && fq_codel_sojourn(p->queue, b->mark[0], now) >= TRANSMIT_STALE;
}

void transmit_renumber(struct peer *p, nsec_t now)
{
	struct buf_queue all = { 0 };
	struct buf *b;

	p->picked_for = NULL;
	while (fq_codel_stats(p->queue).packets > 0) {
		bool stale = is_stale(p, now);

		b = fq_codel_pop(p->queue, now);
		if (stale)
			peer_drop(p, DROP_NO_SESSION, b);
		else
			buf_queue_push(&all, b);
	}
	while ((b = buf_queue_pop(&all)) != NULL) {
		carry_number(p, b, carry_traits(b));
		fq_codel_push(p->queue, b, now);
	}
}

/*
 * Without a session little may wait: a retransmission that gets through wakes an inner
 * TCP.  Who is away for hours shall find the newest.
 */
static bool is_welcome(struct peer *p, nsec_t now)
{
	if (peer_may_send(p, now) || fq_codel_stats(p->queue).packets < WAITING_MAX)
		return true;
	if (is_stale(p, now))
		transmit_renumber(p, now);
	return fq_codel_stats(p->queue).packets < WAITING_MAX;
}

/* It is small, like all that its flow has sent lately, and something has come that it may answer. */
static bool is_answer(struct peer *p, const struct habit *habit)
{
	if (!habit->answers || p->unanswered == 0)
		return false;
	p->unanswered--;
	return true;
}

/*
 * Packets of a steady flow need not wait for each other, nor does a QUIC's
 * acknowledgement, which says all that the ones before it said; unless the strategy
 * gives them to paths in turn: then hardly one would come in its place.
 */
static bool may_overtake(struct peer *p, const struct inner *inner, const struct habit *habit)
{
	if (inner->unordered)
		return true;
	if (inner->in_order || p->strategy->in_turn)
		return false;
	return habit->steady || inner->real_time || is_answer(p, habit);
}

/* What the packet is, for whoever has to choose its way. */
static uint32_t traits_of(struct peer *p, const struct inner *inner, size_t len, nsec_t now)
{
	struct habit habit = habit_note(&p->habits, inner->flow, len, now);

	return (habit.sparse ? CARRY_SPARSE : 0) | (habit.steady ? CARRY_STEADY : 0) |
	       (may_overtake(p, inner, &habit) ? CARRY_UNORDERED : 0);
}

/*
 * A CUBIC that is cut keeps 7/10 of its window, so of a round trip's worth 3/10
 * have to wait here at the cut, and a little for its bursts, or the paths run
 * dry afterwards.  The round trip is what the sender sees, with jitter, the
 * time of repairs and this very queue in it.  A queue counts as standing when
 * that much waits for two round trips, and for so long that no repair of that
 * time can have held back the sender: see decision 009.
 */
static void note_segment(struct peer *p, const struct tcp *segment, const struct inner *inner, nsec_t now)
{
	nsec_t round_trip, target;

	thinner_sent(p->acks, inner->flow, segment, now);
	thinner_alone(p->acks, inner->flow, peer_has_one_path(p));
	round_trip = thinner_round_trip(p->acks, inner->flow);
	if (round_trip == 0)
		return;
	target = nsec_max(round_trip * CUT_PERCENT / 100, p->bulk_target);
	fq_codel_set_flow(p->queue, inner->flow, target,
			  nsec_max(2 * (round_trip + target - round_trip * CUT_PERCENT / 100), STANDS_MIN));
	thinner_waits(p->acks, inner->flow, fq_codel_sojourn(p->queue, inner->flow, now) >= target, now);
}

/* segment: NULL where it is no TCP's.  Takes the packet. */
static void enqueue(struct peer *p, struct buf *packet, const struct inner *inner, const struct tcp *segment,
		    nsec_t now)
{
	bool ecn = ecn_read(packet->data) != ECN_NOT_ECT;
	enum fq_codel_verdict verdict = fq_codel_admit(p->queue, inner->flow, packet->len, ecn, now);

	if (verdict == FQ_CODEL_DROP || verdict == FQ_CODEL_FULL) {
		peer_drop(p, verdict == FQ_CODEL_DROP ? DROP_CONGESTION : DROP_QUEUE_FULL, packet);
		return;
	}
	if (verdict == FQ_CODEL_MARK)
		ecn_mark(packet->data);
	if (p->eligible.overflow != 0)
		overflow_offer(&p->overflow, packet->len, now);
	if (segment != NULL)
		note_segment(p, segment, inner, now);
	packet->mark[0] = inner->flow;
	carry_number(p, packet, traits_of(p, inner, packet->len, now));
	fq_codel_push(p->queue, packet, now);
	/* others may come in the same batch, and share its datagram, but for one as large */
	p->unseen += carry_share(packet->len);
	if (p->unseen + carry_share(packet->len) > ENOUGH || p->ctx->alone)
		pump_more(p, now);
}

/* Between two plain acknowledgements; 0 where no path jitters. */
static nsec_t ack_space(const struct peer *p)
{
	nsec_t jitter = 0, most = SPACE_MAX;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (path == NULL || path->congestion->jitter == NULL || !peer_carries(p, path))
			continue;
		jitter = nsec_max(jitter, path->congestion->jitter(path->congestion_state));
		most = nsec_min(most, path->rtt.srtt / SPACE_SHARE);
	}
	return jitter < SPACE_JITTER ? 0 : nsec_min(jitter, most);
}

/* They were read when they came, so they can be read. */
static void enqueue_all(struct peer *p, struct buf_queue *segments, nsec_t now)
{
	struct inner inner;
	struct tcp segment;
	struct buf *b;

	while ((b = buf_queue_pop(segments)) != NULL) {
		inner_read(b->data, b->len, p->ctx->flow_key, &inner);
		tcp_read(b->data, b->len, &segment);
		enqueue(p, b, &inner, &segment, now);
	}
}

void transmit_answers(struct peer *p, bool all, nsec_t now)
{
	struct buf_queue out = { 0 };

	if (all)
		spacer_yield(p->answers, &out);
	else
		spacer_tick(p->answers, &out, now);
	enqueue_all(p, &out, now);
}

void transmit_inner(struct peer *p, struct buf *packet, const struct inner *inner, nsec_t now)
{
	struct buf_queue out = { 0 };
	struct tcp segment;
	nsec_t space;

	p->inner_at = now;
	if (!is_welcome(p, now)) {
		peer_drop(p, DROP_NO_SESSION, packet);
		return;
	}
	if (!tcp_read(packet->data, packet->len, &segment)) {
		enqueue(p, packet, inner, NULL, now);
		return;
	}
	space = segment.plain_ack ? ack_space(p) : 0;
	if (space == 0 && spacer_held(p->answers) == 0) {
		enqueue(p, packet, inner, &segment, now);
		return;
	}
	spacer_take(p->answers, inner->flow, &segment, packet, space, &out, now);
	enqueue_all(p, &out, now);
}
