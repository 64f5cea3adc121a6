/* strategy: the table of all there are. */
#include "strategy/strategy.h"

#include <string.h>

static const struct strategy_ops *const table[] = {
	&strategy_aggregate,
	&strategy_adaptive,
	&strategy_weighted,
	&strategy_round_robin,
	&strategy_lowest_latency,
	&strategy_failover,
	&strategy_redundant,
	&strategy_flow,
};

const struct strategy_ops *strategy_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

const struct strategy_ops *strategy_at(size_t n)
{
	return n < ARRAY_SIZE(table) ? table[n] : NULL;
}
