/* tcp_recovery: what is lost, what that does to the window, and what undoes it. */
#include "sim/tcp_sender_state.h"

#define PERSIST		16	/* recoveries that a widened reordering window lasts */

/* --- RACK ---------------------------------------------------------------- */

/* A DSACK counts only when something came that was sent since the last one that counted. */
void recovery_widen_reordering(struct tcp_sender *t, const struct tcp_tally *y)
{
	if (y->latest_at == 0)
		return;
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

nsec_t recovery_reordering_window(const struct tcp_sender *t)
{
	if (!t->reordering_seen && (t->state >= TCP_RECOVERY || t->sacked >= TCP_REORDERING))
		return 0;
	return nsec_min(t->min_rtt / 4 * t->reorder_steps, tcp_srtt(t));
}

void recovery_mark_lost(struct tcp_sender *t, uint64_t segment)
{
	struct tcp_sent *p = tcp_sent(t, segment);

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
	scoreboard_unlist(t, segment);
}

/* tcp_rack_detect_loss(); returns how long until the next may be judged, 0: nothing waits. */
static nsec_t judge(struct tcp_sender *t, struct tcp_tally *y)
{
	nsec_t patience = t->rack_rtt + recovery_reordering_window(t), wait = 0;
	uint64_t i = t->first;

	while (i != TCP_NONE) {
		struct tcp_sent *p = tcp_sent(t, i);
		uint64_t later = p->later;
		nsec_t age = y->now - p->at;

		if (p->at > t->rack_sent_at || (p->at == t->rack_sent_at && i >= t->rack_segment))
			break;
		if (age >= patience) {
			recovery_mark_lost(t, i);
			y->lost++;
		} else {
			wait = nsec_max(wait, patience - age);
		}
		i = later;
	}
	return wait;
}

void recovery_find_lost(struct tcp_sender *t, struct tcp_tally *y)
{
	nsec_t wait;

	if (!t->rack_advanced)
		return;
	t->rack_advanced = false;
	wait = judge(t, y);
	t->reorder_at = wait != 0 ? y->now + wait + TCP_TIMER_SLACK : NSEC_NEVER;
}

/* --- recovery, and what undoes it ---------------------------------------- */

void recovery_remember(struct tcp_sender *t)
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

void recovery_enter(struct tcp_sender *t)
{
	recovery_remember(t);
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
			if (tcp_sent(t, i)->lost) {
				tcp_sent(t, i)->lost = false;
				t->lost--;
				if (!tcp_sent(t, i)->listed && !tcp_sent(t, i)->sacked)
					scoreboard_list_last(t, i);
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
static bool was_delayed(const struct tcp_sender *t, const struct tcp_tally *y)
{
	return y->has_echo && t->first_resent_at != 0 &&
	       y->echo < t->first_resent_at / MSEC(1) * MSEC(1);
}

static bool may_undo(const struct tcp_sender *t, const struct tcp_tally *y)
{
	return t->undo && (t->undo_resent == 0 || was_delayed(t, y));
}

static void open_or_disorder(struct tcp_sender *t)
{
	t->state = t->sacked > 0 || t->lost > 0 ? TCP_DISORDER : TCP_OPEN;
}

/* Everything that was out when it began has come. */
static void leave(struct tcp_sender *t, const struct tcp_tally *y)
{
	if (may_undo(t, y))
		undo(t, false);
	else if (t->state == TCP_RECOVERY)
		t->cubic.window = t->cubic.threshold;
	t->undo = false;
	t->first_resent_at = 0;
	open_or_disorder(t);
}

void recovery_reduce(struct tcp_sender *t, const struct tcp_tally *y)
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

static void in_recovery(struct tcp_sender *t, struct tcp_tally *y)
{
	if (y->advanced && t->undo && was_delayed(t, y)) {
		/* tcp_try_undo_partial(): what is out may still come by itself */
		scoreboard_note_reordering(t, y->prior_una);
		if (t->resent == 0) {
			undo(t, true);
			open_or_disorder(t);
			return;
		}
	} else if (y->dsack && t->undo && t->undo_resent == 0) {
		undo(t, false);
		open_or_disorder(t);
	}
	recovery_find_lost(t, y);
	if (t->state != TCP_RECOVERY && t->lost > 0)
		recovery_enter(t);
}

/* What was sent again and is lost again is news of the network, and costs as much as any. */
static void in_loss(struct tcp_sender *t, struct tcp_tally *y)
{
	uint64_t resent;

	if (t->undo && (y->original || (y->advanced && may_undo(t, y)))) {
		undo(t, true);
		open_or_disorder(t);
	}
	resent = t->resent;
	recovery_find_lost(t, y);
	if (t->resent < resent)
		recovery_enter(t);
}

void recovery_alert(struct tcp_sender *t, struct tcp_tally *y)
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
	recovery_find_lost(t, y);
	if (t->lost > 0)
		recovery_enter(t);
	else
		open_or_disorder(t);
}
