/* host: see host.h. */
#include "host/host.h"

#include <cap-ng.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/lock.h"
#include "config/config.h"
#include "host/closed.h"
#include "host/dns.h"
#include "host/pause.h"
#include "host/server_firewall.h"
#include "io/open.h"
#include "nft/commit.h"
#include "nft/watch.h"
#include "routing/apply.h"

#define DYING_MS	2000	/* a killed daemon's descriptors are closed after the signal, one by one */

__attribute__((format(printf, 3, 4)))
static int fail(struct host *h, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h->error, sizeof(h->error), format, args);
	va_end(args);
	return exit_code_of(err);
}

static struct route_marks marks_of(const struct config_marks *m)
{
	return (struct route_marks){
		.protocol = m->protocol,
		.fwmark = m->fwmark,
		.fwmask = 0xffff,
		.reply_mark = m->reply_mark,
		.table = m->table,
		.priority = m->priority,
	};
}

static bool is_server(const struct host *h)
{
	return h->config->role == CONFIG_SERVER;
}

/* --- opening ------------------------------------------------------------------ */

static void lock_path(const char *runtime_dir, const struct config_marks *marks, char buf[CONFIG_PATH])
{
	snprintf(buf, CONFIG_PATH, "%s/%u.lock", runtime_dir, marks->table);
}

/* What a daemon that was killed a moment ago still holds is soon free. */
static int take_when_free(int (*take)(const char *name), const char *name, int busy)
{
	int got = take(name);

	for (int ms = 0; got == busy && ms < DYING_MS; ms += 10) {
		usleep(10 * 1000);
		got = take(name);
	}
	return got;
}

static void await_end_of_device(const char *ifname)
{
	for (int ms = 0; if_nametoindex(ifname) != 0 && ms < DYING_MS; ms += 10)
		usleep(10 * 1000);
}

/* Two daemons with the same numbers would take each other's rules for their own. */
static int take_numbers(struct host *h)
{
	char path[CONFIG_PATH];

	lock_path(h->runtime_dir, &h->config->marks, path);
	h->lock = lock_take(path, DYING_MS);
	if (h->lock == -EWOULDBLOCK)
		return fail(h, h->lock, "another tunnel uses the tables from %u: set table, rule-priority and "
			    "reply-mark, or give this one a name with a number of its own (-i ttt1)",
			    h->config->marks.table);
	return h->lock < 0 ? fail(h, h->lock, "%s: %s", path, strerror(-h->lock)) : 0;
}

/* A kernel that knows no virtio header gives the device without. */
static void make_device(struct host *h, const char *name)
{
	struct open_offload offload;

	h->tun = h->config->offload ? take_when_free(open_tun_virtio, name, -EBUSY) : -EINVAL;
	h->tun_kind = (struct message_tun){ 0 };
	if (h->tun == -EINVAL) {
		h->tun = take_when_free(open_tun, name, -EBUSY);
	} else if (h->tun >= 0) {
		offload = open_tun_offload(h->tun);
		h->tun_kind = (struct message_tun){ .header = true, .tso = offload.tso, .uso = offload.uso };
	}
}

static int open_device(struct host *h)
{
	const char *name = h->config->interface;

	make_device(h, name);
	if (h->tun == -ENOENT || h->tun == -ENODEV)
		return fail(h, h->tun, "this kernel has no TUN device (/dev/net/tun): load the module tun");
	if (h->tun == -EBUSY)
		return fail(h, h->tun, "%s: that interface is there already: choose another with -i", name);
	if (h->tun < 0)
		return fail(h, h->tun, "%s: cannot make the device: %s", name, strerror(-h->tun));
	return 0;
}

static int open_router(struct host *h)
{
	const struct config *c = h->config;
	const char *include[CONFIG_PATTERNS], *exclude[CONFIG_PATTERNS];
	struct link_gateway gateway[2 * CONFIG_LINKS];
	struct router_options o = {
		.marks = marks_of(&c->marks), .tun = c->interface, .runtime_dir = h->runtime_dir,
		.links = { .include = include, .include_count = c->include_count, .exclude = exclude,
			   .exclude_count = c->exclude_count, .gateway = gateway },
	};
	char error[ROUTER_ERROR] = "";
	int err;

	for (size_t i = 0; i < c->include_count; i++)
		include[i] = c->include[i];
	for (size_t i = 0; i < c->exclude_count; i++)
		exclude[i] = c->exclude[i];
	for (size_t i = 0; i < c->link_count; i++)
		for (size_t k = 0; k < c->link[i].gateway_count; k++)
			gateway[o.links.gateway_count++] =
				(struct link_gateway){ c->link[i].name, c->link[i].gateway[k] };
	err = router_new(&o, &h->router, error);
	if (err < 0)
		return fail(h, err, "routing: %s", error[0] != '\0' ? error : strerror(-err));
	err = commit_new(&h->commit);
	return err < 0 ? fail(h, err, "firewall: %s", strerror(-err)) : 0;
}

static int find_outside(struct host *h)
{
	const char *who;
	int err = outside_begin(&h->outside, h->config, &who);

	if (err < 0 && who != NULL) {
		fail(h, err, "exclude-uid = %s: there is no such user", who);
		return EXIT_USAGE;
	}
	return err < 0 ? fail(h, err, "exclude-cgroup: this kernel has no cgroups: %s", strerror(-err)) : 0;
}

bool host_look_outside(struct host *h)
{
	return h->config->outside_cgroup_count > 0 && outside_look(&h->outside, h->config);
}

/* --- what an earlier run left ---------------------------------------------------- */

static int without_table(struct commit *commit, const char *table)
{
	char error[COMMIT_ERROR];

	return commit_remove(commit, table, error);
}

/*
 * 1: the daemon whose table that is lives, and is not dying; 0: it does not, or there
 * is no such table; or a negative errno.  Where the table has no owner (before Linux
 * 5.12, or before 6.9 when it is to persist), the device tells.
 */
static int daemon_lives(struct commit *commit, const char *table, const char *ifname)
{
	int there = commit_exists(commit, table), owned = commit_is_owned(commit, table);

	for (int ms = 0; owned > 0 && ms < DYING_MS; ms += 10) {
		usleep(10 * 1000);
		owned = commit_is_owned(commit, table);
	}
	if (there <= 0 || owned != 0)
		return there < 0 ? there : owned;
	await_end_of_device(ifname);
	return if_nametoindex(ifname) != 0 ? router_tun_is_held(ifname) : 0;
}

/*
 * Number of tables removed, the kill switch's too unless it is kept; *ret_kept: it
 * was there, and is.  -EBUSY: a live daemon owns them; -EPERM: who are we to ask.
 */
static int remove_tables(const char *ifname, bool keep, bool *ret_kept)
{
	char table[RULESET_NAME], closed[RULESET_NAME], traced[RULESET_NAME];
	struct commit *commit;
	int n = commit_new(&commit), more = 0;

	if (n < 0)
		return n;
	ruleset_table_name(ifname, table);
	ruleset_closed_name(ifname, closed);
	ruleset_traced_name(ifname, traced);
	n = daemon_lives(commit, table, ifname);
	if (n == 0)
		n = daemon_lives(commit, closed, ifname);
	if (n == 0)
		n = daemon_lives(commit, traced, ifname);	/* all there is before the first session */
	n = n == 0 ? without_table(commit, table) : n > 0 ? -EBUSY : n;
	if (n >= 0)
		without_table(commit, traced);
	if (n >= 0)
		more = keep ? commit_exists(commit, closed) : without_table(commit, closed);
	commit_free(commit);
	if (n >= 0 && keep)
		*ret_kept = more > 0;
	else if (n >= 0)
		n = more < 0 ? more : n + more;
	return n == -EPERM && capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) ? -EBUSY : n;
}

/*
 * A server's stays until the new one takes its place: connections of its clients
 * outlive the run that was killed.  -EBUSY, -EPERM as above.
 */
static int leave_table(const char *ifname)
{
	char table[RULESET_NAME];
	struct commit *commit;
	int n = commit_new(&commit);

	if (n < 0)
		return n;
	ruleset_table_name(ifname, table);
	n = daemon_lives(commit, table, ifname);
	commit_free(commit);
	return n > 0 ? -EBUSY : n;
}

/*
 * What no daemon holds any more, but the table.  Whose numbers they are has been
 * made sure of, among those with this runtime directory; the table tells of the
 * others.
 */
static int remove_rest(const struct config_marks *marks, const char *runtime_dir, const char *ifname)
{
	const struct router_options o = { .marks = marks_of(marks), .tun = ifname, .runtime_dir = runtime_dir };
	char error[ROUTER_ERROR];
	int names = dns_restore(ifname, runtime_dir), routes = router_cleanup(&o, error);

	if (names < 0 || routes < 0)
		return names < 0 ? names : routes;
	return names + routes;
}

static int remove_traces(const struct config_marks *marks, const char *runtime_dir, const char *ifname)
{
	int tables = remove_tables(ifname, false, NULL), rest;

	if (tables < 0)
		return tables;
	rest = remove_rest(marks, runtime_dir, ifname);
	return rest < 0 ? rest : tables + rest;
}

static int fail_to_clear(struct host *h, int err)
{
	if (err == -EBUSY)
		return fail(h, err, "%s is up, with another runtime directory: see -r", h->config->interface);
	if (err == -EPERM)
		return fail(h, err, "the right to change the network (CAP_NET_ADMIN) is missing: be root");
	return fail(h, err, "cannot remove what an earlier run left: %s", strerror(-err));
}

/* Table and device can be had only where no daemon lives: then the rest is nobody's. */
int host_open(struct host *h, const struct config *config, const char *runtime_dir)
{
	int code, n;

	*h = (struct host){ .config = config, .runtime_dir = runtime_dir, .tun = -1, .lock = -1,
			    .outside = { .root = -1 } };
	code = find_outside(h);
	if (code == 0)
		code = take_numbers(h);
	if (code != 0)
		return code;
	n = is_server(h) ? leave_table(config->interface) :
			   remove_tables(config->interface, closed_is_wanted(config), &h->adopted);
	if (n < 0)
		return fail_to_clear(h, n);
	code = open_device(h);
	if (code != 0)
		return code;
	n = h->adopted ? dns_restore(config->interface, runtime_dir) :
			 remove_rest(&config->marks, runtime_dir, config->interface);
	return n < 0 ? fail_to_clear(h, n) : open_router(h);
}

/* --- routing ------------------------------------------------------------------ */

/* The networks of the server's own addresses, and what else is its peers'. */
static size_t server_routes(const struct config *c, struct prefix *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < c->peer_count; i++)
		for (size_t k = 0; k < c->peer[i].prefix_count && n < max; k++)
			ret[n++] = prefix_network(&c->peer[i].prefix[k]);
	return n;
}

static int apply_routing(struct host *h)
{
	const struct config *c = h->config;
	struct plan_options o = { .tun = c->interface, .server = is_server(h) };
	struct prefix *route = calloc(PLAN_ROUTES, sizeof(*route));
	int result;

	if (route == NULL)
		return fail(h, -ENOMEM, "out of memory");
	if (is_server(h)) {
		o.address = c->address;
		o.address_count = c->address_count;
		o.mtu = c->mtu;
		o.route_count = server_routes(c, route, PLAN_ROUTES);
	} else if (h->session) {
		o.address = h->tunnel.address;
		o.address_count = h->tunnel.address_count;
		o.mtu = h->tunnel.mtu < c->mtu ? h->tunnel.mtu : c->mtu;
		o.full_tunnel = c->full_tunnel && !h->direct;
		o.kill_switch = c->kill_switch && !h->direct;
		o.reply_rules = true;
		for (; o.route_count < c->route_count && !h->direct; o.route_count++)
			route[o.route_count] = c->route[o.route_count];
	} else if (h->adopted) {
		o.full_tunnel = o.kill_switch = o.reply_rules = o.down = true;
	}
	o.route = route;
	o.outside = c->outside;
	o.outside_count = c->outside_count;
	o.uids = h->outside.uids;
	o.uids_count = h->outside.uids_count;
	result = router_apply(h->router, &o);
	free(route);
	return result < 0 ? fail(h, result, "routing: %s", router_error(h->router)) : 0;
}

/* --- firewall ------------------------------------------------------------------ */

/* To be freed; NULL: memory. */
static char *text_of(const struct ruleset *r)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	ruleset_print(r, out);
	fclose(out);
	return text;
}

/* A table without an owner is anybody's, and one that was wanted to persist has none before Linux 6.9. */
static int watch_tables(struct host *h)
{
	if (h->watch != NULL || (commit_has_owner(h->commit) && commit_has_persist(h->commit)))
		return 0;
	return watch_new(h->config->interface, h->commit, &h->watch);
}

/* What is gone again before it can be asked for has no number that any table has. */
static uint64_t handle_of(struct host *h, const char *table)
{
	uint64_t handle = 0;

	commit_handle(h->commit, table, &handle);
	return handle;
}

/*
 * The kernel's events come often, and the rules rarely change with them: t->text
 * is what was committed last.
 */
static int commit_ruleset(struct host *h, int built, struct ruleset *r, struct host_table *t)
{
	char error[COMMIT_ERROR] = "", *text = built == 0 ? text_of(r) : NULL;
	int err = built;

	if (text != NULL && t->text != NULL && strcmp(text, t->text) == 0) {
		free(text);
		ruleset_done(r);
		return 0;
	}
	if (err == 0)
		err = commit_apply(h->commit, r, error);
	if (err == 0)
		err = watch_tables(h);
	free(t->text);
	t->text = err == 0 ? text : NULL;
	if (err == 0) {
		t->handle = handle_of(h, r->table);
		t->lost = false;
	} else {
		free(text);
	}
	ruleset_done(r);
	return err < 0 ? fail(h, err, "firewall: %s", error[0] != '\0' ? error : strerror(-err)) : 0;
}

static int apply_server_firewall(struct host *h)
{
	struct ruleset r = { 0 };

	return commit_ruleset(h, server_firewall(h->config, &r), &r, &h->firewall);
}

/* One row per interface would do, but both families of it have tables of their own. */
static size_t reply_links(const struct host *h, struct ruleset_link ret[LINKS_MAX])
{
	const struct links *links = router_links(h->router);

	for (size_t i = 0; i < links->count; i++)
		ret[i] = (struct ruleset_link){
			.name = links->link[i].ifname,
			.reply_mark = h->config->marks.reply_mark + links->link[i].slot,
			.family = links->link[i].family,
		};
	return links->count;
}

static int apply_client_firewall(struct host *h)
{
	struct addr inner[MESSAGE_ADDRESSES];
	struct ruleset_link link[LINKS_MAX];
	const struct ruleset_client_options o = {
		.tun = h->config->interface, .inner = inner, .inner_count = h->tunnel.address_count,
		.endpoint = h->endpoint, .endpoint_count = h->endpoint_count,
		.fwmark = h->config->marks.fwmark, .link = link,
		.link_count = h->config->full_tunnel ? reply_links(h, link) : 0,
		.cgroup = h->outside.cgroup, .cgroup_count = h->outside.cgroup_count,
	};
	struct ruleset r = { 0 };

	for (size_t i = 0; i < h->tunnel.address_count; i++)
		inner[i] = h->tunnel.address[i].addr;
	return commit_ruleset(h, ruleset_client(&o, &r), &r, &h->firewall);
}

static int apply_closed(struct host *h)
{
	struct ruleset r = { 0 };

	if (!closed_is_wanted(h->config))
		return 0;
	return commit_ruleset(h, closed_ruleset(h->config, &h->outside, router_snapshot(h->router),
					       router_links(h->router), &r), &r, &h->closed);
}

int host_tables_fd(const struct host *h)
{
	return h->watch != NULL ? watch_fd(h->watch) : -1;
}

bool host_read_tables(struct host *h)
{
	return watch_read(h->watch);
}

/* What stands there under its name may be somebody's older copy: then it is replaced. */
static bool is_lost(struct host *h, const char *name, struct host_table *t)
{
	uint64_t handle;

	if (t->text != NULL && (commit_handle(h->commit, name, &handle) <= 0 || handle != t->handle)) {
		free(t->text);
		t->text = NULL;
		t->lost = true;
	}
	return t->lost;
}

bool host_look_at_tables(struct host *h)
{
	char table[RULESET_NAME], closed[RULESET_NAME];
	bool lost;

	ruleset_table_name(h->config->interface, table);
	ruleset_closed_name(h->config->interface, closed);
	lost = is_lost(h, table, &h->firewall);
	return is_lost(h, closed, &h->closed) || lost;
}

/* --- all of it ------------------------------------------------------------------ */

int host_find_links(struct host *h)
{
	int err = router_refresh(h->router);

	if (err < 0)
		return fail(h, err, "routing: %s", router_error(h->router));
	if (!is_server(h) && router_links(h->router)->count == 0)
		return fail(h, -ENODEV, "no link: no interface has carrier, an address and a default route");
	return 0;
}

const struct links *host_links(const struct host *h)
{
	return router_links(h->router);
}

uint32_t host_portal_mark(const struct host *h, const struct link *link)
{
	const struct route_marks marks = marks_of(&h->config->marks);

	return marks_portal(&marks, links_portal(host_links(h), link->index));
}

void host_set_tunnel(struct host *h, const struct message_tunnel *tunnel,
		     const struct addr *endpoint, size_t endpoint_count)
{
	h->tunnel = *tunnel;
	h->session = true;
	h->endpoint = endpoint;
	h->endpoint_count = endpoint_count;
}

static int tell_of_names(struct host *h)
{
	if (h->dns_error == 0)
		return 0;
	return fail(h, h->dns_error, "cannot set the tunnel's DNS servers: %s", h->dns_error == -ETIMEDOUT ?
		    "resolvectl or resolvconf comes to no end" : strerror(-h->dns_error));
}

static int apply_dns(struct host *h)
{
	const struct message_tunnel *t = &h->tunnel;
	size_t count = h->direct ? 0 : t->dns_count;

	if (h->dns_count == count && memcmp(h->dns, t->dns, count * sizeof(t->dns[0])) == 0)
		return tell_of_names(h);
	if (h->dns_count > 0)
		dns_restore(h->config->interface, h->runtime_dir);
	memcpy(h->dns, t->dns, sizeof(h->dns));
	h->dns_count = count;
	h->dns_error = 0;
	h->dns_in_file = false;
	return count > 0 ? host_set_names(h) : 0;
}

bool host_names_are_overwritten(struct host *h)
{
	return dns_are_overwritten(h->config->interface, h->dns, h->dns_count, &h->dns_seen);
}

int host_set_names(struct host *h)
{
	int err = dns_set(h->config->interface, h->runtime_dir, h->dns, h->dns_count);

	h->dns_in_file = err > 0;
	h->dns_error = err < 0 ? err : 0;
	return tell_of_names(h);
}

/* All but routing. */
static int apply_rest(struct host *h)
{
	int code;

	if (is_server(h))
		return apply_server_firewall(h);
	if (!h->session)
		return h->adopted ? apply_closed(h) : 0;
	code = apply_closed(h);
	if (code == 0)
		code = apply_client_firewall(h);
	return code != 0 ? code : apply_dns(h);
}

/* What is wrong with the routes does not hold back the rest, least of all the firewall. */
int host_apply(struct host *h)
{
	int code = 0, rest;

	if (h->session && h->closed.text == NULL)	/* before anything is led elsewhere */
		code = apply_closed(h);
	if (code != 0)
		return code;
	code = apply_routing(h);
	rest = apply_rest(h);
	return rest != 0 ? rest : code;
}

/* What a process holds, and the kernel takes back with it. */
static void let_go(struct host *h)
{
	char path[CONFIG_PATH];

	watch_free(h->watch);
	commit_free(h->commit);
	router_free(h->router);
	free(h->firewall.text);
	free(h->closed.text);
	outside_end(&h->outside);
	if (h->tun >= 0)
		close(h->tun);
	if (h->lock >= 0) {
		lock_path(h->runtime_dir, &h->config->marks, path);
		lock_release(path, h->lock);
	}
}

/* What outlives us: a server's table, and a client's kill switch. */
static int remove_own_table(struct host *h)
{
	char table[RULESET_NAME];

	if (is_server(h))
		ruleset_table_name(h->config->interface, table);
	else
		ruleset_closed_name(h->config->interface, table);
	return without_table(h->commit, table);
}

int host_close(struct host *h)
{
	struct commit *pause = h->firewall.text != NULL && is_server(h) ? pause_begin(h->config) : NULL;
	int code = 0, err = 0;

	if (h->session)
		err = dns_restore(h->config->interface, h->runtime_dir);
	if (err < 0)
		code = fail(h, err, "cannot restore the DNS servers: %s", strerror(-err));
	if (h->router != NULL && (err = router_undo(h->router)) < 0)
		code = fail(h, err, "cannot undo routing: %s", router_error(h->router));
	if (h->commit != NULL && (err = remove_own_table(h)) < 0)
		code = fail(h, err, "cannot remove the firewall's table: %s", strerror(-err));
	let_go(h);
	pause_keep(pause, h->config);
	return code;
}

bool host_leave_closed(struct host *h)
{
	if (!closed_is_wanted(h->config) || !(h->session || h->adopted))
		return false;
	let_go(h);
	return true;
}

int host_renew_device(struct host *h)
{
	if (h->tun >= 0)
		close(h->tun);
	h->dns_count = 0;	/* systemd-resolved knows them by the device, and forgets them with it */
	return open_device(h);
}

int host_cleanup(const struct config *config, const char *runtime_dir, const char *ifname)
{
	const struct config_marks marks = config != NULL ? config->marks : config_marks_default(ifname);
	struct commit *pause;
	char path[CONFIG_PATH];
	int lock, n;

	if (access(runtime_dir, F_OK) < 0)	/* not even the directory is left */
		return remove_traces(&marks, runtime_dir, ifname);
	lock_path(runtime_dir, &marks, path);
	lock = lock_take(path, DYING_MS);
	if (lock < 0)
		return lock;
	pause = config != NULL ? pause_after_crash(config) : NULL;
	n = remove_traces(&marks, runtime_dir, ifname);
	if (n > 0)
		await_end_of_device(ifname);
	lock_release(path, lock);
	if (pause != NULL)
		pause_keep(pause, config);
	return n;
}
