/* addr: text to address and back, prefixes, and what is refused. */
#include <string.h>

#include "base/addr.h"
#include "tap.h"

static void addresses_survive_text(void **state)
{
	static const char *const text[] = {
		"192.0.2.1", "192.0.2.1:7474", "2001:db8::1", "[2001:db8::1]:7474",
	};
	char buf[ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		struct addr a;

		assert_true(addr_parse_port(text[i], 0, &a));
		assert_string_equal(addr_print(&a, buf), text[i]);
	}
}

static void nonsense_is_refused(void **state)
{
	static const char *const text[] = {
		"", ":", "192.0.2", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:7x",
		"[192.0.2.1]:7", "[2001:db8::1", "[2001:db8::1]7", "2001:db8::1]:7", "name:7474",
		"192.0.2.1:-1", "192.0.2.1: 7",
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		assert_false(addr_parse_port(text[i], 1, &a));
}

static void a_prefix_keeps_its_host_bits_until_asked(void **state)
{
	struct prefix p, net;
	char buf[ADDR_TEXT];

	(void)state;
	assert_true(prefix_parse("10.84.0.1/24", &p));
	assert_string_equal(prefix_print(&p, buf), "10.84.0.1/24");
	net = prefix_network(&p);
	assert_string_equal(prefix_print(&net, buf), "10.84.0.0/24");
	assert_true(prefix_parse("fd84::1:2/127", &p));
	net = prefix_network(&p);
	assert_string_equal(prefix_print(&net, buf), "fd84::1:2/127");
	assert_false(prefix_parse("10.84.0.1/33", &p));
	assert_false(prefix_parse("10.84.0.1/", &p));
	assert_true(prefix_parse("10.84.0.1", &p));
	assert_int_equal(p.len, 32);
}

static void a_prefix_holds_its_edges_and_nothing_beyond(void **state)
{
	struct prefix p;
	struct addr a;

	(void)state;
	assert_true(prefix_parse("10.84.4.0/22", &p));
	assert_true(addr_parse("10.84.7.255", &a) && prefix_holds(&p, &a));
	assert_true(addr_parse("10.84.8.0", &a) && !prefix_holds(&p, &a));
	assert_true(addr_parse("10.84.3.255", &a) && !prefix_holds(&p, &a));
	assert_true(addr_parse("a54:400::", &a) && !prefix_holds(&p, &a));
	assert_true(prefix_parse("0.0.0.0/0", &p));
	assert_true(addr_parse("255.255.255.255", &a) && prefix_holds(&p, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("addresses survive text", addresses_survive_text),
		TEST("nonsense is refused", nonsense_is_refused),
		TEST("a prefix keeps its host bits until asked", a_prefix_keeps_its_host_bits_until_asked),
		TEST("a prefix holds its edges and nothing beyond", a_prefix_holds_its_edges_and_nothing_beyond),
	};

	return RUN_TESTS(tests);
}
