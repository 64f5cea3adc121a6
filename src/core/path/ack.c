/* ack: see ack.h. */
#include "core/path/ack.h"

#include <string.h>

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

void ack_received(struct ack *a, uint64_t number, bool eliciting, nsec_t max_delay, nsec_t now)
{
	bool gap = remember(a, number);

	if (a->run[0].last == number)
		a->largest_at = now;
	if (!eliciting)
		return;
	a->waiting++;
	a->due = nsec_min(a->due, now + nsec_min(max_delay, ACK_DELAY_MAX));
	if (gap || (a->waiting >= 2 && nsec_since(a->written_at, now) >= ACK_DELAY_MAX))
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

size_t ack_write(struct ack *a, uint8_t path, uint8_t *at, nsec_t now)
{
	if (a->count == 0)
		return 0;
	a->due = NSEC_NEVER;
	a->waiting = 0;
	a->written_at = now;
	return frame_write_ack(at, path, nsec_since(a->largest_at, now), a->run, a->count);
}
