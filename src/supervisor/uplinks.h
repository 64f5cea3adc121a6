/*
 * uplinks: a client's sockets: one for each link and address of the server.
 *
 * A socket is bound to its link's source address and device and carries our
 * mark, so that the link's own rule and table route it.  Its number says which
 * link and which address: slot × UPLINKS_ENDPOINTS + endpoint.  The sockets of
 * one interface, of both families, have its number: of their paths the engine
 * uses one.
 */
#ifndef TTT_UPLINKS_H
#define TTT_UPLINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "control/channel.h"
#include "routing/links.h"

struct preferences;

#define UPLINKS_ENDPOINTS	(ENDPOINT_SOCKETS / LINKS_MAX)
#define UPLINKS_REASON		96

struct uplinks {
	bool quiet;		/* of a server that is only asked, again and again: what its sockets do is no news */
	struct addr endpoint[UPLINKS_ENDPOINTS];	/* of the server, each with its port */
	size_t endpoint_count;
	struct {
		bool open;
		int index;		/* of the interface */
		char ifname[SNAPSHOT_NAME];
		struct addr source, remote;
		struct message_link preferences;	/* as the worker has them */
		int error;	/* errno of the last try to open it; 0: it was open then */
	} socket[ENDPOINT_SOCKETS];
	struct addr refused_by;		/* newest answer of the network, for words; ADDR_NONE: none */
	char refused_link[SNAPSHOT_NAME];
	int refused;			/* errno of it */
};

/*
 * Where the server is, at most UPLINKS_ENDPOINTS addresses with their ports; what
 * is known already keeps its place.  In force at the next uplinks_sync.
 */
void uplinks_set_endpoints(struct uplinks *u, const struct addr *addr, size_t count);
/*
 * Close what has no link any more, open what is missing, and pass on what is
 * preferred now; the worker is told.  Gives the number of sockets that are open.
 */
size_t uplinks_sync(struct uplinks *u, const struct links *links, const struct preferences *preferences,
		    struct channel *worker);
/* Why a link has no socket, in words; NULL: it has one, or nobody knows. */
const char *uplinks_why_not(const struct uplinks *u, const struct links *links, const char *ifname,
			    char buf[UPLINKS_REASON]);
/* The worker is a new one and has no sockets. */
void uplinks_forget(struct uplinks *u);
/* The network refused something, or the worker a socket. */
void uplinks_note_error(struct uplinks *u, const struct message_socket_error *e);

#endif
