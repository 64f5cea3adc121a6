/* view: see view.h. */
#include "core/view.h"

#include "core/datagram.h"
#include "core/frame.h"
#include "core/packet.h"
#include "core/rank.h"

#define LEADS		SEC(1)	/* data came there so lately: its sender has chosen it */
#define RATE_WINDOW	(10 * 1400)	/* bytes */

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

size_t view_datagram_size(size_t len)
{
	return PACKET_HEADER + FRAME_DATA_HEADER + len + PACKET_TAG;
}

void view_path(const struct path *path, size_t len, nsec_t now, struct strategy_path *ret)
{
	*ret = (struct strategy_path){
		.id = path->id,
		.weight = path->link.weight != 0 ? path->link.weight : 1,
		.priority = path->link.priority,
		.suspect = path->state != ENGINE_PATH_OK,
		.metered = path->link.metered,
		.good_since = path->fitness.good_since,
		.srtt = path->rtt.srtt,
		.latency = path->latency,
		.free_at = path_send_at(path, view_datagram_size(len), now),
		.rate = believed_rate(path),
		.in_flight = path->loss.in_flight,
		.loss_ppm = path->loss.loss_ppm,
	};
}

void view_sent(const struct path *path, size_t len, nsec_t now, struct strategy_path *view)
{
	view->free_at = path_send_at(path, view_datagram_size(len), now);
	view->in_flight = path->loss.in_flight;
	view->loss_ppm = path->loss.loss_ppm;
}

bool view_may_carry(const struct path *path, size_t len)
{
	return path != NULL && path->open && datagram_has_credit(path, view_datagram_size(len));
}

/* What a packet takes there: a lost one has to be sent again. */
static nsec_t cost_of(const struct path *path)
{
	return rtt_or(&path->rtt, SEC(1)) + path->loss.loss_ppm * NSEC_PER_USEC;
}

static enum eligible_health health_of(const struct path *path, nsec_t now)
{
	if (path_is_usable(path))
		return ELIGIBLE_WORKS;
	if (path->state == ENGINE_PATH_SUSPECT && now < path->heard_at + RANK_FRESH)
		return ELIGIBLE_DOUBTED;
	return ELIGIBLE_LOST;
}

/* A server: of the paths of its interface the newest data came here, and not long ago. */
static bool leads(const struct peer *p, const struct path *path, nsec_t now)
{
	if (p->ctx->role != ENGINE_SERVER || path->link.interface == 0 || path->data_at == 0 ||
	    nsec_since(path->data_at, now) >= LEADS)
		return false;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *other = p->path[i];

		if (other != NULL && other->open && other->link.interface == path->link.interface &&
		    other->data_at > path->data_at)
			return false;
	}
	return true;
}

void view_refresh(struct peer *p, nsec_t now)
{
	struct eligible_path path[PATHS_MAX] = { 0 };

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *from = p->path[i];

		if (from == NULL || !from->open)
			continue;
		path_look(from, p->strategy->max_loss_ppm, now);
		path[i] = (struct eligible_path){
			.health = health_of(from, now),
			.fit = !from->fitness.unfit,
			.tier = from->link.tier,
			.interface = from->link.interface,
			.leads = leads(p, from, now),
			.cost = cost_of(from),
			.way = from->rtt.min != 0 ? from->rtt.min : SEC(1),
		};
	}
	p->eligible = eligible_find(path, &p->eligible);
	p->refresh_at = NSEC_NEVER;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		if (!(p->eligible.now & PATH_BIT(i)))
			continue;
		if (path[i].health == ELIGIBLE_DOUBTED)
			p->refresh_at = nsec_min(p->refresh_at, p->path[i]->heard_at + RANK_FRESH);
		if (path[i].fit)
			p->refresh_at = nsec_min(p->refresh_at, path_late_at(p->path[i]));
	}
}

/* A primary path takes a packet now: no other need help. */
static bool has_room(const struct peer *p, uint64_t *ret_rate, nsec_t now)
{
	bool room = false;

	*ret_rate = 0;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		if (!(p->eligible.now & PATH_BIT(i)))
			continue;
		*ret_rate += believed_rate(p->path[i]);
		room |= path_send_at(p->path[i], 0, now) <= now;
	}
	return room;
}

bool view_spill(struct peer *p, nsec_t now)
{
	path_set before = p->spill;
	uint64_t rate;
	bool room;

	if (p->eligible.overflow == 0) {
		p->overflow.on = false;
		p->spill = 0;
		return before != 0;
	}
	room = has_room(p, &rate, now);
	p->spill = 0;
	if (overflow_look(&p->overflow, fq_codel_stats(p->queue).bytes, rate, now) &&
	    (p->strategy->steady_view || !room))
		p->spill = p->eligible.overflow;
	return p->spill != before;
}

/* A late answer may be only a lost ACK: copies go there beside the others. */
static bool is_only_suspect(const struct peer *p, const struct path *path)
{
	return rank_of(p, path) != RANK_OK && rank_of(p, path) <= RANK_SILENT && !path->fitness.unfit &&
	       path->link.tier <= ENGINE_TIER_OVERFLOW;
}

/* None works: those of the best rank. */
static path_set best_ranked(const struct peer *p, size_t len)
{
	enum rank best = RANK_DEAD;
	path_set set = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (!view_may_carry(path, len) || path->link.tier == ENGINE_TIER_NEVER || rank_of(p, path) > best)
			continue;
		if (rank_of(p, path) < best)
			set = 0;
		best = rank_of(p, path);
		set |= PATH_BIT(i);
	}
	return set;
}

static path_set shown(const struct peer *p, size_t len)
{
	path_set set = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (!view_may_carry(path, len))
			continue;
		if ((p->eligible.now | p->spill) & PATH_BIT(i))
			set |= PATH_BIT(i);
	}
	if (set == 0)
		return best_ranked(p, len);
	for (unsigned i = 0; i < PATHS_MAX && p->strategy->sees_suspect; i++)
		if (view_may_carry(p->path[i], len) && is_only_suspect(p, p->path[i]))
			set |= PATH_BIT(i);
	return set;
}

size_t view_paths(const struct peer *p, size_t len, struct strategy_path *ret, nsec_t now)
{
	path_set set = shown(p, len);
	size_t count = 0;

	for (unsigned i = 0; set != 0; i++, set >>= 1)
		if (set & 1)
			view_path(p->path[i], len, now, &ret[count++]);
	return count;
}
