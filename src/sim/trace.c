/* trace: see trace.h. */
#include "sim/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/must.h"


#define OPPORTUNITY	1504

static void step_add(struct trace *t, nsec_t at, uint64_t rate)
{
	if (t->count > 0 && t->step[t->count - 1].rate == rate)
		return;
	if ((t->count & (t->count - 1)) == 0) {
		t->step = realloc(t->step, (t->count != 0 ? 2 * t->count : 1) * sizeof(*t->step));
		must_have(t->step);
	}
	t->step[t->count++] = (struct sim_rate){ at, rate };
}

static const char *next_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end != NULL ? end + 1 : text + strlen(text);
}

static bool finish(struct trace *t, struct trace *ret)
{
	if (t->length == 0) {
		trace_done(t);
		return false;
	}
	*ret = *t;
	return true;
}

bool trace_read_csv(const char *text, struct trace *ret)
{
	struct trace t = { 0 };
	double second, bytes;

	for (; *text != '\0'; text = next_line(text)) {
		nsec_t end;

		if (sscanf(text, "%lf,%lf", &second, &bytes) != 2 || second <= 0 || bytes < 0)
			continue;	/* a heading */
		end = (nsec_t)(second * 1e9);
		if (end <= t.length)
			continue;
		step_add(&t, t.length, (uint64_t)(bytes * 8 * 1e9 / (double)(end - t.length)));
		t.length = end;
	}
	return finish(&t, ret);
}

/* What may leave at a millisecond's end had that millisecond; after the last it begins anew. */
bool trace_read_mahimahi(const char *text, struct trace *ret)
{
	struct trace t = { 0 };
	uint64_t slot = 0, opportunities = 0, last = 0;

	while (*text != '\0') {
		char *end;
		uint64_t at = strtoull(text, &end, 10);

		if (end == text || at < last) {
			trace_done(&t);
			return false;
		}
		for (; slot + 1 < at; slot++) {
			step_add(&t, MSEC(slot), opportunities * OPPORTUNITY * 8 * 1000);
			opportunities = 0;
		}
		opportunities++;
		last = at;
		text = next_line(end);
	}
	step_add(&t, MSEC(slot), opportunities * OPPORTUNITY * 8 * 1000);
	t.length = MSEC(last);
	return finish(&t, ret);
}

bool trace_load(const char *path, struct trace *ret)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	bool good;

	if (f == NULL)
		return false;
	len = getdelim(&text, &room, '\0', f);
	fclose(f);
	good = len > 0 && (strchr(text, ',') != NULL ? trace_read_csv(text, ret) :
						       trace_read_mahimahi(text, ret));
	free(text);
	return good;
}

void trace_done(struct trace *t)
{
	free(t->step);
	*t = (struct trace){ 0 };
}

uint64_t trace_bytes(const struct trace *t, nsec_t length)
{
	double bits = 0;

	for (size_t i = 0; i < t->count && t->step[i].at < length; i++) {
		nsec_t end = i + 1 < t->count ? t->step[i + 1].at : t->length;

		bits += (double)t->step[i].rate * (double)(nsec_min(end, length) - t->step[i].at) / 1e9;
	}
	return (uint64_t)(bits / 8);
}
