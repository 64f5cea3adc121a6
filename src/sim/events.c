/* events: what happens once, at its time; see sim_state.h. */
#include "sim/sim_state.h"

#include <string.h>

#include "sim/must.h"

void sim_at(struct sim *s, nsec_t at, sim_action *action, void *ctx)
{
	must(s->event_count < SIM_EVENTS, "too many events");
	s->event[s->event_count++] = (struct event){ at, action, ctx };
}

/* Of two at the same time, the one that was asked for first. */
nsec_t event_next_at(const struct sim *s, size_t *ret)
{
	nsec_t at = NSEC_NEVER;

	for (size_t i = 0; i < s->event_count; i++)
		if (s->event[i].at < at) {
			at = s->event[i].at;
			*ret = i;
		}
	return at;
}

void event_act(struct sim *s, size_t index)
{
	struct event e = s->event[index];

	s->event_count--;
	memmove(&s->event[index], &s->event[index + 1],
		(s->event_count - index) * sizeof(s->event[0]));
	e.action(e.ctx, s);
}
