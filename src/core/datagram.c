/* datagram: see datagram.h. */
#include "core/datagram.h"

#include <string.h>

#include "core/frame.h"
#include "core/packet.h"

bool datagram_has_credit(const struct path *path, size_t len)
{
	return path->state != ENGINE_PATH_VALIDATING || path->credit >= len + path_outer(path);
}

/* Its packet number, under which its fate will be heard. */
static uint64_t numbered(struct peer *p, struct path *path, uint32_t len, const struct datagram_load *load,
			 enum ecn ecn, nsec_t now)
{
	struct peer_observer observer;
	const struct loss_observer *to = peer_observe(&observer, p, path);
	uint64_t number;

	if (load->probe) {
		number = loss_sent_probe(&path->loss, len, now, to);
		pmtu_sent(&path->pmtu, number, now);
		return number;
	}
	number = loss_sent(&path->loss, len, load->content, load->eliciting, now, to);
	loss_attach(&path->loss, number, load->copy, load->copies, ecn);
	for (uint32_t n = load->copies, handle = load->copy; n > 0; n--, handle = repair_after(p->repair, handle))
		repair_sent(p->repair, handle);
	return number;
}

/*
 * What waits to be sealed has to have its frames: where they came from is not
 * ours any more by then.
 */
static bool seal_and_queue(struct context *ctx, struct buf *b, const uint8_t *from, const struct outbox_seal *s,
			   const struct endpoint *to)
{
	size_t frames = b->len - PACKET_HEADER - PACKET_TAG;
	uint8_t *at = b->data + PACKET_HEADER;

	if (outbox_gathers(&ctx->outbox, &ctx->hands, b->len)) {
		if (from != at)
			memcpy(at, from, frames);
		return outbox_push(&ctx->outbox, b, to, s);
	}
	aead_seal(&s->keys->send, s->path, s->number, b->data, PACKET_HEADER, at, from, frames);
	return outbox_push(&ctx->outbox, b, to, NULL);
}

void datagram_send(struct peer *p, struct path *path, struct buf *b, const struct datagram_load *load,
		   const struct endpoint *to, nsec_t now)
{
	struct keypair *keys = p->session.current;
	struct packet_header header = { .path = path->id, .index = keys->remote };
	const uint8_t *from = load->from != NULL ? load->from->data : b->data;
	size_t frames = load->from != NULL ? load->from->len : b->len;
	size_t len = frames + PACKET_HEADER + PACKET_TAG;
	uint64_t number;

	if (!datagram_has_credit(path, len)) {
		peer_say_again(p, load->content);
		peer_drop(p, DROP_UNVALIDATED, b);
		return;
	}
	/* an address that is not proven is no place for experiments */
	b->ecn = (uint8_t)marking_sent(&path->marking, load->data, load->inner,
				       load->eliciting && !load->probe && path->state == ENGINE_PATH_OK, now);
	/* the network, not a message's others, is to say whether it passes */
	b->alone = load->probe;
	number = numbered(p, path, (uint32_t)(len + path_outer(path)), load, (enum ecn)b->ecn, now);
	header.number = (uint32_t)number & ((1u << PACKET_NUMBER_BITS) - 1);
	packet_write_header(buf_push(b, PACKET_HEADER), &header);
	buf_append(b, len - b->len);
	keys->sent++;
	(load->probe ? path_count_probe : path_count_tx)(path, len, now);
	if (!seal_and_queue(p->ctx, b, from, &(struct outbox_seal){ keys, number, path->id }, to))
		peer_drop(p, DROP_QUEUE_FULL, b);
}

void datagram_answer(struct peer *p, struct path *path, const struct endpoint *to,
		     const uint8_t *frames, size_t len, nsec_t now)
{
	struct buf *b;

	if (!peer_may_send(p, now))
		return;
	b = buf_get(p->ctx->pool);
	if (b == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		return;
	}
	memcpy(buf_append(b, len), frames, len);
	datagram_send(p, path, b, &(struct datagram_load){ .eliciting = true }, to, now);
}

void datagram_close(struct peer *p, nsec_t now)
{
	uint8_t frames[2];

	frame_write_close(frames, 0);
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (p->path[i] != NULL && p->path[i]->open && p->path[i]->link.tier != ENGINE_TIER_NEVER)
			datagram_answer(p, p->path[i], &p->path[i]->endpoint, frames, sizeof(frames), now);
}
