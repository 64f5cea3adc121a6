/*
 * aead, suite: the published vectors for every cipher of every library, that
 * the libraries understand each other, and which of them a machine uses.
 */
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "core/crypto/suite.h"
#include "tap.h"

#define LONGEST	1500

static const struct aead_ops *const all[] = {
	&aead_sodium_chacha20_poly1305_ops,
	&aead_sodium_aes_256_gcm_ops,
#ifdef TTT_LIBCRYPTO
	&aead_libcrypto_chacha20_poly1305_ops,
	&aead_libcrypto_aes_256_gcm_ops,
#endif
#ifdef TTT_IPSEC_MB
	&aead_ipsec_mb_chacha20_poly1305_ops,
	&aead_ipsec_mb_aes_256_gcm_ops,
#endif
};

static const struct vector {
	enum cipher cipher;
	const char *key, *nonce, *ad, *plain, *sealed;
} vector[] = {
	{ /* RFC 8439, 2.8.2 */
		CIPHER_CHACHA20_POLY1305,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		"070000004041424344454647",
		"50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
		"73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
		"6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		"637265656e20776f756c642062652069742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		"3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		"92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b6116"
		"1ae10b594f09e26a7e902ecbd0600691",
	},
	{ /* McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16 */
		CIPHER_AES_256_GCM,
		"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888",
		"feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		"76fc6ece0f4e1768cddf8853bb2d551b",
	},
};

static size_t unhex(const char *hex, uint8_t *ret)
{
	size_t len;

	assert_int_equal(sodium_hex2bin(ret, LONGEST, hex, strlen(hex), NULL, &len, NULL), 0);
	return len;
}

static bool is_there(const struct aead_ops *ops)
{
	return ops->is_there == NULL || ops->is_there();
}

static void check_vector(const struct aead_ops *ops, const struct vector *v)
{
	uint8_t key[LONGEST], nonce[LONGEST], ad[LONGEST], plain[LONGEST], sealed[LONGEST], data[LONGEST];
	size_t ad_len, len;
	struct aead_key k;
	uint32_t path;
	uint64_t number;

	unhex(v->key, key);
	unhex(v->nonce, nonce);
	path = get_le32(nonce);
	number = get_le64(nonce + 4);
	ad_len = unhex(v->ad, ad);
	len = unhex(v->plain, plain);
	assert_int_equal(unhex(v->sealed, sealed), len + AEAD_TAG);
	assert_true(aead_init(&k, ops, key));
	aead_seal(&k, path, number, ad, ad_len, data, plain, len);
	assert_memory_equal(data, sealed, len + AEAD_TAG);
	assert_true(aead_open(&k, path, number, ad, ad_len, data, len + AEAD_TAG));
	assert_memory_equal(data, plain, len);
	aead_done(&k);
}

static void every_cipher_gives_the_published_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (size_t j = 0; j < ARRAY_SIZE(vector); j++)
			if (is_there(all[i]) && all[i]->cipher == vector[j].cipher)
				check_vector(all[i], &vector[j]);
}

static void libraries_open_what_others_seal(void **state)
{
	uint8_t key[AEAD_KEY], plain[LONGEST], data[LONGEST + AEAD_TAG], ad[7] = "header";

	(void)state;
	randombytes_buf(key, sizeof(key));
	randombytes_buf(plain, sizeof(plain));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (size_t j = 0; j < ARRAY_SIZE(all); j++) {
			struct aead_key a, b;

			if (!is_there(all[i]) || !is_there(all[j]) || all[i]->cipher != all[j]->cipher)
				continue;
			assert_true(aead_init(&a, all[i], key));
			assert_true(aead_init(&b, all[j], key));
			for (size_t len = 1; len <= LONGEST; len += len < 70 ? 1 : 61) {
				aead_seal(&a, 3, len, ad, sizeof(ad), data, plain, len);
				assert_true(aead_open(&b, 3, len, ad, sizeof(ad), data, len + AEAD_TAG));
				assert_memory_equal(data, plain, len);
			}
			aead_done(&a);
			aead_done(&b);
		}
}

static void sealing_in_place_gives_the_same(void **state)
{
	uint8_t key[AEAD_KEY] = { 5 }, plain[LONGEST], apart[LONGEST + AEAD_TAG], place[LONGEST + AEAD_TAG];

	(void)state;
	randombytes_buf(plain, sizeof(plain));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct aead_key k;

		if (!is_there(all[i]))
			continue;
		assert_true(aead_init(&k, all[i], key));
		memcpy(place, plain, LONGEST);
		aead_seal(&k, 1, 2, key, 7, apart, plain, LONGEST);
		aead_seal(&k, 1, 2, key, 7, place, place, LONGEST);
		assert_memory_equal(apart, place, sizeof(apart));
		aead_done(&k);
	}
}

/* One bit of each byte in turn, of what is sealed, of the tag, and of what goes with it in clear. */
static void what_was_changed_does_not_open(void **state)
{
	uint8_t key[AEAD_KEY] = { 9 }, sealed[100 + AEAD_TAG], data[sizeof(sealed)], ad[7] = { 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct aead_key k;

		if (!is_there(all[i]))
			continue;
		assert_true(aead_init(&k, all[i], key));
		memset(data, 7, sizeof(data));
		aead_seal(&k, 1, 1, ad, sizeof(ad), sealed, data, 100);
		for (size_t at = 0; at < sizeof(sealed) + sizeof(ad); at++) {
			uint8_t *byte = at < sizeof(sealed) ? &data[at] : &ad[at - sizeof(sealed)];

			memcpy(data, sealed, sizeof(data));
			*byte ^= (uint8_t)(1u << at % 8);
			assert_false(aead_open(&k, 1, 1, ad, sizeof(ad), data, sizeof(data)));
			*byte ^= (uint8_t)(1u << at % 8);
		}
		for (size_t len = 0; len < sizeof(sealed); len++) {
			memcpy(data, sealed, sizeof(data));
			assert_false(aead_open(&k, 1, 1, ad, sizeof(ad), data, len));
		}
		memcpy(data, sealed, sizeof(data));
		assert_false(aead_open(&k, 2, 1, ad, sizeof(ad), data, sizeof(data)));
		memcpy(data, sealed, sizeof(data));
		assert_false(aead_open(&k, 1, 2, ad, sizeof(ad), data, sizeof(data)));
		/* and after all that, the packet itself still does */
		memcpy(data, sealed, sizeof(data));
		assert_true(aead_open(&k, 1, 1, ad, sizeof(ad), data, sizeof(data)));
		aead_done(&k);
	}
}

static void a_key_that_was_wiped_holds_nothing(void **state)
{
	uint8_t key[AEAD_KEY] = { 1 };
	struct aead_key k, zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!is_there(all[i]))
			continue;
		assert_true(aead_init(&k, all[i], key));
		aead_done(&k);
		assert_memory_equal(&k, &zero, sizeof(k));
		aead_done(&k);
	}
}

/* --- suites ------------------------------------------------------------------ */

/* A clock by which each cipher of a library takes as long as it is told. */
struct clock {
	nsec_t now;
	unsigned readings;
	nsec_t takes[6];	/* in the order of `all`, of those that are there */
};

#define READINGS	14	/* for one: before and after each of seven tries */

static nsec_t scripted(void *ctx)
{
	struct clock *c = ctx;

	if (c->readings % 2 == 1)
		c->now += c->takes[c->readings / READINGS];
	c->readings++;
	return c->now;
}

static bool has_all(void)
{
	return ARRAY_SIZE(all) == 6 && is_there(&aead_sodium_aes_256_gcm_ops);
}

static void the_fastest_library_does_each_cipher(void **state)
{
	static const struct {
		nsec_t takes[6];	/* chacha and AES, by libsodium, libcrypto and ipsec-mb */
		unsigned chacha, aes;	/* in `all` */
		bool offers_aes;
	} row[] = {
		{ { 100, 50, 60, 20, 30, 5 }, 4, 5, true },
		{ { 100, 50, 60, 20, 60, 20 }, 2, 3, true },
		{ { 50, 40, 60, 70, 51, 41 }, 0, 1, true },
		{ { 50, 90, 60, 80, 50, 90 }, 0, 3, false },
		{ { 50, 90, 60, 51, 70, 50 }, 0, 5, true },
		{ { 50, 51, 49, 51, 49, 51 }, 2, 1, false },
		{ { 0, 0, 0, 0, 0, 0 }, 0, 1, true },	/* a clock that stands still */
	};

	(void)state;
	if (!has_all())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct clock clock = { .now = SEC(1) };
		struct suite s;

		memcpy(clock.takes, row[i].takes, sizeof(clock.takes));
		suite_fastest(&s, scripted, &clock);
		assert_int_equal(clock.readings, 6 * READINGS);
		assert_ptr_equal(s.ops[CIPHER_CHACHA20_POLY1305], all[row[i].chacha]);
		assert_ptr_equal(s.ops[CIPHER_AES_256_GCM], all[row[i].aes]);
		assert_int_equal(s.offered, CIPHER_BIT(CIPHER_CHACHA20_POLY1305) |
						    (row[i].offers_aes ? CIPHER_BIT(CIPHER_AES_256_GCM) : 0));
	}
}

static void a_plain_suite_is_libsodiums(void **state)
{
	struct suite s;

	(void)state;
	suite_plain(&s);
	assert_ptr_equal(s.ops[CIPHER_NONE], NULL);
	assert_ptr_equal(s.ops[CIPHER_CHACHA20_POLY1305], &aead_sodium_chacha20_poly1305_ops);
	assert_true(s.offered & CIPHER_BIT(CIPHER_CHACHA20_POLY1305));
	assert_int_equal(!!(s.offered & CIPHER_BIT(CIPHER_AES_256_GCM)), is_there(&aead_sodium_aes_256_gcm_ops));
	assert_int_equal(s.ops[CIPHER_AES_256_GCM] != NULL, is_there(&aead_sodium_aes_256_gcm_ops));
}

static void aes_is_chosen_where_both_offer_it(void **state)
{
	const uint16_t chacha = CIPHER_BIT(CIPHER_CHACHA20_POLY1305), aes = CIPHER_BIT(CIPHER_AES_256_GCM);

	(void)state;
	assert_int_equal(suite_choose(chacha | aes, chacha | aes), CIPHER_AES_256_GCM);
	assert_int_equal(suite_choose(chacha, chacha | aes), CIPHER_CHACHA20_POLY1305);
	assert_int_equal(suite_choose(chacha | aes, chacha), CIPHER_CHACHA20_POLY1305);
	assert_int_equal(suite_choose(aes, chacha), CIPHER_NONE);
	assert_int_equal(suite_choose(chacha | aes, 0), CIPHER_NONE);
	/* bit 0 is no cipher, whoever offers it; nor is one that we do not know */
	assert_int_equal(suite_choose(CIPHER_BIT(CIPHER_NONE), CIPHER_BIT(CIPHER_NONE)), CIPHER_NONE);
	assert_int_equal(suite_choose(UINT16_MAX & ~(chacha | aes), UINT16_MAX), CIPHER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("every cipher gives the published vectors", every_cipher_gives_the_published_vectors),
		TEST("libraries open what others seal", libraries_open_what_others_seal),
		TEST("sealing in place gives the same as sealing into another buffer",
		     sealing_in_place_gives_the_same),
		TEST("what was changed, cut short or renumbered does not open", what_was_changed_does_not_open),
		TEST("a key that was wiped holds nothing", a_key_that_was_wiped_holds_nothing),
		TEST("the fastest library does each cipher, and AES is offered where it is no slower",
		     the_fastest_library_does_each_cipher),
		TEST("a plain suite is libsodium's", a_plain_suite_is_libsodiums),
		TEST("AES is chosen where both offer it", aes_is_chosen_where_both_offer_it),
	};

	if (sodium_init() < 0)
		return 1;
	return RUN_TESTS(tests);
}
