/*
 * compare: from what the kernel holds to what the plan wants, as a list of
 * operations.  Pure.  Nothing but our own is ever removed: routes and rules
 * with our protocol in our ranges, and addresses on our own TUN.
 *
 * What is wanted is added before what is not wanted goes, and a route whose
 * next hop changes is replaced in one step, so no packet meets a gap.
 * Comparing again after all was applied gives no operation.
 */
#ifndef TTT_ROUTING_COMPARE_H
#define TTT_ROUTING_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/plan.h"
#include "routing/snapshot.h"

enum operation_kind {
	OPERATION_LINK_SET,	/* MTU, and up */
	OPERATION_ADDRESS_ADD,
	OPERATION_ADDRESS_DELETE,
	OPERATION_ROUTE_ADD,
	OPERATION_ROUTE_REPLACE,
	OPERATION_ROUTE_DELETE,
	OPERATION_RULE_ADD,
	OPERATION_RULE_DELETE,
};

struct operation {
	enum operation_kind kind;
	union {
		struct { int index; uint32_t mtu; bool no_ipv6; } link;	/* mtu 0: leave it */
		struct kernel_address address;
		struct kernel_route route;
		struct kernel_rule rule;
	};
};

struct operation_list { struct operation *item; size_t count, room; };

/* Fills a zeroed list.  0 or -ENOMEM, -E2BIG.  Give it back with operations_done. */
int compare_plan(const struct plan *p, const struct snapshot *s, struct operation_list *ret);
void operations_done(struct operation_list *list);

/* A policy rule in our range of priorities that is not ours, or NULL: then
 * nobody knows which of the two is asked first, and `up` should not go on. */
const struct kernel_rule *compare_foreign_rule(const struct route_marks *m, const struct snapshot *s);

bool route_same(const struct kernel_route *a, const struct kernel_route *b);
bool rule_same(const struct kernel_rule *a, const struct kernel_rule *b);

/* "add rule 7401: from …".  `names` may be NULL. */
const char *operation_print(const struct operation *o, const struct snapshot *names,
			    char buf[SNAPSHOT_TEXT]);

#endif
