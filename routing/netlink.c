/* netlink: see netlink.h. */
#include "routing/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/sysctl.h"

#define TRIES		8	/* of a dump that was interrupted */
#define EVENT_ROUNDS	256

struct netlink {
	struct nl_sock *request, *event;
	char error[256];
	char words[200];	/* the kernel's own, of the last request; empty: it had none */
	bool changed;
};

/* What a dump in progress is filling. */
struct dump {
	struct snapshot *into;
	const struct route_marks *marks;
	int error;
};

static int sys_error(int nl_error)
{
	switch (nl_error < 0 ? -nl_error : nl_error) {
	case NLE_EXIST:		return -EEXIST;
	case NLE_OBJ_NOTFOUND:	return -ENOENT;
	case NLE_PERM:		return -EPERM;
	case NLE_NOMEM:		return -ENOMEM;
	case NLE_NODEV:		return -ENODEV;
	case NLE_DUMP_INTR:	return -EAGAIN;
	case NLE_INVAL:		return -EINVAL;
	case NLE_NOADDR:	return -EADDRNOTAVAIL;
	case NLE_AF_NOSUPPORT:	return -EAFNOSUPPORT;
	default:		return -EIO;
	}
}

static uint8_t family_of(int af)
{
	return af == AF_INET ? ADDR_IPV4 : af == AF_INET6 ? ADDR_IPV6 : ADDR_NONE;
}

static int af_of(uint8_t family)
{
	return family == ADDR_IPV6 ? AF_INET6 : AF_INET;
}

static struct addr addr_of(struct nlattr *a, uint8_t family)
{
	if (a == NULL)
		return (struct addr){ .family = ADDR_NONE };
	if (family == ADDR_IPV4 && nla_len(a) >= 4)
		return addr_from_ipv4(nla_data(a), 0);
	if (family == ADDR_IPV6 && nla_len(a) >= 16)
		return addr_from_ipv6(nla_data(a), 0);
	return (struct addr){ .family = ADDR_NONE };
}

/* RTA_VIA: a gateway of the other family, as IPv4 has it behind a router with IPv6 only (RFC 5549). */
static struct addr via_of(struct nlattr *a)
{
	const struct rtvia *via = a != NULL ? nla_data(a) : NULL;

	if (via == NULL || nla_len(a) < (int)sizeof(*via) + 16 || via->rtvia_family != AF_INET6)
		return (struct addr){ .family = ADDR_NONE };
	return addr_from_ipv6(via->rtvia_addr, 0);
}

static struct addr gateway_of(struct nlattr *const tb[RTA_MAX + 1], uint8_t family)
{
	return tb[RTA_VIA] != NULL ? via_of(tb[RTA_VIA]) : addr_of(tb[RTA_GATEWAY], family);
}

static uint32_t u32_or(struct nlattr *a, uint32_t otherwise)
{
	return a != NULL && nla_len(a) >= 4 ? nla_get_u32(a) : otherwise;
}

static void name_of(struct nlattr *a, char ret[SNAPSHOT_NAME])
{
	if (a != NULL)
		nla_strlcpy(ret, a, SNAPSHOT_NAME);
}

/* --- the sockets --------------------------------------------------------- */

static int open_socket(struct nl_sock **ret)
{
	int err;

	*ret = nl_socket_alloc();
	if (*ret == NULL)
		return -ENOMEM;
	err = nl_connect(*ret, NETLINK_ROUTE);
	if (err < 0)
		return sys_error(err);
	return fcntl(nl_socket_get_fd(*ret), F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

/* What the kernel says in words is behind the request that it gives back. */
static int on_refused(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)((const char *)e - NLMSG_HDRLEN);
	size_t back = h->nlmsg_flags & NLM_F_CAPPED ? 0 : e->msg.nlmsg_len - NLMSG_HDRLEN;
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(*e) + back);
	struct netlink *n = arg;
	struct nlattr *text = NULL;

	(void)from;
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && at < h->nlmsg_len)
		text = nla_find((const struct nlattr *)((const char *)h + at), (int)(h->nlmsg_len - at), NLMSGERR_ATTR_MSG);
	if (text != NULL)
		nla_strlcpy(n->words, text, sizeof(n->words));
	return NL_STOP;
}

static int open_request(struct netlink *n, struct nl_sock **ret)
{
	int yes = 1, err = open_socket(ret);

	if (err < 0)
		return err;
	setsockopt(nl_socket_get_fd(*ret), SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));	/* Linux 4.12 */
	nl_socket_modify_err_cb(*ret, NL_CB_CUSTOM, on_refused, n);
	return 0;
}

/*
 * libnl waits for the answer to a request also when it could not be sent, and takes
 * every later one for wrong: a new socket begins anew.
 */
static int could_not_send(struct netlink *n, int err)
{
	struct nl_sock *fresh = NULL;

	if (open_request(n, &fresh) == 0) {
		nl_socket_free(n->request);
		n->request = fresh;
	} else {
		nl_socket_free(fresh);
	}
	return err;
}

/* Takes m; waits for the kernel's answer. */
static int send_sync(struct netlink *n, struct nl_msg *m)
{
	int err = nl_send_auto(n->request, m);

	nlmsg_free(m);
	return err < 0 ? could_not_send(n, err) : nl_wait_for_ack(n->request);
}

/* --- what the kernel says ------------------------------------------------ */

static int setting(const char *family, const char *ifname, const char *what)
{
	char name[SYSCTL_NAME];

	snprintf(name, sizeof(name), "net/%s/conf/%s/%s", family, ifname, what);
	return sysctl_number("/proc/sys", name);
}

static int take_link(struct nlmsghdr *h, struct dump *d)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *i = nlmsg_data(h);
	struct kernel_link l = { .index = i->ifi_index, .flags = i->ifi_flags };

	if (nlmsg_parse(h, sizeof(*i), tb, IFLA_MAX, NULL) < 0 || i->ifi_family == AF_BRIDGE)
		return 0;
	name_of(tb[IFLA_IFNAME], l.name);
	l.mtu = u32_or(tb[IFLA_MTU], 0);
	l.master = (int)u32_or(tb[IFLA_MASTER], 0);
	if (tb[IFLA_OPERSTATE] != NULL)
		l.operstate = nla_get_u8(tb[IFLA_OPERSTATE]);
	l.carrier = tb[IFLA_CARRIER] != NULL && nla_get_u8(tb[IFLA_CARRIER]) != 0;
	if (tb[IFLA_LINKINFO] != NULL &&
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) >= 0)
		name_of(info[IFLA_INFO_KIND], l.kind);
	l.rp_filter = setting("ipv4", l.name, "rp_filter");
	l.accept_ra = setting("ipv6", l.name, "accept_ra");
	l.disable_ipv6 = setting("ipv6", l.name, "disable_ipv6");
	return link_list_add(&d->into->links, &l);
}

static int take_address(struct nlmsghdr *h, struct dump *d)
{
	struct nlattr *tb[IFA_MAX + 1];
	const struct ifaddrmsg *i = nlmsg_data(h);
	struct kernel_address a = { .index = (int)i->ifa_index, .scope = i->ifa_scope };
	uint8_t family = family_of(i->ifa_family);

	if (nlmsg_parse(h, sizeof(*i), tb, IFA_MAX, NULL) < 0 || family == ADDR_NONE)
		return 0;
	a.flags = u32_or(tb[IFA_FLAGS], i->ifa_flags);
	a.prefix.addr = addr_of(tb[IFA_LOCAL] != NULL ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], family);
	a.prefix.len = i->ifa_prefixlen;
	return address_list_add(&d->into->addresses, &a);
}

/* A full Internet table does not get in: see snapshot.h. */
static bool matters(const struct kernel_route *r, const struct route_marks *m)
{
	return r->protocol == m->protocol || marks_table_is_ours(m, r->table) ||
	       (r->dst.len == 0 && r->type == RTN_UNICAST);
}

/* What the user, DHCP or a container's engine has sent elsewhere than the default route. */
static bool is_network(const struct kernel_route *r, const struct route_marks *m)
{
	return r->table == RT_TABLE_MAIN && r->type == RTN_UNICAST && r->dst.len != 0 && r->protocol != m->protocol;
}

static int add_route(const struct kernel_route *r, struct dump *d)
{
	if (!is_network(r, d->marks))
		return route_list_add(&d->into->routes, r);
	if (d->into->networks.count < SNAPSHOT_NETWORKS)
		return route_list_add(&d->into->networks, r);
	d->into->networks_more++;
	return 0;
}

static int add_hops(struct kernel_route r, struct nlattr *multipath, struct dump *d)
{
	struct rtnexthop *hop = nla_data(multipath);
	int left = nla_len(multipath), err = 0;

	r.multipath = true;
	/* RTNH_OK looks at the length before it asks whether there is one */
	while (err == 0 && left >= (int)sizeof(*hop) && RTNH_OK(hop, left)) {
		struct nlattr *tb[RTA_MAX + 1];

		r.oif = hop->rtnh_ifindex;
		r.dead = hop->rtnh_flags & RTNH_F_DEAD;
		if (nla_parse(tb, RTA_MAX, (struct nlattr *)(void *)RTNH_DATA(hop),
			      hop->rtnh_len - (int)sizeof(*hop), NULL) >= 0)
			r.gateway = gateway_of(tb, r.family);
		err = add_route(&r, d);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return err;
}

static int take_route(struct nlmsghdr *h, struct dump *d)
{
	struct nlattr *tb[RTA_MAX + 1];
	const struct rtmsg *i = nlmsg_data(h);
	struct kernel_route r = { .type = i->rtm_type, .protocol = i->rtm_protocol, .scope = i->rtm_scope };

	r.family = family_of(i->rtm_family);
	if (nlmsg_parse(h, sizeof(*i), tb, RTA_MAX, NULL) < 0 || r.family == ADDR_NONE ||
	    (i->rtm_flags & RTM_F_CLONED))
		return 0;
	r.table = u32_or(tb[RTA_TABLE], i->rtm_table);
	r.dst.len = i->rtm_dst_len;
	r.dst.addr = addr_of(tb[RTA_DST], r.family);
	r.dst.addr.family = r.family;
	r.metric = u32_or(tb[RTA_PRIORITY], 0);
	r.oif = (int)u32_or(tb[RTA_OIF], 0);
	r.gateway = gateway_of(tb, r.family);
	r.source = addr_of(tb[RTA_PREFSRC], r.family);
	r.dead = i->rtm_flags & RTNH_F_DEAD;
	if (!matters(&r, d->marks) && !is_network(&r, d->marks))
		return 0;
	if (tb[RTA_MULTIPATH] != NULL)
		return add_hops(r, tb[RTA_MULTIPATH], d);
	return add_route(&r, d);
}

static struct kernel_ports ports_of(struct nlattr *a)
{
	const struct fib_rule_port_range *range = a != NULL ? nla_data(a) : NULL;

	return range != NULL ? (struct kernel_ports){ range->start, range->end } : (struct kernel_ports){ 0, 0 };
}

static int take_rule(struct nlmsghdr *h, struct dump *d)
{
	struct nlattr *tb[FRA_MAX + 1];
	const struct fib_rule_hdr *i = nlmsg_data(h);
	const struct fib_rule_uid_range *uids;
	struct kernel_rule r = { .action = i->action, .invert = i->flags & FIB_RULE_INVERT };

	r.family = family_of(i->family);
	if (nlmsg_parse(h, sizeof(*i), tb, FRA_MAX, NULL) < 0 || r.family == ADDR_NONE)
		return 0;
	if (tb[FRA_PROTOCOL] != NULL)
		r.protocol = nla_get_u8(tb[FRA_PROTOCOL]);
	if (tb[FRA_IP_PROTO] != NULL)
		r.ip_proto = nla_get_u8(tb[FRA_IP_PROTO]);
	r.priority = u32_or(tb[FRA_PRIORITY], 0);
	r.table = r.action == FR_ACT_TO_TBL ? u32_or(tb[FRA_TABLE], i->table) : 0;
	r.fwmark = u32_or(tb[FRA_FWMARK], 0);
	r.fwmask = r.fwmark != 0 ? u32_or(tb[FRA_FWMASK], 0xffffffff) : u32_or(tb[FRA_FWMASK], 0);
	r.suppress_prefixlen = (int32_t)u32_or(tb[FRA_SUPPRESS_PREFIXLEN], (uint32_t)-1);
	if (tb[FRA_SRC] != NULL)
		r.from = (struct prefix){ addr_of(tb[FRA_SRC], r.family), i->src_len };
	if (tb[FRA_DST] != NULL)
		r.to = (struct prefix){ addr_of(tb[FRA_DST], r.family), i->dst_len };
	r.sport = ports_of(tb[FRA_SPORT_RANGE]);
	r.dport = ports_of(tb[FRA_DPORT_RANGE]);
	name_of(tb[FRA_IIFNAME], r.iif);
	name_of(tb[FRA_OIFNAME], r.oif);
	r.has_uids = tb[FRA_UID_RANGE] != NULL && nla_len(tb[FRA_UID_RANGE]) >= (int)sizeof(*uids);
	if (r.has_uids) {
		uids = nla_data(tb[FRA_UID_RANGE]);
		r.uids = (struct uids){ uids->start, uids->end };
	}
	r.foreign = tb[FRA_GOTO] != NULL || tb[FRA_L3MDEV] != NULL;
	return rule_list_add(&d->into->rules, &r);
}

static int on_dumped(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct dump *d = arg;
	int err = 0;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:	err = take_link(h, d); break;
	case RTM_NEWADDR:	err = take_address(h, d); break;
	case RTM_NEWROUTE:	err = take_route(h, d); break;
	case RTM_NEWRULE:	err = take_rule(h, d); break;
	}
	if (err < 0)
		d->error = err;
	return NL_OK;
}

/* Each kind of object has its own header; a request that is strict needs the right one. */
static int dump(struct netlink *n, int type, int af, struct dump *d)
{
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
		struct fib_rule_hdr rule;
	} header = { .link = { .ifi_family = (unsigned char)af } };
	size_t size = type == RTM_GETLINK ? sizeof(header.link) : type == RTM_GETADDR ? sizeof(header.address) :
		      type == RTM_GETROUTE ? sizeof(header.route) : sizeof(header.rule);
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (cb == NULL)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_dumped, d);
	err = nl_send_simple(n->request, type, NLM_F_DUMP, &header, size);
	if (err < 0)
		err = could_not_send(n, err);
	else
		err = nl_recvmsgs(n->request, cb);
	nl_cb_put(cb);
	return err < 0 ? sys_error(err) : d->error;
}

static int dump_all(struct netlink *n, struct dump *d)
{
	static const struct {
		int type, af;
	} what[] = {
		{ RTM_GETLINK, AF_UNSPEC }, { RTM_GETADDR, AF_INET }, { RTM_GETADDR, AF_INET6 },
		{ RTM_GETROUTE, AF_INET }, { RTM_GETROUTE, AF_INET6 }, { RTM_GETRULE, AF_INET },
		{ RTM_GETRULE, AF_INET6 },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]) && err == 0; i++) {
		if (what[i].af == AF_INET6 && d->into->no_ipv6)
			continue;
		err = dump(n, what[i].type, what[i].af, d);
	}
	return err;
}

int netlink_snapshot(struct netlink *n, const struct route_marks *marks, struct snapshot *ret)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		struct dump d = { .into = ret, .marks = marks };

		snapshot_done(ret);
		ret->rp_filter_all = sysctl_number("/proc/sys", "net/ipv4/conf/all/rp_filter");
		ret->no_ipv6 = sysctl_number("/proc/sys", "net/ipv6/conf/all/forwarding") == SNAPSHOT_UNKNOWN;
		err = dump_all(n, &d);
	}
	if (err < 0)
		snapshot_done(ret);
	return err;
}

/* --- what we say ---------------------------------------------------------- */

static void put_addr(struct nl_msg *m, int attribute, const struct addr *a)
{
	if (a->family != ADDR_NONE)
		nla_put(m, attribute, (int)addr_size(a), a->ip);
}

/*
 * What waits in the device is dropped where it is full, 500 packets by default;
 * who sends a burst, or a TCP that hears of many ACKs, has more than that at once.
 * The worker takes it all and queues it fairly.  A packet may be 64 KiB large.
 */
#define TUN_QUEUE	1024

static struct nl_msg *link_message(const struct operation *o)
{
	struct ifinfomsg h = { .ifi_index = o->link.index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nl_msg *m = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_ACK);

	if (m == NULL)
		return NULL;
	nlmsg_append(m, &h, sizeof(h), NLMSG_ALIGNTO);
	if (o->link.mtu != 0)
		nla_put_u32(m, IFLA_MTU, o->link.mtu);
	nla_put_u32(m, IFLA_TXQLEN, TUN_QUEUE);
	return m;
}

/*
 * Nobody is on our device to be spoken to: a link-local address would only make
 * the kernel send solicitations into the tunnel, which wake radios for nothing.
 * To be said before it is up; in one message the kernel sets it up first.
 */
static struct nl_msg *no_link_local_message(int index)
{
	struct ifinfomsg h = { .ifi_index = index };
	struct nl_msg *m = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_ACK);
	struct nlattr *families, *family;

	if (m == NULL)
		return NULL;
	nlmsg_append(m, &h, sizeof(h), NLMSG_ALIGNTO);
	families = nla_nest_start(m, IFLA_AF_SPEC);
	family = nla_nest_start(m, AF_INET6);
	nla_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(m, family);
	nla_nest_end(m, families);
	return m;
}

static struct nl_msg *address_message(const struct kernel_address *a, bool add)
{
	struct ifaddrmsg h = {
		.ifa_family = (unsigned char)af_of(a->prefix.addr.family), .ifa_prefixlen = a->prefix.len,
		.ifa_index = (unsigned)a->index,
	};
	struct nl_msg *m = nlmsg_alloc_simple(add ? RTM_NEWADDR : RTM_DELADDR,
					      add ? NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE : NLM_F_ACK);

	if (m == NULL)
		return NULL;
	nlmsg_append(m, &h, sizeof(h), NLMSG_ALIGNTO);
	put_addr(m, IFA_LOCAL, &a->prefix.addr);
	put_addr(m, IFA_ADDRESS, &a->prefix.addr);
	if (add && a->prefix.addr.family == ADDR_IPV6)
		nla_put_u32(m, IFA_FLAGS, IFA_F_NODAD);
	return m;
}

static void put_gateway(struct nl_msg *m, const struct kernel_route *r)
{
	struct nlattr *a;
	struct rtvia *via;

	if (r->gateway.family == ADDR_NONE || r->gateway.family == r->family) {
		put_addr(m, RTA_GATEWAY, &r->gateway);
		return;
	}
	a = nla_reserve(m, RTA_VIA, (int)(sizeof(*via) + addr_size(&r->gateway)));
	if (a == NULL)
		return;
	via = nla_data(a);
	via->rtvia_family = (__kernel_sa_family_t)af_of(r->gateway.family);
	memcpy(via->rtvia_addr, r->gateway.ip, addr_size(&r->gateway));
}

static struct nl_msg *route_message(const struct kernel_route *r, enum operation_kind kind)
{
	bool del = kind == OPERATION_ROUTE_DELETE;
	struct rtmsg h = {
		.rtm_family = (unsigned char)af_of(r->family), .rtm_dst_len = r->dst.len,
		.rtm_table = r->table < 256 ? (unsigned char)r->table : RT_TABLE_UNSPEC,
		.rtm_protocol = r->protocol, .rtm_type = r->type,
		.rtm_scope = del ? RT_SCOPE_NOWHERE : r->gateway.family == ADDR_NONE && r->type == RTN_UNICAST &&
			     r->family == ADDR_IPV4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
	};
	int flags = del ? NLM_F_ACK : NLM_F_ACK | NLM_F_CREATE |
		    (kind == OPERATION_ROUTE_REPLACE ? NLM_F_REPLACE : NLM_F_EXCL);
	struct nl_msg *m = nlmsg_alloc_simple(del ? RTM_DELROUTE : RTM_NEWROUTE, flags);

	if (m == NULL)
		return NULL;
	if (r->gateway.family != ADDR_NONE)
		h.rtm_flags |= RTNH_F_ONLINK;
	nlmsg_append(m, &h, sizeof(h), NLMSG_ALIGNTO);
	nla_put_u32(m, RTA_TABLE, r->table);
	if (r->dst.len > 0)
		put_addr(m, RTA_DST, &r->dst.addr);
	if (r->metric != 0)
		nla_put_u32(m, RTA_PRIORITY, r->metric);
	if (r->oif != 0)
		nla_put_u32(m, RTA_OIF, (uint32_t)r->oif);
	put_gateway(m, r);
	return m;
}

static void put_ports(struct nl_msg *m, int attribute, const struct kernel_ports *p)
{
	const struct fib_rule_port_range range = { .start = p->low, .end = p->high };

	if (p->low != 0)
		nla_put(m, attribute, sizeof(range), &range);
}

static struct nl_msg *rule_message(const struct kernel_rule *r, bool add)
{
	struct fib_rule_hdr h = {
		.family = (__u8)af_of(r->family), .action = r->action, .src_len = r->from.len,
		.dst_len = r->to.len, .flags = r->invert ? FIB_RULE_INVERT : 0,
		.table = r->table < 256 ? (__u8)r->table : RT_TABLE_UNSPEC,
	};
	const struct fib_rule_uid_range uids = { .start = r->uids.low, .end = r->uids.high };
	struct nl_msg *m = nlmsg_alloc_simple(add ? RTM_NEWRULE : RTM_DELRULE,
					      add ? NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL : NLM_F_ACK);

	if (m == NULL)
		return NULL;
	nlmsg_append(m, &h, sizeof(h), NLMSG_ALIGNTO);
	nla_put_u32(m, FRA_PRIORITY, r->priority);
	nla_put_u8(m, FRA_PROTOCOL, r->protocol);
	if (r->table != 0)
		nla_put_u32(m, FRA_TABLE, r->table);
	put_addr(m, FRA_SRC, &r->from.addr);
	put_addr(m, FRA_DST, &r->to.addr);
	if (r->fwmask != 0) {
		nla_put_u32(m, FRA_FWMARK, r->fwmark);
		nla_put_u32(m, FRA_FWMASK, r->fwmask);
	}
	if (r->suppress_prefixlen >= 0)
		nla_put_u32(m, FRA_SUPPRESS_PREFIXLEN, (uint32_t)r->suppress_prefixlen);
	if (r->ip_proto != 0)
		nla_put_u8(m, FRA_IP_PROTO, r->ip_proto);
	put_ports(m, FRA_SPORT_RANGE, &r->sport);
	put_ports(m, FRA_DPORT_RANGE, &r->dport);
	if (r->has_uids)
		nla_put(m, FRA_UID_RANGE, sizeof(uids), &uids);
	if (r->iif[0] != '\0')
		nla_put_string(m, FRA_IIFNAME, r->iif);
	if (r->oif[0] != '\0')
		nla_put_string(m, FRA_OIFNAME, r->oif);
	return m;
}

static struct nl_msg *message_of(const struct operation *o)
{
	switch (o->kind) {
	case OPERATION_LINK_SET:	return link_message(o);
	case OPERATION_ADDRESS_ADD:	return address_message(&o->address, true);
	case OPERATION_ADDRESS_DELETE:	return address_message(&o->address, false);
	case OPERATION_ROUTE_ADD:
	case OPERATION_ROUTE_REPLACE:
	case OPERATION_ROUTE_DELETE:	return route_message(&o->route, o->kind);
	case OPERATION_RULE_ADD:	return rule_message(&o->rule, true);
	case OPERATION_RULE_DELETE:	return rule_message(&o->rule, false);
	}
	return NULL;
}

/* A kernel that does not know it has the address, and does no harm. */
static void leave_out_link_local(struct netlink *n, int index)
{
	struct nl_msg *m = no_link_local_message(index);

	if (m != NULL)
		send_sync(n, m);
}

int netlink_apply(struct netlink *n, const struct operation *o)
{
	struct nl_msg *m = message_of(o);
	int err;

	if (m == NULL)
		return -ENOMEM;
	if (o->kind == OPERATION_LINK_SET && !o->link.no_ipv6)
		leave_out_link_local(n, o->link.index);
	n->words[0] = '\0';
	err = send_sync(n, m);
	if (err >= 0)
		return 0;
	snprintf(n->error, sizeof(n->error), "%s", n->words[0] != '\0' ? n->words : nl_geterror(err));
	return sys_error(err);
}

const char *netlink_error(const struct netlink *n)
{
	return n->error;
}

/* --- life and events ------------------------------------------------------ */

static int on_event(struct nl_msg *msg, void *arg)
{
	struct netlink *n = arg;

	(void)msg;
	n->changed = true;
	return NL_OK;
}

int netlink_new(struct netlink **ret)
{
	struct netlink *n = calloc(1, sizeof(*n));
	int err = n != NULL ? open_request(n, &n->request) : -ENOMEM;

	if (err == 0)
		err = open_socket(&n->event);
	if (err == 0) {
		nl_socket_disable_seq_check(n->event);
		nl_socket_modify_cb(n->event, NL_CB_VALID, NL_CB_CUSTOM, on_event, n);
		nl_socket_set_nonblocking(n->event);
		if (nl_socket_add_memberships(n->event, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
					      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,
					      RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, 0) < 0)
			err = -EIO;
	}
	if (err < 0)
		netlink_free(n);
	else
		*ret = n;
	return err;
}

void netlink_free(struct netlink *n)
{
	if (n == NULL)
		return;
	nl_socket_free(n->request);
	nl_socket_free(n->event);
	free(n);
}

int netlink_event_fd(const struct netlink *n)
{
	return nl_socket_get_fd(n->event);
}

enum netlink_event netlink_read_events(struct netlink *n)
{
	n->changed = false;
	for (int i = 0; i < EVENT_ROUNDS; i++) {
		int err = nl_recvmsgs_default(n->event);

		if (err == -NLE_AGAIN)
			break;
		if (err < 0)
			return NETLINK_OVERRUN;	/* ENOBUFS: what was lost may be anything */
	}
	return n->changed ? NETLINK_CHANGED : NETLINK_NOTHING;
}
