/*
 * cipher: the ciphers that are measured: each library's, and one that is none.
 *
 * An engine gets its ciphers with its configuration (core/crypto/suite.h).  The
 * program gives it the core's own; the bench gives it one of them, or
 * no_cipher, of which nothing in the program knows.
 */
#ifndef TTT_BENCH_CIPHER_H
#define TTT_BENCH_CIPHER_H

#include <stddef.h>

#include "core/crypto/suite.h"

/* Keys are agreed as ever, but what is sealed stays as it is, with a tag that says nothing. */

/* The n-th of all that are there, this one first; NULL: behind the last. */
const struct aead_ops *cipher_at(size_t n);
const char *cipher_name(const struct aead_ops *ops);
/* An engine with this suite uses that one and no other. */
struct suite cipher_suite(const struct aead_ops *ops);

#endif
