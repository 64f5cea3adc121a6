/* arp: see arp.h. */
#include "routing/arp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket on the interface, and the interface's own address there. */
static int open_on(int index, struct sockaddr_ll *ret)
{
	const struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = index };
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || getsockname(fd, (struct sockaddr *)ret, &len) < 0)
		err = -errno;
	else if (ret->sll_hatype != ARPHRD_ETHER || ret->sll_halen != ETH_ALEN)
		err = -EAFNOSUPPORT;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

static struct ether_arp question(const uint8_t own[ETH_ALEN], const struct addr *source, const struct addr *gateway)
{
	struct ether_arp q = {
		.ea_hdr = {
			.ar_hrd = htons(ARPHRD_ETHER), .ar_pro = htons(ETHERTYPE_IP), .ar_hln = ETH_ALEN,
			.ar_pln = 4, .ar_op = htons(ARPOP_REQUEST),
		},
	};

	memcpy(q.arp_sha, own, ETH_ALEN);
	memcpy(q.arp_spa, source->ip, 4);
	memcpy(q.arp_tpa, gateway->ip, 4);
	return q;
}

int arp_ask(int index, const struct addr *source, const struct addr *gateway)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_ARP), .sll_ifindex = index,
		.sll_halen = ETH_ALEN,
	};
	struct sockaddr_ll own = { 0 };
	struct ether_arp q;
	int fd, err;

	if (source->family != ADDR_IPV4 || gateway->family != ADDR_IPV4)
		return -EAFNOSUPPORT;
	fd = open_on(index, &own);
	if (fd < 0)
		return fd;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	q = question(own.sll_addr, source, gateway);
	err = sendto(fd, &q, sizeof(q), 0, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
	close(fd);
	return err;
}
