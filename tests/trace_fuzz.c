/* Fuzz the files that ttt-sim reads: whatever is taken for a trace can be followed. */
#include <stdlib.h>
#include <string.h>

#include "sim/trace.h"

static void look(const struct trace *t)
{
	if (t->count == 0 || t->step[0].at != 0 || trace_bytes(t, t->length) == 0)
		abort();
	for (size_t i = 0; i < t->count; i++)
		if (t->step[i].at >= t->length || (i > 0 && t->step[i].at <= t->step[i - 1].at))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2048] = "", error[TRACE_ERROR];
	struct trace t;

	memcpy(text, data, size < sizeof(text) ? size : sizeof(text) - 1);
	if (trace_read_csv(text, &t, error)) {
		look(&t);
		trace_done(&t);
	}
	if (trace_read_mahimahi(text, &t, error)) {
		look(&t);
		trace_done(&t);
	}
	return 0;
}
