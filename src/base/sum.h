/*
 * sum: the Internet checksum (RFC 1071).
 *
 * A sum is kept in the order that the bytes have in memory, so it is the same
 * work on every machine; words of eight bytes are added at once.  Sums of pieces
 * may be added to each other where each but the last has an even length.
 */
#ifndef TTT_BASE_SUM_H
#define TTT_BASE_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/* The sum with `len` bytes more, at most 1 MiB in all. */
uint64_t sum_add(uint64_t sum, const uint8_t *at, size_t len);

/* With a 16-bit number as it would stand in a header. */
static inline uint64_t sum_add_number(uint64_t sum, unsigned number)
{
	uint8_t wire[2];
	uint16_t word;

	put_be16(wire, (uint16_t)number);
	memcpy(&word, wire, 2);
	return sum + word;
}

/* Folded to 16 bits, in memory's order. */
static inline uint16_t sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

/* A sum over all, its checksum included: whether that is right. */
static inline int sum_is_right(uint64_t sum)
{
	return sum_fold(sum) == UINT16_MAX;
}

/* Write a sum as it is, */
static inline void sum_put(uint8_t *at, uint64_t sum)
{
	uint16_t word = sum_fold(sum);

	memcpy(at, &word, 2);
}

/* or as the checksum that it makes, */
static inline void sum_put_checksum(uint8_t *at, uint64_t sum)
{
	uint16_t word = (uint16_t)~sum_fold(sum);

	memcpy(at, &word, 2);
}

/* which in UDP is never 0: that means there is none, and 0xffff is as right. */
static inline void sum_put_udp_checksum(uint8_t *at, uint64_t sum)
{
	uint16_t word = (uint16_t)~sum_fold(sum);

	if (word == 0)
		word = UINT16_MAX;
	memcpy(at, &word, 2);
}

#endif
