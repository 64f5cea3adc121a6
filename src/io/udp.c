/* udp: see udp.h. */
#include "io/udp.h"

#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"

/* Room for the local address of either family, and the ECN field. */
#define CONTROL_ROOM	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)))

union control {
	struct cmsghdr header;
	char room[CONTROL_ROOM];
};

static struct addr local_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return addr_from_ipv4((const uint8_t *)&info.ipi_addr, 0);
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			sa.sin6_addr = info.ipi6_addr;
			sa.sin6_scope_id = info.ipi6_ifindex;
			return addr_from_sockaddr((struct sockaddr *)&sa);
		}
	}
	return (struct addr){ .family = ADDR_NONE };
}

/* Of the traffic class; Linux gives IPv4's as one byte, IPv6's as an int. */
static uint8_t ecn_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		int class;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			return *CMSG_DATA(c) & 3;
		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_TCLASS)
			continue;
		memcpy(&class, CMSG_DATA(c), sizeof(class));
		return class & 3;
	}
	return 0;
}

int udp_receive(int fd, struct udp_datagram *d, size_t n)
{
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct sockaddr_storage from[UDP_BATCH];
	union control control[UDP_BATCH];
	int got;

	for (size_t i = 0; i < n; i++) {
		iov[i] = (struct iovec){ d[i].buf->data, buf_tailroom(d[i].buf) };
		msg[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i], .msg_iovlen = 1,
			.msg_control = &control[i], .msg_controllen = sizeof(control[i]),
		};
	}
	got = recvmmsg(fd, msg, (unsigned)n, MSG_DONTWAIT, NULL);
	if (got < 0)
		return -errno;
	for (int i = 0; i < got; i++) {
		bool whole = !(msg[i].msg_hdr.msg_flags & MSG_TRUNC);

		d[i].buf->len = whole ? msg[i].msg_len : 0;
		d[i].remote = addr_from_sockaddr((struct sockaddr *)&from[i]);
		d[i].local = local_of(&msg[i].msg_hdr);
		d[i].buf->ecn = ecn_of(&msg[i].msg_hdr);
	}
	return got;
}

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

int udp_send(int fd, const struct udp_datagram *d, size_t n)
{
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct sockaddr_storage to[UDP_BATCH];
	union control control[UDP_BATCH];
	int sent;

	for (size_t i = 0; i < n; i++) {
		size_t room = put_ecn(&control[i], put_local(&control[i], 0, &d[i].local), &d[i]);

		iov[i] = (struct iovec){ d[i].buf->data, d[i].buf->len };
		msg[i].msg_hdr = (struct msghdr){
			.msg_name = &to[i],
			.msg_namelen = (socklen_t)addr_to_sockaddr(&d[i].remote, &to[i]),
			.msg_iov = &iov[i], .msg_iovlen = 1,
			.msg_control = room > 0 ? &control[i] : NULL, .msg_controllen = room,
		};
	}
	sent = sendmmsg(fd, msg, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
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
