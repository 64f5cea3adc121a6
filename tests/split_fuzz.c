/*
 * split: any virtio header before any bytes: nothing behind the packet is read,
 * no segment is larger than its room, and all of the payload comes out once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "offload/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf_pool *pool;
	struct virtio_header h;
	struct split s;
	size_t len, payload = 0;
	uint8_t *packet;

	if (pool == NULL)
		pool = buf_pool_new(1);
	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	len = size - sizeof(h);
	packet = malloc(len);	/* of just that size, so that a byte beyond is found */
	if (packet == NULL && len > 0)
		return 0;
	memcpy(packet, data + sizeof(h), len);
	if (split_begin(&s, &h, packet, len, BUF_ROOM) == SPLIT_GOOD) {
		while (split_has_more(&s)) {
			struct buf *b = buf_get(pool);

			split_next(&s, b);
			payload += b->len - s.ip.payload;
			buf_put(b);
		}
		if (payload + s.ip.payload != len)
			abort();
	}
	free(packet);
	return 0;
}
