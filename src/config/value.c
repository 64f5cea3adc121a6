/* value: see value.h. */
#include "config/value.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "config/keyfile.h"
#include "config/parser.h"
#include "config/quantity.h"

#define COPIES_MIN	100		/* ppm */
#define COPIES_MAX	1000000
#define ITEM	512	/* bytes of a list's item, with its NUL */
#define RATE_MIN	8000	/* bit/s, as of a link */
#define RATE_MAX	UINT64_C(100000000000)

void value_each(struct parser *p, const char *list, void (*read)(struct parser *, const char *))
{
	char item[ITEM];

	for (;;) {
		size_t len = strcspn(list, ","), skip = strspn(list, " \t"), n;

		n = skip < len ? len - skip : 0;
		while (n > 0 && strchr(" \t", list[skip + n - 1]) != NULL)
			n--;
		if (n == 0 || n >= sizeof(item)) {
			parser_fail(p, "%s: an empty or overlong item; write A, B, C", p->key);
			return;
		}
		memcpy(item, list + skip, n);
		item[n] = '\0';
		read(p, item);
		if (parser_failed(p) || list[len] == '\0')
			return;
		list += len + 1;
	}
}

/* Decimal, or 0x… where hex is usual; nothing around it. */
static bool number(const char *text, unsigned long min, unsigned long max, unsigned long *ret)
{
	bool hex = text[0] == '0' && text[1] == 'x';
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
	const char *start = hex ? text + 2 : text;
	size_t len = strlen(start);
	unsigned long n;

	if (len == 0 || len > 10 || strspn(start, digits) != len)
		return false;
	n = strtoul(start, NULL, hex ? 16 : 10);
	if (n < min || n > max)
		return false;
	*ret = n;
	return true;
}

bool value_port(const char *text, uint16_t *ret)
{
	unsigned long port;

	if (!number(text, 1, 65535, &port))
		return false;
	*ret = (uint16_t)port;
	return true;
}

unsigned long value_ranged(struct parser *p, const char *value, unsigned long min, unsigned long max)
{
	unsigned long n = min;

	if (!number(value, min, max, &n))
		parser_fail(p, "%s: %.40s is not a number from %lu to %lu", p->key, value, min, max);
	return n;
}

int value_yes_or_no(struct parser *p, const char *value)
{
	if (strcmp(value, "yes") == 0)
		return 1;
	if (strcmp(value, "no") == 0)
		return 0;
	parser_fail(p, "%s: %.40s is neither yes nor no", p->key, value);
	return -1;
}

static void copy_name(char *ret, size_t size, const char *value)
{
	size_t len = strlen(value);

	if (len >= size)
		len = size - 1;
	memcpy(ret, value, len);
	ret[len] = '\0';
}

void value_role(struct parser *p, const char *value)
{
	if (strcmp(value, "client") == 0)
		p->config->role = CONFIG_CLIENT;
	else if (strcmp(value, "server") == 0)
		p->config->role = CONFIG_SERVER;
	else
		parser_fail(p, "role: %.40s is neither client nor server", value);
}

void value_interface(struct parser *p, const char *value)
{
	if (config_ifname_is_valid(value))
		copy_name(p->config->interface, sizeof(p->config->interface), value);
	else
		parser_fail(p, "interface: %.40s is no name for a device; use 1 to %d letters and digits",
			    value, CONFIG_IFNAME - 1);
}

/* A relative path is relative to the folder of the configuration. */
static void path(struct parser *p, const char *value, char ret[CONFIG_PATH])
{
	const char *slash = strrchr(p->file, '/');
	size_t folder = value[0] == '/' || slash == NULL ? 0 : (size_t)(slash - p->file) + 1;

	if (folder + strlen(value) >= CONFIG_PATH) {
		parser_fail(p, "%s: a path longer than %d bytes", p->key, CONFIG_PATH - 1);
		return;
	}
	memcpy(ret, p->file, folder);
	strcpy(ret + folder, value);
}

void value_private_key_file(struct parser *p, const char *value)
{
	path(p, value, p->config->private_key_file);
	p->config->private_key_line = p->line;
}

void value_strategy(struct parser *p, const char *value)
{
	char known[400] = "";

	for (size_t i = 0; p->strategies != NULL && p->strategies[i] != NULL; i++) {
		if (strcmp(p->strategies[i], value) == 0) {
			copy_name(p->config->strategy, CONFIG_NAME, value);
			return;
		}
		if (strlen(known) + strlen(p->strategies[i]) + 3 < sizeof(known)) {
			strcat(known, i > 0 ? ", " : "");
			strcat(known, p->strategies[i]);
		}
	}
	if (p->strategies != NULL)
		parser_fail(p, "strategy: there is no %.40s; there are %s", value, known);
	else if (!parser_name_is_valid(value))
		parser_fail(p, "strategy: %.40s is no name", value);
	else
		copy_name(p->config->strategy, CONFIG_NAME, value);
}

bool value_limit(struct parser *p, const char *value, const struct quantity_unit *unit, uint64_t min,
		 uint64_t max, const char *example, uint64_t *ret)
{
	char from[QUANTITY_TEXT], to[QUANTITY_TEXT];
	uint64_t n = 0;

	if (strcmp(value, "none") != 0 && (!quantity_parse(value, unit, &n) || n < min || n > max)) {
		parser_fail(p, "%s: %.40s is not from %s to %s; write %s, or none", p->key, value,
			    quantity_print(min, unit, from), quantity_print(max, unit, to), example);
		return false;
	}
	*ret = n;
	return true;
}

void value_copies(struct parser *p, const char *value)
{
	uint64_t ppm;

	if (value_limit(p, value, quantity_shares, COPIES_MIN, COPIES_MAX, "5%", &ppm))
		p->config->copies_ppm = (uint32_t)ppm;
}

void value_coalesce(struct parser *p, const char *value)
{
	p->config->coalesce = value_yes_or_no(p, value) != 0;
}

void value_mtu(struct parser *p, const char *value)
{
	p->config->mtu = (uint16_t)value_ranged(p, value, CONFIG_MTU_MIN, CONFIG_MTU_MAX);
}

void value_threads(struct parser *p, const char *value)
{
	unsigned long n = CONFIG_THREADS_AUTO;

	if (strcmp(value, "auto") != 0 && !number(value, 0, CONFIG_THREADS_MAX, &n))
		parser_fail(p, "threads: %.40s is neither auto nor a number from 0 to %d", value, CONFIG_THREADS_MAX);
	p->config->threads = (uint8_t)n;
}

void value_user(struct parser *p, const char *value)
{
	if (!parser_name_is_valid(value) || value[0] == '-')
		parser_fail(p, "user: %.40s is neither a user's name nor a number", value);
	else if (strcmp(value, "root") == 0 || strcmp(value, "0") == 0)
		parser_fail(p, "user: the worker must not be root; name a user without rights");
	else
		copy_name(p->config->user, sizeof(p->config->user), value);
}

void value_listen(struct parser *p, const char *value)
{
	unsigned long port;

	if (number(value, 1, 65535, &port))
		p->config->listen = (uint16_t)port;
	else
		parser_fail(p, "listen: %.40s is not a port; write a number from 1 to 65535", value);
	p->listen_line = p->line;
}

static bool prefix(struct parser *p, const char *value, struct prefix *ret)
{
	if (!prefix_parse(value, ret))
		parser_fail(p, "%s: %.80s is not an address or prefix; write 10.84.0.1/24 or fd84::1/64",
			    p->key, value);
	else if (addr_is_multicast(&ret->addr))
		parser_fail(p, "%s: %.80s is a multicast address", p->key, value);
	return !parser_failed(p);
}

bool value_host(struct parser *p, const char *value, struct addr *ret)
{
	if (!addr_parse(value, ret))
		parser_fail(p, "%s: %.80s is not an address; write 192.0.2.1 or 2001:db8::1", p->key,
			    value);
	else if (addr_is_any(ret) || addr_is_multicast(ret))
		parser_fail(p, "%s: %.80s is not the address of one host", p->key, value);
	return !parser_failed(p);
}

static bool has_room(struct parser *p, size_t count, size_t max)
{
	if (count == max)
		parser_fail(p, "%s: more than %zu", p->key, max);
	return count < max;
}

void value_address(struct parser *p, const char *value)
{
	struct config *c = p->config;
	struct prefix own, net;

	if (!has_room(p, c->address_count, CONFIG_ADDRESSES) || !prefix(p, value, &own))
		return;
	net = prefix_network(&own);
	if (own.len + 1u < 8 * addr_size(&own.addr) && addr_same_host(&net.addr, &own.addr)) {
		parser_fail(p, "address: %.80s is the whole network; give the server's own address in it",
			    value);
		return;
	}
	p->address_line[c->address_count] = p->line;
	c->address[c->address_count++] = own;
}

void value_dns(struct parser *p, const char *value)
{
	struct config *c = p->config;

	if (has_room(p, c->dns_count, CONFIG_DNS) && value_host(p, value, &c->dns[c->dns_count]))
		c->dns_count++;
}

void value_offload(struct parser *p, const char *value)
{
	p->config->offload = strcmp(value, "auto") == 0;
	if (!p->config->offload && strcmp(value, "off") != 0)
		parser_fail(p, "offload: %.40s is neither auto nor off", value);
}

void value_isolation(struct parser *p, const char *value)
{
	p->config->isolation = value_yes_or_no(p, value) != 0;
}

void value_routed(struct parser *p, const char *value)
{
	struct config *c = p->config;
	struct prefix net;

	if (!has_room(p, c->routed_count, CONFIG_ROUTED) || !prefix(p, value, &net))
		return;
	p->routed_line[c->routed_count] = p->line;
	c->routed[c->routed_count++] = prefix_network(&net);
}

void value_full_tunnel(struct parser *p, const char *value)
{
	p->full_tunnel = value_yes_or_no(p, value);
}

void value_kill_switch(struct parser *p, const char *value)
{
	p->kill_switch = value_yes_or_no(p, value);
	p->kill_switch_line = p->line;
}

void value_fallback(struct parser *p, const char *value)
{
	p->config->fallback_direct = strcmp(value, "direct") == 0;
	p->fallback_line = p->line;
	if (!p->config->fallback_direct && strcmp(value, "block") != 0)
		parser_fail(p, "fallback: %.40s is neither block nor direct", value);
}

void value_route(struct parser *p, const char *value)
{
	struct config *c = p->config;
	struct prefix to;

	if (!has_room(p, c->route_count, CONFIG_ROUTES) || !prefix(p, value, &to))
		return;
	c->route[c->route_count++] = prefix_network(&to);
}

void value_outside(struct parser *p, const char *value)
{
	struct config *c = p->config;
	struct prefix to;

	if (!has_room(p, c->outside_count, CONFIG_ROUTES) || !prefix(p, value, &to))
		return;
	if (to.len == 0)
		parser_fail(p, "exclude: %.40s is everything; leave the line out, or write full-tunnel = no", value);
	else
		c->outside[c->outside_count++] = prefix_network(&to);
}

/* Digits with at most one hyphen between them. */
static bool is_number_or_range(const char *value)
{
	size_t len = strspn(value, "0123456789"), more;

	if (len == 0 || len > 9)
		return false;
	if (value[len] == '\0')
		return true;
	more = strspn(value + len + 1, "0123456789");
	return value[len] == '-' && more > 0 && more <= 9 && value[len + 1 + more] == '\0' &&
	       strtoul(value, NULL, 10) <= strtoul(value + len + 1, NULL, 10);
}

void value_outside_user(struct parser *p, const char *value)
{
	struct config *c = p->config;

	if (!has_room(p, c->outside_user_count, CONFIG_PATTERNS))
		return;
	if (!is_number_or_range(value) &&
	    (!parser_name_is_valid(value) || strspn(value, "0123456789-") == strlen(value)))
		parser_fail(p, "exclude-uid: %.40s is no user; write a name, a number, or 1000-1999", value);
	else
		copy_name(c->outside_user[c->outside_user_count++], CONFIG_NAME, value);
}

/* Every part of it a name; none leads back up. */
static bool is_cgroup(const char *path)
{
	size_t len = 0;

	for (const char *at = path; ; at += len + 1) {
		len = strcspn(at, "/");
		if (len == 0 || (len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		if (at[len] == '\0')
			return true;
	}
}

void value_outside_cgroup(struct parser *p, const char *value)
{
	const char *path = value + (value[0] == '/');
	struct config *c = p->config;

	if (!has_room(p, c->outside_cgroup_count, CONFIG_PATTERNS))
		return;
	if (strlen(path) >= CONFIG_CGROUP || !is_cgroup(path))
		parser_fail(p, "exclude-cgroup: %.80s is no cgroup; write its path below /sys/fs/cgroup, as in "
			    "system.slice/backup.service", value);
	else
		copy_name(c->outside_cgroup[c->outside_cgroup_count++], CONFIG_CGROUP, path);
}

static void pattern(struct parser *p, const char *value, char list[][CONFIG_IFNAME], size_t *count)
{
	if (!has_room(p, *count, CONFIG_PATTERNS))
		return;
	if (config_ifname_is_valid(value))
		strcpy(list[(*count)++], value);
	else
		parser_fail(p, "%s: %.40s is no interface; write names or patterns, as in wlan0, wwan*",
			    p->key, value);
}

void value_include(struct parser *p, const char *value)
{
	pattern(p, value, p->config->include, &p->config->include_count);
}

void value_exclude(struct parser *p, const char *value)
{
	pattern(p, value, p->config->exclude, &p->config->exclude_count);
}

void value_table(struct parser *p, const char *value)
{
	p->config->given.table = (uint32_t)value_ranged(p, value, 1, 65000);
	/* 253 to 255 are the kernel's own */
	if (p->config->given.table <= 255 && p->config->given.table + 99 >= 253)
		parser_fail(p, "table: the 100 tables from %.10s would hold the kernel's 253 to 255; "
			    "begin above 255", value);
}

void value_rule_priority(struct parser *p, const char *value)
{
	p->config->given.priority = (uint32_t)value_ranged(p, value, 1, 32000);
}

void value_mark(struct parser *p, const char *value)
{
	p->config->given.fwmark = (uint32_t)value_ranged(p, value, 1, 0xffff);
}

void value_reply_mark(struct parser *p, const char *value)
{
	p->config->given.reply_mark = (uint32_t)value_ranged(p, value, 1, 0xfff0);
}

void value_route_protocol(struct parser *p, const char *value)
{
	p->config->given.protocol = (uint8_t)value_ranged(p, value, 5, 255);
}

void value_public_key(struct parser *p, const char *value)
{
	struct config_peer *peer = parser_peer(p);

	if (!key_parse(value, peer->public_key) || sodium_is_zero(peer->public_key, KEY_SIZE))
		parser_fail(p, "public-key: not a key; 44 characters of base64 are wanted, "
			    "as `ttt pubkey` prints");
	peer->public_key_line = p->line;
}

void value_preshared_key_file(struct parser *p, const char *value)
{
	path(p, value, parser_peer(p)->preshared_key_file);
	parser_peer(p)->preshared_key_line = p->line;
}

/* Letters, digits, '-', '_' and dots that part labels of 1 to 63. */
static bool is_host_name(const char *name)
{
	size_t label = 0;

	for (; *name != '\0'; name++) {
		if (*name == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (++label > 63 || !((*name >= 'a' && *name <= 'z') ||
					     (*name >= 'A' && *name <= 'Z') ||
					     (*name >= '0' && *name <= '9') ||
					     *name == '-' || *name == '_')) {
			return false;
		}
	}
	return true;
}

/* False: neither HOST nor HOST:PORT.  Digits and dots alone are an address or a mistake. */
static bool host_port(const char *value, struct config_endpoint *ret)
{
	const char *colon = strchr(value, ':');
	size_t len = colon != NULL ? (size_t)(colon - value) : strlen(value);
	unsigned long port = CONFIG_PORT;

	if (len == 0 || len >= CONFIG_HOST || strspn(value, "0123456789.") >= len)
		return false;
	if (colon != NULL && !number(colon + 1, 1, 65535, &port))
		return false;
	memcpy(ret->host, value, len);
	ret->host[len] = '\0';
	ret->port = (uint16_t)port;
	return is_host_name(ret->host);
}

static bool parse_endpoint(const char *value, struct config_endpoint *ret)
{
	struct addr host;
	char text[ADDR_TEXT];

	memset(ret, 0, sizeof(*ret));
	if (!addr_parse_port(value, CONFIG_PORT, &ret->addr))
		return host_port(value, ret);
	if (addr_is_any(&ret->addr) || addr_is_multicast(&ret->addr))
		return false;
	host = ret->addr;
	host.port = 0;
	copy_name(ret->host, sizeof(ret->host), addr_print(&host, text));
	ret->port = ret->addr.port;
	return true;
}

void value_endpoint(struct parser *p, const char *value)
{
	struct config_peer *peer = parser_peer(p);
	struct config_endpoint e, *larger;

	if (!has_room(p, peer->endpoint_count, CONFIG_ENDPOINTS))
		return;
	if (!parse_endpoint(value, &e)) {
		parser_fail(p, "endpoint: %.80s is not HOST:PORT; write vpn.example.org:7474, "
			    "192.0.2.1:7474 or [2001:db8::1]:7474", value);
		return;
	}
	larger = reallocarray(peer->endpoint, peer->endpoint_count + 1, sizeof(*larger));
	if (larger == NULL) {
		parser_no_memory(p);
		return;
	}
	peer->endpoint = larger;
	peer->endpoint[peer->endpoint_count++] = e;
}

void value_peer_address(struct parser *p, const char *value)
{
	struct config_peer *peer = parser_peer(p);
	size_t n = peer->prefix_count;

	if (!has_room(p, n, CONFIG_PEER_PREFIXES) || !prefix(p, value, &peer->prefix[n]))
		return;
	p->prefix_line[p->config->peer_count - 1][n] = p->line;
	peer->prefix_count++;
}

void value_peer_rate(struct parser *p, const char *value)
{
	uint64_t bits;

	if (value_limit(p, value, quantity_rates, RATE_MIN, RATE_MAX, "50mbit", &bits))
		parser_peer(p)->rate = bits / 8;
}
