/* route: see route.h.  Prefixes are kept longest first, so the first hit is the answer. */
#include "core/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define CACHE	256

struct route {
	struct prefix prefix;
	int peer;
};

struct route_table {
	struct {
		uint8_t family;		/* ADDR_NONE: empty */
		uint8_t ip[16];
		int peer;
	} cache[CACHE];
	size_t count, max;
	struct route route[];
};

struct route_table *route_table_new(size_t max)
{
	struct route_table *t = calloc(1, sizeof(*t) + max * sizeof(struct route));

	if (t != NULL)
		t->max = max;
	return t;
}

void route_table_free(struct route_table *t)
{
	free(t);
}

bool route_add(struct route_table *t, const struct prefix *prefix, int peer)
{
	struct prefix network = prefix_network(prefix);
	size_t at = 0;

	if (t->count == t->max)
		return false;
	for (size_t i = 0; i < t->count; i++)
		if (prefix_equal(&t->route[i].prefix, &network))
			return t->route[i].peer == peer;
	while (at < t->count && t->route[at].prefix.len >= network.len)
		at++;
	memmove(&t->route[at + 1], &t->route[at], (t->count - at) * sizeof(t->route[0]));
	t->route[at] = (struct route){ .prefix = network, .peer = peer };
	t->count++;
	memset(t->cache, 0, sizeof(t->cache));
	return true;
}

static int longest(const struct route_table *t, const struct addr *a)
{
	for (size_t i = 0; i < t->count; i++)
		if (prefix_holds(&t->route[i].prefix, a))
			return t->route[i].peer;
	return ROUTE_NONE;
}

int route_find(struct route_table *t, const struct addr *a)
{
	uint32_t mix = get_le32(a->ip) ^ get_le32(a->ip + 4) ^ get_le32(a->ip + 8) ^ get_le32(a->ip + 12);
	unsigned at = (mix ^ mix >> 8 ^ mix >> 16 ^ mix >> 24) % CACHE;

	if (t->cache[at].family == a->family && memcmp(t->cache[at].ip, a->ip, 16) == 0)
		return t->cache[at].peer;
	t->cache[at].family = a->family;
	memcpy(t->cache[at].ip, a->ip, 16);
	t->cache[at].peer = longest(t, a);
	return t->cache[at].peer;
}
