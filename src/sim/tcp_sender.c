/* tcp_sender: see tcp_sender.h. */
#include "sim/tcp_sender_state.h"

#include <stdlib.h>

#include "sim/must.h"

#define INITIAL_WINDOW	10
#define RTO_MIN		MSEC(200)
#define RTO_MAX		SEC(120)
#define TSO_MAX		44	/* segments in 64 KiB */
#define SEND_BUFFER	(4194304u / 16 * 15)	/* tcp_wmem's most, but for what skbs take beside their data */

void tcp_sender_init(struct tcp_sender *t, size_t size, bool hystart)
{
	*t = (struct tcp_sender){
		.size = size, .end = UINT64_MAX, .first = TCP_NONE, .last = TCP_NONE, .reordering = TCP_REORDERING,
		.reorder_steps = 1, .rto_at = NSEC_NEVER, .probe_at = NSEC_NEVER,
		.reorder_at = NSEC_NEVER,
	};
	cubic_init(&t->cubic, INITIAL_WINDOW, hystart);
	t->ring = calloc(TCP_RING, sizeof(*t->ring));
	must_have(t->ring);
}

void tcp_sender_done(struct tcp_sender *t)
{
	free(t->ring);
	t->ring = NULL;
}

uint64_t tcp_sender_in_flight(const struct tcp_sender *t)
{
	return tcp_out(t) - t->sacked - t->lost + t->resent;
}

/* --- round trips --------------------------------------------------------- */

/* tcp_rtt_estimator(), in its fixed point. */
static void estimate(struct tcp_sender *t, nsec_t rtt)
{
	const int64_t rto_min = (int64_t)(RTO_MIN / NSEC_PER_USEC);
	int64_t m = (int64_t)(rtt / NSEC_PER_USEC);

	if (t->srtt8 == 0) {
		t->srtt8 = m * 8;
		t->mdev4 = m * 2;
		t->rttvar = t->mdev_max = t->mdev4 > rto_min ? t->mdev4 : rto_min;
		t->rtt_round = t->next;
		return;
	}
	m -= t->srtt8 / 8;
	t->srtt8 += m;
	if (m < 0) {
		m = -m - t->mdev4 / 4;
		if (m > 0)
			m /= 8;
	} else {
		m -= t->mdev4 / 4;
	}
	t->mdev4 += m;
	if (t->mdev4 > t->mdev_max) {
		t->mdev_max = t->mdev4;
		if (t->mdev_max > t->rttvar)
			t->rttvar = t->mdev_max;
	}
	if (t->una > t->rtt_round) {
		if (t->mdev_max < t->rttvar)
			t->rttvar -= (t->rttvar - t->mdev_max) / 4;
		t->rtt_round = t->next;
		t->mdev_max = rto_min;
	}
}

nsec_t tcp_sender_rto(const struct tcp_sender *t)
{
	nsec_t rto = tcp_srtt(t) + (nsec_t)t->rttvar * NSEC_PER_USEC;

	return nsec_min(rto << t->backoff, RTO_MAX);
}

static void sample(struct tcp_sender *t, const struct tcp_tally *y)
{
	nsec_t from = y->oldest != 0 ? y->oldest : y->sacked, rtt = 0;
	struct cubic_ack ack = { .now = y->now, .una = t->una, .next = t->next };

	if (from != 0)
		rtt = y->now - from;
	else if (y->advanced && y->has_echo)
		rtt = y->now - y->echo;
	if (y->newest != 0)
		ack.rtt = y->now - y->newest;
	else if (y->sacked != 0)
		ack.rtt = y->now - y->sacked;
	if (ack.rtt != 0 && (t->min_rtt == 0 || ack.rtt < t->min_rtt))
		t->min_rtt = ack.rtt;
	if (rtt != 0) {
		estimate(t, rtt);
		t->backoff = 0;
		t->sampled(t->ctx, rtt);
	}
	cubic_sample(&t->cubic, &ack);
}

/* --- timers -------------------------------------------------------------- */

static void arm_probe(struct tcp_sender *t, nsec_t now)
{
	nsec_t after = 2 * tcp_srtt(t);

	t->probe_at = NSEC_NEVER;
	if (t->state != TCP_OPEN || tcp_out(t) == 0 || t->probed)
		return;
	after += tcp_out(t) == 1 ? RTO_MIN : TCP_TIMER_SLACK;
	if (now + after < t->rto_at)
		t->probe_at = now + after;
}

static void arm_timeout(struct tcp_sender *t, nsec_t now)
{
	t->rto_at = tcp_out(t) > 0 ? now + tcp_sender_rto(t) : NSEC_NEVER;
	arm_probe(t, now);
}

/* --- sending ------------------------------------------------------------- */

static void transmit(struct tcp_sender *t, uint64_t segment, nsec_t now)
{
	tcp_sent(t, segment)->at = now;
	tcp_sent(t, segment)->delivered = t->delivered;
	scoreboard_list_last(t, segment);
	t->stats.sent++;
	t->sent_at = now;
	t->send(t->ctx, segment);
}

static bool may_send_new(const struct tcp_sender *t)
{
	return t->next < t->end && t->next < t->right && (tcp_out(t) + 1) * t->size <= SEND_BUFFER &&
	       tcp_out(t) < TCP_RING;
}

static void send_new(struct tcp_sender *t, nsec_t now)
{
	uint64_t segment = t->next++;

	*tcp_sent(t, segment) = (struct tcp_sent){ .earlier = TCP_NONE };
	transmit(t, segment, now);
	if (t->state == TCP_RECOVERY)
		t->prr_out++;
	if (tcp_out(t) == 1)
		t->rto_at = now + tcp_sender_rto(t);
	arm_probe(t, now);
}

static void send_again(struct tcp_sender *t, uint64_t segment, nsec_t now)
{
	struct tcp_sent *p = tcp_sent(t, segment);

	if (!p->resent) {
		p->resent = true;
		t->resent++;
	}
	p->ever_resent = true;
	t->stats.resent++;
	if (t->undo_resent < 0)
		t->undo_resent = 0;
	t->undo_resent++;
	if (t->first_resent_at == 0)
		t->first_resent_at = now;
	if (t->state == TCP_RECOVERY)
		t->prr_out++;
	transmit(t, segment, now);
}

/* tcp_xmit_retransmit_queue(); lowest first. */
static void send_lost(struct tcp_sender *t, nsec_t now)
{
	while (t->lost > t->resent && tcp_sender_in_flight(t) < t->cubic.window &&
	       t->lost_from < t->next) {
		uint64_t segment = t->lost_from++;
		struct tcp_sent *p = tcp_sent(t, segment);

		if (segment < t->una || !p->lost || p->resent)
			continue;
		send_again(t, segment, now);
		if (segment == t->una)
			t->rto_at = now + tcp_sender_rto(t);
	}
}

/* What TSO would put into one: a millisecond of the pacing rate (tcp_tso_autosize). */
static uint32_t burst(const struct tcp_sender *t)
{
	double factor = t->cubic.window < t->cubic.threshold / 2 ? 2.0 : 1.2;
	double segments = 2;

	if (tcp_srtt(t) != 0)
		segments = factor * t->cubic.window * (double)MSEC(1) / (double)tcp_srtt(t);
	return segments < 2 ? 2 : segments > TSO_MAX ? TSO_MAX : (uint32_t)segments;
}

/* tcp_tso_should_defer(): wait for a few more ACKs, but not when the last burst is long past. */
static bool should_wait(const struct tcp_sender *t, uint64_t room, nsec_t now)
{
	uint32_t third = t->cubic.window / 3, size = burst(t);

	if (t->state >= TCP_RECOVERY || tcp_sender_in_flight(t) == 0 || now - t->sent_at > MSEC(1))
		return false;
	return room < (third < size ? third : size) && t->next + room < t->end;
}

/* tcp_cwnd_validate(): was it the window that held us back, during the last round trip? */
static void note_limit(struct tcp_sender *t, bool limited)
{
	if (t->una < t->limit_round && !limited &&
	    (t->was_limited || tcp_out(t) <= t->most_out))
		return;
	t->was_limited = limited;
	t->most_out = tcp_out(t);
	t->limit_round = t->next;
}

static bool window_limits(const struct tcp_sender *t)
{
	if (t->was_limited)
		return true;
	return cubic_slow_start(&t->cubic) && t->cubic.window < 2 * t->most_out;
}

static void send_what_fits(struct tcp_sender *t, nsec_t now)
{
	uint64_t in_flight;
	bool any = false, limited = false;

	if (t->state >= TCP_RECOVERY)
		send_lost(t, now);
	while (may_send_new(t)) {
		in_flight = tcp_sender_in_flight(t);
		limited = in_flight >= t->cubic.window;
		if (limited)
			break;
		if (!any && should_wait(t, t->cubic.window - in_flight, now)) {
			limited = true;
			break;
		}
		any = true;
		send_new(t, now);
	}
	note_limit(t, limited);
}

/* --- ACKs --------------------------------------------------------------- */

/* tcp_cong_control() */
static void control(struct tcp_sender *t, const struct tcp_tally *y)
{
	bool progress = t->reordering > TCP_REORDERING ? y->arrived > 0 : y->advanced;

	if (t->state == TCP_RECOVERY)
		recovery_reduce(t, y);
	else if (progress && window_limits(t))
		cubic_grow(&t->cubic, y->arrived, y->now);
}

void tcp_sender_ack(struct tcp_sender *t, const struct tcp_ack *ack, nsec_t now)
{
	struct tcp_tally y = { .now = now, .prior_una = t->una,
			   .lowest = TCP_NONE, .echo = ack->echo, .has_echo = ack->has_echo };

	if (ack->ack > t->next)
		return;
	if (ack->ack >= t->una && ack->right > t->right)
		t->right = ack->right;
	scoreboard_read_blocks(t, ack, &y);
	scoreboard_acknowledge(t, ack->ack, &y);
	sample(t, &y);
	scoreboard_note_reordering(t, y.lowest);
	recovery_widen_reordering(t, &y);
	if (y.advanced)
		t->probed = false;
	if (t->state != TCP_OPEN || y.dsack || t->sacked > 0 || t->rack_advanced)
		recovery_alert(t, &y);
	control(t, &y);
	if (y.advanced)
		arm_timeout(t, now);
	send_what_fits(t, now);
}

/* --- time ---------------------------------------------------------------- */

/* tcp_enter_loss(): all that was not reported is given up, except what was sent just now. */
static void time_out(struct tcp_sender *t, nsec_t now)
{
	if (t->state <= TCP_DISORDER || t->una >= t->high || (t->state == TCP_LOSS && t->backoff == 0)) {
		recovery_remember(t);
		cubic_lost(&t->cubic);
	}
	t->stats.timeouts++;
	for (uint64_t i = t->una; i < t->next; i++) {
		const struct tcp_sent *p = tcp_sent(t, i);

		if (!p->sacked && (i == t->una || now - p->at >= t->rack_rtt + recovery_reordering_window(t)))
			recovery_mark_lost(t, i);
	}
	if (t->state <= TCP_DISORDER && t->sacked >= t->reordering)
		t->reordering = TCP_REORDERING;
	t->lost_from = t->una;
	t->state = TCP_LOSS;
	t->high = t->next;
	t->reorder_at = t->probe_at = NSEC_NEVER;
	cubic_forget(&t->cubic);
	t->cubic.window = (uint32_t)tcp_sender_in_flight(t) + 1;
	if (t->backoff < 10)
		t->backoff++;
	send_lost(t, now);
	t->rto_at = now + tcp_sender_rto(t);
}

/* tcp_send_loss_probe(): something new, or else the last once more, so that an ACK comes. */
static void probe(struct tcp_sender *t, nsec_t now)
{
	t->probed = true;
	t->probe_at = NSEC_NEVER;
	t->stats.probes++;
	if (may_send_new(t))
		send_new(t, now);
	else if (tcp_out(t) > 0 && !tcp_sent(t, t->next - 1)->sacked)
		send_again(t, t->next - 1, now);
	t->rto_at = now + tcp_sender_rto(t);
}

/* tcp_rack_reo_timeout() */
static void reordering_is_over(struct tcp_sender *t, nsec_t now)
{
	struct tcp_tally y = { .now = now, .arrived = 1 };
	uint64_t before = tcp_sender_in_flight(t);

	t->reorder_at = NSEC_NEVER;
	t->rack_advanced = true;
	recovery_find_lost(t, &y);
	if (tcp_sender_in_flight(t) == before)
		return;
	if (t->state != TCP_RECOVERY) {
		recovery_enter(t);
		recovery_reduce(t, &y);
	}
	send_what_fits(t, now);
}

void tcp_sender_start(struct tcp_sender *t, nsec_t rtt, uint64_t right, nsec_t now)
{
	t->right = right;
	t->min_rtt = rtt;
	estimate(t, rtt);
	send_what_fits(t, now);
}

nsec_t tcp_sender_due(const struct tcp_sender *t)
{
	return nsec_min(t->rto_at, nsec_min(t->probe_at, t->reorder_at));
}

void tcp_sender_tick(struct tcp_sender *t, nsec_t now)
{
	if (now >= t->reorder_at)
		reordering_is_over(t, now);
	if (now >= t->probe_at)
		probe(t, now);
	if (now >= t->rto_at && tcp_out(t) > 0)
		time_out(t, now);
}
