/* walk: see walk.h. */
#include "sim/walk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model_ping.h"
#include "sim/model_tcp.h"

#define WIFI_DELAY	MSEC(10)
#define CELLULAR_DELAY	MSEC(30)
#define LONGER		(100 * NSEC_PER_USEC)
#define LONGER_MAX	64
#define QUEUE		500
#define FRAMING		14
#define TCP_SHARE	0.957	/* of a link's bytes that are a TCP's payload */
#define WARM_UP		SEC(2)
#define LOOK		MSEC(10)	/* how finely stalls are seen */
#define WIFI		"_wifi.csv"
#define CELLULAR	"_cellular.csv"

/* --- folders ------------------------------------------------------------- */

static int is_wifi(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > strlen(WIFI) && len - strlen(WIFI) < WALK_NAME &&
	       strcmp(d->d_name + len - strlen(WIFI), WIFI) == 0;
}

static bool load_half(const char *folder, const char *name, const char *ending, struct trace *ret,
		      char error[TRACE_ERROR])
{
	char path[1024], why[TRACE_ERROR];

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
	if (trace_load(path, ret, why))
		return true;
	snprintf(error, TRACE_ERROR, "%.60s%.20s: %.70s", name, ending, why);
	return false;
}

static bool load(const char *folder, const char *file, struct walk *w, char error[TRACE_ERROR])
{
	*w = (struct walk){ 0 };
	memcpy(w->name, file, strlen(file) - strlen(WIFI));
	if (!load_half(folder, w->name, WIFI, &w->wifi, error))
		return false;
	if (!load_half(folder, w->name, CELLULAR, &w->cellular, error)) {
		trace_done(&w->wifi);
		return false;
	}
	w->length = nsec_min(w->wifi.length, w->cellular.length);
	return true;
}

int walk_load_all(const char *folder, struct walk *ret, size_t max, char error[TRACE_ERROR])
{
	struct dirent **entry;
	int found = scandir(folder, &entry, is_wifi, alphasort);
	int loaded = 0;
	bool good = true;

	for (int i = 0; i < found; i++) {
		if (good && (size_t)loaded < max) {
			good = load(folder, entry[i]->d_name, &ret[loaded], error);
			loaded += good;
		}
		free(entry[i]);
	}
	if (found >= 0)
		free(entry);
	if (good)
		return loaded;
	while (loaded > 0)
		walk_done(&ret[--loaded]);
	return -1;
}

void walk_done(struct walk *w)
{
	trace_done(&w->wifi);
	trace_done(&w->cellular);
}

/* --- a run ---------------------------------------------------------------- */

/* Nothing is left to chance here, so each seed has links of a little other length. */
static nsec_t longer(uint64_t seed)
{
	return (nsec_t)(seed % LONGER_MAX) * LONGER;
}

static unsigned add_link(struct sim *s, const struct trace *t, nsec_t delay)
{
	struct sim_way way = { .rate = t->step[0].rate, .delay = delay, .netem = true, .queue = QUEUE,
			       .framing = FRAMING };

	return sim_add_ways(s, 0, &way, &way);
}

static void begin(struct sim *s, unsigned link, const struct trace *t)
{
	sim_way_follow(s, &sim_link(s, 0, link)->up, t->step, t->count, 0);
	sim_way_follow(s, &sim_link(s, 0, link)->down, t->step, t->count, 0);
}

static bool carries(const struct trace *t, nsec_t at)
{
	size_t i = t->count - 1;

	while (i > 0 && t->step[i].at > at)
		i--;
	return t->step[i].rate > 0;
}

struct walk_score walk_run(const struct walk *w, const struct walk_options *options)
{
	struct sim *s = sim_new_clear(options->seed, 1, options->strategy);
	struct model_tcp_config config = { .direction = options->direction };
	unsigned wifi = add_link(s, &w->wifi, WIFI_DELAY + longer(options->seed)),
		 cellular = add_link(s, &w->cellular, CELLULAR_DELAY + longer(options->seed));
	struct walk_score score = { 0 };
	struct model_tcp *tcp;
	struct model_ping *ping;
	nsec_t stall = 0;

	sim_run(s, WARM_UP);
	begin(s, wifi, &w->wifi);
	begin(s, cellular, &w->cellular);
	tcp = model_tcp_new(s, &config);
	ping = model_ping_new(s, &config.via);
	for (nsec_t at = 0; at < w->length; at += LOOK) {
		uint64_t before = model_tcp_bytes(tcp);

		sim_run(s, LOOK);
		if (model_tcp_bytes(tcp) > before || before == 0)
			stall = 0;
		else if (carries(&w->wifi, at) || carries(&w->cellular, at))
			stall += LOOK;
		score.stall = nsec_max(score.stall, stall);
	}
	score.share = (double)model_tcp_bytes(tcp) / TCP_SHARE /
		      (double)(trace_bytes(&w->wifi, w->length) + trace_bytes(&w->cellular, w->length));
	score.ping = model_ping_stats(ping).p95;
	score.resent = model_tcp_stats(tcp).resent;
	model_ping_free(ping);
	model_tcp_free(tcp);
	sim_free(s);
	return score;
}
