/* trace: see trace.h. */
#include "nft/trace.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libmnl/libmnl.h>
#include <libnftnl/trace.h>

#include "base/text.h"

#define PACKETS	16	/* that are remembered by their number: at most a few are under way */

struct trace {
	struct mnl_socket *socket;
	char table[TRACE_NAME];
	struct picked {
		uint32_t id;
		char kind[TRACE_NAME];
	} picked[PACKETS];
	size_t next;
	char buf[16384] __attribute__((aligned(8)));
	const struct nlmsghdr *at;	/* in buf; NULL: all is read */
	int left;
};

int trace_new(const char *table, struct trace **ret)
{
	struct trace *t = calloc(1, sizeof(*t));
	int group = NFNLGRP_NFTRACE, err;

	if (t == NULL)
		return -ENOMEM;
	text_copy(t->table, sizeof(t->table), table);
	t->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (t->socket == NULL || mnl_socket_bind(t->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(t->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		err = -errno;
		trace_free(t);
		return err;
	}
	*ret = t;
	return 0;
}

void trace_free(struct trace *t)
{
	if (t == NULL)
		return;
	if (t->socket != NULL)
		mnl_socket_close(t->socket);
	free(t);
}

int trace_fd(const struct trace *t)
{
	return mnl_socket_get_fd(t->socket);
}

static struct picked *find(struct trace *t, uint32_t id)
{
	for (size_t i = 0; i < PACKETS; i++)
		if (t->picked[i].id == id && t->picked[i].kind[0] != '\0')
			return &t->picked[i];
	return NULL;
}

static void remember(struct trace *t, uint32_t id, const char *kind)
{
	struct picked *p = find(t, id);

	if (p == NULL)
		p = &t->picked[t->next++ % PACKETS];
	p->id = id;
	text_copy(p->kind, sizeof(p->kind), kind);
}

static bool is_drop(const struct nftnl_trace *e, bool *ret_policy)
{
	uint32_t type = nftnl_trace_get_u32(e, NFTNL_TRACE_TYPE);

	*ret_policy = type == NFT_TRACETYPE_POLICY;
	if (type == NFT_TRACETYPE_POLICY)
		return nftnl_trace_get_u32(e, NFTNL_TRACE_POLICY) == NF_DROP;
	return type == NFT_TRACETYPE_RULE && nftnl_trace_is_set(e, NFTNL_TRACE_VERDICT) &&
	       nftnl_trace_get_u32(e, NFTNL_TRACE_VERDICT) == NF_DROP;
}

static const char *family_name(uint32_t family)
{
	switch (family) {
	case NFPROTO_INET:	return "inet";
	case NFPROTO_IPV4:	return "ip";
	case NFPROTO_IPV6:	return "ip6";
	case NFPROTO_BRIDGE:	return "bridge";
	case NFPROTO_NETDEV:	return "netdev";
	}
	return "?";
}

/* A drop by a table of ours is meant. */
static bool is_ours(const char *table)
{
	return strncmp(table, "ttt-", 4) == 0;
}

/* A rule has picked it; that it has come to another chain is told, too, but without a rule. */
static bool take(struct trace *t, const struct nftnl_trace *e, struct trace_drop *ret)
{
	const char *table = nftnl_trace_get_str(e, NFTNL_TRACE_TABLE);
	const char *chain = nftnl_trace_get_str(e, NFTNL_TRACE_CHAIN);
	uint32_t id = nftnl_trace_get_u32(e, NFTNL_TRACE_ID);
	struct picked *p;
	bool policy;

	if (table == NULL || chain == NULL)
		return false;
	if (strcmp(table, t->table) == 0 && nftnl_trace_is_set(e, NFTNL_TRACE_RULE_HANDLE))
		remember(t, id, chain);
	p = find(t, id);
	if (p == NULL || is_ours(table) || !is_drop(e, &policy))
		return false;
	*ret = (struct trace_drop){ .policy = policy };
	text_copy(ret->kind, sizeof(ret->kind), p->kind);
	text_copy(ret->family, sizeof(ret->family), family_name(nftnl_trace_get_u32(e, NFTNL_TRACE_FAMILY)));
	text_copy(ret->table, sizeof(ret->table), table);
	text_copy(ret->chain, sizeof(ret->chain), chain);
	return true;
}

static bool read_message(struct trace *t, const struct nlmsghdr *n, struct trace_drop *ret)
{
	struct nftnl_trace *e;
	bool dropped = false;

	if (n->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_TRACE))
		return false;
	e = nftnl_trace_alloc();
	if (e != NULL && nftnl_trace_nlmsg_parse(n, e) == 0)
		dropped = take(t, e, ret);
	nftnl_trace_free(e);
	return dropped;
}

/* What was lost because it was not read in time is no matter: the next packet tells the same. */
static bool refill(struct trace *t)
{
	ssize_t got;

	do
		got = recv(trace_fd(t), t->buf, sizeof(t->buf), MSG_DONTWAIT);
	while (got < 0 && (errno == ENOBUFS || errno == EINTR));
	if (got <= 0)
		return false;
	t->at = (const struct nlmsghdr *)t->buf;
	t->left = (int)got;
	return true;
}

bool trace_next(struct trace *t, struct trace_drop *ret)
{
	while (t->at != NULL || refill(t)) {
		while (mnl_nlmsg_ok(t->at, t->left)) {
			const struct nlmsghdr *n = t->at;

			t->at = mnl_nlmsg_next(n, &t->left);
			if (read_message(t, n, ret))
				return true;
		}
		t->at = NULL;
	}
	return false;
}
