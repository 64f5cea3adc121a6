/* ruleset_print: a table as nft(8) says it. */
#include "nft/ruleset.h"

#include <netinet/in.h>
#include <stdio.h>

static void print_prefix(const char *field, const struct ruleset_match *m, FILE *out)
{
	char text[ADDR_TEXT];
	bool whole = m->prefix.len == 8 * addr_size(&m->prefix.addr);

	fprintf(out, "%s %s %s%s ", m->prefix.addr.family == ADDR_IPV6 ? "ip6" : "ip", field,
		m->not ? "!= " : "",
		whole ? addr_print(&m->prefix.addr, text) : prefix_print(&m->prefix, text));
}

static void print_icmpv6(const struct ruleset_match *m, FILE *out)
{
	static const char *const name[] = { "nd-router-solicit", "nd-router-advert", "nd-neighbor-solicit",
					    "nd-neighbor-advert" };
	const char *not = m->not ? "!= " : "";

	if (m->value >= 133 && m->value <= 136)
		fprintf(out, "icmpv6 type %s%s ", not, name[m->value - 133]);
	else
		fprintf(out, "icmpv6 type %s%u ", not, m->value);
}

static void print_uids(const struct ruleset_match *m, FILE *out)
{
	fprintf(out, "meta skuid %s%u", m->not ? "!= " : "", m->uids.low);
	if (m->uids.high != m->uids.low)
		fprintf(out, "-%u", m->uids.high);
	fputc(' ', out);
}

static void print_match(const struct ruleset_match *m, FILE *out)
{
	const char *not = m->not ? "!= " : "";

	switch ((enum ruleset_match_type)m->type) {
	case RULESET_MATCH_IIFNAME:
		fprintf(out, "iifname %s\"%s\" ", not, m->name);
		break;
	case RULESET_MATCH_OIFNAME:
		fprintf(out, "oifname %s\"%s\" ", not, m->name);
		break;
	case RULESET_MATCH_SADDR:
		print_prefix("saddr", m, out);
		break;
	case RULESET_MATCH_DADDR:
		print_prefix("daddr", m, out);
		break;
	case RULESET_MATCH_OIFKIND:
		fprintf(out, "meta oifkind %s\"%s\" ", not, m->name);
		break;
	case RULESET_MATCH_UDP_SPORT:
		fprintf(out, "udp sport %s%u ", not, m->value);
		break;
	case RULESET_MATCH_UDP_DPORT:
		fprintf(out, "udp dport %s%u ", not, m->value);
		break;
	case RULESET_MATCH_ICMPV6:
		print_icmpv6(m, out);
		break;
	case RULESET_MATCH_TCP_SYN:
		fprintf(out, "tcp flags syn / syn,rst ");
		break;
	case RULESET_MATCH_MARK:
		fprintf(out, "meta mark %s0x%08x ", not, m->value);
		break;
	case RULESET_MATCH_MARK_LOW:
		fprintf(out, "meta mark & 0x0000ffff %s 0x%08x ", m->not ? "!=" : "==", m->value);
		break;
	case RULESET_MATCH_CT_MARK:
		fprintf(out, "ct mark %s0x%08x ", not, m->value);
		break;
	case RULESET_MATCH_FAMILY:
		fprintf(out, "meta nfproto ipv%u ", m->value);
		break;
	case RULESET_MATCH_PROTOCOL:
		fprintf(out, "meta l4proto %s ", m->value == IPPROTO_UDP ? "udp" : "tcp");
		break;
	case RULESET_MATCH_UIDS:
		print_uids(m, out);
		break;
	case RULESET_MATCH_CGROUP:
		fprintf(out, "socket cgroupv2 level %u %llu ", m->cgroup.level, (unsigned long long)m->cgroup.id);
		break;
	case RULESET_MATCH_SECOND:
		fprintf(out, "limit rate %u/second burst %u packets ", m->value, m->value);
		break;
	case RULESET_MATCH_CT_NEW:
		fprintf(out, "ct state new ");
		break;
	case RULESET_MATCH_CT_REPLY:
		fprintf(out, "ct direction reply ");
		break;
	case RULESET_MATCH_CT_FROM:
		fprintf(out, "ct original ");
		print_prefix("saddr", m, out);
		break;
	case RULESET_MATCH_CT_TO:
		fprintf(out, "ct reply ");
		print_prefix("saddr", m, out);
		break;
	case RULESET_MATCH_LOCAL:
		fprintf(out, "fib daddr type local ");
		break;
	case RULESET_MATCH_SERVICE:
		fprintf(out, "%s dport %u ", m->service.protocol == IPPROTO_UDP ? "udp" : "tcp", m->service.port);
		break;
	}
}

static void print_target(const struct addr *to, FILE *out)
{
	char text[ADDR_TEXT];

	fprintf(out, "dnat %s to %s", to->family == ADDR_IPV6 ? "ip6" : "ip", addr_print(to, text));
}

static void print_rule(const struct ruleset_rule *rule, FILE *out)
{
	for (size_t i = 0; i < rule->match_count; i++)
		print_match(&rule->match[i], out);
	switch ((enum ruleset_action)rule->action) {
	case RULESET_ACCEPT:
		fprintf(out, "accept");
		break;
	case RULESET_DROP:
		fprintf(out, "drop");
		break;
	case RULESET_MASQUERADE:
		fprintf(out, "masquerade");
		break;
	case RULESET_MSS_TO_ROUTE:
		fprintf(out, "tcp option maxseg size set rt mtu");
		break;
	case RULESET_SET_MARK:
		fprintf(out, "meta mark set 0x%08x", rule->value);
		break;
	case RULESET_SET_CT_MARK:
		fprintf(out, "ct mark set 0x%08x", rule->value);
		break;
	case RULESET_TRACE:
		fprintf(out, "meta nftrace set 1");
		break;
	case RULESET_DNAT:
		print_target(&rule->to, out);
		break;
	case RULESET_REFUSE:
		fprintf(out, "reject");
		break;
	case RULESET_RESET:
		fprintf(out, "reject with tcp reset");
		break;
	}
}

void ruleset_rule_print(const struct ruleset_rule *rule, char *buf, size_t size)
{
	FILE *out;

	buf[0] = '\0';
	out = fmemopen(buf, size, "w");
	if (out == NULL)
		return;
	print_rule(rule, out);
	fclose(out);
	buf[size - 1] = '\0';
}

static const char *priority_name(int32_t priority, char buf[12])
{
	switch (priority) {
	case RULESET_PRIORITY_RAW:
		return "raw";
	case RULESET_PRIORITY_MANGLE:
		return "mangle";
	case RULESET_PRIORITY_DSTNAT:
		return "dstnat";
	case RULESET_PRIORITY_FILTER:
		return "filter";
	case RULESET_PRIORITY_SRCNAT:
		return "srcnat";
	}
	snprintf(buf, 12, "%d", priority);
	return buf;
}

static void print_chain(const struct ruleset *r, size_t chain, FILE *out)
{
	static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };
	static const char *const types[] = { "filter", "nat", "route" };
	const struct ruleset_chain *c = &r->chain[chain];
	char number[12];

	fprintf(out, "\tchain %s {\n\t\ttype %s hook %s priority %s; policy %s;\n", c->name, types[c->type],
		hooks[c->hook], priority_name(c->priority, number), c->policy_drop ? "drop" : "accept");
	for (size_t i = 0; i < r->rule_count; i++) {
		if (r->rule[i].chain != chain)
			continue;
		fprintf(out, "\t\t");
		print_rule(&r->rule[i], out);
		fprintf(out, "\n");
	}
	fprintf(out, "\t}\n");
}

void ruleset_print(const struct ruleset *r, FILE *out)
{
	fprintf(out, "table inet %s {\n", r->table);
	if (r->owner)
		fprintf(out, "\tflags owner%s\n\n", r->persist ? ",persist" : "");
	for (size_t i = 0; i < r->chain_count; i++) {
		if (i > 0)
			fprintf(out, "\n");
		print_chain(r, i, out);
	}
	fprintf(out, "}\n");
}
