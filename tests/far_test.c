/*
 * far: a TCP whose other end is far behind the tunnel's.  What may queue for it
 * goes by the round trip that its sender sees, not by that of the paths.
 */
#include <stdio.h>

#include "sim/segment.h"
#include "sim/sim.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)
#define RATE	(10 * MBIT)
#define PORT	5001
#define PAYLOAD	1300
#define ACKS	1024

static const struct sim_via via = { 0 };

/* Keeps so many bytes under way, whatever becomes of them; its ACKs come from `beyond` the server. */
struct sender {
	struct sim *sim;
	nsec_t beyond;
	uint32_t window, sent, acked;
	struct {
		nsec_t at;
		uint32_t number;
	} ack[ACKS];
	unsigned first, count;
};

static bool take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct sender *t = ctx;
	struct segment seg;

	if (!segment_read(packet, len, &seg) || (seg.src_port != PORT && seg.dst_port != PORT))
		return false;
	if (direction == SIM_DOWN) {
		if ((int32_t)(seg.ack - t->acked) > 0)
			t->acked = seg.ack;
		return true;
	}
	t->ack[(t->first + t->count) % ACKS].at = sim_now(t->sim) + t->beyond;
	t->ack[(t->first + t->count++) % ACKS].number = seg.seq + (uint32_t)seg.payload;
	assert_true(t->count <= ACKS);
	return true;
}

static bool may_send(const struct sender *t)
{
	return t->sent - t->acked + PAYLOAD <= t->window;
}

static nsec_t due(const void *ctx)
{
	const struct sender *t = ctx;

	if (may_send(t))
		return sim_now(t->sim);
	return t->count > 0 ? t->ack[t->first].at : NSEC_NEVER;
}

static void send(struct sender *t, enum sim_direction direction, struct segment *seg)
{
	uint8_t bytes[SEGMENT_MAX];

	sim_addresses(&via, direction == SIM_UP ? seg->src : seg->dst, direction == SIM_UP ? seg->dst : seg->src);
	seg->has_ack = true;
	sim_send(t->sim, &via, direction, bytes, segment_write(seg, bytes));
}

static void tick(void *ctx)
{
	struct sender *t = ctx;

	for (; t->count > 0 && t->ack[t->first].at <= sim_now(t->sim); t->count--) {
		struct segment seg = { .src_port = 80, .dst_port = PORT, .ack = t->ack[t->first].number };

		t->first = (t->first + 1) % ACKS;
		send(t, SIM_DOWN, &seg);
	}
	for (; may_send(t); t->sent += PAYLOAD) {
		struct segment seg = { .src_port = PORT, .dst_port = 80, .seq = t->sent, .payload = PAYLOAD };

		send(t, SIM_UP, &seg);
	}
}

/* What CoDel drops in ten seconds of a queue that stands that long, when the round trip is 40 ms and more. */
static uint64_t drops_at(nsec_t beyond, nsec_t queue)
{
	static const struct sim_model ops = { .take = take, .due = due, .tick = tick };
	struct sim *s = sim_new(1, 1, "aggregate");
	struct sender t = { .sim = s, .beyond = beyond };
	uint64_t before;

	sim_add_link(s, 0, RATE, MSEC(40), 0);
	sim_run(s, SEC(2));
	/* a small window first, so that the round trip is known before anything waits */
	t.window = 20 * PAYLOAD;
	sim_attach(s, &ops, &t);
	sim_run(s, SEC(3));
	t.window = (uint32_t)((MSEC(40) + beyond + queue) * (RATE / 8) / NSEC_PER_SEC * 93 / 100);
	sim_run(s, SEC(3));
	before = sim_drops(s, 0, DROP_CONGESTION);
	sim_run(s, SEC(10));
	before = sim_drops(s, 0, DROP_CONGESTION) - before;
	sim_detach(s, &t);
	printf("# %u ms beyond, %u ms of queue: %lu drops\n", (unsigned)(beyond / MSEC(1)), (unsigned)(queue / MSEC(1)),
	       (unsigned long)before);
	sim_free(s);
	return before;
}

/* 35 per cent of a round trip that has this very queue in it: of 340 ms and itself 180 ms. */
static void a_far_sender_may_queue_more(void **state)
{
	(void)state;
	assert_int_equal(drops_at(0, MSEC(10)), 0);
	assert_true(drops_at(0, MSEC(100)) > 0);
	assert_int_equal(drops_at(MSEC(300), MSEC(100)), 0);
	assert_int_equal(drops_at(MSEC(300), MSEC(150)), 0);
	assert_true(drops_at(MSEC(300), MSEC(250)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a far sender may queue more", a_far_sender_may_queue_more),
	};

	return RUN_TESTS(tests);
}
