/* backlog: see backlog.h. */
#include "core/backlog.h"

#include "core/carry.h"
#include "core/peer.h"

#define LOOK		MSEC(20)
#define FADES		128		/* looks, in which what was carried is forgotten: half of it in 1.8 s */
#define COLLAPSED	3		/* times less than that */
#define TOO_LONG	MSEC(400)
#define KEPT		MSEC(150)	/* a retransmission waits for so long, then */
#define KEPT_PACKETS	32		/* and at least so many, however slow the paths are */

static bool is_untried(const struct path *path)
{
	return path->congestion->untried != NULL && path->congestion->untried(path->congestion_state);
}

/* Bytes per second; 0: nothing works.  *ret_known: a path may carry more only if it has become better. */
static uint64_t carried(const struct peer *p, bool *ret_known)
{
	uint64_t rate = 0;

	*ret_known = true;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *path = p->path[i];

		if (path == NULL || path->state != ENGINE_PATH_OK || !peer_carries(p, path))
			continue;
		rate += path->congestion->rate(path->congestion_state);
		*ret_known &= !is_untried(path);
	}
	return rate;
}

void backlog_give_up(struct peer *p, enum engine_drop reason)
{
	struct buf *b = fq_codel_pop_tail(p->queue);

	carry_give_up(p, b);
	if (p->picked_for == b)
		p->picked_for = NULL;
	peer_drop(p, reason, b);
}

static bool takes_longer(const struct peer *p, uint64_t rate, nsec_t than)
{
	return fq_codel_stats(p->queue).bytes * NSEC_PER_SEC / rate > than;
}

void backlog_check(struct peer *p, nsec_t now)
{
	struct backlog *l = &p->backlog;
	uint64_t rate;
	bool known;

	if (nsec_since(l->looked_at, now) < LOOK)
		return;
	l->looked_at = now;
	rate = carried(p, &known);
	l->former_rate = nsec_max(rate, l->former_rate - l->former_rate / FADES);
	if (!known || rate == 0 || rate > l->former_rate / COLLAPSED ||
	    !takes_longer(p, rate, nsec_max(TOO_LONG, 3 * p->bulk_target)))
		return;
	while (fq_codel_stats(p->queue).packets > KEPT_PACKETS &&
	       takes_longer(p, rate, nsec_max(KEPT, p->bulk_target)))
		backlog_give_up(p, DROP_CONGESTION);
	peer_wake(p);
}
