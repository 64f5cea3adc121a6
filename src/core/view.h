/*
 * view: a peer's paths as a strategy sees them.
 */
#ifndef TTT_CORE_VIEW_H
#define TTT_CORE_VIEW_H

#include "core/peer.h"

/* Bytes of the datagram that carries an inner packet of len bytes alone. */
size_t view_datagram_size(size_t len);
/* An inner packet of len bytes may go there.  path may be NULL. */
bool view_may_carry(const struct path *path, size_t len);
/* Find out which paths may carry data now; call it when something may have changed. */
void view_refresh(struct peer *p, nsec_t now);
/* Packets wait, or no more: overflow paths may begin to help, or cease.  True: other paths are shown now. */
bool view_spill(struct peer *p, nsec_t now);
/*
 * The open paths that may carry an inner packet of len bytes: those that are
 * eligible, overflow ones while they help, and when none works, those of the best rank there is, suspect ones
 * or any.  ret: PATHS_MAX.
 */
size_t view_paths(const struct peer *p, size_t len, struct strategy_path *ret, nsec_t now);
/* One of these as it is now; and what sending on it changes of one that was so a moment ago. */
void view_path(const struct path *path, size_t len, nsec_t now, struct strategy_path *ret);
void view_sent(const struct path *path, size_t len, nsec_t now, struct strategy_path *view);

#endif
