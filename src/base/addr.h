/*
 * addr: IPv4 and IPv6 addresses, with a port or a prefix length.
 *
 * A struct addr is plain bytes without padding that varies: two equal
 * addresses compare equal with memcmp when both came from this module.
 * Text is read without the resolver: names are somebody else's matter.
 */
#ifndef TTT_BASE_ADDR_H
#define TTT_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Our own numbers, so that plain data is the same in a test and on a wire. */
enum addr_family { ADDR_NONE = 0, ADDR_IPV4 = 4, ADDR_IPV6 = 6 };

struct addr {
	uint8_t family;		/* enum addr_family */
	uint8_t reserved;	/* 0 */
	uint16_t port;		/* host order; 0 where there is none */
	uint32_t scope;		/* interface index of a link-local IPv6 address, else 0 */
	uint8_t ip[16];		/* network order; IPv4 in the first 4, the rest 0 */
};

struct prefix {
	struct addr addr;	/* port 0; host bits are kept: 10.84.0.1/24 stays 10.84.0.1 */
	uint8_t len;		/* 0..32 or 0..128 */
};

struct sockaddr;
struct sockaddr_storage;

#define ADDR_TEXT	72	/* bytes that any printed address, prefix or endpoint fits in */

/* 4 for IPv4, 16 for IPv6, 0 for none. */
size_t addr_size(const struct addr *a);

/* Without port. */
static inline bool addr_same_host(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, 16) == 0;
}

/* With port and scope. */
static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool addr_is_link_local(const struct addr *a);
bool addr_is_any(const struct addr *a);		/* 0.0.0.0 or :: */
bool addr_is_multicast(const struct addr *a);

bool prefix_holds(const struct prefix *p, const struct addr *a);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
/* The same prefix with its host bits cleared. */
struct prefix prefix_network(const struct prefix *p);
/* a as /32 or /128. */
struct prefix prefix_host(const struct addr *a);

static inline struct addr addr_from_ipv4(const uint8_t ip[4], uint16_t port)
{
	struct addr a = { .family = ADDR_IPV4, .port = port };

	memcpy(a.ip, ip, 4);
	return a;
}

static inline struct addr addr_from_ipv6(const uint8_t ip[16], uint16_t port)
{
	struct addr a = { .family = ADDR_IPV6, .port = port };

	memcpy(a.ip, ip, 16);
	return a;
}

/* ADDR_NONE for a family that is neither; a v4-mapped IPv6 address becomes IPv4. */
struct addr addr_from_sockaddr(const struct sockaddr *sa);
/* Fills *ret and gives the length that the socket calls want; 0 for ADDR_NONE. */
size_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret);

/* "192.0.2.1", "2001:db8::1".  No port.  False, *ret untouched, when it is not an address. */
bool addr_parse(const char *text, struct addr *ret);
/* "192.0.2.1:7474", "[2001:db8::1]:7474"; without a port it gets `port`. */
bool addr_parse_port(const char *text, uint16_t port, struct addr *ret);
/* "10.84.0.1/24"; without a slash the whole address (/32, /128). */
bool prefix_parse(const char *text, struct prefix *ret);

/* Print into buf and return it; the port is printed when it is not 0. */
const char *addr_print(const struct addr *a, char buf[ADDR_TEXT]);
const char *prefix_print(const struct prefix *p, char buf[ADDR_TEXT]);

#endif
