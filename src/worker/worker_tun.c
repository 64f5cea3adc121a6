/* worker_tun: see worker_tun.h. */
#include "worker/worker_tun.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/tun.h"
#include "offload/split.h"
#include "worker/worker_report.h"

void worker_tun_init(struct worker_tun *t)
{
	t->fd = -1;
	t->kind = (struct message_tun){ 0 };
	merge_init(&t->merge, false, false);
}

void worker_tun_use(struct worker_tun *t, int fd, const struct message_tun *kind)
{
	t->fd = fd;
	t->kind = *kind;
	merge_init(&t->merge, kind->tso, kind->uso);
}

void worker_tun_close(struct worker_tun *t)
{
	if (t->fd >= 0)
		close(t->fd);
	merge_clear(&t->merge);
	worker_tun_init(t);
}

/* --- reading ------------------------------------------------------------- */

static int read_plain(struct worker_tun *t, struct buf_pool *pool, struct buf_queue *ret)
{
	struct buf *b = buf_get_to_keep(pool);
	struct iovec piece;
	int n;

	if (b == NULL)
		return -EAGAIN;
	piece = (struct iovec){ .iov_base = b->data, .iov_len = buf_tailroom(b) };
	n = tun_read(t->fd, &piece, 1);
	if (n < 0) {
		buf_put_kept(b);
		return n;
	}
	b->len = (uint32_t)n;
	buf_queue_push(ret, b);
	return 0;
}

static void cut(struct split *split, struct buf_pool *pool, uint64_t *count, struct buf_queue *ret)
{
	while (split_has_more(split)) {
		struct buf *b = buf_get_to_keep(pool);

		if (b == NULL) {
			count[REPORT_NO_BUFFER]++;
			return;
		}
		split_next(split, b);
		buf_queue_push(ret, b);
	}
}

int worker_tun_read(struct worker_tun *t, struct buf_pool *pool, uint64_t *count, struct buf_queue *ret)
{
	struct virtio_header header;
	const struct iovec piece[] = { { &header, sizeof(header) }, { t->large, sizeof(t->large) } };
	struct split split;
	int n;

	if (!t->kind.header)
		return read_plain(t, pool, ret);
	n = tun_read(t->fd, piece, 2);
	if (n < 0)
		return n;
	if ((size_t)n < sizeof(header)) {
		count[REPORT_TUN_INVALID]++;
		return 0;
	}
	switch (split_begin(&split, &header, t->large, (size_t)n - sizeof(header), BUF_ROOM)) {
	case SPLIT_GOOD:
		cut(&split, pool, count, ret);
		break;
	case SPLIT_INVALID:
		count[REPORT_TUN_INVALID]++;
		break;
	case SPLIT_TOO_LONG:
		count[REPORT_TOO_LONG]++;
		break;
	}
	return 0;
}

/* --- writing ------------------------------------------------------------- */

static int write_pieces(struct worker_tun *t, const struct iovec *piece, int pieces)
{
	/* the first is the header, which a device without one has no use for */
	int skip = t->kind.header ? 0 : 1;

	return t->fd >= 0 ? tun_write(t->fd, piece + skip, pieces - skip) : -ENODEV;
}

static void note(struct worker_tun_failure *failure, int error, size_t packets)
{
	if (error == 0)
		return;
	failure->packets += packets;
	failure->error = error;
}

/*
 * A kernel that took the offload in word but not in deed: what was merged is cut
 * again, each packet into the buffer that the first one is in no longer.
 */
static void write_apart(struct worker_tun *t, struct worker_tun_failure *failure)
{
	struct merge_write *w = &t->write;
	struct buf *b = w->packets.head;
	struct virtio_header none = { 0 };
	struct split split;
	size_t len = 0;

	for (int i = 1; i < w->pieces; len += w->piece[i++].iov_len)
		memcpy(t->large + len, w->piece[i].iov_base, w->piece[i].iov_len);
	if (split_begin(&split, &w->header, t->large, len, b->len + buf_tailroom(b)) != SPLIT_GOOD) {
		note(failure, -EINVAL, w->packets.count);
		return;
	}
	while (split_has_more(&split)) {
		struct iovec piece[] = { { &none, sizeof(none) }, { b->data, 0 } };

		b->len = 0;
		split_next(&split, b);
		if (b->needs_checksum)
			ip_finish_checksum(b->data, b->len);
		piece[1].iov_len = b->len;
		note(failure, write_pieces(t, piece, 2), 1);
	}
}

static void write_merged(struct worker_tun *t, struct worker_tun_failure *failure)
{
	struct merge_write *w = &t->write;
	int error = write_pieces(t, w->piece, w->pieces);

	if (error == -EINVAL && w->packets.count > 1) {
		if (w->header.gso_type == VIRTIO_GSO_UDP)
			t->merge.udp = false;
		else
			t->merge.tcp = false;
		write_apart(t, failure);
	} else {
		note(failure, error, w->packets.count);
	}
	buf_queue_clear(&w->packets);
}

void worker_tun_flush(struct worker_tun *t, struct worker_tun_failure *failure)
{
	while (merge_next(&t->merge, &t->write))
		write_merged(t, failure);
}

void worker_tun_push(struct worker_tun *t, struct buf *b, struct worker_tun_failure *failure)
{
	if (!merge_has_room(&t->merge))
		worker_tun_flush(t, failure);
	merge_add(&t->merge, b);
}
