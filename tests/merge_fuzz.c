/*
 * merge: any packets, one behind the other: whatever is merged gives, when it is
 * cut, the very packets again, but for ids under DF, which mean nothing.
 *
 * The input is a row of packets, each behind a byte: how many bytes of the one
 * before it begins with (in eights), and a byte: how many follow.  Checksums of
 * every other one are made right, since nobody guesses them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/sum.h"
#include "offload/merge.h"
#include "offload/split.h"

#define PACKETS	64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct kept {
	uint8_t bytes[512];
	size_t len;
	bool gone;
};

static struct kept kept[PACKETS];
static uint8_t large[VIRTIO_PACKET_MAX];

static void make_right(uint8_t *packet, size_t len)
{
	struct ip ip;

	if (len >= IP4_HEADER && packet[0] >> 4 == 4)
		put_be16(packet + 2, (uint16_t)len);
	if (len >= IP6_HEADER && packet[0] >> 4 == 6)
		put_be16(packet + 4, (uint16_t)(len - IP6_HEADER));
	if (!ip_read(packet, len, &ip))
		return;
	ip_write_length(packet, &ip, len);
	ip_finish_checksum(packet, len);
}

/* A checksum of 0xffff is as right as one of 0; ids under DF and what is summed up of them are not compared. */
static void leave_out(uint8_t *packet, size_t len)
{
	struct ip ip;

	if (!ip_read(packet, len, &ip))
		return;
	if (!ip.is6 && (packet[6] & 0x40)) {
		put_be16(packet + 4, 0);
		put_be16(packet + 10, 0);
	}
	if (get_be16(packet + ip_checksum_at(&ip)) == 0xffff)
		put_be16(packet + ip_checksum_at(&ip), 0);
}

static void must_be_one_of(size_t n, uint8_t *packet, size_t len)
{
	leave_out(packet, len);
	for (size_t i = 0; i < n; i++) {
		uint8_t other[512];

		if (kept[i].gone || kept[i].len != len)
			continue;
		memcpy(other, kept[i].bytes, len);
		leave_out(other, len);
		if (memcmp(other, packet, len) == 0) {
			kept[i].gone = true;
			return;
		}
	}
	abort();
}

static size_t read_packets(const uint8_t *data, size_t size)
{
	size_t n = 0;

	while (n < PACKETS && size >= 3) {
		size_t same = n > 0 ? (size_t)(data[0] & 63) * 8 : 0, more = data[1];
		bool right = data[2] & 1;

		data += 3;
		size -= 3;
		if (more > size)
			more = size;
		if (n > 0 && same > kept[n - 1].len)
			same = kept[n - 1].len;
		if (same + more > sizeof(kept[n].bytes) || same + more == 0)
			break;
		if (same > 0)
			memcpy(kept[n].bytes, kept[n - 1].bytes, same);
		memcpy(kept[n].bytes + same, data, more);
		kept[n].len = same + more;
		kept[n].gone = false;
		if (right)
			make_right(kept[n].bytes, kept[n].len);
		data += more;
		size -= more;
		n++;
	}
	return n;
}

static void cut_again(size_t n, const struct merge_write *w, struct buf_pool *pool)
{
	struct split s;
	size_t len = 0;

	for (int i = 1; i < w->pieces; len += w->piece[i++].iov_len)
		memcpy(large + len, w->piece[i].iov_base, w->piece[i].iov_len);
	if (split_begin(&s, &w->header, large, len, BUF_ROOM) != SPLIT_GOOD)
		abort();
	while (split_has_more(&s)) {
		struct buf *b = buf_get(pool);

		split_next(&s, b);
		if (b->needs_checksum)
			ip_finish_checksum(b->data, b->len);
		must_be_one_of(n, b->data, b->len);
		buf_put(b);
	}
}

/* Of every third packet that has a right one, the checksum is still to be made. */
static void leave_some(struct buf *b, size_t i)
{
	struct ip ip;

	if (i % 3 != 0 || !ip_read(b->data, b->len, &ip) || !ip_has_right_checksum(b->data, &ip, b->len))
		return;
	ip_leave_checksum(b->data, &ip, b->len);
	b->needs_checksum = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf_pool *pool;
	static struct merge merge;
	static struct merge_write w;
	size_t n = read_packets(data, size);

	if (pool == NULL)
		pool = buf_pool_new(PACKETS + 1);
	merge_init(&merge, true, true);
	for (size_t i = 0; i < n; i++) {
		struct buf *b = buf_get(pool);

		memcpy(buf_append(b, kept[i].len), kept[i].bytes, kept[i].len);
		leave_some(b, i);
		merge_add(&merge, b);
	}
	while (merge_next(&merge, &w)) {
		cut_again(n, &w, pool);
		buf_queue_clear(&w.packets);
	}
	for (size_t i = 0; i < n; i++)
		if (!kept[i].gone)
			abort();
	return 0;
}
