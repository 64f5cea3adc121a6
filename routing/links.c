/* links: see links.h. */
#include "routing/links.h"

#include <fnmatch.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

static bool listed(const char *name, const char *const *pattern, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fnmatch(pattern[i], name, 0) == 0)
			return true;
	return false;
}

static bool is_kind(const struct kernel_link *l, const char *const *kind, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(l->kind, kind[i]) == 0)
			return true;
	return false;
}

/* No way out by itself, whatever routes lead there; NULL: it may be one. */
static const char *why_no_uplink(const struct snapshot *s, const struct kernel_link *l)
{
	static const char *const tunnel[] = {
		"tun", "wireguard", "ipip", "sit", "gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan",
		"ip6tnl", "vti", "vti6", "xfrm", "vxlan", "geneve", "bareudp", "ppp_mppe", "ovpn",
	};
	static const char *const hollow[] = { "dummy", "ifb", "nlmon", "vcan" };
	const struct kernel_link *master = l->master != 0 ? snapshot_link(s, l->master) : NULL;

	if (is_kind(l, tunnel, sizeof(tunnel) / sizeof(tunnel[0])))
		return "is a tunnel itself";
	if (is_kind(l, hollow, sizeof(hollow) / sizeof(hollow[0])))
		return "leads nowhere: it is a dummy";
	if (master == NULL)
		return l->master != 0 ? "belongs to another interface" : NULL;
	return strcmp(master->kind, "bridge") == 0 ? "is a port of a bridge" : "belongs to another interface";
}

/* Why the interface as a whole is not used; NULL: it may be. */
static const char *why_not(const struct snapshot *s, const struct kernel_link *l,
			   const struct link_options *o)
{
	const char *reason = listed(l->name, o->include, o->include_count) ? NULL : why_no_uplink(s, l);

	if (listed(l->name, o->exclude, o->exclude_count))
		return "excluded by the configuration";
	if (reason != NULL)
		return reason;
	if (!(l->flags & IFF_UP))
		return "is down";
	if (l->operstate == IF_OPER_DORMANT)
		return "has carrier, but may not send yet (dormant): is it logged in?";
	if (!(l->flags & IFF_RUNNING))
		return "no carrier";
	return NULL;
}

static bool is_of(const struct kernel_address *a, int index, uint8_t family)
{
	return a->index == index && a->prefix.addr.family == family;
}

static bool is_usable_source(const struct kernel_address *a, int index, uint8_t family)
{
	return is_of(a, index, family) && a->scope == RT_SCOPE_UNIVERSE &&
	       !(a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
}

/* RFC 4193: has global scope, but no answer comes back to it from the Internet. */
static bool is_unique_local(const struct addr *a)
{
	return a->family == ADDR_IPV6 && (a->ip[0] & 0xfe) == 0xfc;
}

/* Lower is better: reachable from afar, neither deprecated nor temporary. */
static unsigned demerits(const struct kernel_address *a)
{
	return (is_unique_local(&a->prefix.addr) ? 8u : 0) + (a->flags & IFA_F_DEPRECATED ? 4u : 0) +
	       (a->prefix.addr.family == ADDR_IPV6 && (a->flags & IFA_F_TEMPORARY) ? 2u : 0);
}

/* Among equals the oldest, so that a new address moves no working path: IPv6 lists the newest first. */
static bool is_preferred(const struct kernel_address *a, const struct kernel_address *best)
{
	if (best == NULL || demerits(a) != demerits(best))
		return best == NULL || demerits(a) < demerits(best);
	return a->prefix.addr.family == ADDR_IPV6;
}

static const struct kernel_address *source_of(const struct snapshot *s, int index, uint8_t family)
{
	const struct kernel_address *best = NULL;

	for (size_t i = 0; i < s->addresses.count; i++) {
		const struct kernel_address *a = &s->addresses.item[i];

		if (is_usable_source(a, index, family) && is_preferred(a, best))
			best = a;
	}
	return best;
}

static const struct kernel_route *default_route(const struct snapshot *s, int index, uint8_t family,
						const struct route_marks *marks)
{
	const struct kernel_route *best = NULL;

	for (size_t i = 0; i < s->routes.count; i++) {
		const struct kernel_route *r = &s->routes.item[i];

		if (r->family != family || r->oif != index || r->dst.len != 0 || r->type != RTN_UNICAST)
			continue;
		if (marks_table_is_ours(marks, r->table) || r->protocol == marks->protocol || r->dead)
			continue;
		if (best == NULL || r->metric < best->metric)
			best = r;
	}
	return best;
}

static const struct addr *configured_gateway(const struct link_options *o, const char *name, uint8_t family)
{
	for (size_t i = 0; i < o->gateway_count; i++)
		if (strcmp(o->gateway[i].ifname, name) == 0 && o->gateway[i].gateway.family == family)
			return &o->gateway[i].gateway;
	return NULL;
}

static void add_onlink(const struct snapshot *s, struct link *l)
{
	for (size_t i = 0; i < s->addresses.count && l->onlink_count < LINKS_PREFIXES; i++) {
		const struct kernel_address *a = &s->addresses.item[i];

		if (a->index == l->index && a->prefix.addr.family == l->family &&
		    a->scope == RT_SCOPE_UNIVERSE && a->prefix.len < 8 * addr_size(&a->prefix.addr))
			l->onlink[l->onlink_count++] = prefix_network(&a->prefix);
	}
}

static void add_unused(struct links *ret, const char *name, uint8_t family, const char *reason)
{
	struct link_unused *u;

	if (ret->unused_count == LINKS_UNUSED) {
		ret->unused_more++;
		return;
	}
	u = &ret->unused[ret->unused_count++];
	*u = (struct link_unused){ .family = family };
	snprintf(u->ifname, sizeof(u->ifname), "%s", name);
	snprintf(u->reason, sizeof(u->reason), "%s", reason);
}

/* How far an interface got in one family: what is farthest along is what to look at. */
enum progress { NO_ADDRESS, SELF_GIVEN, TAKEN, TENTATIVE, NO_ROUTE, TOO_MANY, IS_LINK };

static const char *const words[] = {
	[NO_ADDRESS] = "no address",
	[SELF_GIVEN] = "only a link-local address: no DHCP server has answered",
	[TAKEN] = "its address is taken: another machine there has the same",
	[TENTATIVE] = "its address is still being checked for being taken",
	[NO_ROUTE] = "no default route",
	[TOO_MANY] = "too many links: 16 are used already",
};

/* Without a usable address: what there is instead. */
static enum progress why_no_source(const struct snapshot *s, int index, uint8_t family)
{
	enum progress best = NO_ADDRESS;

	for (size_t i = 0; i < s->addresses.count; i++) {
		const struct kernel_address *a = &s->addresses.item[i];
		enum progress is = NO_ADDRESS;

		if (!is_of(a, index, family))
			continue;
		if (a->scope == RT_SCOPE_UNIVERSE)
			is = a->flags & IFA_F_DADFAILED ? TAKEN : TENTATIVE;
		else if (a->scope == RT_SCOPE_LINK && family == ADDR_IPV4)	/* every IPv6 one has such */
			is = SELF_GIVEN;
		best = is > best ? is : best;
	}
	return best;
}

static void fill_link(const struct snapshot *s, const struct kernel_link *k, const struct addr *source,
		      const struct kernel_route *route, const struct addr *gateway, struct link *l)
{
	*l = (struct link){ .index = k->index, .family = source->family, .mtu = k->mtu, .source = *source };
	memcpy(l->ifname, k->name, sizeof(l->ifname));
	if (gateway != NULL)
		l->gateway = *gateway;
	else
		l->gateway = route->gateway;
	l->gateway.scope = 0;
	l->metric = route != NULL ? route->metric : 0;
	add_onlink(s, l);
}

/* A link in one family, or how far it got. */
static enum progress try_family(const struct snapshot *s, const struct kernel_link *k, uint8_t family,
				const struct link_options *o, struct links *ret)
{
	const struct kernel_address *source = source_of(s, k->index, family);
	const struct kernel_route *route = default_route(s, k->index, family, o->marks);
	const struct addr *gateway = configured_gateway(o, k->name, family);

	if (source == NULL)
		return why_no_source(s, k->index, family);
	if (route == NULL && gateway == NULL)
		return NO_ROUTE;
	if (ret->count == LINKS_MAX)
		return TOO_MANY;
	fill_link(s, k, &source->prefix.addr, route, gateway, &ret->link[ret->count]);
	ret->link[ret->count].slot = (unsigned)ret->count;
	ret->count++;
	return IS_LINK;
}

static void try_link(const struct snapshot *s, const struct kernel_link *k, const struct link_options *o,
		     struct links *ret)
{
	enum progress v4, v6;
	const char *reason;

	if (k->flags & IFF_LOOPBACK || (o->tun != NULL && strcmp(k->name, o->tun) == 0))
		return;
	reason = why_not(s, k, o);
	if (reason != NULL) {
		add_unused(ret, k->name, ADDR_NONE, reason);
		return;
	}
	v4 = try_family(s, k, ADDR_IPV4, o, ret);
	v6 = try_family(s, k, ADDR_IPV6, o, ret);
	if (v4 != IS_LINK && v6 != IS_LINK)
		add_unused(ret, k->name, ADDR_NONE, words[v4 > v6 ? v4 : v6]);
}

void links_find(const struct snapshot *s, const struct link_options *options, struct links *ret)
{
	*ret = (struct links){ 0 };
	for (size_t i = 0; i < s->links.count; i++)
		try_link(s, &s->links.item[i], options, ret);
}

void links_leave_out(struct links *links, size_t n, const char *reason)
{
	struct link *l = &links->link[n];

	add_unused(links, l->ifname, l->family, reason);
	links->count--;
	memmove(l, l + 1, (links->count - n) * sizeof(*l));
}

/* --- which is which, from one look to the next ---------------------------------- */

static bool may_be(const struct link *a, const struct link *b)
{
	return a->family == b->family && addr_same_host(&a->source, &b->source);
}

/* Who in `before` each of `after` was: an index in it, or -1. */
struct kinship { int was[LINKS_MAX]; };

static int find_unclaimed(const struct links *before, uint32_t claimed, const struct link *now, bool by_index)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct link *l = &before->link[i];

		if (!(claimed >> i & 1) && may_be(l, now) &&
		    (by_index ? l->index == now->index : strcmp(l->ifname, now->ifname) == 0))
			return (int)i;
	}
	return -1;
}

/*
 * The index tells first: a renamed interface keeps it, and two may have changed
 * their names.  Then the name: a re-plugged one has another index.
 */
static struct kinship relate(const struct links *before, const struct links *after)
{
	struct kinship k;
	uint32_t claimed = 0;

	for (size_t i = 0; i < LINKS_MAX; i++)
		k.was[i] = -1;
	for (unsigned by_index = 2; by_index-- > 0;)
		for (size_t i = 0; i < after->count; i++) {
			if (k.was[i] >= 0)
				continue;
			k.was[i] = find_unclaimed(before, claimed, &after->link[i], by_index);
			if (k.was[i] >= 0)
				claimed |= 1u << k.was[i];
		}
	return k;
}

static unsigned free_slot(unsigned used)
{
	unsigned slot = 0;

	while (used >> slot & 1)
		slot++;
	return slot;
}

static bool has_link(const struct links *links, int index)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->link[i].index == index)
			return true;
	return false;
}

/* Whose number it is by its index, so that the next daemon finds the same if it can; else what is free. */
static unsigned free_portal(const struct links *links, int index)
{
	unsigned number = (unsigned)index % MARKS_LINKS;

	for (unsigned i = 0; i < MARKS_LINKS; i++)
		if (links->portal[(number + i) % MARKS_LINKS] == 0)
			return (number + i) % MARKS_LINKS;
	while (has_link(links, links->portal[number]))
		number = (number + 1) % MARKS_LINKS;
	return number;
}

unsigned links_portal(const struct links *links, int index)
{
	unsigned number = 0;

	while (number < MARKS_LINKS - 1 && links->portal[number] != index)
		number++;
	return number;
}

static void give_portals(struct links *links)
{
	for (size_t i = 0; i < links->count; i++) {
		int index = links->link[i].index;

		if (links->portal[links_portal(links, index)] != index)
			links->portal[free_portal(links, index)] = index;
	}
}

void links_update(struct links *links, const struct links *found)
{
	struct kinship kin = relate(links, found);
	struct links next = *found;
	unsigned kept = 0, before = 0;

	for (size_t i = 0; i < links->count; i++)
		before |= 1u << links->link[i].slot;
	for (size_t i = 0; i < next.count; i++) {
		if (kin.was[i] < 0)
			continue;
		next.link[i].slot = links->link[kin.was[i]].slot;
		kept |= 1u << next.link[i].slot;
	}
	for (size_t i = 0; i < next.count; i++) {
		unsigned slot;

		if (kin.was[i] >= 0)
			continue;
		slot = free_slot(kept | before);
		if (slot >= LINKS_MAX)
			slot = free_slot(kept);
		next.link[i].slot = slot;
		kept |= 1u << slot;
	}
	memcpy(next.portal, links->portal, sizeof(next.portal));
	give_portals(&next);
	*links = next;
}

static bool looks_same(const struct link *a, const struct link *b)
{
	if (a->onlink_count != b->onlink_count)
		return false;
	for (size_t i = 0; i < a->onlink_count; i++)
		if (!prefix_equal(&a->onlink[i], &b->onlink[i]))
			return false;
	return a->mtu == b->mtu && a->metric == b->metric && addr_equal(&a->gateway, &b->gateway) &&
	       strcmp(a->ifname, b->ifname) == 0;
}

static bool is_among(const struct kinship *k, size_t count, size_t was)
{
	for (size_t i = 0; i < count; i++)
		if (k->was[i] == (int)was)
			return true;
	return false;
}

size_t links_changes(const struct links *before, const struct links *after,
		     struct link_change ret[LINKS_CHANGES])
{
	struct kinship kin = relate(before, after);
	size_t n = 0;

	for (size_t i = 0; i < before->count; i++)
		if (!is_among(&kin, after->count, i))
			ret[n++] = (struct link_change){ LINK_REMOVED, before->link[i] };
	for (size_t i = 0; i < after->count; i++) {
		const struct link *now = &after->link[i];
		const struct link *was = kin.was[i] >= 0 ? &before->link[kin.was[i]] : NULL;

		if (was == NULL)
			ret[n++] = (struct link_change){ LINK_ADDED, *now };
		else if (was->index != now->index)
			ret[n++] = (struct link_change){ LINK_MOVED, *now };
		else if (!looks_same(was, now))
			ret[n++] = (struct link_change){ LINK_CHANGED, *now };
	}
	return n;
}

void links_print(const struct links *links, FILE *out)
{
	char source[ADDR_TEXT], gateway[ADDR_TEXT];

	for (size_t i = 0; i < links->count; i++) {
		const struct link *l = &links->link[i];

		fprintf(out, "link %u %s from %s via %s mtu %u\n", l->slot, l->ifname,
			addr_print(&l->source, source), addr_print(&l->gateway, gateway), l->mtu);
	}
	for (size_t i = 0; i < links->unused_count; i++)
		fprintf(out, "unused %s: %s\n", links->unused[i].ifname, links->unused[i].reason);
}
