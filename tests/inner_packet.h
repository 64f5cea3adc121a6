/*
 * inner_packet: TCP and UDP packets for tests, made field by field, and looked at
 * by the book: checksums are summed up byte by byte here, not as the program does.
 */
#ifndef TTT_TESTS_INNER_PACKET_H
#define TTT_TESTS_INNER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inner_packet {
	bool is6, udp;
	uint8_t host;		/* last byte of the source address */
	uint16_t port;		/* of the source */
	uint8_t tos, ttl;
	uint16_t id;
	bool df;
	size_t ip_options;	/* bytes, of four; IPv6: a destination options header of so many, of eight */
	size_t options;		/* bytes of TCP's, of four */
	uint8_t options_fill;
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags;
	size_t size;		/* of the payload */
	size_t offset;		/* in the flow: says which bytes it holds */
};

/* Of that kind, with 100 bytes of payload, ACK, DF. */
struct inner_packet inner_packet(bool is6, bool udp);
/* All of it, checksums too; gives its length. */
size_t inner_packet_write(const struct inner_packet *p, uint8_t *at);
size_t inner_packet_headers(const struct inner_packet *p);
/* IPv4's and the transport's. */
bool inner_packet_is_right(const uint8_t *at, size_t len, const struct inner_packet *like);
/* The folded sum of the pseudo header, as a sender leaves it for the device; big-endian number. */
uint16_t inner_packet_pseudo(const uint8_t *at, size_t len, const struct inner_packet *like);
/* RFC 1071, byte by byte: the sum, not inverted. */
uint16_t inner_packet_sum(const uint8_t *at, size_t len, uint32_t begin);
/* An IPv4 header alone, of a packet of len bytes, and without a checksum: what who only passes it on looks at. */
void inner_packet_ipv4(uint8_t at[20], size_t len, uint8_t protocol, const uint8_t from[4], const uint8_t to[4]);

#endif
