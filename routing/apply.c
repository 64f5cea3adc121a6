/* apply: see apply.h. */
#include "routing/apply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "routing/arp.h"
#include "routing/compare.h"
#include "routing/sysctl.h"

#define ROUNDS		4	/* the ground may move while we build on it */
#define GATEWAYS	128
#define PATTERNS	16

struct router {
	struct router_options options;
	char tun[SNAPSHOT_NAME];
	char pattern[2][PATTERNS][SNAPSHOT_NAME];	/* include, exclude */
	const char *list[2][PATTERNS];
	char gateway_name[GATEWAYS][SNAPSHOT_NAME];
	struct link_gateway gateway[GATEWAYS];
	struct netlink *netlink;
	struct sysctl_store *settings;
	struct snapshot snapshot;
	struct links links;		/* as found: each has its place in the plan */
	struct links usable, told;	/* those that the kernel takes, and as router_changes last saw them */
	struct plan plan;
	char refused[LINKS_MAX][LINKS_REASON];	/* by slot: why the kernel does not; empty: it does */
	/* by slot: who has told his gateway where he is; index 0: nobody */
	struct { int index; struct addr source, gateway; } told_gateway[LINKS_MAX];
	char error[ROUTER_ERROR];
};

__attribute__((format(printf, 3, 4)))
static int fail(struct router *r, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, sizeof(r->error), format, args);
	va_end(args);
	return err;
}

static size_t copy_list(struct router *r, unsigned which, const char *const *from, size_t count)
{
	size_t n = count < PATTERNS ? count : PATTERNS;

	for (size_t i = 0; i < n; i++) {
		snprintf(r->pattern[which][i], SNAPSHOT_NAME, "%s", from[i]);
		r->list[which][i] = r->pattern[which][i];
	}
	return n;
}

int router_set_links(struct router *r, const struct link_options *from)
{
	struct link_options *to = &r->options.links;

	if (from->include_count > PATTERNS || from->exclude_count > PATTERNS || from->gateway_count > GATEWAYS)
		return fail(r, -E2BIG, "too many names in include, exclude or gateway");
	to->tun = r->tun;
	to->marks = &r->options.marks;
	to->include_count = copy_list(r, 0, from->include, from->include_count);
	to->exclude_count = copy_list(r, 1, from->exclude, from->exclude_count);
	to->include = r->list[0];
	to->exclude = r->list[1];
	to->gateway = r->gateway;
	to->gateway_count = from->gateway_count;
	for (size_t i = 0; i < from->gateway_count; i++) {
		snprintf(r->gateway_name[i], SNAPSHOT_NAME, "%s", from->gateway[i].ifname);
		r->gateway[i] = (struct link_gateway){ r->gateway_name[i], from->gateway[i].gateway };
	}
	return 0;
}

int router_new(const struct router_options *options, struct router **ret, char error[ROUTER_ERROR])
{
	struct router *r = calloc(1, sizeof(*r));
	char file[256];
	int err;

	if (r == NULL)
		return -ENOMEM;
	r->options = *options;
	snprintf(r->tun, sizeof(r->tun), "%s", options->tun);
	r->options.tun = r->tun;
	snprintf(file, sizeof(file), "%s/%s.sysctl", options->runtime_dir, options->tun);
	err = router_set_links(r, &options->links);
	if (err == 0 && (err = netlink_new(&r->netlink)) < 0)
		fail(r, err, "netlink: %s", strerror(-err));
	if (err == 0 && (err = sysctl_store_new("/proc/sys", file, &r->settings)) < 0)
		fail(r, err, "%s: %s", file, strerror(-err));
	if (err == 0) {
		*ret = r;
		return 0;
	}
	memcpy(error, r->error, sizeof(r->error));
	router_free(r);
	return err;
}

void router_free(struct router *r)
{
	if (r == NULL)
		return;
	netlink_free(r->netlink);
	sysctl_store_free(r->settings);
	snapshot_done(&r->snapshot);
	plan_done(&r->plan);
	free(r);
}

int router_refresh(struct router *r)
{
	struct links found;
	int err = netlink_snapshot(r->netlink, &r->options.marks, &r->snapshot);

	if (err < 0)
		return fail(r, err, "cannot read the host's routes: %s", strerror(-err));
	links_find(&r->snapshot, &r->options.links, &found);
	links_update(&r->links, &found);
	r->usable = r->links;
	return 0;
}

const struct links *router_links(const struct router *r)
{
	return &r->usable;
}

const struct snapshot *router_snapshot(const struct router *r)
{
	return &r->snapshot;
}

size_t router_changes(struct router *r, struct link_change ret[LINKS_CHANGES])
{
	size_t n = links_changes(&r->told, &r->usable, ret);

	r->told = r->usable;
	return n;
}

/* What is gone already needs no removal, and what moved meanwhile is seen in the next round. */
static bool is_settled(const struct operation *o, int err)
{
	bool removal = o->kind == OPERATION_ROUTE_DELETE || o->kind == OPERATION_RULE_DELETE ||
		       o->kind == OPERATION_ADDRESS_DELETE;

	return err == 0 || err == -EEXIST ||
	       (removal && (err == -ENOENT || err == -EADDRNOTAVAIL || err == -ENODEV || err == -EIO));
}

/* A route in a link's own table matters to nobody else: without it the link is not used. */
static bool refuses_link(struct router *r, const struct operation *o, int err)
{
	unsigned slot = 0;

	if (is_settled(o, err) || (o->kind != OPERATION_ROUTE_ADD && o->kind != OPERATION_ROUTE_REPLACE))
		return false;
	while (slot < LINKS_MAX && o->route.table != marks_link_table(&r->options.marks, slot))
		slot++;
	if (slot == LINKS_MAX)
		return false;
	snprintf(r->refused[slot], sizeof(r->refused[slot]), "its IPv%d route is refused: %.50s",
		 o->route.family == ADDR_IPV6 ? 6 : 4, netlink_error(r->netlink));
	return true;
}

/* One round of operations: how many, or the first failure; it goes on after one. */
static int perform(struct router *r, const struct plan *p)
{
	struct operation_list ops = { 0 };
	char text[SNAPSHOT_TEXT];
	int err = compare_plan(p, &r->snapshot, &ops), first = 0, n = 0;

	if (err < 0)
		return fail(r, err, "%s", strerror(-err));
	memset(r->refused, 0, sizeof(r->refused));
	for (size_t i = 0; i < ops.count; i++) {
		err = netlink_apply(r->netlink, &ops.item[i]);
		if (refuses_link(r, &ops.item[i], err))
			continue;
		n++;
		if (is_settled(&ops.item[i], err) || first < 0)
			continue;
		first = fail(r, err, "%s: %s", operation_print(&ops.item[i], &r->snapshot, text),
			     netlink_error(r->netlink));
	}
	operations_done(&ops);
	return first < 0 ? first : n;
}

static int make_hold(struct router *r, const struct plan_options *options)
{
	int err = router_refresh(r);
	struct plan p;

	if (err < 0)
		return err;
	err = plan_build(options, &r->snapshot, &r->links, &p);
	if (err < 0)
		return fail(r, err, "%s", strerror(-err));
	plan_done(&r->plan);
	r->plan = p;
	return perform(r, &r->plan);
}

/* Who shares a network with another, and has only now begun to answer for himself. */
static void tell_gateways(struct router *r)
{
	bool seen[LINKS_MAX] = { false };

	for (size_t i = 0; i < r->links.count; i++) {
		const struct link *l = &r->links.link[i];
		bool same = r->told_gateway[l->slot].index == l->index &&
			    addr_equal(&r->told_gateway[l->slot].source, &l->source) &&
			    addr_equal(&r->told_gateway[l->slot].gateway, &l->gateway);

		if (l->family != ADDR_IPV4 || l->gateway.family != ADDR_IPV4 || !plan_is_careful(&r->plan, l->ifname))
			continue;
		seen[l->slot] = same || arp_ask(l->index, &l->source, &l->gateway) == 0;
		r->told_gateway[l->slot].index = l->index;
		r->told_gateway[l->slot].source = l->source;
		r->told_gateway[l->slot].gateway = l->gateway;
	}
	for (size_t slot = 0; slot < LINKS_MAX; slot++)
		if (!seen[slot])
			r->told_gateway[slot].index = 0;
}

/*
 * It keeps its place in the plan, so that each time the kernel is asked again, and
 * nothing else moves.  One is not used; none is no tunnel.
 */
static int leave_out_refused(struct router *r)
{
	struct links *l = &r->usable;
	char first[SNAPSHOT_NAME + LINKS_REASON + 2] = "";

	for (size_t i = l->count; i-- > 0;) {
		const char *reason = r->refused[l->link[i].slot];

		if (reason[0] == '\0')
			continue;
		snprintf(first, sizeof(first), "%s: %s", l->link[i].ifname, reason);
		links_leave_out(l, i, reason);
	}
	return first[0] != '\0' && l->count == 0 ? fail(r, -EIO, "%s", first) : 0;
}

/* Routes and rules: how many changed. */
static int apply_routes(struct router *r, const struct plan_options *options)
{
	const struct kernel_rule *foreign;
	char text[SNAPSHOT_TEXT];
	int total = 0, n = 1, refused;

	for (int round = 0; round < ROUNDS && n != 0; round++) {
		n = make_hold(r, options);
		if (n > 0)
			total += n;
	}
	refused = leave_out_refused(r);
	if (n < 0 || refused < 0)
		return n < 0 ? n : refused;
	foreign = compare_foreign_rule(&r->options.marks, &r->snapshot);
	if (foreign != NULL)
		return fail(r, -EEXIST, "a rule of another program stands among ours: %s: set rule-priority",
			    snapshot_print_rule(foreign, text));
	return total;
}

/* A link that has come needs its settings, whatever is wrong with the routes of others. */
int router_apply(struct router *r, const struct plan_options *wanted)
{
	struct plan_options options = *wanted;
	int routes, settings;

	options.marks = r->options.marks;
	options.tun = r->tun;
	routes = apply_routes(r, &options);
	settings = sysctl_apply(r->settings, r->plan.sysctl, r->plan.sysctl_count);
	tell_gateways(r);
	if (routes < 0)
		return routes;
	if (settings < 0)
		return fail(r, settings, "%s: %s", sysctl_failed(r->settings), strerror(-settings));
	return routes + settings;
}

int router_undo(struct router *r)
{
	struct plan nothing;
	int err = router_refresh(r), routes = err, settings;

	plan_empty(&r->options.marks, &nothing);
	if (err == 0)
		routes = perform(r, &nothing);
	settings = sysctl_restore(r->settings);
	if (routes < 0)
		return routes;
	if (settings < 0)
		return fail(r, settings, "%s: %s", sysctl_failed(r->settings), strerror(-settings));
	return routes + settings;
}

const char *router_error(const struct router *r)
{
	return r->error;
}

int router_fd(const struct router *r)
{
	return netlink_event_fd(r->netlink);
}

bool router_read_events(struct router *r)
{
	return netlink_read_events(r->netlink) != NETLINK_NOTHING;
}

struct netlink *router_netlink(struct router *r)
{
	return r->netlink;
}

void router_print(const struct router *r, FILE *out)
{
	links_print(&r->usable, out);
	plan_print(&r->plan, &r->snapshot, out);
}

/* A device that persists without a process has no carrier. */
int router_tun_is_held(const char *tun)
{
	const struct route_marks none = { 0 };
	struct snapshot s = { 0 };
	const struct kernel_link *l;
	struct netlink *n;
	int err = netlink_new(&n);

	if (err < 0)
		return err;
	err = netlink_snapshot(n, &none, &s);
	netlink_free(n);
	if (err < 0)
		return err;
	l = snapshot_link_named(&s, tun);
	err = l != NULL && strcmp(l->kind, "tun") == 0 && l->carrier;
	snapshot_done(&s);
	return err;
}

int router_cleanup(const struct router_options *options, char error[ROUTER_ERROR])
{
	struct router *r;
	int n = router_new(options, &r, error);

	if (n < 0)
		return n;
	n = router_undo(r);
	if (n < 0)
		memcpy(error, r->error, sizeof(r->error));
	router_free(r);
	return n;
}
