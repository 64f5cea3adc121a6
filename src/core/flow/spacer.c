/* spacer: see spacer.h. */
#include "core/flow/spacer.h"

#include <stdlib.h>

struct flow {
	uint32_t hash;
	uint32_t ack;		/* what its last plain acknowledgement said */
	nsec_t space;		/* that the one which is held asked for */
	nsec_t next_at;		/* when the next may go; 0: none has come yet */
	struct buf *held;
};

struct spacer {
	struct flow flow[SPACER_FLOWS];
	nsec_t due;		/* of the first that is held, or earlier */
	unsigned holds;
	uint64_t spared;
};

struct spacer *spacer_new(void)
{
	struct spacer *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->due = NSEC_NEVER;
	return s;
}

void spacer_free(struct spacer *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < SPACER_FLOWS; i++)
		buf_put(s->flow[i].held);
	free(s);
}

nsec_t spacer_deadline(const struct spacer *s)
{
	return s->due;
}

unsigned spacer_held(const struct spacer *s)
{
	return s->holds;
}

uint64_t spacer_spared(const struct spacer *s)
{
	return s->spared;
}

static void pass_held(struct spacer *s, struct flow *f, struct buf_queue *out)
{
	if (f->held == NULL)
		return;
	buf_queue_push(out, f->held);
	f->held = NULL;
	s->holds--;
}

static void drop_held(struct spacer *s, struct flow *f)
{
	if (f->held == NULL)
		return;
	buf_put(f->held);
	f->held = NULL;
	s->holds--;
	s->spared++;
}

static void hold(struct spacer *s, struct flow *f, struct buf *b)
{
	drop_held(s, f);
	f->held = b;
	s->holds++;
	s->due = nsec_min(s->due, f->next_at);
}

/* A slot is another flow's from its first segment on; what waited there goes. */
static struct flow *slot(struct spacer *s, uint32_t hash, struct buf_queue *out)
{
	struct flow *f = &s->flow[hash % SPACER_FLOWS];

	if (f->hash != hash) {
		pass_held(s, f, out);
		*f = (struct flow){ .hash = hash };
	}
	return f;
}

void spacer_take(struct spacer *s, uint32_t hash, const struct tcp *segment, struct buf *b, nsec_t space,
		 struct buf_queue *out, nsec_t now)
{
	struct flow *f = slot(s, hash, out);
	bool news = f->next_at == 0 || tcp_diff(segment->ack, f->ack) > 0;

	if (segment->plain_ack && news && now < f->next_at && space != 0) {
		f->ack = segment->ack;
		f->space = space;
		hold(s, f, b);
		return;
	}
	if (segment->plain_ack && news)
		drop_held(s, f);
	pass_held(s, f, out);
	buf_queue_push(out, b);
	if (segment->plain_ack) {
		f->ack = segment->ack;
		f->next_at = now + space;
	}
}

void spacer_tick(struct spacer *s, struct buf_queue *out, nsec_t now)
{
	if (now < s->due)
		return;
	s->due = NSEC_NEVER;
	for (unsigned i = 0; i < SPACER_FLOWS; i++) {
		struct flow *f = &s->flow[i];

		if (f->held == NULL)
			continue;
		if (f->next_at <= now) {
			pass_held(s, f, out);
			f->next_at = now + f->space;
		} else {
			s->due = nsec_min(s->due, f->next_at);
		}
	}
}

void spacer_yield(struct spacer *s, struct buf_queue *out)
{
	for (unsigned i = 0; i < SPACER_FLOWS && s->holds > 0; i++)
		pass_held(s, &s->flow[i], out);
}
