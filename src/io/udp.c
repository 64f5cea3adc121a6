/* udp: see udp.h. */
#include "io/udp.h"

#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"

/* Room for the local address of either family, the ECN field, and the length of segments. */
#define CONTROL_ROOM	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + \
			 CMSG_SPACE(sizeof(uint16_t)))

union control {
	struct cmsghdr header;
	char room[CONTROL_ROOM];
};

/* Append a control message of an option; gives where the next one goes. */
static size_t put(union control *c, size_t at, int level, int type, const void *value, size_t len)
{
	struct cmsghdr *header = (struct cmsghdr *)(c->room + at);

	header->cmsg_level = level;
	header->cmsg_type = type;
	header->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(header), value, len);
	return at + CMSG_SPACE(len);
}

/* Ask for a source address. */
static size_t put_local(union control *c, size_t at, const struct addr *local)
{
	if (local->family == ADDR_IPV4) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, local->ip, 4);
		return put(c, at, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (local->family == ADDR_IPV6) {
		struct in6_pktinfo info = { .ipi6_ifindex = local->scope };

		memcpy(&info.ipi6_addr, local->ip, 16);
		return put(c, at, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	return at;
}

static size_t put_ecn(union control *c, size_t at, const struct udp_datagram *d)
{
	int field = d->buf->ecn;

	if (field == 0)
		return at;
	if (d->remote.family == ADDR_IPV6)
		return put(c, at, IPPROTO_IPV6, IPV6_TCLASS, &field, sizeof(field));
	return put(c, at, IPPROTO_IP, IP_TOS, &field, sizeof(field));
}

static size_t put_segment(union control *c, size_t at, size_t len)
{
	uint16_t segment = (uint16_t)len;

	return put(c, at, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
}

static bool goes_with(const struct udp_datagram *first, const struct udp_datagram *d)
{
	return !d->buf->alone && d->buf->len > 0 && d->buf->len <= first->buf->len &&
	       d->buf->ecn == first->buf->ecn && addr_equal(&d->remote, &first->remote) &&
	       addr_equal(&d->local, &first->local);
}

size_t udp_run(const struct udp_datagram *d, size_t n)
{
	size_t bytes = d->buf->len, i;

	if (d->buf->alone || n > UDP_SEGMENTS)
		n = d->buf->alone ? 1 : UDP_SEGMENTS;
	for (i = 1; i < n && goes_with(d, &d[i]); i++) {
		bytes += d[i].buf->len;
		if (bytes > UDP_MESSAGE_MAX)
			break;
		if (d[i].buf->len < d->buf->len)
			return i + 1;
	}
	return i;
}

/* What goes into one system call. */
struct batch {
	struct mmsghdr msg[UDP_MESSAGES];
	struct sockaddr_storage to[UDP_MESSAGES];
	union control control[UDP_MESSAGES];
	struct iovec iov[UDP_BATCH];
	unsigned messages;
	size_t datagrams;
};

/* The first `run` datagrams, as one message. */
static void add_message(struct batch *b, const struct udp_datagram *d, size_t run)
{
	union control *control = &b->control[b->messages];
	struct iovec *iov = &b->iov[b->datagrams];
	struct sockaddr_storage *to = &b->to[b->messages];
	size_t room = put_ecn(control, put_local(control, 0, &d->local), d);

	if (run > 1)
		room = put_segment(control, room, d->buf->len);
	for (size_t i = 0; i < run; i++)
		iov[i] = (struct iovec){ d[i].buf->data, d[i].buf->len };
	b->msg[b->messages++].msg_hdr = (struct msghdr){
		.msg_name = to, .msg_namelen = (socklen_t)addr_to_sockaddr(&d->remote, to),
		.msg_iov = iov, .msg_iovlen = run,
		.msg_control = room > 0 ? control : NULL, .msg_controllen = room,
	};
	b->datagrams += run;
}

int udp_send(int fd, const struct udp_datagram *d, size_t n, bool segment, unsigned *ret_messages)
{
	struct batch b;
	size_t went = 0;
	int sent;

	b.messages = 0;
	b.datagrams = 0;
	n = n < UDP_BATCH ? n : UDP_BATCH;
	while (b.datagrams < n && b.messages < UDP_MESSAGES)
		add_message(&b, d + b.datagrams, segment ? udp_run(d + b.datagrams, n - b.datagrams) : 1);
	sent = sendmmsg(fd, b.msg, b.messages, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	for (int i = 0; i < sent; i++)
		went += b.msg[i].msg_hdr.msg_iovlen;
	*ret_messages = (unsigned)sent;
	return (int)went;
}

int udp_check(int fd)
{
	return recvmmsg(fd, NULL, 0, MSG_DONTWAIT, NULL) < 0 ? -errno : 0;
}

bool udp_release_corrupts(const char *release)
{
	unsigned major, minor, patch = 0;

	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2 || major != 7)
		return false;
	return minor == 0 || (minor == 1 && patch <= 4);
}

static bool takes(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_UDP, option, &value, sizeof(value)) == 0;
}

/* An older kernel would send what it is asked to cut as it is: so it is asked before. */
struct udp_offload udp_offload(void)
{
	struct udp_offload can = { 0 };
	struct utsname host;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return can;
	can.segment = takes(fd, UDP_SEGMENT, 0) && uname(&host) == 0 && !udp_release_corrupts(host.release);
	can.gro = takes(fd, UDP_GRO, 1);
	close(fd);
	return can;
}

static bool is_recverr(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

bool udp_error(int fd, struct udp_error *ret)
{
	union {
		struct cmsghdr header;
		char room[CONTROL_ROOM +
			  CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6))];
	} control;
	struct sockaddr_storage to = { 0 };
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to),
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	*ret = (struct udp_error){ .error = EIO, .remote = addr_from_sockaddr((struct sockaddr *)&to) };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		struct sock_extended_err e;

		if (!is_recverr(c))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_errno != 0)
			ret->error = (int)e.ee_errno;
		if (e.ee_errno == EMSGSIZE)
			ret->mtu = e.ee_info;
	}
	return true;
}
