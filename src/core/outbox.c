/* outbox: see outbox.h. */
#include "core/outbox.h"

bool outbox_push(struct outbox *o, struct buf *datagram, const struct endpoint *to)
{
	unsigned at = (o->head + o->count) % OUTBOX_SIZE;

	if (o->count == OUTBOX_SIZE)
		return false;
	o->entry[at].datagram = datagram;
	o->entry[at].to = *to;
	o->count++;
	return true;
}

struct buf *outbox_pop(struct outbox *o, struct endpoint *ret_to)
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

void outbox_clear(struct outbox *o)
{
	struct endpoint to;
	struct buf *b;

	while ((b = outbox_pop(o, &to)) != NULL)
		buf_put(b);
}
