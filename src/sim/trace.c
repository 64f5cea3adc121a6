/* trace: see trace.h. */
#include "sim/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/must.h"

#define OPPORTUNITY	1504
#define BYTES_MAX	1e12		/* that a line may say */
#define FILE_MAX	(64u << 20)

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

static bool is_blank(const char *line)
{
	return line[strspn(line, " \t\r")] == '\n' || line[strspn(line, " \t\r")] == '\0';
}

static bool refuse(struct trace *t, const char *line, unsigned number, const char *why, char error[TRACE_ERROR])
{
	snprintf(error, TRACE_ERROR, "line %u, %.*s: %s", number, (int)strcspn(line, "\r\n") % 40, line, why);
	trace_done(t);
	return false;
}

static bool finish(struct trace *t, struct trace *ret, char error[TRACE_ERROR])
{
	if (t->length == 0 || trace_bytes(t, t->length) == 0) {
		snprintf(error, TRACE_ERROR, "%s", t->length == 0 ? "no trace: it has no line with a time" :
								    "it never carries anything");
		trace_done(t);
		return false;
	}
	*ret = *t;
	return true;
}

bool trace_read_csv(const char *text, struct trace *ret, char error[TRACE_ERROR])
{
	struct trace t = { 0 };

	for (unsigned number = 1; *text != '\0'; text = next_line(text), number++) {
		double second, bytes;
		nsec_t end;

		if (is_blank(text))
			continue;
		if (sscanf(text, "%lf,%lf", &second, &bytes) != 2) {
			if (number == 1)
				continue;	/* a heading */
			return refuse(&t, text, number, "write SECONDS,BYTES", error);
		}
		if (!(second > 0 && second <= TRACE_LONGEST && bytes >= 0 && bytes <= BYTES_MAX))
			return refuse(&t, text, number, "out of range: seconds up to a day, bytes from 0", error);
		end = (nsec_t)(second * 1e9);
		if (end <= t.length)
			return refuse(&t, text, number, "earlier than the line before", error);
		step_add(&t, t.length, (uint64_t)(bytes * 8 * 1e9 / (double)(end - t.length)));
		t.length = end;
	}
	return finish(&t, ret, error);
}

static uint64_t rate_of(uint64_t opportunities)
{
	return opportunities * OPPORTUNITY * 8 * 1000;
}

/* What may leave at a millisecond's end had that millisecond; after the last it begins anew. */
bool trace_read_mahimahi(const char *text, struct trace *ret, char error[TRACE_ERROR])
{
	struct trace t = { 0 };
	uint64_t slot = 0, opportunities = 0, last = 0;

	for (unsigned number = 1; *text != '\0'; text = next_line(text), number++) {
		char *end;
		uint64_t at = strtoull(text, &end, 10);

		if (is_blank(text))
			continue;
		if (end == text || !is_blank(end) || at > TRACE_LONGEST * UINT64_C(1000))
			return refuse(&t, text, number, "write a whole number of milliseconds, up to a day", error);
		if (at < last)
			return refuse(&t, text, number, "earlier than the line before", error);
		if (at > slot + 1) {
			step_add(&t, MSEC(slot), rate_of(opportunities));
			if (at > slot + 2)
				step_add(&t, MSEC(slot + 1), 0);
			slot = at - 1;
			opportunities = 0;
		}
		opportunities++;
		last = at;
	}
	step_add(&t, MSEC(slot), rate_of(opportunities));
	t.length = MSEC(last);
	return finish(&t, ret, error);
}

/* With a NUL behind it; NULL with errno: EFBIG is more than a trace can be. */
static char *read_stream(FILE *f)
{
	size_t room = 1u << 16, len = 0, got;
	char *text = malloc(room);

	must_have(text);
	while ((got = fread(text + len, 1, room - len - 1, f)) > 0 && len < FILE_MAX) {
		len += got;
		if (len + 1 == room) {
			room *= 2;
			text = realloc(text, room);
			must_have(text);
		}
	}
	text[len] = '\0';
	if (len < FILE_MAX && !ferror(f))
		return text;
	errno = len < FILE_MAX ? errno : EFBIG;
	free(text);
	return NULL;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;

	if (f == NULL)
		return NULL;
	text = read_stream(f);
	fclose(f);
	return text;
}

bool trace_load(const char *path, struct trace *ret, char error[TRACE_ERROR])
{
	char *text = read_file(path);
	bool good;

	if (text == NULL) {
		snprintf(error, TRACE_ERROR, "%s", strerror(errno));
		return false;
	}
	good = strchr(text, ',') != NULL ? trace_read_csv(text, ret, error) :
					   trace_read_mahimahi(text, ret, error);
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
