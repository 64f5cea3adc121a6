/* reference: see reference.h. */
#include "reference.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "core/frame.h"
#include "core/packet.h"
#include "pair.h"
#include "stopwatch.h"
#include "wire.h"

#define WAY	2048	/* datagrams under way */
#define NONCE	12

struct keys {
	uint8_t chacha[32];
	crypto_aead_aes256gcm_state aes;
};

static void seal(enum cipher cipher, const struct keys *k, const uint8_t nonce[NONCE], uint8_t *d, size_t len)
{
	uint8_t *data = d + PACKET_HEADER;

	if (cipher == CIPHER_AES_256_GCM)
		crypto_aead_aes256gcm_encrypt_detached_afternm(data, data + len, NULL, data, len, d,
							       PACKET_HEADER, NULL, nonce, &k->aes);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(data, data + len, NULL, data, len,
								   d, PACKET_HEADER, NULL, nonce, k->chacha);
}

static bool open_sealed(enum cipher cipher, const struct keys *k, const uint8_t nonce[NONCE], uint8_t *d,
			size_t len)
{
	uint8_t *data = d + PACKET_HEADER;

	if (cipher == CIPHER_AES_256_GCM)
		return crypto_aead_aes256gcm_decrypt_detached_afternm(data, NULL, data, len, data + len,
								      d, PACKET_HEADER, nonce, &k->aes) == 0;
	return crypto_aead_chacha20poly1305_ietf_decrypt_detached(data, NULL, data, len, data + len, d,
								  PACKET_HEADER, nonce, k->chacha) == 0;
}

static void nonce_of(uint64_t number, uint8_t ret[NONCE])
{
	memset(ret, 0, NONCE);
	put_le64(ret + 4, number);
}

struct bench {
	enum cipher cipher;
	struct keys keys;
	struct buf_pool *pool;
	struct buf *batch[PAIR_BATCH];
	struct wire wire;
	uint64_t sealed, opened, forged;
	struct stopwatch sealing, opening;
	size_t len;		/* of what is sealed */
	uint8_t packet[PACKET_HEADER + FRAME_DATA_HEADER + PAIR_PACKET];
};

static void seal_batch(struct bench *b)
{
	for (int i = 0; i < PAIR_BATCH; i++) {
		b->batch[i] = buf_get(b->pool);
		memcpy(buf_append(b->batch[i], PACKET_HEADER + b->len), b->packet, PACKET_HEADER + b->len);
	}
	stopwatch_start(&b->sealing);
	for (int i = 0; i < PAIR_BATCH; i++) {
		uint8_t nonce[NONCE];

		nonce_of(b->sealed++, nonce);
		seal(b->cipher, &b->keys, nonce, b->batch[i]->data, b->len);
	}
	stopwatch_stop(&b->sealing);
	for (int i = 0; i < PAIR_BATCH; i++) {
		buf_append(b->batch[i], PACKET_TAG);
		wire_send(&b->wire, b->batch[i], 0);
		buf_put(b->batch[i]);
	}
}

static void open_batch(struct bench *b)
{
	for (int i = 0; i < PAIR_BATCH; i++) {
		b->batch[i] = buf_get(b->pool);
		wire_receive(&b->wire, b->batch[i]);
	}
	stopwatch_start(&b->opening);
	for (int i = 0; i < PAIR_BATCH; i++) {
		uint8_t nonce[NONCE];

		nonce_of(b->opened++, nonce);
		b->forged += !open_sealed(b->cipher, &b->keys, nonce, b->batch[i]->data, b->len);
	}
	stopwatch_stop(&b->opening);
	for (int i = 0; i < PAIR_BATCH; i++)
		buf_put(b->batch[i]);
}

/*
 * libcrypto's ChaCha20 leaves the upper halves of the vector registers in use,
 * with which libsodium's AES takes half as long again; its ChaCha20 clears them.
 */
static void clear_registers(const struct bench *b)
{
	uint8_t block[64];

	crypto_stream_chacha20_ietf(block, sizeof(block), b->packet, b->keys.chacha);
}

static void run(struct bench *b, uint64_t packets)
{
	clear_registers(b);
	while (b->wire.count < WAY)
		seal_batch(b);
	b->sealing = b->opening = (struct stopwatch){ 0 };
	for (uint64_t n = 0; n < packets; n += PAIR_BATCH) {
		seal_batch(b);
		open_batch(b);
	}
}

bool reference_run(enum cipher cipher, size_t len, uint64_t packets, struct reference *ret)
{
	struct bench *b;
	bool good;

	b = aligned_alloc(64, (sizeof(*b) + 63) / 64 * 64);
	if (b == NULL)
		return false;
	memset(b, 0, sizeof(*b));
	b->cipher = cipher;
	b->len = FRAME_DATA_HEADER + len;
	if (cipher == CIPHER_AES_256_GCM)
		crypto_aead_aes256gcm_beforenm(&b->keys.aes, b->keys.chacha);
	b->pool = buf_pool_new(PAIR_BATCH);
	good = wire_init(&b->wire, UINT64_C(1) << 40, 0, 0) && b->pool != NULL;
	if (good) {
		run(b, packets);
		packets = (packets + PAIR_BATCH - 1) / PAIR_BATCH * PAIR_BATCH;
		ret->seal = stopwatch_nsec(&b->sealing) / (double)packets;
		ret->open = stopwatch_nsec(&b->opening) / (double)packets;
		good = b->forged == 0;
	}
	wire_done(&b->wire);
	buf_pool_free(b->pool);
	free(b);
	return good;
}
