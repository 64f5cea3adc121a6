/* outbox: see outbox.h. */
#include "core/outbox.h"

#include "core/packet.h"
#include "core/session.h"

bool outbox_takes_more(struct outbox *o)
{
	o->rests = o->count >= OUTBOX_ENOUGH || (o->rests && o->count > 0);
	return !o->rests;
}

bool outbox_has_room(const struct outbox *o)
{
	return o->count + OUTBOX_PACKET <= OUTBOX_SIZE;
}

bool outbox_gathers(struct outbox *o, const struct hands *hands, size_t len)
{
	if (hands->count < 2)
		return false;
	if (o->count == 0) {
		o->gathers = o->bytes >= hands->worth;
		o->bytes = 0;
	}
	o->bytes += len;
	return o->gathers;
}

bool outbox_push(struct outbox *o, struct buf *datagram, const struct endpoint *to,
		 const struct outbox_seal *seal)
{
	unsigned at = (o->head + o->count) % OUTBOX_SIZE;

	if (o->count == OUTBOX_SIZE)
		return false;
	o->entry[at].datagram = datagram;
	o->entry[at].to = *to;
	o->entry[at].seal.keys = NULL;
	if (seal != NULL) {
		o->entry[at].seal = *seal;
		o->unsealed++;
	}
	o->count++;
	return true;
}

/* Datagrams from..to before, counted from the head. */
static void seal_some(void *work, unsigned hand, size_t from, size_t to)
{
	struct outbox *o = work;

	for (; from < to; from++) {
		unsigned at = (o->head + (unsigned)from) % OUTBOX_SIZE;
		const struct outbox_seal *s = &o->entry[at].seal;
		uint8_t *data = o->entry[at].datagram->data, *frames = data + PACKET_HEADER;

		if (s->keys == NULL)
			continue;
		aead_seal(keypair_sends(s->keys, hand), s->path, s->number, data, PACKET_HEADER, frames, frames,
			  o->entry[at].datagram->len - PACKET_HEADER - PACKET_TAG);
		o->entry[at].seal.keys = NULL;
	}
}

void outbox_seal(struct outbox *o, const struct hands *hands)
{
	if (o->unsealed == 0)
		return;
	if (o->bytes >= hands->worth)
		hands->run(hands->ctx, seal_some, o, o->count);
	else
		seal_some(o, 0, 0, o->count);
	o->unsealed = 0;
}

static struct buf *pop(struct outbox *o, struct endpoint *ret_to)
{
	struct buf *b;

	if (o->count == 0)
		return NULL;
	b = o->entry[o->head].datagram;
	*ret_to = o->entry[o->head].to;
	o->head = (o->head + 1) % OUTBOX_SIZE;
	o->count--;
	return b;
}

struct buf *outbox_pop(struct outbox *o, struct endpoint *ret_to)
{
	assert(o->unsealed == 0);
	return pop(o, ret_to);
}

void outbox_clear(struct outbox *o)
{
	struct endpoint to;
	struct buf *b;

	while ((b = pop(o, &to)) != NULL)
		buf_put(b);
	o->unsealed = 0;
}
