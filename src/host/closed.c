/* closed: see closed.h. */
#include "host/closed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "host/outside.h"
#include "routing/links.h"
#include "routing/snapshot.h"

bool closed_is_wanted(const struct config *config)
{
	return config->role == CONFIG_CLIENT && config->full_tunnel && config->kill_switch;
}

/* Both families of an interface are one after the other. */
static size_t names(const struct links *links, const char *ret[LINKS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < links->count; i++)
		if (n == 0 || strcmp(ret[n - 1], links->link[i].ifname) != 0)
			ret[n++] = links->link[i].ifname;
	return n;
}

/* The tunnel's own network is where its device is, and nowhere else. */
static size_t networks(const struct config *config, const struct snapshot *s, struct ruleset_network *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s->networks.count; i++) {
		const struct kernel_route *r = &s->networks.item[i];
		const struct kernel_link *l = snapshot_link(s, r->oif);

		if (l != NULL && strcmp(l->name, config->interface) != 0)
			ret[n++] = (struct ruleset_network){ .name = l->name, .prefix = r->dst };
	}
	return n;
}

int closed_ruleset(const struct config *config, const struct outside *outside, const struct snapshot *s,
		   const struct links *links, struct ruleset *ret)
{
	struct ruleset_network *network = calloc(SNAPSHOT_NETWORKS, sizeof(*network));
	const char *link[LINKS_MAX];
	const struct ruleset_closed_options o = {
		.tun = config->interface, .fwmark = config->marks.fwmark,
		.link = link, .link_count = names(links, link),
		.network = network, .network_count = network != NULL ? networks(config, s, network) : 0,
		.outside = config->outside, .outside_count = config->outside_count,
		.uids = outside->uids, .uids_count = outside->uids_count,
	};
	int err = network != NULL ? ruleset_closed(&o, ret) : -ENOMEM;

	free(network);
	return err;
}
