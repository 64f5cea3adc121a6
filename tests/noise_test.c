/* noise: the published vectors (cacophony) for IK and IKpsk2 over this suite. */
#include <sodium.h>
#include <string.h>

#include "core/crypto/noise.h"
#include "tap.h"

#define MESSAGES	6

struct vector {
	bool psk_mode;
	const char *prologue, *psk;
	const char *init_static, *init_ephemeral, *resp_static, *resp_ephemeral;
	struct {
		const char *payload, *ciphertext;
	} message[MESSAGES];
};

static const struct vector vector[] = {
	{
		.psk_mode = false,
		.prologue = "4a6f686e2047616c74",
		.psk = "",
		.init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
		.init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
		.resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
		.resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
		.message = {
			{ "4c756477696720766f6e204d69736573",
			  "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
			  "7a2281c0f1aee0c48c41333a1abbb349ee4bf12e09f8c4fd66635aabbb7dad34"
			  "6081a79f59e2cef812260cfe8c9e6a99d12f7c7ffc9fe5513818d9cf9b8778d1"
			  "ebd1ce70c8f726d7869830258a788910" },
			{ "4d757272617920526f746862617264",
			  "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
			  "f58050451a0edd2a40bb8b0f6b51ea8094a07e3ed31ebc516b584fef6eaaaf" },
			{ "462e20412e20486179656b",
			  "cae0b6af5460d026e80e22c27572a92048176872538f91a056a8df" },
			{ "4361726c204d656e676572",
			  "ab1440d2b5892c638a11a7fa6412beaea5cee62342147f02d75a68" },
			{ "4a65616e2d426170746973746520536179",
			  "0263ed778a193155c9947202e0b9d35eb46581a902449d091e1b6575a9a59fbe"
			  "ff" },
			{ "457567656e2042f6686d20766f6e2042617765726b",
			  "95aedd9192351379cb063c8d5827d5529c7f2c8929552dd64c57029734737ea2"
			  "a405255dcf" },
		},
	},
	{
		.psk_mode = true,
		.prologue = "4a6f686e2047616c74",
		.psk = "54686973206973206d7920417573747269616e20706572737065637469766521",
		.init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
		.init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
		.resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
		.resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
		.message = {
			{ "4c756477696720766f6e204d69736573",
			  "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
			  "c813a094f27691670ba5263e52d56bcdf134447ee46a1b1c563edf3b4868526c"
			  "34a26a128d48f56f7a3e7aa98d62d47957fb0dc98077636c99d84aa830669dcb"
			  "9dc317d33276e7a6f5666059597c5ae0" },
			{ "4d757272617920526f746862617264",
			  "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
			  "d014abee2ade1f5164437c7a6ae6e4e4ccb17bc054c59b7b102a9f81e89e31" },
			{ "462e20412e20486179656b",
			  "25998c594acda3f934904b57016e1be2ecf3cbb302bcf1a64fe99c" },
			{ "4361726c204d656e676572",
			  "d1acdb7e3146fba25ba73449542c612d3bc1b09a18a162080e2edb" },
			{ "4a65616e2d426170746973746520536179",
			  "fb342a4b841a8adfb007a0d03e82c7d243d5d1db6f038636176606cc527638bd"
			  "aa" },
			{ "457567656e2042f6686d20766f6e2042617765726b",
			  "3c387c65c5982f28bbd78d9fa8f80cd343b6d483373b2e5406be2c18c38ddbc8"
			  "f86f5f30ea" },
		},
	},
};

static size_t unhex(const char *hex, uint8_t *ret, size_t room)
{
	size_t len = 0;

	assert_int_equal(sodium_hex2bin(ret, room, hex, strlen(hex), NULL, &len, NULL), 0);
	return len;
}

static void key_of(const char *private_hex, struct noise_keypair *ret)
{
	unhex(private_hex, ret->private_key, sizeof(ret->private_key));
	noise_public_key(ret);
}

struct talk {
	struct noise initiator, responder;
	struct noise_keypair init_static, resp_static;
	uint8_t psk[32];
	uint8_t forth[2][32], back[2][32];	/* as the initiator, as the responder has them */
};

static void begin(const struct vector *v, struct talk *t)
{
	uint8_t prologue[64];
	size_t len = unhex(v->prologue, prologue, sizeof(prologue));

	memset(t, 0, sizeof(*t));
	unhex(v->psk, t->psk, sizeof(t->psk));
	key_of(v->init_static, &t->init_static);
	key_of(v->resp_static, &t->resp_static);
	noise_begin(&t->initiator, v->psk_mode, prologue, len, t->resp_static.public_key);
	noise_begin(&t->responder, v->psk_mode, prologue, len, t->resp_static.public_key);
	key_of(v->init_ephemeral, &t->initiator.ephemeral);
	key_of(v->resp_ephemeral, &t->responder.ephemeral);
}

/* The two handshake messages; every byte on the wire is compared. */
static void shake_hands(const struct vector *v, struct talk *t)
{
	uint8_t payload[256], message[512], expected[512], got[256];
	size_t len = unhex(v->message[0].payload, payload, sizeof(payload));
	size_t size = unhex(v->message[0].ciphertext, expected, sizeof(expected));

	assert_int_equal(size, len + NOISE_INIT_OVERHEAD);
	assert_true(noise_write_init(&t->initiator, &t->init_static, payload, len, message));
	assert_memory_equal(message, expected, size);
	assert_true(noise_read_init(&t->responder, &t->resp_static, message, size, got));
	assert_memory_equal(got, payload, len);
	assert_memory_equal(t->responder.remote_static, t->init_static.public_key, 32);

	len = unhex(v->message[1].payload, payload, sizeof(payload));
	size = unhex(v->message[1].ciphertext, expected, sizeof(expected));
	assert_int_equal(size, len + NOISE_RESPONSE_OVERHEAD);
	assert_true(noise_write_response(&t->responder, t->psk, payload, len, message));
	assert_memory_equal(message, expected, size);
	assert_true(noise_read_response(&t->initiator, &t->init_static, t->psk, message, size, got));
	assert_memory_equal(got, payload, len);
}

static void the_published_vectors_come_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		const struct vector *v = &vector[i];
		struct talk t;

		begin(v, &t);
		shake_hands(v, &t);
		noise_split(&t.initiator, t.forth[0], t.back[0]);
		noise_split(&t.responder, t.forth[1], t.back[1]);
		assert_memory_equal(t.forth[0], t.forth[1], 32);
		assert_memory_equal(t.back[0], t.back[1], 32);
		for (unsigned m = 2; m < MESSAGES; m++) {
			uint8_t payload[64], expected[80], sealed[80], nonce[12] = { 0 };
			size_t len = unhex(v->message[m].payload, payload, sizeof(payload));
			size_t size = unhex(v->message[m].ciphertext, expected, sizeof(expected));

			nonce[4] = (uint8_t)((m - 2) / 2);
			crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, payload, len, NULL, 0, NULL,
								  nonce, m % 2 == 0 ? t.forth[0] : t.back[0]);
			assert_int_equal(size, len + 16);
			assert_memory_equal(sealed, expected, size);
		}
	}
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
	const struct vector *v = &vector[1];
	uint8_t good[512], got[256];
	size_t size = unhex(v->message[0].ciphertext, good, sizeof(good));

	(void)state;
	for (size_t i = 0; i < size; i++) {
		struct talk t;

		begin(v, &t);
		good[i] ^= 1;
		assert_false(noise_read_init(&t.responder, &t.resp_static, good, size, got));
		good[i] ^= 1;
	}
}

static void another_preshared_key_is_refused(void **state)
{
	const struct vector *v = &vector[1];
	uint8_t message[512], got[256];
	struct talk t;

	(void)state;
	begin(v, &t);
	assert_true(noise_write_init(&t.initiator, &t.init_static, NULL, 0, message));
	assert_true(noise_read_init(&t.responder, &t.resp_static, message, NOISE_INIT_OVERHEAD, got));
	assert_true(noise_write_response(&t.responder, t.psk, NULL, 0, message));
	t.psk[0] ^= 1;
	assert_false(noise_read_response(&t.initiator, &t.init_static, t.psk, message,
					 NOISE_RESPONSE_OVERHEAD, got));
}

static void a_key_of_low_order_is_refused(void **state)
{
	uint8_t message[512] = { 0 }, got[256];
	struct talk t;

	(void)state;
	begin(&vector[1], &t);
	assert_false(noise_read_init(&t.responder, &t.resp_static, message, NOISE_INIT_OVERHEAD, got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("the published vectors come out", the_published_vectors_come_out),
		TEST("a flipped bit anywhere is refused", a_flipped_bit_anywhere_is_refused),
		TEST("another preshared key is refused", another_preshared_key_is_refused),
		TEST("a key of low order is refused", a_key_of_low_order_is_refused),
	};

	if (sodium_init() < 0)
		return 1;
	return RUN_TESTS(tests);
}
