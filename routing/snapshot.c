/* snapshot: see snapshot.h. */
#include "routing/snapshot.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more entry of `size` bytes. */
static int grow(void **item, size_t count, size_t *room, size_t size)
{
	size_t more = *room != 0 ? 2 * *room : 16;
	void *bigger;

	if (count == SNAPSHOT_MAX)
		return -E2BIG;
	if (count < *room)
		return 0;
	bigger = realloc(*item, more * size);
	if (bigger == NULL)
		return -ENOMEM;
	*item = bigger;
	*room = more;
	return 0;
}

#define LIST_ADD(list, entry)									\
	do {											\
		void *item_ = (list)->item;							\
		int err_ = grow(&item_, (list)->count, &(list)->room, sizeof(*(list)->item));	\
												\
		(list)->item = item_;								\
		if (err_ < 0)									\
			return err_;								\
		(list)->item[(list)->count++] = *(entry);					\
		return 0;									\
	} while (0)

int link_list_add(struct link_list *list, const struct kernel_link *link) { LIST_ADD(list, link); }
int address_list_add(struct address_list *list, const struct kernel_address *a) { LIST_ADD(list, a); }
int route_list_add(struct route_list *list, const struct kernel_route *route) { LIST_ADD(list, route); }
int rule_list_add(struct rule_list *list, const struct kernel_rule *rule) { LIST_ADD(list, rule); }

void route_list_done(struct route_list *list)
{
	free(list->item);
	*list = (struct route_list){ 0 };
}

void rule_list_done(struct rule_list *list)
{
	free(list->item);
	*list = (struct rule_list){ 0 };
}

void snapshot_done(struct snapshot *s)
{
	free(s->links.item);
	free(s->addresses.item);
	free(s->routes.item);
	free(s->rules.item);
	free(s->networks.item);
	memset(s, 0, sizeof(*s));
}

struct kernel_link *snapshot_link(const struct snapshot *s, int index)
{
	for (size_t i = 0; i < s->links.count; i++)
		if (s->links.item[i].index == index)
			return &s->links.item[i];
	return NULL;
}

struct kernel_link *snapshot_link_named(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->links.count; i++)
		if (strcmp(s->links.item[i].name, name) == 0)
			return &s->links.item[i];
	return NULL;
}

static const char *name_of(const struct snapshot *names, int index, char buf[SNAPSHOT_NAME])
{
	const struct kernel_link *l = names != NULL ? snapshot_link(names, index) : NULL;

	if (l != NULL)
		return l->name;
	snprintf(buf, SNAPSHOT_NAME, "if%d", index);
	return buf;
}

const char *snapshot_print_route(const struct kernel_route *r, const struct snapshot *names,
				 char buf[SNAPSHOT_TEXT])
{
	char dst[ADDR_TEXT], gateway[ADDR_TEXT + 5] = "", dev[SNAPSHOT_NAME + 5] = "", name[SNAPSHOT_NAME];
	char via[ADDR_TEXT];

	if (r->gateway.family != ADDR_NONE)
		snprintf(gateway, sizeof(gateway), " via %s", addr_print(&r->gateway, via));
	if (r->oif != 0)
		snprintf(dev, sizeof(dev), " dev %s", name_of(names, r->oif, name));
	snprintf(buf, SNAPSHOT_TEXT, "%s%s%s%s table %u metric %u proto %u",
		 r->type == RTN_UNREACHABLE ? "unreachable " : "",
		 r->dst.len == 0 ? (r->family == ADDR_IPV6 ? "default -6" : "default") :
		 prefix_print(&r->dst, dst), gateway, dev, r->table, r->metric, r->protocol);
	return buf;
}

const char *snapshot_print_rule(const struct kernel_rule *r, char buf[SNAPSHOT_TEXT])
{
	char from[ADDR_TEXT] = "all", to[ADDR_TEXT + 4] = "", address[ADDR_TEXT], mark[40] = "", oif[30] = "",
	     ports[64] = "", users[40] = "", what[64];

	if (r->from.addr.family != ADDR_NONE)
		prefix_print(&r->from, from);
	if (r->to.addr.family != ADDR_NONE)
		snprintf(to, sizeof(to), " to %s", prefix_print(&r->to, address));
	if (r->has_uids)
		snprintf(users, sizeof(users), " uidrange %u-%u", r->uids.low, r->uids.high);
	if (r->fwmask != 0)
		snprintf(mark, sizeof(mark), " fwmark 0x%x/0x%x", r->fwmark, r->fwmask);
	if (r->oif[0] != '\0')
		snprintf(oif, sizeof(oif), " oif %s", r->oif);
	if (r->ip_proto != 0)
		snprintf(ports, sizeof(ports), " ipproto %u sport %u dport %u", r->ip_proto, r->sport.low,
			 r->dport.low);
	if (r->action == FR_ACT_UNREACHABLE)
		snprintf(what, sizeof(what), "unreachable");
	else
		snprintf(what, sizeof(what), "lookup %u%s", r->table,
			 r->suppress_prefixlen == 0 ? " suppress_prefixlength 0" : "");
	snprintf(buf, SNAPSHOT_TEXT, "%s%u: %sfrom %s%s%s%s%s%s %s", r->family == ADDR_IPV6 ? "-6 " : "",
		 r->priority, r->invert ? "not " : "", from, to, mark, oif, ports, users, what);
	return buf;
}

void snapshot_print(const struct snapshot *s, FILE *out)
{
	char buf[SNAPSHOT_TEXT];

	for (size_t i = 0; i < s->routes.count; i++)
		fprintf(out, "route %s\n", snapshot_print_route(&s->routes.item[i], s, buf));
	for (size_t i = 0; i < s->rules.count; i++)
		fprintf(out, "rule %s\n", snapshot_print_rule(&s->rules.item[i], buf));
}
