/* ack: see ack.h. */
#include "core/path/ack.h"

#include <string.h>

#include "core/path/transit.h"

void ack_init(struct ack *a)
{
	*a = (struct ack){ .due = NSEC_NEVER };
}

static void insert_run(struct ack *a, size_t at, uint64_t number)
{
	if (at == FRAME_ACK_RUNS)
		return;	/* older than all that is remembered */
	if (a->count == FRAME_ACK_RUNS)
		a->count--;
	memmove(&a->run[at + 1], &a->run[at], (a->count - at) * sizeof(a->run[0]));
	a->run[at] = (struct frame_run){ .first = number, .last = number };
	a->count++;
}

static void remove_run(struct ack *a, size_t at)
{
	a->count--;
	memmove(&a->run[at], &a->run[at + 1], (a->count - at) * sizeof(a->run[0]));
}

/* Adds the number; true when it opened a gap below itself. */
static bool remember(struct ack *a, uint64_t number)
{
	size_t i = 0;

	while (i < a->count && a->run[i].first > number + 1)
		i++;
	if (i < a->count && a->run[i].first == number + 1) {
		a->run[i].first = number;
		if (i + 1 < a->count && a->run[i + 1].last + 1 == number) {
			a->run[i].first = a->run[i + 1].first;
			remove_run(a, i + 1);
		}
		return false;
	}
	if (i < a->count && number <= a->run[i].last)
		return false;	/* known; the replay window keeps such away */
	if (i < a->count && a->run[i].last + 1 == number) {
		a->run[i].last = number;
		return false;
	}
	insert_run(a, i, number);
	return i == 0 && a->count > 1;
}

/* Whether it is the first of a row that a router marked: the sender wants to know at once. */
static bool count(struct ack *a, enum ecn ecn)
{
	bool was_congested = a->congested;

	a->counts.ect0 += ecn == ECN_ECT0;
	a->counts.ect1 += ecn == ECN_ECT1;
	a->counts.ce += ecn == ECN_CE;
	a->congested = ecn == ECN_CE;
	if (ecn != ECN_NOT_ECT)
		a->said = 0;
	return a->congested && !was_congested;
}

static bool has_counts(const struct ack *a)
{
	bool any = a->counts.ect0 != 0 || a->counts.ect1 != 0 || a->counts.ce != 0;

	return any && a->said < ACK_COUNTS_SAID;
}

void ack_received(struct ack *a, uint64_t number, enum ecn ecn, bool eliciting, nsec_t max_delay, nsec_t now)
{
	bool gap = remember(a, number), marked = count(a, ecn);

	if (a->run[0].last == number)
		a->largest_at = now;
	if (!eliciting)
		return;
	a->waiting++;
	a->due = nsec_min(a->due, now + nsec_min(max_delay, ACK_DELAY_MAX));
	if (gap || marked || (a->waiting >= 2 && nsec_since(a->written_at, now) >= ACK_DELAY_MAX))
		a->due = now;
}

void ack_at_once(struct ack *a, nsec_t now)
{
	a->due = now;
}

nsec_t ack_deadline(const struct ack *a)
{
	return a->due;
}

bool ack_is_waiting(const struct ack *a)
{
	return a->waiting > 0;
}

size_t ack_size(const struct ack *a)
{
	return a->count == 0 ? 0 : FRAME_ACK_HEADER + 4 * (a->count - 1) + (has_counts(a) ? FRAME_ACK_COUNTS : 0);
}

size_t ack_write(struct ack *a, uint8_t path, uint8_t *at, nsec_t now)
{
	const struct frame_came came = {
		.delay = nsec_since(a->largest_at, now), .clock = transit_clock(a->largest_at),
	};
	bool counts = has_counts(a);

	if (a->count == 0)
		return 0;
	a->said += counts;
	a->due = NSEC_NEVER;
	a->waiting = 0;
	a->written_at = now;
	return frame_write_ack(at, path, &came, a->run, a->count, counts ? &a->counts : NULL);
}
