/* blocked: see blocked.h. */
#include "supervisor/blocked.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "nft/commit.h"
#include "nft/ruleset.h"
#include "nft/trace.h"

#define PORTS	16
#define FRESH	SEC(30)		/* what was seen longer ago may be over */

static const struct {
	const char *chain, *client, *server;
} kind[BLOCKED_KINDS] = {
	{ "out", "what the tunnel sends", "what the tunnel sends" },
	{ "in", "the server's datagrams", "the clients' datagrams" },
	{ "through", "what goes through the tunnel", "the clients' packets" },
};

/* Of all servers, each once. */
static size_t find_ports(const struct config *config, uint16_t ret[PORTS])
{
	size_t n = 0;

	for (size_t i = 0; i < config->peer_count; i++)
		for (size_t k = 0; k < config->peer[i].endpoint_count && n < PORTS; k++) {
			size_t at = 0;

			while (at < n && ret[at] != config->peer[i].endpoint[k].port)
				at++;
			if (at == n)
				ret[n++] = config->peer[i].endpoint[k].port;
		}
	return n;
}

void blocked_begin(struct blocked *b, const struct config *config)
{
	uint16_t port[PORTS];
	const struct ruleset_traced_options o = {
		.tun = config->interface, .fwmark = config->marks.fwmark, .listen = config->listen,
		.port = port, .port_count = find_ports(config, port),
	};
	char error[COMMIT_ERROR];
	struct ruleset r = { 0 };
	bool good = ruleset_traced(&o, &r) == 0 && commit_new(&b->commit) == 0 &&
		    trace_new(r.table, &b->trace) == 0 && commit_apply(b->commit, &r, error) == 0;

	b->server = config->role == CONFIG_SERVER;
	ruleset_traced_name(config->interface, b->table);
	ruleset_done(&r);
	if (!good)
		blocked_end(b);
}

/* Before Linux 5.12 the table does not go with its socket. */
void blocked_end(struct blocked *b)
{
	char error[COMMIT_ERROR];

	if (b->commit != NULL && !commit_has_owner(b->commit))
		commit_remove(b->commit, b->table, error);
	commit_free(b->commit);
	trace_free(b->trace);
	b->commit = NULL;
	b->trace = NULL;
}

int blocked_fd(const struct blocked *b)
{
	return b->trace != NULL ? trace_fd(b->trace) : -1;
}

static size_t kind_of(const struct trace_drop *d)
{
	size_t n = 0;

	while (n < BLOCKED_KINDS && strcmp(kind[n].chain, d->kind) != 0)
		n++;
	return n;
}

const char *blocked_read(struct blocked *b, nsec_t now)
{
	const char *news = NULL;
	struct trace_drop d;

	while (b->trace != NULL && trace_next(b->trace, &d)) {
		size_t n = kind_of(&d);
		bool known;

		if (n == BLOCKED_KINDS)
			continue;
		known = b->drop[n].at != 0 && nsec_since(b->drop[n].at, now) < FRESH;
		b->drop[n].at = now;
		snprintf(b->drop[n].text, sizeof(b->drop[n].text), "table %s %.24s, chain %.24s: %s drops %s", d.family,
			 d.table, d.chain, d.policy ? "its policy" : "a rule", b->server ? kind[n].server : kind[n].client);
		if (!known)
			news = b->drop[n].text;
	}
	return news;
}

const char *blocked_now(const struct blocked *b, size_t n, nsec_t now)
{
	for (size_t i = 0; i < BLOCKED_KINDS; i++)
		if (b->drop[i].at != 0 && nsec_since(b->drop[i].at, now) < FRESH && n-- == 0)
			return b->drop[i].text;
	return NULL;
}
