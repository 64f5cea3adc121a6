/*
 * round-robin: packets in turn, whatever the paths are like.
 */
#include "strategy/strategy.h"

struct round_robin {
	uint8_t after;	/* id that carried the last packet, plus one */
};

static path_set round_robin_pick(void *state, const struct strategy_view *view,
				 const struct strategy_packet *packet)
{
	struct round_robin *r = state;
	uint8_t id = view->path[0].id;

	(void)packet;
	for (size_t i = 0; i < view->count; i++) {
		if (view->path[i].id >= r->after) {
			id = view->path[i].id;
			break;
		}
	}
	r->after = (uint8_t)(id + 1);
	return PATH_BIT(id);
}

const struct strategy_ops strategy_round_robin = {
	.name = "round-robin",
	.summary = "packets in turn",
	.state_size = sizeof(struct round_robin),
	.in_turn = true,
	.pick = round_robin_pick,
};
