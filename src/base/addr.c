/* addr: see addr.h.  Text conversion is the C library's. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

size_t addr_size(const struct addr *a)
{
	return a->family == ADDR_IPV4 ? 4 : a->family == ADDR_IPV6 ? 16 : 0;
}

bool addr_is_link_local(const struct addr *a)
{
	if (a->family == ADDR_IPV4)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->family == ADDR_IPV6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return a->family != ADDR_NONE && memcmp(a->ip, zero, 16) == 0;
}

bool addr_is_multicast(const struct addr *a)
{
	return a->family == ADDR_IPV4 ? (a->ip[0] & 0xf0) == 0xe0
				      : a->family == ADDR_IPV6 && a->ip[0] == 0xff;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

bool prefix_holds(const struct prefix *p, const struct addr *a)
{
	return p->addr.family == a->family && same_bits(p->addr.ip, a->ip, p->len);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_same_host(&a->addr, &b->addr);
}

struct prefix prefix_network(const struct prefix *p)
{
	struct prefix net = *p;

	for (unsigned bit = p->len; bit < 128; bit++)
		net.addr.ip[bit / 8] &= (uint8_t)~(0x80u >> bit % 8);
	return net;
}

struct prefix prefix_host(const struct addr *a)
{
	struct prefix p = { .addr = *a, .len = (uint8_t)(8 * addr_size(a)) };

	p.addr.port = 0;
	return p;
}

struct addr addr_from_sockaddr(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		return addr_from_ipv4((const uint8_t *)&in->sin_addr, ntohs(in->sin_port));
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
		const uint8_t *ip = in6->sin6_addr.s6_addr;
		struct addr a;

		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			return addr_from_ipv4(ip + 12, ntohs(in6->sin6_port));
		a = addr_from_ipv6(ip, ntohs(in6->sin6_port));
		if (addr_is_link_local(&a))
			a.scope = in6->sin6_scope_id;
		return a;
	}
	return (struct addr){ .family = ADDR_NONE };
}

size_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->family == ADDR_IPV4) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)ret;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	if (a->family == ADDR_IPV6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)ret;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		in6->sin6_scope_id = a->scope;
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof(*in6);
	}
	return 0;
}

bool addr_parse(const char *text, struct addr *ret)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, text, ip) == 1) {
		*ret = addr_from_ipv4(ip, 0);
		return true;
	}
	if (inet_pton(AF_INET6, text, ip) == 1) {
		*ret = addr_from_ipv6(ip, 0);
		return true;
	}
	return false;
}

/* A whole decimal number up to max, nothing before or behind it. */
static bool number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	if (*end != '\0' || n > max)
		return false;
	*ret = n;
	return true;
}

bool addr_parse_port(const char *text, uint16_t port, struct addr *ret)
{
	char host[ADDR_TEXT];
	const char *host_end, *port_text = NULL;
	unsigned long number_read = port;
	struct addr a;
	bool brackets = text[0] == '[';

	if (brackets) {
		text++;
		host_end = strchr(text, ']');
		if (host_end == NULL || (host_end[1] != '\0' && host_end[1] != ':'))
			return false;
		port_text = host_end[1] == ':' ? host_end + 2 : NULL;
	} else {
		/* one colon parts a port, more are an IPv6 address */
		host_end = strchr(text, ':');
		if (host_end != NULL && strchr(host_end + 1, ':') == NULL)
			port_text = host_end + 1;
		else
			host_end = text + strlen(text);
	}
	if ((size_t)(host_end - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(host_end - text));
	host[host_end - text] = '\0';
	if (!addr_parse(host, &a) || (brackets && a.family != ADDR_IPV6))
		return false;
	if (port_text != NULL && (!number(port_text, UINT16_MAX, &number_read) || number_read == 0))
		return false;
	a.port = (uint16_t)number_read;
	*ret = a;
	return true;
}

bool prefix_parse(const char *text, struct prefix *ret)
{
	char host[ADDR_TEXT];
	const char *slash = strchr(text, '/');
	size_t host_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct prefix p;
	unsigned long len;

	if (host_len >= sizeof(host))
		return false;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	memset(&p, 0, sizeof(p));
	if (!addr_parse(host, &p.addr))
		return false;
	len = 8 * addr_size(&p.addr);
	if (slash != NULL && !number(slash + 1, len, &len))
		return false;
	p.len = (uint8_t)len;
	*ret = p;
	return true;
}

const char *addr_print(const struct addr *a, char buf[ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "-";
	bool is6 = a->family == ADDR_IPV6;

	if (a->family != ADDR_NONE)
		inet_ntop(is6 ? AF_INET6 : AF_INET, a->ip, host, sizeof(host));
	if (a->port == 0)
		snprintf(buf, ADDR_TEXT, "%s", host);
	else
		snprintf(buf, ADDR_TEXT, is6 ? "[%s]:%u" : "%s:%u", host, a->port);
	return buf;
}

const char *prefix_print(const struct prefix *p, char buf[ADDR_TEXT])
{
	char host[ADDR_TEXT];

	snprintf(buf, ADDR_TEXT, "%.46s/%u", addr_print(&p->addr, host), p->len);
	return buf;
}
