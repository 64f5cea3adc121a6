/* route: whose an address is, beside a search through all prefixes. */
#include <string.h>

#include "core/route.h"
#include "sim/dice.h"
#include "tap.h"

#define MANY	4096	/* prefixes, as many as an engine has at most */

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(text, &p));
	return p;
}

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static bool add(struct route_table *t, const char *text, int peer)
{
	struct prefix p = prefix_of(text);

	return route_add(t, &p, peer);
}

static int find(struct route_table *t, const char *text)
{
	struct addr a = addr_of(text);

	return route_find(t, &a);
}

static void the_longest_prefix_wins(void **state)
{
	struct route_table *t = route_table_new(16);

	(void)state;
	assert_true(add(t, "10.0.0.0/8", 1));
	assert_true(add(t, "10.84.0.0/16", 2));
	assert_true(add(t, "10.84.7.9/32", 3));
	assert_true(add(t, "0.0.0.0/0", 4));
	assert_true(add(t, "fd84::/16", 5));
	assert_true(add(t, "fd84:0:0:7::/64", 6));
	assert_true(add(t, "fd84:0:0:7::9/128", 7));
	for (int again = 0; again < 2; again++) {
		assert_int_equal(find(t, "10.84.7.9"), 3);
		assert_int_equal(find(t, "10.84.7.8"), 2);
		assert_int_equal(find(t, "10.85.0.0"), 1);
		assert_int_equal(find(t, "9.255.255.255"), 4);
		assert_int_equal(find(t, "fd84:0:0:7::9"), 7);
		assert_int_equal(find(t, "fd84:0:0:7::8"), 6);
		assert_int_equal(find(t, "fd84:0:0:8::"), 5);
		assert_int_equal(find(t, "fd85::"), ROUTE_NONE);
	}
	route_table_free(t);
}

/* The host bits of a prefix are its owner's matter. */
static void a_prefix_is_its_network(void **state)
{
	struct route_table *t = route_table_new(2);

	(void)state;
	assert_true(add(t, "10.84.0.77/24", 1));
	assert_int_equal(find(t, "10.84.0.1"), 1);
	assert_true(add(t, "10.84.0.78/24", 1));
	assert_false(add(t, "10.84.0.1/24", 2));
	route_table_free(t);
}

static void a_full_table_takes_no_more_and_keeps_what_it_has(void **state)
{
	struct route_table *t = route_table_new(2);

	(void)state;
	assert_true(add(t, "10.0.0.1/32", 1));
	assert_true(add(t, "10.0.0.2/32", 2));
	assert_false(add(t, "10.0.0.3/32", 3));
	assert_true(add(t, "10.0.0.2/32", 2));
	assert_int_equal(find(t, "10.0.0.1"), 1);
	assert_int_equal(find(t, "10.0.0.2"), 2);
	assert_int_equal(find(t, "10.0.0.3"), ROUTE_NONE);
	route_table_free(t);
}

/* An address that was nobody's, and was asked for, is somebody's from now on. */
static void what_was_asked_before_is_asked_anew_when_there_are_more(void **state)
{
	struct route_table *t = route_table_new(2);

	(void)state;
	assert_int_equal(find(t, "10.0.0.1"), ROUTE_NONE);
	assert_true(add(t, "10.0.0.0/24", 1));
	assert_int_equal(find(t, "10.0.0.1"), 1);
	assert_true(add(t, "10.0.0.1/32", 2));
	assert_int_equal(find(t, "10.0.0.1"), 2);
	route_table_free(t);
}

/* Few bits are drawn, so that prefixes lie within each other. */
static struct addr draw(struct dice *d)
{
	struct addr a = { .family = dice_draw(d) % 2 != 0 ? ADDR_IPV4 : ADDR_IPV6 };

	for (unsigned i = 0; i < addr_size(&a); i++)
		a.ip[i] = dice_draw(d) % 4 == 0 ? (uint8_t)(dice_draw(d) & 0xc1) : 0;
	return a;
}

static int search(const struct prefix *prefix, const int *peer, size_t count, const struct addr *a)
{
	int best = -1;

	for (size_t i = 0; i < count; i++)
		if (prefix_holds(&prefix[i], a) && (best < 0 || prefix[i].len > prefix[best].len))
			best = (int)i;
	return best < 0 ? ROUTE_NONE : peer[best];
}

static void of_thousands_each_address_finds_its_own(void **state)
{
	static struct prefix prefix[MANY];
	static int peer[MANY];
	struct route_table *t = route_table_new(MANY);
	struct dice dice;
	size_t count = 0;

	(void)state;
	dice_sow(&dice, 7);
	for (unsigned tries = 0; tries < 2 * MANY && count < MANY; tries++) {
		struct prefix *p = &prefix[count];

		p->addr = draw(&dice);
		p->len = (uint8_t)(dice_draw(&dice) % (8 * addr_size(&p->addr) + 1));
		peer[count] = (int)count;
		count += route_add(t, p, (int)count);
	}
	assert_true(count > MANY / 4);
	for (unsigned i = 0; i < 4096; i++) {
		struct addr a = draw(&dice);

		assert_int_equal(route_find(t, &a), search(prefix, peer, count, &a));
	}
	route_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the longest prefix wins", the_longest_prefix_wins),
		TEST("a prefix is its network", a_prefix_is_its_network),
		TEST("a full table takes no more and keeps what it has",
		     a_full_table_takes_no_more_and_keeps_what_it_has),
		TEST("what was asked before is asked anew when there are more",
		     what_was_asked_before_is_asked_anew_when_there_are_more),
		TEST("of thousands each address finds its own", of_thousands_each_address_finds_its_own),
	};

	return RUN_TESTS(tests);
}
