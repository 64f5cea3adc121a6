/* Frames, inner packets and handshake payloads, as a peer may send them. */
#include <string.h>

#include "core/crypto/handshake.h"
#include "core/frame.h"
#include "core/inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[INNER_KEY];
	uint8_t payload[HANDSHAKE_PAYLOAD] = { 0 };
	struct frame_run runs[FRAME_ACK_RUNS];
	struct handshake_init init;
	struct handshake_response response;
	struct inner inner;
	const uint8_t *at = data;
	size_t left = size;

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
		at += n;
		left -= n;
	}
	inner_read(data, size, key, &inner);
	memcpy(payload, data, size < sizeof(payload) ? size : sizeof(payload));
	handshake_read_init(payload, &init);
	handshake_read_response(payload, &response);
	return 0;
}
