/* thinner: see thinner.h. */
#include "core/flow/thinner.h"

#include <stdlib.h>

#define PER_ROUND	5		/* HyStart judges from the ninth on; with margin for what goes unthinned */
#define WINDOW		(16 * 1200)	/* bytes under way from which HyStart judges, and so do we */
#define FRESH		SEC(1)		/* a flow that sent nothing for so long is judged anew */
#define FORGET		8		/* rounds in which a long round trip is forgotten, about */
#define UNDER_WAY_MAX	(1u << 30)	/* that a sender can have under way (RFC 7323) */

struct flow {
	uint32_t hash;
	bool used;
	bool done;		/* it fills the paths: thinned no more */
	bool alone;		/* one path carries it all */
	bool resends;		/* something of this round, or of one before, was sent again, */
	uint32_t recovers;	/* and all is as usual when more than that has arrived */
	uint32_t sent, acked;	/* numbers behind the last byte that was sent, and that has arrived */
	uint32_t round_end;
	unsigned passed;	/* acknowledgements in this round, that count */
	nsec_t sent_at;
	nsec_t round_at;	/* when it began; 0: none has */
	nsec_t last, longest;	/* round trips: of the last round, of late; 0: not known */
	nsec_t next_at;		/* when the next may go */
	nsec_t waits_since;	/* its packets wait for the paths; 0: they do not */
	struct buf *held;
};

struct thinner {
	struct flow flow[THINNER_FLOWS];
	bool busy;		/* some flow has sent */
	nsec_t due;		/* of the first that is held, or earlier */
	unsigned holds;		/* so many */
	uint64_t spared;
};

struct thinner *thinner_new(void)
{
	struct thinner *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->due = NSEC_NEVER;
	return t;
}

void thinner_free(struct thinner *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < THINNER_FLOWS; i++)
		buf_put(t->flow[i].held);
	free(t);
}

bool thinner_is_idle(const struct thinner *t)
{
	return !t->busy;
}

nsec_t thinner_deadline(const struct thinner *t)
{
	return t->due;
}

uint64_t thinner_spared(const struct thinner *t)
{
	return t->spared;
}

unsigned thinner_held(const struct thinner *t)
{
	return t->holds;
}

static struct flow *slot(struct thinner *t, uint32_t hash)
{
	return &t->flow[hash % THINNER_FLOWS];
}

/* NULL: that flow is not known. */
static struct flow *find(struct thinner *t, uint32_t hash)
{
	struct flow *f = slot(t, hash);

	return f->used && f->hash == hash ? f : NULL;
}

static void drop_held(struct thinner *t, struct flow *f)
{
	if (f->held == NULL)
		return;
	buf_put(f->held);
	f->held = NULL;
	t->holds--;
	t->spared++;
}

/* --- what is sent ----------------------------------------------------------- */

/* A slot is another flow's until that has been silent, and has nothing here. */
static bool is_taken(const struct flow *f, uint32_t hash, nsec_t now)
{
	return f->used && f->hash != hash && (f->held != NULL || nsec_since(f->sent_at, now) < FRESH);
}

/* What has arrived is not known before an acknowledgement comes: it may be met on its way. */
static void begin(struct thinner *t, struct flow *f, uint32_t hash, uint32_t seq)
{
	drop_held(t, f);
	*f = (struct flow){ .hash = hash, .used = true, .sent = seq, .acked = seq - UNDER_WAY_MAX - 1,
			    .round_end = seq };
}

void thinner_sent(struct thinner *t, uint32_t hash, const struct tcp *segment, nsec_t now)
{
	struct flow *f = slot(t, hash);

	if (segment->end == segment->seq || is_taken(f, hash, now))
		return;
	if (!f->used || f->hash != hash || segment->syn) {
		begin(t, f, hash, segment->seq);
	} else if (nsec_since(f->sent_at, now) >= FRESH) {
		f->done = false;
		f->waits_since = 0;
	}
	t->busy = true;
	/* after a pause the round begins with what is sent first */
	if (f->round_at != 0 && f->acked == f->sent)
		f->round_at = now;
	if (tcp_diff(segment->seq, f->sent) < 0) {
		f->resends = true;
		f->recovers = f->sent;
	}
	if (tcp_diff(segment->end, f->sent) > 0)
		f->sent = segment->end;
	f->sent_at = now;
}

void thinner_alone(struct thinner *t, uint32_t hash, bool alone)
{
	struct flow *f = find(t, hash);

	if (f != NULL)
		f->alone = alone;
}

nsec_t thinner_round_trip(struct thinner *t, uint32_t hash)
{
	const struct flow *f = find(t, hash);

	return f != NULL ? f->longest : 0;
}

void thinner_waits(struct thinner *t, uint32_t hash, bool waits, nsec_t now)
{
	struct flow *f = find(t, hash);

	if (f == NULL)
		return;
	if (!waits)
		f->waits_since = 0;
	else if (f->waits_since == 0)
		f->waits_since = now;
	else if (now - f->waits_since >= f->last / 4)
		f->done = true;
}

/* --- what comes back -------------------------------------------------------- */

/* The sender is able to believe it (RFC 9293 §3.10.7.4): a stranger's would make all that follow look old. */
static bool is_believed(const struct flow *f, const struct tcp *segment)
{
	return segment->has_ack && f->sent - segment->ack <= UNDER_WAY_MAX;
}

/* Rounds in which something was sent again measure more than a round trip (Karn's rule). */
static void begin_round(struct flow *f, nsec_t now)
{
	if (f->round_at != 0 && !f->resends) {
		f->last = now - f->round_at;
		f->longest = nsec_max(f->last, f->longest - f->longest / FORGET);
	}
	f->round_at = now;
	f->round_end = f->sent;
	f->resends &= tcp_diff(f->recovers, f->acked) > 0;
	f->passed = 0;
	f->next_at = now;
}

static bool is_judged(const struct flow *f)
{
	return tcp_diff(f->sent, f->acked) >= WINDOW;
}

/* Behind the last that its sender waits for, no newer one comes. */
static bool is_thinned(const struct flow *f, const struct tcp *segment, nsec_t now)
{
	return !f->done && !f->resends && segment->plain_ack && tcp_diff(segment->ack, f->acked) > 0 && segment->ack != f->sent && f->last != 0 &&
	       is_judged(f) && nsec_since(f->sent_at, now) < FRESH;
}

/* Evenly over a round; when its share is gone, not before the next one begins or is overdue. */
static nsec_t pause_of(const struct flow *f)
{
	return f->passed < PER_ROUND ? f->last / PER_ROUND : f->last;
}

/*
 * HyStart does not count what passes while little is under way.  Where delays are one
 * path's own we need not either, or the end of the first burst would wait for a round.
 */
static bool counts(const struct flow *f)
{
	return !f->alone || is_judged(f);
}

static void pass(struct flow *f, struct buf *b, struct buf_queue *out)
{
	buf_queue_push(out, b);
	if (counts(f))
		f->passed++;
}

static void pass_held(struct thinner *t, struct flow *f, struct buf_queue *out)
{
	if (f->held == NULL)
		return;
	pass(f, f->held, out);
	f->held = NULL;
	t->holds--;
}

static void hold(struct thinner *t, struct flow *f, struct buf *b)
{
	drop_held(t, f);
	f->held = b;
	t->holds++;
	t->due = nsec_min(t->due, f->next_at);
}

void thinner_take(struct thinner *t, uint32_t hash, const struct tcp *segment, struct buf *b,
		  struct buf_queue *out, nsec_t now)
{
	struct flow *f = find(t, hash);
	bool thin;

	if (f == NULL) {
		buf_queue_push(out, b);
		return;
	}
	if (!is_believed(f, segment)) {
		pass_held(t, f, out);
		buf_queue_push(out, b);
		return;
	}
	if (f->sent - f->acked > UNDER_WAY_MAX)
		f->acked = segment->ack;
	if (segment->plain_ack && tcp_diff(segment->ack, f->acked) < 0) {
		t->spared++;
		buf_put(b);
		return;
	}
	thin = is_thinned(f, segment, now);
	if (tcp_diff(segment->ack, f->acked) > 0)
		f->acked = segment->ack;
	if (tcp_diff(segment->ack, f->round_end) > 0)
		begin_round(f, now);
	if (thin && now < f->next_at) {
		hold(t, f, b);
		return;
	}
	if (thin)
		drop_held(t, f);
	pass_held(t, f, out);
	pass(f, b, out);
	f->next_at = now + pause_of(f);
}

void thinner_tick(struct thinner *t, struct buf_queue *out, nsec_t now)
{
	if (now < t->due)
		return;
	t->due = NSEC_NEVER;
	for (unsigned i = 0; i < THINNER_FLOWS; i++) {
		struct flow *f = &t->flow[i];

		if (f->held == NULL)
			continue;
		if (f->next_at <= now) {
			pass_held(t, f, out);
			f->next_at = now + pause_of(f);
		} else {
			t->due = nsec_min(t->due, f->next_at);
		}
	}
}

void thinner_yield(struct thinner *t, struct buf_queue *out)
{
	for (unsigned i = 0; i < THINNER_FLOWS && t->holds > 0; i++)
		pass_held(t, &t->flow[i], out);
}
