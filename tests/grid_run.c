/* grid_run: the program that prints what the simulator makes of the grid; see usage. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/grid.h"
#include "sim/walk.h"
#include "strategy/strategy.h"

static const char usage[] =
	"grid [OPTION]... [PAIR]...      all pairs when none is named\n"
	"  -s, --seconds N     of TCP and ping (20); the mean is from second 5 on\n"
	"  -S, --strategy NAME the engine's first when not given\n"
	"  -r, --seed N        of all that is random (1)\n"
	"  -d, --down          server to client\n"
	"  -b, --both          another flow goes the other way at the same time\n"
	"  -f, --flow NAME     tcp, or quic: UDP that takes reordering of 3 for a loss (RFC 9002)\n"
	"  -u, --warm-up MS    the load begins so long after the links are there (2000); a tunnel that\n"
	"                      is up and used at once has 150 to 500\n"
	"  -w, --watch         a line for every second of the tunnel\n"
	"  -t, --tunnel-only   without the flow on each link alone\n"
	"  -W, --walks DIR     not the pairs, but the walks of that folder, NAME_wifi.csv and\n"
	"                      NAME_cellular.csv: one TCP over both links as they were\n"
	"\n"
	"plain A, B   the same flow on that link alone, without a tunnel; Mbit/s of payload\n"
	"tunnel       the same through the tunnel over both; 1-3: seconds 1 to 3;\n"
	"             back: of the flow the other way\n"
	"             ** the goal is met, * the bar, ! not even what it gets on the better link;\n"
	"             with --both 95 % of the bar do, and with --flow quic 90 %\n"
	"ping, idle   p95 in ms through the loaded tunnel, and of the better link with\n"
	"             nothing else; ! more above it than the pair allows\n"
	"stall        ms, the longest without anything for the reader of the TCP\n"
	"lost, holes  datagrams lost on the links; inner packets that never came,\n"
	"             so that the difference was repaired\n"
	"drops        inner packets that the sending end dropped itself\n"
	"resent       segments that the TCP sent again, or packets that the QUIC thought lost;\n"
	"deep         how many packets late the QUIC saw one come\n"
	"inner        per cent of the inner packets that were sent and never came,\n"
	"aqm          packets that FQ-CoDel dropped before, and\n"
	"extra        per cent of bytes that came over the links beyond one datagram for\n"
	"             each inner packet: second copies, needless repairs, ACKs, probes\n"
	"\n"
	"share        of a walk: per cent of what a TCP could have carried over both links\n"
	"stall        ms, the longest without anything for its reader while a link carried\n";

struct request {
	struct grid_options options;
	bool tunnel_only;
	const char *walks;		/* a folder; NULL: the pairs */
	const struct grid_pair *pair[GRID_PAIRS];
	size_t pairs;
};

static const char *mark(double rate, double bar, double goal, double plain)
{
	if (rate < plain * 0.98)
		return "!";
	return rate >= goal ? "**" : rate >= bar ? "*" : "";
}

static double milliseconds(nsec_t t)
{
	return (double)t / (double)MSEC(1);
}

/* Mbit/s. */
static double mean_rate(const struct trace *t, nsec_t length)
{
	return (double)trace_bytes(t, length) * 8e3 / (double)length;
}

static void print_head(void)
{
	printf("%-13s %8s %7s %7s %7s   %6s %6s %4s %4s %8s %7s %6s %7s %7s %7s %7s %4s %7s %5s %6s\n", "pair",
	       "capacity", "plain A", "plain B", "tunnel", "1-3", "back", "bar", "goal", "ping", "idle",
	       "stall", "lost", "holes", "drops", "resent", "deep", "inner", "aqm", "extra");
}

/* What has to be reached of the bar of one TCP alone. */
static double share_of_bar(const struct grid_options *o)
{
	return o->flow == GRID_QUIC ? 0.90 : o->both ? 0.95 : 1;
}

/* One row; returns whether it is above the bar. */
static bool run_pair(const struct grid_pair *pair, const struct request *r)
{
	struct sim_way a = grid_way(&pair->a), b = grid_way(&pair->b);
	nsec_t idle = nsec_min(grid_run_idle(&a, &r->options), grid_run_idle(&b, &r->options));
	struct grid_tunnel t = grid_run_tunnel(&a, &b, &r->options);
	bool slow = t.ping == 0 || t.ping > idle + MSEC(pair->ping);
	double on_a = 0, on_b = 0, bar = pair->bar * share_of_bar(&r->options);

	if (!r->tunnel_only) {
		on_a = grid_run_plain(&a, &r->options).rate;
		on_b = grid_run_plain(&b, &r->options).rate;
	}
	printf("%-13s %8.1f %7.1f %7.1f %7.1f%-2s %6.1f %6.1f %4.0f %4.0f %7.1f%s %7.1f %6.0f", pair->name,
	       pair->capacity, on_a, on_b, t.rate, mark(t.rate, bar, pair->goal, on_a > on_b ? on_a : on_b),
	       t.early, t.back, pair->bar, pair->goal, milliseconds(t.ping), slow ? "!" : " ",
	       milliseconds(idle), milliseconds(t.stall));
	printf(" %7lu %7lu %7lu %7lu %4lu %7.4f %5lu %6.1f\n", (unsigned long)t.lost, (unsigned long)t.holes,
	       (unsigned long)t.drops, (unsigned long)t.resent, (unsigned long)t.deepest,
	       100.0 * (double)t.missing / (double)t.carried, (unsigned long)t.aqm, 100 * t.extra);
	fflush(stdout);
	return t.rate >= bar && (!r->options.both || t.back >= bar) && !slow;
}

static bool refuse(const char *what, const char *value)
{
	fprintf(stderr, "grid: %s %s\n", what, value);
	return false;
}

static bool set_strategy(const char *name, struct request *r)
{
	if (strategy_find(name) == NULL)
		return refuse("no such strategy:", name);
	r->options.strategy = name;
	return true;
}

static bool set_flow(const char *name, struct request *r)
{
	if (strcmp(name, "quic") == 0)
		r->options.flow = GRID_QUIC;
	else if (strcmp(name, "tcp") != 0)
		return refuse("no such flow:", name);
	return true;
}

static bool set_pairs(char **name, struct request *r)
{
	for (; *name != NULL && r->pairs < GRID_PAIRS; name++) {
		r->pair[r->pairs] = grid_find(*name);
		if (r->pair[r->pairs++] == NULL)
			return refuse("no such pair:", *name);
	}
	if (r->pairs == 0)
		for (; r->pairs < GRID_PAIRS; r->pairs++)
			r->pair[r->pairs] = &grid_pair[r->pairs];
	return true;
}

static bool read_arguments(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' }, { "strategy", required_argument, NULL, 'S' },
		{ "seed", required_argument, NULL, 'r' }, { "down", no_argument, NULL, 'd' },
		{ "both", no_argument, NULL, 'b' }, { "flow", required_argument, NULL, 'f' },
		{ "walks", required_argument, NULL, 'W' },
		{ "tunnel-only", no_argument, NULL, 't' },
		{ "warm-up", required_argument, NULL, 'u' },
		{ "watch", no_argument, NULL, 'w' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "s:S:r:dbf:W:u:twh", options, NULL)) != -1)
		switch (option) {
		case 's':
			r->options.seconds = (unsigned)strtoul(optarg, NULL, 10);
			if (r->options.seconds <= GRID_FROM)
				return refuse("more than 5 seconds, please, not", optarg);
			break;
		case 'S':
			if (!set_strategy(optarg, r))
				return false;
			break;
		case 'r':
			r->options.seed = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			r->options.direction = SIM_DOWN;
			break;
		case 'b':
			r->options.both = true;
			break;
		case 'f':
			if (!set_flow(optarg, r))
				return false;
			break;
		case 'W':
			r->walks = optarg;
			break;
		case 't':
			r->tunnel_only = true;
			break;
		case 'u':
			r->options.warm_up = MSEC(strtoul(optarg, NULL, 10));
			break;
		case 'w':
			r->options.watch = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			return false;
		}
	return set_pairs(argv + optind, r);
}

/* --- walks ---------------------------------------------------------------- */

static bool print_walk(const struct walk *w, const struct request *r)
{
	const struct walk_options options = { .seed = r->options.seed, .strategy = r->options.strategy,
					      .direction = r->options.direction };
	struct walk_score score = walk_run(w, &options);
	bool short_of = score.share < WALK_BAR, stalled = score.stall > WALK_STALL;

	printf("%-8s %5.0f %8.1f %8.1f %7.1f%s %8.0f%s %8.1f %7lu\n", w->name, (double)w->length / 1e9,
	       mean_rate(&w->wifi, w->length), mean_rate(&w->cellular, w->length), 100 * score.share,
	       short_of ? " " : "*", milliseconds(score.stall), stalled ? "!" : " ", milliseconds(score.ping),
	       (unsigned long)score.resent);
	fflush(stdout);
	return !short_of && !stalled;
}

static int run_walks(const struct request *r)
{
	struct walk walk[WALKS_MAX];
	char error[TRACE_ERROR];
	int count = walk_load_all(r->walks, walk, WALKS_MAX, error), good = 0;

	if (count <= 0) {
		fprintf(stderr, "grid: %s: %s\n", r->walks, count < 0 ? error : "no walks there");
		return 2;
	}
	printf("%-8s %5s %8s %8s %8s %9s %8s %7s\n", "walk", "s", "Wi-Fi", "cellular", "share", "stall", "ping",
	       "resent");
	for (int i = 0; i < count; i++) {
		good += print_walk(&walk[i], r);
		walk_done(&walk[i]);
	}
	printf("%d of %d carry 90 %% and never stall for more than 300 ms\n", good, count);
	return 0;
}

int main(int argc, char **argv)
{
	struct request r = { .options = { .seed = 1, .strategy = strategy_at(0)->name, .seconds = 20 } };
	size_t good = 0;

	if (!read_arguments(argc, argv, &r))
		return 2;
	printf("strategy %s, %u s, seed %lu\n", r.options.strategy, r.options.seconds,
	       (unsigned long)r.options.seed);
	if (r.walks != NULL)
		return run_walks(&r);
	print_head();
	for (size_t i = 0; i < r.pairs; i++)
		good += run_pair(r.pair[i], &r);
	printf("%zu of %zu above the bar, in rate and ping\n", good, r.pairs);
	return 0;
}
