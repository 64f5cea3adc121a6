/* must: see must.h. */
#include "sim/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *otherwise, const char *file, int line)
{
	fprintf(stderr, "simulator: %s (%s:%d)\n", otherwise, file, line);
	abort();
}
