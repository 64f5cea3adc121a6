/* models: what lives at both ends of a via; see sim_state.h. */
#include "sim/sim_state.h"

#include <string.h>

#include "sim/must.h"

unsigned sim_attach(struct sim *s, const struct sim_model *model, void *ctx)
{
	must(s->models < SIM_MODELS, "too many models");
	s->model[s->models++] = (struct model){ model, ctx };
	return s->attached++;
}

void sim_detach(struct sim *s, void *ctx)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->models; i++)
		if (s->model[i].ctx != ctx)
			s->model[kept++] = s->model[i];
	s->models = kept;
}

void sim_addresses(const struct sim_via *via, uint8_t ret_client[4], uint8_t ret_server[4])
{
	const uint8_t server[4] = { 10, 84, 0, 1 };

	memcpy(ret_server, server, 4);
	memcpy(ret_client, server, 4);
	ret_client[3] = (uint8_t)(2 + via->client);
}

void sim_send(struct sim *s, const struct sim_via *via, enum sim_direction direction,
	      const uint8_t *packet, size_t len)
{
	struct end *end = end_of(s, direction == SIM_UP ? (int)via->client : SIM_SERVER);
	struct buf *b;

	if (via->bare) {
		link_enter(s, (int)via->client, via->link, direction, packet, len, ecn_read(packet));
		return;
	}
	b = buf_get(end->pool);
	if (b == NULL)
		return;
	memcpy(buf_append(b, len), packet, len);
	end_leave_checksum(b);
	buf_queue_push(&end->waiting, b);
}

bool model_take(struct sim *s, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	for (size_t i = 0; i < s->models; i++)
		if (s->model[i].ops->take(s->model[i].ctx, direction, packet, len)) {
			sim_mix(s, s->now ^ len);
			return true;
		}
	return false;
}

nsec_t model_next_at(const struct sim *s, size_t *ret)
{
	nsec_t at = NSEC_NEVER;

	for (size_t i = 0; i < s->models; i++) {
		nsec_t due = s->model[i].ops->due(s->model[i].ctx);

		if (due < at) {
			at = due;
			*ret = i;
		}
	}
	return at;
}

void model_tick(struct sim *s, size_t model)
{
	s->model[model].ops->tick(s->model[model].ctx);
}
