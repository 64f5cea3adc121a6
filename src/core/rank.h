/*
 * rank: how far a path of a peer may be trusted, for whoever has to choose one.
 */
#ifndef TTT_CORE_RANK_H
#define TTT_CORE_RANK_H

#include "core/peer.h"

/* Best first. */
enum rank {
	RANK_OK,
	RANK_DOUBTED,		/* answers are overdue, but the peer still speaks there */
	RANK_SILENT,		/* answers are overdue, and nothing comes from there */
	RANK_UNPROVEN,		/* its address is not proven yet */
	RANK_DEAD,
};

#define RANK_FRESH	MSEC(30)	/* so long ago a path was heard that may be trusted with an answer */

enum rank rank_of(const struct peer *p, const struct path *path);

/*
 * Whether the peer spoke there when it last spoke at all.  A link that fell
 * silent in both directions is first noticed by who sends on it; who only
 * receives must not go on answering into the hole.
 */
bool rank_is_fresh(const struct peer *p, const struct path *path);

#endif
