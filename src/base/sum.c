/* sum: see sum.h. */
#include "base/sum.h"

/* Halves of words are added, so no carry is lost and none has to be caught. */
static uint64_t halves(uint64_t word)
{
	return (word & UINT32_MAX) + (word >> 32);
}

static uint64_t load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

uint64_t sum_add(uint64_t sum, const uint8_t *at, size_t len)
{
	uint64_t other = 0, rest = 0;

	for (; len >= 32; at += 32, len -= 32) {
		sum += halves(load(at)) + halves(load(at + 8));
		other += halves(load(at + 16)) + halves(load(at + 24));
	}
	for (; len >= 8; at += 8, len -= 8)
		sum += halves(load(at));
	memcpy(&rest, at, len);	/* zeros behind, as the checksum wants it */
	return sum + other + halves(rest);
}
