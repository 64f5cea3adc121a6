/*
 * part_tun: super packets of 64 KiB through a TUN device with virtio headers.
 *
 * Reading: a packet socket puts them into the device's queue, which is not
 * timed.  Writing: they are for an address that nobody has, so the kernel drops
 * them where it would route them; what TCP does with them is the load's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/stopwatch.h"
#include "base/sum.h"
#include "parts.h"

#define HEADERS		(sizeof(struct iphdr) + sizeof(struct tcphdr))
#define SEGMENT		(PART_PACKET - HEADERS)
#define SEGMENTS	46
#define PACKET		(HEADERS + SEGMENTS * SEGMENT)
#define BATCH		32	/* the device's queue holds 500 */
#define NAME		"parts0"

_Static_assert(PACKET < 65536, "IP's length field holds it");

struct frame {
	struct virtio_net_hdr virtio;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t data[SEGMENTS * SEGMENT];
} __attribute__((packed));

struct bench {
	int tun, packet;
	unsigned index;
	struct stopwatch reading, writing;
	uint64_t read, written;		/* packets */
	uint8_t frame[sizeof(struct frame)];	/* as it is written */
	struct frame in;
};

/* 192.0.2.2 to 192.0.2.9, where there is none. */
static void make_frame(uint8_t ret[sizeof(struct frame)])
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .tot_len = htons(PACKET),
			    .saddr = htonl(0xc0000202), .daddr = htonl(0xc0000209) };

	sum_put_checksum((uint8_t *)&ip + offsetof(struct iphdr, check), sum_add(0, (const uint8_t *)&ip, sizeof(ip)));
	struct frame f = {
		.virtio = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			    .hdr_len = HEADERS, .gso_size = SEGMENT, .csum_start = sizeof(struct iphdr),
			    .csum_offset = offsetof(struct tcphdr, check) },
		.ip = ip,
		.tcp = { .source = htons(1), .dest = htons(2), .doff = 5, .ack = 1, .window = htons(65535) },
	};

	memcpy(ret, &f, sizeof(f));
}

static bool open_tun(struct bench *b)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };

	strcpy(r.ifr_name, NAME);
	b->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return b->tun >= 0 && ioctl(b->tun, TUNSETIFF, &r) == 0 &&
	       ioctl(b->tun, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0;
}

static bool set_up(struct bench *b, int fd)
{
	struct ifreq r = { 0 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };

	strcpy(r.ifr_name, NAME);
	memcpy(&r.ifr_addr, &a, sizeof(a));
	if (ioctl(fd, SIOCSIFADDR, &r) < 0)
		return false;
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &r) < 0 || ioctl(fd, SIOCGIFINDEX, &r) < 0)
		return false;
	b->index = (unsigned)r.ifr_ifindex;
	return true;
}

static bool open_packet(struct bench *b)
{
	int on = 1, room = 16 << 20, any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool good = any >= 0 && set_up(b, any);

	if (any >= 0)
		close(any);
	b->packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	return good && b->packet >= 0 &&
	       setsockopt(b->packet, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) == 0 &&
	       setsockopt(b->packet, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) == 0;
}

static bool queue_frames(struct bench *b)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)b->index };

	for (int i = 0; i < BATCH; i++)
		if (sendto(b->packet, b->frame, sizeof(b->frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			return false;
	return true;
}

/* What else comes out of the device, neighbour discovery and such, is short. */
static bool read_frames(struct bench *b)
{
	stopwatch_start(&b->reading);
	for (int i = 0; i < BATCH;) {
		ssize_t n = read(b->tun, &b->in, sizeof(b->in));

		if (n < 0)
			return false;
		if (n == sizeof(b->in)) {
			b->read++;
			i++;
		}
	}
	stopwatch_stop(&b->reading);
	return b->in.virtio.gso_type == VIRTIO_NET_HDR_GSO_TCPV4;
}

static bool write_frames(struct bench *b)
{
	stopwatch_start(&b->writing);
	for (int i = 0; i < BATCH; i++)
		if (write(b->tun, b->frame, sizeof(b->frame)) != sizeof(b->frame))
			return false;
	stopwatch_stop(&b->writing);
	b->written += BATCH;
	return true;
}

bool part_tun(uint64_t bytes, struct part_pair *ret)
{
	struct bench *b = calloc(1, sizeof(*b));
	bool good;

	if (b == NULL)
		return false;
	b->tun = b->packet = -1;
	make_frame(b->frame);
	good = unshare(CLONE_NEWNET) == 0 && open_tun(b) && open_packet(b);
	while (good && b->written * PACKET < bytes)
		good = queue_frames(b) && read_frames(b) && write_frames(b);
	if (good)
		*ret = (struct part_pair){ stopwatch_nsec(&b->reading) / (double)(b->read * PACKET),
					   stopwatch_nsec(&b->writing) / (double)(b->written * PACKET) };
	else
		fprintf(stderr, "parts: a TUN device: %s\n", strerror(errno));
	if (b->packet >= 0)
		close(b->packet);
	if (b->tun >= 0)
		close(b->tun);
	free(b);
	return good;
}
