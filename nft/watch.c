/* watch: see watch.h. */
#include "nft/watch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libmnl/libmnl.h>
#include <libnftnl/table.h>

#include "nft/commit.h"
#include "nft/ruleset.h"

#define DESTROY_TABLE	26	/* NFT_MSG_DESTROYTABLE, which older headers lack: `nft destroy table` */
#define BUFFER		(1024 * 1024)	/* bytes: what others load at once, and we, is told at once */
#define ROUNDS		256	/* messages of one call: the rest keeps the socket readable */

struct watch {
	struct mnl_socket *socket;
	uint32_t ours;		/* port of the socket that changes our tables */
	char table[2][RULESET_NAME];
};

int watch_new(const char *ifname, const struct commit *ours, struct watch **ret)
{
	struct watch *w = calloc(1, sizeof(*w));
	int group = NFNLGRP_NFTABLES, size = BUFFER, err;

	if (w == NULL)
		return -ENOMEM;
	w->ours = commit_port(ours);
	ruleset_table_name(ifname, w->table[0]);
	ruleset_closed_name(ifname, w->table[1]);
	w->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (w->socket != NULL)
		setsockopt(watch_fd(w), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (w->socket == NULL || mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(w->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		err = -errno;
		watch_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	if (w->socket != NULL)
		mnl_socket_close(w->socket);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return mnl_socket_get_fd(w->socket);
}

static bool is_watched(const struct watch *w, const struct nftnl_table *t)
{
	const char *name = nftnl_table_get_str(t, NFTNL_TABLE_NAME);

	return name != NULL && nftnl_table_get_u32(t, NFTNL_TABLE_FAMILY) == NFPROTO_INET &&
	       (strcmp(name, w->table[0]) == 0 || strcmp(name, w->table[1]) == 0);
}

static bool is_removal(const struct watch *w, const struct nlmsghdr *n)
{
	struct nftnl_table *t;
	bool removal;

	if ((n->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_DELTABLE) &&
	     n->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | DESTROY_TABLE)) || n->nlmsg_pid == w->ours)
		return false;
	t = nftnl_table_alloc();
	removal = t == NULL || nftnl_table_nlmsg_parse(n, t) < 0 || is_watched(w, t);
	nftnl_table_free(t);
	return removal;
}

bool watch_read(struct watch *w)
{
	char buf[16384] __attribute__((aligned(8)));
	bool look = false;

	for (int round = 0; round < ROUNDS; round++) {
		ssize_t got = recv(watch_fd(w), buf, sizeof(buf), MSG_DONTWAIT);
		const struct nlmsghdr *n = (const struct nlmsghdr *)buf;
		int left = (int)got;

		if (got < 0 && errno == ENOBUFS)
			look = true;
		else if (got <= 0)
			break;
		for (; got > 0 && mnl_nlmsg_ok(n, left); n = mnl_nlmsg_next(n, &left))
			look = is_removal(w, n) || look;
	}
	return look;
}
