/* bitring: see bitring.h. */
#include "core/flow/bitring.h"

/* How many bits are set; the compiler's own would be a call into its library. */
static uint32_t population(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* The bits of a word from `at` on, at most `count` of them; *ret_count: so many. */
static uint64_t reach(uint32_t at, uint32_t count, uint32_t *ret_count)
{
	uint32_t bits = 64 - at % 64;

	if (bits > count)
		bits = count;
	*ret_count = bits;
	return (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) << at % 64;
}

uint32_t bitring_fill(uint64_t *ring, uint32_t size, uint32_t from, uint32_t count, bool value)
{
	uint32_t changed = 0, bits;

	for (; count > 0; from += bits, count -= bits) {
		uint64_t mask = reach(from, count, &bits), *word = &ring[from % size / 64];
		uint64_t wrong = (value ? ~*word : *word) & mask;

		*word ^= wrong;
		changed += population(wrong);
	}
	return changed;
}

uint32_t bitring_count(const uint64_t *ring, uint32_t size, uint32_t from, uint32_t count)
{
	uint32_t set = 0, bits;

	for (; count > 0; from += bits, count -= bits) {
		uint64_t mask = reach(from, count, &bits);

		set += population(ring[from % size / 64] & mask);
	}
	return set;
}

uint32_t bitring_find(const uint64_t *ring, uint32_t size, uint32_t from, uint32_t count, bool value)
{
	uint32_t passed = 0, bits;

	for (; passed < count; passed += bits) {
		uint64_t mask = reach(from + passed, count - passed, &bits);
		uint64_t word = ring[(from + passed) % size / 64];
		uint64_t found = (value ? word : ~word) & mask;

		if (found != 0)
			return passed + (uint32_t)__builtin_ctzll(found) - (from + passed) % 64;
	}
	return count;
}
