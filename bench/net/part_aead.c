/*
 * part_aead: sealing from where plaintext is kept into datagrams, and opening
 * in place, in batches as the worker has them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "bench/stopwatch.h"
#include "core/crypto/suite.h"
#include "parts.h"

#define BATCH	64
#define AD	7
#define ROUNDS	32	/* batches under way: 2048 datagrams, more than the nearest caches hold */

struct bench {
	struct aead_key key;
	uint64_t sealed, opened, forged;
	struct stopwatch sealing, opening;
	uint8_t ad[AD];
	uint8_t plain[ROUNDS][BATCH][PART_PACKET];
	uint8_t datagram[ROUNDS][BATCH][PART_PACKET + AEAD_TAG];
};

static nsec_t cpu_clock(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return SEC(t.tv_sec) + (nsec_t)t.tv_nsec;
}

static void seal_batch(struct bench *b, unsigned round)
{
	stopwatch_start(&b->sealing);
	for (unsigned i = 0; i < BATCH; i++)
		aead_seal(&b->key, 0, b->sealed++, b->ad, AD, b->datagram[round][i], b->plain[round][i], PART_PACKET);
	stopwatch_stop(&b->sealing);
}

static void open_batch(struct bench *b, unsigned round)
{
	stopwatch_start(&b->opening);
	for (unsigned i = 0; i < BATCH; i++)
		b->forged += !aead_open(&b->key, 0, b->opened++, b->ad, AD, b->datagram[round][i],
					PART_PACKET + AEAD_TAG);
	stopwatch_stop(&b->opening);
}

static void run(struct bench *b, uint64_t bytes)
{
	while (b->opened * PART_PACKET < bytes) {
		for (unsigned round = 0; round < ROUNDS; round++)
			seal_batch(b, round);
		for (unsigned round = 0; round < ROUNDS; round++)
			open_batch(b, round);
	}
}

static const char *name_of(enum cipher cipher, const struct suite *suite)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s-%s", cipher == CIPHER_AES_256_GCM ? "aes-256-gcm" : "chacha20-poly1305",
		 suite->ops[cipher]->library);
	return name;
}

bool part_aead(uint64_t bytes, struct part_pair *ret, const char **ret_cipher)
{
	static const uint8_t key[AEAD_KEY] = { 1, 2, 3 };
	struct suite suite;
	enum cipher cipher;
	struct bench *b = calloc(1, (sizeof(*b) + 63) / 64 * 64);
	bool good;

	suite_fastest(&suite, cpu_clock, NULL);
	cipher = suite_choose(suite.offered, suite.offered);
	good = b != NULL && cipher != CIPHER_NONE && aead_init(&b->key, suite.ops[cipher], key);
	if (good) {
		memset(b->plain, 42, sizeof(b->plain));
		run(b, bytes);
		ret->out = stopwatch_nsec(&b->sealing) / (double)(b->sealed * PART_PACKET);
		ret->in = stopwatch_nsec(&b->opening) / (double)(b->opened * PART_PACKET);
		*ret_cipher = name_of(cipher, &suite);
		good = b->forged == 0;
		aead_done(&b->key);
	}
	free(b);
	if (!good)
		fprintf(stderr, "parts: the cipher: no memory, or what was sealed did not open\n");
	return good;
}
