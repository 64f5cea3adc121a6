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

static bool is_tunnel(const struct kernel_link *l)
{
	static const char *const kind[] = {
		"tun", "wireguard", "ipip", "sit", "gre", "gretap", "ip6gre", "ip6tnl", "vti", "vti6", "xfrm",
		"vxlan", "geneve", "ppp_mppe", "ovpn", "dummy", "ifb",
	};

	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++)
		if (strcmp(l->kind, kind[i]) == 0)
			return true;
	return false;
}

/* Why the interface as a whole is not used; NULL: it may be. */
static const char *why_not(const struct snapshot *s, const struct kernel_link *l,
			   const struct link_options *o)
{
	const struct kernel_link *master = l->master != 0 ? snapshot_link(s, l->master) : NULL;
	bool included = listed(l->name, o->include, o->include_count);

	if (listed(l->name, o->exclude, o->exclude_count))
		return "excluded by the configuration";
	if (!included && is_tunnel(l))
		return "is a tunnel itself";
	if (!included && master != NULL)
		return strcmp(master->kind, "bridge") == 0 ? "is a port of a bridge" : "belongs to another interface";
	if (!(l->flags & IFF_UP))
		return "is down";
	if (!(l->flags & IFF_RUNNING))
		return "no carrier";
	return NULL;
}

static bool is_usable_source(const struct kernel_address *a, int index, uint8_t family)
{
	return a->index == index && a->prefix.addr.family == family && a->scope == RT_SCOPE_UNIVERSE &&
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

/* A link in one family; else a reason. */
static const char *try_family(const struct snapshot *s, const struct kernel_link *k, uint8_t family,
			      const struct link_options *o, struct links *ret)
{
	const struct kernel_address *source = source_of(s, k->index, family);
	const struct kernel_route *route = default_route(s, k->index, family, o->marks);
	const struct addr *gateway = configured_gateway(o, k->name, family);
	struct link *l;

	if (source == NULL)
		return "no address";
	if (route == NULL && gateway == NULL)
		return "no default route";
	if (ret->count == LINKS_MAX)
		return "too many links";
	l = &ret->link[ret->count];
	*l = (struct link){ .slot = (unsigned)ret->count, .index = k->index, .family = family, .mtu = k->mtu,
			    .source = source->prefix.addr };
	ret->count++;
	memcpy(l->ifname, k->name, sizeof(l->ifname));
	if (gateway != NULL)
		l->gateway = *gateway;
	else if (route->gateway.family == family)
		l->gateway = route->gateway;
	l->gateway.scope = 0;
	l->metric = route != NULL ? route->metric : 0;
	add_onlink(s, l);
	return NULL;
}

static void try_link(const struct snapshot *s, const struct kernel_link *k, const struct link_options *o,
		     struct links *ret)
{
	const char *reason, *reason6;

	if (k->flags & IFF_LOOPBACK || (o->tun != NULL && strcmp(k->name, o->tun) == 0))
		return;
	reason = why_not(s, k, o);
	if (reason != NULL) {
		add_unused(ret, k->name, ADDR_NONE, reason);
		return;
	}
	reason = try_family(s, k, ADDR_IPV4, o, ret);
	reason6 = try_family(s, k, ADDR_IPV6, o, ret);
	if (reason != NULL && reason6 != NULL)
		add_unused(ret, k->name, ADDR_NONE, reason);
}

void links_find(const struct snapshot *s, const struct link_options *options, struct links *ret)
{
	*ret = (struct links){ 0 };
	for (size_t i = 0; i < s->links.count; i++)
		try_link(s, &s->links.item[i], options, ret);
}

static bool is_same(const struct link *a, const struct link *b)
{
	return a->family == b->family && addr_same_host(&a->source, &b->source) &&
	       (strcmp(a->ifname, b->ifname) == 0 || a->index == b->index);
}

static const struct link *find_same(const struct links *in, const struct link *l)
{
	for (size_t i = 0; i < in->count; i++)
		if (is_same(&in->link[i], l))
			return &in->link[i];
	return NULL;
}

static unsigned free_slot(unsigned used)
{
	unsigned slot = 0;

	while (used >> slot & 1)
		slot++;
	return slot;
}

void links_update(struct links *links, const struct links *found)
{
	struct links next = *found;
	unsigned kept = 0, before = 0;

	for (size_t i = 0; i < links->count; i++)
		before |= 1u << links->link[i].slot;
	for (size_t i = 0; i < next.count; i++) {
		const struct link *old = find_same(links, &next.link[i]);

		next.link[i].slot = old != NULL ? old->slot : LINKS_MAX;
		if (old != NULL)
			kept |= 1u << old->slot;
	}
	for (size_t i = 0; i < next.count; i++) {
		unsigned slot;

		if (next.link[i].slot != LINKS_MAX)
			continue;
		slot = free_slot(kept | before);
		if (slot >= LINKS_MAX)
			slot = free_slot(kept);
		next.link[i].slot = slot;
		kept |= 1u << slot;
	}
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

size_t links_changes(const struct links *before, const struct links *after,
		     struct link_change ret[LINKS_CHANGES])
{
	size_t n = 0;

	for (size_t i = 0; i < before->count; i++)
		if (find_same(after, &before->link[i]) == NULL)
			ret[n++] = (struct link_change){ LINK_REMOVED, before->link[i] };
	for (size_t i = 0; i < after->count; i++) {
		const struct link *now = &after->link[i], *was = find_same(before, now);

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
