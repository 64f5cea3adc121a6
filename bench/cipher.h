/*
 * cipher: which cipher the engines of this program use, and one that is none.
 *
 * The linker puts these functions in front of core/crypto/aead's (--wrap, in
 * the Makefile's rule for this program alone), so nothing in the core knows of
 * them, and no configuration, peer or packet can ask for them.
 */
#ifndef TTT_BENCH_CIPHER_H
#define TTT_BENCH_CIPHER_H

#include <stdbool.h>

#include "core/crypto/aead.h"

/* CIPHER_NONE: keys are agreed as ever, but what is sealed stays as it is, with a tag that says nothing. */
bool cipher_is_there(enum cipher cipher);
/* From now on, for every engine: handshakes agree on this one, and datagrams are sealed with it. */
void cipher_use(enum cipher cipher);
const char *cipher_name(enum cipher cipher);

#endif
