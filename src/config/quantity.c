/* quantity: see quantity.h. */
#include "config/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIGITS		15	/* before the point */
#define PLACES		6	/* behind it, when read */
#define MILLION		1000000	/* 10 to the PLACES */

const struct quantity_unit quantity_times[] = { { "s", 1000 }, { "ms", 1 }, { NULL, 0 } };
const struct quantity_unit quantity_rates[] = {
	{ "gbit", 1000000000 }, { "mbit", 1000000 }, { "kbit", 1000 }, { "bit", 1 }, { NULL, 0 },
};
const struct quantity_unit quantity_sizes[] = {
	{ "TB", UINT64_C(1000000000000) }, { "TiB", UINT64_C(1) << 40 }, { "GB", 1000000000 },
	{ "GiB", 1 << 30 }, { "MB", 1000000 }, { "MiB", 1 << 20 }, { "kB", 1000 }, { "KiB", 1 << 10 },
	{ "B", 1 }, { NULL, 0 },
};
const struct quantity_unit quantity_shares[] = { { "%", 10000 }, { NULL, 0 } };

static uint64_t digits(const char **at, size_t max, size_t *ret_count)
{
	uint64_t n = 0;

	for (*ret_count = 0; **at >= '0' && **at <= '9' && *ret_count < max; (*ret_count)++)
		n = n * 10 + (uint64_t)(*(*at)++ - '0');
	return n;
}

bool quantity_parse(const char *text, const struct quantity_unit *unit, uint64_t *ret)
{
	uint64_t whole, part = 0, value;
	size_t count, places;

	whole = digits(&text, DIGITS, &count);
	if (count == 0)
		return false;
	if (*text == '.') {
		text++;
		part = digits(&text, PLACES, &places);
		if (places == 0)
			return false;
		for (; places < PLACES; places++)
			part *= 10;
	}
	text += *text == ' ';
	while (unit->name != NULL && strcasecmp(text, unit->name) != 0)
		unit++;
	if (unit->name == NULL || __builtin_mul_overflow(whole, unit->factor, &value) ||
	    __builtin_add_overflow(value, part * unit->factor / MILLION, &value))
		return false;
	*ret = value;
	return true;
}

/* Thousandths are enough to say what people write: 1.5GB, 0.25%. */
static bool says(const struct quantity_unit *unit, uint64_t value)
{
	return (value >= unit->factor || (unit + 1)->name == NULL) &&
	       value % unit->factor * 1000 % unit->factor == 0;
}

const char *quantity_print(uint64_t value, const struct quantity_unit *unit, char buf[QUANTITY_TEXT])
{
	int len;

	while ((unit + 1)->name != NULL && !says(unit, value))
		unit++;
	len = snprintf(buf, QUANTITY_TEXT, "%" PRIu64, value / unit->factor);
	if (value % unit->factor != 0) {
		len += snprintf(buf + len, QUANTITY_TEXT - (size_t)len, ".%06" PRIu64,
				value % unit->factor * MILLION / unit->factor);
		while (buf[len - 1] == '0')
			len--;
	}
	snprintf(buf + len, QUANTITY_TEXT - (size_t)len, "%s", unit->name);
	return buf;
}
