/* resolver: see resolver.h.  c-ares speaks DNS; the loop is ours. */
#include "host/resolver.h"

#include <ares.h>
#include <ev.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/resolv_conf.h"

#define SERVERS		8
#define LANES		(LINKS_MAX + 1)
#define SOCKETS		24	/* of one lane at a time */
#define TRY_MS		1000	/* for an answer; */
#define TRIES		3	/* each server is asked so often, and given twice the time */
#define FOUND		16	/* addresses of one answer that are looked at */

/* One way to ask: a link, or (no name) this host. */
struct lane {
	struct resolver *resolver;
	ares_channel channel;
	char ifname[SNAPSHOT_NAME];
	ev_io socket[SOCKETS];
	ev_timer timer;
};

struct question {
	struct resolver *resolver;
	unsigned name;
	struct question *next;
};

struct resolver {
	struct ev_loop *loop;
	uint32_t mark;
	struct resolver_owner owner;
	struct addr former[SERVERS];
	size_t former_count;
	struct lane lane[LANES];
	size_t lanes;
	size_t pending;
	struct question *questions;
	ev_timer finished;
};

/* --- servers ---------------------------------------------------------------- */

static bool is_loopback(const struct addr *a)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return a->family == ADDR_IPV4 ? a->ip[0] == 127 : memcmp(a->ip, v6, 16) == 0;
}

static bool is_among(const struct addr *a, const struct addr *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (addr_same_host(a, &list[i]))
			return true;
	return false;
}

/* Those of the host, not those of its tunnels: what they kept of the host's is in the same file. */
static size_t read_servers(const char *path, struct addr ret[SERVERS])
{
	int err;
	char *whole = resolv_conf_read(path, &err), word[80];
	bool none;
	char *text = whole != NULL ? resolv_conf_without(whole, NULL, &none) : NULL;
	size_t n = 0;

	for (const char *at = text; at != NULL && n < SERVERS; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (sscanf(at, "nameserver %79s", word) == 1 && addr_parse(word, &ret[n]))
			n++;
	}
	free(text);
	free(whole);
	return n;
}

/* Behind the stub of systemd-resolved stand others, who can be asked by link. */
static size_t present_servers(struct addr ret[SERVERS])
{
	static const uint8_t stub[4] = { 127, 0, 0, 53 };
	struct addr behind[SERVERS];
	size_t n = read_servers(RESOLV_CONF, ret), more;

	if (n != 1 || ret[0].family != ADDR_IPV4 || memcmp(ret[0].ip, stub, 4) != 0)
		return n;
	more = read_servers("/run/systemd/resolve/resolv.conf", behind);
	for (size_t i = 0; i < more && n < SERVERS; i++)
		ret[n++] = behind[i];
	return n;
}

static size_t servers(const struct resolver *r, const struct addr *not, size_t not_count, struct addr ret[SERVERS])
{
	struct addr all[SERVERS];
	size_t count = present_servers(all), n = 0;

	for (size_t i = 0; i < count; i++)
		if (!is_among(&all[i], not, not_count))
			ret[n++] = all[i];
	if (n > 0)
		return n;
	memcpy(ret, r->former, sizeof(r->former));
	return r->former_count;
}

/* --- lanes ------------------------------------------------------------------- */

static void set_timer(struct lane *l)
{
	struct timeval tv, *at = ares_timeout(l->channel, NULL, &tv);
	struct ev_loop *loop = l->resolver->loop;

	ev_timer_stop(loop, &l->timer);
	if (at == NULL)
		return;
	ev_timer_set(&l->timer, (double)at->tv_sec + (double)at->tv_usec / 1e6, 0.0);
	ev_timer_start(loop, &l->timer);
}

static void on_socket(struct ev_loop *loop, ev_io *io, int events)
{
	struct lane *l = io->data;
	int fd = io->fd;

	(void)loop;
	ares_process_fd(l->channel, events & EV_READ ? fd : ARES_SOCKET_BAD, events & EV_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(l);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct lane *l = t->data;

	(void)loop;
	(void)events;
	ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(l);
}

static void watch(void *data, ares_socket_t fd, int readable, int writable)
{
	struct lane *l = data;
	ev_io *free = NULL, *own = NULL;

	for (size_t i = 0; i < SOCKETS; i++) {
		if (!ev_is_active(&l->socket[i]))
			free = &l->socket[i];
		else if (l->socket[i].fd == fd)
			own = &l->socket[i];
	}
	if (own == NULL)
		own = free;
	if (own == NULL)
		return;		/* it will time out */
	ev_io_stop(l->resolver->loop, own);
	if (!readable && !writable)
		return;
	ev_io_set(own, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	ev_io_start(l->resolver->loop, own);
}

static int prepare_socket(ares_socket_t fd, int type, void *data)
{
	const struct lane *l = data;
	const uint32_t mark = l->resolver->mark;

	(void)type;
	if (l->ifname[0] == '\0')
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, l->ifname, (socklen_t)strlen(l->ifname) + 1);
}

static bool give_servers(struct lane *l, const struct addr *server, size_t count)
{
	struct ares_addr_node node[SERVERS] = { 0 };

	for (size_t i = 0; i < count; i++) {
		node[i].next = i + 1 < count ? &node[i + 1] : NULL;
		node[i].family = server[i].family == ADDR_IPV4 ? AF_INET : AF_INET6;
		memcpy(&node[i].addr, server[i].ip, addr_size(&server[i]));
	}
	return ares_set_servers(l->channel, node) == ARES_SUCCESS;
}

static void add_lane(struct resolver *r, const char *ifname, const struct addr *server, size_t count)
{
	struct lane *l = &r->lane[r->lanes];
	struct ares_options o = { .timeout = TRY_MS, .tries = TRIES, .sock_state_cb = watch, .sock_state_cb_data = l };

	if (r->lanes == LANES)
		return;
	*l = (struct lane){ .resolver = r };
	snprintf(l->ifname, sizeof(l->ifname), "%s", ifname);
	for (size_t i = 0; i < SOCKETS; i++) {
		ev_init(&l->socket[i], on_socket);
		l->socket[i].data = l;
	}
	ev_init(&l->timer, on_timer);
	l->timer.data = l;
	if (ares_init_options(&l->channel, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS)
		return;
	ares_set_socket_configure_callback(l->channel, prepare_socket, l);
	if (count == 0 || give_servers(l, server, count))
		r->lanes++;
	else
		ares_destroy(l->channel);
}

static bool has_lane(const struct resolver *r, const char *ifname)
{
	for (size_t i = 0; i < r->lanes; i++)
		if (strcmp(r->lane[i].ifname, ifname) == 0)
			return true;
	return false;
}

static void forget_round(struct resolver *r)
{
	ev_timer_stop(r->loop, &r->finished);
	for (size_t i = 0; i < r->lanes; i++) {
		struct lane *l = &r->lane[i];

		ares_destroy(l->channel);	/* says of each question that it is over */
		ev_timer_stop(r->loop, &l->timer);
		for (size_t k = 0; k < SOCKETS; k++)
			ev_io_stop(r->loop, &l->socket[k]);
	}
	r->lanes = 0;
	while (r->questions != NULL) {
		struct question *q = r->questions;

		r->questions = q->next;
		free(q);
	}
	r->pending = 0;
}

/* --- a round ------------------------------------------------------------------ */

static void settle(struct resolver *r)
{
	if (--r->pending > 0)
		return;
	ev_timer_set(&r->finished, 0.0, 0.0);
	ev_timer_start(r->loop, &r->finished);
}

static void on_finished(struct ev_loop *loop, ev_timer *t, int events)
{
	struct resolver *r = t->data;

	(void)loop;
	(void)events;
	forget_round(r);
	r->owner.done(r->owner.ctx);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
	struct question *q = arg;
	struct resolver *r = q->resolver;
	struct addr found[FOUND];
	size_t n = 0;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return;
	for (const struct ares_addrinfo_node *a = result != NULL ? result->nodes : NULL; a != NULL && n < FOUND;
	     a = a->ai_next) {
		found[n] = addr_from_sockaddr(a->ai_addr);
		found[n].port = 0;
		if (found[n].family != ADDR_NONE)
			n++;
	}
	if (result != NULL)
		ares_freeaddrinfo(result);
	if (n > 0)
		r->owner.found(r->owner.ctx, q->name, found, n);
	settle(r);
}

void resolver_begin(struct resolver *r, const struct links *links, const struct addr *not, size_t not_count)
{
	struct addr server[SERVERS], here[SERVERS], there[SERVERS];
	size_t count, own = 0, others = 0;

	forget_round(r);
	count = servers(r, not, not_count, server);
	for (size_t i = 0; i < count; i++)
		if (is_loopback(&server[i]))
			here[own++] = server[i];
		else
			there[others++] = server[i];
	if (own > 0 || others == 0)	/* without a server: /etc/hosts */
		add_lane(r, "", here, own);
	for (size_t i = 0; i < links->count && others > 0; i++)
		if (!has_lane(r, links->link[i].ifname))
			add_lane(r, links->link[i].ifname, there, others);
	r->pending = 1;		/* until resolver_end */
}

void resolver_ask(struct resolver *r, unsigned name, const char *host)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM,
	};
	struct question *q = malloc(sizeof(*q));

	if (q == NULL)
		return;
	*q = (struct question){ r, name, r->questions };
	r->questions = q;
	for (size_t i = 0; i < r->lanes; i++) {
		r->pending++;
		ares_getaddrinfo(r->lane[i].channel, host, NULL, &hints, on_answer, q);
		set_timer(&r->lane[i]);
	}
}

void resolver_end(struct resolver *r)
{
	settle(r);
}

bool resolver_is_busy(const struct resolver *r)
{
	return r->pending > 0 || ev_is_active(&r->finished);
}

struct resolver *resolver_new(struct ev_loop *loop, uint32_t mark, const struct resolver_owner *owner)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(r);
		return NULL;
	}
	r->loop = loop;
	r->mark = mark;
	r->owner = *owner;
	r->former_count = present_servers(r->former);
	ev_timer_init(&r->finished, on_finished, 0.0, 0.0);
	r->finished.data = r;
	return r;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	forget_round(r);
	free(r);
	ares_library_cleanup();
}
