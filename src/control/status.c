/* status: see status.h. */
#include "control/status.h"

#include <stdlib.h>
#include <string.h>

struct status_peer *status_add_peer(struct status *status)
{
	struct status_peer *peer;

	if (status->peer_count == STATUS_PEERS)
		return NULL;
	peer = realloc(status->peer, (status->peer_count + 1) * sizeof(*peer));
	if (peer == NULL)
		return NULL;
	status->peer = peer;
	peer += status->peer_count++;
	memset(peer, 0, sizeof(*peer));
	return peer;
}

void status_share(struct status_peer *peer)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < peer->path_count; i++)
		sum += peer->path[i].tx_rate + peer->path[i].rx_rate;
	for (size_t i = 0; i < peer->path_count; i++) {
		struct status_path *p = &peer->path[i];

		p->share_ppm = sum == 0 ? 0 :
			(uint32_t)((double)(p->tx_rate + p->rx_rate) * 1e6 / (double)sum + 0.5);
	}
}

void status_done(struct status *status)
{
	free(status->peer);
	memset(status, 0, sizeof(*status));
}
