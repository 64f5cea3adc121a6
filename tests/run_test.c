/* run: what ttt-sim makes of a scenario: what is printed of it is true of its links and flows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/tool/arguments.h"
#include "sim/tool/plot.h"
#include "sim/tool/report.h"
#include "tap.h"

struct result {
	struct scenario *plan;
	struct outcome outcome;
	struct series *series;
};

static struct result run(const char *line)
{
	struct result r = { .plan = scenario_new(), .series = series_new() };
	struct complaint c = { "" };
	char text[1024], *word[64];
	size_t count = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok(text, " "); w != NULL && count < 63; w = strtok(NULL, " "))
		word[count++] = w;
	word[count] = NULL;
	if (arguments_read(word, r.plan, &c) != ARGUMENTS_RUN)
		fail_msg("%s", c.text);
	run_scenario(r.plan, r.plan->seed, &r.outcome, r.series);
	return r;
}

static void done(struct result *r)
{
	scenario_free(r->plan);
	series_free(r->series);
}

/* Of the row that begins so; `row`: how many rows behind it. */
static double cell(const struct table *t, const char *label, size_t behind, const char *head)
{
	for (size_t i = 0; i < t->rows; i++)
		for (size_t j = 0; t->column[j].head != NULL; j++)
			if (strncmp(t->row[i].label, label, strlen(label)) == 0 &&
			    strcmp(t->column[j].head, head) == 0)
				return t->row[i + behind].cell[j];
	fail_msg("no %s of %s", head, label);
	return NAN;
}

static void assert_between(double value, double low, double high)
{
	if (!(value >= low && value <= high))
		fail_msg("%g is not from %g to %g", value, low, high);
}

/* The mean from one second to another. */
static double mean(const struct result *r, enum series_kind kind, unsigned index,
		   enum sim_direction direction, double from, double to)
{
	int column = series_find(r->series, kind, index, direction);
	double sum = 0;
	size_t count = 0;

	assert_true(column >= 0);
	for (size_t row = (size_t)(from * 10); row < (size_t)(to * 10); row++)
		if (!isnan(series_at(r->series, row, (size_t)column))) {
			sum += series_at(r->series, row, (size_t)column);
			count++;
		}
	return count > 0 ? sum / (double)count : NAN;
}

static char *text_of(const struct result *r)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	report_print(f, r->plan, &r->outcome);
	series_write(r->series, f);
	fclose(f);
	return text;
}

static void the_same_seed_gives_the_same_run(void **state)
{
	static const char line[] = "--link 20mbit,20ms±3ms,1% --link 8mbit,40ms --flow tcp --flow call --seconds 5 "
				   "--at 2s link 1 cut --at 3s link 1 up --seed ";
	char *text[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		char words[256];
		struct result r;

		snprintf(words, sizeof(words), "%s%d", line, i == 2 ? 8 : 7);
		r = run(words);
		text[i] = text_of(&r);
		done(&r);
	}
	assert_string_equal(text[0], text[1]);
	assert_string_not_equal(text[0], text[2]);
	for (int i = 0; i < 3; i++)
		free(text[i]);
}

static void figures_are_those_of_the_links(void **state)
{
	struct result r = run("--link 8mbit/16mbit,10ms/30ms,0%/2% --flow udp,4mbit,1000 --flow udp,2mbit,500,down "
			      "--flow call --seconds 10 --strategy round-robin");
	const struct table *flows = &r.outcome.flows, *links = &r.outcome.links;

	(void)state;
	assert_between(cell(flows, "1 udp up", 0, "Mbit/s"), 3.98, 4.0);
	assert_between(cell(flows, "1 udp up", 0, "p50 ms"), 11, 12.2);	/* and 1 ms on the wire */
	assert_between(cell(flows, "1 udp up", 0, "sent"), 5000, 5001);
	assert_between(cell(flows, "1 udp up", 0, "lost"), 0, 0);
	assert_between(cell(flows, "1 udp up", 0, "deepest"), 0, 0);
	assert_between(cell(flows, "2 udp down", 0, "Mbit/s"), 1.9, 2.0);
	assert_between(cell(flows, "2 udp down", 0, "p50 ms"), 30, 31);
	assert_between(cell(flows, "3 call down", 0, "p50 ms"), 30, 31.5);
	assert_between(cell(flows, "4 ping", 0, "p50 ms"), 40, 42);
	assert_true(isnan(cell(flows, "4 ping", 0, "Mbit/s")));
	assert_between(cell(links, "1 8mbit", 0, "share %"), 100, 100);
	/* 56 bytes for each of 500 packets a second of 1000, and 50 of 200; ACKs, pings */
	assert_between(cell(links, "1 8mbit", 0, "MB"), 5.28 + 0.128, 5.28 + 0.128 + 0.5);
	assert_between(cell(links, "1 8mbit", 0, "used %"), 54, 60);
	assert_between(cell(links, "1 8mbit", 0, "rtt p50"), 40, 43);
	assert_between(cell(links, "1 8mbit", 0, "lost"), 0, 0);
	assert_between(cell(links, "1 8mbit", 1, "lost"), 70, 190);	/* 2 % */
	assert_between(cell(&r.outcome.tunnel, "up", 0, "lost"), 0, 10);
	assert_between(cell(&r.outcome.tunnel, "down", 0, "lost"), 60, 190);
	done(&r);
}

static void weights_are_the_shares(void **state)
{
	struct result r = run("--link 40mbit,10ms --link 40mbit,10ms --strategy weighted --set 1 weight=3 "
			      "--flow udp,10mbit --seconds 10");

	(void)state;
	assert_between(cell(&r.outcome.links, "1 40mbit", 0, "share %"), 74, 76);
	assert_between(cell(&r.outcome.links, "2 40mbit", 0, "share %"), 24, 26);
	done(&r);
}

static void a_link_changes_at_its_time(void **state)
{
	struct result r = run("--link 20mbit,10ms --flow udp,4mbit --seconds 12 --at 2s link 1 delay 50ms/60ms "
			      "--at 4s link 1 jitter 5ms --at 6s link 1 rate 5mbit/3mbit --at 9s link 1 loss 100%");

	(void)state;
	assert_between(mean(&r, SERIES_LATENCY, 0, SIM_UP, 0, 2), 10, 12);
	assert_between(mean(&r, SERIES_LATENCY, 0, SIM_UP, 3, 4), 50, 52);	/* the engine has learnt it */
	assert_between(mean(&r, SERIES_LATENCY, 0, SIM_UP, 5, 6), 55, 70);	/* the slowest of some forty */
	assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_UP, 2, 6), 19.9, 20.1);
	assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_UP, 6, 12), 4.99, 5.01);
	assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_DOWN, 6, 12), 2.99, 3.01);
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 7, 9), 4, 4.4);
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 11, 12), 0, 0);
	done(&r);
}

static void links_come_and_go_at_their_time(void **state)
{
	struct result r = run("--link 20mbit,10ms --link 20mbit,10ms --strategy failover --set 2 priority=200 "
			      "--flow udp,8mbit --seconds 14 --at 2s link 1 down --at 4s link 1 up "
			      "--at 8s link 1 set priority=201 --at 12s strategy redundant");

	(void)state;
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 0, 2), 8, 9);
	assert_between(mean(&r, SERIES_CARRIED, 1, SIM_UP, 0, 2), 0, 0.2);
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 2.1, 4), 0, 0);
	assert_between(mean(&r, SERIES_CARRIED, 1, SIM_UP, 2.2, 4), 8, 9);
	assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_UP, 2, 4), 0, 0);
	assert_true(isnan(mean(&r, SERIES_RTT, 0, SIM_UP, 2, 4)));	/* no such path */
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 7, 8), 8, 9);
	assert_between(mean(&r, SERIES_RTT, 0, SIM_UP, 7, 8), 20, 22);
	assert_between(mean(&r, SERIES_CARRIED, 1, SIM_UP, 11, 12), 8, 9);
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 11, 12), 0, 0.2);
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 12.2, 14), 8, 9);	/* a copy on each */
	assert_between(mean(&r, SERIES_CARRIED, 1, SIM_UP, 12.2, 14), 8, 9);
	done(&r);
}

/* What is cut tells nobody, so the tunnel has to find out. */
static void a_cut_is_found_out_and_healed_by_up(void **state)
{
	struct result r = run("--link 20mbit,10ms --link 20mbit,10ms --flow udp,4mbit --seconds 8 "
			      "--strategy failover --set 2 priority=200 --at 2s link 1 cut --at 4s link 1 up");

	(void)state;
	assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 2.1, 4), 0, 0);
	assert_between(mean(&r, SERIES_CARRIED, 1, SIM_UP, 2.5, 4), 4, 5);
	assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_UP, 4, 8), 19.9, 20.1);
	assert_between(cell(&r.outcome.flows, "1 udp", 0, "gap ms"), 20, 200);
	assert_between(cell(&r.outcome.links, "1 20mbit", 0, "lost"), 1, 1000);
	done(&r);
}

/*
 * What a link loses the sending end judges lost and repairs, but for what carried no
 * inner packet.  And twelve slow seconds of forty are the slowest of the round trips,
 * not those in the middle.
 */
static void repairs_and_slow_round_trips_are_counted(void **state)
{
	struct result r = run("--link 20mbit,10ms,2% --flow udp,4mbit --seconds 40 --at 20s link 1 delay 30ms "
			      "--at 32s link 1 delay 10ms");
	const struct table *links = &r.outcome.links, *tunnel = &r.outcome.tunnel;
	double lost = cell(links, "1 20mbit", 0, "lost");

	(void)state;
	assert_between(lost, 250, 430);		/* 2 % of 417 a second */
	assert_between(cell(tunnel, "up", 0, "lost"), lost - 10, lost + 10);
	assert_between(cell(tunnel, "up", 0, "repaired"), lost * 0.9, lost * 1.1);
	assert_between(cell(tunnel, "up", 0, "holes"), 0, 0);
	assert_between(cell(&r.outcome.flows, "1 udp", 0, "lost"), 0, 0);
	assert_between(cell(links, "1 20mbit", 0, "rtt p50"), 20, 22);
	assert_between(cell(links, "1 20mbit", 0, "rtt p95"), 55, 62);
	done(&r);
	r = run("--link 20mbit,10ms --flow udp,4mbit --seconds 10");
	assert_between(cell(&r.outcome.tunnel, "up", 0, "repaired"), 0, 0);
	assert_between(cell(&r.outcome.links, "1 20mbit", 0, "rtt p95"), 20, 24);
	done(&r);
}

static void a_quic_fills_the_links_and_says_how_deep_it_was_jumbled(void **state)
{
	struct result r = run("--link 20mbit,10ms --link 10mbit,20ms --flow quic,start 1s,stop 8s --flow quic,down "
			      "--seconds 10");
	const struct table *flows = &r.outcome.flows;

	(void)state;
	assert_between(cell(flows, "1 quic up", 0, "Mbit/s"), 22, 28.5);
	assert_between(cell(flows, "2 quic down", 0, "Mbit/s"), 22, 28.5);
	assert_between(cell(flows, "1 quic up", 0, "p50 ms"), 20, 200);
	assert_between(cell(flows, "1 quic up", 0, "deepest"), 0, 2);
	assert_between(cell(flows, "1 quic up", 0, "sent"), 7 * 22e6 / 8 / 1420, 7 * 30e6 / 8 / 1300);
	assert_between(mean(&r, SERIES_GOODPUT, 0, SIM_UP, 0, 1), 0, 0);
	assert_between(mean(&r, SERIES_GOODPUT, 0, SIM_UP, 9, 10), 0, 0);
	assert_between(mean(&r, SERIES_LATENCY, 0, SIM_UP, 3, 8), 20, 200);
	done(&r);
	/* jitter that changes the order of datagrams: the tunnel puts it right */
	r = run("--link 20mbit,10ms,jitter 5ms,reorder --flow quic --seconds 5");
	assert_between(cell(&r.outcome.flows, "1 quic up", 0, "deepest"), 0, 2);
	done(&r);
}

static void flows_live_from_start_to_stop(void **state)
{
	struct result r = run("--link 20mbit,10ms --flow udp,4mbit,start 1s,stop 3s --flow tcp,bytes 2MB,start 4s "
			      "--flow call,start 2s,stop 3s --flow ping,start 5s --flow tcp,down,start 2s,stop 4s "
			      "--seconds 7");

	(void)state;
	assert_between(mean(&r, SERIES_GOODPUT, 0, SIM_UP, 0, 1), 0, 0);
	assert_between(mean(&r, SERIES_GOODPUT, 0, SIM_UP, 1.1, 3), 3.9, 4.1);
	assert_between(mean(&r, SERIES_GOODPUT, 0, SIM_UP, 3.1, 7), 0, 0);
	assert_between(cell(&r.outcome.flows, "1 udp", 0, "Mbit/s"), 3.9, 4.01);	/* of its 2 seconds */
	assert_between(cell(&r.outcome.flows, "3 call up", 0, "sent"), 50, 51);
	assert_between(cell(&r.outcome.flows, "2 tcp", 0, "done s"), 0.8, 2);	/* 0.8 s at 20 Mbit/s */
	assert_between(cell(&r.outcome.flows, "2 tcp", 0, "Mbit/s"), 8, 20);
	assert_true(isnan(mean(&r, SERIES_LATENCY, 3, SIM_UP, 0, 5)));
	assert_between(cell(&r.outcome.flows, "4 ping", 0, "sent"), 20, 21);
	assert_between(mean(&r, SERIES_GOODPUT, 4, SIM_DOWN, 2.2, 4), 8, 20);
	assert_between(mean(&r, SERIES_GOODPUT, 4, SIM_DOWN, 5, 7), 0, 0);
	done(&r);
}

/* That nothing came any more is the longest gap of all. */
static void a_flow_that_hears_no_more_has_a_gap_until_its_end(void **state)
{
	struct result r = run("--link 10mbit,20ms --flow tcp --flow call --flow quic,down --flow udp,100kbit,stop 4s "
			      "--flow udp,100kbit,start 3s --flow tcp,start 3s --flow tcp,bytes 20kB --seconds 6 "
			      "--at 2s link 1 cut");
	const struct table *flows = &r.outcome.flows;

	(void)state;
	assert_between(cell(flows, "1 tcp", 0, "gap ms"), 3800, 4000);
	assert_between(cell(flows, "2 call up", 0, "gap ms"), 3800, 4000);
	assert_between(cell(flows, "2 call down", 0, "gap ms"), 3800, 4000);
	assert_between(cell(flows, "3 quic", 0, "gap ms"), 3700, 4000);
	assert_between(cell(flows, "4 udp", 0, "gap ms"), 1900, 2150);	/* one in 96 ms */
	assert_between(cell(flows, "5 udp", 0, "gap ms"), 3000, 3000);	/* it never heard any */
	assert_between(cell(flows, "6 tcp", 0, "gap ms"), 3000, 3000);
	assert_between(cell(flows, "7 tcp", 0, "gap ms"), 0, 500);	/* it was done before */
	assert_between(cell(flows, "8 ping", 0, "gap ms"), 3800, 4100);
	done(&r);
}

/* One after the other, of one, two or three bytes each. */
static void assert_utf8(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
		size_t more = *p < 0x80 ? 0 : *p >> 5 == 6 ? 1 : *p >> 4 == 14 ? 2 : 9;

		assert_true(more < 9);
		for (p++; more > 0; more--, p++)
			assert_int_equal(*p & 0xc0, 0x80);
	}
}

static char *script_of(const struct result *r)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	plot_script(f, r->plan, r->series);
	fclose(f);
	return text;
}

/* Half a ± is no text, and makes a picture that no browser shows. */
static void a_link_s_name_is_cut_between_characters(void **state)
{
	(void)state;
	for (int digits = 2; digits < 15; digits++) {
		char line[128], *text[2];
		struct result r;

		snprintf(line, sizeof(line), "--link 50.00mbit,loss=0.10%%,mtu=1500,queue=100000,%0*dms±5ms,netem --seconds 1",
			 digits, 20);
		r = run(line);
		text[0] = text_of(&r);
		text[1] = script_of(&r);
		for (int i = 0; i < 2; i++) {
			assert_utf8(text[i]);
			free(text[i]);
		}
		done(&r);
	}
}

static void assert_says(const struct result *r, const char *line, bool says)
{
	char *text = text_of(r);

	if ((strstr(text, line) != NULL) != says)
		fail_msg("%s: %s", says ? "it does not say" : "it says", line);
	free(text);
}

static void who_is_silent_from_the_beginning_is_told(void **state)
{
	static const char all[] = "\nthe tunnel is not up at second 0: no link has answered in the 30 s before\n",
			  two[] = "\nlink 2 is not up at second 0: it has not answered in the 30 s before\n";
	struct result r = run("--link 8mbit,10ms,100% --link 8mbit,10ms,0%/100% --seconds 1");

	(void)state;
	assert_says(&r, all, true);
	assert_says(&r, "link 2 is", false);
	done(&r);
	r = run("--link 8mbit,10ms --link 8mbit,10ms,0%/100% --seconds 1");
	assert_says(&r, two, true);
	assert_says(&r, "the tunnel is", false);
	done(&r);
	r = run("--link 8mbit,10ms --link 20kbit,800ms --set 2 tier=never --seconds 1");	/* slow, but there */
	assert_says(&r, "not up", false);
	done(&r);
}

static void what_was_before_second_0_does_not_count(void **state)
{
	struct result r = run("--link 8mbit,10ms,100% --link 8mbit,10ms --flow udp,1mbit,start 1s --seconds 3 "
			      "--at 0s link 1 loss 0%");

	(void)state;
	assert_between(cell(&r.outcome.links, "1 8mbit", 0, "lost"), 0, 0);
	assert_between(cell(&r.outcome.links, "1 8mbit", 1, "lost"), 0, 0);
	done(&r);
}

static void both_trace_formats_are_followed_from_second_0(void **state)
{
	static const char *const text[] = {
		"time,bytes\n1,500000\n2,250000\n",	/* 4 Mbit/s, then 2 */
		"",
	};
	char path[] = "/tmp/run_test.XXXXXX", line[128];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	snprintf(line, sizeof(line), "--link %s,10ms --flow tcp --seconds 10 --at 8s link 1 rate 1mbit", path);
	for (int format = 0; format < 2; format++) {
		FILE *f = fopen(path, "w");
		struct result r;

		fputs(text[format], f);
		/* mahimahi: one in 3 ms is 4.01 Mbit/s, one in 6 ms half of it */
		for (int ms = 3; format == 1 && ms <= 2000; ms += ms < 1000 ? 3 : 6)
			fprintf(f, "%d\n", ms);
		fclose(f);
		r = run(line);
		assert_null(strchr(r.plan->link[0].text, '/'));
		assert_between((double)r.plan->link[0].way[SIM_UP].rate, 2.9e6, 3.1e6);	/* until then */
		for (double second = 0; second < 8; second += 2) {
			assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_UP, second, second + 1), 3.9, 4.1);
			assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_UP, second + 1, second + 2), 1.9, 2.1);
		}
		assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 4.1, 4.9), 3.5, 4.1);
		assert_between(mean(&r, SERIES_CARRIED, 0, SIM_UP, 5.1, 5.9), 1.8, 2.1);
		assert_between(mean(&r, SERIES_CAPACITY, 0, SIM_UP, 8, 10), 0.99, 1.01);
		done(&r);
	}
	close(fd);
	unlink(path);
}

static void many_runs_are_mean_min_and_max(void **state)
{
	static const struct table_column column[] = { { "a", 0 }, { "b", 1 }, { "nothing", 0 }, { NULL, 0 } };
	static const double value[3][2] = { { 1, 7 }, { 2, NAN }, { 6, 8 } };
	struct table t[3];
	const struct table *run_of[3] = { &t[0], &t[1], &t[2] };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	for (int i = 0; i < 3; i++) {
		double *row;

		table_init(&t[i], "what", column);
		row = table_add(&t[i], "row %d", 1);
		row[0] = value[i][0];
		row[1] = value[i][1];
	}
	table_print(f, run_of, 3);
	table_print(f, run_of, 1);
	fclose(f);
	assert_string_equal(text, "what           a    b\n"
				  "row 1  mean  3.0  7.5\n"
				  "       min     1  7.0\n"
				  "       max     6  8.0\n"
				  "what   a    b\n"
				  "row 1  1  7.0\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the same seed gives the same run, another seed another one",
		     the_same_seed_gives_the_same_run),
		TEST("figures are those of the links", figures_are_those_of_the_links),
		TEST("weights are the shares", weights_are_the_shares),
		TEST("a link changes at its time", a_link_changes_at_its_time),
		TEST("links come and go, are set, and strategies change at their time",
		     links_come_and_go_at_their_time),
		TEST("a cut is found out by the tunnel, and healed by up", a_cut_is_found_out_and_healed_by_up),
		TEST("repairs and slow round trips are counted", repairs_and_slow_round_trips_are_counted),
		TEST("a QUIC fills the links, and says how deep it was jumbled",
		     a_quic_fills_the_links_and_says_how_deep_it_was_jumbled),
		TEST("flows live from start to stop", flows_live_from_start_to_stop),
		TEST("a flow that hears no more has a gap until its end",
		     a_flow_that_hears_no_more_has_a_gap_until_its_end),
		TEST("a link's name is cut between characters", a_link_s_name_is_cut_between_characters),
		TEST("who is silent from the beginning is told", who_is_silent_from_the_beginning_is_told),
		TEST("what was before second 0 does not count", what_was_before_second_0_does_not_count),
		TEST("both trace formats are followed from second 0",
		     both_trace_formats_are_followed_from_second_0),
		TEST("many runs are printed as mean, min and max", many_runs_are_mean_min_and_max),
	};

	return RUN_TESTS(tests);
}
