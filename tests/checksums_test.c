/* checksums: one that is still to be made when a packet comes is made once, by whoever is able to, and is right. */
#include <string.h>

#include "base/bytes.h"
#include "base/ip.h"
#include "core/frame.h"
#include "core/packet.h"
#include "inner_packet.h"
#include "sim/sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)
#define SENT	600

/* Packets as a sender makes them; their simulated device leaves the checksums out. */
struct stream {
	struct sim *s;
	struct sim_via via;
	size_t size;		/* of the payload */
	nsec_t next;
	unsigned sent, came, wrong;
	bool lies;		/* what it sends says so of a packet that is none of those */
	unsigned left, made;	/* DATA frames, first in their datagram, whose checksum is not there, or is */
};

static size_t make(const struct stream *st, unsigned n, uint8_t *ret)
{
	struct inner_packet p = inner_packet(false, n % 2 != 0);
	uint8_t client[4], server[4];
	size_t len;

	p.size = st->size;
	p.id = (uint16_t)n;
	p.seq = n * (uint32_t)st->size;
	p.offset = n;
	p.df = false;
	len = inner_packet_write(&p, ret);
	sim_addresses(&st->via, client, server);
	memcpy(ret + 12, client, 4);
	memcpy(ret + 16, server, 4);
	/* of IPv4's header only: of no protocol that has a length of its own */
	ip_write_length(ret, &(struct ip){ .protocol = IP_UDP + 1, .transport = IP4_HEADER }, len);
	assert_true(ip_finish_checksum(ret, len));
	return len;
}

static bool take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct stream *st = ctx;
	unsigned n = get_be16(packet + 4);
	uint8_t as_sent[1500];

	if (direction != SIM_UP || (packet[9] != IP_TCP && packet[9] != IP_UDP))
		return false;
	st->came++;
	st->wrong += make(st, n, as_sent) != len || memcmp(as_sent, packet, len) != 0;
	return true;
}

static nsec_t due(const void *ctx)
{
	const struct stream *st = ctx;

	return st->sent < SENT ? st->next : NSEC_NEVER;
}

/* Two at once, so that small ones have company. */
static void tick(void *ctx)
{
	struct stream *st = ctx;
	uint8_t packet[1500];

	for (int i = 0; i < 2; i++, st->sent++) {
		size_t len = make(st, st->sent, packet);

		if (st->lies)
			packet[6] = 0x20;	/* more fragments */
		sim_send(st->s, &st->via, SIM_UP, packet, len);
	}
	st->next += MSEC(2);
}

static bool look(void *ctx, struct sim *s, unsigned client, unsigned link, enum sim_direction direction,
		 uint8_t *datagram, size_t *len)
{
	struct stream *st = ctx;
	const uint8_t *at = datagram + PACKET_HEADER;

	(void)s;
	(void)client;
	(void)link;
	if (direction != SIM_UP || !packet_is_data(datagram, *len) || !(*at & FRAME_DATA))
		return true;
	if (st->lies)
		datagram[PACKET_HEADER] |= FRAME_DATA_NEEDS_CHECKSUM;
	st->left += *at & FRAME_DATA_NEEDS_CHECKSUM ? 1 : 0;
	st->made += *at & FRAME_DATA_NEEDS_CHECKSUM ? 0 : 1;
	return true;
}

/* All of them through the tunnel. */
static struct stream run(size_t size, size_t mtu, uint32_t loss_ppm, bool own)
{
	static const struct sim_model model = { .take = take, .due = due, .tick = tick };
	const struct sim_way way = { .rate = 50 * MBIT, .delay = MSEC(10), .mtu = mtu, .loss_ppm = loss_ppm };
	struct stream st = { .s = sim_new_clear(3, 1, "aggregate"), .size = size };

	sim_add_ways(st.s, 0, &way, &way);
	sim_add_ways(st.s, 0, &way, &way);
	if (own)
		sim_set_own_checksums(st.s, true);
	sim_run(st.s, SEC(3));
	st.next = sim_now(st.s);
	sim_attach(st.s, &model, &st);
	sim_set_tap(st.s, look, &st);
	sim_run(st.s, SEC(4));
	sim_detach(st.s, &st);
	sim_free(st.s);
	print_message("# %u of %u came; frames without %u, with %u\n", st.came, st.sent, st.left, st.made);
	assert_int_equal(st.came, SENT);
	assert_int_equal(st.wrong, 0);
	return st;
}

static void it_is_left_to_the_end_where_the_packet_comes_out(void **state)
{
	struct stream st = run(1000, 1500, 0, false);

	(void)state;
	assert_true(st.left > SENT / 2);
	assert_int_equal(st.made, 0);
}

static void it_is_left_when_a_packet_goes_again(void **state)
{
	struct stream st = run(1000, 1500, 50000, false);

	(void)state;
	assert_true(st.left > SENT);
	assert_int_equal(st.made, 0);
}

static void it_is_left_among_others_in_one_datagram(void **state)
{
	struct stream st = run(20, 1500, 20000, false);

	(void)state;
	assert_true(st.left > SENT / 4);
	assert_int_equal(st.made, 0);
}

/* A piece has no header to say it by. */
static void it_is_made_before_a_packet_is_cut(void **state)
{
	struct stream st = run(1300, 1250, 20000, false);

	(void)state;
	assert_int_equal(st.left, 0);
	assert_true(st.made > SENT);
}

static void it_is_made_for_an_end_that_does_not_make_it(void **state)
{
	static const size_t size[] = { 20, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		struct stream st = run(size[i], 1500, 20000, true);

		assert_int_equal(st.left, 0);
		assert_true(st.made > SENT / 4);
	}
}

/* It may be in any bytes then, and is nowhere. */
static void a_packet_that_can_have_none_is_dropped(void **state)
{
	static const struct sim_model model = { .take = take, .due = due, .tick = tick };
	struct stream st = { .s = sim_new_clear(3, 1, "aggregate"), .size = 1000, .lies = true };

	(void)state;
	sim_add_link(st.s, 0, 50 * MBIT, MSEC(10), 0);
	sim_run(st.s, SEC(3));
	st.next = sim_now(st.s);
	sim_attach(st.s, &model, &st);
	sim_set_tap(st.s, look, &st);
	sim_run(st.s, MSEC(100));
	assert_true(st.sent > 50);
	assert_int_equal(st.came, 0);
	assert_in_range(sim_drops(st.s, -1, DROP_INNER_INVALID), st.sent / 2, st.sent);
	sim_detach(st.s, &st);
	sim_free(st.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("it is left to the end where the packet comes out", it_is_left_to_the_end_where_the_packet_comes_out),
		TEST("it is left when a packet goes again", it_is_left_when_a_packet_goes_again),
		TEST("it is left among others in one datagram", it_is_left_among_others_in_one_datagram),
		TEST("it is made before a packet is cut", it_is_made_before_a_packet_is_cut),
		TEST("a packet that can have none is dropped", a_packet_that_can_have_none_is_dropped),
		TEST("it is made for an end that does not make it", it_is_made_for_an_end_that_does_not_make_it),
	};

	return RUN_TESTS(tests);
}
