/*
 * trace: which chain of whose table drops what is ours.
 *
 * The rules of ruleset_traced pick a packet now and then, and the kernel tells
 * of each rule and chain that it passes from there on (NFNLGRP_NFTRACE).  The
 * socket is close-on-exec and never waits.
 */
#ifndef TTT_NFT_TRACE_H
#define TTT_NFT_TRACE_H

#include <stdbool.h>

#define TRACE_NAME	64

struct trace;

struct trace_drop {
	char kind[TRACE_NAME];		/* the chain of ruleset_traced that picked the packet */
	char family[8];			/* "inet", "ip", "ip6" … of the table that dropped it */
	char table[TRACE_NAME], chain[TRACE_NAME];
	bool policy;			/* the chain's policy, else one of its rules */
};

/* 0 or a negative errno.  table: the name of ruleset_traced's, copied. */
int trace_new(const char *table, struct trace **ret);
void trace_free(struct trace *t);

/* Wants POLLIN. */
int trace_fd(const struct trace *t);
/* The next drop that the kernel has told of; false: no more now. */
bool trace_next(struct trace *t, struct trace_drop *ret);

#endif
