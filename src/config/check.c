/* check: see check.h. */
#include "config/check.h"

#include <string.h>

#include "base/bytes.h"
#include "config/forward.h"
#include "config/link.h"
#include "config/parser.h"

/* Two prefixes have an address in common when the wider one holds the other. */
static bool overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_holds(a, &b->addr) : prefix_holds(b, &a->addr);
}

static void check_role_keys(struct parser *p)
{
	bool client = p->config->role == CONFIG_CLIENT;
	enum key_who other = client ? FOR_SERVER : FOR_CLIENT;

	if (p->role_key[other] != NULL)
		parser_fail_at(p, p->role_line[other], "%s: only a %s has it, and this is a %s; %s",
			       p->role_key[other], client ? "server" : "client",
			       client ? "client" : "server",
			       client ? "leave it out, or write role = server in [tunnel]"
				      : "leave it out, or write role = client in [tunnel]");
	if (!client && p->config->link_count > 0)
		parser_fail_at(p, p->link_line[0], "[link %s]: only a client has links; leave it out",
			       p->config->link[0].name);
}

static void check_tunnel(struct parser *p)
{
	struct config *c = p->config;
	bool server = c->role == CONFIG_SERVER;
	const char *missing = c->private_key_file[0] == '\0' ? "private-key-file = FILE" :
			      server && c->listen == 0 ? "listen = PORT" :
			      server && c->address_count == 0 ? "address = 10.84.0.1/24" : NULL;

	if (p->tunnel_line == 0)
		parser_fail_at(p, 0, "no [tunnel] section; ttt.conf(5) has an example");
	else if (missing != NULL)
		parser_fail_at(p, p->tunnel_line, "a %s needs %s in [tunnel]",
			       server ? "server" : "client", missing);
	for (size_t i = 0; i < c->address_count; i++)
		for (size_t j = 0; j < i; j++)
			if (overlaps(&c->address[i], &c->address[j]))
				parser_fail_at(p, p->address_line[i],
					       "address: overlaps the one in line %u; give one per network",
					       p->address_line[j]);
	if (c->marks.reply_mark <= c->marks.fwmark && c->marks.fwmark <= c->marks.reply_mark + 15)
		parser_fail_at(p, p->tunnel_line, "mark: 0x%x is one of the 16 from reply-mark 0x%x; "
			       "keep them apart", c->marks.fwmark, c->marks.reply_mark);
}

static void check_kill_switch(struct parser *p)
{
	struct config *c = p->config;

	if (c->role == CONFIG_SERVER)
		return;
	c->full_tunnel = p->full_tunnel != 0;
	c->kill_switch = p->kill_switch < 0 ? c->full_tunnel && !c->fallback_direct : p->kill_switch != 0;
	if (c->kill_switch && c->fallback_direct)
		parser_fail_at(p, p->fallback_line, "fallback: direct would let out what the kill switch (line %u) "
			       "is to keep in; leave one of them out", p->kill_switch_line);
	if (c->kill_switch && !c->full_tunnel)
		parser_fail_at(p, p->kill_switch_line, "kill-switch: needs full-tunnel = yes; without "
			       "it the rest of the traffic is meant to go outside");
}

static void check_peers(struct parser *p)
{
	struct config *c = p->config;

	if (c->peer_count == 0)
		parser_fail_at(p, 0, c->role == CONFIG_SERVER ?
			       "no [peer NAME] section: nobody could connect; add one for each client" :
			       "no [peer NAME] section; add one for the server");
	if (c->role == CONFIG_CLIENT && c->peer_count > CONFIG_SERVERS)
		parser_fail_at(p, p->peer_line[CONFIG_SERVERS], "[peer %s]: a client has at most %d servers",
			       c->peer[CONFIG_SERVERS].name, CONFIG_SERVERS);
	for (size_t i = 0; i < c->peer_count; i++) {
		const struct config_peer *peer = &c->peer[i];

		if (peer->public_key_line == 0)
			parser_fail_at(p, p->peer_line[i], "[peer %s] has no public-key", peer->name);
		else if (c->role == CONFIG_CLIENT && peer->endpoint_count == 0)
			parser_fail_at(p, p->peer_line[i], "[peer %s] has no endpoint; write "
				       "endpoint = HOST:PORT", peer->name);
		else if (c->role == CONFIG_SERVER && peer->prefix_count == 0)
			parser_fail_at(p, p->peer_line[i], "[peer %s] has no address; give it one of "
				       "the server's network", peer->name);
	}
}

static void check_links(struct parser *p)
{
	for (size_t i = 0; i < p->config->link_count; i++) {
		p->line = p->link_line[i];
		link_check(p, &p->config->link[i]);
	}
}

static void check_public_keys(struct parser *p)
{
	const struct config *c = p->config;

	for (size_t i = 0; i < c->peer_count; i++)
		for (size_t j = 0; j < i; j++)
			if (memcmp(c->peer[i].public_key, c->peer[j].public_key, 32) == 0)
				parser_fail_at(p, c->peer[i].public_key_line, "public-key: the same as "
					       "[peer %s]'s in line %u; each peer has its own",
					       c->peer[j].name, c->peer[j].public_key_line);
}

/* A network's first and last address are the network itself and everybody: NULL, or which one it is. */
static const char *end_of(const struct prefix *network, const struct prefix *host)
{
	uint32_t bits = UINT32_MAX >> network->len, rest = get_be32(host->addr.ip) & bits;

	return rest == 0 ? "first" : rest == bits ? "last" : NULL;
}

/* An address that no host may have cannot be handed to a client. */
static void check_host(struct parser *p, unsigned line, size_t address, const struct prefix *mine)
{
	const struct prefix *network = &p->config->address[address];
	const char *end;
	char text[ADDR_TEXT];

	if (mine->addr.family != ADDR_IPV4 || mine->len < 32 || network->len > 30)
		return;
	end = end_of(network, mine);
	if (end != NULL)
		parser_fail_at(p, line, "address: %s is the %s of the network in line %u, which is no host's",
			       prefix_print(mine, text), end, p->address_line[address]);
}

/* One prefix of a peer against the server's own. */
static void check_inside(struct parser *p, size_t peer, size_t n)
{
	const struct config *c = p->config;
	const struct prefix *mine = &c->peer[peer].prefix[n];
	unsigned line = p->prefix_line[peer][n];
	bool inside = false;
	char text[ADDR_TEXT];

	prefix_print(mine, text);
	for (size_t i = 0; i < c->address_count; i++) {
		if (prefix_holds(mine, &c->address[i].addr))
			parser_fail_at(p, line, "address: %s is, or holds, the server's own", text);
		if (mine->len < c->address[i].len || !prefix_holds(&c->address[i], &mine->addr))
			continue;
		inside = true;
		check_host(p, line, i, mine);
	}
	if (!inside)
		parser_fail_at(p, line, "address: %s lies outside the server's own networks "
			       "(address in line %u)", text, p->address_line[0]);
}

/* One prefix of a peer against everything before it. */
static void check_apart(struct parser *p, size_t peer, size_t n)
{
	const struct config *c = p->config;
	const struct prefix *mine = &c->peer[peer].prefix[n];
	char text[ADDR_TEXT];

	prefix_print(mine, text);
	for (size_t i = 0; i <= peer; i++)
		for (size_t j = 0; j < (i == peer ? n : c->peer[i].prefix_count); j++)
			if (overlaps(mine, &c->peer[i].prefix[j]))
				parser_fail_at(p, p->prefix_line[peer][n],
					       "address: %s overlaps that of [peer %s] in line %u", text,
					       c->peer[i].name, p->prefix_line[i][j]);
}

static void check_prefixes(struct parser *p)
{
	const struct config *c = p->config;

	for (size_t i = 0; i < c->peer_count && !parser_failed(p); i++)
		for (size_t n = 0; n < c->peer[i].prefix_count && !parser_failed(p); n++) {
			check_inside(p, i, n);
			if (!parser_failed(p))
				check_apart(p, i, n);
		}
}

static void check_routed(struct parser *p)
{
	const struct config *c = p->config;
	char text[ADDR_TEXT];

	for (size_t i = 0; i < c->routed_count; i++) {
		bool inside = false;

		for (size_t n = 0; n < c->address_count; n++)
			inside |= c->routed[i].len >= c->address[n].len &&
				  prefix_holds(&c->address[n], &c->routed[i].addr);
		if (!inside)
			parser_fail_at(p, p->routed_line[i], "routed: %s lies outside the server's own networks "
				       "(address in line %u)", prefix_print(&c->routed[i], text), p->address_line[0]);
	}
}

void check_config(struct parser *p)
{
	check_role_keys(p);
	check_tunnel(p);
	check_kill_switch(p);
	check_peers(p);
	check_links(p);
	if (parser_failed(p))
		return;
	check_public_keys(p);
	check_prefixes(p);
	check_routed(p);
	forward_check(p);
}
