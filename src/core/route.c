/*
 * route: see route.h.  Prefixes of one length are found by their hash, and lengths
 * are tried from the longest on: there are few, however many prefixes.
 */
#include "core/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define CACHE		256
#define LENGTHS		162	/* 0 to 32 and 0 to 128 bits */
#define NOTHING		UINT32_MAX

struct route {
	struct prefix prefix;
	int peer;
};

struct length {
	uint8_t family, bits;
	uint64_t mask[2];	/* of the address as two numbers */
};

struct route_table {
	struct {
		uint8_t family;		/* ADDR_NONE: empty */
		uint8_t ip[16];
		int peer;
	} cache[CACHE];
	struct length length[LENGTHS];	/* that some prefix has, longest first */
	size_t lengths;
	size_t count, max, places;	/* places: a power of two, at most half of them taken */
	uint32_t *place;		/* of routes; NOTHING: free */
	struct route route[];
};

struct route_table *route_table_new(size_t max)
{
	struct route_table *t = calloc(1, sizeof(*t) + max * sizeof(struct route));
	size_t places = 2;

	while (places < 2 * max)
		places *= 2;
	if (t == NULL)
		return NULL;
	t->max = max;
	t->places = places;
	t->place = malloc(places * sizeof(*t->place));
	if (t->place == NULL) {
		free(t);
		return NULL;
	}
	memset(t->place, 0xff, places * sizeof(*t->place));
	return t;
}

void route_table_free(struct route_table *t)
{
	if (t == NULL)
		return;
	free(t->place);
	free(t);
}

/* --- by length ------------------------------------------------------------- */

static uint64_t mask_of(unsigned bits)
{
	return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
}

static struct length length_of(uint8_t family, uint8_t bits)
{
	return (struct length){ .family = family, .bits = bits,
				.mask = { mask_of(bits), mask_of(bits > 64 ? bits - 64 : 0) } };
}

static void add_length(struct route_table *t, const struct prefix *p)
{
	size_t at = 0;

	for (size_t i = 0; i < t->lengths; i++)
		if (t->length[i].family == p->addr.family && t->length[i].bits == p->len)
			return;
	while (at < t->lengths && t->length[at].bits >= p->len)
		at++;
	memmove(&t->length[at + 1], &t->length[at], (t->lengths - at) * sizeof(t->length[0]));
	t->length[at] = length_of(p->addr.family, p->len);
	t->lengths++;
}

/* --- by hash --------------------------------------------------------------- */

/* Where the search for the network of that length around an address begins. */
static size_t first_place(const struct route_table *t, const struct length *l, const uint8_t ip[16])
{
	uint64_t mix = ((get_be64(ip) & l->mask[0]) + l->bits) * UINT64_C(0x9e3779b97f4a7c15);

	mix = (mix ^ mix >> 32 ^ (get_be64(ip + 8) & l->mask[1])) * UINT64_C(0xd6e8feb86659fd93);
	return (size_t)(mix >> 32) & (t->places - 1);
}

/* The route of that length around an address: its place, or the free one where it would be. */
static uint32_t *find_place(const struct route_table *t, const struct length *l, const struct addr *a)
{
	size_t at = first_place(t, l, a->ip);

	for (; t->place[at] != NOTHING; at = (at + 1) & (t->places - 1)) {
		const struct prefix *p = &t->route[t->place[at]].prefix;

		if (p->len == l->bits && prefix_holds(p, a))
			break;
	}
	return &t->place[at];
}

bool route_add(struct route_table *t, const struct prefix *prefix, int peer)
{
	const struct length l = length_of(prefix->addr.family, prefix->len);
	uint32_t *place = find_place(t, &l, &prefix->addr);

	if (*place != NOTHING)
		return t->route[*place].peer == peer;
	if (t->count == t->max)
		return false;
	t->route[t->count] = (struct route){ .prefix = *prefix, .peer = peer };
	*place = (uint32_t)t->count++;
	add_length(t, prefix);
	memset(t->cache, 0, sizeof(t->cache));
	return true;
}

static int longest(const struct route_table *t, const struct addr *a)
{
	for (size_t i = 0; i < t->lengths; i++) {
		const uint32_t *place;

		if (t->length[i].family != a->family)
			continue;
		place = find_place(t, &t->length[i], a);
		if (*place != NOTHING)
			return t->route[*place].peer;
	}
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
