/* rogue: what an end that has keys can do to the engine with datagrams that no engine would send. */
#include <string.h>

#include "core/frame.h"
#include "rogue.h"
#include "tap.h"

static const uint8_t token[8] = { 1, 2, 3 };

static size_t write_tokens(uint8_t *at, enum frame_type type, unsigned count)
{
	size_t len = 0;

	for (unsigned i = 0; i < count; i++)
		len += frame_write_token(at + len, type, token);
	return len;
}

/*
 * The client gives path ids out: it has no use for what comes under one that it never
 * did.  One that is closed may be answered, where what was asked came from.
 */
static void a_server_cannot_open_a_path_of_its_client(void **state)
{
	static const enum frame_type asks[] = { FRAME_PING, FRAME_PATH_CHALLENGE };
	struct rogue *r = rogue_server(2);
	const struct endpoint server = rogue_home(r, 0);
	uint8_t frames[FRAME_TOKEN];

	(void)state;
	engine_path_remove(rogue_engine(r), 1, rogue_now(r));
	rogue_pass(r, MSEC(100));
	for (unsigned i = 0; i < 2; i++) {
		size_t len = write_tokens(frames, asks[i], 1);

		rogue_forget(r);
		rogue_say(r, 0, 9, rogue_next(r, 0, 9), &server, frames, len);
		rogue_take(r);
		assert_int_equal(rogue_datagrams(r, &server), 0);
		assert_int_equal(rogue_drops(r, DROP_NO_PATH), i + 1);
		rogue_say(r, 0, 1, rogue_next(r, 0, 1), &server, frames, len);
		rogue_take(r);
		assert_true(rogue_datagrams(r, &server) > 0);
	}
	rogue_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a server cannot open a path of its client", a_server_cannot_open_a_path_of_its_client),
	};

	return RUN_TESTS(tests);
}
