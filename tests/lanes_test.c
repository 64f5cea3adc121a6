/* lanes: who waits for a lost packet and who does not, by how flows behave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sim/model_call.h"
#include "sim/model_quic.h"
#include "sim/model_tcp.h"
#include "sim/model_udp.h"
#include "sim/segment.h"
#include "sim/sim.h"
#include "sim/stream.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static struct sim *lossy(uint64_t seed, const char *strategy, unsigned way, uint32_t up_ppm, uint32_t down_ppm)
{
	struct sim *s = sim_new(seed, 1, strategy);

	for (unsigned i = 0; i < 2; i++) {
		struct sim_way up = { .rate = 20 * MBIT, .delay = MSEC(way + 20 * i), .loss_ppm = up_ppm };
		struct sim_way down = { .rate = 20 * MBIT, .delay = MSEC(way + 20 * i), .loss_ppm = down_ppm };

		sim_add_ways(s, 0, &up, &down);
	}
	sim_run(s, SEC(2));
	return s;
}

/* 2 % are lost, and it takes a while to bring one: if others waited for it, more than one in ten were late. */
static void nobody_waits_for_a_lost_packet_of_a_game(void **state)
{
	(void)state;
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++) {
		struct sim *s = lossy(71, "failover", 25, 20000, 20000);
		const struct model_udp_config config = {
			.direction = (enum sim_direction)direction, .len = 200, .rate = 200 * 8 * 100,
		};
		struct model_udp *game = model_udp_new(s, &config);
		struct samples *latency = model_udp_latency(game);
		struct stream_stats stats;

		sim_run(s, SEC(60));
		model_udp_stop(game);
		sim_run(s, SEC(1));
		stats = model_udp_stats(game);
		printf("# p50 %.1f p90 %.1f p99 %.1f ms, %lu of %lu late\n",
		       (double)samples_percentile(latency, 50) / 1e6, (double)samples_percentile(latency, 90) / 1e6,
		       (double)samples_percentile(latency, 99) / 1e6, (unsigned long)stats.late,
		       (unsigned long)stats.sent);
		assert_true(samples_percentile(latency, 90) < MSEC(26));
		assert_int_equal(stats.received, stats.sent);
		model_udp_free(game);
		sim_free(s);
	}
}

#define EXPEDITED	46	/* EF of RFC 3246 */
#define HIGH_THROUGHPUT	10	/* AF11 of RFC 2597 */

/*
 * 250 packets of 1200 bytes a second are no call by their habits: only their mark says
 * what they are, at both ends, and then nobody waits for a lost one.
 */
static void a_video_that_is_marked_real_time_does_not_wait_for_what_it_lost(void **state)
{
	static const uint8_t dscp[] = { 0, HIGH_THROUGHPUT, EXPEDITED };

	(void)state;
	for (int direction = SIM_UP; direction <= SIM_DOWN; direction++)
		for (size_t i = 0; i < ARRAY_SIZE(dscp); i++) {
			struct sim *s = lossy(75, "failover", 25, 20000, 20000);
			const struct model_udp_config config = {
				.direction = (enum sim_direction)direction, .len = 1200, .rate = 1200 * 8 * 250,
				.dscp = dscp[i],
			};
			struct model_udp *video = model_udp_new(s, &config);
			struct samples *latency = model_udp_latency(video);
			struct stream_stats stats;

			sim_run(s, SEC(30));
			model_udp_stop(video);
			sim_run(s, SEC(1));
			stats = model_udp_stats(video);
			printf("# DSCP %u: p90 %.1f ms, %lu of %lu late\n", dscp[i],
			       (double)samples_percentile(latency, 90) / 1e6, (unsigned long)stats.late,
			       (unsigned long)stats.sent);
			assert_int_equal(stats.received, stats.sent);
			if (dscp[i] == EXPEDITED) {
				assert_true(samples_percentile(latency, 90) < MSEC(27));
				assert_true(stats.late > stats.sent / 100);
			} else {
				assert_true(samples_percentile(latency, 90) > MSEC(35));
				assert_int_equal(stats.late, 0);
			}
			model_udp_free(video);
			sim_free(s);
		}
}

static void under_round_robin_a_call_keeps_its_order(void **state)
{
	struct sim *s = lossy(72, "round-robin", 10, 0, 0);
	const struct sim_via via = { 0 };
	struct model_call *call = model_call_new(s, &via);

	(void)state;
	sim_run(s, SEC(10));
	assert_int_equal(model_call_stats(call, SIM_UP).late, 0);
	assert_true(model_call_stats(call, SIM_UP).p95 < MSEC(31));
	model_call_free(call);
	sim_free(s);
}

/* A lost ACK says nothing that the next one does not. */
static void a_download_does_not_wait_for_lost_acks(void **state)
{
	struct sim *s = lossy(73, "aggregate", 10, 20000, 0);
	const struct model_tcp_config config = { .direction = SIM_DOWN };
	struct model_tcp *tcp = model_tcp_new(s, &config);

	(void)state;
	sim_run(s, SEC(20));
	printf("# %.1f Mbit/s\n", model_tcp_rate(tcp, 5, 20));
	assert_true(model_tcp_rate(tcp, 5, 20) > 36);
	model_tcp_free(tcp);
	sim_free(s);
}

/* Likewise of a QUIC, whose acknowledgements nobody can read: they are the small ones. */
static void nor_does_one_by_quic(void **state)
{
	struct sim *s = lossy(76, "aggregate", 25, 20000, 0);
	const struct model_quic_config config = { .direction = SIM_DOWN };
	struct model_quic *quic = model_quic_new(s, &config);
	struct samples *round_trip = model_quic_round_trips(quic);

	(void)state;
	sim_run(s, SEC(20));
	printf("# round trip: p50 %.1f p90 %.1f ms, %.1f Mbit/s\n", (double)samples_percentile(round_trip, 50) / 1e6,
	       (double)samples_percentile(round_trip, 90) / 1e6, model_quic_rate(quic, 5, 20));
	assert_true(samples_percentile(round_trip, 50) < MSEC(95));
	assert_true(model_quic_rate(quic, 5, 20) > 33);
	assert_int_equal(model_quic_stats(quic).reordered, 0);
	model_quic_free(quic);
	sim_free(s);
}

/* --- what says nothing that the next does not say ----------------------------- */

#define TRAIN	4000
#define PACE	MSEC(5)
#define BEGINS	34000	/* port of the acknowledgements; their first number */

/* Plain acknowledgements of TCP, or echoes, one each PACE; how long each took. */
struct train {
	struct sim *sim;
	bool echoes;
	nsec_t next_at;
	unsigned sent, came;
	nsec_t sent_at[TRAIN];
	struct samples latency;
};

static bool train_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct train *t = ctx;
	uint32_t number = get_be32(packet + 28) - BEGINS;

	if (direction != SIM_UP || len != (t->echoes ? 32 : 40) || number >= t->sent)
		return false;
	t->came++;
	samples_add(&t->latency, sim_now(t->sim) - t->sent_at[number]);
	return true;
}

static nsec_t train_due(const void *ctx)
{
	return ((const struct train *)ctx)->next_at;
}

static void train_tick(void *ctx)
{
	static const struct sim_via via = { 0 };
	struct train *t = ctx;
	struct segment ack = { .src_port = BEGINS, .dst_port = BEGINS, .has_ack = true, .window = 1000,
			       .ack = BEGINS + t->sent };
	uint8_t packet[SEGMENT_MAX] = { 0 };
	size_t len = 32;

	t->next_at = t->sent + 1 < TRAIN ? t->next_at + PACE : NSEC_NEVER;
	sim_addresses(&via, ack.src, ack.dst);
	if (t->echoes) {
		ipv4_header(packet, len, 1, ack.src, ack.dst);
		packet[20] = 8;
		put_be32(packet + 28, BEGINS + t->sent);
	} else {
		len = segment_write(&ack, packet);
	}
	t->sent_at[t->sent++] = sim_now(t->sim);
	sim_send(t->sim, &via, SIM_UP, packet, len);
}

/* As of a game: if others waited for one that is lost, more than one in ten were late. */
static void neither_an_ack_nor_a_ping_waits_for_a_lost_one(void **state)
{
	static const struct sim_model ops = { .take = train_take, .due = train_due, .tick = train_tick };

	(void)state;
	for (int echoes = 0; echoes < 2; echoes++) {
		struct sim *s = lossy(77, "failover", 25, 20000, 20000);
		static struct train t;

		t = (struct train){ .sim = s, .echoes = echoes, .next_at = sim_now(s) };
		sim_attach(s, &ops, &t);
		sim_run(s, TRAIN * PACE + SEC(1));
		sim_detach(s, &t);
		printf("# %s: p90 %.1f p99 %.1f ms, %u of %u\n", echoes ? "pings" : "acks",
		       (double)samples_percentile(&t.latency, 90) / 1e6,
		       (double)samples_percentile(&t.latency, 99) / 1e6, t.came, t.sent);
		assert_int_equal(t.sent, TRAIN);
		assert_true(t.came > TRAIN * 9 / 10);
		assert_true(samples_percentile(&t.latency, 90) < MSEC(26));
		samples_done(&t.latency);
		sim_free(s);
	}
}

/* --- a flow that changes its mind ------------------------------------------ */

#define LARGE	1200
#define SMALL	200
#define PORT	31000

/* UDP: a small packet each `slow`, and in every fourth second a large one each `fast`. */
struct moody {
	struct sim *sim;
	nsec_t slow, fast, next_at;
	struct stream small, large;
};

static bool moody_take(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len)
{
	struct moody *m = ctx;

	if (direction != SIM_UP || packet[9] != 17 || get_be16(packet + 20) != PORT)
		return false;
	stream_hear(len == LARGE ? &m->large : &m->small, packet + 28, sim_now(m->sim));
	return true;
}

static nsec_t moody_due(const void *ctx)
{
	return ((const struct moody *)ctx)->next_at;
}

static void moody_tick(void *ctx)
{
	static const struct sim_via via = { 0 };
	struct moody *m = ctx;
	uint8_t packet[LARGE] = { 0 }, src[4], dst[4];
	bool fast = sim_now(m->sim) / SEC(1) % 4 == 3;
	uint16_t len = fast ? LARGE : SMALL;

	m->next_at += fast ? m->fast : m->slow;
	sim_addresses(&via, src, dst);
	ipv4_header(packet, len, 17, src, dst);
	put_be16(packet + 20, PORT);
	put_be16(packet + 22, PORT);
	put_be16(packet + 24, (uint16_t)(len - 20));
	stream_tell(fast ? &m->large : &m->small, packet + 28, sim_now(m->sim));
	sim_send(m->sim, &via, SIM_UP, packet, len);
}

/* As deep as QUIC takes for a loss is 3. */
static void a_flow_that_turns_into_a_download_is_not_jumbled(void **state)
{
	static const struct sim_model ops = { .take = moody_take, .due = moody_due, .tick = moody_tick };
	uint64_t deepest = 0, late = 0, sent = 0;

	(void)state;
	for (uint64_t seed = 74; seed < 94; seed++) {
		struct sim *s = lossy(seed, "aggregate", 25, 20000, 20000);
		struct moody m = { .sim = s, .slow = MSEC(51), .fast = MSEC(1), .next_at = sim_now(s) };

		stream_init(&m.small, 1u << 17);
		stream_init(&m.large, 1u << 17);
		sim_attach(s, &ops, &m);
		sim_run(s, SEC(60));
		deepest = m.large.stats.deepest > deepest ? m.large.stats.deepest : deepest;
		late += m.small.stats.late;
		sent += m.small.stats.sent;
		sim_detach(s, &m);
		stream_done(&m.small);
		stream_done(&m.large);
		sim_free(s);
	}
	printf("# small ones: %lu of %lu late; large ones: by %lu at most\n", (unsigned long)late,
	       (unsigned long)sent, (unsigned long)deepest);
	assert_true(deepest <= 2);
	assert_true(late > 0);	/* it was unordered at times */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("nobody waits for a lost packet of a game", nobody_waits_for_a_lost_packet_of_a_game),
		TEST("a video that is marked real-time does not wait for what it lost",
		     a_video_that_is_marked_real_time_does_not_wait_for_what_it_lost),
		TEST("under round-robin a call keeps its order", under_round_robin_a_call_keeps_its_order),
		TEST("a download does not wait for lost ACKs", a_download_does_not_wait_for_lost_acks),
		TEST("nor does one by QUIC", nor_does_one_by_quic),
		TEST("neither an ACK nor a ping waits for a lost one", neither_an_ack_nor_a_ping_waits_for_a_lost_one),
		TEST("a flow that turns into a download is not jumbled",
		     a_flow_that_turns_into_a_download_is_not_jumbled),
	};

	return RUN_TESTS(tests);
}
