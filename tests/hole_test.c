/* hole: what is lost of one flow delays that flow, and no other. */
#include <stdio.h>

#include "bars.h"
#include "core/engine.h"
#include "sim/sim.h"
#include "tap.h"

#define FLOWS	3
#define LEN	1000	/* of the first flow's packets; each other's are longer, so that they are told apart */
#define STEP	100
#define ONE	0.8	/* ms: a repair, and the packet that it turned away, on the slower wire */

/* Loses every so-manieth datagram that carries a packet of the first flow. */
struct thief {
	unsigned seen, taken, every;
};

static bool steal(void *ctx, struct sim *s, unsigned client, unsigned link, enum sim_direction direction,
		  uint8_t *datagram, size_t *len)
{
	struct thief *t = ctx;

	(void)s;
	(void)client;
	(void)link;
	(void)datagram;
	if (direction != SIM_UP || *len < LEN || *len >= LEN + STEP)
		return true;
	if (++t->seen % t->every != 0)
		return true;
	t->taken++;
	return false;
}

/* Two links, and three flows of packets so far apart. */
struct scene {
	uint64_t rate[2];	/* bits per second */
	nsec_t rtt[2];
	bool known;		/* the user has said the rates, so nothing has to be found out */
	nsec_t interval;
};

static void run(const struct scene *scene, struct thief *thief, struct sim_flow_stats ret[FLOWS])
{
	struct sim *s = sim_new(1, 1, "aggregate");

	for (unsigned i = 0; i < 2; i++) {
		const struct engine_link link = { .fixed = true, .rate = scene->rate[i] / 8, .weight = 1 };

		sim_add_link(s, 0, scene->rate[i], scene->rtt[i], 0);
		if (scene->known)
			engine_path_set_link(sim_client(s, 0), i, &link, sim_now(s));
	}
	sim_run(s, SEC(1));
	for (unsigned i = 0; i < FLOWS; i++)
		assert_int_equal(sim_flow(s, 0, SIM_UP, LEN + i * STEP, scene->interval), i);
	sim_run(s, SEC(1));
	for (unsigned i = 0; i < FLOWS; i++)
		sim_flow_forget(s, i);
	if (thief != NULL)
		sim_set_tap(s, steal, thief);
	sim_run(s, SEC(5));
	for (unsigned i = 0; i < FLOWS; i++)
		ret[i] = sim_flow_stats(s, i);
	sim_free(s);
}

static double at_most(const struct sim_flow_stats *f)
{
	return (double)f->latency_max / 1e6;
}

static double mean(const struct sim_flow_stats *f)
{
	return (double)f->latency_sum / (double)f->received / 1e6;
}

/* The flows with losses of the first, against the same without; what the others wait longer is asked for. */
static void compare(struct bars *bars, const char *name, const struct scene *scene, unsigned every)
{
	struct sim_flow_stats quiet[FLOWS], hit[FLOWS];
	struct thief thief = { .every = every };

	run(scene, NULL, quiet);
	run(scene, &thief, hit);
	assert_true(thief.taken > 5);
	for (unsigned i = 0; i < FLOWS; i++) {
		assert_true(hit[i].received + 100 >= hit[i].sent);
		assert_int_equal(hit[i].reordered, 0);
		printf("# %s, flow %u: %.2f ms at most, %.2f with losses; mean %.2f, %.2f\n", name, i,
		       at_most(&quiet[i]), at_most(&hit[i]), mean(&quiet[i]), mean(&hit[i]));
	}
	/* it is felt where it happened: a round trip of the faster link, a while occupied, until it is there again */
	assert_true(at_most(&hit[0]) > at_most(&quiet[0]) + 15);
	assert_true(at_most(&hit[0]) < at_most(&quiet[0]) + 35);
	for (unsigned i = 1; i < FLOWS; i++) {
		bar_most(bars, name, "greatest delay", at_most(&hit[i]), at_most(&quiet[i]) + ONE);
		bar_most(bars, name, "mean delay", mean(&hit[i]), mean(&quiet[i]) + ONE);
	}
}

static void one_flow_s_loss_delays_no_other(void **state)
{
	static const struct scene even = { { 25000000, 30000000 }, { MSEC(20), MSEC(20) }, true,
					   650 * NSEC_PER_USEC };
	static const struct scene apart = { { 25000000, 30000000 }, { MSEC(20), MSEC(60) }, true,
					    650 * NSEC_PER_USEC };
	struct bars bars;

	(void)state;
	bars_begin(&bars, (const char *const[]){ NULL });
	compare(&bars, "two links alike", &even, 500);
	compare(&bars, "two links unlike", &apart, 500);
	bars_end(&bars);
}

/*
 * What one link carries alone, while the rate of the other is still to be found
 * out: after a loss everything goes there, more than it carries.
 */
static void nor_does_it_while_the_other_link_is_unknown(void **state)
{
	static const char *const todo[] = {
		"one link unknown greatest delay", NULL
	};
	static const struct scene unknown = { { 20000000, 30000000 }, { MSEC(20), MSEC(20) }, false, MSEC(1) };
	struct bars bars;

	(void)state;
	bars_begin(&bars, todo);
	compare(&bars, "one link unknown", &unknown, 500);
	bars_end(&bars);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("one flow's loss delays no other", one_flow_s_loss_delays_no_other),
		TEST("nor does it while the other link is unknown", nor_does_it_while_the_other_link_is_unknown),
	};

	return RUN_TESTS(tests);
}
