/* rank: see rank.h. */
#include "core/rank.h"

bool rank_is_fresh(const struct peer *p, const struct path *path)
{
	return path->heard_at + RANK_FRESH >= p->heard_at;
}

enum rank rank_of(const struct peer *p, const struct path *path)
{
	switch (path->state) {
	case ENGINE_PATH_OK:		return RANK_OK;
	case ENGINE_PATH_SUSPECT:	return rank_is_fresh(p, path) ? RANK_DOUBTED : RANK_SILENT;
	case ENGINE_PATH_VALIDATING:	return RANK_UNPROVEN;
	case ENGINE_PATH_DEAD:		break;
	}
	return RANK_DEAD;
}
