/* grid: the bars of the 16 pairs, one TCP from the client to the server. */
#include <stdio.h>
#include <string.h>

#include "bars.h"
#include "sim/grid.h"
#include "strategy/strategy.h"
#include "tap.h"

#define AT_ONCE	MSEC(150)

/* What is missed today; see bars.h. */
static const char *const todo[] = {
	"lte_starlink ping", NULL
};

static const char *const todo_at_once[] = {
	NULL
};

static const char *const todo_plain[] = {
	NULL
};

static const char *const todo_late[] = {
	NULL
};

static double milliseconds(nsec_t t)
{
	return (double)t / (double)MSEC(1);
}

/* Chance decides much where links jitter or lose: the middle of some runs counts there. */
static void each_pair_reaches_its_bars(void **state)
{
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo);
	for (size_t i = 0; i < GRID_PAIRS; i++) {
		const struct grid_pair *p = &grid_pair[i];
		struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);
		unsigned runs = grid_is_random(p) ? BARS_SEEDS : 1;
		double rate[BARS_SEEDS], ping[BARS_SEEDS], idle;
		struct grid_options o = { .seed = 1, .strategy = strategy_at(0)->name, .seconds = 20 };

		idle = milliseconds(nsec_min(grid_run_idle(&a, &o), grid_run_idle(&b, &o)));
		for (unsigned run = 0; run < runs; run++, o.seed++) {
			struct grid_tunnel t = grid_run_tunnel(&a, &b, &o);

			rate[run] = t.rate;
			ping[run] = milliseconds(t.ping);
		}
		bar_least(&bars, p->name, "rate", middle_of(rate, runs), p->bar);
		bar_most(&bars, p->name, "ping", middle_of(ping, runs), idle + p->ping);
	}
	bars_end(&bars);
}

/* Then a path has hardly shown how much it jitters: two or three of its 24 PINGs are answered. */
static void a_load_that_begins_with_the_tunnel_fills_links_that_jitter(void **state)
{
	static const char *const pair[] = { "jit_5", "jit_20", "dual_lte", "lte_starlink", "congested" };
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo_at_once);
	for (size_t i = 0; i < ARRAY_SIZE(pair); i++) {
		const struct grid_pair *p = grid_find(pair[i]);
		struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);
		struct grid_options o = { .strategy = strategy_at(0)->name, .seconds = 20, .warm_up = AT_ONCE };
		double rate[BARS_SEEDS];

		for (o.seed = 1; o.seed <= BARS_SEEDS; o.seed++)
			rate[o.seed - 1] = grid_run_tunnel(&a, &b, &o).rate;
		bar_least(&bars, p->name, "at once", middle_of(rate, BARS_SEEDS), p->bar);
	}
	bars_end(&bars);
}

/* Plain TCP on the better of the two alone. */
static struct grid_plain better_of(const struct grid_pair *p, const struct grid_options *o)
{
	struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);
	struct grid_plain on_a = grid_run_plain(&a, o), on_b = grid_run_plain(&b, o);

	return (struct grid_plain){
		.rate = on_a.rate > on_b.rate ? on_a.rate : on_b.rate,
		.early = on_a.early > on_b.early ? on_a.early : on_b.early,
	};
}

/* What the tunnel has, in per cent of that, with the same seed. */
struct beside { double rate, early; };

static struct beside beside_plain(const struct grid_pair *p, uint64_t seed)
{
	const struct grid_options o = { .seed = seed, .strategy = strategy_at(0)->name, .seconds = 20 };
	struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);
	struct grid_tunnel t = grid_run_tunnel(&a, &b, &o);
	struct grid_plain plain = better_of(p, &o);

	return (struct beside){ .rate = 100 * t.rate / plain.rate, .early = 100 * t.early / plain.early };
}

/* Of what is the same each time one run tells all, else the middle of three. */
static void no_pair_without_loss_is_below_its_better_link(void **state)
{
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo_plain);
	for (size_t i = 0; i < GRID_PAIRS; i++) {
		const struct grid_pair *p = &grid_pair[i];
		bool random = grid_is_random(p);
		struct beside run[3];

		if (p->a.loss != 0 || p->b.loss != 0)
			continue;
		for (uint64_t seed = 1; seed <= 3; seed++)
			run[seed - 1] = seed == 1 || random ? beside_plain(p, seed) : run[0];
		bar_least(&bars, p->name, "in per cent of plain TCP", middle(run[0].rate, run[1].rate, run[2].rate), 98);
		bar_least(&bars, p->name, "in per cent of plain TCP at first",
			  middle(run[0].early, run[1].early, run[2].early), 94);
	}
	bars_end(&bars);
}

/* HyStart leaves slow start early when a long path joins; CUBIC then needs 15 s to grow. */
static void long_paths_are_filled_after_half_a_minute(void **state)
{
	static const struct { const char *pair; double bar; } late[] = {
		{ "rtt_120", 83 }, { "rtt_320", 66 }, { "lte_geo", 50 }, { "jit_20", 84 },
	};
	const struct grid_options o = { .seed = 1, .strategy = strategy_at(0)->name, .seconds = 60 };
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo_late);
	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		const struct grid_pair *p = grid_find(late[i].pair);
		struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);

		bar_least(&bars, p->name, "in the second half minute", grid_run_tunnel(&a, &b, &o).late, late[i].bar);
	}
	bars_end(&bars);
}

/* Without what FQ-CoDel drops before anything is sent, which the TCP is meant to hear of. */
static void two_per_cent_of_loss_are_not_felt_inside_and_repaired_for_little(void **state)
{
	const struct grid_pair *p = grid_find("loss_2");
	struct sim_way a = grid_way(&p->a), b = grid_way(&p->b);
	struct grid_options o = { .strategy = strategy_at(0)->name, .seconds = 20 };
	struct bars bars;

	(void)state;
	bars_begin(&bars, (const char *const[]){ NULL });
	for (o.seed = 1; o.seed <= 3; o.seed++) {
		struct grid_tunnel t = grid_run_tunnel(&a, &b, &o);

		assert_true(t.lost > 1500);
		printf("# %lu of %lu inner packets never came, %lu datagrams were lost, FQ-CoDel dropped %lu\n",
		       (unsigned long)t.missing, (unsigned long)t.carried, (unsigned long)t.lost,
		       (unsigned long)t.aqm);
		bar_most(&bars, "loss_2", "inner loss, per cent", 100.0 * (double)t.missing / (double)t.carried,
			 0.00999);
		bar_most(&bars, "loss_2", "extra bytes, per cent", 100 * t.extra, 4.99);
	}
	bars_end(&bars);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("each pair reaches its bars", each_pair_reaches_its_bars),
		TEST("a load that begins with the tunnel fills links that jitter",
		     a_load_that_begins_with_the_tunnel_fills_links_that_jitter),
		TEST("no pair without loss is below its better link",
		     no_pair_without_loss_is_below_its_better_link),
		TEST("long paths are filled after half a minute", long_paths_are_filled_after_half_a_minute),
		TEST("two per cent of loss are not felt inside, and repaired for little",
		     two_per_cent_of_loss_are_not_felt_inside_and_repaired_for_little),
	};

	return RUN_TESTS(tests);
}
