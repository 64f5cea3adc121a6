/*
 * worker_tun: the worker's TUN descriptor: what it gives at once is cut into
 * packets, and packets that follow each other are written at once (src/offload),
 * where the device takes that; else one by one.
 */
#ifndef TTT_WORKER_TUN_H
#define TTT_WORKER_TUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "control/message.h"
#include "offload/merge.h"
#include "offload/virtio.h"

struct worker_tun {
	int fd;				/* -1: none */
	struct message_tun kind;
	struct merge merge;		/* empty between turns */
	struct merge_write write;
	uint8_t large[VIRTIO_PACKET_MAX];	/* what was read, until it is cut */
};

/* Packets that the device did not take, and why the last of them. */
struct worker_tun_failure {
	uint64_t packets;
	int error;			/* negative errno */
};

void worker_tun_init(struct worker_tun *t);
/* Take a descriptor over; the one before must be closed. */
void worker_tun_use(struct worker_tun *t, int fd, const struct message_tun *kind);
void worker_tun_close(struct worker_tun *t);

/*
 * Read once.  The packets that it makes are put behind those in ret (maybe none:
 * what is invalid or finds no buffer is counted, count being REPORT_COUNTS of
 * them).  0, or a negative errno as of tun_read.
 */
int worker_tun_read(struct worker_tun *t, struct buf_pool *pool, uint64_t *count, struct buf_queue *ret);

/* Write a packet, now or with the flush, which ends each turn.  Takes it. */
void worker_tun_push(struct worker_tun *t, struct buf *b, struct worker_tun_failure *failure);
void worker_tun_flush(struct worker_tun *t, struct worker_tun_failure *failure);

#endif
