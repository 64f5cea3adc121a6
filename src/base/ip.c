/* ip: see ip.h. */
#include "base/ip.h"

#include "base/bytes.h"
#include "base/sum.h"

enum { HOP_BY_HOP = 0, DESTINATION = 60 };

#define EXTENSIONS_MAX	8

static bool read_transport(const uint8_t *p, size_t len, struct ip *ip)
{
	size_t left = len - ip->transport, header = UDP_HEADER;

	if (ip->protocol == IP_UDP)
		return left >= UDP_HEADER && get_be16(p + ip->transport + 4) == left &&
		       (ip->payload = (uint16_t)(ip->transport + header), true);
	if (ip->protocol != IP_TCP || left < TCP_HEADER)
		return false;
	header = (size_t)(p[ip->transport + 12] >> 4) * 4;
	ip->payload = (uint16_t)(ip->transport + header);
	return header >= TCP_HEADER && header <= left;
}

static bool read4(const uint8_t *p, size_t len, struct ip *ip)
{
	size_t header;

	if (len < IP4_HEADER)
		return false;
	header = (p[0] & 0x0fu) * 4;
	if (header < IP4_HEADER || header > len || get_be16(p + 2) != len || (get_be16(p + 6) & 0x3fff) != 0)
		return false;
	ip->is6 = false;
	ip->protocol = p[9];
	ip->transport = (uint16_t)header;
	return true;
}

static bool read6(const uint8_t *p, size_t len, struct ip *ip)
{
	size_t at = IP6_HEADER;

	if (len < IP6_HEADER || (size_t)get_be16(p + 4) + IP6_HEADER != len)
		return false;
	ip->is6 = true;
	ip->protocol = p[6];
	for (int i = 0; i < EXTENSIONS_MAX && (ip->protocol == HOP_BY_HOP || ip->protocol == DESTINATION); i++) {
		if (at + 8 > len)
			return false;
		ip->protocol = p[at];
		at += ((size_t)p[at + 1] + 1) * 8;
	}
	ip->transport = (uint16_t)at;
	return at <= len;
}

bool ip_read(const uint8_t *packet, size_t len, struct ip *ret)
{
	struct ip ip = { 0 };

	if (len == 0 || len > UINT16_MAX)
		return false;
	if (!(packet[0] >> 4 == 4 ? read4(packet, len, &ip) : packet[0] >> 4 == 6 && read6(packet, len, &ip)))
		return false;
	if (!read_transport(packet, len, &ip))
		return false;
	*ret = ip;
	return true;
}

uint64_t ip_pseudo_sum(const uint8_t *packet, const struct ip *ip, size_t len)
{
	uint64_t sum = ip->is6 ? sum_add(0, packet + 8, 32) : sum_add(0, packet + 12, 8);

	return sum_add_number(sum_add_number(sum, ip->protocol), (unsigned)len);
}

bool ip_has_right_checksum(const uint8_t *packet, const struct ip *ip, size_t len)
{
	size_t rest = len - ip->transport;

	if (ip->protocol == IP_UDP && get_be16(packet + ip_checksum_at(ip)) == 0)
		return false;
	return sum_is_right(sum_add(ip_pseudo_sum(packet, ip, rest), packet + ip->transport, rest));
}

void ip_leave_checksum(uint8_t *packet, const struct ip *ip, size_t len)
{
	sum_put(packet + ip_checksum_at(ip), ip_pseudo_sum(packet, ip, len - ip->transport));
}

bool ip_finish_checksum(uint8_t *packet, size_t len)
{
	struct ip ip;
	uint8_t *at;

	if (!ip_read(packet, len, &ip))
		return false;
	ip_leave_checksum(packet, &ip, len);
	at = packet + ip_checksum_at(&ip);
	(ip.protocol == IP_UDP ? sum_put_udp_checksum : sum_put_checksum)(
		at, sum_add(0, packet + ip.transport, len - ip.transport));
	return true;
}

void ip_write_length(uint8_t *packet, const struct ip *ip, size_t len)
{
	if (ip->protocol == IP_UDP)
		put_be16(packet + ip->transport + 4, (uint16_t)(len - ip->transport));
	if (ip->is6) {
		put_be16(packet + 4, (uint16_t)(len - IP6_HEADER));
		return;
	}
	put_be16(packet + 2, (uint16_t)len);
	put_be16(packet + 10, 0);
	sum_put_checksum(packet + 10, sum_add(0, packet, ip->transport));
}
