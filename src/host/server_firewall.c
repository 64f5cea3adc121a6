/* server_firewall: see server_firewall.h. */
#include "host/server_firewall.h"

#include "config/config.h"
#include "nft/ruleset.h"

static const struct prefix *first_of(const struct config_peer *peer, uint8_t family)
{
	for (size_t i = 0; i < peer->prefix_count; i++)
		if (peer->prefix[i].addr.family == family)
			return &peer->prefix[i];
	return NULL;
}

/* A port leads to the client's address of either family. */
static size_t forwards(const struct config *c, struct ruleset_forward ret[2 * CONFIG_FORWARDS])
{
	static const uint8_t families[] = { ADDR_IPV4, ADDR_IPV6 };
	size_t n = 0;

	for (size_t i = 0; i < c->forward_count; i++)
		for (size_t k = 0; k < 2; k++) {
			const struct config_forward *f = &c->forward[i];
			const struct prefix *to = first_of(&c->peer[f->peer], families[k]);

			if (to == NULL)
				continue;
			ret[n] = (struct ruleset_forward){ .protocol = f->protocol, .port = f->port, .to = to->addr };
			ret[n++].to.port = f->to_port;
		}
	return n;
}

int server_firewall(const struct config *c, struct ruleset *ret)
{
	struct ruleset_forward forward[2 * CONFIG_FORWARDS];
	const struct ruleset_server_options o = {
		.tun = c->interface, .inner = c->address, .inner_count = c->address_count,
		.masquerade_ipv4 = true, .masquerade_ipv6 = true,
		.routed = c->routed, .routed_count = c->routed_count, .isolate = c->isolation,
		.forward = forward, .forward_count = forwards(c, forward),
	};

	int err = ruleset_server(&o, ret);

	/* a run that is killed leaves it to the next one: without it their connections would end */
	if (err == 0)
		ret->persist = true;
	return err;
}
