/* rogue: what an end that has keys can do to the engine with datagrams that no engine would send. */
#include <string.h>

#include "base/bytes.h"
#include "core/crypto/cookie.h"
#include "core/crypto/handshake.h"
#include "core/flow/contexts.h"
#include "core/frame.h"
#include "rogue.h"
#include "sim/dice.h"
#include "sim/segment.h"
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

/* It moves the path to somebody else, and goes on from where it is, as if those datagrams were late. */
static void what_comes_from_elsewhere_earns_an_address_nothing(void **state)
{
	struct rogue *r = rogue_clients(1);
	const struct endpoint home = rogue_home(r, 0), victim = rogue_elsewhere(r, 0);
	uint8_t frames[ROGUE_FRAMES] = { 0 };

	(void)state;
	rogue_say(r, 0, 0, 16000, &victim, frames, 100);
	for (unsigned n = 0; n < 100; n++) {
		size_t len = write_tokens(frames, FRAME_PING, 1);

		rogue_say(r, 0, 0, 100 + n, &home, frames, len + 1000);
		rogue_pass(r, MSEC(50));
	}
	assert_true(rogue_bytes(r, &home) > 0);
	assert_true(rogue_bytes(r, &victim) > 0);
	assert_true(rogue_bytes(r, &victim) <= 3 * (100 + 28 + 23));
	rogue_free(r);
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

static void write_header(uint8_t *at, unsigned end, uint8_t protocol, size_t len)
{
	const uint8_t from[4] = { 10, 2, 0, (uint8_t)end }, to[4] = { 10, 3, 0, 1 };

	memset(at, 0, len);
	ipv4_header(at, len, protocol, from, to);
}

/* So many frames in places from seq on, each with an IP header and nothing in it. */
static size_t write_packets(uint8_t *at, unsigned end, uint32_t seq, unsigned count)
{
	size_t len = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct piece place = { .lane = 7, .seq = seq + i };

		frame_write_data_among(at + len, &place, true, 20);
		write_header(at + len + FRAME_AMONG_HEADER, end, 1, 20);
		len += FRAME_AMONG_HEADER + 20;
	}
	return len;
}

/* A TCP header in place 0, to be known for the other packets of its flow, */
static size_t write_offer(uint8_t *at, unsigned end)
{
	const struct piece place = { .lane = 7, .offers = contexts_tag(0, 0) };
	uint8_t *packet = at + frame_data_header(&place);

	frame_write_data_header(at, &place, true);
	write_header(packet, end, 6, 40);
	packet[32] = 5 << 4;
	packet[33] = 0x10;	/* ACK */
	return frame_data_header(&place) + 40;
}

/* and these, which are like it: 8 bytes each. */
static size_t write_shorts(uint8_t *at, uint32_t seq, unsigned count)
{
	size_t len = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct piece place = { .lane = 7, .seq = seq + i, .needs_checksum = true };

		frame_write_short_header(at + len, &place, contexts_tag(0, 0), true);
		at[len] |= FRAME_DATA_LEN;
		put_le16(at + len + FRAME_SHORT_HEADER, 1);
		at[len + FRAME_SHORT_HEADER + 2] = 0;
		len += FRAME_SHORT_HEADER + 3;
	}
	return len;
}

static uint64_t came_of(struct rogue *r, unsigned end)
{
	struct engine_peer_status status;

	rogue_pass(r, SEC(5));	/* nothing waits for order any more */
	engine_peer_status(rogue_engine(r), end, rogue_now(r), &status);
	return status.rx_packets;
}

static void a_datagram_with_too_many_packets_is_dropped_whole(void **state)
{
	struct rogue *r = rogue_clients(1);
	const struct endpoint home = rogue_home(r, 0);
	uint8_t frames[ROGUE_FRAMES];
	size_t len = write_packets(frames, 0, 0, ENGINE_TOGETHER + 1);

	(void)state;
	rogue_say(r, 0, 0, rogue_next(r, 0, 0), &home, frames, len);
	assert_int_equal(rogue_drops(r, DROP_MALFORMED), 1);
	assert_int_equal(came_of(r, 0), 0);
	len = write_packets(frames, 0, 0, ENGINE_TOGETHER);
	len += write_tokens(frames + len, FRAME_PING, 1);
	rogue_say(r, 0, 0, rogue_next(r, 0, 0), &home, frames, len);
	assert_int_equal(rogue_drops(r, DROP_MALFORMED), 1);
	assert_int_equal(came_of(r, 0), ENGINE_TOGETHER);
	rogue_free(r);
}

/* Each packet takes a buffer, and few bytes bring many. */
static void a_batch_of_many_packets_leaves_buffers_to_others(void **state)
{
	struct rogue *r = rogue_clients(2);
	const struct endpoint home = rogue_home(r, 0), other = rogue_home(r, 1);
	struct engine_arrival arrival[64];
	uint8_t frames[ROGUE_FRAMES];
	uint32_t seq = 1;

	(void)state;
	rogue_say(r, 0, 0, rogue_next(r, 0, 0), &home, frames, write_offer(frames, 0));
	rogue_say(r, 0, 0, rogue_next(r, 0, 0), &home, frames, write_shorts(frames, seq, 10));
	assert_int_equal(came_of(r, 0), 11);
	seq += 10;
	for (unsigned i = 0; i < ARRAY_SIZE(arrival); i++, seq += 181) {
		size_t len = write_shorts(frames, seq, 181);

		arrival[i] = (struct engine_arrival){ home, rogue_seal(r, 0, 0, rogue_next(r, 0, 0), frames, len) };
	}
	engine_net_in_all(rogue_engine(r), arrival, ARRAY_SIZE(arrival), rogue_now(r));
	rogue_say(r, 1, 0, rogue_next(r, 1, 0), &other, frames, write_packets(frames, 1, 0, 10));
	assert_int_equal(rogue_drops(r, DROP_NO_BUFFER), 0);
	assert_int_equal(came_of(r, 1), 10);
	rogue_free(r);
}

#define LINKS	4

/* Of a message that they were sent, with other cookies each time. */
static void forge_cookie(struct rogue *r, const struct buf *init, unsigned socket)
{
	struct dice dice;
	const struct random_source random = { dice_fill, &dice };
	struct cookie_jar jar;
	struct endpoint from = rogue_home(r, 0);
	struct buf *b = buf_get(init->pool);
	uint8_t *at = buf_append(b, HANDSHAKE_COOKIE_SIZE);

	from.socket = (uint8_t)socket;
	dice_sow(&dice, socket);
	cookie_jar_init(&jar, rogue_public_key(r, 0), &random, rogue_now(r));
	at[0] = HANDSHAKE_COOKIE;
	memcpy(at + 1, init->data + 1, 3);
	cookie_bake(&jar, &random, &from.remote, init->data + HANDSHAKE_INIT_MAC1, rogue_now(r), at + 4,
		    at + 4 + COOKIE_NONCE);
	engine_net_in(rogue_engine(r), &from, b, rogue_now(r));
}

static void cookies_make_a_client_say_no_more_than_once_more_on_each_link(void **state)
{
	struct rogue *r = rogue_asked(LINKS);
	const struct endpoint server = rogue_home(r, 0);
	struct endpoint to;
	struct buf *init = engine_net_out(rogue_engine(r), rogue_now(r), &to);

	(void)state;
	assert_non_null(init);
	assert_int_equal(init->len, HANDSHAKE_INIT_SIZE);
	rogue_take(r);
	rogue_forget(r);
	for (unsigned n = 0; n < 10; n++)
		forge_cookie(r, init, n % LINKS);
	rogue_take(r);
	assert_int_equal(rogue_datagrams(r, &server), LINKS);
	rogue_pass(r, MSEC(240));
	assert_int_equal(rogue_datagrams(r, &server), LINKS);
	buf_put(init);
	rogue_free(r);
}

/* RFC 9000 §13.4.2: what nothing is known of is Not-ECT. */
static void an_answer_to_a_handshake_is_not_marked_as_its_question_was(void **state)
{
	struct rogue *r = rogue_clients(1);
	const struct endpoint home = rogue_home(r, 0);

	(void)state;
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		struct buf *b = rogue_init(r, 0);
		struct endpoint to;

		b->ecn = ecn;
		engine_net_in(rogue_engine(r), &home, b, rogue_now(r));
		b = engine_net_out(rogue_engine(r), rogue_now(r), &to);
		assert_non_null(b);
		assert_true(b->data[0] < 0x80);
		assert_int_equal(b->ecn, 0);
		buf_put(b);
	}
	rogue_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a server cannot open a path of its client", a_server_cannot_open_a_path_of_its_client),
		TEST("nobody is sent more than three times what came in his name",
		     nobody_is_sent_more_than_three_times_what_came_in_his_name),
		TEST("what comes from elsewhere earns an address nothing",
		     what_comes_from_elsewhere_earns_an_address_nothing),
		TEST("a datagram with too many packets is dropped whole",
		     a_datagram_with_too_many_packets_is_dropped_whole),
		TEST("a batch of many packets leaves buffers to others",
		     a_batch_of_many_packets_leaves_buffers_to_others),
		TEST("COOKIEs make a client say no more than once more on each link",
		     cookies_make_a_client_say_no_more_than_once_more_on_each_link),
		TEST("an answer to a handshake is not marked as its question was",
		     an_answer_to_a_handshake_is_not_marked_as_its_question_was),
		TEST("a batch of questions does not fill the outbox", a_batch_of_questions_does_not_fill_the_outbox),
	};

	return RUN_TESTS(tests);
}
