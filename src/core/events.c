/* events: see events.h. */
#include "core/events.h"

void events_push(struct events *q, const struct engine_event *event)
{
	if (q->count == EVENTS_MAX) {
		q->head = (q->head + 1) % EVENTS_MAX;
		q->count--;
	}
	q->event[(q->head + q->count) % EVENTS_MAX] = *event;
	q->count++;
}

bool events_pop(struct events *q, struct engine_event *ret)
{
	if (q->count == 0)
		return false;
	*ret = q->event[q->head];
	q->head = (q->head + 1) % EVENTS_MAX;
	q->count--;
	return true;
}
