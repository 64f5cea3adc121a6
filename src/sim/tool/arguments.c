/* arguments: see arguments.h. */
#include "sim/tool/arguments.h"

#include <string.h>

#include "base/text.h"
#include "strategy/strategy.h"

struct option_row {
	const char *name, *value, *help;
	bool repeats;
	bool (*read)(struct scenario *s, char *value, struct complaint *c);
};

static bool read_strategy(struct scenario *s, char *value, struct complaint *c)
{
	text_copy(s->strategy, sizeof(s->strategy), value);
	return scenario_check_strategy(value, c);
}

static bool read_count(const char *value, uint64_t max, const char *what, unsigned *ret,
		       struct complaint *c)
{
	uint64_t n;

	if (!item_number(value, 1, max, what, &n, c))
		return false;
	*ret = (unsigned)n;
	return true;
}

static bool read_seconds(struct scenario *s, char *value, struct complaint *c)
{
	return read_count(value, SCENARIO_SECONDS, "seconds", &s->seconds, c);
}

static bool read_repeat(struct scenario *s, char *value, struct complaint *c)
{
	return read_count(value, SCENARIO_REPEAT, "runs", &s->repeat, c);
}

static bool read_seed(struct scenario *s, char *value, struct complaint *c)
{
	return item_number(value, 0, 999999999999999999, "seed", &s->seed, c);
}

static bool read_csv(struct scenario *s, char *value, struct complaint *c)
{
	(void)c;
	text_copy(s->csv, sizeof(s->csv), value);
	return true;
}

static bool read_plot(struct scenario *s, char *value, struct complaint *c)
{
	size_t len = strlen(value);

	if (len < 5 || strcmp(value + len - 4, ".svg") != 0)
		return complain(c, "it is an SVG that is written; write --plot FILE.svg");
	text_copy(s->plot, sizeof(s->plot), value);
	return true;
}

static const struct option_row options[] = {
	{ "link", "RATE|FILE[,DELAY[±JITTER]][,LOSS%]...",
	  "a link, from 1; DELAY is one way; UP/DOWN where they differ", true, scenario_add_link },
	{ "flow", "tcp|quic|call|ping|udp,RATE[,SIZE] [,down] [,start T] [,stop T] [,bytes N]",
	  "what goes through the tunnel; a tcp when nothing is said, a ping always", true,
	  scenario_add_flow },
	{ "strategy", "NAME", "how packets are shared among the links", false, read_strategy },
	{ "set", "N KEY=VALUE[,KEY=VALUE]...", "how link N is to be used, as in ttt.conf(5)", true,
	  scenario_add_set },
	{ "at", "TIME link N down|up|cut|rate R|loss P|delay T|set KEY=VALUE",
	  "what happens meanwhile; or TIME strategy NAME", true, scenario_add_event },
	{ "seconds", "N", "of virtual time (30)", false, read_seconds },
	{ "seed", "N", "of all that is random (1); the same one gives the same run", false, read_seed },
	{ "repeat", "N", "with that many seeds; then mean, min and max", false, read_repeat },
	{ "csv", "FILE", "a line for every 0.1 s, of the first run", false, read_csv },
	{ "plot", "FILE.svg", "the same as a picture; needs gnuplot", false, read_plot },
};

#define OPTIONS		ARRAY_SIZE(options)

void arguments_help(FILE *f)
{
	fputs("usage: ttt-sim --link LINK [--link LINK]... [OPTION]...\n\n"
	      "Try strategies of ttt on links that do not exist, in virtual time.\n\n", f);
	for (size_t i = 0; i < OPTIONS; i++)
		fprintf(f, "  --%s %s\n        %s\n", options[i].name, options[i].value, options[i].help);
	fputs("  --help, --version\n\nStrategies:\n", f);
	for (size_t i = 0; strategy_at(i) != NULL; i++)
		fprintf(f, "  %-14s %s\n", strategy_at(i)->name, strategy_at(i)->summary);
	fputs("\nExample:\n"
	      "  ttt-sim --link 50mbit,20ms --link 12mbit,20ms,1% --flow tcp --flow call \\\n"
	      "          --at 10s link 1 down --at 15s link 1 up --plot picture.svg\n\n"
	      "More in ttt-sim(1).\n", f);
}

static const struct option_row *find(const char *name, size_t len)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static bool is_option(const char *word)
{
	return strncmp(word, "--", 2) == 0;
}

/* The words of a value, with a space between; *word goes on to the next option. */
static bool join(char ***word, const char *first, char ret[ITEM_TEXT])
{
	size_t len = 0;

	ret[0] = '\0';
	for (const char *part = first; part != NULL;) {
		size_t more = strlen(part), space = len > 0;

		if (len + space + more >= ITEM_TEXT)
			return false;
		if (space)
			ret[len++] = ' ';
		memcpy(ret + len, part, more + 1);
		len += more;
		part = **word != NULL && !is_option(**word) ? *(*word)++ : NULL;
	}
	return true;
}

/* Behind `--`, up to the equals sign of --NAME=VALUE. */
static size_t name_length(const char *option)
{
	return strcspn(option, "=");
}

static bool read_value(const struct option_row *row, const char *first, char ***word,
		       struct scenario *s, struct complaint *c)
{
	char text[ITEM_TEXT], shown[ITEM_TEXT];
	struct complaint why = { "" };

	if (first == NULL && **word != NULL && !is_option(**word))
		first = *(*word)++;
	if (first == NULL || first[0] == '\0')
		return complain(c, "--%s needs a value; write --%s %s", row->name, row->name, row->value);
	if (!join(word, first, text))
		return complain(c, "--%s: longer than %d characters", row->name, ITEM_TEXT - 1);
	text_copy(shown, sizeof(shown), text);
	return row->read(s, text, &why) || complain(c, "--%s %s: %s", row->name, shown, why.text);
}

static bool read_option(const char *option, char ***word, unsigned *seen, struct scenario *s,
			struct complaint *c)
{
	size_t len = name_length(option);
	const struct option_row *row = find(option, len);

	if (row == NULL)
		return complain(c, "there is no option --%.*s; see ttt-sim --help", (int)len, option);
	if (!row->repeats && (*seen & 1u << (row - options)))
		return complain(c, "--%s stands twice", row->name);
	*seen |= 1u << (row - options);
	return read_value(row, option[len] == '=' ? option + len + 1 : NULL, word, s, c);
}

enum arguments_result arguments_read(char **word, struct scenario *s, struct complaint *c)
{
	unsigned seen = 0;

	while (*word != NULL) {
		const char *option = *word++;

		if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0)
			return ARGUMENTS_HELP;
		if (strcmp(option, "--version") == 0 || strcmp(option, "-V") == 0)
			return ARGUMENTS_VERSION;
		if (!is_option(option)) {
			complain(c, "%.80s: an option is missing before it; see ttt-sim --help", option);
			return ARGUMENTS_WRONG;
		}
		if (!read_option(option + 2, &word, &seen, s, c))
			return ARGUMENTS_WRONG;
	}
	return scenario_finish(s, c) ? ARGUMENTS_RUN : ARGUMENTS_WRONG;
}
