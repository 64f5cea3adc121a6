/*
 * resolv_conf: the text of a resolv.conf(5) while tunnels are up.
 *
 * A tunnel's resolvers stand on top, and what stood there is kept as comments, so
 * that it outlives a power cut.  Tunnels may lie upon each other, and go in any order:
 *
 *	# by ttt for ttt1, until `ttt down`
 *	nameserver 10.85.0.1
 *	#| # by ttt for ttt0, until `ttt down`
 *	#| nameserver 10.84.0.1
 *	#| #| nameserver 192.168.1.1
 *
 * Texts are to be freed; NULL is memory, if nothing else is said.
 */
#ifndef TTT_RESOLV_CONF_H
#define TTT_RESOLV_CONF_H

#include <stdbool.h>

#define RESOLV_CONF	"/etc/resolv.conf"

/* A whole file of at most 64 KB.  NULL, and *ret_err a negative errno: -EFBIG: it is larger. */
char *resolv_conf_read(const char *path, int *ret_err);

/* text (NULL: there is no file), and above it that tunnel's; servers: lines of "nameserver ADDRESS". */
char *resolv_conf_with(const char *text, const char *ifname, const char *servers);
/*
 * text without that tunnel's lines, wherever they are (ifname NULL: without those of
 * all tunnels), and what it had kept in its place.  *ret_none: nothing is left, and
 * there had been no file.
 */
char *resolv_conf_without(const char *text, const char *ifname, bool *ret_none);
bool resolv_conf_has(const char *text, const char *ifname);
/* The tunnel's lines are there, and none of another program is in force. */
bool resolv_conf_holds(const char *text, const char *ifname, const char *servers);

#endif
