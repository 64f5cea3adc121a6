/*
 * status_json: see status_json.h.  One table per struct says which field has
 * which name; writing and reading both follow it.
 */
#include "control/status_json.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

enum kind { TEXT, BOOL, U16, U8, I32, U32, U64, TIME, AGE, ADDR };

struct field {
	const char *name;
	enum kind kind;
	size_t at, size;
};

#define FIELD(type, member, kind) { #member, kind, offsetof(struct type, member), sizeof(((struct type *)0)->member) }
#define P(member, kind) FIELD(status_path, member, kind)
#define L(member, kind) FIELD(status_link, member, kind)
#define E(member, kind) FIELD(status_peer, member, kind)
#define S(member, kind) FIELD(status, member, kind)

static const struct field path_field[] = {
	P(link, TEXT), P(id, U8), P(local, ADDR), P(remote, ADDR), P(state, TEXT), P(state_age, TIME),
	P(srtt, TIME), P(min_rtt, TIME), P(loss_ppm, U32), P(tx_packets, U64), P(tx_bytes, U64),
	P(rx_packets, U64), P(rx_bytes, U64), P(lost_packets, U64), P(tx_rate, U64), P(rx_rate, U64),
	P(share_ppm, U32), P(in_flight, U64), P(mtu, U16), P(eligible, BOOL), P(unfit, BOOL),
	P(ecn, TEXT), P(marked, U64), P(tier, TEXT), P(weight, U16), P(priority, U8),
	P(max_latency, TIME), P(max_loss_ppm, U32),
};

static const struct field link_field[] = {
	L(name, TEXT), L(present, BOOL), L(changed, BOOL), L(tier, TEXT), L(priority, U8), L(weight, U16),
	L(max_latency, TIME), L(max_loss_ppm, U32), L(rate, U64), L(congestion, TEXT), L(metered, BOOL),
	L(budget, U64), L(budget_used, U64), L(budget_left, U64), L(budget_reset, U8), L(budget_until, TEXT),
	L(settings, TEXT), L(reason, TEXT),
};

static const struct field peer_field[] = {
	E(name, TEXT), E(public_key, TEXT), E(state, TEXT), E(strategy, TEXT), E(session_age, AGE),
	E(handshake_age, AGE), E(tx_packets, U64), E(tx_bytes, U64), E(rx_packets, U64), E(rx_bytes, U64),
	E(held, U64), E(holes, U64),
};

static const struct field status_field[] = {
	S(interface, TEXT), S(role, TEXT), S(state, TEXT), S(reason, TEXT), S(strategy, TEXT),
	S(state_age, TIME), S(uptime, TIME), S(mtu, U16), S(listen, U16), S(full_tunnel, BOOL),
	S(kill_switch, BOOL), S(supervisor_pid, I32), S(worker_pid, I32), S(worker_restarts, U32),
	S(pool, U32), S(pool_left, U32), S(offload_tun, TEXT), S(offload_udp, TEXT),
	S(udp_tx_datagrams, U64), S(udp_tx_messages, U64), S(udp_rx_datagrams, U64), S(udp_rx_messages, U64),
	S(threads, U8),
};

/* --- one field ------------------------------------------------------------ */

static json_t *time_to_json(nsec_t time)
{
	return json_real((double)time / NSEC_PER_MSEC);
}

static json_t *field_to_json(const struct field *f, const void *of)
{
	const void *at = (const char *)of + f->at;
	char text[ADDR_TEXT];

	switch (f->kind) {
	case TEXT:	return json_string(at);
	case BOOL:	return json_boolean(*(const bool *)at);
	case U8:	return json_integer(*(const uint8_t *)at);
	case U16:	return json_integer(*(const uint16_t *)at);
	case I32:	return json_integer(*(const int32_t *)at);
	case U32:	return json_integer(*(const uint32_t *)at);
	case U64:	return json_integer((json_int_t)*(const uint64_t *)at);
	case TIME:	return time_to_json(*(const nsec_t *)at);
	case AGE:	return *(const nsec_t *)at == STATUS_NEVER ? json_null() : time_to_json(*(const nsec_t *)at);
	case ADDR:	return ((const struct addr *)at)->family == ADDR_NONE ? json_null() :
			       json_string(addr_print(at, text));
	}
	return NULL;
}

static bool text_from_json(const json_t *value, char *at, size_t size)
{
	if (!json_is_string(value) || json_string_length(value) >= size)
		return false;
	text_copy(at, size, json_string_value(value));
	return true;
}

static bool number_from_json(const struct field *f, const json_t *value, void *at)
{
	json_int_t n = json_integer_value(value);
	int64_t max = f->kind == U8 ? UINT8_MAX : f->kind == U16 ? UINT16_MAX : f->kind == I32 ? INT32_MAX :
		      f->kind == U32 ? UINT32_MAX : INT64_MAX;

	if (!json_is_integer(value) || n < 0 || n > max)
		return false;
	switch (f->size) {
	case 1:	*(uint8_t *)at = (uint8_t)n; break;
	case 2:	*(uint16_t *)at = (uint16_t)n; break;
	case 4:	*(uint32_t *)at = (uint32_t)n; break;
	default: *(uint64_t *)at = (uint64_t)n; break;
	}
	return true;
}

static bool time_from_json(const json_t *value, nsec_t *at)
{
	double ms = json_number_value(value);

	if (!json_is_number(value) || ms < 0 || ms > 1e15)
		return false;
	*at = (nsec_t)(ms * NSEC_PER_MSEC + 0.5);
	return true;
}

static bool field_from_json(const struct field *f, const json_t *value, void *of)
{
	void *at = (char *)of + f->at;

	if (value == NULL)
		return true;	/* an older daemon does not say it */
	switch (f->kind) {
	case TEXT:
		return text_from_json(value, at, f->size);
	case BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value);
	case TIME:
		return time_from_json(value, at);
	case AGE:
		*(nsec_t *)at = STATUS_NEVER;
		return json_is_null(value) || time_from_json(value, at);
	case ADDR:
		return json_is_null(value) ||
		       (json_is_string(value) && addr_parse_port(json_string_value(value), 0, at));
	default:
		return number_from_json(f, value, at);
	}
}

static json_t *fields_to_json(const struct field *f, size_t count, const void *of)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, f[i].name, field_to_json(&f[i], of));
	return object;
}

static bool fields_from_json(const struct field *f, size_t count, const json_t *object, void *of)
{
	if (!json_is_object(object))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!field_from_json(&f[i], json_object_get(object, f[i].name), of))
			return false;
	return true;
}

/* --- lists ---------------------------------------------------------------- */

static json_t *prefixes_to_json(const struct prefix *p, size_t count)
{
	json_t *list = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(prefix_print(&p[i], text)));
	return list;
}

static bool prefixes_from_json(const json_t *list, struct prefix *ret, size_t *ret_count)
{
	*ret_count = json_array_size(list);
	if (*ret_count > STATUS_ADDRESSES)
		return false;
	for (size_t i = 0; i < *ret_count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text == NULL || !prefix_parse(text, &ret[i]))
			return false;
	}
	return true;
}

static json_t *peer_to_json(const struct status_peer *peer)
{
	json_t *object = fields_to_json(peer_field, ARRAY_SIZE(peer_field), peer), *paths = json_array();

	for (size_t i = 0; i < peer->path_count; i++)
		json_array_append_new(paths, fields_to_json(path_field, ARRAY_SIZE(path_field), &peer->path[i]));
	json_object_set_new(object, "address", prefixes_to_json(peer->address, peer->address_count));
	json_object_set_new(object, "paths", paths);
	return object;
}

static bool peer_from_json(const json_t *object, struct status_peer *ret)
{
	const json_t *paths = json_object_get(object, "paths");

	if (!fields_from_json(peer_field, ARRAY_SIZE(peer_field), object, ret) ||
	    !prefixes_from_json(json_object_get(object, "address"), ret->address, &ret->address_count) ||
	    json_array_size(paths) > STATUS_PATHS)
		return false;
	for (; ret->path_count < json_array_size(paths); ret->path_count++)
		if (!fields_from_json(path_field, ARRAY_SIZE(path_field), json_array_get(paths, ret->path_count),
				      &ret->path[ret->path_count]))
			return false;
	return true;
}

json_t *status_to_json(const struct status *s)
{
	json_t *object = fields_to_json(status_field, ARRAY_SIZE(status_field), s);
	json_t *peers = json_array(), *unused = json_array(), *drops = json_object(), *notes = json_array();
	json_t *dns = json_array(), *links = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < s->peer_count; i++)
		json_array_append_new(peers, peer_to_json(&s->peer[i]));
	for (size_t i = 0; i < s->unused_count; i++)
		json_array_append_new(unused, json_pack("{s:s,s:s}", "link", s->unused[i].link, "reason",
							s->unused[i].reason));
	for (size_t i = 0; i < s->link_count; i++)
		json_array_append_new(links, fields_to_json(link_field, ARRAY_SIZE(link_field), &s->link[i]));
	for (size_t i = 0; i < s->drop_count; i++)
		json_object_set_new(drops, s->drop[i].name, json_integer((json_int_t)s->drop[i].count));
	for (size_t i = 0; i < s->note_count; i++)
		json_array_append_new(notes, json_string(s->note[i]));
	for (size_t i = 0; i < s->dns_count; i++)
		json_array_append_new(dns, json_string(addr_print(&s->dns[i], text)));
	json_object_set_new(object, "address", prefixes_to_json(s->address, s->address_count));
	json_object_set_new(object, "dns", dns);
	json_object_set_new(object, "peers", peers);
	json_object_set_new(object, "links", links);
	json_object_set_new(object, "unused", unused);
	json_object_set_new(object, "drops", drops);
	json_object_set_new(object, "notes", notes);
	return object;
}

static bool links_from_json(const json_t *list, struct status *s)
{
	if (json_array_size(list) > STATUS_LINKS)
		return false;
	for (; s->link_count < json_array_size(list); s->link_count++)
		if (!fields_from_json(link_field, ARRAY_SIZE(link_field), json_array_get(list, s->link_count),
				      &s->link[s->link_count]))
			return false;
	return true;
}

static bool lists_from_json(const json_t *object, struct status *s)
{
	const json_t *unused = json_object_get(object, "unused"), *notes = json_object_get(object, "notes");
	const json_t *dns = json_object_get(object, "dns"), *value;
	const char *name;

	for (size_t i = 0; i < json_array_size(unused) && i < STATUS_UNUSED; i++, s->unused_count++)
		if (!text_from_json(json_object_get(json_array_get(unused, i), "link"), s->unused[i].link, STATUS_NAME) ||
		    !text_from_json(json_object_get(json_array_get(unused, i), "reason"), s->unused[i].reason,
				    STATUS_REASON))
			return false;
	for (size_t i = 0; i < json_array_size(notes) && i < STATUS_NOTES; i++, s->note_count++)
		if (!text_from_json(json_array_get(notes, i), s->note[i], STATUS_NOTE))
			return false;
	for (size_t i = 0; i < json_array_size(dns) && i < STATUS_ADDRESSES; i++, s->dns_count++)
		if (!json_is_string(json_array_get(dns, i)) ||
		    !addr_parse(json_string_value(json_array_get(dns, i)), &s->dns[i]))
			return false;
	json_object_foreach((json_t *)json_object_get(object, "drops"), name, value) {
		if (s->drop_count == STATUS_DROPS)
			break;
		text_copy(s->drop[s->drop_count].name, STATUS_NAME, name);
		s->drop[s->drop_count++].count = (uint64_t)json_integer_value(value);
	}
	return true;
}

int status_from_json(const json_t *object, struct status *ret)
{
	const json_t *peers = json_object_get(object, "peers");
	struct status s = { 0 };
	bool good = fields_from_json(status_field, ARRAY_SIZE(status_field), object, &s) &&
		    prefixes_from_json(json_object_get(object, "address"), s.address, &s.address_count) &&
		    links_from_json(json_object_get(object, "links"), &s) && lists_from_json(object, &s) && json_array_size(peers) <= STATUS_PEERS;

	for (size_t i = 0; good && i < json_array_size(peers); i++) {
		struct status_peer *peer = status_add_peer(&s);

		if (peer == NULL) {
			status_done(&s);
			return -ENOMEM;
		}
		good = peer_from_json(json_array_get(peers, i), peer);
	}
	if (!good) {
		status_done(&s);
		return -EPROTO;
	}
	*ret = s;
	return 0;
}
