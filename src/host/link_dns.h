/*
 * link_dns: the resolvers of one link, as its network has told them: whoever
 * keeps the host's addresses knows them.
 */
#ifndef TTT_LINK_DNS_H
#define TTT_LINK_DNS_H

#include <stddef.h>

#include "base/addr.h"

#define LINK_DNS	3	/* more than that the C library does not ask */

/*
 * systemd-resolved, systemd-networkd, NetworkManager, resolvconf and dhclient are
 * asked, in this order, until one knows; else it is the link's router, if that has an
 * address to be asked at.  Where there is room, those that the host had before the
 * tunnel follow.
 */
size_t link_dns(const char *ifname, int index, const struct addr *router, struct addr ret[LINK_DNS]);

#endif
