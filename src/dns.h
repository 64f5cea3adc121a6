/*
 * dns: the tunnel's resolvers become the host's, and back (DESIGN 5).
 *
 * By resolvectl where systemd-resolved runs, else by resolvconf, else in
 * /etc/resolv.conf itself, whose former text is kept in the runtime directory
 * until it is put back.
 */
#ifndef TTT_DNS_H
#define TTT_DNS_H

#include <stddef.h>

#include "base/addr.h"

/* 0, or a negative errno with nothing changed; -EIO: the program that keeps them refused. */
int dns_set(const char *ifname, const char *runtime_dir, const struct addr *server, size_t count);
/* Also after a crash.  1: put back, 0: there was nothing to do, or a negative errno. */
int dns_restore(const char *ifname, const char *runtime_dir);

#endif
