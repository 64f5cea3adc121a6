/*
 * watch: whether somebody else may have deleted a table of ours.
 *
 * Where a table has an owner the kernel does not let him; elsewhere whoever loads
 * his rules anew (`flush ruleset`) deletes all tables there are, and does not know
 * of ours.  The socket is close-on-exec and never waits.
 */
#ifndef TTT_NFT_WATCH_H
#define TTT_NFT_WATCH_H

#include <stdbool.h>

struct commit;
struct watch;

/* The tables of that interface; what `ours` does to them does not count.  0 or a negative errno. */
int watch_new(const char *ifname, const struct commit *ours, struct watch **ret);
void watch_free(struct watch *w);

/* Wants POLLIN. */
int watch_fd(const struct watch *w);
/* Reads what there is.  True: one was deleted, or it cannot be told, since events were
 * lost, our own ones perhaps: commit_handle knows. */
bool watch_read(struct watch *w);

#endif
