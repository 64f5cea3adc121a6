/* message: what is written is read back; what encode would not write is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/message.h"
#include "tap.h"

static struct addr ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse_port(text, 0, &a));
	return a;
}

static struct prefix net(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(text, &p));
	return p;
}

static void long_name(char field[MESSAGE_NAME])
{
	memset(field, 'x', MESSAGE_NAME - 1);
	field[MESSAGE_NAME - 1] = '\0';
}

static struct message setup(void)
{
	struct message m = { .type = MESSAGE_SETUP };

	m.setup.role = MESSAGE_SERVER;
	memset(m.setup.private_key, 0xa5, 32);
	long_name(m.setup.strategy);
	m.setup.copies_ppm = 1000000;
	m.setup.coalesce = true;
	m.setup.mtu = 1280;
	m.setup.address[0] = net("10.84.0.1/24");
	m.setup.address[1] = net("fd84::1/64");
	m.setup.address_count = 2;
	m.setup.dns[0] = ip("2001:db8::53");
	m.setup.dns_count = 1;
	m.setup.pool = MESSAGE_POOL_MIN;
	m.setup.log_level = 7;
	m.setup.peer_count = MESSAGE_PEERS;
	return m;
}

static struct message peer(void)
{
	struct message m = { .type = MESSAGE_PEER };

	m.peer.index = MESSAGE_PEERS - 1;
	long_name(m.peer.name);
	memset(m.peer.public_key, 1, 32);
	memset(m.peer.preshared_key, 2, 32);
	for (size_t i = 0; i < MESSAGE_PREFIXES; i++)
		m.peer.prefix[i] = net("fd84:1234:5678:9abc:def0:1234:5678:9abc/128");
	m.peer.prefix_count = MESSAGE_PREFIXES;
	m.peer.rate = UINT64_MAX;
	return m;
}

static struct message socket_add(void)
{
	struct message m = { .type = MESSAGE_SOCKET_ADD };

	m.socket_add.socket = ENDPOINT_SOCKETS - 1;
	m.socket_add.kind = MESSAGE_SOCKET_PATH;
	strcpy(m.socket_add.link, "wlan0");
	m.socket_add.local = ip("192.0.2.7");
	m.socket_add.remote = ip("198.51.100.1:7474");
	m.socket_add.preferences = (struct message_link){
		.mtu = 1492, .weight = 1000, .priority = 255,
		.tier = MESSAGE_TIER_NEVER, .max_latency_ms = 150, .max_loss_ppm = 1000000,
		.rate = UINT64_MAX, .fixed = true, .metered = true, .interface = 16,
	};
	return m;
}

static struct message event(void)
{
	struct message m = { .type = MESSAGE_EVENT };

	m.event.type = MESSAGE_PATH_ROAMED;
	m.event.peer = 3;
	m.event.path = MESSAGE_PATHS - 1;
	m.event.endpoint.socket = 2;
	m.event.endpoint.local = ip("fe80::1");
	m.event.endpoint.local.scope = 4;
	m.event.endpoint.remote = ip("[2001:db8::9]:40000");
	m.event.tunnel.address[0] = net("10.84.0.2/24");
	m.event.tunnel.address_count = 1;
	m.event.tunnel.mtu = MESSAGE_MTU_MAX;
	return m;
}

static struct message status_path(void)
{
	struct message m = { .type = MESSAGE_STATUS_PATH };
	struct message_status_path *p = &m.status_path;

	p->id = UINT32_MAX;
	p->peer = 255;
	p->path = 15;
	long_name(p->link);
	p->endpoint.remote = ip("[2001:db8::9]:40000");
	p->state = MESSAGE_PATH_DEAD;
	p->state_since = SEC(7);
	p->srtt = MSEC(20);
	p->loss_ppm = 1000000;
	p->tx_bytes = UINT64_MAX;
	p->in_flight = 1;
	p->mtu = UINT16_MAX;
	p->eligible = true;
	return m;
}

static struct message status_drops(void)
{
	struct message m = { .type = MESSAGE_STATUS_DROPS };

	m.status_drops.drop_count = MESSAGE_DROPS;
	for (size_t i = 0; i < MESSAGE_DROPS; i++) {
		long_name(m.status_drops.drop[i].name);
		m.status_drops.drop[i].count = i;
	}
	return m;
}

static size_t samples(struct message *ret)
{
	size_t n = 0;

	ret[n++] = setup();
	ret[n++] = peer();
	ret[n++] = (struct message){ .type = MESSAGE_START };
	ret[n++] = (struct message){ .type = MESSAGE_TUN };
	ret[n++] = (struct message){ .type = MESSAGE_TUN, .tun = { .header = true, .tso = true, .uso = true } };
	ret[n++] = socket_add();
	ret[n++] = (struct message){ .type = MESSAGE_SOCKET_REMOVE, .socket_remove = { 9 } };
	ret[n++] = (struct message){ .type = MESSAGE_LINK_SET,
				     .link_set = { .socket = 1, .link = "lte0", .preferences = { .weight = 75 } } };
	ret[n++] = (struct message){ .type = MESSAGE_PATH_PROBE, .path_probe = { 63 } };
	ret[n++] = (struct message){ .type = MESSAGE_STRATEGY,
				     .strategy = { .id = 77, .name = "weighted" } };
	ret[n++] = (struct message){ .type = MESSAGE_BARRIER, .barrier = { UINT32_MAX } };
	ret[n++] = (struct message){ .type = MESSAGE_STATUS_REQUEST, .status_request = { 5 } };
	ret[n++] = (struct message){ .type = MESSAGE_STOP };
	ret[n++] = (struct message){ .type = MESSAGE_READY };
	ret[n++] = event();
	ret[n++] = (struct message){ .type = MESSAGE_SOCKET_ERROR, .socket_error = {
		.socket = 1, .operation = MESSAGE_ON_PATH, .error = ECONNREFUSED, .count = 3,
		.remote = ip("198.51.100.1:7474") } };
	ret[n++] = (struct message){ .type = MESSAGE_TUN_ERROR, .tun_error = { MESSAGE_ON_RECEIVE, EBADFD } };
	ret[n++] = (struct message){ .type = MESSAGE_ACK, .ack = { .id = 77, .error = -ENOENT } };
	ret[n++] = (struct message){ .type = MESSAGE_STATUS, .status = {
		.id = 5, .now = SEC(9), .role = MESSAGE_CLIENT, .peer_count = 1,
		.pool = MESSAGE_POOL_MAX, .pool_left = MESSAGE_POOL_MAX,
		.gro = true, .sockets = ENDPOINT_SOCKETS, .segmenting = ENDPOINT_SOCKETS,
		.tx_datagrams = 10, .tx_messages = 4, .rx_datagrams = 9, .rx_messages = 3, .threads = 3 } };
	ret[n++] = (struct message){ .type = MESSAGE_STATUS_PEER, .status_peer = {
		.id = 5, .name = "vps", .session = true, .strategy = "failover",
		.address = { net("10.84.0.2/24") }, .address_count = 1, .holes = 4 } };
	ret[n++] = status_path();
	ret[n++] = status_drops();
	ret[n++] = (struct message){ .type = MESSAGE_STATUS_END, .status_end = { 5 } };
	return n;
}

#define SAMPLES	32

static void what_is_written_is_read_back(void **state)
{
	static struct message m[SAMPLES];
	size_t n = samples(m);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		uint8_t first[MESSAGE_MAX], second[MESSAGE_MAX];
		struct message copy;
		int len = message_encode(&m[i], first);

		assert_true(len >= 4 && len <= MESSAGE_MAX);
		assert_int_equal(message_decode(first, (size_t)len, &copy), 0);
		assert_int_equal(copy.type, m[i].type);
		assert_int_equal(message_encode(&copy, second), len);
		assert_memory_equal(first, second, (size_t)len);
	}
}

static void fields_arrive_as_they_were(void **state)
{
	uint8_t data[MESSAGE_MAX];
	struct message m = socket_add(), got;
	int len = message_encode(&m, data);

	(void)state;
	assert_int_equal(message_decode(data, (size_t)len, &got), 0);
	assert_int_equal(got.socket_add.socket, 63);
	assert_string_equal(got.socket_add.link, "wlan0");
	assert_true(addr_equal(&got.socket_add.remote, &m.socket_add.remote));
	assert_true(addr_equal(&got.socket_add.local, &m.socket_add.local));
	assert_int_equal(got.socket_add.preferences.mtu, 1492);
	assert_int_equal(got.socket_add.preferences.weight, 1000);
	assert_int_equal(got.socket_add.preferences.priority, 255);
	assert_int_equal(got.socket_add.preferences.max_latency_ms, 150);
	assert_true(got.socket_add.preferences.rate == UINT64_MAX);
	assert_int_equal(got.socket_add.preferences.tier, MESSAGE_TIER_NEVER);
	assert_int_equal(got.socket_add.preferences.max_loss_ppm, 1000000);
	assert_true(got.socket_add.preferences.fixed && got.socket_add.preferences.metered);
	assert_int_equal(got.socket_add.preferences.interface, 16);
	m = event();
	len = message_encode(&m, data);
	assert_int_equal(message_decode(data, (size_t)len, &got), 0);
	assert_true(endpoint_equal(&got.event.endpoint, &m.event.endpoint));
	assert_true(prefix_equal(&got.event.tunnel.address[0], &m.event.tunnel.address[0]));
	m = (struct message){ .type = MESSAGE_ACK, .ack = { .id = 1, .error = -ENOENT } };
	len = message_encode(&m, data);
	assert_int_equal(message_decode(data, (size_t)len, &got), 0);
	assert_int_equal(got.ack.error, -ENOENT);
}

static void every_cut_and_every_tail_is_refused(void **state)
{
	static struct message m[SAMPLES];
	size_t n = samples(m);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		uint8_t data[MESSAGE_MAX];
		int len = message_encode(&m[i], data);
		struct message got;

		for (size_t cut = 0; cut < (size_t)len; cut++) {
			/* a block of its own size, so that a sanitizer sees a byte too far; honest
			 * about its length, so that the fields are what fails */
			uint8_t *part = malloc(cut + 1);

			memcpy(part, data, cut);
			if (cut >= 4) {
				part[2] = (uint8_t)cut;
				part[3] = (uint8_t)(cut >> 8);
			}
			part = realloc(part, cut > 0 ? cut : 1);
			assert_int_equal(message_decode(part, cut, &got), -EPROTO);
			free(part);
		}
		assert_int_equal(message_decode(data, (size_t)len - 1, &got), -EPROTO);
		if (len < MESSAGE_MAX) {
			data[len] = 0;
			assert_int_equal(message_decode(data, (size_t)len + 1, &got), -EPROTO);
			data[2] = (uint8_t)(len + 1);
			data[3] = (uint8_t)((len + 1) >> 8);
			assert_int_equal(message_decode(data, (size_t)len + 1, &got), -EPROTO);
		}
	}
}

static void unknown_types_are_refused(void **state)
{
	static struct message m[SAMPLES];
	bool known[256] = { false };
	size_t n = samples(m);

	(void)state;
	for (size_t i = 0; i < n; i++)
		known[m[i].type] = true;
	for (unsigned type = 0; type < 256; type++) {
		uint8_t data[4] = { (uint8_t)type, 0, 4, 0 };
		struct message got;
		int error = message_decode(data, 4, &got);

		if (!known[type])
			assert_int_equal(error, -EPROTO);
	}
	m[0].type = (enum message_type)200;
	assert_int_equal(message_encode(&m[0], (uint8_t[MESSAGE_MAX]){ 0 }), -EINVAL);
}

#define REFUSED(make, change) do {					\
		struct message m = make();				\
		uint8_t data[MESSAGE_MAX];				\
									\
		change;							\
		assert_int_equal(message_encode(&m, data), -EINVAL);	\
	} while (0)

static void what_is_out_of_range_is_not_written(void **state)
{
	(void)state;
	REFUSED(setup, m.setup.role = (enum message_role)2);
	REFUSED(setup, m.setup.role = (enum message_role)256);
	REFUSED(setup, memset(m.setup.strategy, 'x', MESSAGE_NAME));
	REFUSED(setup, m.setup.strategy[1] = '\n');
	REFUSED(setup, m.setup.strategy[1] = 0x7f);
	REFUSED(setup, m.setup.copies_ppm = 1000001);
	REFUSED(setup, m.setup.mtu = MESSAGE_MTU_MIN - 1);
	REFUSED(setup, m.setup.mtu = MESSAGE_MTU_MAX + 1);
	REFUSED(setup, m.setup.mtu = 0);
	REFUSED(setup, m.setup.address_count = MESSAGE_ADDRESSES + 1);
	REFUSED(setup, m.setup.address_count = 256 + 1);
	REFUSED(setup, m.setup.address[0].len = 33);
	REFUSED(setup, m.setup.address[1].len = 129);
	REFUSED(setup, m.setup.address[0].addr.family = ADDR_NONE);
	REFUSED(setup, m.setup.address[0].addr.family = 5);
	REFUSED(setup, m.setup.dns_count = MESSAGE_DNS + 1);
	REFUSED(setup, m.setup.dns[0].family = ADDR_NONE);
	REFUSED(setup, m.setup.pool = MESSAGE_POOL_MIN - 1);
	REFUSED(setup, m.setup.pool = MESSAGE_POOL_MAX + 1);
	REFUSED(setup, m.setup.log_level = 2);
	REFUSED(setup, m.setup.log_level = 8);
	REFUSED(setup, m.setup.role = MESSAGE_CLIENT);	/* which has one peer */
	REFUSED(setup, (m.setup.role = MESSAGE_CLIENT, m.setup.peer_count = 0));
	REFUSED(setup, m.setup.peer_count = MESSAGE_PEERS + 1);
	REFUSED(peer, m.peer.index = MESSAGE_PEERS);
	REFUSED(peer, m.peer.prefix_count = MESSAGE_PREFIXES + 1);
	REFUSED(socket_add, m.socket_add.socket = ENDPOINT_SOCKETS);
	REFUSED(socket_add, m.socket_add.kind = (enum message_socket_kind)2);
	REFUSED(socket_add, m.socket_add.remote.port = 0);
	REFUSED(socket_add, m.socket_add.remote = (struct addr){ 0 });
	REFUSED(socket_add, m.socket_add.local = ip("2001:db8::1"));
	REFUSED(socket_add, m.socket_add.kind = MESSAGE_SOCKET_LISTEN);
	REFUSED(socket_add, m.socket_add.preferences.weight = 1001);
	REFUSED(socket_add, m.socket_add.preferences.tier = (enum message_tier)(MESSAGE_TIER_NEVER + 1));
	REFUSED(socket_add, m.socket_add.preferences.max_loss_ppm = 1000001);
	REFUSED(event, m.event.type = (enum message_event_type)(MESSAGE_PATH_ROAMED + 1));
	REFUSED(event, m.event.path = MESSAGE_PATHS);
	REFUSED(event, m.event.tunnel.mtu = 1);
	REFUSED(status_path, m.status_path.state = (enum message_path_state)(MESSAGE_PATH_DEAD + 1));
	REFUSED(status_path, m.status_path.loss_ppm = 1000001);
	REFUSED(status_drops, m.status_drops.drop_count = MESSAGE_DROPS + 1);
}

static void errors_have_a_sign_and_a_range(void **state)
{
	static const struct { int error; bool good; } ack[] = {
		{ 0, true }, { -1, true }, { -MESSAGE_ERRNO_MAX, true },
		{ -MESSAGE_ERRNO_MAX - 1, false }, { 1, false },
	}, tun[] = {
		{ 0, false }, { 1, true }, { MESSAGE_ERRNO_MAX, true },
		{ MESSAGE_ERRNO_MAX + 1, false }, { -1, false },
	};
	uint8_t data[MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ack); i++) {
		struct message m = { .type = MESSAGE_ACK, .ack = { .error = ack[i].error } };

		assert_int_equal(message_encode(&m, data) > 0, ack[i].good);
		m = (struct message){ .type = MESSAGE_TUN_ERROR, .tun_error = { MESSAGE_ON_SEND, tun[i].error } };
		assert_int_equal(message_encode(&m, data) > 0, tun[i].good);
	}
}

/* The value at one byte of an encoded message, changed: refused, or another message. */
static void a_changed_byte_never_decodes_to_something_else_than_it_says(void **state)
{
	static struct message m[SAMPLES];
	size_t n = samples(m);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		uint8_t data[MESSAGE_MAX], again[MESSAGE_MAX];
		int len = message_encode(&m[i], data);

		for (int at = 0; at < len; at++) {
			for (unsigned flip = 1; flip < 256; flip <<= 1) {
				struct message got;

				data[at] ^= (uint8_t)flip;
				if (message_decode(data, (size_t)len, &got) == 0) {
					assert_int_equal(message_encode(&got, again), len);
					assert_memory_equal(again, data, (size_t)len);
				}
				data[at] ^= (uint8_t)flip;
			}
		}
	}
}

static void a_refused_message_leaves_no_secret(void **state)
{
	static const struct message nothing;
	struct message m = setup(), got;
	uint8_t data[MESSAGE_MAX];
	int len = message_encode(&m, data);

	(void)state;
	data[len - 1] = 0xff;	/* peer_count, after the key has been read */
	assert_int_equal(message_decode(data, (size_t)len, &got), -EPROTO);
	assert_memory_equal(&got, &nothing, sizeof(got));
	m.setup.peer_count = MESSAGE_PEERS + 1;
	assert_int_equal(message_encode(&m, data), -EINVAL);
	for (size_t i = 0; i < sizeof(data); i++)
		assert_int_equal(data[i], 0);
}

static void each_type_has_one_sender_and_its_descriptors(void **state)
{
	(void)state;
	assert_true(message_is_from_supervisor(MESSAGE_SETUP));
	assert_true(message_is_from_supervisor(MESSAGE_STOP));
	assert_false(message_is_from_supervisor(MESSAGE_READY));
	assert_false(message_is_from_supervisor(MESSAGE_STATUS_END));
	assert_int_equal(message_fds(MESSAGE_TUN), 1);
	assert_int_equal(message_fds(MESSAGE_SOCKET_ADD), 1);
	assert_int_equal(message_fds(MESSAGE_SETUP), 0);
	assert_int_equal(message_fds(MESSAGE_EVENT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what is written is read back", what_is_written_is_read_back),
		TEST("fields arrive as they were", fields_arrive_as_they_were),
		TEST("every cut and every tail is refused", every_cut_and_every_tail_is_refused),
		TEST("unknown types are refused", unknown_types_are_refused),
		TEST("what is out of range is not written", what_is_out_of_range_is_not_written),
		TEST("errors have a sign and a range", errors_have_a_sign_and_a_range),
		TEST("a changed byte is refused or is another whole message",
		     a_changed_byte_never_decodes_to_something_else_than_it_says),
		TEST("a refused message leaves no secret", a_refused_message_leaves_no_secret),
		TEST("each type has one sender and its descriptors", each_type_has_one_sender_and_its_descriptors),
	};

	return RUN_TESTS(tests);
}
