/* tcp_receiver: see tcp_receiver.h. */
#include "sim/tcp_receiver.h"

#include <stdlib.h>

#include "sim/must.h"


#define QUICK		16	/* TCP_MAX_QUICKACKS */
#define DELAY		MSEC(40)	/* TCP_DELACK_MIN */
#define AT_ONCE		3	/* TCP_FASTRETRANS_THRESH */
#define COMPRESSED_MAX	44	/* tcp_comp_sack_nr */
#define WINDOW_FIRST	65536

void tcp_receiver_init(struct tcp_receiver *r, size_t size)
{
	*r = (struct tcp_receiver){ .size = size, .quick = QUICK, .window = WINDOW_FIRST,
				    .copied_window = 10 * size, .delayed_at = NSEC_NEVER,
				    .compressed_at = NSEC_NEVER };
	r->held = calloc(TCP_RING / 8, 1);
	must_have(r->held);
}

void tcp_receiver_done(struct tcp_receiver *r)
{
	free(r->held);
	r->held = NULL;
}

static bool is_held(const struct tcp_receiver *r, uint64_t segment)
{
	return r->held[segment % TCP_RING / 8] >> segment % 8 & 1;
}

static void flip(struct tcp_receiver *r, uint64_t segment)
{
	r->held[segment % TCP_RING / 8] ^= (uint8_t)(1u << segment % 8);
}

static void answer(struct tcp_receiver *r)
{
	if (r->quick > 0)
		r->quick--;
	r->delayed_at = r->compressed_at = NSEC_NEVER;
	r->compressed = 0;
	r->reply(r->ctx);
}

/* --- the window ---------------------------------------------------------- */

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

/* tcp_rcv_space_adjust(): room for twice what the last round trip brought, and growth. */
static void size_window(struct tcp_receiver *r, nsec_t now)
{
	uint64_t copied = (r->next - r->round_next) * r->size, want;

	if (r->rtt == 0 || now - r->round_at < r->rtt)
		return;
	if (copied > r->copied_window) {
		want = 2 * copied + 16 * r->size;
		want += 2 * (want * (copied - r->copied_window) / r->copied_window);
		if (want > r->window)
			r->window = at_most(want, TCP_WINDOW_MAX);
		r->copied_window = copied;
	}
	r->round_at = now;
	r->round_next = r->next;
}

/* tcp_grow_window(): at the start, two segments for each that comes. */
static void open_window(struct tcp_receiver *r)
{
	if (r->next * r->size < 10 * WINDOW_FIRST)
		r->window = at_most(r->window + 2 * r->size, TCP_WINDOW_MAX);
}

/* tcp_rcv_rtt_update(): smoothed, and slowly towards more. */
static void note_rtt(struct tcp_receiver *r, nsec_t rtt)
{
	if (rtt == 0)
		return;
	r->rtt = r->rtt == 0 ? rtt : r->rtt - r->rtt / 8 + rtt / 8;
}

/* --- blocks -------------------------------------------------------------- */

static void remove_block(struct tcp_receiver *r, unsigned i)
{
	r->blocks--;
	for (; i < r->blocks; i++)
		r->block[i] = r->block[i + 1];
}

/* tcp_sack_new_ofo_skb(): it joins what it touches, and that is told first. */
static void note_block(struct tcp_receiver *r, uint64_t segment)
{
	struct tcp_block b = { segment, segment + 1 };

	for (unsigned i = 0; i < r->blocks;) {
		const struct tcp_block *old = &r->block[i];

		if (old->from > b.to || old->to < b.from) {
			i++;
			continue;
		}
		b.from = old->from < b.from ? old->from : b.from;
		b.to = old->to > b.to ? old->to : b.to;
		remove_block(r, i);
	}
	if (r->blocks == TCP_BLOCKS)
		r->blocks--;
	for (unsigned i = r->blocks; i > 0; i--)
		r->block[i] = r->block[i - 1];
	r->block[0] = b;
	r->blocks++;
}

static void forget_blocks(struct tcp_receiver *r)
{
	for (unsigned i = 0; i < r->blocks;)
		if (r->block[i].to <= r->next)
			remove_block(r, i);
		else
			i++;
}

/* --- segments ------------------------------------------------------------ */

static void take_twice(struct tcp_receiver *r, uint64_t segment)
{
	r->duplicates++;
	r->twice = (struct tcp_block){ segment, segment + 1 };
	r->quick = QUICK;
	answer(r);
}

static void hold(struct tcp_receiver *r, uint64_t segment, nsec_t now)
{
	r->reordered++;
	flip(r, segment);
	r->holds++;
	note_block(r, segment);
	if (r->at_once < AT_ONCE) {
		r->at_once++;
		answer(r);
	} else if (++r->compressed >= COMPRESSED_MAX) {
		answer(r);
	} else if (r->compressed_at == NSEC_NEVER) {
		r->compressed_at = now + (r->rtt != 0 ? nsec_min(MSEC(1), r->rtt / 20) : MSEC(1));
	}
}

static void go_on(struct tcp_receiver *r, nsec_t now)
{
	bool held_some = r->holds > 0;

	r->next++;
	while (r->holds > 0 && is_held(r, r->next)) {
		flip(r, r->next++);
		r->holds--;
	}
	r->at_once = r->compressed = 0;
	forget_blocks(r);
	open_window(r);
	size_window(r, now);
	if (held_some || r->quick > 0 || r->next - r->acked >= 2)
		answer(r);
	else
		r->delayed_at = now + DELAY;
}

void tcp_receiver_take(struct tcp_receiver *r, uint64_t segment, nsec_t rtt, nsec_t now)
{
	note_rtt(r, rtt);
	if (segment >= r->next + TCP_RING)
		return;
	if (segment < r->next || (segment > r->next && is_held(r, segment)))
		take_twice(r, segment);
	else if (segment > r->next)
		hold(r, segment, now);
	else
		go_on(r, now);
}

void tcp_receiver_tell(struct tcp_receiver *r, unsigned max, struct tcp_ack *ret)
{
	*ret = (struct tcp_ack){ .ack = r->next, .right = r->next + r->window / r->size };
	if (r->twice.to != 0)
		ret->block[ret->blocks++] = r->twice;
	for (unsigned i = 0; i < r->blocks && ret->blocks < max; i++)
		ret->block[ret->blocks++] = r->block[i];
	r->twice.to = 0;
	r->acked = r->next;
}

nsec_t tcp_receiver_due(const struct tcp_receiver *r)
{
	return nsec_min(r->delayed_at, r->compressed_at);
}

void tcp_receiver_tick(struct tcp_receiver *r, nsec_t now)
{
	if (now >= tcp_receiver_due(r))
		answer(r);
}
