/* inner_packet: see inner_packet.h. */
#include "inner_packet.h"

#include <string.h>

#include "base/bytes.h"

struct inner_packet inner_packet(bool is6, bool udp)
{
	return (struct inner_packet){ .is6 = is6, .udp = udp, .host = 2, .port = 40000, .ttl = 64, .df = true,
				      .id = 7, .seq = 1000, .ack = 77, .window = 501, .flags = 0x10, .size = 100 };
}

uint16_t inner_packet_sum(const uint8_t *at, size_t len, uint32_t begin)
{
	uint32_t sum = begin;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static size_t network(const struct inner_packet *p)
{
	return (p->is6 ? 40 : 20) + p->ip_options;
}

size_t inner_packet_headers(const struct inner_packet *p)
{
	return network(p) + (p->udp ? 8 : 20 + p->options);
}

static uint8_t protocol(const struct inner_packet *p)
{
	return p->udp ? 17 : 6;
}

uint16_t inner_packet_pseudo(const uint8_t *at, size_t len, const struct inner_packet *like)
{
	uint32_t begin = protocol(like) + (uint32_t)(len - network(like));

	return like->is6 ? inner_packet_sum(at + 8, 32, begin) : inner_packet_sum(at + 12, 8, begin);
}

bool inner_packet_is_right(const uint8_t *at, size_t len, const struct inner_packet *like)
{
	size_t from = network(like);

	if (!like->is6 && inner_packet_sum(at, from, 0) != 0xffff)
		return false;
	if (like->is6 ? get_be16(at + 4) + 40u != len : get_be16(at + 2) != len)
		return false;
	if (like->udp && get_be16(at + from + 4) != len - from)
		return false;
	return inner_packet_sum(at + from, len - from, inner_packet_pseudo(at, len, like)) == 0xffff;
}

static void write4(const struct inner_packet *p, uint8_t *at, size_t len)
{
	memset(at, 1, network(p));	/* options: no operation */
	at[0] = (uint8_t)(0x40 | network(p) / 4);
	at[1] = p->tos;
	put_be16(at + 2, (uint16_t)len);
	put_be16(at + 4, p->id);
	put_be16(at + 6, p->df ? 0x4000 : 0);
	at[8] = p->ttl;
	at[9] = protocol(p);
	put_be16(at + 10, 0);
	memcpy(at + 12, (const uint8_t[]){ 10, 84, 0, p->host, 203, 0, 113, 9 }, 8);
	put_be16(at + 10, (uint16_t)~inner_packet_sum(at, network(p), 0));
}

static void write6(const struct inner_packet *p, uint8_t *at, size_t len)
{
	memset(at, 0, network(p));
	put_be32(at, 6u << 28 | (uint32_t)p->tos << 20 | 0x12345);
	put_be16(at + 4, (uint16_t)(len - 40));
	at[6] = p->ip_options > 0 ? 60 : protocol(p);
	at[7] = p->ttl;
	at[8] = 0xfd;
	at[23] = p->host;
	at[24] = 0x20;
	at[39] = 9;
	if (p->ip_options == 0)
		return;
	at[40] = protocol(p);
	at[41] = (uint8_t)(p->ip_options / 8 - 1);
	at[42] = 1;	/* PadN over the rest */
	at[43] = (uint8_t)(p->ip_options - 4);
}

static void write_tcp(const struct inner_packet *p, uint8_t *tcp)
{
	memset(tcp, 0, 20);
	put_be16(tcp, p->port);
	put_be16(tcp + 2, 443);
	put_be32(tcp + 4, p->seq);
	put_be32(tcp + 8, p->ack);
	tcp[12] = (uint8_t)((20 + p->options) / 4 << 4);
	tcp[13] = p->flags;
	put_be16(tcp + 14, p->window);
	put_be16(tcp + 18, p->urgent);
	memset(tcp + 20, p->options_fill, p->options);
}

size_t inner_packet_write(const struct inner_packet *p, uint8_t *at)
{
	size_t head = inner_packet_headers(p), len = head + p->size, from = network(p);
	size_t field = from + (p->udp ? 6 : 16);
	uint16_t sum;

	for (size_t i = 0; i < p->size; i++)
		at[head + i] = (uint8_t)((p->offset + i) * 151 >> 3);
	if (p->is6)
		write6(p, at, len);
	else
		write4(p, at, len);
	if (p->udp) {
		put_be16(at + from, p->port);
		put_be16(at + from + 2, 443);
		put_be16(at + from + 4, (uint16_t)(len - from));
	} else {
		write_tcp(p, at + from);
	}
	put_be16(at + field, 0);
	sum = (uint16_t)~inner_packet_sum(at + from, len - from, inner_packet_pseudo(at, len, p));
	put_be16(at + field, p->udp && sum == 0 ? 0xffff : sum);
	return len;
}

void inner_packet_ipv4(uint8_t at[20], size_t len, uint8_t protocol, const uint8_t from[4], const uint8_t to[4])
{
	memset(at, 0, 20);
	at[0] = 0x45;
	put_be16(at + 2, (uint16_t)len);
	at[8] = 64;
	at[9] = protocol;
	memcpy(at + 12, from, 4);
	memcpy(at + 16, to, 4);
}
