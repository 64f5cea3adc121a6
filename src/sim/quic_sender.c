/* quic_sender: see quic_sender.h.  Names in capitals are those of RFC 9002, appendix A. */
#include "sim/quic_sender.h"

#include <stdlib.h>

#include "sim/must.h"

#define PACKET_THRESHOLD	3
#define GRANULARITY		MSEC(1)
#define INITIAL_RTT		MSEC(333)
#define MAX_ACK_DELAY		MSEC(25)
#define INITIAL_WINDOW		10
#define MINIMUM_WINDOW		2
#define BURST			10	/* packets that leave at once after a pause */
#define PACING_GAIN		5 / 4
#define PROBE_PACKETS		2
#define ROUND_SAMPLES		8	/* N_RTT_SAMPLE */
#define CAUTIOUS_ROUNDS		5	/* CSS_ROUNDS */
#define CAUTIOUS_DIVISOR	4	/* CSS_GROWTH_DIVISOR */

void quic_sender_init(struct quic_sender *q, bool reno, nsec_t now)
{
	*q = (struct quic_sender){ .reno = reno, .loss_at = NSEC_NEVER, .probe_at = NSEC_NEVER, .free_at = now };
	q->ring = calloc(QUIC_RING, sizeof(*q->ring));
	q->again = calloc(QUIC_RING, sizeof(*q->again));
	must_have(q->ring);
	must_have(q->again);
	cubic_init(&q->cubic, INITIAL_WINDOW, false);
	q->start.least = q->start.last = NSEC_NEVER;
}

void quic_sender_done(struct quic_sender *q)
{
	free(q->ring);
	free(q->again);
	q->ring = NULL;
	q->again = NULL;
}

static struct quic_sent *sent_at(const struct quic_sender *q, uint64_t number)
{
	return &q->ring[number % QUIC_RING];
}

/* --- sending ------------------------------------------------------------- */

static nsec_t pto(const struct quic_sender *q)
{
	nsec_t base = q->srtt != 0 ? q->srtt + nsec_max(4 * q->var, GRANULARITY) + MAX_ACK_DELAY : 2 * INITIAL_RTT;

	return base << (q->probes < 10 ? q->probes : 10);
}

static void send_chunk(struct quic_sender *q, uint64_t chunk, nsec_t now)
{
	uint64_t number = q->next++;

	*sent_at(q, number) = (struct quic_sent){ .at = now, .chunk = chunk, .state = QUIC_OUT };
	q->in_flight++;
	q->probe_at = now + pto(q);
	q->send(q->ctx, number, chunk);
}

static uint64_t chunk_to_send(struct quic_sender *q)
{
	return q->again_from < q->again_to ? q->again[q->again_from++ % QUIC_RING] : q->next_chunk++;
}

static bool has_chunk(const struct quic_sender *q)
{
	return q->again_from < q->again_to || !q->stopped;
}

static bool has_room(const struct quic_sender *q)
{
	return q->in_flight < q->cubic.window && q->next - q->oldest < QUIC_RING;
}

static nsec_t packet_time(const struct quic_sender *q)
{
	nsec_t rtt = q->srtt != 0 ? q->srtt : INITIAL_RTT;

	return rtt / (q->cubic.window * PACING_GAIN);
}

static void send_all(struct quic_sender *q, nsec_t now)
{
	while (has_chunk(q) && has_room(q) && q->free_at <= now) {
		nsec_t pause = packet_time(q);

		q->free_at = nsec_max(q->free_at, now > BURST * pause ? now - BURST * pause : 0) + pause;
		send_chunk(q, chunk_to_send(q), now);
	}
	/* RFC 9002 §7.8: who only waits for his pacer is not limited by what there is to send */
	q->limited = !has_room(q) || (has_chunk(q) && q->free_at > now);
}

/* --- acknowledgements ---------------------------------------------------- */

static void sample(struct quic_sender *q, nsec_t rtt, nsec_t delay)
{
	nsec_t off;

	delay = nsec_min(delay, MAX_ACK_DELAY);
	q->latest = rtt > delay + GRANULARITY ? rtt - delay : rtt;
	if (q->sampled != NULL)
		q->sampled(q->ctx, q->latest);
	if (q->srtt == 0) {
		q->srtt = q->latest;
		q->var = q->latest / 2;
		return;
	}
	off = q->srtt > q->latest ? q->srtt - q->latest : q->latest - q->srtt;
	q->var = (3 * q->var + off) / 4;
	q->srtt = (7 * q->srtt + q->latest) / 8;
}

static bool is_recovering(const struct quic_sender *q, nsec_t sent)
{
	return q->recovering_since != 0 && sent <= q->recovering_since;
}

/* RFC 9406 §4.2, for a sender that paces: there is no limit L. */
static void begin_round(struct quic_sender *q)
{
	struct quic_start *s = &q->start;

	s->last = s->least;
	s->least = NSEC_NEVER;
	s->samples = 0;
	s->round_ends = q->next;
	if (s->cautious > 0 && --s->cautious == 0)
		q->cubic.threshold = q->cubic.window;
}

static void note_round_trip(struct quic_sender *q)
{
	struct quic_start *s = &q->start;

	s->least = nsec_min(s->least, q->latest);
	if (++s->samples < ROUND_SAMPLES || !cubic_slow_start(&q->cubic))
		return;
	if (s->cautious > 0 && s->least < s->baseline) {
		s->cautious = 0;
	} else if (s->cautious == 0 && s->last != NSEC_NEVER &&
		   s->least >= s->last + nsec_clamp(s->last / 8, MSEC(4), MSEC(16))) {
		s->baseline = s->least;
		s->cautious = CAUTIOUS_ROUNDS;
	}
}

static double growth_of_one(const struct quic_sender *q)
{
	if (!cubic_slow_start(&q->cubic))
		return 1.0 / q->cubic.window;
	return q->start.cautious > 0 ? 1.0 / CAUTIOUS_DIVISOR : 1;
}

static void grow(struct quic_sender *q, uint32_t packets, nsec_t now)
{
	if (!q->limited)
		return;
	for (; packets > 0; packets--) {
		if (!q->reno && !cubic_slow_start(&q->cubic)) {
			cubic_grow(&q->cubic, packets, now);
			return;
		}
		q->credit += growth_of_one(q);
		if (q->credit >= 1) {
			q->credit -= 1;
			q->cubic.window++;
		}
	}
}

/* True: that was news.  *good: packets that the window may grow by. */
static bool acked(struct quic_sender *q, uint64_t number, uint32_t *good)
{
	struct quic_sent *s = sent_at(q, number);

	if (q->next - number > QUIC_RING || s->state == QUIC_SETTLED)
		return false;
	if (s->state == QUIC_LOST) {
		q->spurious++;
	} else {
		q->in_flight--;
		*good += !is_recovering(q, s->at);
	}
	s->state = QUIC_SETTLED;
	return true;
}

/* OnCongestionEvent: once for all that was sent before it was noticed. */
static void lose_window(struct quic_sender *q, nsec_t sent, nsec_t now)
{
	if (is_recovering(q, sent))
		return;
	q->recovering_since = now;
	q->losses++;
	if (q->reno)
		q->cubic.threshold = q->cubic.window / 2;
	else
		cubic_lost(&q->cubic);
	if (q->cubic.threshold < MINIMUM_WINDOW)
		q->cubic.threshold = MINIMUM_WINDOW;
	q->cubic.window = q->cubic.threshold;
}

static void detect_lost(struct quic_sender *q, nsec_t now)
{
	nsec_t delay = nsec_max(nsec_max(q->srtt, q->latest) * 9 / 8, GRANULARITY);

	q->loss_at = NSEC_NEVER;
	for (uint64_t n = q->oldest; q->any_acked && n < q->largest_acked; n++) {
		struct quic_sent *s = sent_at(q, n);

		if (s->state != QUIC_OUT)
			continue;
		if (q->largest_acked - n < PACKET_THRESHOLD && s->at + delay > now) {
			q->loss_at = nsec_min(q->loss_at, s->at + delay);
			continue;
		}
		s->state = QUIC_LOST;
		q->in_flight--;
		q->lost++;
		q->again[q->again_to++ % QUIC_RING] = s->chunk;
		lose_window(q, s->at, now);
	}
	while (q->oldest < q->next && sent_at(q, q->oldest)->state != QUIC_OUT)
		q->oldest++;
}

void quic_sender_ack(struct quic_sender *q, const struct frame_run *run, size_t runs, nsec_t delay, nsec_t now)
{
	uint64_t largest = run[0].last;
	uint64_t losses = q->losses;
	uint32_t good = 0;
	nsec_t rtt = 0;
	bool news = false;

	must(largest < q->next, "an ACK of what was never sent");
	if ((!q->any_acked || largest > q->largest_acked) && sent_at(q, largest)->state == QUIC_OUT)
		rtt = now - sent_at(q, largest)->at;
	if (q->any_acked && largest >= q->start.round_ends)
		begin_round(q);
	if (rtt != 0) {
		sample(q, rtt, delay);
		note_round_trip(q);
	}
	for (size_t i = 0; i < runs; i++)
		for (uint64_t n = run[i].last + 1; n-- > run[i].first;)
			news |= acked(q, n, &good);
	if (!q->any_acked || largest > q->largest_acked)
		q->largest_acked = largest;
	q->any_acked = true;
	detect_lost(q, now);
	if (q->losses == losses)
		grow(q, good, now);
	if (news) {
		q->probes = 0;
		q->probe_at = q->in_flight > 0 ? now + pto(q) : NSEC_NEVER;
		cubic_sample(&q->cubic, &(struct cubic_ack){ .now = now, .rtt = rtt, .una = q->oldest,
							     .next = q->next });
	}
	send_all(q, now);
}

/* --- time ---------------------------------------------------------------- */

/* OnLossDetectionTimeout: what is oldest is said again, whatever the window says. */
static void probe(struct quic_sender *q, nsec_t now)
{
	uint64_t n = q->oldest;

	q->probes++;
	for (unsigned i = 0; i < PROBE_PACKETS && q->next - q->oldest < QUIC_RING; i++, n++) {
		while (n < q->next && sent_at(q, n)->state != QUIC_OUT)
			n++;
		if (n == q->next)
			break;
		send_chunk(q, sent_at(q, n)->chunk, now);
	}
	q->probe_at = now + pto(q);
}

nsec_t quic_sender_due(const struct quic_sender *q)
{
	nsec_t at = nsec_min(q->loss_at, q->probe_at);

	return has_chunk(q) && has_room(q) ? nsec_min(at, q->free_at) : at;
}

void quic_sender_tick(struct quic_sender *q, nsec_t now)
{
	if (now >= q->loss_at)
		detect_lost(q, now);
	else if (now >= q->probe_at)
		probe(q, now);
	send_all(q, now);
}
