/* wire: see wire.h. */
#include "wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define OUTER	28	/* bytes of IPv4 and UDP headers */

struct wire_slot {
	nsec_t at;		/* of its arrival */
	uint32_t len;
	uint8_t datagram[WIRE_DATAGRAM];
};

bool wire_init(struct wire *w, uint64_t rate, nsec_t delay, uint32_t loss_ppm)
{
	*w = (struct wire){ .rate = rate, .delay = delay, .loss_ppm = loss_ppm };
	w->slot = malloc(WIRE_ROOM * sizeof(*w->slot));
	return w->slot != NULL;
}

void wire_done(struct wire *w)
{
	free(w->slot);
}

/* The same ones in each run. */
static bool loses(struct wire *w)
{
	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (w->random >> 32) % 1000000 < w->loss_ppm;
}

void wire_send(struct wire *w, const struct buf *b, nsec_t now)
{
	struct wire_slot *s = &w->slot[(w->head + w->count) % WIRE_ROOM];

	if (w->count == WIRE_ROOM) {
		w->lost++;
		return;
	}
	assert(b->len <= WIRE_DATAGRAM);
	w->carried++;
	w->free_at = nsec_max(w->free_at, now) + (b->len + OUTER) * NSEC_PER_SEC / w->rate;
	if (loses(w)) {
		w->lost++;
		return;
	}
	w->count++;
	s->at = w->free_at + w->delay;
	s->len = b->len;
	memcpy(s->datagram, b->data, b->len);
}

bool wire_has(const struct wire *w, nsec_t now)
{
	return w->count > 0 && w->slot[w->head].at <= now;
}

void wire_receive(struct wire *w, struct buf *b)
{
	const struct wire_slot *s = &w->slot[w->head];

	memcpy(buf_append(b, s->len), s->datagram, s->len);
	w->head = (w->head + 1) % WIRE_ROOM;
	w->count--;
}
