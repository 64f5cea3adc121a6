/*
 * encode: see encode.h.  The only file, with commit.c, that knows libnftnl and
 * libmnl.  Each match becomes the very expressions that nft(8) makes of its
 * text, so that nft lists our rules as we print them.
 */
#include "nft/encode.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>

#define OWNER		0x2	/* NFT_TABLE_F_OWNER, which older headers lack */
#define PERSIST		0x4	/* NFT_TABLE_F_PERSIST, likewise */
#define MESSAGE_MAX	2048	/* bytes of one message; a rule of ours takes at most 1000 */

#define CT_NEW		(1 << 3)	/* NF_CT_STATE_BIT(IP_CT_NEW), linux/netfilter/nf_conntrack_common.h */
#define CT_DIR_ORIGINAL	0		/* IP_CT_DIR_ORIGINAL */
#define CT_DIR_REPLY	1		/* IP_CT_DIR_REPLY */
#define NAT_SPECIFIED	0x2		/* NF_NAT_RANGE_PROTO_SPECIFIED, linux/netfilter/nf_nat.h */
#define CT_SRC_IP	19		/* NFT_CT_SRC_IP, NFT_CT_SRC_IP6: older headers lack them */
#define CT_SRC_IP6	21
#define TCP_FLAGS_AT	13
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCPOPT_MAXSEG	2

/* --- expressions ------------------------------------------------------------- */

/* A rule that is being put together; once memory is short, nothing more is added. */
struct sentence {
	struct nftnl_rule *rule;
	uint8_t family, protocol;	/* that an earlier match asked for; 0: none */
	bool broken;
};

static struct nftnl_expr *add(struct sentence *s, const char *what)
{
	struct nftnl_expr *e = s->broken ? NULL : nftnl_expr_alloc(what);

	if (e == NULL)
		s->broken = true;
	else
		nftnl_rule_add_expr(s->rule, e);
	return e;
}

static void set(struct nftnl_expr *e, uint16_t attribute, uint32_t value)
{
	if (e != NULL)
		nftnl_expr_set_u32(e, attribute, value);
}

static void load_meta(struct sentence *s, uint32_t key)
{
	struct nftnl_expr *e = add(s, "meta");

	set(e, NFTNL_EXPR_META_KEY, key);
	set(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_ct(struct sentence *s, uint32_t key)
{
	struct nftnl_expr *e = add(s, "ct");

	set(e, NFTNL_EXPR_CT_KEY, key);
	set(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

static void load_payload(struct sentence *s, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = add(s, "payload");

	set(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	set(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	set(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	set(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void mask(struct sentence *s, const void *bits, uint32_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = add(s, "bitwise");

	set(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	set(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	set(e, NFTNL_EXPR_BITWISE_LEN, len);
	if (e != NULL) {
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, bits, len);
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, len);
	}
}

static void compare_by(struct sentence *s, uint32_t op, const void *with, uint32_t len)
{
	struct nftnl_expr *e = add(s, "cmp");

	set(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	set(e, NFTNL_EXPR_CMP_OP, op);
	if (e != NULL)
		nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, with, len);
}

static void compare(struct sentence *s, bool not, const void *with, uint32_t len)
{
	compare_by(s, not ? NFT_CMP_NEQ : NFT_CMP_EQ, with, len);
}

static void immediate(struct sentence *s, uint32_t value)
{
	struct nftnl_expr *e = add(s, "immediate");

	set(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	if (e != NULL)
		nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &value, sizeof(value));
}

static void verdict(struct sentence *s, uint32_t what)
{
	struct nftnl_expr *e = add(s, "immediate");

	set(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	set(e, NFTNL_EXPR_IMM_VERDICT, what);
}

/* --- matches ------------------------------------------------------------------ */

static void match_name(struct sentence *s, const struct ruleset_match *m, uint32_t key)
{
	char name[RULESET_IFNAME] = "";	/* the kernel compares all 16 bytes */

	memcpy(name, m->name, strnlen(m->name, sizeof(name) - 1));
	load_meta(s, key);
	compare(s, m->not, name, sizeof(name));
}

/* In family inet a rule sees both IPv4 and IPv6: an address needs its own first. */
static void need_family(struct sentence *s, uint8_t family)
{
	if (s->family == family)
		return;
	s->family = family;
	load_meta(s, NFT_META_NFPROTO);
	compare(s, false, &family, sizeof(family));
}

static void need_protocol(struct sentence *s, uint8_t protocol)
{
	if (s->protocol == protocol)
		return;
	s->protocol = protocol;
	load_meta(s, NFT_META_L4PROTO);
	compare(s, false, &protocol, sizeof(protocol));
}

static void match_prefix(struct sentence *s, const struct ruleset_match *m, bool source)
{
	const struct prefix *p = &m->prefix;
	bool v6 = p->addr.family == ADDR_IPV6;
	uint32_t size = (uint32_t)addr_size(&p->addr), offset = v6 ? (source ? 8 : 24) : (source ? 12 : 16);
	uint8_t bits[16] = { 0 };

	need_family(s, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	for (unsigned i = 0; i < p->len; i++)
		bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
	if (p->len % 8 == 0 && p->len > 0) {
		/* whole bytes: as nft does, only these are loaded */
		load_payload(s, NFT_PAYLOAD_NETWORK_HEADER, offset, p->len / 8u);
		compare(s, m->not, p->addr.ip, p->len / 8u);
		return;
	}
	load_payload(s, NFT_PAYLOAD_NETWORK_HEADER, offset, size);
	mask(s, bits, size);
	compare(s, m->not, p->addr.ip, size);
}

/* The source of a connection's first packet, or of what answers it. */
static void match_ends(struct sentence *s, const struct ruleset_match *m, uint8_t direction)
{
	const struct prefix *p = &m->prefix;
	uint32_t size = (uint32_t)addr_size(&p->addr);
	struct nftnl_expr *e = add(s, "ct");
	uint8_t bits[16] = { 0 };

	set(e, NFTNL_EXPR_CT_KEY, p->addr.family == ADDR_IPV6 ? CT_SRC_IP6 : CT_SRC_IP);
	set(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	if (e != NULL)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, direction);
	for (unsigned i = 0; i < p->len; i++)
		bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
	mask(s, bits, size);
	compare(s, m->not, p->addr.ip, size);
}

static void match_local(struct sentence *s)
{
	const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *e = add(s, "fib");

	set(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	set(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	set(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	compare(s, false, &local, sizeof(local));
}

static void match_service(struct sentence *s, const struct ruleset_match *m)
{
	uint16_t port = htons(m->service.port);

	need_protocol(s, m->service.protocol);
	load_payload(s, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port));
	compare(s, m->not, &port, sizeof(port));
}

static void match_port(struct sentence *s, const struct ruleset_match *m, uint32_t offset)
{
	uint16_t port = htons((uint16_t)m->value);

	need_protocol(s, IPPROTO_UDP);
	load_payload(s, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof(port));
	compare(s, m->not, &port, sizeof(port));
}

static void match_icmpv6(struct sentence *s, const struct ruleset_match *m)
{
	const uint8_t type = (uint8_t)m->value;

	need_protocol(s, IPPROTO_ICMPV6);
	load_payload(s, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(type));
	compare(s, m->not, &type, sizeof(type));
}

static void match_low_mark(struct sentence *s, const struct ruleset_match *m)
{
	const uint32_t low = 0xffff;

	load_meta(s, NFT_META_MARK);
	mask(s, &low, sizeof(low));
	compare(s, m->not, &m->value, sizeof(m->value));
}

static void match_syn(struct sentence *s)
{
	const uint8_t both = TCP_SYN | TCP_RST, syn = TCP_SYN;

	need_protocol(s, IPPROTO_TCP);
	load_payload(s, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_AT, 1);
	mask(s, &both, 1);
	compare(s, false, &syn, 1);
}

static void match_new(struct sentence *s)
{
	const uint32_t new = CT_NEW, none = 0;

	load_ct(s, NFT_CT_STATE);
	mask(s, &new, sizeof(new));
	compare(s, true, &none, sizeof(none));
}

/* A range is compared in the network's order, where greater numbers are greater bytes. */
static void match_uids(struct sentence *s, const struct ruleset_match *m)
{
	const uint32_t low = htonl(m->uids.low), high = htonl(m->uids.high);
	struct nftnl_expr *e;

	load_meta(s, NFT_META_SKUID);
	if (m->uids.low == m->uids.high) {
		compare(s, m->not, &m->uids.low, sizeof(m->uids.low));
		return;
	}
	e = add(s, "byteorder");
	set(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	set(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	set(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	set(e, NFTNL_EXPR_BYTEORDER_LEN, 4);
	set(e, NFTNL_EXPR_BYTEORDER_SIZE, 4);
	compare_by(s, NFT_CMP_GTE, &low, sizeof(low));
	compare_by(s, NFT_CMP_LTE, &high, sizeof(high));
}

static void match_second(struct sentence *s, const struct ruleset_match *m)
{
	struct nftnl_expr *e = add(s, "limit");

	if (e == NULL)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, m->value);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, m->value);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
}

static void match_cgroup(struct sentence *s, const struct ruleset_match *m)
{
	struct nftnl_expr *e = add(s, "socket");

	set(e, NFTNL_EXPR_SOCKET_KEY, NFT_SOCKET_CGROUPV2);
	set(e, NFTNL_EXPR_SOCKET_LEVEL, m->cgroup.level);
	set(e, NFTNL_EXPR_SOCKET_DREG, NFT_REG_1);
	compare(s, m->not, &m->cgroup.id, sizeof(m->cgroup.id));
}

static void match_reply(struct sentence *s)
{
	const uint8_t reply = CT_DIR_REPLY;

	load_ct(s, NFT_CT_DIRECTION);
	compare(s, false, &reply, sizeof(reply));
}

static void say_match(struct sentence *s, const struct ruleset_match *m)
{
	switch ((enum ruleset_match_type)m->type) {
	case RULESET_MATCH_IIFNAME:
		match_name(s, m, NFT_META_IIFNAME);
		break;
	case RULESET_MATCH_OIFNAME:
		match_name(s, m, NFT_META_OIFNAME);
		break;
	case RULESET_MATCH_OIFKIND:
		match_name(s, m, NFT_META_OIFKIND);
		break;
	case RULESET_MATCH_SADDR:
		match_prefix(s, m, true);
		break;
	case RULESET_MATCH_DADDR:
		match_prefix(s, m, false);
		break;
	case RULESET_MATCH_UDP_SPORT:
		match_port(s, m, 0);
		break;
	case RULESET_MATCH_UDP_DPORT:
		match_port(s, m, 2);
		break;
	case RULESET_MATCH_ICMPV6:
		match_icmpv6(s, m);
		break;
	case RULESET_MATCH_TCP_SYN:
		match_syn(s);
		break;
	case RULESET_MATCH_MARK:
		load_meta(s, NFT_META_MARK);
		compare(s, m->not, &m->value, sizeof(m->value));
		break;
	case RULESET_MATCH_MARK_LOW:
		match_low_mark(s, m);
		break;
	case RULESET_MATCH_CT_MARK:
		load_ct(s, NFT_CT_MARK);
		compare(s, m->not, &m->value, sizeof(m->value));
		break;
	case RULESET_MATCH_FAMILY:
		need_family(s, m->value == ADDR_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
		break;
	case RULESET_MATCH_PROTOCOL:
		need_protocol(s, (uint8_t)m->value);
		break;
	case RULESET_MATCH_UIDS:
		match_uids(s, m);
		break;
	case RULESET_MATCH_CGROUP:
		match_cgroup(s, m);
		break;
	case RULESET_MATCH_SECOND:
		match_second(s, m);
		break;
	case RULESET_MATCH_CT_NEW:
		match_new(s);
		break;
	case RULESET_MATCH_CT_REPLY:
		match_reply(s);
		break;
	case RULESET_MATCH_CT_FROM:
		match_ends(s, m, CT_DIR_ORIGINAL);
		break;
	case RULESET_MATCH_CT_TO:
		match_ends(s, m, CT_DIR_REPLY);
		break;
	case RULESET_MATCH_LOCAL:
		match_local(s);
		break;
	case RULESET_MATCH_SERVICE:
		match_service(s, m);
		break;
	}
}

/* --- actions ------------------------------------------------------------------ */

/* The route's MTU less the headers, into the MSS option: the kernel only lowers it. */
static void fit_segment(struct sentence *s)
{
	struct nftnl_expr *e = add(s, "rt");

	set(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	set(e, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	e = add(s, "byteorder");
	set(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	set(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	set(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	set(e, NFTNL_EXPR_BYTEORDER_LEN, 2);
	set(e, NFTNL_EXPR_BYTEORDER_SIZE, 2);
	e = add(s, "exthdr");
	set(e, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
	if (e != NULL)
		nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	set(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	set(e, NFTNL_EXPR_EXTHDR_LEN, 2);
	set(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
}

static void set_mark(struct sentence *s, uint32_t value)
{
	struct nftnl_expr *e;

	immediate(s, value);
	e = add(s, "meta");
	set(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	set(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static void set_trace(struct sentence *s)
{
	struct nftnl_expr *e = add(s, "immediate");
	const uint8_t yes = 1;

	set(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	if (e != NULL)
		nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &yes, sizeof(yes));
	e = add(s, "meta");
	set(e, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
	set(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static void set_ct_mark(struct sentence *s, uint32_t value)
{
	struct nftnl_expr *e;

	immediate(s, value);
	e = add(s, "ct");
	set(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
	set(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
}

static void translate(struct sentence *s, const struct addr *to)
{
	uint16_t port = htons(to->port);
	struct nftnl_expr *e = add(s, "immediate");

	set(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	if (e != NULL)
		nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, to->ip, (uint32_t)addr_size(to));
	e = add(s, "immediate");
	set(e, NFTNL_EXPR_IMM_DREG, NFT_REG_2);
	if (e != NULL)
		nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &port, sizeof(port));
	e = add(s, "nat");
	set(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	set(e, NFTNL_EXPR_NAT_FAMILY, to->family == ADDR_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	set(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	set(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
	set(e, NFTNL_EXPR_NAT_FLAGS, NAT_SPECIFIED);
}

static void reject(struct sentence *s, uint32_t type, uint8_t code)
{
	struct nftnl_expr *e = add(s, "reject");

	set(e, NFTNL_EXPR_REJECT_TYPE, type);
	if (e != NULL)
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, code);
}

static void say_action(struct sentence *s, const struct ruleset_rule *r)
{
	switch ((enum ruleset_action)r->action) {
	case RULESET_ACCEPT:
		verdict(s, NF_ACCEPT);
		break;
	case RULESET_DROP:
		verdict(s, NF_DROP);
		break;
	case RULESET_MASQUERADE:
		add(s, "masq");
		break;
	case RULESET_MSS_TO_ROUTE:
		fit_segment(s);
		break;
	case RULESET_SET_MARK:
		set_mark(s, r->value);
		break;
	case RULESET_SET_CT_MARK:
		set_ct_mark(s, r->value);
		break;
	case RULESET_TRACE:
		set_trace(s);
		break;
	case RULESET_DNAT:
		translate(s, &r->to);
		break;
	case RULESET_REFUSE:
		reject(s, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
		break;
	case RULESET_RESET:
		reject(s, NFT_REJECT_TCP_RST, 0);
		break;
	}
}

/* --- messages ----------------------------------------------------------------- */

struct writer {
	uint8_t *data;
	size_t len, size;
	uint32_t seq;
	int err;
};

static char *room(struct writer *w)
{
	if (w->err == 0 && w->len + MESSAGE_MAX > w->size) {
		size_t size = 2 * w->size + 8 * MESSAGE_MAX;
		uint8_t *more = realloc(w->data, size);

		if (more == NULL) {
			w->err = -ENOMEM;
		} else {
			w->data = more;
			w->size = size;
		}
	}
	return w->err == 0 ? (char *)w->data + w->len : NULL;
}

static void wrote(struct writer *w, const struct nlmsghdr *n)
{
	w->len += NLMSG_ALIGN(n->nlmsg_len);
	w->seq++;
}

static void put_edge(struct writer *w, bool begin)
{
	char *at = room(w);

	if (at == NULL)
		return;
	if (begin)
		nftnl_batch_begin(at, w->seq);
	else
		nftnl_batch_end(at, w->seq);
	wrote(w, (struct nlmsghdr *)at);
}

static struct nlmsghdr *put_header(struct writer *w, uint16_t type, uint16_t flags)
{
	char *at = room(w);

	return at != NULL ? nftnl_nlmsg_build_hdr(at, type, NFPROTO_INET, flags, w->seq) : NULL;
}

static void put_table(struct writer *w, uint16_t type, uint16_t flags, const char *name, uint32_t table_flags)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *n = put_header(w, type, flags);

	if (t == NULL)
		w->err = -ENOMEM;
	if (t != NULL && n != NULL) {
		nftnl_table_set_str(t, NFTNL_TABLE_NAME, name);
		if (table_flags != 0)
			nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, table_flags);
		nftnl_table_nlmsg_build_payload(n, t);
		wrote(w, n);
	}
	nftnl_table_free(t);
}

static void put_chain(struct writer *w, const char *table, const struct ruleset_chain *from, uint16_t ack)
{
	static const char *const types[] = { "filter", "nat", "route" };
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *n = put_header(w, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL | ack);

	if (c == NULL)
		w->err = -ENOMEM;
	if (c != NULL && n != NULL) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
		nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, from->name);
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, types[from->type]);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, from->hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, from->priority);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, from->policy_drop ? NF_DROP : NF_ACCEPT);
		nftnl_chain_nlmsg_build_payload(n, c);
		wrote(w, n);
	}
	nftnl_chain_free(c);
}

static void put_rule(struct writer *w, const struct ruleset *r, const struct ruleset_rule *from, uint16_t ack)
{
	struct sentence s = { .rule = nftnl_rule_alloc() };
	struct nlmsghdr *n = put_header(w, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | ack);

	s.broken = s.rule == NULL;
	for (size_t i = 0; i < from->match_count; i++)
		say_match(&s, &from->match[i]);
	say_action(&s, from);
	if (s.broken)
		w->err = -ENOMEM;
	if (w->err == 0 && n != NULL) {
		nftnl_rule_set_str(s.rule, NFTNL_RULE_TABLE, r->table);
		nftnl_rule_set_str(s.rule, NFTNL_RULE_CHAIN, r->chain[from->chain].name);
		nftnl_rule_set_u32(s.rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
		nftnl_rule_nlmsg_build_payload(n, s.rule);
		wrote(w, n);
	}
	nftnl_rule_free(s.rule);
}

static int hand_out(struct writer *w, uint32_t first, uint32_t last, struct encode_batch *ret)
{
	if (w->err != 0) {
		free(w->data);
		return w->err;
	}
	*ret = (struct encode_batch){ .data = w->data, .len = w->len, .seq = first, .last = last };
	return 0;
}

static bool makes_sense(const struct ruleset *r)
{
	if (r->table[0] == '\0' || r->chain_count > RULESET_CHAINS)
		return false;
	for (size_t i = 0; i < r->rule_count; i++)
		if (r->rule[i].chain >= r->chain_count || r->rule[i].match_count > RULESET_MATCHES)
			return false;
	return true;
}

/* One that is owned but does not persist would be gone when it is needed: then rather none of both. */
static uint32_t wanted_flags(const struct ruleset *r, const struct encode_options *options)
{
	if (!r->owner || !options->owner || (r->persist && !options->persist))
		return 0;
	return r->persist ? OWNER | PERSIST : OWNER;
}

/* The last object asks for an answer; those before it speak up only when they fail. */
int encode_ruleset(const struct ruleset *r, const struct encode_options *options, struct encode_batch *ret)
{
	struct writer w = { .seq = options->seq };
	size_t objects = 1 + r->chain_count + r->rule_count, done = 1;

	if (!makes_sense(r))
		return -EINVAL;
	put_edge(&w, true);
	if (options->replace)
		put_table(&w, NFT_MSG_DELTABLE, 0, r->table, 0);
	put_table(&w, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | (objects == 1 ? NLM_F_ACK : 0), r->table,
		  wanted_flags(r, options));
	for (size_t i = 0; i < r->chain_count; i++)
		put_chain(&w, r->table, &r->chain[i], ++done == objects ? NLM_F_ACK : 0);
	for (size_t i = 0; i < r->rule_count; i++)
		put_rule(&w, r, &r->rule[i], ++done == objects ? NLM_F_ACK : 0);
	put_edge(&w, false);
	return hand_out(&w, options->seq, w.seq - 2, ret);
}

int encode_removal(const char *table, uint32_t seq, struct encode_batch *ret)
{
	struct writer w = { .seq = seq };

	put_edge(&w, true);
	put_table(&w, NFT_MSG_DELTABLE, NLM_F_ACK, table, 0);
	put_edge(&w, false);
	return hand_out(&w, seq, seq + 1, ret);
}

int encode_query(const char *table, uint32_t seq, struct encode_batch *ret)
{
	struct writer w = { .seq = seq };

	put_table(&w, NFT_MSG_GETTABLE, NLM_F_ACK, table, 0);
	return hand_out(&w, seq, seq, ret);
}

bool encode_table(const void *message, struct encode_table *ret)
{
	const struct nlmsghdr *n = message;
	struct nftnl_table *t;
	bool good;

	if (n->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWTABLE))
		return false;
	t = nftnl_table_alloc();
	good = t != NULL && nftnl_table_nlmsg_parse(n, t) == 0;
	if (good)
		*ret = (struct encode_table){ .flags = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS),
					      .handle = nftnl_table_get_u64(t, NFTNL_TABLE_HANDLE) };
	nftnl_table_free(t);
	return good;
}

bool encode_has_owner(uint32_t flags)
{
	return (flags & OWNER) != 0;
}

/* --- what a message stands for -------------------------------------------------- */

bool encode_is_table(const struct encode_options *options, size_t n)
{
	return n == 1u + options->replace;
}

void encode_object(const struct ruleset *r, const struct encode_options *options, size_t n,
		   char ret[ENCODE_OBJECT])
{
	size_t first_chain = 2u + options->replace, first_rule = first_chain + r->chain_count;
	char text[256];

	if (n >= first_rule && n - first_rule < r->rule_count) {
		const struct ruleset_rule *rule = &r->rule[n - first_rule];

		ruleset_rule_print(rule, text, sizeof(text));
		snprintf(ret, ENCODE_OBJECT, "rule in %s: %s", r->chain[rule->chain].name, text);
	} else if (n >= first_chain && n < first_rule) {
		snprintf(ret, ENCODE_OBJECT, "chain %s", r->chain[n - first_chain].name);
	} else {
		snprintf(ret, ENCODE_OBJECT, "table inet %s", r->table);
	}
}
