/* connections: see connections.h. */
#include "nft/connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <libmnl/libmnl.h>

struct question {
	const struct prefix *inner;
	size_t count;
};

static const struct nlattr *find(const void *payload, size_t len, uint16_t type)
{
	const struct nlattr *a = payload;

	for (; mnl_attr_ok(a, (int)((const char *)payload + len - (const char *)a)); a = mnl_attr_next(a))
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

static const struct nlattr *inside(const struct nlattr *outer, uint16_t type)
{
	if (outer == NULL)
		return NULL;
	return find(mnl_attr_get_payload(outer), mnl_attr_get_payload_len(outer), type);
}

/* Who sends in that direction; ADDR_NONE: not said. */
static struct addr source_of(const struct nlattr *tuple)
{
	const struct nlattr *ip = inside(tuple, CTA_TUPLE_IP);
	const struct nlattr *v4 = inside(ip, CTA_IP_V4_SRC), *v6 = inside(ip, CTA_IP_V6_SRC);

	if (v4 != NULL && mnl_attr_get_payload_len(v4) == 4)
		return addr_from_ipv4(mnl_attr_get_payload(v4), 0);
	if (v6 != NULL && mnl_attr_get_payload_len(v6) == 16)
		return addr_from_ipv6(mnl_attr_get_payload(v6), 0);
	return (struct addr){ 0 };
}

static bool is_inner(const struct question *q, const struct addr *a)
{
	for (size_t i = 0; i < q->count; i++)
		if (a->family == q->inner[i].addr.family && prefix_holds(&q->inner[i], a))
			return true;
	return false;
}

static bool is_established(const struct nlattr *protoinfo)
{
	const struct nlattr *state = inside(inside(protoinfo, CTA_PROTOINFO_TCP), CTA_PROTOINFO_TCP_STATE);

	return state != NULL && mnl_attr_get_u8(state) == TCP_CONNTRACK_ESTABLISHED;
}

static int take(const struct nlmsghdr *n, void *data)
{
	const struct question *q = data;
	const void *at = mnl_nlmsg_get_payload_offset(n, sizeof(struct nfgenmsg));
	size_t len = mnl_nlmsg_get_payload_len(n) - sizeof(struct nfgenmsg);
	struct addr from = source_of(find(at, len, CTA_TUPLE_ORIG)), to = source_of(find(at, len, CTA_TUPLE_REPLY));

	if (!is_established(find(at, len, CTA_PROTOINFO)) || !(is_inner(q, &from) || is_inner(q, &to)))
		return MNL_CB_OK;
	errno = EEXIST;		/* enough */
	return MNL_CB_ERROR;
}

static int ask(struct mnl_socket *s)
{
	char buf[64] __attribute__((aligned(8))) = "";
	struct nlmsghdr *n = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *f;

	n->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	n->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	n->nlmsg_seq = 1;
	f = mnl_nlmsg_put_extra_header(n, sizeof(*f));
	f->nfgen_family = AF_UNSPEC;
	f->version = NFNETLINK_V0;
	return mnl_socket_sendto(s, n, n->nlmsg_len) < 0 ? -errno : 0;
}

static int read_answer(struct mnl_socket *s, struct question *q)
{
	char buf[32768] __attribute__((aligned(8)));
	ssize_t got;
	int more;

	while ((got = mnl_socket_recvfrom(s, buf, sizeof(buf))) > 0) {
		more = mnl_cb_run(buf, (size_t)got, 1, mnl_socket_get_portid(s), take, q);
		if (more < 0)
			return errno == EEXIST ? 1 : -errno;
		if (more == MNL_CB_STOP)
			return 0;
	}
	return got < 0 ? -errno : 0;
}

int connections_established(const struct prefix *inner, size_t count)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct question q = { inner, count };
	int result;

	if (s == NULL)
		return -errno;
	result = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : ask(s);
	if (result == 0)
		result = read_answer(s, &q);
	mnl_socket_close(s);
	return result;
}
