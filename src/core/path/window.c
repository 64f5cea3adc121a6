/* window: see window.h. */
#include "core/path/window.h"

void window_reset(struct window *w, uint64_t value, uint64_t at)
{
	for (int i = 0; i < 3; i++) {
		w->best[i].value = value;
		w->best[i].at = at;
	}
}

/* The new value is the worst: let it stand in for those that grow old. */
static void age(struct window *w, uint64_t length, uint64_t value, uint64_t at)
{
	uint64_t passed = at - w->best[0].at;

	if (passed > length) {
		w->best[0] = w->best[1];
		w->best[1] = w->best[2];
		w->best[2].value = value;
		w->best[2].at = at;
		if (at - w->best[0].at > length) {
			w->best[0] = w->best[1];
			w->best[1] = w->best[2];
		}
	} else if (w->best[1].at == w->best[0].at && passed > length / 4) {
		/* a quarter has passed without a second best */
		w->best[2].value = w->best[1].value = value;
		w->best[2].at = w->best[1].at = at;
	} else if (w->best[2].at == w->best[1].at && passed > length / 2) {
		w->best[2].value = value;
		w->best[2].at = at;
	}
}

static void put(struct window *w, uint64_t length, uint64_t value, uint64_t at, int sign)
{
	/* as if both were larger is better */
	int64_t v = sign * (int64_t)value;

	if (v >= sign * (int64_t)w->best[0].value || at - w->best[2].at > length) {
		window_reset(w, value, at);
		return;
	}
	if (v >= sign * (int64_t)w->best[1].value) {
		w->best[2].value = w->best[1].value = value;
		w->best[2].at = w->best[1].at = at;
	} else if (v >= sign * (int64_t)w->best[2].value) {
		w->best[2].value = value;
		w->best[2].at = at;
	}
	age(w, length, value, at);
}

void window_max(struct window *w, uint64_t length, uint64_t value, uint64_t at)
{
	put(w, length, value, at, 1);
}

void window_min(struct window *w, uint64_t length, uint64_t value, uint64_t at)
{
	put(w, length, value, at, -1);
}
