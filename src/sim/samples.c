/* samples: see samples.h. */
#include "sim/samples.h"

#include <stdlib.h>

#include "sim/must.h"


void samples_add(struct samples *s, nsec_t value)
{
	if (s->count == s->room) {
		s->room = s->room != 0 ? 2 * s->room : 1024;
		s->value = realloc(s->value, s->room * sizeof(*s->value));
		must_have(s->value);
	}
	s->value[s->count++] = value;
}

void samples_done(struct samples *s)
{
	free(s->value);
	*s = (struct samples){ 0 };
}

static int compare(const void *a, const void *b)
{
	nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;

	return x < y ? -1 : x > y;
}

nsec_t samples_percentile(struct samples *s, unsigned percent)
{
	if (s->count == 0)
		return 0;
	qsort(s->value, s->count, sizeof(*s->value), compare);
	return s->value[(s->count - 1) * percent / 100];
}
