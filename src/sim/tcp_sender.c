/* tcp_sender: see tcp_sender.h. */
#include "sim/tcp_sender.h"

#include <stdlib.h>
#include <string.h>

#include "sim/must.h"


#define NONE		UINT64_MAX
#define INITIAL_WINDOW	10
#define RTO_MIN		MSEC(200)
#define RTO_MAX		SEC(120)
#define REORDERING	3
#define TIMER_SLACK	MSEC(8)	/* two ticks of 250 Hz (TCP_TIMEOUT_MIN) */
#define PERSIST		16	/* recoveries that a widened reordering window lasts */
#define TSO_MAX		44	/* segments in 64 KiB */

/* What one ACK did. */
struct tally {
	nsec_t now;
	uint32_t arrived;	/* segments that it says have come */
	uint32_t lost;
	uint64_t prior_una, prior_delivered;
	uint64_t lowest;	/* of those never resent that came: for reordering */
	bool advanced;		/* una went on */
	bool original;		/* one that was given up and never resent came all the same */
	bool dsack;
	nsec_t echo;
	bool has_echo;
	nsec_t oldest, newest;	/* when acknowledged segments were sent, if never resent; 0: none */
	nsec_t sacked;		/* the same of the oldest sacked */
};

static struct tcp_sent *sent(struct tcp_sender *t, uint64_t segment)
{
	return &t->ring[segment % TCP_RING];
}

void tcp_sender_init(struct tcp_sender *t, size_t size, bool hystart)
{
	*t = (struct tcp_sender){
		.size = size, .end = UINT64_MAX, .first = NONE, .last = NONE, .reordering = REORDERING,
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

static uint64_t out(const struct tcp_sender *t)
{
	return t->next - t->una;
}

uint64_t tcp_sender_in_flight(const struct tcp_sender *t)
{
	return out(t) - t->sacked - t->lost + t->resent;
}

/* --- the list of what is under way, by time ------------------------------ */

static void unlist(struct tcp_sender *t, uint64_t segment)
{
	struct tcp_sent *p = sent(t, segment);

	if (!p->listed)
		return;
	p->listed = false;
	if (p->earlier != NONE)
		sent(t, p->earlier)->later = p->later;
	else
		t->first = p->later;
	if (p->later != NONE)
		sent(t, p->later)->earlier = p->earlier;
	else
		t->last = p->earlier;
}

static void list_last(struct tcp_sender *t, uint64_t segment)
{
	struct tcp_sent *p = sent(t, segment);

	unlist(t, segment);
	p->listed = true;
	p->earlier = t->last;
	p->later = NONE;
	if (t->last != NONE)
		sent(t, t->last)->later = segment;
	else
		t->first = segment;
	t->last = segment;
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

static nsec_t srtt(const struct tcp_sender *t)
{
	return (nsec_t)(t->srtt8 / 8) * NSEC_PER_USEC;
}

nsec_t tcp_sender_rto(const struct tcp_sender *t)
{
	nsec_t rto = srtt(t) + (nsec_t)t->rttvar * NSEC_PER_USEC;

	return nsec_min(rto << t->backoff, RTO_MAX);
}

static void sample(struct tcp_sender *t, const struct tally *y)
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
	nsec_t after = 2 * srtt(t);

	t->probe_at = NSEC_NEVER;
	if (t->state != TCP_OPEN || out(t) == 0 || t->probed)
		return;
	after += out(t) == 1 ? RTO_MIN : TIMER_SLACK;
	if (now + after < t->rto_at)
		t->probe_at = now + after;
}

static void arm_timeout(struct tcp_sender *t, nsec_t now)
{
	t->rto_at = out(t) > 0 ? now + tcp_sender_rto(t) : NSEC_NEVER;
	arm_probe(t, now);
}

/* --- sending ------------------------------------------------------------- */

static void transmit(struct tcp_sender *t, uint64_t segment, nsec_t now)
{
	sent(t, segment)->at = now;
	list_last(t, segment);
	t->stats.sent++;
	t->sent_at = now;
	t->send(t->ctx, segment);
}

static bool may_send_new(const struct tcp_sender *t)
{
	return t->next < t->end && t->next < t->right && out(t) < TCP_RING;
}

static void send_new(struct tcp_sender *t, nsec_t now)
{
	uint64_t segment = t->next++;

	*sent(t, segment) = (struct tcp_sent){ .earlier = NONE };
	transmit(t, segment, now);
	if (t->state == TCP_RECOVERY)
		t->prr_out++;
	if (out(t) == 1)
		t->rto_at = now + tcp_sender_rto(t);
	arm_probe(t, now);
}

static void send_again(struct tcp_sender *t, uint64_t segment, nsec_t now)
{
	struct tcp_sent *p = sent(t, segment);

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
		struct tcp_sent *p = sent(t, segment);

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

	if (srtt(t) != 0)
		segments = factor * t->cubic.window * (double)MSEC(1) / (double)srtt(t);
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
	    (t->was_limited || out(t) <= t->most_out))
		return;
	t->was_limited = limited;
	t->most_out = out(t);
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

/* --- the scoreboard ------------------------------------------------------ */

/* tcp_rack_advance(): the latest sent of all that came. */
static void rack_advance(struct tcp_sender *t, uint64_t segment, nsec_t now)
{
	const struct tcp_sent *p = sent(t, segment);
	nsec_t rtt = now - p->at;

	if (p->ever_resent && rtt < t->min_rtt)
		return;	/* the original's ACK, not the copy's */
	t->rack_advanced = true;
	t->rack_rtt = rtt;
	if (p->at > t->rack_sent_at || (p->at == t->rack_sent_at && segment > t->rack_segment)) {
		t->rack_sent_at = p->at;
		t->rack_segment = segment;
	}
}

static void forget_flags(struct tcp_sender *t, struct tcp_sent *p)
{
	t->resent -= p->resent;
	t->lost -= p->lost;
	p->resent = p->lost = false;
}

static void came(struct tcp_sender *t, uint64_t segment, struct tally *y)
{
	struct tcp_sent *p = sent(t, segment);

	y->arrived++;
	t->delivered++;
	rack_advance(t, segment, y->now);
	if (!p->ever_resent) {
		y->original |= p->lost;
		if (segment < t->highest_sacked && segment < y->lowest)
			y->lowest = segment;
	}
	forget_flags(t, p);
	unlist(t, segment);
}

static void sack_range(struct tcp_sender *t, uint64_t from, uint64_t to, struct tally *y)
{
	for (uint64_t i = from > t->una ? from : t->una; i < to && i < t->next; i++) {
		struct tcp_sent *p = sent(t, i);

		if (p->sacked)
			continue;
		if (!p->ever_resent && (y->sacked == 0 || p->at < y->sacked))
			y->sacked = p->at;
		came(t, i, y);
		p->sacked = true;
		t->sacked++;
		if (i + 1 > t->highest_sacked)
			t->highest_sacked = i + 1;
	}
}

/* What the last ACK said already need not be walked again; both are in order. */
static void sack_block(struct tcp_sender *t, struct tcp_block b, struct tally *y)
{
	for (unsigned i = 0; i < t->seens; i++) {
		const struct tcp_block *old = &t->seen[i];

		if (old->from < b.from || old->to > b.to)
			continue;
		sack_range(t, b.from, old->from, y);
		b.from = old->to;
	}
	sack_range(t, b.from, b.to, y);
}

/* RFC 2883: the first block is a duplicate when it is acknowledged, or inside the second. */
static bool is_dsack(const struct tcp_ack *ack)
{
	const struct tcp_block *b = ack->block;

	if (ack->blocks == 0)
		return false;
	return b[0].from < ack->ack ||
	       (ack->blocks > 1 && b[0].from >= b[1].from && b[0].to <= b[1].to);
}

static void sort_blocks(struct tcp_block *block, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		for (unsigned j = i; j > 0 && block[j].from < block[j - 1].from; j--) {
			struct tcp_block b = block[j];

			block[j] = block[j - 1];
			block[j - 1] = b;
		}
}

static void read_blocks(struct tcp_sender *t, const struct tcp_ack *ack, struct tally *y)
{
	struct tcp_block block[TCP_BLOCKS];
	unsigned first = 0, count = 0;

	if (is_dsack(ack)) {
		first = 1;
		y->dsack = true;
		t->dsack_pending = true;
		t->reordering_seen = true;
		if (t->undo && t->undo_resent > 0 && ack->block[0].to > t->undo_from)
			t->undo_resent--;
	}
	for (unsigned i = first; i < ack->blocks; i++)
		block[count++] = ack->block[i];
	sort_blocks(block, count);
	for (unsigned i = 0; i < count; i++)
		sack_block(t, block[i], y);
	memcpy(t->seen, block, count * sizeof(block[0]));
	t->seens = count;
}

static void acknowledge(struct tcp_sender *t, uint64_t ack, struct tally *y)
{
	for (; t->una < ack; t->una++) {
		struct tcp_sent *p = sent(t, t->una);

		y->advanced = true;
		if (p->sacked) {
			t->sacked--;
			continue;
		}
		if (!p->ever_resent) {
			y->newest = p->at;
			if (y->oldest == 0)
				y->oldest = p->at;
		}
		came(t, t->una, y);
	}
	if (t->lost_from < t->una)
		t->lost_from = t->una;
}

/* tcp_check_sack_reordering() */
static void note_reordering(struct tcp_sender *t, uint64_t lowest)
{
	uint64_t by;

	if (lowest >= t->highest_sacked)
		return;
	by = t->highest_sacked - lowest;
	if (by > t->reordering)
		t->reordering = by < 300 ? (uint32_t)by : 300;
	t->reordering_seen = true;
}

/* --- RACK ---------------------------------------------------------------- */

/* tcp_rack_update_reo_wnd(): wider by a step for each round trip with a DSACK. */
static void widen_reordering(struct tcp_sender *t, const struct tally *y)
{
	if (y->prior_delivered < t->reorder_delivered)
		t->dsack_pending = false;
	if (t->dsack_pending) {
		t->reorder_steps = t->reorder_steps < 255 ? t->reorder_steps + 1 : 255;
		t->dsack_pending = false;
		t->reorder_delivered = t->delivered;
		t->reorder_persist = PERSIST;
	} else if (t->reorder_persist == 0) {
		t->reorder_steps = 1;
	}
}

static nsec_t reordering_window(const struct tcp_sender *t)
{
	if (!t->reordering_seen && (t->state >= TCP_RECOVERY || t->sacked >= REORDERING))
		return 0;
	return nsec_min(t->min_rtt / 4 * t->reorder_steps, srtt(t));
}

static void mark_lost(struct tcp_sender *t, uint64_t segment)
{
	struct tcp_sent *p = sent(t, segment);

	if (p->resent) {
		p->resent = false;
		t->resent--;
	}
	if (!p->lost) {
		p->lost = true;
		t->lost++;
	}
	if (segment < t->lost_from)
		t->lost_from = segment;
	unlist(t, segment);
}

/* tcp_rack_detect_loss(); returns how long until the next may be judged, 0: nothing waits. */
static nsec_t judge(struct tcp_sender *t, struct tally *y)
{
	nsec_t patience = t->rack_rtt + reordering_window(t), wait = 0;
	uint64_t i = t->first;

	while (i != NONE) {
		struct tcp_sent *p = sent(t, i);
		uint64_t later = p->later;
		nsec_t age = y->now - p->at;

		if (p->at > t->rack_sent_at || (p->at == t->rack_sent_at && i >= t->rack_segment))
			break;
		if (age >= patience) {
			mark_lost(t, i);
			y->lost++;
		} else {
			wait = nsec_max(wait, patience - age);
		}
		i = later;
	}
	return wait;
}

static void find_lost(struct tcp_sender *t, struct tally *y)
{
	nsec_t wait;

	if (!t->rack_advanced)
		return;
	t->rack_advanced = false;
	wait = judge(t, y);
	t->reorder_at = wait != 0 ? y->now + wait + TIMER_SLACK : NSEC_NEVER;
}

/* --- recovery, and what undoes it ---------------------------------------- */

static void remember(struct tcp_sender *t)
{
	uint32_t window = t->cubic.window, threshold = t->cubic.threshold;

	t->prior_window = window;
	t->prior_threshold = threshold == CUBIC_FAR || threshold > window * 3 / 4 ? threshold :
			     window * 3 / 4;
	t->undo = true;
	t->undo_from = t->una;
	t->undo_resent = t->resent > 0 ? (int64_t)t->resent : -1;
	t->first_resent_at = 0;
}

static void enter_recovery(struct tcp_sender *t)
{
	remember(t);
	t->stats.recoveries++;
	if (t->reorder_persist > 0)
		t->reorder_persist--;
	t->high = t->next;
	t->prr_delivered = t->prr_out = 0;
	cubic_lost(&t->cubic);
	t->state = TCP_RECOVERY;
	t->probe_at = NSEC_NEVER;
}

static void undo(struct tcp_sender *t, bool forgive)
{
	if (forgive)
		for (uint64_t i = t->una; i < t->next; i++)
			if (sent(t, i)->lost) {
				sent(t, i)->lost = false;
				t->lost--;
				if (!sent(t, i)->listed && !sent(t, i)->sacked)
					list_last(t, i);
			}
	if (t->cubic.window < t->prior_window)
		t->cubic.window = t->prior_window;
	if (t->prior_threshold > t->cubic.threshold)
		t->cubic.threshold = t->prior_threshold;
	t->undo = false;
	t->rack_advanced = true;
	t->stats.undone++;
}

/* tcp_packet_delayed(): the answer is to something sent before anything was resent. */
static bool was_delayed(const struct tcp_sender *t, const struct tally *y)
{
	return y->has_echo && t->first_resent_at != 0 &&
	       y->echo < t->first_resent_at / MSEC(1) * MSEC(1);
}

static bool may_undo(const struct tcp_sender *t, const struct tally *y)
{
	return t->undo && (t->undo_resent == 0 || was_delayed(t, y));
}

static void open_or_disorder(struct tcp_sender *t)
{
	t->state = t->sacked > 0 || t->lost > 0 ? TCP_DISORDER : TCP_OPEN;
}

/* Everything that was out when it began has come. */
static void leave(struct tcp_sender *t, const struct tally *y)
{
	if (may_undo(t, y))
		undo(t, false);
	else if (t->state == TCP_RECOVERY)
		t->cubic.window = t->cubic.threshold;
	t->undo = false;
	t->first_resent_at = 0;
	open_or_disorder(t);
}

/* tcp_cwnd_reduction(): one out for what one in allows, down to the threshold. */
static void reduce(struct tcp_sender *t, const struct tally *y)
{
	int64_t pipe = (int64_t)tcp_sender_in_flight(t), threshold = t->cubic.threshold;
	int64_t delta = threshold - pipe, more;

	if (y->arrived == 0)
		return;
	t->prr_delivered += y->arrived;
	if (delta < 0) {
		int64_t share = threshold * t->prr_delivered + t->prior_window - 1;

		more = share / t->prior_window - t->prr_out;
	} else {
		more = (int64_t)t->prr_delivered - t->prr_out;
		if (more < y->arrived)
			more = y->arrived;
		if (y->advanced && y->lost == 0)
			more++;
		if (more > delta)
			more = delta;
	}
	if (more < (t->prr_out == 0 ? 1 : 0))
		more = t->prr_out == 0 ? 1 : 0;
	t->cubic.window = (uint32_t)(pipe + more);
}

static void in_recovery(struct tcp_sender *t, struct tally *y)
{
	if (y->advanced && t->undo && was_delayed(t, y)) {
		/* tcp_try_undo_partial(): what is out may still come by itself */
		if (t->resent == 0) {
			undo(t, true);
			open_or_disorder(t);
			return;
		}
	} else if (y->dsack && t->undo && t->undo_resent == 0) {
		undo(t, false);
		open_or_disorder(t);
	}
	find_lost(t, y);
	if (t->state != TCP_RECOVERY && t->lost > 0)
		enter_recovery(t);
}

static void in_loss(struct tcp_sender *t, struct tally *y)
{
	if (t->undo && (y->original || (y->advanced && may_undo(t, y)))) {
		undo(t, true);
		open_or_disorder(t);
	}
	find_lost(t, y);
}

static void alert(struct tcp_sender *t, struct tally *y)
{
	if (t->state >= TCP_RECOVERY && t->una >= t->high)
		leave(t, y);
	switch (t->state) {
	case TCP_RECOVERY:
		in_recovery(t, y);
		return;
	case TCP_LOSS:
		in_loss(t, y);
		return;
	case TCP_OPEN:
	case TCP_DISORDER:
		break;
	}
	if (y->dsack && t->undo && t->undo_resent == 0)
		undo(t, false);
	find_lost(t, y);
	if (t->lost > 0)
		enter_recovery(t);
	else
		open_or_disorder(t);
}

/* tcp_cong_control() */
static void control(struct tcp_sender *t, const struct tally *y)
{
	bool progress = t->reordering > REORDERING ? y->arrived > 0 : y->advanced;

	if (t->state == TCP_RECOVERY)
		reduce(t, y);
	else if (progress && window_limits(t))
		cubic_grow(&t->cubic, y->arrived, y->now);
}

void tcp_sender_ack(struct tcp_sender *t, const struct tcp_ack *ack, nsec_t now)
{
	struct tally y = { .now = now, .prior_una = t->una, .prior_delivered = t->delivered,
			   .lowest = NONE, .echo = ack->echo, .has_echo = ack->has_echo };

	if (ack->ack > t->next)
		return;
	if (ack->ack >= t->una && ack->right > t->right)
		t->right = ack->right;
	read_blocks(t, ack, &y);
	acknowledge(t, ack->ack, &y);
	sample(t, &y);
	note_reordering(t, y.lowest);
	widen_reordering(t, &y);
	if (y.advanced)
		t->probed = false;
	if (t->state != TCP_OPEN || y.dsack || t->sacked > 0 || t->rack_advanced)
		alert(t, &y);
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
		remember(t);
		cubic_lost(&t->cubic);
	}
	t->stats.timeouts++;
	for (uint64_t i = t->una; i < t->next; i++) {
		const struct tcp_sent *p = sent(t, i);

		if (!p->sacked && (i == t->una || now - p->at >= t->rack_rtt + reordering_window(t)))
			mark_lost(t, i);
	}
	if (t->state <= TCP_DISORDER && t->sacked >= t->reordering)
		t->reordering = REORDERING;
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
	else if (out(t) > 0 && !sent(t, t->next - 1)->sacked)
		send_again(t, t->next - 1, now);
	t->rto_at = now + tcp_sender_rto(t);
}

/* tcp_rack_reo_timeout() */
static void reordering_is_over(struct tcp_sender *t, nsec_t now)
{
	struct tally y = { .now = now, .arrived = 1 };
	uint64_t before = tcp_sender_in_flight(t);

	t->reorder_at = NSEC_NEVER;
	t->rack_advanced = true;
	find_lost(t, &y);
	if (tcp_sender_in_flight(t) == before)
		return;
	if (t->state < TCP_RECOVERY) {
		enter_recovery(t);
		reduce(t, &y);
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
	if (now >= t->rto_at && out(t) > 0)
		time_out(t, now);
}
