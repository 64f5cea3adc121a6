/* copies: see copies.h. */
#include "core/copies.h"

#include "core/carry.h"
#include "core/view.h"

#define UNSTEADY_PPM	1000		/* of a path that loses so many a second copy may help */
#define SPARE_MAX	(1u << 20)
#define SPARE_KEPT	(1u << 16)	/* for what a strategy wants to copy itself */

void copies_set_share(struct copies *c, uint32_t share)
{
	if (share == 0)
		c->spare = 0;
	else if (c->share == 0)
		c->spare = SPARE_MAX;
	c->share = share;
}

void copies_earn(struct copies *c, size_t len)
{
	uint64_t parts = c->parts + (uint64_t)len * c->share;

	c->spare += parts / 1000000;
	c->parts = (uint32_t)(parts % 1000000);
	if (c->spare > SPARE_MAX)
		c->spare = SPARE_MAX;
}

void copies_spend(struct peer *p, unsigned count, size_t len)
{
	uint64_t cost = p->strategy->budgets_copies ? count * len : 0;

	p->copies.spare -= cost < p->copies.spare ? cost : p->copies.spare;
}

/* --- of a beginning --------------------------------------------------------- */

static bool is_unsteady(const struct path *path)
{
	return path->loss.loss_ppm >= UNSTEADY_PPM || path->rtt.var * 8 > path->rtt.srtt;
}

path_set copies_second(struct peer *p, path_set set, size_t len, nsec_t now)
{
	const struct path *first = p->path[path_first(set)], *second = NULL;
	uint64_t kept = p->strategy->budgets_copies ? SPARE_KEPT : 0;

	if (!p->strategy->second_copies || path_rest(set) != 0 || p->copies.spare < len + kept ||
	    fq_codel_stats(p->queue).packets > 1 || !is_unsteady(first))
		return set;
	for (path_set left = p->known & (path_set)~set; left != 0; left = path_rest(left)) {
		const struct path *path = p->path[path_first(left)];

		if (!view_may_carry(path, len) || !peer_carries(p, path) || path->link.metered ||
		    path_send_at(path, view_datagram_size(len), now) > now)
			continue;
		if (second == NULL || path->rtt.srtt < second->rtt.srtt)
			second = path;
	}
	if (second == NULL)
		return set;
	p->copies.spare -= len;
	return set | PATH_BIT(second->id);
}

/* --- that wait ---------------------------------------------------------------- */

void copies_defer(struct peer *p, uint32_t handle, path_set paths, nsec_t now)
{
	struct copies *c = &p->copies;

	if (paths == 0 || handle == REPAIR_NONE || c->count == COPIES_LATE)
		return;
	c->late[c->count].handle = handle;
	c->late[c->count].paths = paths;
	c->late[c->count++].until = now + STRATEGY_MOMENT;
}

/* Gives the paths that it still waits for. */
static path_set send_late(struct peer *p, const struct repair_item *item, path_set paths, nsec_t until, nsec_t now)
{
	path_set waits = 0;

	for (; paths != 0; paths = path_rest(paths)) {
		struct path *path = p->path[path_first(paths)];
		size_t len = item->packet->len;
		nsec_t at;

		if (!view_may_carry(path, len) || !peer_carries(p, path))
			continue;
		at = path_send_at(path, view_datagram_size(len), now);
		if (at <= now && carry_copy(p, item, path, now)) {
			copies_spend(p, 1, len);
		} else if (at > now && at <= until) {
			waits |= PATH_BIT(path->id);
			p->pump_at = nsec_min(p->pump_at, at);
		}
	}
	return waits;
}

void copies_pump(struct peer *p, nsec_t now)
{
	struct copies *c = &p->copies;
	unsigned kept = 0;

	if (c->count == 0)
		return;
	for (unsigned i = 0; i < c->count; i++) {
		const struct repair_item *item = repair_find(p->repair, c->late[i].handle);

		if (item == NULL)
			continue;
		c->late[i].paths = send_late(p, item, c->late[i].paths, c->late[i].until, now);
		if (c->late[i].paths != 0)
			c->late[kept++] = c->late[i];
	}
	c->count = kept;
	p->outlook.count = 0;
}
