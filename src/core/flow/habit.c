/* habit: see habit.h.  The allowance is a bucket that leaks. */
#include "core/flow/habit.h"

#define LARGE_COST	64
#define SMALL_COST	8
#define ALLOWANCE	96		/* parts at once */
#define LEAK		781		/* microseconds for a part: 1280 in a second */
#define CALM		1000000		/* microseconds until bulk is forgiven */
#define STEADY_PACKETS	8
#define STEADY_TIME	200000		/* microseconds */
#define KEPT		10000000	/* microseconds that a steady flow keeps its place without a packet */

static bool is_steady(const struct habit_flow *f, uint32_t now)
{
	return !f->was_bulk && f->packets >= STEADY_PACKETS && now - f->since >= STEADY_TIME;
}

static bool is_answering(const struct habit_flow *f, uint32_t now)
{
	return f->answers >= STEADY_PACKETS && now - f->answers_since >= STEADY_TIME;
}

static bool is_kept(const struct habit_flow *f, uint32_t now)
{
	return is_steady(f, now) && now - f->seen < KEPT;
}

/* The flow's place, its own or one that may be taken; NULL: none. */
static struct habit_flow *place_for(struct habit_table *t, uint32_t flow, uint32_t now)
{
	/* the lane takes the low bits: flows of one lane are not of one place */
	struct habit_flow *way = t->flow[(flow >> 10) % (HABIT_FLOWS / HABIT_WAYS)], *oldest = NULL;

	for (int i = 0; i < HABIT_WAYS; i++)
		if (way[i].packets != 0 && way[i].flow == flow)
			return &way[i];
	for (int i = 0; i < HABIT_WAYS; i++) {
		if (way[i].packets == 0)
			return &way[i];
		if (!is_kept(&way[i], now) && (oldest == NULL || now - way[i].seen > now - oldest->seen))
			oldest = &way[i];
	}
	if (oldest != NULL)
		oldest->packets = 0;
	return oldest;
}

/* What is used of the allowance now, this packet not counted. */
static unsigned used_now(const struct habit_flow *f, uint32_t now)
{
	uint32_t leaked = (now - f->seen) / LEAK;

	return leaked >= f->used ? 0 : f->used - leaked;
}

static struct habit habit_of(const struct habit_flow *f, uint32_t now)
{
	return (struct habit){ .sparse = !f->was_bulk, .steady = is_steady(f, now), .answers = is_answering(f, now) };
}

static void begin_anew(struct habit_flow *f, uint32_t now)
{
	f->since = now;
	f->packets = 1;
}

static void note_size(struct habit_flow *f, size_t len, uint32_t now)
{
	if (len > HABIT_ANSWER) {
		f->answers = 0;
		f->answers_since = now;
	} else {
		f->answers += f->answers < UINT8_MAX;
	}
}

struct habit habit_note(struct habit_table *t, uint32_t flow, size_t len, nsec_t time)
{
	uint32_t now = (uint32_t)(time / NSEC_PER_USEC);
	unsigned cost = len > HABIT_SMALL ? LARGE_COST : SMALL_COST;
	struct habit_flow *f = place_for(t, flow, now);
	unsigned used;

	if (f == NULL)
		return (struct habit){ 0 };
	if (f->packets == 0)
		*f = (struct habit_flow){ .flow = flow, .seen = now, .since = now, .answers_since = now };
	used = used_now(f, now) + cost;
	f->packets += f->packets < UINT8_MAX;
	if (used > ALLOWANCE) {
		f->was_bulk = true;
		begin_anew(f, now);
		used = ALLOWANCE;
	} else if (f->was_bulk && now - f->since >= CALM) {
		f->was_bulk = false;
	}
	if (len > HABIT_SMALL && !f->was_bulk)
		begin_anew(f, now);
	note_size(f, len, now);
	f->used = (uint8_t)used;
	f->seen = now;
	return habit_of(f, now);
}
