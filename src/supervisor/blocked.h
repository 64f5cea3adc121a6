/*
 * blocked: what somebody else's firewall does to the tunnel, in words.
 *
 * A packet in a second of each kind is followed through all tables of the host
 * (nft/trace.h).  Owned by the supervisor.
 */
#ifndef TTT_BLOCKED_H
#define TTT_BLOCKED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/units.h"
#include "nft/ruleset.h"

#define BLOCKED_KINDS	3
#define BLOCKED_TEXT	96

struct commit;
struct config;
struct trace;

struct blocked {
	char table[RULESET_NAME];
	struct commit *commit;		/* the rules that pick packets live as long as its socket */
	struct trace *trace;		/* NULL: this kernel cannot, or it is over */
	bool server;
	struct {
		char text[BLOCKED_TEXT];
		nsec_t at;		/* last seen; 0: never */
	} drop[BLOCKED_KINDS];
};

/* Begin to look, if the kernel can; that it cannot is no failure. */
void blocked_begin(struct blocked *b, const struct config *config);
void blocked_end(struct blocked *b);
/* To be watched for reading; -1: nothing is looked for. */
int blocked_fd(const struct blocked *b);
/* Read what there is.  A sentence that has not been said in a while, to be logged; NULL: none. */
const char *blocked_read(struct blocked *b, nsec_t now);
/* The n-th thing that is blocked now; NULL: no more.  Good until the next call. */
const char *blocked_now(const struct blocked *b, size_t n, nsec_t now);

#endif
