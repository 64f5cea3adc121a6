/* loss: see loss.h. */
#include "core/path/loss.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RTT_UNKNOWN	MSEC(333)
#define LOSS_GAIN	512	/* datagrams over which loss_ppm averages */

enum { RECORD_SETTLED, RECORD_IN_FLIGHT, RECORD_LOST, RECORD_PROBE };	/* two bits */

static struct loss_record *record_of(const struct loss *l, uint64_t number)
{
	return &l->record[number % LOSS_WINDOW];
}

int loss_init(struct loss *l)
{
	*l = (struct loss){ .loss_at = NSEC_NEVER };
	return loss_wake(l) ? 0 : -ENOMEM;
}

void loss_done(struct loss *l)
{
	free(l->record);
	l->record = NULL;
}

/* What was never written need not be cleared, or it would be memory from then on. */
void loss_reset(struct loss *l)
{
	struct loss_record *record = l->record;
	uint64_t written = l->next < LOSS_WINDOW ? l->next : LOSS_WINDOW;

	if (record != NULL)
		memset(record, 0, written * sizeof(*record));
	*l = (struct loss){ .record = record, .loss_at = NSEC_NEVER };
}

void loss_rest(struct loss *l)
{
	if (l->oldest == l->next)
		loss_done(l);
}

bool loss_wake(struct loss *l)
{
	if (l->record == NULL)
		l->record = calloc(LOSS_WINDOW, sizeof(*l->record));
	return l->record != NULL;
}

static void settle(struct loss *l, bool lost)
{
	uint32_t goal = lost ? 1000000 : 0;

	l->loss_ppm += ((int32_t)goal - (int32_t)l->loss_ppm) / LOSS_GAIN;
}

static void give_up(struct loss *l, struct loss_record *r, nsec_t now,
		    const struct loss_observer *to)
{
	r->state = RECORD_LOST;
	l->in_flight -= r->len;
	l->lost++;
	if (r->sent_at >= l->silent_until)
		settle(l, true);
	to->lost(to->ctx, r, now);
}

static bool is_out(const struct loss_record *r)
{
	return r->state == RECORD_IN_FLIGHT || r->state == RECORD_PROBE;
}

/* Move the lower end past everything that is settled. */
static void advance(struct loss *l)
{
	while (l->oldest < l->next && record_of(l, l->oldest)->state != RECORD_IN_FLIGHT)
		l->oldest++;
}

uint64_t loss_sent(struct loss *l, uint32_t len, uint32_t content, bool eliciting, nsec_t now,
		   const struct loss_observer *to)
{
	uint64_t number = l->next++;
	struct loss_record *r = record_of(l, number);

	if (number >= l->oldest + LOSS_WINDOW && r->state == RECORD_IN_FLIGHT)
		give_up(l, r, now, to);
	*r = (struct loss_record){
		.sent_at = now,
		.content = content,
		.len = (uint16_t)len,
		.state = eliciting ? RECORD_IN_FLIGHT : RECORD_SETTLED,
	};
	if (eliciting) {
		r->stamp = delivery_sent(&l->delivery, l->in_flight, now);
		l->in_flight += len;
		l->sent++;
	}
	if (l->next > LOSS_WINDOW && l->oldest < l->next - LOSS_WINDOW)
		l->oldest = l->next - LOSS_WINDOW;
	advance(l);
	return number;
}

uint64_t loss_sent_probe(struct loss *l, uint32_t len, nsec_t now, const struct loss_observer *to)
{
	uint64_t number = loss_sent(l, len, 0, false, now, to);

	record_of(l, number)->state = RECORD_PROBE;
	return number;
}

static bool probe_arrived(struct loss_record *r, nsec_t now, const struct loss_observer *to)
{
	r->state = RECORD_SETTLED;
	if (to->probed != NULL)
		to->probed(to->ctx, r, now);
	return true;
}

void loss_forget_order(struct loss *l, nsec_t now)
{
	order_forget(&l->order, now);
}

static nsec_t round_trip(const struct loss *l)
{
	return nsec_max(rtt_or(&l->rtt, RTT_UNKNOWN), l->rtt.latest);
}

/* How late it came; before: the largest known until now. */
static void note_order(struct loss *l, const struct loss_record *r, uint64_t number, uint64_t before, nsec_t now)
{
	bool held_lost = r->state == RECORD_LOST;
	uint64_t newest = held_lost ? l->largest_acked : before;

	if (newest > number)
		order_late(&l->order, r->sent_at,
			   (struct lateness){ .packets = newest - number + 1,
					      .time = nsec_since(r->sent_at + round_trip(l), now) },
			   rtt_or(&l->rtt, RTT_UNKNOWN), held_lost);
}

/* One datagram is acknowledged; true when it was news.  before: the largest known until now. */
static bool arrived(struct loss *l, uint64_t number, uint64_t before, struct delivery_sample *sample, nsec_t now,
		    const struct loss_observer *to)
{
	struct loss_record *r = record_of(l, number);

	if (r->state == RECORD_SETTLED)
		return false;
	if (r->state == RECORD_PROBE)
		return probe_arrived(r, now, to);
	note_order(l, r, number, before, now);
	if (r->state == RECORD_LOST) {
		l->spurious++;
	} else {
		l->in_flight -= r->len;
		l->answered++;
		settle(l, false);
	}
	r->state = RECORD_SETTLED;
	delivery_acked(&l->delivery, &r->stamp, r->len, r->sent_at, sample);
	if (to->acked != NULL)
		to->acked(to->ctx, r, now);
	return true;
}

static void detect(struct loss *l, nsec_t now, const struct loss_observer *to)
{
	nsec_t delay = round_trip(l) + order_time(&l->order, round_trip(l));
	unsigned threshold = order_packets(&l->order);

	l->loss_at = NSEC_NEVER;
	if (!l->any_acked)
		return;
	for (uint64_t n = l->oldest; n < l->largest_acked; n++) {
		struct loss_record *r = record_of(l, n);

		if (r->state != RECORD_IN_FLIGHT)
			continue;
		if (l->largest_acked - n >= threshold || r->sent_at + delay <= now) {
			order_lost(&l->order, n, l->next);
			give_up(l, r, now, to);
			continue;
		}
		/* later ones were sent later: theirs passes later */
		l->loss_at = r->sent_at + delay;
		break;
	}
	advance(l);
}

bool loss_ack(struct loss *l, const struct frame_run *runs, size_t count, const struct frame_came *came, nsec_t now,
	      const struct loss_observer *to, bool *ret_new)
{
	uint64_t largest = runs[0].last, before = l->any_acked ? l->largest_acked : 0;
	uint64_t floor = l->next > LOSS_WINDOW ? l->next - LOSS_WINDOW : 0;
	struct delivery_sample sample = { 0 };
	nsec_t largest_sent_at;
	bool news = false;

	if (largest >= l->next || l->record == NULL)
		return false;
	largest_sent_at = record_of(l, largest)->sent_at;
	if (largest >= floor && is_out(record_of(l, largest)) && (!l->any_acked || largest > l->largest_acked)) {
		rtt_sample(&l->rtt, nsec_since(largest_sent_at, now), came->delay);
		sample.rtt = l->rtt.latest;
		sample.clean_rtt = transit_rtt(&l->transit, largest_sent_at, came->clock, sample.rtt, now);
		l->clean_at = nsec_max(l->clean_at, largest_sent_at + sample.clean_rtt);
	}
	sample.at = l->clean_at;
	if (!l->any_acked || largest > l->largest_acked)
		l->largest_acked = largest;
	l->any_acked = true;
	for (size_t i = 0; i < count; i++) {
		/* what is settled needs no second look, but what was given up may turn up */
		uint64_t first = runs[i].first > floor ? runs[i].first : floor;

		if (runs[i].last < l->oldest && l->oldest - runs[i].last > ORDER_MAX)
			break;
		if (l->oldest > ORDER_MAX && first < l->oldest - ORDER_MAX)
			first = l->oldest - ORDER_MAX;
		for (uint64_t n = runs[i].last + 1; n-- > first;)
			news |= arrived(l, n, before, &sample, now, to);
	}
	advance(l);
	detect(l, now, to);
	if (news && to->progress != NULL) {
		delivery_finish(&l->delivery, &sample);
		to->progress(to->ctx, &sample, now);
	}
	*ret_new = news;
	return true;
}

void loss_tick(struct loss *l, nsec_t now, const struct loss_observer *to)
{
	if (now >= l->loss_at)
		detect(l, now, to);
}

void loss_attach(struct loss *l, uint64_t number, uint32_t copy, uint8_t copies, enum ecn ecn)
{
	record_of(l, number)->copy = copy;
	record_of(l, number)->copies = copies;
	record_of(l, number)->ecn = (uint8_t)ecn & 3;
}

void loss_doubt(struct loss *l, nsec_t now, const struct loss_observer *to)
{
	for (uint64_t n = l->doubted > l->oldest ? l->doubted : l->oldest; n < l->next; n++) {
		struct loss_record *r = record_of(l, n);

		if (r->state != RECORD_IN_FLIGHT)
			continue;
		to->doubted(to->ctx, r, now);
		r->doubted = true;
	}
	l->doubted = l->next;
}

void loss_abandon(struct loss *l, nsec_t now, const struct loss_observer *to)
{
	for (uint64_t n = l->oldest; n < l->next; n++)
		if (record_of(l, n)->state == RECORD_IN_FLIGHT)
			give_up(l, record_of(l, n), now, to);
	l->oldest = l->next;
	l->loss_at = NSEC_NEVER;
	l->order.since = now;	/* they may turn up yet, which is no reordering */
}

void loss_silence(struct loss *l)
{
	l->silent_until = NSEC_NEVER;
}

void loss_silence_ends(struct loss *l, nsec_t now)
{
	l->silent_until = now;
}

void loss_trust(struct loss *l, uint32_t loss_ppm)
{
	l->loss_ppm = l->loss_ppm < loss_ppm ? l->loss_ppm : loss_ppm;
}

bool loss_is_full(const struct loss *l)
{
	return l->next >= l->oldest + LOSS_WINDOW;
}

nsec_t loss_oldest_sent_at(const struct loss *l)
{
	return l->oldest < l->next ? record_of(l, l->oldest)->sent_at : NSEC_NEVER;
}
