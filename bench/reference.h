/*
 * reference: what libsodium alone takes to seal and open the same bytes.
 *
 * Buffers are filled as for the engines (pair.h), in the same batches, and as
 * many datagrams are under way, so caches are as warm or as cold.
 */
#ifndef TTT_BENCH_REFERENCE_H
#define TTT_BENCH_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto/aead.h"

struct reference {
	double seal, open;	/* nanoseconds of CPU time for each packet */
};

/* Packets of len bytes, at most PAIR_PACKET.  False: memory.  cipher: one that libsodium has here. */
bool reference_run(enum cipher cipher, size_t len, uint64_t packets, struct reference *ret);

#endif
