/*
 * ip: where the headers of a TCP or UDP packet are.
 */
#ifndef TTT_BASE_IP_H
#define TTT_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_TCP		6
#define IP_UDP		17
#define IP4_HEADER	20	/* without options */
#define IP6_HEADER	40	/* without extension headers */
#define TCP_HEADER	20	/* without options */
#define UDP_HEADER	8
#define TCP_CHECKSUM	16	/* bytes into the header */
#define UDP_CHECKSUM	6

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_URG = 0x20,
       TCP_ECE = 0x40, TCP_CWR = 0x80 };

struct ip {
	bool is6;
	uint8_t protocol;	/* IP_TCP or IP_UDP */
	uint16_t transport;	/* where its header begins */
	uint16_t payload;	/* where that ends; at most the packet's length */
};

/*
 * False: not one whole TCP or UDP packet of exactly len bytes whose headers are
 * all there; a fragment; IPv6 extension headers other than hop-by-hop and
 * destination options.  No checksum is looked at.
 */
bool ip_read(const uint8_t *packet, size_t len, struct ip *ret);

/* Where the TCP's or UDP's checksum stands. */
static inline size_t ip_checksum_at(const struct ip *ip)
{
	return ip->transport + (size_t)(ip->protocol == IP_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
}

/* The sum of the pseudo header, for so many bytes of transport header and payload. */
uint64_t ip_pseudo_sum(const uint8_t *packet, const struct ip *ip, size_t len);

/*
 * A checksum may be left to who has to do with the packet last, as Linux and virtio
 * leave it to a network card (CHECKSUM_PARTIAL, VIRTIO_NET_HDR_F_NEEDS_CSUM): then
 * the sum of the pseudo header stands in its place.
 */
void ip_leave_checksum(uint8_t *packet, const struct ip *ip, size_t len);
/* Make it.  False: it is no packet that ip_read knows, and stays as it is. */
bool ip_finish_checksum(uint8_t *packet, size_t len);

/* Whether TCP's or UDP's is right; UDP may have none, which is not. */
bool ip_has_right_checksum(const uint8_t *packet, const struct ip *ip, size_t len);

/* The lengths and the IPv4 checksum of a packet of len bytes, its UDP length included. */
void ip_write_length(uint8_t *packet, const struct ip *ip, size_t len);

#endif
