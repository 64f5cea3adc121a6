/*
 * events: what the engine has to say, until somebody listens.  Bounded: the
 * oldest are dropped.  Embedded, all zero is empty.
 */
#ifndef TTT_CORE_EVENTS_H
#define TTT_CORE_EVENTS_H

#include "core/engine.h"

#define EVENTS_MAX	256

struct events {
	struct engine_event event[EVENTS_MAX];
	unsigned head, count;
};

void events_push(struct events *q, const struct engine_event *event);
bool events_pop(struct events *q, struct engine_event *ret);

#endif
