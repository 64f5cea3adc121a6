/* eligible: see eligible.h. */
#include "core/eligible.h"

#include <string.h>

#define MUCH_SHORTER	MSEC(5)		/* at least; and by a quarter */

/* --- of one interface ---------------------------------------------------------- */

static bool is_in(path_set set, unsigned id)
{
	return set & PATH_BIT(id);
}

/* The higher, the better: limits first, then whether answers are overdue. */
static unsigned merit(const struct eligible_path *p)
{
	if (p->health == ELIGIBLE_LOST || p->tier == ENGINE_TIER_NEVER)
		return 0;
	return 1 + (p->fit ? 2u : 0u) + (p->health == ELIGIBLE_WORKS ? 1u : 0u);
}

/* For once overdue is no reason to leave. */
static unsigned merit_of_chosen(const struct eligible_path *p)
{
	return merit(p) != 0 && p->health == ELIGIBLE_DOUBTED ? merit(p) + 1 : merit(p);
}

static bool is_much_shorter(nsec_t way, nsec_t than)
{
	return way + nsec_max(than / 4, MUCH_SHORTER) < than;
}

/* The best of an interface; -1: none works. */
static int best_of(const struct eligible_path path[PATHS_MAX], unsigned interface)
{
	int best = -1;

	for (int i = 0; i < PATHS_MAX; i++) {
		const struct eligible_path *p = &path[i];

		if (p->interface != interface || merit(p) == 0)
			continue;
		if (best < 0 || merit(p) > merit(&path[best]) ||
		    (merit(p) == merit(&path[best]) && p->way < path[best].way))
			best = i;
	}
	return best;
}

static int chosen_before(const struct eligible_path path[PATHS_MAX], unsigned interface, path_set before)
{
	for (int i = 0; i < PATHS_MAX; i++)
		if (path[i].interface == interface && is_in(before, (unsigned)i) && merit(&path[i]) != 0)
			return i;
	return -1;
}

/* Where the client sends, if that is as good as any. */
static int leader_of(const struct eligible_path path[PATHS_MAX], unsigned interface, int best)
{
	for (int i = 0; i < PATHS_MAX; i++)
		if (path[i].leads && path[i].interface == interface && merit(&path[i]) == merit(&path[best]))
			return i;
	return -1;
}

static int choose(const struct eligible_path path[PATHS_MAX], unsigned interface, path_set before)
{
	int best = best_of(path, interface), old = chosen_before(path, interface, before);
	int leader = best >= 0 ? leader_of(path, interface, best) : -1;

	if (leader >= 0)
		return leader;
	if (old < 0 || best == old || merit(&path[best]) > merit_of_chosen(&path[old]))
		return best;
	return merit(&path[best]) == merit_of_chosen(&path[old]) &&
	       is_much_shorter(path[best].way, path[old].way) ? best : old;
}

/* Leaves one path of each interface in `path`, but where that one is in doubt. */
static void race(struct eligible_path path[PATHS_MAX], path_set before, struct eligible *ret)
{
	uint32_t seen = 1u << 0;	/* interfaces; those without one do not race */

	for (unsigned first = 0; first < PATHS_MAX; first++) {
		unsigned n = path[first].interface;
		int chosen;

		if (seen & 1u << n)
			continue;
		seen |= 1u << n;
		chosen = choose(path, n, before);
		if (chosen < 0)
			continue;
		ret->chosen |= PATH_BIT(chosen);
		for (int i = 0; i < PATHS_MAX && path[chosen].health == ELIGIBLE_WORKS; i++) {
			if (path[i].interface != n || i == chosen)
				continue;
			ret->stand_by |= PATH_BIT(i);
			path[i].health = ELIGIBLE_LOST;
		}
	}
}

/* --- of all ---------------------------------------------------------------------- */

static path_set healthy(const struct eligible_path path[PATHS_MAX], enum engine_tier tier,
			enum eligible_health health)
{
	path_set set = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (path[i].fit && path[i].tier == tier && path[i].health == health)
			set |= PATH_BIT(i);
	return set;
}

static path_set of_tier(const struct eligible_path path[PATHS_MAX], enum engine_tier tier)
{
	path_set set = healthy(path, tier, ELIGIBLE_WORKS);

	return set != 0 ? set : healthy(path, tier, ELIGIBLE_DOUBTED);
}

/* Who was the best before has a start. */
static nsec_t cost_of(const struct eligible_path path[PATHS_MAX], unsigned id, path_set before)
{
	return before & PATH_BIT(id) ? path[id].cost * 3 / 4 : path[id].cost;
}

static path_set least_bad(const struct eligible_path path[PATHS_MAX], path_set before)
{
	int best = -1;

	for (int i = 0; i < PATHS_MAX; i++) {
		if (path[i].health != ELIGIBLE_WORKS || path[i].tier == ENGINE_TIER_NEVER)
			continue;
		if (best < 0 || cost_of(path, (unsigned)i, before) < cost_of(path, (unsigned)best, before))
			best = i;
	}
	return best >= 0 ? PATH_BIT(best) : 0;
}

/* By tier. */
static void select(const struct eligible_path path[PATHS_MAX], path_set before, struct eligible *ret)
{
	path_set primary = of_tier(path, ENGINE_TIER_PRIMARY);
	path_set overflow = of_tier(path, ENGINE_TIER_OVERFLOW);
	path_set backup = of_tier(path, ENGINE_TIER_BACKUP);

	if (primary != 0) {
		ret->now = primary;
		ret->overflow = overflow;
	} else if (overflow != 0) {
		ret->now = overflow;
	} else {
		ret->now = backup != 0 ? backup : least_bad(path, before);
	}
}

struct eligible eligible_find(const struct eligible_path path[PATHS_MAX], const struct eligible *before)
{
	struct eligible_path left[PATHS_MAX];
	struct eligible found = { 0 };

	memcpy(left, path, sizeof(left));
	race(left, before->chosen, &found);
	select(left, before->now, &found);
	return found;
}
