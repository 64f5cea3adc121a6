/*
 * route: which peer an inner address belongs to.
 *
 * The longest prefix wins.  A table is filled once and looked up per packet: that
 * takes a step for each length that some prefix has, whatever the number of
 * prefixes, and a small cache in front answers for the flows that are running.
 */
#ifndef TTT_CORE_ROUTE_H
#define TTT_CORE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define ROUTE_NONE	(-1)

struct route_table;

/* Room for max prefixes; NULL when memory is short. */
struct route_table *route_table_new(size_t max);
void route_table_free(struct route_table *t);
/* False: the table is full, or another peer has the very same prefix. */
bool route_add(struct route_table *t, const struct prefix *prefix, int peer);
/* The peer of an address, or ROUTE_NONE. */
int route_find(struct route_table *t, const struct addr *a);

#endif
