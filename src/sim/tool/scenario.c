/* scenario: see scenario.h. */
#include "sim/tool/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sim/must.h"
#include "strategy/strategy.h"

#define SECONDS	30

struct scenario *scenario_new(void)
{
	struct scenario *s = calloc(1, sizeof(*s));

	must_have(s);
	text_copy(s->strategy, sizeof(s->strategy), strategy_at(0)->name);
	s->seconds = SECONDS;
	s->repeat = 1;
	s->seed = 1;
	return s;
}

void scenario_free(struct scenario *s)
{
	for (size_t i = 0; i < s->links; i++)
		for (int j = 0; j < 2; j++)
			trace_done(&s->link[i].trace[j]);
	free(s);
}

bool scenario_check_strategy(const char *name, struct complaint *c)
{
	char names[256] = "";
	size_t len = 0;

	if (strategy_find(name) != NULL)
		return true;
	for (size_t i = 0; strategy_at(i) != NULL && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? ", " : "",
					strategy_at(i)->name);
	return complain(c, "there is no strategy %.40s; there are %s", name, names);
}

/* Stable: what was asked for first happens first. */
static void sort_events(struct scenario *s)
{
	for (size_t i = 1; i < s->events; i++)
		for (size_t j = i; j > 0 && s->event[j].at < s->event[j - 1].at; j--) {
			struct scenario_event e = s->event[j];

			s->event[j] = s->event[j - 1];
			s->event[j - 1] = e;
		}
}

/* As it was written, or nearly. */
static bool complain_of(const struct scenario_event *e, struct complaint *c, const char *why)
{
	if (e->action == ACTION_SET && e->at == 0)
		return complain(c, "--set %s: %s", e->text, why);
	return complain(c, "--at %gs %s: %s", (double)e->at / 1e9, e->text, why);
}

/* Wishes in the order in which they come, so that each is checked beside those before it. */
static bool check_event(const struct scenario *s, const struct scenario_event *e,
			struct config_link wish[], struct complaint *c)
{
	struct complaint why = { "" };

	if (e->action != ACTION_STRATEGY && e->link >= s->links)
		complain(&why, "there is no link %u, there are %zu", e->link + 1, s->links);
	else if (e->at >= SEC(s->seconds))
		complain(&why, "that is after the end; write --seconds %u",
			 (unsigned)(e->at / NSEC_PER_SEC) + 10);
	else if (e->action == ACTION_SET)
		scenario_change_wish(&wish[e->link], e->words, &why);
	return why.text[0] == '\0' || complain_of(e, c, why.text);
}

static bool check_events(const struct scenario *s, struct complaint *c)
{
	struct config_link wish[SCENARIO_LINKS];

	for (size_t i = 0; i < s->links; i++)
		wish[i] = s->link[i].wish;
	for (size_t i = 0; i < s->events; i++)
		if (!check_event(s, &s->event[i], wish, c))
			return false;
	return true;
}

static bool check_flows(const struct scenario *s, struct complaint *c)
{
	for (size_t i = 0; i < s->flows; i++)
		if (s->flow[i].start >= SEC(s->seconds))
			return complain(c, "--flow %s: starts after the end; write --seconds %u",
					scenario_kind_name(s->flow[i].kind),
					(unsigned)(s->flow[i].start / NSEC_PER_SEC) + 10);
	return true;
}

static bool has_flow(const struct scenario *s, enum scenario_kind kind)
{
	for (size_t i = 0; i < s->flows; i++)
		if (s->flow[i].kind == kind)
			return true;
	return false;
}

static void add_plain(struct scenario *s, enum scenario_kind kind)
{
	s->flow[s->flows++] = (struct scenario_flow){ .kind = kind, .stop = NSEC_NEVER };
}

bool scenario_finish(struct scenario *s, struct complaint *c)
{
	char name[CONFIG_IFNAME];

	if (s->csv[0] != '\0' && strcmp(s->csv, s->plot) == 0)
		return complain(c, "--csv %s: that is where the picture goes; write another FILE", s->csv);
	if (s->links == 0)
		return complain(c, "there is no link; write --link 50mbit,20ms --link 12mbit,20ms,1%%");
	for (size_t i = 0; i < s->links; i++) {
		snprintf(name, sizeof(name), "link %zu", i + 1);
		s->link[i].wish = config_link_default(name);
	}
	sort_events(s);
	if (s->flows == 0)
		add_plain(s, FLOW_TCP);
	if (!has_flow(s, FLOW_PING))
		add_plain(s, FLOW_PING);
	return check_events(s, c) && check_flows(s, c);
}
