/*
 * connections: what the kernel's connection tracking knows of those who pass
 * through this host.  Asks once, over a socket of its own, and changes nothing.
 */
#ifndef TTT_NFT_CONNECTIONS_H
#define TTT_NFT_CONNECTIONS_H

#include <stddef.h>

#include "base/addr.h"

/*
 * 1: some TCP connection is established that one of these prefixes began, or
 * answers behind a translated address; 0: none; or a negative errno: nobody to ask.
 */
int connections_established(const struct prefix *inner, size_t count);

#endif
