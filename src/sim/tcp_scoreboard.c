/* tcp_scoreboard: which of the segments under way have come; see tcp_sender_state.h. */
#include "sim/tcp_sender_state.h"

#include <string.h>

/* --- the list of what is under way, by time ------------------------------ */

void scoreboard_unlist(struct tcp_sender *t, uint64_t segment)
{
	struct tcp_sent *p = tcp_sent(t, segment);

	if (!p->listed)
		return;
	p->listed = false;
	if (p->earlier != TCP_NONE)
		tcp_sent(t, p->earlier)->later = p->later;
	else
		t->first = p->later;
	if (p->later != TCP_NONE)
		tcp_sent(t, p->later)->earlier = p->earlier;
	else
		t->last = p->earlier;
}

void scoreboard_list_last(struct tcp_sender *t, uint64_t segment)
{
	struct tcp_sent *p = tcp_sent(t, segment);

	scoreboard_unlist(t, segment);
	p->listed = true;
	p->earlier = t->last;
	p->later = TCP_NONE;
	if (t->last != TCP_NONE)
		tcp_sent(t, t->last)->later = segment;
	else
		t->first = segment;
	t->last = segment;
}

/* --- the scoreboard ------------------------------------------------------ */

/* tcp_rack_advance(): the latest sent of all that came. */
static void rack_advance(struct tcp_sender *t, uint64_t segment, nsec_t now)
{
	const struct tcp_sent *p = tcp_sent(t, segment);
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

static void came(struct tcp_sender *t, uint64_t segment, struct tcp_tally *y)
{
	struct tcp_sent *p = tcp_sent(t, segment);

	y->arrived++;
	t->delivered++;
	if (p->at >= y->latest_at) {
		y->latest_at = p->at;
		y->prior_delivered = p->delivered;
	}
	rack_advance(t, segment, y->now);
	if (!p->ever_resent) {
		y->original |= p->lost;
		if (segment < t->highest_sacked && segment < y->lowest)
			y->lowest = segment;
	}
	forget_flags(t, p);
	scoreboard_unlist(t, segment);
}

static void sack_range(struct tcp_sender *t, uint64_t from, uint64_t to, struct tcp_tally *y)
{
	for (uint64_t i = from > t->una ? from : t->una; i < to && i < t->next; i++) {
		struct tcp_sent *p = tcp_sent(t, i);

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
static void sack_block(struct tcp_sender *t, struct tcp_block b, struct tcp_tally *y)
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

void scoreboard_read_blocks(struct tcp_sender *t, const struct tcp_ack *ack, struct tcp_tally *y)
{
	struct tcp_block block[TCP_BLOCKS];
	unsigned first = 0, count = 0;

	if (is_dsack(ack)) {
		first = 1;
		y->dsack = true;
		t->dsack_pending |= t->reordering_seen;
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

void scoreboard_acknowledge(struct tcp_sender *t, uint64_t ack, struct tcp_tally *y)
{
	for (; t->una < ack; t->una++) {
		struct tcp_sent *p = tcp_sent(t, t->una);

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

void scoreboard_note_reordering(struct tcp_sender *t, uint64_t lowest)
{
	uint64_t by;

	if (lowest >= t->highest_sacked)
		return;
	by = t->highest_sacked - lowest;
	if (by > t->reordering)
		t->reordering = by < 300 ? (uint32_t)by : 300;
	t->reordering_seen = true;
}
