/* contexts: a header is only meant once the other end has it, and never another one by mistake. */
#include "core/flow/contexts.h"

#include <string.h>

#include "base/bytes.h"
#include "tap.h"

#define FLOW	77u
#define LEN	152

static struct contexts_given given;
static struct contexts_got got;
static struct piece place = { .lane = FLOW };
static nsec_t now;

static int begin(void **state)
{
	(void)state;
	memset(&given, 0, sizeof(given));
	memset(&got, 0, sizeof(got));
	place.seq = 0;
	now = SEC(10);
	return 0;
}

static void segment(uint8_t *p, uint32_t seq, uint32_t value)
{
	uint32_t sum = 0;

	memset(p, 0, LEN);
	put_be16(p, 0x4500);
	put_be16(p + 2, LEN);
	put_be16(p + 6, 0x4000);
	p[9] = 6;
	for (unsigned i = 0; i < 20; i += 2)
		sum += get_be16(p + i);
	put_be16(p + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	put_be32(p + 24, seq);
	p[32] = 0x80;
	p[33] = 0x10;
	put_be32(p + 40, 0x0101080a);
	put_be32(p + 44, value);
}

/* The next packet of a flow: what it offers. */
static uint16_t next_of(uint32_t flow, uint8_t *packet)
{
	place.seq++;
	segment(packet, place.seq * 100, (uint32_t)(now / NSEC_PER_MSEC));
	return contexts_offer(&given, flow, &place, packet, LEN, now);
}

/* Packets until one offers something. */
static uint16_t offer_of(uint32_t flow, uint8_t *packet)
{
	uint16_t tag = 0;

	for (unsigned i = 0; i < 50 && tag == 0; i++)
		tag = next_of(flow, packet);
	return tag;
}

static size_t shorten(uint32_t flow, const uint8_t *packet, uint16_t *ret_tag)
{
	uint8_t wire[SHORTHAND_MAX];
	size_t header;

	return contexts_shorten(&given, flow, &place, packet, LEN, now, wire, &header, ret_tag);
}

/* A flow whose first context both ends have. */
static uint16_t begun(uint32_t flow, uint32_t handle)
{
	uint8_t packet[LEN];
	uint16_t tag = offer_of(flow, packet);

	assert_int_not_equal(tag, 0);
	contexts_offered(&given, tag, handle);
	contexts_learn(&got, tag, &place, packet, LEN);
	contexts_acked(&given, handle, now);
	return tag;
}

static void nothing_is_meant_before_it_has_come(void **state)
{
	uint8_t packet[LEN];
	uint16_t tag, meant;

	(void)state;
	tag = offer_of(FLOW, packet);
	assert_int_not_equal(tag, 0);
	contexts_offered(&given, tag, 5);
	for (unsigned i = 0; i < 20; i++) {
		now += MSEC(60);
		assert_int_equal(next_of(FLOW, packet), 0);	/* one at a time */
	}
	assert_int_equal(shorten(FLOW, packet, &meant), 0);
	contexts_acked(&given, 4, now);
	contexts_acked(&given, 0, now);
	assert_int_equal(shorten(FLOW, packet, &meant), 0);
	contexts_acked(&given, 5, now);
	assert_in_range(shorten(FLOW, packet, &meant), 3, 6);
	assert_int_equal(meant, tag);
}

static void a_short_flow_takes_no_slot(void **state)
{
	uint8_t packet[LEN];

	(void)state;
	for (uint32_t flow = 0; flow < 1000; flow++) {
		assert_int_equal(next_of(flow, packet), 0);
		now += MSEC(10);
	}
}

static void a_newer_one_is_offered_when_it_saves_something(void **state)
{
	uint8_t packet[LEN];
	uint16_t first = begun(FLOW, 5), second, meant;
	unsigned packets = 0;

	(void)state;
	do {
		now += MSEC(10);
		second = next_of(FLOW, packet);
		assert_in_range(shorten(FLOW, packet, &meant), 3, 6);
		assert_int_equal(meant, first);
	} while (second == 0 && ++packets < 1000);
	/* while the timestamp takes a byte nothing can be saved */
	assert_in_range(packets, 12, 40);
	contexts_offered(&given, second, 6);
	contexts_acked(&given, 6, now);
	next_of(FLOW, packet);
	shorten(FLOW, packet, &meant);
	assert_int_equal(meant, second);
}

/* Ten flows that would have a new one each 50 ms: each slot rests after it was meant. */
static void a_slot_rests_before_it_is_offered_anew(void **state)
{
	static nsec_t used[CONTEXTS_SLOTS];
	uint8_t packet[LEN];
	uint16_t meant;
	unsigned again = 0;

	(void)state;
	for (uint32_t i = 1; i < 50000; i++) {
		uint32_t flow = 16 * (i % 10);
		uint16_t tag;

		now += MSEC(1);
		place.seq += 100;	/* never what is expected: always worth another */
		tag = next_of(flow, packet);
		if (tag != 0) {
			uint8_t slot = contexts_slot(tag);

			again += used[slot] != 0;
			assert_true(used[slot] == 0 || now - used[slot] >= CONTEXTS_REST);
			contexts_offered(&given, tag, i);
			contexts_learn(&got, tag, &place, packet, LEN);
			contexts_acked(&given, i, now);
		}
		if (shorten(flow, packet, &meant) > 0) {
			used[contexts_slot(meant)] = now;
			assert_non_null(contexts_find(&got, meant));
		}
	}
	assert_true(again > CONTEXTS_SLOTS);
}

static void of_too_many_flows_some_go_whole(void **state)
{
	uint8_t packet[LEN];
	uint16_t meant;
	unsigned shortened = 0, slots = 0;

	(void)state;
	for (unsigned round = 0; round < 10; round++)
		for (uint32_t flow = 0; flow < 300; flow++) {
			uint16_t tag = next_of(flow, packet);

			now += 10 * NSEC_PER_USEC;
			if (tag == 0)
				continue;
			slots++;
			contexts_offered(&given, tag, flow + 1);
			contexts_acked(&given, flow + 1, now);
		}
	for (uint32_t flow = 0; flow < 300; flow++)
		shortened += shorten(flow, packet, &meant) > 0;
	assert_int_equal(slots, CONTEXTS_SLOTS);
	assert_int_equal(shortened, CONTEXTS_SLOTS);
}

static void a_flow_that_paused_may_have_lost_its_slot(void **state)
{
	uint8_t packet[LEN];
	uint16_t first = begun(FLOW, 5), meant, tag;

	(void)state;
	now += CONTEXTS_REST;
	for (uint32_t i = 0; i < CONTEXTS_SLOTS; i++) {
		tag = offer_of(1000 + i * 7, packet);
		now += MSEC(1);
	}
	(void)tag;
	next_of(FLOW, packet);
	assert_int_equal(shorten(FLOW, packet, &meant), 0);
	assert_false(contexts_stands(&given, first, now));
}

static void who_offers_what_is_older_is_not_believed(void **state)
{
	uint8_t packet[LEN];
	const struct shorthand_context *c;

	(void)state;
	segment(packet, 1, 1);
	contexts_learn(&got, contexts_tag(3, 250), &place, packet, LEN);
	segment(packet, 2, 1);
	contexts_learn(&got, contexts_tag(3, 250), &place, packet, LEN);	/* a copy */
	contexts_learn(&got, contexts_tag(3, 249), &place, packet, LEN);
	contexts_learn(&got, contexts_tag(3, 123), &place, packet, LEN);
	assert_null(contexts_find(&got, contexts_tag(3, 249)));
	c = contexts_find(&got, contexts_tag(3, 250));
	assert_non_null(c);
	assert_int_equal(get_be32(c->header + 24), 1);
	contexts_learn(&got, contexts_tag(3, 1), &place, packet, LEN);
	assert_null(contexts_find(&got, contexts_tag(3, 250)));
	assert_non_null(contexts_find(&got, contexts_tag(3, 1)));
}

static void no_tag_reaches_beyond_the_slots(void **state)
{
	uint8_t packet[LEN];

	(void)state;
	segment(packet, 1, 1);
	for (uint32_t tag = 0; tag <= UINT16_MAX; tag++) {
		contexts_learn(&got, (uint16_t)tag, &place, packet, LEN);
		assert_int_equal(contexts_find(&got, (uint16_t)tag) != NULL,
				 tag >= 0x100 && tag < (CONTEXTS_SLOTS + 1u) << 8);
	}
}

static void what_is_withdrawn_is_never_meant(void **state)
{
	uint8_t packet[LEN];
	uint16_t tag = offer_of(FLOW, packet), meant;

	(void)state;
	contexts_offered(&given, tag, 5);
	assert_true(contexts_stands(&given, tag, now));
	contexts_withdraw(&given, tag);
	assert_false(contexts_stands(&given, tag, now));
	contexts_acked(&given, 5, now);
	assert_int_equal(shorten(FLOW, packet, &meant), 0);
	now += MSEC(50);
	assert_int_not_equal(begun(FLOW, 6), 0);
	assert_in_range(shorten(FLOW, packet, &meant), 3, SHORTHAND_MAX);
}

/* Its packet may have been a SHORT that nobody could read any more: acknowledged, and its offer lost. */
static void what_is_acknowledged_late_is_not_meant(void **state)
{
	uint8_t packet[LEN];
	uint16_t first = begun(FLOW, 5), second, meant;

	(void)state;
	do {
		now += MSEC(10);
		second = next_of(FLOW, packet);
		assert_in_range(shorten(FLOW, packet, &meant), 3, 6);
	} while (second == 0 && now < SEC(1000));
	contexts_offered(&given, second, 6);
	now += CONTEXTS_REST;
	contexts_acked(&given, 6, now);
	assert_in_range(shorten(FLOW, packet, &meant), 3, SHORTHAND_MAX);
	assert_int_equal(meant, first);
	now += MSEC(60);
	assert_int_not_equal(next_of(FLOW, packet), 0);
}

/* Offers of a flow of a thousand packets, each of which is heard at once; every n-th has a checksum. */
static unsigned offers_with(uint32_t flow, unsigned every)
{
	uint8_t packet[LEN];
	unsigned offers = 0;
	uint16_t meant, tag;

	begun(flow, 5);
	for (unsigned i = 0; i < 1000; i++) {
		now += MSEC(1);
		tag = next_of(flow, packet);
		if (tag != 0) {
			offers++;
			contexts_offered(&given, tag, 100 + i);
			contexts_acked(&given, 100 + i, now);
		}
		place.needs_checksum = i % every != 0;
		assert_in_range(shorten(flow, packet, &meant), SHORTHAND_MIN, 6);
	}
	return offers;
}

/* As a server gets them: what its card has joined comes without, what came alone has one. */
static void a_checksum_now_and_then_is_no_reason_to_offer(void **state)
{
	unsigned without = offers_with(FLOW, 1001), with = offers_with(FLOW + 1, 3);

	(void)state;
	print_message("# %u offers, %u\n", without, with);
	assert_in_range(with, 0, without + 1);
}

/* Some day nobody knows any more what the other end has there. */
static void what_is_offered_in_vain_ends(void **state)
{
	uint8_t packet[LEN];
	unsigned offers = 0;

	(void)state;
	for (unsigned i = 0; i < 500 * CONTEXTS_SLOTS; i++) {
		uint16_t tag = next_of(FLOW, packet);

		if (tag != 0)
			contexts_offered(&given, tag, ++offers);
		now += MSEC(500);
	}
	assert_int_equal(offers, 100 * CONTEXTS_SLOTS);
}

#define CASE(sentence, function) { .name = (sentence), .test_func = (function), .setup_func = begin }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("nothing is meant before it has come", nothing_is_meant_before_it_has_come),
		CASE("a short flow takes no slot", a_short_flow_takes_no_slot),
		CASE("a newer one is offered when it saves something", a_newer_one_is_offered_when_it_saves_something),
		CASE("a slot rests before it is offered anew", a_slot_rests_before_it_is_offered_anew),
		CASE("of too many flows some go whole", of_too_many_flows_some_go_whole),
		CASE("a flow that paused may have lost its slot", a_flow_that_paused_may_have_lost_its_slot),
		CASE("an offer that is older than what is there is ignored", who_offers_what_is_older_is_not_believed),
		CASE("no tag reaches beyond the slots", no_tag_reaches_beyond_the_slots),
		CASE("what is withdrawn is never meant", what_is_withdrawn_is_never_meant),
		CASE("what is acknowledged late is not meant", what_is_acknowledged_late_is_not_meant),
		CASE("a checksum now and then is no reason to offer", a_checksum_now_and_then_is_no_reason_to_offer),
		CASE("what is offered in vain ends", what_is_offered_in_vain_ends),
	};

	return RUN_TESTS(tests);
}
