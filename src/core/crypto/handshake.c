/*
 * handshake: see handshake.h.  A payload has a fixed part and then items of
 * type (1), length (1), value; type 0 ends it.  Unknown types are skipped, so
 * that later versions can say more.
 */
#include "core/crypto/handshake.h"

#include <string.h>

#include "base/bytes.h"

enum { ITEM_END = 0, ITEM_TICKET = 1, ITEM_TOKEN = 2 };
enum { ITEM_ADDRESS = 1, ITEM_DNS = 2 };

#define INIT_FIXED	8
#define RESPONSE_FIXED	8
#define FLAG_RESUMED	0x01	/* of a RESPONSE */
#define FLAG_SHORTHAND	0x02
#define FLAG_CHECKSUMS	0x04
#define OFFERS_SHORTHAND 0x01	/* of an INIT */
#define OFFERS_CHECKSUMS 0x02
#define MTU_MIN		1280
#define MTU_MAX		9000

static uint8_t *put_item(uint8_t *at, uint8_t type, const void *value, size_t len)
{
	at[0] = type;
	at[1] = (uint8_t)len;
	memcpy(at + 2, value, len);
	return at + 2 + len;
}

struct item {
	uint8_t type, len;
	const uint8_t *value;
};

/* The next item; *at moves behind it.  False: the end, or *ret_bad. */
static bool next_item(const uint8_t **at, const uint8_t *end, struct item *ret, bool *ret_bad)
{
	const uint8_t *p = *at;

	if (p == end || p[0] == ITEM_END)
		return false;
	if (end - p < 2 || end - p - 2 < p[1]) {
		*ret_bad = true;
		return false;
	}
	*ret = (struct item){ .type = p[0], .len = p[1], .value = p + 2 };
	*at = p + 2 + p[1];
	return true;
}

void handshake_write_init(const struct handshake_init *init, uint8_t ret[HANDSHAKE_PAYLOAD])
{
	uint8_t *at = ret + INIT_FIXED;

	memset(ret, 0, HANDSHAKE_PAYLOAD);
	put_le16(ret, init->versions);
	put_le16(ret + 2, init->ciphers);
	put_le24(ret + 4, init->index);
	ret[7] = (uint8_t)((init->shorthand ? OFFERS_SHORTHAND : 0) | (init->checksums ? OFFERS_CHECKSUMS : 0));
	if (init->has_ticket)
		at = put_item(at, ITEM_TICKET, init->ticket, sizeof(init->ticket));
	if (init->has_token) {
		uint8_t both[COOKIE_MAC + 32];

		memcpy(both, init->token, COOKIE_MAC);
		memcpy(both + COOKIE_MAC, init->token_ephemeral, 32);
		put_item(at, ITEM_TOKEN, both, sizeof(both));
	}
}

/* A known item; false: its length is wrong, or it is there twice. */
static bool take_init_item(const struct item *item, struct handshake_init *init)
{
	if (item->type == ITEM_TICKET) {
		if (item->len != HANDSHAKE_TICKET || init->has_ticket)
			return false;
		init->has_ticket = true;
		memcpy(init->ticket, item->value, HANDSHAKE_TICKET);
	} else if (item->type == ITEM_TOKEN) {
		if (item->len != COOKIE_MAC + 32 || init->has_token)
			return false;
		init->has_token = true;
		memcpy(init->token, item->value, COOKIE_MAC);
		memcpy(init->token_ephemeral, item->value + COOKIE_MAC, 32);
	}
	return true;
}

bool handshake_read_init(const uint8_t payload[HANDSHAKE_PAYLOAD], struct handshake_init *ret)
{
	const uint8_t *at = payload + INIT_FIXED;
	struct handshake_init init = {
		.versions = get_le16(payload),
		.ciphers = get_le16(payload + 2),
		.index = get_le24(payload + 4),
		.shorthand = payload[7] & OFFERS_SHORTHAND,
		.checksums = payload[7] & OFFERS_CHECKSUMS,
	};
	struct item item;
	bool bad = false;

	while (next_item(&at, payload + HANDSHAKE_PAYLOAD, &item, &bad))
		if (!take_init_item(&item, &init))
			return false;
	if (bad || init.index == 0)
		return false;
	*ret = init;
	return true;
}

/* family (1), prefix length (1), address; len 0xff: an address without a prefix */
static uint8_t *put_address(uint8_t *at, uint8_t type, const struct addr *a, uint8_t len)
{
	uint8_t value[18];
	size_t size = addr_size(a);

	value[0] = a->family;
	value[1] = len;
	memcpy(value + 2, a->ip, size);
	return put_item(at, type, value, 2 + size);
}

void handshake_write_response(const struct handshake_response *r, uint8_t ret[HANDSHAKE_PAYLOAD])
{
	uint8_t *at = ret + RESPONSE_FIXED;

	memset(ret, 0, HANDSHAKE_PAYLOAD);
	ret[0] = r->version;
	ret[1] = r->cipher;
	ret[2] = (uint8_t)((r->resumed ? FLAG_RESUMED : 0) | (r->shorthand ? FLAG_SHORTHAND : 0) |
			   (r->checksums ? FLAG_CHECKSUMS : 0));
	put_le24(ret + 3, r->index);
	put_le16(ret + 6, r->config.mtu);
	for (size_t i = 0; i < r->config.address_count; i++)
		at = put_address(at, ITEM_ADDRESS, &r->config.address[i].addr,
				 r->config.address[i].len);
	for (size_t i = 0; i < r->config.dns_count; i++)
		at = put_address(at, ITEM_DNS, &r->config.dns[i], 0xff);
}

static bool read_address(const struct item *item, struct prefix *ret)
{
	struct prefix p = { .len = item->len >= 2 ? item->value[1] : 0 };

	if (item->len == 2 + 4 && item->value[0] == ADDR_IPV4)
		p.addr = addr_from_ipv4(item->value + 2, 0);
	else if (item->len == 2 + 16 && item->value[0] == ADDR_IPV6)
		p.addr = addr_from_ipv6(item->value + 2, 0);
	else
		return false;
	*ret = p;
	return true;
}

static bool take_response_item(const struct item *item, struct handshake_config *config)
{
	struct prefix p;

	if (item->type != ITEM_ADDRESS && item->type != ITEM_DNS)
		return true;
	if (!read_address(item, &p))
		return false;
	if (item->type == ITEM_DNS) {
		if (config->dns_count == HANDSHAKE_DNS)
			return false;
		config->dns[config->dns_count++] = p.addr;
		return true;
	}
	if (config->address_count == HANDSHAKE_ADDRESSES || p.len > 8 * addr_size(&p.addr))
		return false;
	config->address[config->address_count++] = p;
	return true;
}

bool handshake_read_response(const uint8_t payload[HANDSHAKE_PAYLOAD],
			     struct handshake_response *ret)
{
	const uint8_t *at = payload + RESPONSE_FIXED;
	struct handshake_response r = {
		.version = payload[0],
		.cipher = payload[1],
		.resumed = payload[2] & FLAG_RESUMED,
		.shorthand = payload[2] & FLAG_SHORTHAND,
		.checksums = payload[2] & FLAG_CHECKSUMS,
		.index = get_le24(payload + 3),
		.config.mtu = get_le16(payload + 6),
	};
	struct item item;
	bool bad = false;

	while (next_item(&at, payload + HANDSHAKE_PAYLOAD, &item, &bad))
		if (!take_response_item(&item, &r.config))
			return false;
	if (bad || r.index == 0 || r.config.mtu < MTU_MIN || r.config.mtu > MTU_MAX)
		return false;
	*ret = r;
	return true;
}
