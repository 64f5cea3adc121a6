/*
 * virtio: the header before each packet that a TUN device with IFF_VNET_HDR
 * gives and takes (virtio 1.2, 5.1.6), in the machine's own byte order.
 */
#ifndef TTT_OFFLOAD_VIRTIO_H
#define TTT_OFFLOAD_VIRTIO_H

#include <assert.h>
#include <stdint.h>

/* flags */
#define VIRTIO_NEEDS_CSUM	0x01	/* the checksum holds the pseudo header's only: the rest is left to us */

/* gso_type */
#define VIRTIO_GSO_NONE		0
#define VIRTIO_GSO_TCP4		1
#define VIRTIO_GSO_TCP6		4
#define VIRTIO_GSO_UDP		5	/* of either family; each piece is a datagram of its own */
#define VIRTIO_GSO_ECN		0x80	/* beside TCP: CWR is set, and is the first segment's */

#define VIRTIO_PACKET_MAX	65535	/* bytes of a packet behind the header */

struct virtio_header {
	uint8_t flags, gso_type;
	uint16_t header_len;	/* bytes of all headers: a hint */
	uint16_t gso_size;	/* bytes of payload in each segment but the last */
	uint16_t csum_start;	/* from there to the end is summed up, */
	uint16_t csum_offset;	/* and the checksum is so far behind that */
};

static_assert(sizeof(struct virtio_header) == 10, "as the kernel has it");

#endif
