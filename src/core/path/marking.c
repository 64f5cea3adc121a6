/* marking: see marking.h. */
#include "core/path/marking.h"

#define COUNT_MASK	0xffffffu

void marking_test(struct marking *m)
{
	m->state = MARKING_TESTING;
	m->tests = m->lost = 0;
}

static void fail(struct marking *m, nsec_t now)
{
	m->state = MARKING_BAD;
	m->bad_until = now + MARKING_RETRY;
}

static enum ecn outer_for(struct marking *m, bool data, enum ecn inner, bool eliciting, nsec_t now)
{
	if (m->state == MARKING_BAD && now >= m->bad_until)
		marking_test(m);
	if (m->state == MARKING_GOOD)
		return data ? inner : ECN_NOT_ECT;
	if (m->state == MARKING_BAD || data || !eliciting || m->tests == MARKING_TESTS)
		return ECN_NOT_ECT;
	m->tests++;
	return ECN_ECT0;
}

enum ecn marking_sent(struct marking *m, bool data, enum ecn inner, bool eliciting, nsec_t now)
{
	enum ecn outer = outer_for(m, data, inner, eliciting, now);

	m->sent[outer]++;
	return outer;
}

void marking_lost(struct marking *m, enum ecn sent, nsec_t now)
{
	if (m->state == MARKING_TESTING && sent != ECN_NOT_ECT && ++m->lost == MARKING_TESTS)
		fail(m, now);
}

/* Counts only grow, and by less than 2^24 from one ACK to the next. */
static uint64_t expand(uint64_t before, uint64_t low)
{
	return before + ((low - before) & COUNT_MASK);
}

/* What was sent comes as it was, or marked, and nothing else comes. */
static bool are_right(const struct marking *m, const uint64_t acked[4], const struct ecn_counts *is)
{
	const struct ecn_counts *was = &m->counted;
	uint64_t marks = is->ce - was->ce;

	if (is->ect0 - was->ect0 + marks < acked[ECN_ECT0] || is->ect1 - was->ect1 + marks < acked[ECN_ECT1])
		return false;
	if (marks < acked[ECN_CE])
		return false;
	return is->ect0 <= m->sent[ECN_ECT0] && is->ect1 <= m->sent[ECN_ECT1] &&
	       is->ect0 + is->ect1 + is->ce <= m->sent[ECN_ECT0] + m->sent[ECN_ECT1] + m->sent[ECN_CE];
}

uint64_t marking_acked(struct marking *m, const uint64_t acked[4], const struct ecn_counts *counts,
		       nsec_t now)
{
	uint64_t news = acked[ECN_ECT0] + acked[ECN_ECT1] + acked[ECN_CE], marks;
	struct ecn_counts is;

	if (counts == NULL) {
		if (news > 0 && m->state != MARKING_BAD)
			fail(m, now);
		return 0;
	}
	is.ect0 = expand(m->counted.ect0, counts->ect0);
	is.ect1 = expand(m->counted.ect1, counts->ect1);
	is.ce = expand(m->counted.ce, counts->ce);
	marks = is.ce - m->counted.ce;
	if (m->state != MARKING_BAD && !are_right(m, acked, &is))
		fail(m, now);
	else if (m->state == MARKING_TESTING && news > 0)
		m->state = MARKING_GOOD;
	m->counted = is;
	if (m->state != MARKING_GOOD || marks <= acked[ECN_CE])
		return 0;
	m->told += marks - acked[ECN_CE];
	return marks - acked[ECN_CE];
}
