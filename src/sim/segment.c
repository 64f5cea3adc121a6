/* segment: see segment.h. */
#include "sim/segment.h"

#include <string.h>

#include "base/bytes.h"

enum { OPTION_NOP = 1, OPTION_MSS = 2, OPTION_SCALE = 3, OPTION_SACK_OK = 4, OPTION_SACK = 5,
       OPTION_TIMES = 8 };
enum { FLAG_SYN = 0x02, FLAG_ACK = 0x10 };

#define IP	20
#define TCP	20
#define PROTO	6

uint32_t checksum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += get_be16(p);
	return len > 0 ? sum + (uint32_t)(p[0] << 8) : sum;
}

uint16_t checksum_fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void ipv4_header(uint8_t *p, size_t len, uint8_t protocol, const uint8_t src[4],
		 const uint8_t dst[4])
{
	memset(p, 0, IP);
	p[0] = 0x45;
	put_be16(p + 2, (uint16_t)len);
	p[6] = 0x40;	/* DF */
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + 12, src, 4);
	memcpy(p + 16, dst, 4);
	put_be16(p + 10, checksum_fold(checksum_add(0, p, IP)));
}

void ipv4_mark(uint8_t *p, uint8_t dscp)
{
	p[1] = (uint8_t)(dscp << 2);
	put_be16(p + 10, 0);
	put_be16(p + 10, checksum_fold(checksum_add(0, p, IP)));
}

static uint8_t *write_times(uint8_t *o, const struct segment *seg)
{
	*o++ = OPTION_TIMES;
	*o++ = 10;
	put_be32(o, seg->time);
	put_be32(o + 4, seg->echo);
	return o + 8;
}

static uint8_t *write_syn_options(uint8_t *o, const struct segment *seg)
{
	*o++ = OPTION_MSS;
	*o++ = 4;
	put_be16(o, 1460);
	o += 2;
	*o++ = OPTION_SACK_OK;
	*o++ = 2;
	if (seg->has_times) {
		o = write_times(o, seg);
	} else {
		*o++ = OPTION_NOP;
		*o++ = OPTION_NOP;
	}
	*o++ = OPTION_NOP;
	*o++ = OPTION_SCALE;
	*o++ = 3;
	*o++ = SEGMENT_SCALE;
	return o;
}

static uint8_t *write_options(uint8_t *o, const struct segment *seg)
{
	if (seg->has_times) {
		*o++ = OPTION_NOP;
		*o++ = OPTION_NOP;
		o = write_times(o, seg);
	}
	if (seg->blocks == 0)
		return o;
	*o++ = OPTION_NOP;
	*o++ = OPTION_NOP;
	*o++ = OPTION_SACK;
	*o++ = (uint8_t)(2 + 8 * seg->blocks);
	for (unsigned i = 0; i < seg->blocks; i++, o += 8) {
		put_be32(o, seg->block[i].from);
		put_be32(o + 4, seg->block[i].to);
	}
	return o;
}

static uint16_t tcp_checksum(const uint8_t *p, size_t header, size_t len)
{
	uint32_t sum = checksum_add(PROTO + (uint32_t)(len - IP), p + 12, 8);

	return checksum_fold(checksum_add(sum, p + IP, header));	/* the payload is zeros */
}

size_t segment_write(const struct segment *seg, uint8_t ret[SEGMENT_MAX])
{
	uint8_t *tcp = ret + IP, *end;
	size_t header, len;

	memset(tcp, 0, TCP);
	put_be16(tcp, seg->src_port);
	put_be16(tcp + 2, seg->dst_port);
	put_be32(tcp + 4, seg->seq);
	put_be32(tcp + 8, seg->ack);
	put_be16(tcp + 14, seg->window);
	end = seg->syn ? write_syn_options(tcp + TCP, seg) : write_options(tcp + TCP, seg);
	header = (size_t)(end - tcp);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = (uint8_t)((seg->syn ? FLAG_SYN : 0) | (seg->has_ack ? FLAG_ACK : 0));
	memset(end, 0, seg->payload);
	len = IP + header + seg->payload;
	ipv4_header(ret, len, PROTO, seg->src, seg->dst);
	put_be16(tcp + 16, tcp_checksum(ret, header, len));
	return len;
}

static void read_option(uint8_t kind, const uint8_t *o, size_t len, struct segment *ret)
{
	if (kind == OPTION_TIMES && len == 8) {
		ret->has_times = true;
		ret->time = get_be32(o);
		ret->echo = get_be32(o + 4);
	}
	if (kind == OPTION_SACK)
		for (; len >= 8 && ret->blocks < SEGMENT_BLOCKS; o += 8, len -= 8)
			ret->block[ret->blocks++] = (struct segment_block){ get_be32(o), get_be32(o + 4) };
}

static void read_options(const uint8_t *o, const uint8_t *end, struct segment *ret)
{
	while (o < end && *o != 0) {
		if (*o == OPTION_NOP) {
			o++;
			continue;
		}
		if (end - o < 2 || o[1] < 2 || o[1] > end - o)
			return;
		read_option(o[0], o + 2, o[1] - 2u, ret);
		o += o[1];
	}
}

bool segment_read(const uint8_t *packet, size_t len, struct segment *ret)
{
	const uint8_t *tcp = packet + IP;
	size_t header;

	if (len < IP + TCP || packet[0] != 0x45 || packet[9] != PROTO)
		return false;
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < TCP || IP + header > len)
		return false;
	*ret = (struct segment){
		.src_port = get_be16(tcp), .dst_port = get_be16(tcp + 2), .seq = get_be32(tcp + 4),
		.ack = get_be32(tcp + 8), .window = get_be16(tcp + 14),
		.syn = tcp[13] & FLAG_SYN, .has_ack = tcp[13] & FLAG_ACK,
		.payload = len - IP - header,
	};
	memcpy(ret->src, packet + 12, 4);
	memcpy(ret->dst, packet + 16, 4);
	read_options(tcp + TCP, tcp + header, ret);
	return true;
}
