/* scenario_link: a link from RATE|FILE,DELAY[±JITTER],LOSS%…; see scenario.h. */
#include <string.h>

#include "base/text.h"
#include "sim/tool/scenario.h"

#define RATE_MIN	1000				/* bit/s */
#define RATE_MAX	UINT64_C(10000000000)
#define DELAY_MAX	SEC(10)
#define WHOLE		1000000				/* ppm */
#define QUEUE_MAX	1000000				/* packets */
#define MTU_MIN		576
#define MTU_MAX		1500
#define FRAMING		14				/* bytes of Ethernet that netem's rate counts */

struct trait_row {
	const char *name;
	const struct quantity_unit *unit;	/* NULL: a plain number */
	uint64_t min, max;
	const char *example;
};

static const struct trait_row traits[TRAITS] = {
	[TRAIT_RATE] = { "rate", quantity_rates, RATE_MIN, RATE_MAX, "50mbit, or 10mbit/50mbit up and down" },
	[TRAIT_DELAY] = { "delay", item_times, 0, DELAY_MAX, "20ms, or 20ms/30ms up and down" },
	[TRAIT_JITTER] = { "jitter", item_times, 0, DELAY_MAX, "5ms" },
	[TRAIT_LOSS] = { "loss", quantity_shares, 0, WHOLE, "1%, or 0%/1% up and down" },
	[TRAIT_QUEUE] = { "queue", NULL, 1, QUEUE_MAX, NULL },
	[TRAIT_MTU] = { "mtu", NULL, MTU_MIN, MTU_MAX, NULL },
};

static bool read_one(const char *text, enum scenario_trait trait, uint64_t *ret, struct complaint *c)
{
	const struct trait_row *t = &traits[trait];

	if (t->unit == NULL)
		return item_number(text, t->min, t->max, t->name, ret, c);
	return item_quantity(text, t->unit, t->min, t->max, t->name, t->example, ret, c);
}

/* "UP/DOWN", or one for both. */
static bool read_pair(const char *text, enum scenario_trait trait, uint64_t ret[2], struct complaint *c)
{
	char half[ITEM_TEXT];
	const char *slash = strchr(text, '/');

	text_copy(half, sizeof(half), text);
	if (slash != NULL)
		half[slash - text] = '\0';
	return read_one(half, trait, &ret[SIM_UP], c) &&
	       read_one(slash != NULL ? slash + 1 : half, trait, &ret[SIM_DOWN], c);
}

bool scenario_read_trait(char *item, enum scenario_trait *ret, uint64_t ret_value[2], struct complaint *c)
{
	for (size_t i = 0; i < TRAITS; i++) {
		const char *value = item_value(item, traits[i].name);

		if (value == NULL)
			continue;
		*ret = (enum scenario_trait)i;
		return read_pair(value, *ret, ret_value, c);
	}
	return false;
}

static void set_one(struct sim_way *way, enum scenario_trait trait, uint64_t value)
{
	switch (trait) {
	case TRAIT_RATE:
		way->rate = value;
		way->rate_count = 0;	/* and no trace any more */
		break;
	case TRAIT_DELAY:
		way->delay = value;
		break;
	case TRAIT_JITTER:
		way->jitter = value;
		break;
	case TRAIT_LOSS:
		way->loss_ppm = (uint32_t)value;
		break;
	case TRAIT_QUEUE:
		way->queue = value;
		break;
	case TRAIT_MTU:
		way->mtu = value;
		break;
	case TRAITS:
		break;
	}
}

void scenario_set_trait(struct sim_way *up, struct sim_way *down, enum scenario_trait trait,
			const uint64_t value[2])
{
	set_one(up, trait, value[SIM_UP]);
	set_one(down, trait, value[SIM_DOWN]);
}

/* --- a link --------------------------------------------------------------- */

static void set_trait(struct scenario_link *l, enum scenario_trait trait, const uint64_t value[2])
{
	scenario_set_trait(&l->way[SIM_UP], &l->way[SIM_DOWN], trait, value);
}

/* Its mean is what the link has until second 0, where the trace begins. */
static bool follow(struct scenario_link *l, enum sim_direction direction, const char *path,
		   struct complaint *c)
{
	char error[TRACE_ERROR];
	struct trace t;

	if (!trace_load(path, &t, error))
		return complain(c, "%.200s is neither a rate, as in 50mbit, nor a trace: %s", path, error);
	trace_done(&l->trace[direction]);
	l->trace[direction] = t;
	l->way[direction].rate = (uint64_t)((double)trace_bytes(&t, t.length) * 8e9 / (double)t.length) + 1;
	return true;
}

static bool is_quantity(const char *text, const struct quantity_unit *unit)
{
	char first[ITEM_TEXT];
	uint64_t n;

	text_copy(first, sizeof(first), text);
	first[strcspn(first, "/")] = '\0';
	return quantity_parse(first, unit, &n);
}

static bool read_capacity(struct scenario_link *l, char *item, struct complaint *c)
{
	uint64_t rate[2];

	if (item_value(item, "rate") != NULL)
		item = item_value(item, "rate");
	if (!is_quantity(item, quantity_rates))
		return follow(l, SIM_UP, item, c) && follow(l, SIM_DOWN, item, c);
	if (!read_pair(item, TRAIT_RATE, rate, c))
		return false;
	set_trait(l, TRAIT_RATE, rate);
	return true;
}

/* Where the ± of DELAY±JITTER stands, or NULL; it may be written +-.  Both are two bytes. */
static char *plus_minus(char *item)
{
	char *at = strstr(item, "\xc2\xb1");

	return at != NULL ? at : strstr(item, "+-");
}

static bool read_one_delay(char *text, struct sim_way *way, struct complaint *c)
{
	char *sign = plus_minus(text);
	uint64_t delay, jitter;

	if (sign != NULL) {
		*sign = '\0';
		if (!read_one(sign + 2, TRAIT_JITTER, &jitter, c))
			return false;
		way->jitter = jitter;
	}
	if (!read_one(text, TRAIT_DELAY, &delay, c))
		return false;
	way->delay = delay;
	return true;
}

/* "UP/DOWN", each with a jitter or without. */
static bool read_delay(struct scenario_link *l, char *item, struct complaint *c)
{
	char down[ITEM_TEXT], *slash = strchr(item, '/');

	text_copy(down, sizeof(down), slash != NULL ? slash + 1 : item);
	if (slash != NULL)
		*slash = '\0';
	return read_one_delay(item, &l->way[SIM_UP], c) && read_one_delay(down, &l->way[SIM_DOWN], c);
}

static bool read_loss(struct scenario_link *l, char *item, struct complaint *c)
{
	uint64_t loss[2];

	if (!read_pair(item, TRAIT_LOSS, loss, c))
		return false;
	set_trait(l, TRAIT_LOSS, loss);
	return true;
}

/* `netem` and `reorder`, which have no number; false: it is neither. */
static bool read_flag(struct scenario_link *l, const char *item)
{
	bool netem = strcmp(item, "netem") == 0;

	if (!netem && strcmp(item, "reorder") != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		if (netem)
			l->way[i].netem = true;
		else
			l->way[i].reorders = true;
		l->way[i].framing = netem ? FRAMING : l->way[i].framing;
	}
	return true;
}

static bool read_item(struct scenario_link *l, char *item, struct complaint *c)
{
	enum scenario_trait trait;
	uint64_t value[2];
	char *path = item_value(item, "down");

	if (item[0] == '\0')
		return complain(c, "nothing between two commas");
	if (path != NULL)
		return follow(l, SIM_DOWN, path, c);
	if (read_flag(l, item))
		return true;
	if (scenario_read_trait(item, &trait, value, c)) {
		set_trait(l, trait, value);
		return true;
	}
	if (c->text[0] != '\0')
		return false;
	if (plus_minus(item) != NULL || is_quantity(item, item_times))
		return read_delay(l, item, c);
	if (is_quantity(item, quantity_shares))
		return read_loss(l, item, c);
	return complain(c, "%.80s is nothing that a link has; write RATE,DELAY,LOSS%%, as in 50mbit,20ms,1%%, "
			"and behind it jitter 5ms, queue 1000, mtu 1400, netem, reorder, down FILE", item);
}

/* As it was asked for, but a trace without its folder. */
static void name_link(struct scenario_link *l, const char *text)
{
	char first[ITEM_TEXT];
	const char *slash;

	text_copy(first, sizeof(first), text);
	first[strcspn(first, ",")] = '\0';
	slash = strrchr(first, '/');
	text_copy(l->text, sizeof(l->text),
		  slash != NULL && !is_quantity(first, quantity_rates) ? text + (slash - first) + 1 : text);
}

bool scenario_add_link(struct scenario *s, char *text, struct complaint *c)
{
	struct scenario_link *l = &s->link[s->links];
	char *item[ITEM_MAX];
	size_t items;

	if (s->links == SCENARIO_LINKS)
		return complain(c, "a tunnel has at most %d links here", SCENARIO_LINKS);
	s->links++;
	name_link(l, text);
	for (int i = 0; i < 2; i++)
		l->way[i] = (struct sim_way){ .normal = true };
	items = item_cut(text, ",", item);
	if (items > ITEM_MAX)
		return complain(c, "more than %d items", ITEM_MAX);
	if (!read_capacity(l, item[0], c))
		return false;
	for (size_t i = 1; i < items; i++)
		if (!read_item(l, item[i], c))
			return false;
	return true;
}

/* --- what its user wants -------------------------------------------------- */

/* Those with something in them: between a comma and a space there is nothing. */
static size_t keep_words(char *word[], size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (word[i][0] != '\0')
			word[kept++] = word[i];
	return kept;
}

bool scenario_change_wish(struct config_link *wish, const char *words, struct complaint *c)
{
	char text[ITEM_TEXT], error[CONFIG_ERROR], *word[ITEM_MAX];
	struct config_link changed = *wish;
	size_t count;

	text_copy(text, sizeof(text), words);
	count = item_cut(text, ", ", word);
	if (count > ITEM_MAX)
		return complain(c, "more than %d words", ITEM_MAX);
	count = keep_words(word, count);
	if (count == 0)
		return complain(c, "set: nothing behind it; write weight=3,tier=backup");
	if (config_link_change(&changed, (const char *const *)word, count, error) != 0)
		return complain(c, "%s", error);
	if (changed.budget != 0)
		return complain(c, "budget: is counted over a month, by the daemon; write an event: "
				"--at 10s link 1 set tier=never");
	*wish = changed;
	return true;
}
