/* stopwatch: see stopwatch.h. */
#include "stopwatch.h"

#include <time.h>

#define TRIES	2000

static nsec_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return SEC(t.tv_sec) + (nsec_t)t.tv_nsec;
}

/* Of all threads. */
static nsec_t cpu_time(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* The least of many: whatever comes on top is somebody else's. */
static nsec_t reading_cost(void)
{
	static nsec_t least;

	for (int i = 0; i < TRIES && (least == 0 || i > 0); i++) {
		nsec_t before = cpu_time(), cost = cpu_time() - before;

		if (least == 0 || cost < least)
			least = cost;
	}
	return least;
}

void stopwatch_start(struct stopwatch *w)
{
	w->wall_since = read_clock(CLOCK_MONOTONIC);
	w->since = cpu_time();
}

void stopwatch_stop(struct stopwatch *w)
{
	w->sum += cpu_time() - w->since;
	w->wall += read_clock(CLOCK_MONOTONIC) - w->wall_since;
	w->stretches++;
}

double stopwatch_nsec(const struct stopwatch *w)
{
	return (double)w->sum - (double)(w->stretches * reading_cost());
}
