/* brake: is what stands on a path a queue of ours?  To send less is to know. */
#include "core/path/brake.h"

#include "tap.h"

#define PACKET	1500
#define RTT	MSEC(40)
#define RATE	UINT64_C(6250000)	/* 50 Mbit/s */

/* A path with a queue of ours, which drains when we send less, and one of others, which does not. */
struct way {
	struct standing standing;
	struct capacity capacity;
	struct brake brake;
	nsec_t now, since;
	nsec_t ours, others;	/* on top of RTT */
	double least;		/* gain so far */
};

static void pass(struct way *w, nsec_t time)
{
	for (nsec_t end = w->now + time; w->now < end; w->now += MSEC(1))
		standing_acked(&w->standing, RTT + w->ours + w->others, RTT + w->ours + w->others, w->now);
}

/* A path that is used for a second, and then something stands on it for a tenth of one. */
static void open_way(struct way *w, nsec_t ours, nsec_t others)
{
	*w = (struct way){ .now = SEC(100), .least = 1 };
	w->capacity.mtu = PACKET;
	capacity_init(&w->capacity, w->now);
	capacity_set(&w->capacity, RATE);
	pass(w, SEC(1));
	w->ours = ours;
	w->others = others;
	pass(w, MSEC(100));
	brake_held(&w->brake, w->now);
}

static void begin(struct way *w, bool from_startup)
{
	brake_begin(&w->brake, &w->standing, &w->capacity, from_startup, w->now);
	w->since = w->now;
}

/* What was sent less shows after a round trip, and then as much less waits each millisecond. */
static enum brake_state drain(struct way *w, nsec_t time)
{
	enum brake_state state = BRAKE_ON;

	for (nsec_t end = w->now + time; w->now < end && state == BRAKE_ON;) {
		nsec_t drains = w->now - w->since > RTT ? (nsec_t)((1 - w->brake.gain) * 1e6) : 0;

		w->ours = nsec_since(drains, w->ours);
		pass(w, MSEC(1));
		state = brake_check(&w->brake, &w->standing, &w->capacity, w->now);
		w->least = w->brake.gain < w->least ? w->brake.gain : w->least;
	}
	if (state != BRAKE_ON)
		brake_end(&w->brake, &w->standing, &w->capacity, state);
	return state;
}

static void a_queue_of_ours_drains_and_the_floor_stays(void **state)
{
	static const nsec_t queue[] = { MSEC(10), MSEC(40), MSEC(150) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(queue); i++) {
		for (int from_startup = 0; from_startup <= 1; from_startup++) {
			struct way w;

			open_way(&w, queue[i], 0);
			begin(&w, from_startup != 0);
			assert_int_equal(drain(&w, SEC(2)), BRAKE_DRAINED);
			assert_int_equal(w.standing.floor, RTT);
			assert_true(w.ours < MSEC(2));
		}
	}
}

static void what_does_not_drain_becomes_the_floor_and_takes_nothing(void **state)
{
	struct way w;

	(void)state;
	open_way(&w, 0, MSEC(30));
	begin(&w, false);
	assert_int_equal(drain(&w, MSEC(50)), BRAKE_ON);
	capacity_set(&w.capacity, RATE * 3 / 4);	/* less arrives, since less is sent */
	assert_int_equal(drain(&w, SEC(1)), BRAKE_IN_VAIN);
	assert_int_equal(w.standing.floor, RTT + MSEC(30));
	assert_true(w.least > 0.7);
	assert_int_equal(capacity_rate(&w.capacity), RATE);
}

static void a_floor_rises_far_only_after_a_deep_brake(void **state)
{
	struct way w;

	(void)state;
	open_way(&w, 0, MSEC(80));
	begin(&w, false);
	assert_int_equal(drain(&w, SEC(2)), BRAKE_IN_VAIN);
	assert_int_equal(w.standing.floor, RTT + MSEC(80));
	assert_int_equal(w.standing.sure, RTT + MSEC(80));
	assert_true(w.least == 0.5);
}

/* Had it been a queue of ours, it would have taken longer: there is less to wait for now. */
static void a_delay_that_goes_away_by_itself_ends_a_brake_early(void **state)
{
	nsec_t took[2];

	(void)state;
	for (int alone = 0; alone <= 1; alone++) {
		struct way w;

		open_way(&w, 0, MSEC(180));
		begin(&w, false);
		assert_int_equal(drain(&w, MSEC(30)), BRAKE_ON);
		w.others = alone ? MSEC(20) : MSEC(180);
		assert_int_equal(drain(&w, SEC(3)), BRAKE_IN_VAIN);
		took[alone] = w.now - w.since;
	}
	assert_true(took[1] < took[0] / 2);
}

static void what_is_gone_before_a_round_trip_was_not_drained(void **state)
{
	struct way w;

	(void)state;
	open_way(&w, 0, MSEC(20));
	begin(&w, false);
	w.others = 0;
	assert_int_equal(drain(&w, MSEC(10)), BRAKE_IN_VAIN);
	assert_int_equal(w.standing.floor, RTT);
}

/* It has not grown for a second, and nothing has held it back for a round trip; but not soon again. */
static void a_light_load_is_hardly_braked_once(void **state)
{
	struct way w;

	(void)state;
	open_way(&w, MSEC(20), 0);
	brake_load(&w.brake, RATE, w.now);
	begin(&w, true);
	assert_true(w.brake.gain < 0.9);	/* held back just now */
	pass(&w, SEC(2));
	begin(&w, true);
	assert_true(w.brake.gain == 0.98);
	pass(&w, SEC(2));
	begin(&w, true);
	assert_true(w.brake.gain < 0.9);
	pass(&w, SEC(10));
	brake_load(&w.brake, 2 * RATE, w.now);	/* it grows */
	begin(&w, true);
	assert_true(w.brake.gain < 0.9);
}

static void a_light_load_whose_delay_goes_on_rising_is_braked_like_any(void **state)
{
	struct way w;

	(void)state;
	open_way(&w, MSEC(20), 0);
	brake_load(&w.brake, RATE, w.now);
	pass(&w, SEC(2));
	begin(&w, true);
	assert_int_equal(drain(&w, MSEC(50)), BRAKE_ON);
	w.ours = MSEC(100);
	drain(&w, MSEC(50));
	assert_false(w.brake.light);
	assert_true(w.brake.gain < 0.9);
}

/* The delay does not fall, and of what is sent 6 % do not arrive; 4 % say nothing. */
static void a_path_that_carries_even_less_is_believed_to_do_so(void **state)
{
	static const uint64_t arrives[] = { 96, 94 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(arrives); i++) {
		uint64_t pacing = RATE * 8 / 10, arrived = pacing * arrives[i] / 100;
		bool less = arrives[i] < 95;
		struct way w;

		open_way(&w, MSEC(100), 0);
		begin(&w, false);
		w.capacity.last.measured = arrived;
		brake_round(&w.brake, &w.standing, &w.capacity, pacing, w.now);
		assert_int_equal(capacity_rate(&w.capacity), less ? arrived : RATE);
		/* nor is what was believed before believed again */
		brake_end(&w.brake, &w.standing, &w.capacity, BRAKE_IN_VAIN);
		assert_int_equal(capacity_rate(&w.capacity), less ? arrived : RATE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a queue of ours drains, and the floor stays", a_queue_of_ours_drains_and_the_floor_stays),
		TEST("what does not drain becomes the floor, and takes nothing",
		     what_does_not_drain_becomes_the_floor_and_takes_nothing),
		TEST("a floor rises far only after a deep brake", a_floor_rises_far_only_after_a_deep_brake),
		TEST("a delay that goes away by itself ends a brake early",
		     a_delay_that_goes_away_by_itself_ends_a_brake_early),
		TEST("what is gone before a round trip was not drained",
		     what_is_gone_before_a_round_trip_was_not_drained),
		TEST("a light load is hardly braked, once", a_light_load_is_hardly_braked_once),
		TEST("a light load whose delay goes on rising is braked like any",
		     a_light_load_whose_delay_goes_on_rising_is_braked_like_any),
		TEST("a path that carries even less is believed to do so",
		     a_path_that_carries_even_less_is_believed_to_do_so),
	};

	return RUN_TESTS(tests);
}
