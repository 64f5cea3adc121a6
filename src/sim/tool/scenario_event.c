/* scenario_event: what happens meanwhile, from TIME link N down|up|cut|TRAIT|set… or TIME strategy NAME. */
#include <string.h>

#include "base/text.h"
#include "sim/tool/scenario.h"

static const char usage[] = "write 10s link 1 down, or up, cut, rate 5mbit, loss 3%, delay 80ms, "
			    "jitter 5ms, queue 100, mtu 1400, set weight=3; or 10s strategy redundant";

/* The first word, cut off; text goes on to the next. */
static char *next_word(char **text)
{
	char *word = *text + strspn(*text, " ");

	*text = word + strcspn(word, " ");
	if (**text != '\0')
		*(*text)++ = '\0';
	*text += strspn(*text, " ");
	return word;
}

static bool read_link_number(const char *word, unsigned *ret, struct complaint *c)
{
	uint64_t n;

	if (!item_number(word, 1, SCENARIO_LINKS, "number of a link", &n, c))
		return false;
	*ret = (unsigned)n - 1;
	return true;
}

/* One of the words without a value. */
static bool read_plain(const char *word, enum scenario_action *ret)
{
	static const char *const name[] = { [ACTION_DOWN] = "down", [ACTION_UP] = "up", [ACTION_CUT] = "cut" };

	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		if (strcmp(word, name[i]) == 0) {
			*ret = (enum scenario_action)i;
			return true;
		}
	return false;
}

/* Whether they are right is told by those before them, too: scenario_finish. */
static bool read_change(struct scenario_event *e, const char *words, struct complaint *c)
{
	e->action = ACTION_SET;
	text_copy(e->words, sizeof(e->words), words);
	return words[0] != '\0' || complain(c, "set: nothing behind it; write weight=3,tier=backup");
}

static bool read_link(struct scenario_event *e, char *text, struct complaint *c)
{
	if (!read_link_number(next_word(&text), &e->link, c))
		return false;
	if (read_plain(text, &e->action))
		return true;
	if (item_value(text, "set") != NULL)
		return read_change(e, item_value(text, "set"), c);
	e->action = ACTION_TRAIT;
	return scenario_read_trait(text, &e->trait, e->value, c) || complain(c, "%s", usage);
}

static bool read_strategy(struct scenario_event *e, const char *name, struct complaint *c)
{
	e->action = ACTION_STRATEGY;
	text_copy(e->words, sizeof(e->words), name);
	return scenario_check_strategy(name, c);
}

static struct scenario_event *new_event(struct scenario *s, const char *text, struct complaint *c)
{
	struct scenario_event *e = &s->event[s->events];

	if (s->events == SCENARIO_EVENTS) {
		complain(c, "at most %d events and settings", SCENARIO_EVENTS);
		return NULL;
	}
	*e = (struct scenario_event){ 0 };
	text_copy(e->text, sizeof(e->text), text);
	s->events++;
	return e;
}

bool scenario_add_event(struct scenario *s, char *text, struct complaint *c)
{
	char *time = next_word(&text), *subject;
	struct scenario_event *e = new_event(s, text, c);

	if (e == NULL || !item_time(time, "time", &e->at, c))
		return false;
	subject = next_word(&text);
	if (strcmp(subject, "link") == 0)
		return read_link(e, text, c);
	if (strcmp(subject, "strategy") == 0)
		return read_strategy(e, text, c);
	return complain(c, "%s", usage);
}

bool scenario_add_set(struct scenario *s, char *text, struct complaint *c)
{
	struct scenario_event *e = new_event(s, text, c);
	char *number = next_word(&text);

	return e != NULL && read_link_number(number, &e->link, c) && read_change(e, text, c);
}
