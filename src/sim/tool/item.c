/* item: see item.h. */
#include "sim/tool/item.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DAY	SEC(86400)

const struct quantity_unit item_times[] = {
	{ "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 }, { NULL, 0 },
};

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

size_t item_cut(char *text, const char *separators, char *ret[ITEM_MAX])
{
	size_t count = 0;

	for (char *item = text; item != NULL; count++) {
		char *end = strpbrk(item, separators);

		if (end != NULL)
			*end++ = '\0';
		if (count < ITEM_MAX)
			ret[count] = trim(item);
		item = end;
	}
	return count;
}

char *item_value(char *item, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(item, name, len) != 0 || (item[len] != ' ' && item[len] != '='))
		return NULL;
	return trim(item + len + 1);
}

bool item_quantity(const char *text, const struct quantity_unit *unit, uint64_t min, uint64_t max,
		   const char *what, const char *example, uint64_t *ret, struct complaint *c)
{
	char from[QUANTITY_TEXT], to[QUANTITY_TEXT];
	uint64_t n;

	if (!quantity_parse(text, unit, &n))
		return complain(c, "%s: %.80s is no number with a unit; write %s", what, text, example);
	if (n < min || n > max)
		return complain(c, "%s: %.80s is not from %s to %s", what, text,
				quantity_print(min, unit, from), quantity_print(max, unit, to));
	*ret = n;
	return true;
}

bool item_number(const char *text, uint64_t min, uint64_t max, const char *what, uint64_t *ret,
		 struct complaint *c)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t n = strtoull(text, NULL, 10);

	if (digits == 0 || digits > 18 || text[digits] != '\0' || n < min || n > max)
		return complain(c, "%s: %.80s is not a number from %" PRIu64 " to %" PRIu64, what, text,
				min, max);
	*ret = n;
	return true;
}

bool item_time(const char *text, const char *what, nsec_t *ret, struct complaint *c)
{
	return item_quantity(text, item_times, 0, DAY, what, "10s or 500ms", ret, c);
}
