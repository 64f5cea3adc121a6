/* stream: see stream.h. */
#include "sim/stream.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "sim/must.h"

void stream_init(struct stream *s, size_t window)
{
	*s = (struct stream){ .window = window, .seen = calloc(window, sizeof(*s->seen)) };
	must_have(s->seen);
}

void stream_done(struct stream *s)
{
	free(s->seen);
	samples_done(&s->latency);
	*s = (struct stream){ 0 };
}

uint32_t stream_tell(struct stream *s, uint8_t told[STREAM_TOLD], nsec_t now)
{
	put_le32(told, s->next);
	put_le64(told + 4, now);
	s->stats.sent++;
	return s->next++;
}

static void note_order(struct stream *s, uint32_t number)
{
	if (s->stats.last_at == 0 || number > s->newest) {
		s->newest = number;
		return;
	}
	s->stats.late++;
	if (s->newest - number > s->stats.deepest)
		s->stats.deepest = s->newest - number;
}

bool stream_hear(struct stream *s, const uint8_t told[STREAM_TOLD], nsec_t now)
{
	uint32_t number = get_le32(told);

	if (s->seen[number % s->window] == number + 1) {
		s->stats.duplicates++;
		return false;
	}
	s->seen[number % s->window] = number + 1;
	s->stats.received++;
	note_order(s, number);
	if (s->stats.last_at != 0)
		s->stats.longest_gap = nsec_max(s->stats.longest_gap, now - s->stats.last_at);
	s->stats.last_at = now;
	samples_add(&s->latency, now - get_le64(told + 4));
	return true;
}
