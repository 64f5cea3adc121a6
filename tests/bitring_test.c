/* bitring: ranges of bits against one bit after the other. */
#include <string.h>

#include "core/flow/bitring.h"
#include "tap.h"

static uint32_t roll(uint32_t below)
{
	static uint64_t random = 7;

	random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random >> 33) % below;
}

static uint32_t fill_slowly(uint64_t *ring, uint32_t size, uint32_t from, uint32_t count, bool value)
{
	uint32_t changed = 0;

	for (uint32_t i = 0; i < count; i++) {
		changed += bitring_get(ring, size, from + i) != value;
		bitring_put(ring, size, from + i, value);
	}
	return changed;
}

static uint32_t find_slowly(const uint64_t *ring, uint32_t size, uint32_t from, uint32_t count, bool value)
{
	for (uint32_t i = 0; i < count; i++)
		if (bitring_get(ring, size, from + i) == value)
			return i;
	return count;
}

static uint32_t count_slowly(const uint64_t *ring, uint32_t size, uint32_t from, uint32_t count)
{
	uint32_t set = 0;

	for (uint32_t i = 0; i < count; i++)
		set += bitring_get(ring, size, from + i);
	return set;
}

static void a_range_is_what_its_bits_are(void **state)
{
	static const uint32_t sizes[] = { 64, 128, 1024 };

	(void)state;
	for (unsigned s = 0; s < 3; s++) {
		uint64_t ring[16] = { 0 }, slow[16] = { 0 };
		uint32_t size = sizes[s];

		for (unsigned i = 0; i < 20000; i++) {
			uint32_t from = roll(1u << 22), count = roll(2) ? roll(size + 1) : roll(4);
			bool value = roll(2);

			assert_int_equal(bitring_fill(ring, size, from, count, value),
					 fill_slowly(slow, size, from, count, value));
			assert_memory_equal(ring, slow, sizeof(ring));
			from = roll(1u << 22);
			count = roll(size + 1);
			value = roll(2);
			assert_int_equal(bitring_count(ring, size, from, count),
					 count_slowly(ring, size, from, count));
			assert_int_equal(bitring_find(ring, size, from, count, value),
					 find_slowly(ring, size, from, count, value));
		}
	}
}

static void a_whole_ring_is_found_empty_or_full(void **state)
{
	uint64_t ring[2] = { 0 };

	(void)state;
	assert_int_equal(bitring_find(ring, 128, 100, 128, true), 128);
	assert_int_equal(bitring_fill(ring, 128, 100, 128, true), 128);
	assert_int_equal(bitring_find(ring, 128, 70, 128, false), 128);
	assert_int_equal(bitring_find(ring, 128, 70, 0, true), 0);
	assert_int_equal(bitring_fill(ring, 128, 5, 0, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a range is what its bits are", a_range_is_what_its_bits_are),
		TEST("a whole ring is found empty or full", a_whole_ring_is_found_empty_or_full),
	};

	return RUN_TESTS(tests);
}
