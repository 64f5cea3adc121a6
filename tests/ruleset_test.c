/* ruleset: the tables of client and server, word by word as nft(8) lists them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall.h"
#include "nft/ruleset.h"
#include "tap.h"

static char *text_of(const struct ruleset *r)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	ruleset_print(r, out);
	fclose(out);
	return text;
}

static void expect(struct ruleset *r, int built, const char *wanted)
{
	char *text;

	assert_int_equal(built, 0);
	text = text_of(r);
	assert_string_equal(text, wanted);
	free(text);
	ruleset_done(r);
}

static void a_server_masquerades_checks_sources_and_fits_segments(void **state)
{
	struct ruleset r;

	(void)state;
	expect(&r, firewall_server(&r), FIREWALL_SERVER);
}

static void a_client_marks_its_server_and_guards_its_inner_addresses(void **state)
{
	struct ruleset r;

	(void)state;
	expect(&r, firewall_client(&r), FIREWALL_CLIENT);
}

static void a_closed_host_lets_out_the_tunnel_and_what_is_near(void **state)
{
	struct ruleset r;

	(void)state;
	expect(&r, firewall_closed(&r), FIREWALL_CLOSED);
}

static void a_routed_prefix_is_not_masqueraded(void **state)
{
	struct prefix inner[2];
	const struct ruleset_server_options o = {
		.tun = "ttt0", .inner = inner, .inner_count = 2, .masquerade_ipv4 = true,
	};
	struct ruleset r;
	char *text;

	(void)state;
	assert_true(prefix_parse("10.84.0.1/24", &inner[0]) && prefix_parse("fd84::1/64", &inner[1]));
	assert_int_equal(ruleset_server(&o, &r), 0);
	text = text_of(&r);
	assert_non_null(strstr(text, "ip saddr 10.84.0.0/24 masquerade"));
	assert_null(strstr(text, "ip6 saddr fd84::/64 masquerade"));
	free(text);
	ruleset_done(&r);
}

static void a_pause_drops_what_belongs_to_connections_of_clients(void **state)
{
	struct ruleset r;

	(void)state;
	expect(&r, firewall_paused(&r), FIREWALL_PAUSED);
}

static void what_cannot_be_said_is_refused(void **state)
{
	struct addr endpoint[1] = { 0 };
	struct prefix nothing = { 0 }, *many = calloc(RULESET_RULES, sizeof(*many));
	const struct ruleset_server_options no_tun = { .tun = "" }, long_tun = { .tun = "abcdefghijklmnop" },
		no_family = { .tun = "ttt0", .inner = &nothing, .inner_count = 1 },
		too_many = { .tun = "ttt0", .inner = many, .inner_count = RULESET_RULES };
	struct ruleset_client_options client = { .tun = "ttt0", .endpoint = endpoint, .endpoint_count = 1 };
	struct ruleset r;

	(void)state;
	assert_non_null(many);
	for (size_t i = 0; i < RULESET_RULES; i++)
		assert_true(prefix_parse("10.84.0.1/24", &many[i]));
	assert_int_equal(ruleset_server(&no_tun, &r), -EINVAL);
	assert_int_equal(ruleset_server(&long_tun, &r), -EINVAL);
	assert_int_equal(ruleset_server(&no_family, &r), -EINVAL);
	assert_int_equal(ruleset_server(&too_many, &r), -E2BIG);
	assert_int_equal(ruleset_client(&client, &r), -EINVAL);
	assert_true(addr_parse("192.0.2.1", &endpoint[0]));
	assert_int_equal(ruleset_client(&client, &r), -EINVAL);	/* no port */
	endpoint[0].port = 7474;
	assert_int_equal(ruleset_client(&client, &r), 0);
	ruleset_done(&r);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a server masquerades checks sources and fits segments",
		     a_server_masquerades_checks_sources_and_fits_segments),
		TEST("a client marks its server and guards its inner addresses",
		     a_client_marks_its_server_and_guards_its_inner_addresses),
		TEST("a closed host lets out the tunnel and what is near",
		     a_closed_host_lets_out_the_tunnel_and_what_is_near),
		TEST("a routed prefix is not masqueraded",
		     a_routed_prefix_is_not_masqueraded),
		TEST("a pause drops what belongs to connections of clients",
		     a_pause_drops_what_belongs_to_connections_of_clients),
		TEST("what cannot be said is refused",
		     what_cannot_be_said_is_refused),
	};

	return RUN_TESTS(tests);
}
