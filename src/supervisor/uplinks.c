/* uplinks: see uplinks.h. */
#include "supervisor/uplinks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "io/open.h"
#include "supervisor/preferences.h"

static bool is_among(const struct addr *a, const struct addr *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (addr_equal(&list[i], a))
			return true;
	return false;
}

void uplinks_set_endpoints(struct uplinks *u, const struct addr *addr, size_t count)
{
	struct addr known[UPLINKS_ENDPOINTS];
	size_t n = u->endpoint_count;

	memcpy(known, u->endpoint, sizeof(known));
	u->endpoint_count = 0;
	for (size_t i = 0; i < n; i++)
		if (is_among(&known[i], addr, count))
			u->endpoint[u->endpoint_count++] = known[i];
	for (size_t i = 0; i < count && u->endpoint_count < UPLINKS_ENDPOINTS; i++)
		if (!is_among(&addr[i], u->endpoint, u->endpoint_count))
			u->endpoint[u->endpoint_count++] = addr[i];
}

static const struct link *link_at(const struct links *links, unsigned slot)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->link[i].slot == slot)
			return &links->link[i];
	return NULL;
}

/* The interface's: the lowest slot of its links, from 1 on. */
static uint8_t interface_number(const struct links *links, const struct link *l)
{
	unsigned lowest = l->slot;

	for (size_t i = 0; i < links->count; i++)
		if (links->link[i].index == l->index && links->link[i].slot < lowest)
			lowest = links->link[i].slot;
	return (uint8_t)(lowest + 1);
}

static struct message_link wish_of(const struct preferences *preferences, const struct links *links,
				   const struct link *l)
{
	struct message_link wish = preferences_message(preferences, l->ifname, l->mtu);

	wish.interface = interface_number(links, l);
	return wish;
}

static bool fits(const struct uplinks *u, unsigned number, const struct link *l)
{
	return l != NULL && u->socket[number].index == l->index &&
	       addr_same_host(&u->socket[number].source, &l->source) &&
	       number % UPLINKS_ENDPOINTS < u->endpoint_count &&
	       addr_equal(&u->endpoint[number % UPLINKS_ENDPOINTS], &u->socket[number].remote);
}

static void close_socket(struct uplinks *u, unsigned number, struct channel *worker)
{
	struct message m = { .type = MESSAGE_SOCKET_REMOVE, .socket_remove.socket = (uint8_t)number };

	if (!u->quiet)
		log_info("%s: left", u->socket[number].ifname);
	channel_send(worker, &m, -1);
	u->socket[number].open = false;
}

static void open_socket(struct uplinks *u, unsigned number, const struct link *l, const struct config *config,
			const struct message_link *wish, struct channel *worker)
{
	const struct addr *to = &u->endpoint[number % UPLINKS_ENDPOINTS];
	const struct open_udp_options options = {
		.local = l->source, .device = l->ifname, .mark = config->marks.fwmark,
		.one_by_one = !config->offload,
	};
	struct message m = { .type = MESSAGE_SOCKET_ADD };
	int fd = open_udp(&options), err;

	u->socket[number].error = fd < 0 ? -fd : 0;
	if (fd < 0) {
		if (!u->quiet)
			log_warning("%s: cannot open a socket: %s", l->ifname, strerror(-fd));
		return;
	}
	m.socket_add.socket = (uint8_t)number;
	m.socket_add.kind = MESSAGE_SOCKET_PATH;
	text_copy(m.socket_add.link, sizeof(m.socket_add.link), l->ifname);
	m.socket_add.local = l->source;
	m.socket_add.remote = *to;
	m.socket_add.preferences = *wish;
	err = channel_send(worker, &m, fd);
	close(fd);
	if (err < 0) {
		log_warning("%s: cannot hand its socket to the worker: %s", l->ifname, strerror(-err));
		return;
	}
	u->socket[number].open = true;
	u->socket[number].index = l->index;
	u->socket[number].source = l->source;
	u->socket[number].remote = *to;
	u->socket[number].preferences = m.socket_add.preferences;
	text_copy(u->socket[number].ifname, sizeof(u->socket[number].ifname), l->ifname);
	if (!u->quiet)
		log_info("%s: joins", l->ifname);
}

static bool are_same(const struct message_link *a, const struct message_link *b)
{
	return a->mtu == b->mtu && a->weight == b->weight && a->priority == b->priority && a->tier == b->tier &&
	       a->max_latency_ms == b->max_latency_ms && a->max_loss_ppm == b->max_loss_ppm &&
	       a->rate == b->rate && a->fixed == b->fixed && a->metered == b->metered && a->interface == b->interface;
}

/* A renamed interface keeps its sockets. */
static void update_socket(struct uplinks *u, unsigned number, const struct link *l,
			  const struct message_link *wish, struct channel *worker)
{
	struct message m = { .type = MESSAGE_LINK_SET, .link_set.socket = (uint8_t)number };
	bool renamed = strcmp(u->socket[number].ifname, l->ifname) != 0;

	if (!renamed && are_same(&u->socket[number].preferences, wish))
		return;
	m.link_set.preferences = *wish;
	text_copy(m.link_set.link, sizeof(m.link_set.link), l->ifname);
	if (channel_send(worker, &m, -1) < 0)	/* the next event tries again */
		return;
	if (renamed)
		log_info("%s: is called %s now", u->socket[number].ifname, l->ifname);
	u->socket[number].preferences = *wish;
	text_copy(u->socket[number].ifname, sizeof(u->socket[number].ifname), l->ifname);
}

/* Close what has no link or address any more.  Each leaves room for one that was refused for want of it. */
static void close_stale(struct uplinks *u, const struct links *links, struct channel *worker)
{
	bool closed = false;

	for (unsigned n = 0; n < ENDPOINT_SOCKETS; n++) {
		if (!u->socket[n].open || fits(u, n, link_at(links, n / UPLINKS_ENDPOINTS)))
			continue;
		close_socket(u, n, worker);
		closed = true;
	}
	for (unsigned n = 0; n < ENDPOINT_SOCKETS && closed; n++)
		if (u->socket[n].error == ENOSPC)
			u->socket[n].error = 0;
}

size_t uplinks_sync(struct uplinks *u, const struct links *links, const struct preferences *preferences,
		    struct channel *worker)
{
	size_t open = 0;

	close_stale(u, links, worker);
	/* every link gets its first address before any gets its second: paths are not without end */
	for (unsigned i = 0; i < ENDPOINT_SOCKETS; i++) {
		unsigned e = i / LINKS_MAX, n = i % LINKS_MAX * UPLINKS_ENDPOINTS + e;
		const struct link *l = link_at(links, n / UPLINKS_ENDPOINTS);
		struct message_link wish;

		if (l == NULL || e >= u->endpoint_count || u->endpoint[e].family != l->family)
			continue;
		wish = wish_of(preferences, links, l);
		if (u->socket[n].open)
			update_socket(u, n, l, &wish, worker);
		else if (u->socket[n].error != ENOSPC)
			open_socket(u, n, l, preferences->config, &wish, worker);
		open += u->socket[n].open;
	}
	return open;
}

/* Bits of what there is: 1 IPv4, 2 IPv6. */
static unsigned family_bit(uint8_t family)
{
	return family == ADDR_IPV4 ? 1 : family == ADDR_IPV6 ? 2 : 0;
}

static unsigned families_of_server(const struct uplinks *u)
{
	unsigned bits = 0;

	for (size_t i = 0; i < u->endpoint_count; i++)
		bits |= family_bit(u->endpoint[i].family);
	return bits;
}

/* The socket's error that keeps a link from being used; 0: none. */
static int error_of(const struct uplinks *u, unsigned slot)
{
	int error = 0;

	for (unsigned e = 0; e < UPLINKS_ENDPOINTS; e++) {
		unsigned n = slot * UPLINKS_ENDPOINTS + e;

		if (u->socket[n].open)
			return 0;
		error = u->socket[n].error != 0 ? u->socket[n].error : error;
	}
	return error;
}

const char *uplinks_why_not(const struct uplinks *u, const struct links *links, const char *ifname,
			    char buf[UPLINKS_REASON])
{
	unsigned bits = 0, server = families_of_server(u);
	int error = 0;

	for (size_t i = 0; i < links->count; i++) {
		if (strcmp(links->link[i].ifname, ifname) != 0)
			continue;
		bits |= family_bit(links->link[i].family);
		error = error != 0 ? error : error_of(u, links->link[i].slot);
	}
	if (bits != 0 && server != 0 && (bits & server) == 0)
		return bits == 1 ? "has only IPv4, and the server only an IPv6 address" :
				   "has only IPv6, and the server only an IPv4 address";
	if (error == 0)
		return NULL;
	if (error == ENOSPC)
		return "no path is free: 16 are in use";
	snprintf(buf, UPLINKS_REASON, "cannot open a socket there: %s", strerror(error));
	return buf;
}

void uplinks_forget(struct uplinks *u)
{
	memset(u->socket, 0, sizeof(u->socket));
}

void uplinks_note_error(struct uplinks *u, const struct message_socket_error *e)
{
	if (e->operation == MESSAGE_ON_ADD) {	/* ENOSPC: no path is free; it is tried again when one may be */
		u->socket[e->socket].open = false;
		u->socket[e->socket].error = e->error;
		return;
	}
	if (e->operation != MESSAGE_ON_PATH)
		return;
	u->refused = e->error;
	u->refused_by = e->remote;
	memcpy(u->refused_link, u->socket[e->socket].ifname, sizeof(u->refused_link));
}
