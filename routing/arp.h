/*
 * arp: tell a gateway which of our interfaces an address belongs to.
 *
 * Two interfaces in one network answered for each other until their settings
 * were changed (plan.c), so the gateway may believe that one's address is at the
 * other, and goes on believing it for half a minute.  Whoever asks is believed at
 * once (RFC 826): so the interface asks for the gateway.
 */
#ifndef TTT_ROUTING_ARP_H
#define TTT_ROUTING_ARP_H

#include "base/addr.h"

/* One question on that interface; both are IPv4.  0 or a negative errno; -EAFNOSUPPORT: it has no ARP. */
int arp_ask(int index, const struct addr *source, const struct addr *gateway);

#endif
