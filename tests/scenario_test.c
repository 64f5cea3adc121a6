/* scenario: the words of ttt-sim become links, flows and events, or one line that says what is wrong. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/tool/arguments.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

/* A line of words; *ret_s is the caller's. */
static enum arguments_result read_line(const char *line, struct scenario **ret_s, struct complaint *c)
{
	char text[1024], *word[64];
	size_t count = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok(text, " "); w != NULL && count < 63; w = strtok(NULL, " "))
		word[count++] = w;
	word[count] = NULL;
	*ret_s = scenario_new();
	c->text[0] = '\0';
	return arguments_read(word, *ret_s, c);
}

static struct scenario *scenario_of(const char *line)
{
	struct complaint c;
	struct scenario *s;

	if (read_line(line, &s, &c) != ARGUMENTS_RUN)
		fail_msg("%s", c.text);
	return s;
}

static void a_link_is_what_was_asked_for(void **state)
{
	struct scenario *s = scenario_of("--link 50mbit,20ms,1% --link 10mbit/1.5gbit,5ms/30ms+-4ms,0%/0.5%,"
					 "queue 20/30,mtu 1400,netem,jitter=2ms,reorder");
	const struct sim_way *up = &s->link[0].way[SIM_UP], *down = &s->link[0].way[SIM_DOWN];

	(void)state;
	assert_int_equal(s->links, 2);
	assert_int_equal(up->rate, 50 * MBIT);
	assert_int_equal(up->delay, MSEC(20));
	assert_int_equal(up->loss_ppm, 10000);
	assert_int_equal(up->jitter, 0);
	assert_false(up->netem || up->reorders);
	assert_memory_equal(up, down, sizeof(*up));
	up = &s->link[1].way[SIM_UP];
	down = &s->link[1].way[SIM_DOWN];
	assert_int_equal(up->rate, 10 * MBIT);
	assert_int_equal(down->rate, 1500 * MBIT);
	assert_int_equal(up->delay, MSEC(5));
	assert_int_equal(down->delay, MSEC(30));
	assert_int_equal(up->loss_ppm, 0);
	assert_int_equal(down->loss_ppm, 5000);
	assert_int_equal(up->jitter, MSEC(2));
	assert_int_equal(down->jitter, MSEC(2));	/* the last word counts */
	assert_int_equal(up->queue, 20);
	assert_int_equal(down->queue, 30);
	assert_int_equal(down->mtu, 1400);
	assert_true(down->netem && down->reorders && down->normal);
	assert_int_equal(down->framing, 14);
	scenario_free(s);
}

static void a_jitter_is_written_with_plus_minus(void **state)
{
	static const char *const line[] = { "--link 5mbit,20ms\xc2\xb1" "5ms", "--link 5mbit,20ms+-5ms" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
		struct scenario *s = scenario_of(line[i]);

		assert_int_equal(s->link[0].way[SIM_DOWN].delay, MSEC(20));
		assert_int_equal(s->link[0].way[SIM_DOWN].jitter, MSEC(5));
		scenario_free(s);
	}
}

static void flows_are_what_was_asked_for(void **state)
{
	struct scenario *s = scenario_of("--link 5mbit --flow tcp,down,start 1s,stop 2.5s --flow tcp,bytes 10MB "
					 "--flow call, start 500ms --flow udp,3mbit,500,down --flow=udp,1mbit");

	(void)state;
	assert_int_equal(s->flows, 6);
	assert_int_equal(s->flow[0].kind, FLOW_TCP);
	assert_int_equal(s->flow[0].direction, SIM_DOWN);
	assert_int_equal(s->flow[0].start, SEC(1));
	assert_int_equal(s->flow[0].stop, MSEC(2500));
	assert_int_equal(s->flow[1].direction, SIM_UP);
	assert_int_equal(s->flow[1].bytes, 10000000);
	assert_int_equal(s->flow[1].stop, NSEC_NEVER);
	assert_int_equal(s->flow[2].kind, FLOW_CALL);
	assert_int_equal(s->flow[2].start, MSEC(500));
	assert_int_equal(s->flow[3].kind, FLOW_UDP);
	assert_int_equal(s->flow[3].rate, 3 * MBIT);
	assert_int_equal(s->flow[3].size, 500);
	assert_int_equal(s->flow[3].direction, SIM_DOWN);
	assert_int_equal(s->flow[4].size, 1200);
	assert_int_equal(s->flow[5].kind, FLOW_PING);	/* nobody asked: it is always there */
	scenario_free(s);
	s = scenario_of("--link 5mbit");
	assert_int_equal(s->flows, 2);
	assert_int_equal(s->flow[0].kind, FLOW_TCP);
	assert_int_equal(s->flow[1].kind, FLOW_PING);
	assert_int_equal(s->seconds, 30);
	assert_int_equal(s->repeat, 1);
	assert_string_equal(s->strategy, "aggregate");
	scenario_free(s);
	s = scenario_of("--link 5mbit --flow ping,start 3s --seconds 5 --seed 9 --repeat 3 --strategy failover");
	assert_int_equal(s->flows, 1);
	assert_int_equal(s->flow[0].start, SEC(3));
	assert_int_equal(s->seed, 9);
	scenario_free(s);
}

static void events_are_ordered_by_their_time(void **state)
{
	struct scenario *s = scenario_of(
		"--link 5mbit --link 5mbit --at 3s link 2 loss 2%/3% --at 500ms link 1 cut --at 3s strategy redundant "
		"--set 2 priority=3,max-latency=150ms --at 2s link 1 set tier=backup weight=4");

	(void)state;
	assert_int_equal(s->events, 5);
	assert_int_equal(s->event[0].action, ACTION_SET);
	assert_int_equal(s->event[0].link, 1);
	assert_int_equal(s->event[0].at, 0);
	assert_int_equal(s->event[1].action, ACTION_CUT);
	assert_int_equal(s->event[1].at, MSEC(500));
	assert_int_equal(s->event[2].action, ACTION_SET);
	assert_string_equal(s->event[2].words, "tier=backup weight=4");
	assert_int_equal(s->event[3].action, ACTION_TRAIT);
	assert_int_equal(s->event[3].trait, TRAIT_LOSS);
	assert_int_equal(s->event[3].value[SIM_UP], 20000);
	assert_int_equal(s->event[3].value[SIM_DOWN], 30000);
	assert_int_equal(s->event[4].action, ACTION_STRATEGY);
	scenario_free(s);
}

static void settings_may_have_a_space_behind_their_comma(void **state)
{
	static const char *const words[] = {
		"weight=3,tier=backup", "weight=3, tier=backup", "weight=3 tier=backup", ", weight=3 ,tier=backup ,",
	};
	struct complaint c = { "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct config_link wish = config_link_default("link 1");

		if (!scenario_change_wish(&wish, words[i], &c))
			fail_msg("%s: %s", words[i], c.text);
		assert_int_equal(wish.weight, 3);
		assert_int_equal(wish.tier, CONFIG_TIER_BACKUP);
	}
}

static const struct {
	const char *line, *complaint;
} wrong[] = {
	{ "", "there is no link; write --link 50mbit,20ms --link 12mbit,20ms,1%" },
	{ "--colour red", "there is no option --colour; see ttt-sim --help" },
	{ "50mbit", "50mbit: an option is missing before it; see ttt-sim --help" },
	{ "--seconds --link 5mbit", "--seconds needs a value; write --seconds N" },
	{ "--link 5mbit --seconds 0", "--seconds 0: seconds: 0 is not a number from 1 to 3600" },
	{ "--link 5mbit --seconds 3 --seconds 4", "--seconds stands twice" },
	{ "--link 5mbit --seed -1", "--seed -1: seed: -1 is not a number from 0 to 999999999999999999" },
	{ "--link 5mbit --plot a.png", "--plot a.png: it is an SVG that is written; write --plot FILE.svg" },
	{ "--link 5mbit --csv a.svg --plot a.svg", "--csv a.svg: that is where the picture goes; write another FILE" },
	{ "--link 5mbt", "--link 5mbt: 5mbt is neither a rate, as in 50mbit, nor a trace: No such file or directory" },
	{ "--link 5mbit/6mbot", "--link 5mbit/6mbot: rate: 6mbot is no number with a unit; "
				"write 50mbit, or 10mbit/50mbit up and down" },
	{ "--link 1bit", "--link 1bit: rate: 1bit is not from 1kbit to 10gbit" },
	{ "--link 5mbit,101%", "--link 5mbit,101%: loss: 101% is not from 0% to 100%" },
	{ "--link 5mbit,20ms+-5", "--link 5mbit,20ms+-5: jitter: 5 is no number with a unit; write 5ms" },
	{ "--link 5mbit,queue 0", "--link 5mbit,queue 0: queue: 0 is not a number from 1 to 1000000" },
	{ "--link 5mbit,,1%", "--link 5mbit,,1%: nothing between two commas" },
	{ "--link 5mbit,20", "--link 5mbit,20: 20 is nothing that a link has; write RATE,DELAY,LOSS%, as in "
			     "50mbit,20ms,1%, and behind it jitter 5ms, queue 1000, mtu 1400, netem, reorder, down FILE" },
	{ "--link 5mbit --flow video", "--flow video: there is no flow video; there are tcp, quic, call, ping, udp" },
	{ "--link 5mbit --flow call,down", "--flow call,down: down: a call goes both ways" },
	{ "--link 5mbit --flow call,bytes 5MB", "--flow call,bytes 5MB: bytes: only a tcp has an end in bytes; write stop 10s" },
	{ "--link 5mbit --flow udp", "--flow udp: a udp needs a rate; write udp,5mbit" },
	{ "--link 5mbit --flow udp,1mbit,9000", "--flow udp,1mbit,9000: size of a packet: 9000 is not a number from 40 to 1420" },
	{ "--link 5mbit --flow tcp,stop 2s,start 2s", "--flow tcp,stop 2s,start 2s: it stops before it starts" },
	{ "--link 5mbit --flow tcp,start 30s", "--flow tcp: starts after the end; write --seconds 40" },
	{ "--link 5mbit --set 2 weight=3", "--set 2 weight=3: there is no link 2, there are 1" },
	{ "--link 5mbit --set 1 weight=0", "--set 1 weight=0: link 1: weight: 0 is not a number from 1 to 1000" },
	{ "--link 5mbit --set 1", "--set 1: set: nothing behind it; write weight=3,tier=backup" },
	{ "--link 5mbit --set 1 ,", "--set 1 ,: set: nothing behind it; write weight=3,tier=backup" },
	{ "--link 5mbit --set 1 budget=1GB", "--set 1 budget=1GB: budget: is counted over a month, by the daemon; "
					     "write an event: --at 10s link 1 set tier=never" },
	{ "--link 5mbit --at 30s link 1 down", "--at 30s link 1 down: that is after the end; write --seconds 40" },
	{ "--link 5mbit --at 3 link 1 down", "--at 3 link 1 down: time: 3 is no number with a unit; write 10s or 500ms" },
	{ "--link 5mbit --at 3s link 2 down", "--at 3s link 2 down: there is no link 2, there are 1" },
	{ "--link 5mbit --at 3s link 0 down", "--at 3s link 0 down: number of a link: 0 is not a number from 1 to 8" },
	{ "--link 5mbit --at 3s link 1 loss 200%", "--at 3s link 1 loss 200%: loss: 200% is not from 0% to 100%" },
	{ "--link 5mbit --at 3s link 1 set tier=x", "--at 3s link 1 set tier=x: link 1: tier: there is no x; "
						   "there are primary, overflow, backup, never" },
	{ "--link 5mbit --at 3s link 1 sideways", "--at 3s link 1 sideways: write 10s link 1 down, or up, cut, rate 5mbit, "
		"loss 3%, delay 80ms, jitter 5ms, queue 100, mtu 1400, set weight=3; or 10s strategy redundant" },
};

static void what_is_wrong_is_said_in_one_line(void **state)
{
	struct complaint c;
	struct scenario *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(read_line(wrong[i].line, &s, &c), ARGUMENTS_WRONG);
		assert_string_equal(c.text, wrong[i].complaint);
		assert_null(strchr(c.text, '\n'));
		scenario_free(s);
	}
}

static void a_wrong_strategy_is_answered_with_all_there_are(void **state)
{
	struct complaint c;
	struct scenario *s;

	(void)state;
	assert_int_equal(read_line("--link 5mbit --strategy best", &s, &c), ARGUMENTS_WRONG);
	assert_non_null(strstr(c.text, "--strategy best: there is no strategy best; there are aggregate, "));
	scenario_free(s);
	assert_int_equal(read_line("--link 5mbit --at 1s strategy best", &s, &c), ARGUMENTS_WRONG);
	assert_non_null(strstr(c.text, "there is no strategy best; there are aggregate, "));
	scenario_free(s);
}

/* One more than there may be, of everything that may be repeated. */
static void too_many_are_refused(void **state)
{
	static const struct {
		const char *word, *complaint;
		unsigned most;
	} row[] = {
		{ " --link 5mbit", "--link 5mbit: a tunnel has at most 8 links here", 7 },
		{ " --flow call", "--flow call: at most 8 flows", 8 },
		{ " --set 1 weight=2", "--set 1 weight=2: at most 64 events and settings", 64 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		static char *word[256];
		char text[4096] = "--link 5mbit";
		struct complaint c = { "" };
		struct scenario *s = scenario_new();
		size_t count = 0;

		for (unsigned n = 0; n <= row[i].most; n++)
			strcat(text, row[i].word);
		for (char *w = strtok(text, " "); w != NULL; w = strtok(NULL, " "))
			word[count++] = w;
		word[count] = NULL;
		assert_int_equal(arguments_read(word, s, &c), ARGUMENTS_WRONG);
		assert_string_equal(c.text, row[i].complaint);
		scenario_free(s);
	}
}

static void a_long_argument_is_refused(void **state)
{
	char line[1024] = "--link 5mbit";
	struct complaint c;
	struct scenario *s;

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(line, ",delay 1ms");
	assert_int_equal(read_line(line, &s, &c), ARGUMENTS_WRONG);
	assert_string_equal(c.text, "--link: longer than 511 characters");
	scenario_free(s);
	line[300] = '\0';
	assert_int_equal(read_line(line, &s, &c), ARGUMENTS_WRONG);
	assert_non_null(strstr(c.text, ": more than 24 items"));
	scenario_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a link is what was asked for", a_link_is_what_was_asked_for),
		TEST("a jitter is written with ±, or +-", a_jitter_is_written_with_plus_minus),
		TEST("flows are what was asked for, and a ping is always there", flows_are_what_was_asked_for),
		TEST("events are ordered by their time", events_are_ordered_by_their_time),
		TEST("settings may have a space behind their comma", settings_may_have_a_space_behind_their_comma),
		TEST("what is wrong is said in one line, with what would be right",
		     what_is_wrong_is_said_in_one_line),
		TEST("a wrong strategy is answered with all there are",
		     a_wrong_strategy_is_answered_with_all_there_are),
		TEST("more links, flows and events than there may be are refused", too_many_are_refused),
		TEST("a long argument is refused", a_long_argument_is_refused),
	};

	return RUN_TESTS(tests);
}
