/* longlife: what only shows after hours, or after many times. */
#include <malloc.h>
#include <stdio.h>

#include "sim/model_tcp.h"
#include "tap.h"

#define MBIT	UINT64_C(1000000)

static struct sim *two_links(uint64_t seed)
{
	struct sim *s = sim_new(seed, 1, "aggregate");

	sim_add_link(s, 0, 20 * MBIT, MSEC(20), 0);
	sim_add_link(s, 0, 20 * MBIT, MSEC(60), 0);
	sim_run(s, SEC(3));
	return s;
}

/* It may hand out other addresses now. */
static void a_server_that_begins_anew_without_a_goodbye_is_said_to_be_there_again(void **state)
{
	struct sim *s = two_links(1);

	(void)state;
	sim_flow(s, 0, SIM_UP, 200, MSEC(20));
	sim_run(s, SEC(1));
	assert_int_equal(sim_events(s, 0, ENGINE_SESSION_UP), 1);
	sim_restart_server(s);
	sim_run(s, SEC(5));
	assert_int_equal(sim_events(s, 0, ENGINE_SESSION_UP), 2);
	sim_free(s);
}

/* Mbit/s of a TCP in a minute, from half a minute after its first link's round trip has changed. */
static double rate_behind_a_change(nsec_t before, nsec_t after)
{
	const struct model_tcp_config config = { .direction = SIM_DOWN };
	struct sim *s = sim_new_clear(7, 1, "aggregate");
	struct model_tcp *tcp;
	double rate;

	sim_add_link(s, 0, 40 * MBIT, before, 0);
	sim_add_link(s, 0, 10 * MBIT, MSEC(30), 0);
	sim_run(s, SEC(3));
	tcp = model_tcp_new(s, &config);
	sim_run(s, SEC(30));
	sim_link(s, 0, 0)->up.delay = sim_link(s, 0, 0)->down.delay = after / 2;
	sim_run(s, SEC(90));
	rate = model_tcp_rate(tcp, 60, 120);
	printf("# %lu to %lu ms: %.1f Mbit/s of 47.8\n", (unsigned long)(before / MSEC(1)),
	       (unsigned long)(after / MSEC(1)), rate);
	model_tcp_free(tcp);
	sim_free(s);
	return rate;
}

/* Behind a router that falls back to another line, or when a phone changes its mast, no link goes or comes. */
static void a_way_that_has_become_longer_for_good_is_used_like_any_other(void **state)
{
	static const struct { unsigned before, after; } row[] = { { 10, 100 }, { 20, 200 }, { 40, 80 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_true(rate_behind_a_change(MSEC(row[i].before), MSEC(row[i].after)) > 36);
}

static void cut_all(struct sim *s, bool cut)
{
	for (unsigned i = 0; i < 2; i++)
		sim_cut(s, 0, i, cut);
}

/* Whose links are there, but lead nowhere, from ten minutes ago on; the second is metered. */
static struct sim *cut_off(void)
{
	const struct engine_link metered = { .weight = 1, .metered = true };
	struct sim *s = two_links(2);

	sim_wish(s, 0, 1, &metered);
	sim_run(s, SEC(1));
	sim_flow(s, 0, SIM_UP, 100, SEC(1));
	cut_all(s, true);
	sim_run(s, SEC(600));
	return s;
}

/* An INIT has 416 bytes, on the wire. */
static void a_server_that_is_gone_for_hours_is_asked_rarely(void **state)
{
	static const uint64_t most[] = { 3600 / 5 * 416, 3600 / 30 * 416 };
	struct sim *s = cut_off();
	uint64_t before[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		before[i] = sim_link(s, 0, i)->up_bytes;
	sim_run(s, SEC(3600));
	for (unsigned i = 0; i < 2; i++) {
		uint64_t bytes = sim_link(s, 0, i)->up_bytes - before[i];

		printf("# %lu bytes an hour\n", (unsigned long)bytes);
		assert_true(bytes > 0 && bytes <= most[i]);
	}
	sim_free(s);
}

static void and_is_found_when_it_is_back(void **state)
{
	struct sim *s = cut_off();

	(void)state;
	cut_all(s, false);
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, SEC(5) + MSEC(100)));
	sim_free(s);
}

static void and_is_asked_at_once_on_a_link_that_comes(void **state)
{
	struct sim *s = cut_off();

	(void)state;
	sim_link_down(s, 0, 1);
	sim_link_up(s, 0, 1);
	assert_true(sim_run_until(s, 0, ENGINE_SESSION_UP, MSEC(200)));
	sim_free(s);
}

/* A download is under way when the machine falls asleep, and another one begins when it wakes up. */
static uint64_t first_second_after(nsec_t sleep)
{
	const nsec_t pace = NSEC_PER_SEC * 1400 * 8 / (30 * MBIT);
	struct sim *s = two_links(3);
	unsigned old = sim_flow(s, 0, SIM_DOWN, 1400, pace), fresh;
	uint64_t packets;

	sim_run(s, SEC(5));
	sim_sleep(s, 0, sleep);
	sim_run(s, SEC(10));
	sim_flow_stop(s, old);
	sim_run(s, sleep - SEC(10));
	sim_flow(s, 0, SIM_UP, 200, MSEC(10));
	fresh = sim_flow(s, 0, SIM_DOWN, 1400, pace);
	sim_run(s, SEC(1));
	packets = sim_flow_stats(s, fresh).received;
	printf("# %lu s: %lu packets of 2678\n", (unsigned long)(sleep / SEC(1)), (unsigned long)packets);
	sim_free(s);
	return packets;
}

static void after_a_night_nothing_waits_behind_what_waited_then(void **state)
{
	(void)state;
	assert_true(first_second_after(SEC(8 * 3600)) > 2400);
	assert_true(first_second_after(SEC(400)) > 2400);
}

static void what_waited_for_an_hour_is_neither_sent_nor_kept(void **state)
{
	struct sim *s = two_links(4);
	struct engine_peer_status peer;
	unsigned down = sim_flow(s, 0, SIM_DOWN, 1400, MSEC(1) / 2), up;

	(void)state;
	sim_run(s, SEC(5));
	cut_all(s, true);
	sim_run(s, SEC(10));
	sim_flow_stop(s, down);
	up = sim_flow(s, 0, SIM_UP, 200, MSEC(10));
	sim_run(s, SEC(60));
	sim_flow_stop(s, up);
	engine_peer_status(sim_server(s), 0, sim_now(s), &peer);
	assert_true(peer.queued > 0);
	sim_run(s, SEC(3600));
	engine_peer_status(sim_server(s), 0, sim_now(s), &peer);
	assert_int_equal(peer.queued, 0);
	sim_flow_forget(s, down);
	sim_flow_forget(s, up);
	cut_all(s, false);
	sim_run(s, SEC(30));
	assert_int_equal(sim_flow_stats(s, down).received, 0);
	assert_int_equal(sim_flow_stats(s, up).received, 0);
	sim_free(s);
}

/* Of what is sent all the time the last minutes wait, so that an inner TCP is woken. */
static void who_is_away_for_an_hour_finds_the_newest(void **state)
{
	struct sim *s = two_links(5);
	struct sim_flow_stats f;
	unsigned up;

	(void)state;
	cut_all(s, true);
	up = sim_flow(s, 0, SIM_UP, 200, SEC(1));
	sim_run(s, SEC(3600));
	sim_flow_stop(s, up);
	cut_all(s, false);
	sim_run(s, SEC(10));
	f = sim_flow_stats(s, up);
	printf("# %lu, at most %lu s old\n", (unsigned long)f.received, (unsigned long)(f.latency_max / SEC(1)));
	assert_true(f.received > 0 && f.latency_max < SEC(250));
	sim_free(s);
}

/* Bytes that this program has of its memory. */
static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* A link that comes and goes, with a new socket each time, and carries something. */
static void flap(struct sim *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		sim_link_down(s, 0, 1);
		sim_run(s, SEC(20));
		sim_link_up(s, 0, 1);
		sim_run(s, SEC(2));
	}
}

/* A client gives its links one path id after another, and a server has hundreds of clients. */
static void links_that_come_and_go_leave_no_memory_behind(void **state)
{
	struct sim *s = two_links(6);
	size_t before;

	(void)state;
	sim_flow(s, 0, SIM_UP, 1000, MSEC(20));
	flap(s, 1);
	before = memory();
	flap(s, 40);
	printf("# %ld KiB more\n", (long)(memory() - before) / 1024);
	assert_true(memory() < before + (1u << 20));
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a server that begins anew without a goodbye is said to be there again",
		     a_server_that_begins_anew_without_a_goodbye_is_said_to_be_there_again),
		TEST("a way that has become longer for good is used like any other",
		     a_way_that_has_become_longer_for_good_is_used_like_any_other),
		TEST("a server that is gone for hours is asked rarely", a_server_that_is_gone_for_hours_is_asked_rarely),
		TEST("and is found when it is back", and_is_found_when_it_is_back),
		TEST("and is asked at once on a link that comes", and_is_asked_at_once_on_a_link_that_comes),
		TEST("after a night nothing waits behind what waited then",
		     after_a_night_nothing_waits_behind_what_waited_then),
		TEST("what waited for an hour is neither sent nor kept",
		     what_waited_for_an_hour_is_neither_sent_nor_kept),
		TEST("who is away for an hour finds the newest", who_is_away_for_an_hour_finds_the_newest),
		TEST("links that come and go leave no memory behind", links_that_come_and_go_leave_no_memory_behind),
	};

	return RUN_TESTS(tests);
}
