/* Whole datagrams from strangers, at a server and at a client that is asking. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	(void)ctx;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rand();
}

static struct engine *start(enum engine_role role, struct buf_pool *pool)
{
	struct engine_peer_config peer = { .name = "peer", .public_key = { 9 } };
	struct engine_config config = {
		.role = role, .strategy = "round-robin", .mtu = 1420, .peer = &peer, .peer_count = 1,
		.random = { fill, NULL }, .pool = pool, .private_key = { 1 },
	};
	struct engine *e = engine_new(&config, SEC(1));

	if (e == NULL)
		abort();
	return e;
}

static void drain(struct engine *e, nsec_t now)
{
	struct endpoint to;
	struct engine_event event;
	struct buf *b;

	while ((b = engine_net_out(e, now, &to)) != NULL)
		buf_put(b);
	while ((b = engine_tun_out(e, now)) != NULL)
		buf_put(b);
	while (engine_event_out(e, &event))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf_pool *pool;
	static struct engine *end[2];
	static nsec_t now = SEC(1);
	const struct engine_link link = { 0 };
	struct endpoint from = { .remote = { .family = ADDR_IPV4, .port = 7474 } };

	if (pool == NULL) {
		if (sodium_init() < 0 || (pool = buf_pool_new(ENGINE_BUFS_MIN)) == NULL)
			abort();
		end[0] = start(ENGINE_SERVER, pool);
		end[1] = start(ENGINE_CLIENT, pool);
		engine_path_add(end[1], &from, &link, now);
	}
	now += MSEC(1);
	for (unsigned i = 0; i < 2; i++) {
		struct buf *b = buf_get(pool);

		if (b == NULL)
			abort();	/* a leak */
		memcpy(buf_append(b, size < 1900 ? size : 1900), data, size < 1900 ? size : 1900);
		engine_net_in(end[i], &from, b, now);
		b = buf_get(pool);
		memcpy(buf_append(b, size < 1900 ? size : 1900), data, size < 1900 ? size : 1900);
		engine_tun_in(end[i], b, now);
		engine_tick(end[i], now);
		drain(end[i], now);
	}
	return 0;
}
