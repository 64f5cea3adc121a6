/*
 * supervisor_links: what is said of links: how each is to be used, and changes
 * of that while the tunnel is up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_code.h"
#include "base/text.h"
#include "supervisor/idle.h"
#include "supervisor/supervisor_state.h"

#define WORDS	16	/* of one change; there are ten keys */

/* --- which there are ------------------------------------------------------ */

static bool is_present(const struct supervisor *s, const char *link)
{
	const struct links *links = host_links(&s->host);

	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->link[i].ifname, link) == 0)
			return true;
	return false;
}

/* Why an interface is not a link now; NULL: it is one, or not there. */
static const char *why_unused(const struct supervisor *s, const char *link)
{
	const struct links *links = host_links(&s->host);

	for (size_t i = 0; i < links->unused_count; i++)
		if (strcmp(links->unused[i].ifname, link) == 0)
			return links->unused[i].reason;
	return NULL;
}

/* It need not be there now, if somebody has named it: it may come. */
static bool is_known(const struct supervisor *s, const char *link)
{
	return is_present(s, link) || why_unused(s, link) != NULL ||
	       config_link(s->config, link) != NULL || preferences_are_changed(&s->preferences, link);
}

struct names {
	char name[STATUS_LINKS][CONFIG_IFNAME];
	size_t count;
};

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->name[i], name) == 0)
			return;
	if (names->count < STATUS_LINKS)
		text_copy(names->name[names->count++], CONFIG_IFNAME, name);
}

/* Those that are there, then those that somebody has named; a pattern is no link. */
static void find_names(const struct supervisor *s, struct names *ret)
{
	const struct links *links = host_links(&s->host);

	ret->count = 0;
	for (size_t i = 0; i < links->count; i++)
		add_name(ret, links->link[i].ifname);
	for (size_t i = 0; i < s->config->link_count; i++)
		if (!config_link_is_pattern(s->config->link[i].name))
			add_name(ret, s->config->link[i].name);
	for (size_t i = 0; i < s->preferences.changed_count; i++)
		add_name(ret, s->preferences.changed[i].name);
}

bool supervisor_may_use_links(const struct supervisor *s)
{
	const struct links *links = host_links(&s->host);

	for (size_t i = 0; i < links->count; i++)
		if (preferences_message(&s->preferences, links->link[i].ifname, 0).tier != MESSAGE_TIER_NEVER)
			return true;
	return links->count == 0;
}

/* --- status --------------------------------------------------------------- */

static void describe_budget(const struct supervisor *s, const struct config_link *from, struct status_link *l)
{
	uint64_t used = budgets_used(&s->budgets, from->name);
	char end[BUDGET_TEXT];

	if (from->budget == 0)
		return;
	l->budget = from->budget;
	l->budget_used = used;
	l->budget_left = used < from->budget ? from->budget - used : 0;
	text_copy(l->budget_until, sizeof(l->budget_until), budget_end(budgets_month(&s->budgets, from->name), end));
}

static void describe(const struct supervisor *s, const char *name, struct status_link *l)
{
	const struct config_link from = preferences_of(&s->preferences, name);
	const struct config_link usual = config_link_default(name);
	char words[CONFIG_LINK_TEXT];

	text_copy(l->name, sizeof(l->name), name);
	l->present = is_present(s, name);
	l->changed = preferences_are_changed(&s->preferences, name);
	text_copy(l->tier, sizeof(l->tier), config_tier_name(from.tier));
	l->priority = from.priority;
	l->weight = from.weight;
	l->max_latency = from.max_latency;
	l->max_loss_ppm = from.max_loss_ppm;
	l->rate = from.rate;
	text_copy(l->congestion, sizeof(l->congestion), from.fixed ? "fixed" : "auto");
	l->metered = from.metered;
	l->budget_reset = from.budget_reset;
	describe_budget(s, &from, l);
	text_copy(l->settings, sizeof(l->settings), config_link_print(&from, &usual, words));
}

void supervisor_describe_links(const struct supervisor *s, struct status *st)
{
	char why[UPLINKS_REASON];
	struct names names;

	find_names(s, &names);
	for (size_t i = 0; i < names.count; i++) {
		struct status_link *l = &st->link[st->link_count++];
		const char *unused = why_unused(s, names.name[i]);

		describe(s, names.name[i], l);
		if (l->present)
			idle_say_why(l, st, uplinks_why_not(&s->uplinks, host_links(&s->host), names.name[i], why));
		else
			text_copy(l->reason, sizeof(l->reason), unused != NULL ? unused : "not there");
	}
}

/* --- commands --------------------------------------------------------------- */

static void print_link(const struct supervisor *s, const char *name, FILE *out)
{
	const struct config_link link = preferences_of(&s->preferences, name);
	const char *unused = why_unused(s, name);
	char words[CONFIG_LINK_TEXT];

	fprintf(out, "%s %s", name, config_link_print(&link, NULL, words));
	if (preferences_are_changed(&s->preferences, name))
		fputs("  (changed, until ttt down)", out);
	if (!is_present(s, name))
		fprintf(out, "  (%s)", unused != NULL ? unused : "not there");
	fputc('\n', out);
}

static void refuse_unknown(struct supervisor *s, uint64_t request, const char *link)
{
	char text[512];
	struct names names;
	size_t len;

	find_names(s, &names);
	len = (size_t)snprintf(text, sizeof(text), "there is no link %.40s, nor a [link %.40s] in the configuration; "
			       "there %s", link, link, names.count == 0 ? "is none" : names.count == 1 ? "is" : "are");
	for (size_t i = 0; i < names.count && len + CONFIG_IFNAME + 2 < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s", i > 0 ? "," : "", names.name[i]);
	control_refuse(s->control, request, EXIT_USAGE, text);
}

/* A link that a command names; NULL: it has been refused. */
static const char *named_link(struct supervisor *s, const struct control_request *request)
{
	const char *link = json_string_value(json_object_get(request->object, "name"));

	if (s->config->role != CONFIG_CLIENT)
		control_refuse(s->control, request->id, EXIT_USAGE,
			       "this is a server: only a client has links, and its settings hold for both directions");
	else if (link == NULL || !config_ifname_is_valid(link) || config_link_is_pattern(link))
		control_refuse(s->control, request->id, EXIT_USAGE,
			       "a link is named by its interface, as in wlan0; patterns are for the configuration");
	else if (!is_known(s, link))
		refuse_unknown(s, request->id, link);
	else
		return link;
	return NULL;
}

/* The text is written by `print`, which gets the name of a link or NULL. */
static void reply_text(struct supervisor *s, uint64_t request, const char *link,
		       void (*print)(const struct supervisor *s, const char *link, FILE *out))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		control_refuse(s->control, request, EXIT_FAILED, "out of memory");
		return;
	}
	print(s, link, out);
	fclose(out);
	control_reply(s->control, request, json_pack("{s:b,s:s}", "ok", 1, "text", text));
	free(text);
}

static void print_all(const struct supervisor *s, const char *link, FILE *out)
{
	struct names names;

	(void)link;
	find_names(s, &names);
	for (size_t i = 0; i < names.count; i++)
		print_link(s, names.name[i], out);
}

void supervisor_list_links(struct supervisor *s, const struct control_request *request)
{
	const char *link;

	if (json_object_get(request->object, "name") == NULL && s->config->role == CONFIG_CLIENT) {
		reply_text(s, request->id, NULL, print_all);
		return;
	}
	link = named_link(s, request);
	if (link != NULL)
		reply_text(s, request->id, link, print_link);
}

/* False: refused. */
static bool take_words(struct supervisor *s, const struct control_request *request, const char *link)
{
	const json_t *set = json_object_get(request->object, "set");
	const char *word[WORDS];
	char error[CONFIG_ERROR];
	size_t count = json_array_size(set);
	int err;

	if (count == 0 || count > WORDS) {
		control_refuse(s->control, request->id, EXIT_USAGE, "what is to change? as in: ttt link wlan0 tier=backup");
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		word[i] = json_string_value(json_array_get(set, i));
		if (word[i] == NULL) {
			control_refuse(s->control, request->id, EXIT_USAGE, "a change is KEY=VALUE");
			return false;
		}
	}
	err = preferences_change(&s->preferences, link, word, count, error);
	if (err < 0)
		control_refuse(s->control, request->id, err == -EINVAL ? EXIT_USAGE : EXIT_FAILED, error);
	return err == 0;
}

/* Answered when the worker has it; without a worker, the next one begins with it. */
void supervisor_change_link(struct supervisor *s, const struct control_request *request)
{
	const char *link = named_link(s, request);
	struct message m = { .type = MESSAGE_BARRIER };
	struct supervisor_question *q;
	bool had_budget;

	if (link == NULL || (q = supervisor_remember(s, request->id)) == NULL)
		return;
	had_budget = preferences_of(&s->preferences, link).budget != 0;
	if (!take_words(s, request, link)) {
		s->question_count--;
		return;
	}
	supervisor_change_budget(s, link, had_budget);
	supervisor_sync(s);
	q->kind = QUESTION_LINK;
	q->id = m.barrier.id = ++s->question_id;
	text_copy(q->link, sizeof(q->link), link);
	if (s->worker.channel == NULL || channel_send(s->worker.channel, &m, -1) < 0)
		supervisor_answer_all(s);
}

static void print_changed(const struct supervisor *s, const char *link, FILE *out)
{
	const char *unused = why_unused(s, link);
	const struct config_link now = preferences_of(&s->preferences, link), usual = config_link_default(link);
	char words[CONFIG_LINK_TEXT];

	config_link_print(&now, &usual, words);
	fprintf(out, "%s: %s until ttt down; what [link %s] says in the configuration is for good\n", link,
		words[0] != '\0' ? words : "the usual settings", link);
	if (!is_present(s, link))
		fprintf(out, "%s: %s now: kept for when it comes\n", link, unused != NULL ? unused : "not there");
}

void supervisor_answer_link(struct supervisor *s, const struct supervisor_question *q)
{
	reply_text(s, q->request, q->link, print_changed);
}

/* --- past the tunnel --------------------------------------------------------- */

static const struct link *first_of(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->link[i].ifname, name) == 0)
			return &links->link[i];
	return NULL;
}

static void refuse_portal(struct supervisor *s, const struct control_request *request, const char *name)
{
	const char *why = why_unused(s, name);
	char text[160];

	snprintf(text, sizeof(text), "%.40s: %s", name, why != NULL ? why : "there is no such link: see ttt status");
	control_refuse(s->control, request->id, EXIT_FAILED, text);
}

/* It may know names, too; but an address of IPv6 that only counts on its link says nothing without one. */
static bool can_be_asked(const struct link *l)
{
	const struct addr *router = &l->gateway;

	return router->family == l->family && !(router->family == ADDR_IPV6 && addr_is_link_local(router));
}

void supervisor_answer_portal(struct supervisor *s, const struct control_request *request)
{
	const char *name = json_string_value(json_object_get(request->object, "name"));
	const struct link *l = name != NULL ? first_of(host_links(&s->host), name) : NULL;
	char gateway[ADDR_TEXT] = "";

	if (l == NULL) {
		refuse_portal(s, request, name != NULL ? name : "?");
		return;
	}
	if (can_be_asked(l))
		addr_print(&l->gateway, gateway);
	control_reply(s->control, request->id, json_pack("{s:b,s:I,s:i,s:s}", "ok", 1, "mark",
		      (json_int_t)host_portal_mark(&s->host, l), "index", l->index, "gateway", gateway));
}
