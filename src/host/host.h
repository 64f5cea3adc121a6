/*
 * host: the machine as the tunnel wants it: the TUN device, routing, firewall
 * and DNS, and back as it was.
 *
 * Holds what the server handed out; everything else follows from the
 * configuration and from what the kernel shows.  A failure is a sentence in
 * `error` and an exit code (base/exit_code.h); 0 is success.
 */
#ifndef TTT_HOST_H
#define TTT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "control/message.h"
#include "host/dns.h"
#include "host/outside.h"
#include "routing/links.h"

struct commit;
struct config;
struct router;
struct watch;

#define HOST_ERROR	768

/* A table of nftables. */
struct host_table {
	char *text;		/* the ruleset in force; NULL: none yet, or it is not known to be */
	uint64_t handle;	/* the kernel's: one of that name with another is not ours */
	bool lost;		/* somebody has deleted it, and it is not back yet */
};

struct host {
	const struct config *config;
	const char *runtime_dir;
	struct router *router;
	struct commit *commit;
	struct watch *watch;		/* of our tables; NULL: they have an owner, or there is none yet */
	int tun;			/* descriptor; -1: none */
	struct message_tun tun_kind;	/* how its packets look */
	int lock;			/* of our numbers; -1: not taken */
	bool session;			/* client: the tunnel is known */
	struct message_tunnel tunnel;
	struct outside outside;		/* client: who goes past the tunnel */
	bool direct;			/* client: nothing goes into the tunnel now, it goes as if there was none */
	const struct addr *endpoint;	/* client: addresses of the server */
	size_t endpoint_count;
	struct addr dns[MESSAGE_DNS];	/* that are to be set, */
	size_t dns_count;
	int dns_error;			/* and are; or why they could not be, a negative errno */
	bool dns_in_file;		/* /etc/resolv.conf itself */
	struct dns_seen dns_seen;
	struct host_table firewall, closed;
	bool adopted;			/* a run that was killed has left the host closed, and so it stays */
	char error[HOST_ERROR];
};

/*
 * Changes nothing but the new TUN device, and takes away what an earlier run has
 * left; but what it closed stays closed if it is to be closed again.  config and
 * runtime_dir stay the caller's.
 */
int host_open(struct host *h, const struct config *config, const char *runtime_dir);
/*
 * Undo and close; accepts what host_open left half-way.  Not 0: something could
 * not be undone, which `error` tells.
 */
int host_close(struct host *h);
/*
 * Close as a crash would: with a kill switch the rules stay, and the host is
 * closed until `up` or `down`.  False: there is nothing to keep closed, and
 * nothing was done.
 */
bool host_leave_closed(struct host *h);
/* The TUN device is gone: another one. */
int host_renew_device(struct host *h);

/* Finds the links.  A client without one fails. */
int host_find_links(struct host *h);
const struct links *host_links(const struct host *h);
/* The mark of a program that goes past the tunnel by that link. */
uint32_t host_portal_mark(const struct host *h, const struct link *link);

/* The server has handed out addresses (client); they count from the next host_apply on. */
void host_set_tunnel(struct host *h, const struct message_tunnel *tunnel,
		     const struct addr *endpoint, size_t endpoint_count);
/* Readable when something happens to tables, ours or not; -1: ours are the kernel's to guard. */
int host_tables_fd(const struct host *h);
/* Reads that.  True: host_look_at_tables. */
bool host_read_tables(struct host *h);
/* True: somebody has deleted one, and host_apply puts it back, or has failed to. */
bool host_look_at_tables(struct host *h);
/* True: groups of programs that go past the tunnel are not those of before: host_apply. */
bool host_look_outside(struct host *h);
/* Of dns_in_file: another program has written its own there.  They are set again, above those. */
bool host_names_are_overwritten(struct host *h);
/* Or when they could not be set: host_apply tells of that, and does not try it again, since it may take long. */
int host_set_names(struct host *h);
/*
 * Everything as it should be now.  Called again when nothing has changed, it changes
 * nothing.  Goes on after a failure of routing: `error` has one sentence.
 */
int host_apply(struct host *h);

/* After a crash, without a daemon: the number of things removed, or a negative errno;
 * -EBUSY: that tunnel is up, with another runtime directory; -EWOULDBLOCK: another
 * tunnel with its numbers is up. */
int host_cleanup(const struct config *config, const char *runtime_dir, const char *ifname);

#endif
