/*
 * encode: a ruleset as netlink messages.  It sends nothing; commit.h does.
 *
 * A batch is a line of messages, each with its own sequence number: begin,
 * [delete table], add table, every chain, every rule, end.  What number an
 * error carries tells which object the kernel refused.
 */
#ifndef TTT_NFT_ENCODE_H
#define TTT_NFT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft/ruleset.h"

#define ENCODE_OBJECT	320	/* bytes that the description of an object fits in */

struct encode_options {
	uint32_t seq;		/* of the first message; the others follow, one by one */
	bool replace;		/* delete the table first: it must be there */
	bool owner, persist;	/* ask for these flags, if the ruleset wants them */
};

struct encode_batch {
	uint8_t *data;		/* to be sent with one call; free() it */
	size_t len;
	uint32_t seq, last;	/* first message, and the one that asks for an acknowledgement */
};

/* 0, -ENOMEM, or -EINVAL (a rule that cannot be said, which is our own mistake). */
int encode_ruleset(const struct ruleset *r, const struct encode_options *options,
		   struct encode_batch *ret);
/* begin, delete table, end. */
int encode_removal(const char *table, uint32_t seq, struct encode_batch *ret);
/* One request for one table; no batch.  The answer is for encode_table. */
int encode_query(const char *table, uint32_t seq, struct encode_batch *ret);

/* What the kernel says of a table. */
struct encode_table {
	uint32_t flags;
	uint64_t handle;	/* no other one, also of the same name, ever has that */
};

/* A message of nf_tables as it was received; false: it tells of no table. */
bool encode_table(const void *message, struct encode_table *ret);
/* Whether these flags tell of an owner. */
bool encode_has_owner(uint32_t flags);

/* What the n-th message (0 is begin) of such a batch stands for, in words:
 * "table inet ttt-ttt0", "chain forward", "rule in forward: iifname …". */
void encode_object(const struct ruleset *r, const struct encode_options *options, size_t n,
		   char ret[ENCODE_OBJECT]);
/* Whether the n-th message adds the table. */
bool encode_is_table(const struct encode_options *options, size_t n);

#endif
