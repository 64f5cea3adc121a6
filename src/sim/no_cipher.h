/*
 * no_cipher: one that leaves all as it is, with a tag of the usual size, so that
 * nothing else changes.  For the simulator and the bench: what is measured there
 * is the engine, and two thirds of a simulated second would be ciphers.  It keeps
 * no stranger out; of it nothing in the program knows.
 */
#ifndef TTT_SIM_NO_CIPHER_H
#define TTT_SIM_NO_CIPHER_H

#include "core/crypto/aead.h"

extern const struct aead_ops no_cipher;

#endif
