/* marking: the counts of RFC 9000 §13.4.2, as honest networks and others make them. */
#include "core/path/marking.h"
#include "tap.h"

#define NOW	SEC(100)

/* A path of which one test has come through. */
static struct marking good(void)
{
	struct marking m = { 0 };
	const uint64_t acked[4] = { [ECN_ECT0] = 1 };

	assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, true, NOW), ECN_ECT0);
	assert_int_equal(marking_acked(&m, acked, &(struct ecn_counts){ .ect0 = 1 }, NOW), 0);
	assert_int_equal(m.state, MARKING_GOOD);
	return m;
}

static void send_data(struct marking *m, enum ecn inner, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(marking_sent(m, true, inner, true, NOW), inner);
}

static void data_waits_until_three_tests_at_most_have_come_through(void **state)
{
	struct marking m = { 0 };

	(void)state;
	assert_int_equal(marking_sent(&m, true, ECN_ECT0, true, NOW), ECN_NOT_ECT);
	assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, false, NOW), ECN_NOT_ECT);
	for (unsigned i = 0; i < MARKING_TESTS; i++)
		assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, true, NOW), ECN_ECT0);
	assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, true, NOW), ECN_NOT_ECT);
	marking_acked(&m, (uint64_t[4]){ [ECN_NOT_ECT] = 1 }, NULL, NOW);
	assert_int_equal(m.state, MARKING_TESTING);
	marking_acked(&m, (uint64_t[4]){ [ECN_ECT0] = 2 }, &(struct ecn_counts){ .ect0 = 1, .ce = 1 }, NOW);
	assert_int_equal(m.state, MARKING_GOOD);
	for (enum ecn inner = ECN_NOT_ECT; inner <= ECN_CE; inner++)
		assert_int_equal(marking_sent(&m, true, inner, true, NOW), inner);
	assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, true, NOW), ECN_NOT_ECT);
}

static void marks_are_told_once_and_not_those_that_were_sent(void **state)
{
	struct marking m = good();

	(void)state;
	send_data(&m, ECN_ECT0, 10);
	send_data(&m, ECN_CE, 3);
	assert_int_equal(marking_acked(&m, (uint64_t[4]){ [ECN_ECT0] = 10, [ECN_CE] = 3 },
				       &(struct ecn_counts){ .ect0 = 7, .ce = 7 }, NOW), 4);
	assert_int_equal(marking_acked(&m, (uint64_t[4]){ 0 }, &(struct ecn_counts){ .ect0 = 7, .ce = 7 }, NOW), 0);
	/* an ACK was lost: the next has the sum */
	send_data(&m, ECN_ECT0, 4);
	assert_int_equal(marking_acked(&m, (uint64_t[4]){ [ECN_ECT0] = 2 },
				       &(struct ecn_counts){ .ect0 = 9, .ce = 9 }, NOW), 2);
	assert_int_equal(m.state, MARKING_GOOD);
}

static void counts_go_on_beyond_their_24_bits(void **state)
{
	struct marking m = good();
	uint64_t before = m.counted.ect0;

	(void)state;
	m.sent[ECN_ECT0] = m.counted.ect0 = UINT64_C(0xfffff0) - 1 + before;
	send_data(&m, ECN_ECT0, 32);
	assert_int_equal(marking_acked(&m, (uint64_t[4]){ [ECN_ECT0] = 32 },
				       &(struct ecn_counts){ .ect0 = 0x0e, .ce = 2 }, NOW), 2);
	assert_int_equal(m.state, MARKING_GOOD);
	assert_int_equal(m.counted.ect0, UINT64_C(0x100000e));
}

struct wrong {
	const char *how;
	uint64_t acked[4];
	bool has_counts;
	struct ecn_counts counts;	/* after 1 ECT(0) at first; 10 each of ECT(0), ECT(1) and CE were sent */
};

static void wrong_counts_end_it(void **state)
{
	static const struct wrong wrong[] = {
		{ "none", { [ECN_ECT0] = 1 }, false, { 0 } },
		{ "cleared", { [ECN_ECT0] = 2 }, true, { .ect0 = 2 } },
		{ "turned into the other", { [ECN_ECT0] = 2 }, true, { .ect0 = 1, .ect1 = 2 } },
		{ "the other cleared", { [ECN_ECT1] = 2 }, true, { .ect0 = 3 } },
		{ "marks cleared", { [ECN_CE] = 2 }, true, { .ect0 = 1, .ce = 1 } },
		{ "more than were sent", { [ECN_ECT0] = 2 }, true, { .ect0 = 12 } },
		{ "more of the other than were sent", { [ECN_ECT0] = 1 }, true, { .ect0 = 2, .ect1 = 11 } },
		{ "more marks than all", { [ECN_ECT0] = 2 }, true, { .ect0 = 3, .ce = 29 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct marking m = good();

		for (enum ecn inner = ECN_ECT1; inner <= ECN_CE; inner++)
			send_data(&m, inner, 10);
		assert_int_equal(marking_acked(&m, wrong[i].acked, wrong[i].has_counts ? &wrong[i].counts : NULL,
					       NOW), 0);
		if (m.state != MARKING_BAD)
			fail_msg("%s: believed", wrong[i].how);
		assert_int_equal(marking_sent(&m, true, ECN_ECT0, true, NOW), ECN_NOT_ECT);
		/* what is still under way does not matter any more */
		marking_acked(&m, (uint64_t[4]){ [ECN_ECT0] = 5 }, NULL, NOW);
	}
}

static void a_network_that_drops_tests_gets_no_more_for_ten_minutes(void **state)
{
	struct marking m = { 0 };
	nsec_t now = NOW;

	(void)state;
	for (unsigned i = 0; i < MARKING_TESTS; i++)
		assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, true, now), ECN_ECT0);
	for (unsigned i = 0; i < MARKING_TESTS; i++) {
		assert_int_equal(m.state, MARKING_TESTING);
		marking_lost(&m, ECN_NOT_ECT, now);
		marking_lost(&m, ECN_ECT0, now);
	}
	assert_int_equal(m.state, MARKING_BAD);
	now += MARKING_RETRY - 1;
	assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, true, now), ECN_NOT_ECT);
	assert_int_equal(marking_sent(&m, false, ECN_NOT_ECT, true, now + 1), ECN_ECT0);
	marking_acked(&m, (uint64_t[4]){ [ECN_ECT0] = 1 }, &(struct ecn_counts){ .ect0 = 1 }, now);
	assert_int_equal(m.state, MARKING_GOOD);
}

static void losses_of_data_say_nothing(void **state)
{
	struct marking m = good();

	(void)state;
	send_data(&m, ECN_ECT0, 100);
	for (unsigned i = 0; i < 99; i++)
		marking_lost(&m, ECN_ECT0, NOW);
	assert_int_equal(m.state, MARKING_GOOD);
	/* nor does what the peer got, but never acknowledged */
	assert_int_equal(marking_acked(&m, (uint64_t[4]){ [ECN_ECT0] = 1 },
				       &(struct ecn_counts){ .ect0 = 60, .ce = 5 }, NOW), 5);
	assert_int_equal(m.state, MARKING_GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("data waits until, of three tests at most, one has come through",
		     data_waits_until_three_tests_at_most_have_come_through),
		TEST("marks are told once, and not those that were sent",
		     marks_are_told_once_and_not_those_that_were_sent),
		TEST("counts go on beyond their 24 bits", counts_go_on_beyond_their_24_bits),
		TEST("wrong counts end it", wrong_counts_end_it),
		TEST("a network that drops tests gets no more for ten minutes",
		     a_network_that_drops_tests_gets_no_more_for_ten_minutes),
		TEST("losses of data say nothing", losses_of_data_say_nothing),
	};

	return RUN_TESTS(tests);
}
