/* open: see open.h. */
#include "io/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef TUN_F_USO4	/* headers before Linux 6.2 */
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

#define SOCKET_BUFFER	(4 * 1024 * 1024)	/* bytes: 250 ms at 128 Mbit/s */

/* Close fd and give err, both of which the caller had in hand. */
static int give_up(int fd, int err)
{
	close(fd);
	return err;
}

static int make_tun(const char *ifname, short more_flags)
{
	struct ifreq request = { .ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | more_flags) };
	int fd;

	if (*ifname == '\0' || strlen(ifname) >= IFNAMSIZ || strpbrk(ifname, "/: %\t\n") != NULL)
		return -EINVAL;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	strcpy(request.ifr_name, ifname);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return give_up(fd, -errno);
	return fd;
}

int open_tun(const char *ifname)
{
	return make_tun(ifname, 0);
}

int open_tun_virtio(const char *ifname)
{
	return make_tun(ifname, IFF_VNET_HDR);
}

/* The device takes all of what is asked for, or nothing. */
static bool agrees(int fd, unsigned long what)
{
	return ioctl(fd, TUNSETOFFLOAD, what) == 0;
}

struct open_offload open_tun_offload(int fd)
{
	const unsigned long tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	const unsigned long uso = TUN_F_USO4 | TUN_F_USO6;
	struct open_offload agreed = { .uso = agrees(fd, tso | uso) };

	agreed.tso = agreed.uso || agrees(fd, tso);
	if (!agreed.tso)
		agrees(fd, 0);
	return agreed;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_family_options(int fd, const struct open_udp_options *o)
{
	bool is6 = o->local.family == ADDR_IPV6;
	int level = is6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int err = 0;

	if (is6)
		err = set(fd, level, IPV6_V6ONLY, 1);
	if (err == 0)
		err = set(fd, level, is6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
			  is6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE);
	if (err == 0)
		err = set(fd, level, is6 ? IPV6_RECVERR : IP_RECVERR, 1);
	if (err == 0)
		err = set(fd, level, is6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1);
	if (err == 0 && o->listener)
		err = set(fd, level, is6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
	return err;
}

/* Large buffers are a wish: without the right to force them the limits of the host hold. */
static void set_buffers(int fd)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) != 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) != 0)
		set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
}

static int set_route_options(int fd, const struct open_udp_options *o)
{
	if (o->mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &o->mark, sizeof(o->mark)) < 0)
		return -errno;
	if (o->device != NULL &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device, (socklen_t)strlen(o->device)) < 0)
		return -errno;
	return 0;
}

int open_udp(const struct open_udp_options *o)
{
	struct sockaddr_storage at;
	size_t len = addr_to_sockaddr(&o->local, &at);
	int fd, err;

	if (len == 0)
		return -EAFNOSUPPORT;
	fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	set_buffers(fd);
	err = set_family_options(fd, o);
	if (err == 0)
		err = set_route_options(fd, o);
	/* where the kernel cannot, they come one by one */
	if (err == 0 && !o->one_by_one)
		set(fd, IPPROTO_UDP, UDP_GRO, 1);
	if (err != 0)
		return give_up(fd, err);
	if (bind(fd, (const struct sockaddr *)&at, (socklen_t)len) < 0)
		return give_up(fd, -errno);
	return fd;
}
