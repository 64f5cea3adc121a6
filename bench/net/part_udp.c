/*
 * part_udp: trains of datagrams from one network namespace to another, sent
 * with UDP_SEGMENT and received with UDP_GRO: both ends in one process, in
 * turns, so nothing is lost and nobody waits.  What routes in between is part
 * of sending, as its softirq runs in the sender's system call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/stopwatch.h"
#include "netns.h"
#include "parts.h"

#define PORT		7475
#define DATAGRAM	(PART_PACKET + PART_TAX)
#define SEGMENTS	45			/* at most 64, and 65507 bytes */
#define TRAIN		(SEGMENTS * DATAGRAM)
#define TRAINS		8			/* in one system call */
#define ROOM		(16 << 20)
#define PATIENCE	500			/* ms, for what is under way */

struct bench {
	int from, to;
	struct stopwatch sending, receiving;
	uint64_t sent, received;		/* bytes, with the tax */
	struct iovec iov[TRAINS];
	struct mmsghdr message[TRAINS];
	uint8_t train[TRAINS][65536];
};

static bool option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool open_sockets(struct bench *b, const char *from, const char *to, const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	b->from = netns_socket(from, AF_INET, SOCK_DGRAM, 0);
	b->to = netns_socket(to, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return b->from >= 0 && b->to >= 0 && inet_pton(AF_INET, address, &a.sin_addr) == 1 &&
	       option(b->from, SOL_SOCKET, SO_SNDBUFFORCE, ROOM) && option(b->to, SOL_SOCKET, SO_RCVBUFFORCE, ROOM) &&
	       option(b->from, IPPROTO_UDP, UDP_SEGMENT, DATAGRAM) && option(b->to, IPPROTO_UDP, UDP_GRO, 1) &&
	       bind(b->to, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	       connect(b->from, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static void prepare(struct bench *b, size_t len)
{
	for (int i = 0; i < TRAINS; i++) {
		b->iov[i] = (struct iovec){ b->train[i], len };
		b->message[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &b->iov[i], .msg_iovlen = 1 } };
	}
}

static bool send_trains(struct bench *b)
{
	int n;

	prepare(b, TRAIN);
	stopwatch_start(&b->sending);
	n = sendmmsg(b->from, b->message, TRAINS, 0);
	stopwatch_stop(&b->sending);
	if (n > 0)
		b->sent += (uint64_t)n * TRAIN;
	return n > 0;
}

/* False: what was sent did not come. */
static bool receive_trains(struct bench *b)
{
	struct pollfd p = { .fd = b->to, .events = POLLIN };

	while (b->received < b->sent) {
		if (poll(&p, 1, PATIENCE) <= 0)
			return false;
		prepare(b, sizeof(b->train[0]));
		stopwatch_start(&b->receiving);
		int n = recvmmsg(b->to, b->message, TRAINS, 0, NULL);
		stopwatch_stop(&b->receiving);
		for (int i = 0; i < n; i++)
			b->received += b->message[i].msg_len;
	}
	return true;
}

/* Without the tax: nanoseconds per byte of inner packets. */
static double per_byte(const struct stopwatch *w, uint64_t bytes)
{
	return stopwatch_nsec(w) / ((double)bytes / DATAGRAM * PART_PACKET);
}

bool part_udp(const char *from, const char *to, const char *address, uint64_t bytes, struct part_pair *ret)
{
	struct bench *b = calloc(1, sizeof(*b));
	bool good;

	if (b == NULL)
		return false;
	b->from = b->to = -1;
	good = open_sockets(b, from, to, address);
	while (good && b->sent < bytes)
		good = send_trains(b) && receive_trains(b);
	if (good)
		*ret = (struct part_pair){ per_byte(&b->sending, b->sent), per_byte(&b->receiving, b->received) };
	else
		fprintf(stderr, "parts: UDP from %s to %s: %s\n", from, address, strerror(errno));
	if (b->from >= 0)
		close(b->from);
	if (b->to >= 0)
		close(b->to);
	free(b);
	return good;
}
