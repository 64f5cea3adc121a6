/*
 * resolver: addresses of names, asked for outside the tunnel and without waiting.
 *
 * A round asks for some names over every link at once, by sockets that are bound
 * to the link and carry our mark; a resolver on this very host is asked as any
 * program would.  The servers are those of /etc/resolv.conf (behind a stub of
 * systemd-resolved its own), without the tunnel's; where it has no others, those
 * that stood there when the resolver began.  /etc/hosts counts, too.
 */
#ifndef TTT_RESOLVER_H
#define TTT_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "routing/links.h"

struct ev_loop;
struct resolver;

struct resolver_owner {
	/* What one answer says of a name; more may come, over other links.  Ports are 0. */
	void (*found)(void *ctx, unsigned name, const struct addr *addr, size_t count);
	void (*done)(void *ctx);	/* all have answered, or will not */
	void *ctx;
};

/* NULL: memory.  found may come from within resolver_ask, done comes from the loop only. */
struct resolver *resolver_new(struct ev_loop *loop, uint32_t mark, const struct resolver_owner *owner);
void resolver_free(struct resolver *r);

/* Begin a round over these links; one that is under way is forgotten.  not: the tunnel's own servers. */
void resolver_begin(struct resolver *r, const struct links *links, const struct addr *not, size_t not_count);
/* name: a number of the owner's. */
void resolver_ask(struct resolver *r, unsigned name, const char *host);
/* That was all of the round: done will be said. */
void resolver_end(struct resolver *r);
bool resolver_is_busy(const struct resolver *r);

#endif
