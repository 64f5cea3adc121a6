/* shorthand: see shorthand.h. */
#include "core/flow/shorthand.h"

#include <string.h>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/sum.h"
#include "core/flow/lane.h"

enum { IPV4_LENGTH = 2, IPV4_ID = 4, IPV4_FRAGMENT = 6, IPV4_PROTOCOL = 9, IPV4_CHECKSUM = 10 };
enum { IPV6_LENGTH = 4, IPV6_NEXT = 6 };
enum { SEQ = 4, ACK = 8, OFFSET = 12, FLAGS = 13, WINDOW = 14, VALUE = 24, ECHO = 28, STAMPED = 32 };
enum {
	HAS_CLASS = 0x01, HAS_FLAGS = 0x02, HAS_SEQ = 0x04, HAS_ACK = 0x08,
	HAS_WINDOW = 0x10, HAS_ID = 0x20, HAS_TIMES = 0x40, HAS_PUSH = 0x80,
};

/* NOP, NOP, timestamps: as everybody writes them (RFC 7323, appendix A). */
static const uint8_t stamp[4] = { 1, 1, 8, 10 };

static bool is_ipv4(const uint8_t *header)
{
	return header[0] >> 4 == 4;
}

static size_t ip_header(const uint8_t *header)
{
	return is_ipv4(header) ? IP4_HEADER : IP6_HEADER;
}

/* Of a header that is remembered: it has no other option. */
static bool has_stamp(const uint8_t *tcp)
{
	return tcp[OFFSET] >> 4 == STAMPED / 4;
}

static bool ipv4_is_plain(const uint8_t *p, size_t len)
{
	return len >= IP4_HEADER + TCP_HEADER && p[0] == 0x45 && p[IPV4_PROTOCOL] == IP_TCP &&
	       get_be16(p + IPV4_LENGTH) == len && (get_be16(p + IPV4_FRAGMENT) & 0x3fff) == 0 &&
	       get_be16(p + IPV4_CHECKSUM) != UINT16_MAX &&	/* which would be right, but is not what is made */
	       sum_is_right(sum_add(0, p, IP4_HEADER));
}

static bool ipv6_is_plain(const uint8_t *p, size_t len)
{
	return len >= IP6_HEADER + TCP_HEADER && p[0] >> 4 == 6 && p[IPV6_NEXT] == IP_TCP &&
	       get_be16(p + IPV6_LENGTH) + (size_t)IP6_HEADER == len;
}

/* Bytes of the IP and TCP header of a segment with nothing unusual in front of it; 0: it is none. */
static size_t header_of(const uint8_t *packet, size_t len)
{
	size_t ip, tcp;

	if (len == 0 || !(is_ipv4(packet) ? ipv4_is_plain(packet, len) : ipv6_is_plain(packet, len)))
		return 0;
	ip = ip_header(packet);
	tcp = (packet[ip + OFFSET] >> 4) * 4u;
	if (tcp == TCP_HEADER)
		return ip + TCP_HEADER;
	if (tcp != STAMPED || ip + tcp > len || memcmp(packet + ip + TCP_HEADER, stamp, sizeof(stamp)) != 0)
		return 0;
	return ip + STAMPED;
}

bool shorthand_learn(struct shorthand_context *ret, const uint8_t *packet, size_t len, uint16_t lane,
		     uint32_t seq)
{
	size_t header = header_of(packet, len);

	if (header == 0)
		return false;
	if (packet[ip_header(packet) + FLAGS] & (TCP_FIN | TCP_SYN | TCP_RST))
		return false;
	*ret = (struct shorthand_context){
		.seq = seq, .lane = lane, .stride = (uint16_t)(len - header), .len = (uint8_t)header,
	};
	memcpy(ret->header, packet, header);
	return true;
}

uint32_t shorthand_seq(const struct shorthand_context *c, uint16_t low)
{
	int16_t behind = (int16_t)(uint16_t)(low - (uint16_t)c->seq);

	return (c->seq + (uint32_t)behind) & LANE_SEQ_MASK;
}

/* --- numbers ----------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *at, uint32_t n)
{
	for (; n >= 0x80; n >>= 7)
		*at++ = (uint8_t)(n | 0x80);
	*at++ = (uint8_t)n;
	return at;
}

/* *at moves behind it; false: it is cut short, or has more than 32 bits. */
static bool get_number(const uint8_t **at, const uint8_t *end, uint32_t *ret)
{
	uint32_t n = 0;

	for (unsigned shift = 0; shift < 35 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;

		if (shift == 28 && byte > 0x0f)
			return false;
		n |= (uint32_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = n;
			return true;
		}
	}
	return false;
}

static uint32_t zigzag(int32_t n)
{
	return (uint32_t)n << 1 ^ (uint32_t)(n < 0 ? -1 : 0);
}

static uint32_t unzigzag(uint32_t n)
{
	return n >> 1 ^ (n & 1 ? UINT32_MAX : 0);
}

/* --- what is expected ----------------------------------------------------------- */

/* Traffic class: four bits of each of the first two bytes of IPv6. */
static uint8_t class_of(const uint8_t *header)
{
	return is_ipv4(header) ? header[1] : (uint8_t)(header[0] << 4 | header[1] >> 4);
}

static void set_class(uint8_t *header, uint8_t class)
{
	if (is_ipv4(header)) {
		header[1] = class;
		return;
	}
	header[0] = (uint8_t)(0x60 | class >> 4);
	header[1] = (uint8_t)(class << 4 | (header[1] & 0x0f));
}

static uint32_t expected_seq(const struct shorthand_context *c, uint32_t seq)
{
	return get_be32(c->header + ip_header(c->header) + SEQ) +
	       (uint32_t)lane_seq_diff(seq, c->seq) * c->stride;
}

/* Who has no use for the id gives 0 to all. */
static uint16_t expected_id(const struct shorthand_context *c, uint32_t seq)
{
	uint16_t id = get_be16(c->header + IPV4_ID);

	return id == 0 ? 0 : (uint16_t)(id + (uint32_t)lane_seq_diff(seq, c->seq));
}

/* --- writing ------------------------------------------------------------------ */

static bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	return memcmp(a + from, b + from, to - from) == 0;
}

/* What a shorthand cannot say is as in the context.  Both have headers of header_of's kind. */
static bool is_like(const uint8_t *p, const struct shorthand_context *c)
{
	const uint8_t *h = c->header;
	size_t ip = ip_header(h);
	const uint8_t *tcp = p + ip, *was = h + ip;

	if (is_ipv4(h) ? !same(p, h, IPV4_FRAGMENT, IPV4_CHECKSUM) || !same(p, h, IPV4_CHECKSUM + 2, IP4_HEADER)
		       : ((p[1] ^ h[1]) & 0x0f) != 0 || !same(p, h, 2, IPV6_LENGTH) || !same(p, h, IPV6_NEXT, IP6_HEADER))
		return false;
	return same(tcp, was, 0, SEQ) && tcp[OFFSET] == was[OFFSET] &&
	       same(tcp, was, TCP_CHECKSUM + 2, TCP_HEADER);
}

static uint8_t *put_off(uint8_t *at, uint8_t *mask, uint8_t bit, int32_t off)
{
	if (off == 0)
		return at;
	*mask |= bit;
	return put_number(at, zigzag(off));
}

static bool is_near(const struct shorthand_context *c, uint32_t seq)
{
	return shorthand_seq(c, (uint16_t)seq) == seq;
}

size_t shorthand_write(const struct shorthand_context *c, const uint8_t *packet, size_t len, uint32_t seq,
		       bool needs_checksum, uint8_t *ret)
{
	const uint8_t *h = c->header, *tcp, *was;
	uint8_t *at = ret + SHORTHAND_MIN, mask = 0;

	if (c->len == 0 || len < c->len || packet[0] >> 4 != h[0] >> 4 || header_of(packet, len) != c->len ||
	    !is_near(c, seq) || !is_like(packet, c))
		return 0;
	tcp = packet + ip_header(h);
	was = h + ip_header(h);
	if (!needs_checksum) {
		memcpy(at, tcp + TCP_CHECKSUM, 2);
		at += 2;
	}
	if (class_of(packet) != class_of(h)) {
		mask |= HAS_CLASS;
		*at++ = class_of(packet);
	}
	if ((tcp[FLAGS] ^ was[FLAGS]) == TCP_PSH) {
		mask |= HAS_PUSH;
	} else if (tcp[FLAGS] != was[FLAGS]) {
		mask |= HAS_FLAGS;
		*at++ = tcp[FLAGS];
	}
	at = put_off(at, &mask, HAS_SEQ, (int32_t)(get_be32(tcp + SEQ) - expected_seq(c, seq)));
	if (!same(tcp, was, ACK, OFFSET)) {
		mask |= HAS_ACK;
		at = put_number(at, get_be32(tcp + ACK) - get_be32(was + ACK));
	}
	if (!same(tcp, was, WINDOW, TCP_CHECKSUM)) {
		mask |= HAS_WINDOW;
		memcpy(at, tcp + WINDOW, 2);
		at += 2;
	}
	if (is_ipv4(h))
		at = put_off(at, &mask, HAS_ID, (int16_t)(get_be16(packet + IPV4_ID) - expected_id(c, seq)));
	if (has_stamp(was) && !same(tcp, was, VALUE, STAMPED)) {
		mask |= HAS_TIMES;
		at = put_number(at, get_be32(tcp + VALUE) - get_be32(was + VALUE));
		at = put_number(at, get_be32(tcp + ECHO) - get_be32(was + ECHO));
	}
	ret[0] = mask;
	return (size_t)(at - ret);
}

/* --- reading ------------------------------------------------------------------ */

/* The numbers of a mask, in order; those that are not there are 0. */
struct numbers {
	uint32_t seq, ack, id, value, echo;
	const uint8_t *class, *flags, *window;	/* where they are; NULL: as in the context */
};

static bool get_if(uint8_t mask, uint8_t bit, const uint8_t **at, const uint8_t *end, uint32_t *ret)
{
	return !(mask & bit) || get_number(at, end, ret);
}

static bool get_bytes_if(uint8_t mask, uint8_t bit, size_t len, const uint8_t **at, const uint8_t *end,
			 const uint8_t **ret)
{
	if (!(mask & bit))
		return true;
	if ((size_t)(end - *at) < len)
		return false;
	*ret = *at;
	*at += len;
	return true;
}

static bool get_numbers(uint8_t mask, const uint8_t **at, const uint8_t *end, struct numbers *ret)
{
	*ret = (struct numbers){ 0 };
	return get_bytes_if(mask, HAS_CLASS, 1, at, end, &ret->class) &&
	       get_bytes_if(mask, HAS_FLAGS, 1, at, end, &ret->flags) &&
	       get_if(mask, HAS_SEQ, at, end, &ret->seq) && get_if(mask, HAS_ACK, at, end, &ret->ack) &&
	       get_bytes_if(mask, HAS_WINDOW, 2, at, end, &ret->window) &&
	       get_if(mask, HAS_ID, at, end, &ret->id) && get_if(mask, HAS_TIMES, at, end, &ret->value) &&
	       get_if(mask, HAS_TIMES, at, end, &ret->echo);
}

static void add_be32(uint8_t *at, uint32_t n)
{
	put_be32(at, get_be32(at) + n);
}

static void fill_tcp(const struct shorthand_context *c, uint8_t mask, const struct numbers *n, uint32_t seq,
		     uint8_t *tcp)
{
	put_be32(tcp + SEQ, expected_seq(c, seq) + unzigzag(n->seq));
	add_be32(tcp + ACK, n->ack);
	if (mask & HAS_PUSH)
		tcp[FLAGS] ^= TCP_PSH;
	if (n->flags != NULL)
		tcp[FLAGS] = *n->flags;
	if (n->window != NULL)
		memcpy(tcp + WINDOW, n->window, 2);
	if (has_stamp(tcp)) {
		add_be32(tcp + VALUE, n->value);
		add_be32(tcp + ECHO, n->echo);
	}
}

static void fill_ip(const struct shorthand_context *c, const struct numbers *n, uint32_t seq, size_t len,
		    uint8_t *ip)
{
	if (n->class != NULL)
		set_class(ip, *n->class);
	if (!is_ipv4(ip)) {
		put_be16(ip + IPV6_LENGTH, (uint16_t)(len - IP6_HEADER));
		return;
	}
	put_be16(ip + IPV4_LENGTH, (uint16_t)len);
	put_be16(ip + IPV4_ID, (uint16_t)(expected_id(c, seq) + unzigzag(n->id)));
	put_be16(ip + IPV4_CHECKSUM, 0);
	sum_put_checksum(ip + IPV4_CHECKSUM, sum_add(0, ip, IP4_HEADER));
}

static void leave_checksum(uint8_t *packet, size_t transport, size_t len)
{
	const struct ip ip = { .is6 = !is_ipv4(packet), .protocol = IP_TCP, .transport = (uint16_t)transport };

	ip_leave_checksum(packet, &ip, len);
}

size_t shorthand_read(const struct shorthand_context *c, const uint8_t *at, size_t len, uint32_t seq,
		      bool needs_checksum, uint8_t *ret)
{
	const uint8_t *p = at + SHORTHAND_MIN + (needs_checksum ? 0 : 2), *end = at + len;
	size_t ip = ip_header(c->header), whole;
	struct numbers n;

	if (c->len == 0 || p > end || !get_numbers(at[0], &p, end, &n))
		return 0;
	whole = c->len + (size_t)(end - p);
	if (whole > UINT16_MAX)
		return 0;
	memcpy(ret, c->header, c->len);
	fill_tcp(c, at[0], &n, seq, ret + ip);
	fill_ip(c, &n, seq, whole, ret);
	if (needs_checksum)
		leave_checksum(ret, ip, whole);
	else
		memcpy(ret + ip + TCP_CHECKSUM, at + 1, 2);
	return (size_t)(p - at);
}
