/* eligible: see eligible.h. */
#include "core/eligible.h"

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

struct eligible eligible_find(const struct eligible_path path[PATHS_MAX], path_set before)
{
	path_set primary = of_tier(path, ENGINE_TIER_PRIMARY);
	path_set overflow = of_tier(path, ENGINE_TIER_OVERFLOW);
	path_set backup = of_tier(path, ENGINE_TIER_BACKUP);

	if (primary != 0)
		return (struct eligible){ .now = primary, .overflow = overflow };
	if (overflow != 0)
		return (struct eligible){ .now = overflow };
	if (backup != 0)
		return (struct eligible){ .now = backup };
	return (struct eligible){ .now = least_bad(path, before) };
}
