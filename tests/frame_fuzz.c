/* Frames, pieces of packets, inner packets and handshake payloads, as a peer may send them. */
#include <string.h>

#include "base/buf.h"
#include "core/crypto/handshake.h"
#include "core/flow/reassembly.h"
#include "core/frame.h"
#include "core/inner.h"
#include "core/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BUFS	(REASSEMBLY_PACKETS + 1)

static struct buf_pool *pool;
static struct reassembly *pieces;

/* A whole packet is as long as its last piece said, and no packet takes more than its share. */
static void take_piece(const struct frame_data *d, nsec_t now)
{
	struct buf *b = reassembly_put(pieces, &d->piece, d->packet, d->len, now);

	if (b != NULL && (b->len == 0 || b->len > PIECE_END_MAX || b->len < d->len))
		__builtin_trap();
	buf_put(b);
	reassembly_tick(pieces, now);
	if (buf_pool_left(pool) + reassembly_stats(pieces).waiting != BUFS)
		__builtin_trap();
	if (reassembly_stats(pieces).waiting > 0 && reassembly_deadline(pieces) > now + REASSEMBLY_WAIT)
		__builtin_trap();
}

/* A segment's numbers go no further than its bytes, with SYN and FIN. */
static void read_inner(const uint8_t *packet, size_t len)
{
	static const uint8_t key[INNER_KEY];
	struct inner inner;
	struct tcp tcp;

	if (!inner_read(packet, len, key, &inner) || !tcp_read(packet, len, &tcp))
		return;
	if (tcp.end - tcp.seq + 40 > len + 2 || (tcp.plain_ack && tcp.end != tcp.seq))
		__builtin_trap();
}

static void begin(void)
{
	if (pool == NULL)
		pool = buf_pool_new(BUFS);
	if (pieces == NULL)
		pieces = reassembly_new(pool);
	if (pieces == NULL)
		__builtin_trap();
	reassembly_reset(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t payload[HANDSHAKE_PAYLOAD] = { 0 };
	struct frame_run runs[FRAME_ACK_RUNS];
	struct handshake_init init;
	struct handshake_response response;
	const uint8_t *at = data;
	size_t left = size;

	begin();
	while (left > 0) {
		struct frame f;
		size_t n = frame_read(at, left, &f);

		if (n == 0)
			break;
		if (n > left)
			__builtin_trap();
		if (f.type == FRAME_ACK)
			frame_ack_runs(&f.ack, f.ack.largest_low, runs);
		if (f.type == FRAME_DATA && (f.data.packet < at || f.data.packet + f.data.len > at + n))
			__builtin_trap();
		/* the place in the input is the time, so that waits end within one */
		if (f.type == FRAME_DATA && f.data.piece.partial)
			take_piece(&f.data, MSEC(10) * (nsec_t)(at - data));
		at += n;
		left -= n;
	}
	read_inner(data, size);
	memcpy(payload, data, size < sizeof(payload) ? size : sizeof(payload));
	handshake_read_init(payload, &init);
	handshake_read_response(payload, &response);
	return 0;
}
