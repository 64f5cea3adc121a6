/* inner: see inner.h. */
#include "core/inner.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

enum {
	PROTO_HOPOPTS = 0, PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44, PROTO_ICMPV6 = 58, PROTO_DSTOPTS = 60, PROTO_SCTP = 132,
	PROTO_DCCP = 33, PROTO_UDPLITE = 136,
};

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10, TCP_URG = 0x20 };

#define EXTENSIONS_MAX	8

static bool has_ports(uint8_t protocol)
{
	return protocol == PROTO_TCP || protocol == PROTO_UDP || protocol == PROTO_SCTP ||
	       protocol == PROTO_DCCP || protocol == PROTO_UDPLITE;
}

static void hash_flow(struct inner *in, const uint8_t *ports, const uint8_t key[INNER_KEY])
{
	size_t size = in->src.family == ADDR_IPV4 ? 4 : 16, len = 0;
	uint8_t tuple[37];
	uint8_t hash[crypto_shorthash_BYTES];

	memcpy(tuple, in->src.ip, size);
	memcpy(tuple + size, in->dst.ip, size);
	len = 2 * size;
	tuple[len++] = in->protocol;
	if (ports != NULL) {
		memcpy(tuple + len, ports, 4);
		len += 4;
	}
	crypto_shorthash(hash, tuple, len, key);
	in->flow = get_le32(hash);
}

/* An ACK and nothing else: a later one says all that it says. */
static bool is_pure_ack(const uint8_t *tcp, size_t len)
{
	return len >= 20 && (size_t)(tcp[12] >> 4) * 4 == len &&
	       (tcp[13] & (TCP_ACK | TCP_FIN | TCP_SYN | TCP_RST | TCP_URG)) == TCP_ACK;
}

/* at: of the transport header; fragment: there may be none. */
static void read_transport(const uint8_t *p, size_t at, size_t len, bool fragment,
			   const uint8_t key[INNER_KEY], struct inner *in)
{
	in->in_order = in->protocol == PROTO_TCP || in->protocol == PROTO_SCTP;
	in->unordered = in->protocol == PROTO_ICMP || in->protocol == PROTO_ICMPV6 ||
			(in->protocol == PROTO_TCP && !fragment && is_pure_ack(p + at, len - at));
	in->ports = !fragment && len - at >= 4 && has_ports(in->protocol) ? (uint16_t)at : 0;
	if (key != NULL)
		hash_flow(in, in->ports != 0 ? p + at : NULL, key);
}

static bool read_ipv4(const uint8_t *p, size_t len, const uint8_t key[INNER_KEY], struct inner *ret)
{
	size_t header;
	bool fragment;

	if (len < 20)
		return false;
	header = (p[0] & 0x0fu) * 4;
	if (header < 20 || header > len || get_be16(p + 2) != len)
		return false;
	fragment = get_be16(p + 6) & 0x3fff;
	ret->src = addr_from_ipv4(p + 12, 0);
	ret->dst = addr_from_ipv4(p + 16, 0);
	ret->protocol = p[9];
	read_transport(p, header, len, fragment, key, ret);
	return true;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == PROTO_HOPOPTS || protocol == PROTO_ROUTING ||
	       protocol == PROTO_DSTOPTS || protocol == PROTO_FRAGMENT;
}

static bool read_ipv6(const uint8_t *p, size_t len, const uint8_t key[INNER_KEY], struct inner *ret)
{
	size_t at = 40;
	bool fragment = false;

	if (len < 40 || (size_t)get_be16(p + 4) + 40 != len)
		return false;
	ret->src = addr_from_ipv6(p + 8, 0);
	ret->dst = addr_from_ipv6(p + 24, 0);
	ret->protocol = p[6];
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(ret->protocol) && at + 8 <= len; i++) {
		bool is_fragment = ret->protocol == PROTO_FRAGMENT;
		size_t size = is_fragment ? 8 : ((size_t)p[at + 1] + 1) * 8;

		fragment |= is_fragment;
		ret->protocol = p[at];
		at += size;
	}
	if (at > len)
		at = len;
	read_transport(p, at, len, fragment, key, ret);
	return true;
}

/*
 * What RFC 4594 and 8100 set aside for calls and the like (CS5, VOICE-ADMIT, EF,
 * CS6, CS7), where the transport does not mind the order.
 */
static bool is_real_time(const struct inner *in, unsigned dscp)
{
	return in->protocol == PROTO_UDP && (dscp == 40 || dscp == 44 || dscp == 46 || dscp == 48 || dscp == 56);
}

bool inner_read(const uint8_t *packet, size_t len, const uint8_t key[INNER_KEY], struct inner *ret)
{
	if (len == 0)
		return false;
	if (packet[0] >> 4 == 4 && read_ipv4(packet, len, key, ret))
		ret->real_time = is_real_time(ret, packet[1] >> 2);
	else if (packet[0] >> 4 == 6 && read_ipv6(packet, len, key, ret))
		ret->real_time = is_real_time(ret, get_be16(packet) >> 6 & 0x3f);
	else
		return false;
	return true;
}

uint32_t inner_answer_flow(const uint8_t *packet, const struct inner *of, const uint8_t key[INNER_KEY])
{
	struct inner answer = { .src = of->dst, .dst = of->src, .protocol = of->protocol };
	uint8_t ports[4];

	if (of->ports != 0) {
		memcpy(ports, packet + of->ports + 2, 2);
		memcpy(ports + 2, packet + of->ports, 2);
	}
	hash_flow(&answer, of->ports != 0 ? ports : NULL, key);
	return answer.flow;
}
