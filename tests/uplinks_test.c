/* uplinks: which sockets there are, and why a link has none, in words. */
#include <errno.h>
#include <ev.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "supervisor/preferences.h"
#include "supervisor/uplinks.h"
#include "tap.h"

static struct uplinks uplinks;
static struct links links;
static char buf[UPLINKS_REASON];

static struct addr ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse_port(text, 0, &a));
	return a;
}

static void add_link(const char *name, int index, const char *source)
{
	struct link *l = &links.link[links.count];

	*l = (struct link){ .slot = (unsigned)links.count, .index = index, .source = ip(source) };
	l->family = l->source.family;
	strcpy(l->ifname, name);
	links.count++;
}

static int prepare(void **state)
{
	(void)state;
	memset(&uplinks, 0, sizeof(uplinks));
	memset(&links, 0, sizeof(links));
	add_link("wan0", 2, "192.0.2.2");
	add_link("wan1", 3, "2001:db8::2");
	add_link("wan2", 4, "192.0.2.9");
	add_link("wan2", 4, "2001:db8::9");
	return 0;
}

static const char *why(const char *name)
{
	const char *reason = uplinks_why_not(&uplinks, &links, name, buf);

	return reason != NULL ? reason : "";
}

static void a_family_that_the_server_does_not_have_is_a_reason(void **state)
{
	(void)state;
	assert_string_equal(why("wan0"), "");		/* nothing is known of the server yet */
	uplinks.endpoint[0] = ip("198.51.100.1:7474");
	uplinks.endpoint_count = 1;
	assert_string_equal(why("wan0"), "");
	assert_string_equal(why("wan1"), "has only IPv6, and the server only an IPv4 address");
	assert_string_equal(why("wan2"), "");
	uplinks.endpoint[0] = ip("[2001:db8:1::1]:7474");
	assert_string_equal(why("wan0"), "has only IPv4, and the server only an IPv6 address");
	assert_string_equal(why("wan1"), "");
	assert_string_equal(why("wan2"), "");
	uplinks.endpoint[1] = ip("198.51.100.1:7474");
	uplinks.endpoint_count = 2;
	assert_string_equal(why("wan0"), "");
}

static void a_socket_that_was_refused_is_a_reason_until_one_is_open(void **state)
{
	struct message_socket_error e = {
		.socket = UPLINKS_ENDPOINTS, .operation = MESSAGE_ON_ADD, .error = EADDRNOTAVAIL, .count = 1,
	};

	(void)state;
	uplinks.endpoint[0] = ip("198.51.100.1:7474");
	uplinks.endpoint[1] = ip("[2001:db8:1::1]:7474");
	uplinks.endpoint_count = 2;
	uplinks.socket[UPLINKS_ENDPOINTS].open = true;
	assert_string_equal(why("wan1"), "");
	uplinks_note_error(&uplinks, &e);
	assert_string_equal(why("wan1"), "cannot open a socket there: Cannot assign requested address");
	e.error = ENOSPC;
	uplinks_note_error(&uplinks, &e);
	assert_string_equal(why("wan1"), "no path is free: 16 are in use");
	assert_string_equal(why("wan0"), "");
	uplinks.socket[UPLINKS_ENDPOINTS + 1].open = true;
	assert_string_equal(why("wan1"), "");
}

/* Not at every event of a link: nothing has changed. */
static void a_socket_for_which_no_path_is_free_is_tried_again_when_one_may_be(void **state)
{
	static const struct config config = { .marks.fwmark = 0x7474 };
	static const struct channel_owner owner;
	struct preferences preferences = { .config = &config };
	struct message_socket_error refused = {
		.socket = UPLINKS_ENDPOINTS + 1, .operation = MESSAGE_ON_ADD, .error = ENOSPC, .count = 1,
	};
	struct ev_loop *loop = ev_loop_new(0);
	struct channel *worker;
	int pair[2];

	(void)state;
	if (geteuid() != 0)
		skip();
	memset(&links, 0, sizeof(links));
	add_link("lo", 1, "127.0.0.1");
	add_link("lo", 1, "127.0.0.2");
	uplinks.quiet = true;
	uplinks.endpoint[0] = ip("127.0.0.3:7474");
	uplinks.endpoint[1] = ip("127.0.0.4:7474");
	uplinks.endpoint_count = 2;
	assert_int_equal(channel_pair(pair), 0);
	worker = channel_new(loop, pair[0], CHANNEL_SUPERVISOR, &owner);
	assert_int_equal(uplinks_sync(&uplinks, &links, &preferences, worker), 4);
	uplinks_note_error(&uplinks, &refused);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uplinks_sync(&uplinks, &links, &preferences, worker), 3);
		assert_false(uplinks.socket[refused.socket].open);
	}
	links.link[0].source = ip("127.0.0.5");		/* a lease has ended, and another one begun */
	assert_int_equal(uplinks_sync(&uplinks, &links, &preferences, worker), 4);
	uplinks_note_error(&uplinks, &refused);
	uplinks_forget(&uplinks);			/* another worker */
	assert_int_equal(uplinks_sync(&uplinks, &links, &preferences, worker), 4);
	channel_free(worker);
	close(pair[1]);
	ev_loop_destroy(loop);
}

#define WITH_LINKS(sentence, function) { .name = (sentence), .test_func = (function), .setup_func = prepare }

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LINKS("a family that the server does not have is a reason",
			   a_family_that_the_server_does_not_have_is_a_reason),
		WITH_LINKS("a socket that was refused is a reason, until one is open",
			   a_socket_that_was_refused_is_a_reason_until_one_is_open),
		WITH_LINKS("a socket for which no path is free is tried again when one may be",
			   a_socket_for_which_no_path_is_free_is_tried_again_when_one_may_be),
	};

	return RUN_TESTS(tests);
}
