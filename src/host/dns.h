/*
 * dns: the tunnel's resolvers become the host's, and back (DESIGN 5).
 *
 * By resolvectl where systemd-resolved runs, else by resolvconf, else in
 * /etc/resolv.conf itself, which keeps its former text until it is put back.
 */
#ifndef TTT_DNS_H
#define TTT_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/units.h"

/* How /etc/resolv.conf was when it was looked at last; all 0: never, or it was not there. */
struct dns_seen {
	dev_t device;
	ino_t inode;
	off_t size;
	nsec_t changed;		/* since 1970 */
};

/*
 * 0, or 1: in /etc/resolv.conf; or a negative errno with nothing changed; -EIO: the
 * program that keeps them refused; -ETIMEDOUT: it came to no end within ten seconds;
 * -ENOLCK as base/lock.h has it.  May be called again for other servers, or when they
 * are overwritten: what stands in resolv.conf then is what comes back.
 */
int dns_set(const char *ifname, const char *runtime_dir, const struct addr *server, size_t count);
/* Of those in /etc/resolv.conf: another program has written there.  Costs one stat(2) while nobody writes. */
bool dns_are_overwritten(const char *ifname, const struct addr *server, size_t count, struct dns_seen *seen);
/* Also after a crash.  1: put back, 0: there was nothing to do, or a negative errno. */
int dns_restore(const char *ifname, const char *runtime_dir);

#endif
