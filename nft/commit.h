/*
 * commit: the kernel holds our table, or does not, as a whole.
 *
 * Owns the NETLINK_NETFILTER socket, close-on-exec.  A table with the owner
 * flag lives as long as that socket: who forks without exec must close it in
 * the child (commit_free does, and sends nothing), or the table outlives us.
 * Kernels before 5.12 have no owner flag; there the table stays until it is
 * removed by name, which the next `up` or `down` does.  One that is to persist
 * has no owner before Linux 6.9.
 *
 * All calls are short and complete when they return; the kernel answers a
 * request before send(2) ends.
 */
#ifndef TTT_NFT_COMMIT_H
#define TTT_NFT_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "nft/ruleset.h"

#define COMMIT_ERROR	512

struct commit;

/* In the network namespace of the caller.  0 or what socket(2) says. */
int commit_new(struct commit **ret);
/* Tables with the owner flag are gone then. */
void commit_free(struct commit *c);

/*
 * One atomic batch: the table is as r says, whatever stood there under its
 * name, or nothing has changed.  0 or a negative errno; then error says what
 * the kernel refused and why, in one line.  -EPERM: not permitted, or a live
 * process owns that table.
 */
int commit_apply(struct commit *c, const struct ruleset *r, char error[COMMIT_ERROR]);
/* Removes the table of that name, also one that an earlier process left.
 * 1: removed; 0: it was not there; or as commit_apply. */
int commit_remove(struct commit *c, const char *table, char error[COMMIT_ERROR]);
/* 1: there is such a table in family inet; 0: there is none; or a negative errno. */
int commit_exists(struct commit *c, const char *table);
/* 1: there is such a table, and a live process owns it; 0: not; or a negative errno. */
int commit_is_owned(struct commit *c, const char *table);
/* 1: *ret is the number of that table, which no other one has, whatever its name; or as commit_exists. */
int commit_handle(struct commit *c, const char *table, uint64_t *ret);

/* The descriptor of its socket, and the port that the kernel knows it by. */
int commit_fd(const struct commit *c);
uint32_t commit_port(const struct commit *c);
/* Whether the kernel knows the owner flag, as far as commit_apply has found out. */
bool commit_has_owner(const struct commit *c);
/* Likewise, the flag that lets a table with an owner outlive it. */
bool commit_has_persist(const struct commit *c);

#endif
