/* ack: when an ACK goes by itself. */
#include "core/path/ack.h"
#include "tap.h"

#define MAX	MSEC(4)		/* that the sender allows */

static struct ack ack;
static nsec_t now;
static uint64_t number;

static void receive(enum ecn ecn)
{
	ack_received(&ack, number++, ecn, true, MAX, now);
}

static void write_one(void)
{
	uint8_t at[FRAME_ACK_MAX];

	assert_true(ack_write(&ack, 0, at, now) > 0);
	assert_false(ack_is_waiting(&ack));
	assert_int_equal(ack_deadline(&ack), NSEC_NEVER);
}

/* One has come, and been acknowledged a moment ago. */
static int begin(void **state)
{
	(void)state;
	ack_init(&ack);
	now = SEC(5);
	number = 7;
	assert_false(ack_is_waiting(&ack));
	receive(ECN_NOT_ECT);
	write_one();
	return 0;
}

static void it_waits_as_long_as_is_allowed(void **state)
{
	(void)state;
	receive(ECN_NOT_ECT);
	assert_true(ack_is_waiting(&ack));
	assert_int_equal(ack_deadline(&ack), now + MAX);
	/* the first one's time counts */
	now += MAX / 4;
	receive(ECN_NOT_ECT);
	assert_int_equal(ack_deadline(&ack), now - MAX / 4 + MAX);
	write_one();
}

static void a_gap_and_a_mark_are_said_at_once(void **state)
{
	(void)state;
	number++;
	receive(ECN_NOT_ECT);
	assert_int_equal(ack_deadline(&ack), now);
	write_one();
	receive(ECN_CE);
	assert_int_equal(ack_deadline(&ack), now);
	write_one();
	receive(ECN_CE);	/* of a row the first */
	assert_int_equal(ack_deadline(&ack), now + MAX);
	ack_at_once(&ack, now);
	assert_int_equal(ack_deadline(&ack), now);
}

static void every_second_one_is_said_while_there_are_few(void **state)
{
	(void)state;
	receive(ECN_NOT_ECT);
	receive(ECN_NOT_ECT);
	assert_int_equal(ack_deadline(&ack), now + MAX);
	write_one();
	now += ACK_DELAY_MAX;
	receive(ECN_NOT_ECT);
	assert_int_equal(ack_deadline(&ack), now + MAX);
	receive(ECN_NOT_ECT);
	assert_int_equal(ack_deadline(&ack), now);
}

static void what_wants_no_answer_gets_none(void **state)
{
	(void)state;
	ack_received(&ack, number++, ECN_NOT_ECT, false, MAX, now);
	assert_false(ack_is_waiting(&ack));
	assert_int_equal(ack_deadline(&ack), NSEC_NEVER);
}

#define CASE(sentence, function) { .name = (sentence), .test_func = (function), .setup_func = begin }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("it waits as long as is allowed", it_waits_as_long_as_is_allowed),
		CASE("a gap and a mark are said at once", a_gap_and_a_mark_are_said_at_once),
		CASE("every second one is said while there are few", every_second_one_is_said_while_there_are_few),
		CASE("what wants no answer gets none", what_wants_no_answer_gets_none),
	};

	return RUN_TESTS(tests);
}
