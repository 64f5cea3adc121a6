/* quantity: what people write is read, printed shortest, and nothing else passes. */
#include <string.h>

#include "base/units.h"
#include "config/quantity.h"
#include "tap.h"

static void numbers_with_units_are_read_as_people_write_them(void **state)
{
	static const struct { const char *text; const struct quantity_unit *unit; uint64_t value; } row[] = {
		{ "20mbit", quantity_rates, 20000000 }, { "20Mbit", quantity_rates, 20000000 },
		{ "1.5gbit", quantity_rates, 1500000000 }, { "8000 bit", quantity_rates, 8000 },
		{ "20GB", quantity_sizes, 20000000000 }, { "20gb", quantity_sizes, 20000000000 },
		{ "1.5 TB", quantity_sizes, UINT64_C(1500000000000) }, { "2GiB", quantity_sizes, UINT64_C(2) << 30 },
		{ "3%", quantity_shares, 30000 }, { "0.01%", quantity_shares, 100 }, { "0.5 %", quantity_shares, 5000 },
		{ "150ms", quantity_times, 150 }, { "2s", quantity_times, 2000 }, { "0.25s", quantity_times, 250 },
		{ "999999999999999 B", quantity_sizes, UINT64_C(999999999999999) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t value = 7;

		if (!quantity_parse(row[i].text, row[i].unit, &value) || value != row[i].value)
			fail_msg("%s is read as %llu", row[i].text, (unsigned long long)value);
	}
}

static void anything_else_is_refused_and_leaves_the_value(void **state)
{
	static const struct { const char *text; const struct quantity_unit *unit; } row[] = {
		{ "", quantity_rates }, { "20", quantity_rates }, { "mbit", quantity_rates }, { ".5mbit", quantity_rates },
		{ "1.mbit", quantity_rates }, { "1.0000001mbit", quantity_rates }, { "-1mbit", quantity_rates },
		{ "+1mbit", quantity_rates }, { "1  mbit", quantity_rates }, { "1mbits", quantity_rates },
		{ "1mbit ", quantity_rates }, { "0x10mbit", quantity_rates }, { "1e3bit", quantity_rates },
		{ "20mb", quantity_rates }, { "20mbit", quantity_sizes }, { "3", quantity_shares }, { "1m", quantity_times },
		{ "1000000000000000B", quantity_sizes }, { "999999999999999TB", quantity_sizes },
		{ "18446744.073710TB", quantity_sizes },	/* 2^64 and a little */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t value = 7;

		if (quantity_parse(row[i].text, row[i].unit, &value) || value != 7)
			fail_msg("\"%s\" is read as %llu", row[i].text, (unsigned long long)value);
	}
}

static void what_is_printed_is_short_and_reads_back(void **state)
{
	static const struct { uint64_t value; const struct quantity_unit *unit; const char *text; } row[] = {
		{ 20000000, quantity_rates, "20mbit" }, { 1500000, quantity_rates, "1.5mbit" },
		{ 1234567, quantity_rates, "1234.567kbit" }, { 12345678, quantity_rates, "12345.678kbit" },
		{ 8, quantity_rates, "8bit" }, { 20000000000, quantity_sizes, "20GB" },
		{ UINT64_C(2) << 30, quantity_sizes, "2GiB" }, { 1500000000, quantity_sizes, "1.5GB" },
		{ 30000, quantity_shares, "3%" }, { 5000, quantity_shares, "0.5%" }, { 100, quantity_shares, "0.01%" },
		{ 123, quantity_shares, "0.0123%" }, { 150, quantity_times, "150ms" }, { 2000, quantity_times, "2s" },
		{ 1234, quantity_times, "1.234s" }, { UINT64_MAX, quantity_sizes, "18446744073709551.615kB" },
	};
	char buf[QUANTITY_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t back;

		assert_string_equal(quantity_print(row[i].value, row[i].unit, buf), row[i].text);
		if (row[i].value == UINT64_MAX)	/* more than anybody may write */
			continue;
		assert_true(quantity_parse(buf, row[i].unit, &back));
		assert_int_equal(back, row[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("numbers with units are read as people write them", numbers_with_units_are_read_as_people_write_them),
		TEST("anything else is refused and leaves the value", anything_else_is_refused_and_leaves_the_value),
		TEST("what is printed is short and reads back", what_is_printed_is_short_and_reads_back),
	};

	return RUN_TESTS(tests);
}
