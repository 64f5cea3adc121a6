/* view: see view.h. */
#include "core/view.h"

#include "core/datagram.h"
#include "core/frame.h"
#include "core/packet.h"
#include "core/rank.h"

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
		.max_latency = MSEC(path->link.max_latency_ms),
		.srtt = path->rtt.srtt,
		.latest_rtt = path->rtt.latest,
		.free_at = path_send_at(path, view_datagram_size(len), now),
		.rate = believed_rate(path),
		.in_flight = path->loss.in_flight,
		.loss_ppm = path->loss.loss_ppm,
	};
}

bool view_may_carry(const struct path *path, size_t len)
{
	return path != NULL && path->open && datagram_has_credit(path, view_datagram_size(len));
}

size_t view_paths(const struct peer *p, size_t len, struct strategy_path *ret, nsec_t now)
{
	enum rank worst = RANK_DEAD;
	size_t count = 0;

	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (view_may_carry(p->path[i], len) && rank_of(p, p->path[i]) < worst)
			worst = rank_of(p, p->path[i]);
	if (p->strategy->sees_suspect && worst < RANK_SILENT)
		worst = RANK_SILENT;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (view_may_carry(p->path[i], len) && rank_of(p, p->path[i]) <= worst)
			view_path(p->path[i], len, now, &ret[count++]);
	return count;
}
