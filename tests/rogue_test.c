/* rogue: what an end that has keys can do to the engine with datagrams that no engine would send. */
#include <string.h>

#include "base/units.h"
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

#define MANY	161	/* PINGs fill a datagram */

enum how { PROVEN, VALIDATING, CLOSED, HOWS };

static size_t write_gone(uint8_t *at, unsigned path)
{
	const struct frame_path_status gone = { .path = (uint8_t)path, .state = FRAME_PATH_GONE, .weight = 1 };

	return frame_write_path_status(at, &gone);
}

/* The state of path 0 in which others are asked to answer for it. */
static void bring(struct rogue *r, enum how how)
{
	const struct endpoint home = rogue_home(r, 0), roamed = rogue_elsewhere(r, 0);
	uint8_t frames[FRAME_PATH_STATUS_BYTES] = { FRAME_PADDING };

	/* so that whatever follows is no news of where the path is */
	rogue_say(r, 0, 0, 16000, how == VALIDATING ? &roamed : &home, frames, 1);
	if (how == CLOSED) {
		write_gone(frames, 0);
		rogue_say(r, 0, 0, 16001, &home, frames, sizeof(frames));
	}
	rogue_pass(r, MSEC(50));
	rogue_forget(r);
}

/* It asks in the name of somebody else, in datagrams that do not move the path. */
static void nobody_is_sent_more_than_three_times_what_came_in_his_name(void **state)
{
	static const enum frame_type asks[] = { FRAME_PING, FRAME_PATH_CHALLENGE };

	(void)state;
	for (enum how how = PROVEN; how < HOWS; how++)
		for (unsigned i = 0; i < 2; i++) {
			struct rogue *r = rogue_clients(1);
			const struct endpoint victim = rogue_elsewhere(r, 1);
			uint8_t frames[ROGUE_FRAMES];
			size_t len = write_tokens(frames, asks[i], MANY), sent = 0;

			bring(r, how);
			for (unsigned n = 0; n < 10; n++) {
				rogue_say(r, 0, 0, 100 + n, &victim, frames, len);
				sent += len + 28 + 23;
				rogue_say(r, 0, 0, 200 + n, &victim, frames, FRAME_TOKEN);
				sent += FRAME_TOKEN + 28 + 23;
				rogue_take(r);
			}
			rogue_pass(r, SEC(5));
			assert_true(rogue_bytes(r, &victim) <= 3 * sent);
			rogue_free(r);
		}
}

/* What one asks for takes no room from what others are sent. */
static void a_batch_of_questions_does_not_fill_the_outbox(void **state)
{
	struct rogue *r = rogue_clients(2);
	const struct endpoint asker = rogue_home(r, 0), other = rogue_home(r, 1);
	struct engine_arrival arrival[7];
	uint8_t frames[ROGUE_FRAMES];
	size_t len = write_tokens(frames, FRAME_PING, MANY);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(arrival); i++)
		arrival[i] = (struct engine_arrival){
			asker, rogue_seal(r, 0, 0, rogue_next(r, 0, 0), frames, len),
		};
	engine_net_in_all(rogue_engine(r), arrival, ARRAY_SIZE(arrival), rogue_now(r));
	for (unsigned i = 0; i < 50; i++)
		engine_tun_in(rogue_engine(r), rogue_inner(r, 1, 80), rogue_now(r));
	rogue_take(r);
	assert_true(rogue_bytes(r, &other) > 50 * 80);
	assert_int_equal(rogue_drops(r, DROP_QUEUE_FULL), 0);
	rogue_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a server cannot open a path of its client", a_server_cannot_open_a_path_of_its_client),
		TEST("nobody is sent more than three times what came in his name",
		     nobody_is_sent_more_than_three_times_what_came_in_his_name),
		TEST("a batch of questions does not fill the outbox", a_batch_of_questions_does_not_fill_the_outbox),
	};

	return RUN_TESTS(tests);
}
