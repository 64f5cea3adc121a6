/* compare: see compare.h. */
#include "routing/compare.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct operation_list *list, const struct operation *o)
{
	if (list->count == list->room) {
		size_t room = list->room != 0 ? 2 * list->room : 32;
		struct operation *item = realloc(list->item, room * sizeof(*item));

		if (item == NULL)
			return -ENOMEM;
		list->item = item;
		list->room = room;
	}
	list->item[list->count++] = *o;
	return 0;
}

void operations_done(struct operation_list *list)
{
	free(list->item);
	*list = (struct operation_list){ 0 };
}

/* The kernel's key of a route; gateway and protocol may differ. */
static bool same_place(const struct kernel_route *a, const struct kernel_route *b)
{
	return a->family == b->family && a->table == b->table && a->metric == b->metric &&
	       prefix_equal(&a->dst, &b->dst);
}

bool route_same(const struct kernel_route *a, const struct kernel_route *b)
{
	/* an unreachable IPv6 route stands on lo, whatever was asked for */
	bool same_oif = a->type == RTN_UNREACHABLE || a->oif == b->oif;

	return same_place(a, b) && a->type == b->type && a->protocol == b->protocol && same_oif &&
	       !a->multipath && !b->multipath && addr_same_host(&a->gateway, &b->gateway);
}

bool rule_same(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return a->family == b->family && a->action == b->action && a->protocol == b->protocol &&
	       a->ip_proto == b->ip_proto && a->priority == b->priority && a->table == b->table &&
	       a->fwmark == b->fwmark && a->fwmask == b->fwmask &&
	       a->suppress_prefixlen == b->suppress_prefixlen && prefix_equal(&a->from, &b->from) &&
	       prefix_equal(&a->to, &b->to) && a->sport.low == b->sport.low &&
	       a->sport.high == b->sport.high && a->dport.low == b->dport.low &&
	       a->dport.high == b->dport.high && strcmp(a->iif, b->iif) == 0 &&
	       a->has_uids == b->has_uids && a->uids.low == b->uids.low && a->uids.high == b->uids.high &&
	       strcmp(a->oif, b->oif) == 0 && a->invert == b->invert && !a->foreign && !b->foreign;
}

/* In the main table all tunnels have the same protocol: ours lead into our own device, and go with it. */
static bool route_is_ours(const struct plan *p, const struct kernel_route *r)
{
	return r->protocol == p->marks.protocol &&
	       (marks_table_is_ours(&p->marks, r->table) ||
		(r->table == RT_TABLE_MAIN && p->tun_index != 0 && r->oif == p->tun_index));
}

static bool rule_is_ours(const struct route_marks *m, const struct kernel_rule *r)
{
	return r->protocol == m->protocol && marks_priority_is_ours(m, r->priority);
}

static const struct kernel_route *find_route(const struct route_list *in, const struct kernel_route *r)
{
	for (size_t i = 0; i < in->count; i++)
		if (route_same(&in->item[i], r))
			return &in->item[i];
	return NULL;
}

static bool has_place(const struct route_list *in, const struct kernel_route *r)
{
	for (size_t i = 0; i < in->count; i++)
		if (same_place(&in->item[i], r) && in->item[i].protocol == r->protocol)
			return true;
	return false;
}

static bool has_rule(const struct rule_list *in, const struct kernel_rule *r)
{
	for (size_t i = 0; i < in->count; i++)
		if (rule_same(&in->item[i], r))
			return true;
	return false;
}

static int compare_tun(const struct plan *p, const struct snapshot *s, struct operation_list *ret)
{
	const struct kernel_link *tun = p->tun_index != 0 ? snapshot_link(s, p->tun_index) : NULL;
	struct operation o = { .kind = OPERATION_LINK_SET };

	if (tun == NULL || ((tun->flags & IFF_UP) && (p->mtu == 0 || tun->mtu == p->mtu)))
		return 0;
	o.link.index = tun->index;
	o.link.mtu = p->mtu;
	o.link.no_ipv6 = s->no_ipv6;
	return add(ret, &o);
}

static bool is_wanted_address(const struct plan *p, const struct kernel_address *a)
{
	for (size_t i = 0; i < p->address_count; i++)
		if (prefix_equal(&p->address[i], &a->prefix))
			return true;
	return false;
}

static bool has_address(const struct snapshot *s, int index, const struct prefix *prefix)
{
	for (size_t i = 0; i < s->addresses.count; i++)
		if (s->addresses.item[i].index == index && prefix_equal(&s->addresses.item[i].prefix, prefix))
			return true;
	return false;
}

static int compare_addresses(const struct plan *p, const struct snapshot *s, struct operation_list *ret)
{
	struct operation o = { .kind = OPERATION_ADDRESS_ADD };
	int err = 0;

	for (size_t i = 0; i < p->address_count && p->tun_index != 0 && err == 0; i++) {
		if (has_address(s, p->tun_index, &p->address[i]))
			continue;
		o.address = (struct kernel_address){ .index = p->tun_index, .prefix = p->address[i] };
		err = add(ret, &o);
	}
	o.kind = OPERATION_ADDRESS_DELETE;
	for (size_t i = 0; i < s->addresses.count && p->tun_index != 0 && err == 0; i++) {
		o.address = s->addresses.item[i];
		if (o.address.index == p->tun_index && o.address.scope == RT_SCOPE_UNIVERSE &&
		    !is_wanted_address(p, &o.address))
			err = add(ret, &o);
	}
	return err;
}

static int wanted_routes(const struct plan *p, const struct snapshot *s, struct operation_list *ret)
{
	int err = 0;

	for (size_t i = 0; i < p->routes.count && err == 0; i++) {
		const struct kernel_route *r = &p->routes.item[i];
		struct operation o = { .kind = OPERATION_ROUTE_ADD };

		if (find_route(&s->routes, r) != NULL)
			continue;
		o.kind = has_place(&s->routes, r) ? OPERATION_ROUTE_REPLACE : OPERATION_ROUTE_ADD;
		o.route = *r;
		err = add(ret, &o);
	}
	return err;
}

static int wanted_rules(const struct plan *p, const struct snapshot *s, struct operation_list *ret)
{
	struct operation o = { .kind = OPERATION_RULE_ADD };
	int err = 0;

	for (size_t i = 0; i < p->rules.count && err == 0; i++) {
		o.rule = p->rules.item[i];
		if (!has_rule(&s->rules, &o.rule))
			err = add(ret, &o);
	}
	return err;
}

static int unwanted(const struct plan *p, const struct snapshot *s, struct operation_list *ret)
{
	struct operation o = { .kind = OPERATION_RULE_DELETE };
	int err = 0;

	for (size_t i = 0; i < s->rules.count && err == 0; i++) {
		o.rule = s->rules.item[i];
		if (rule_is_ours(&p->marks, &o.rule) && !has_rule(&p->rules, &o.rule))
			err = add(ret, &o);
	}
	o.kind = OPERATION_ROUTE_DELETE;
	for (size_t i = 0; i < s->routes.count && err == 0; i++) {
		o.route = s->routes.item[i];
		/* one that was replaced is gone by now */
		if (route_is_ours(p, &o.route) && find_route(&p->routes, &o.route) == NULL &&
		    !has_place(&p->routes, &o.route))
			err = add(ret, &o);
	}
	return err;
}

int compare_plan(const struct plan *p, const struct snapshot *s, struct operation_list *ret)
{
	int err = compare_tun(p, s, ret);

	if (err == 0)
		err = compare_addresses(p, s, ret);
	if (err == 0)
		err = wanted_routes(p, s, ret);
	if (err == 0)
		err = wanted_rules(p, s, ret);
	if (err == 0)
		err = unwanted(p, s, ret);
	if (err < 0)
		operations_done(ret);
	return err;
}

const struct kernel_rule *compare_foreign_rule(const struct route_marks *m, const struct snapshot *s)
{
	for (size_t i = 0; i < s->rules.count; i++)
		if (marks_priority_is_ours(m, s->rules.item[i].priority) &&
		    s->rules.item[i].protocol != m->protocol)
			return &s->rules.item[i];
	return NULL;
}

const char *operation_print(const struct operation *o, const struct snapshot *names,
			    char buf[SNAPSHOT_TEXT])
{
	char text[SNAPSHOT_TEXT];

	switch (o->kind) {
	case OPERATION_LINK_SET:
		snprintf(buf, SNAPSHOT_TEXT, "set link %d up mtu %u", o->link.index, o->link.mtu);
		break;
	case OPERATION_ADDRESS_ADD:
	case OPERATION_ADDRESS_DELETE:
		snprintf(buf, SNAPSHOT_TEXT, "%s address %s", o->kind == OPERATION_ADDRESS_ADD ? "add" : "delete",
			 prefix_print(&o->address.prefix, text));
		break;
	case OPERATION_ROUTE_ADD:
	case OPERATION_ROUTE_REPLACE:
	case OPERATION_ROUTE_DELETE:
		snprintf(buf, SNAPSHOT_TEXT, "%s route %.360s", o->kind == OPERATION_ROUTE_DELETE ? "delete" : "add",
			 snapshot_print_route(&o->route, names, text));
		break;
	case OPERATION_RULE_ADD:
	case OPERATION_RULE_DELETE:
		snprintf(buf, SNAPSHOT_TEXT, "%s rule %.360s", o->kind == OPERATION_RULE_ADD ? "add" : "delete",
			 snapshot_print_rule(&o->rule, text));
		break;
	}
	return buf;
}
