/*
 * supervisor_servers: which of its servers a client talks to, and where they are.
 *
 * While the current one answers, that is all.  When it does not, for two seconds,
 * the next ones in the file are asked in turn, each by a worker of its own: the
 * candidate.  Whoever has a session first has the tunnel: TUN, addresses and routes
 * go over to the candidate, and only then the former worker is ended.  When the
 * former server answers again before, the candidate goes; since it may have been
 * the links that were silent, it is asked once more before it is left, and has half
 * a second to answer: connections in the tunnel hang on it.  There is no going back
 * without need.
 *
 * When each has been asked and none answers, fallback = direct lets traffic leave
 * without the tunnel until one does.
 *
 * Names are looked up when the daemon begins and again when the server is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "supervisor/supervisor_state.h"

#define LOST_AFTER	2.0	/* seconds without a session; one whose paths are down has been silent for that long */
#define FIRST_FOR	1.0	/* what the first server gets when the daemon begins, before others are asked, too */
#define ASK_FOR		4.0	/* what a candidate gets */
#define GRACE		0.5	/* what the former server gets when the candidate has answered */
#define LOOK_UP_EVERY	SEC(3)	/* while the server is lost */
#define SAY_AGAIN	SEC(3600)	/* whom that asks, round after round: the first one is told, and then one in this time */

static const struct config_peer *current(const struct supervisor *s)
{
	return &s->config->peer[s->servers.current];
}

const struct config_peer *supervisor_server(const struct supervisor *s)
{
	return s->config->role == CONFIG_CLIENT ? current(s) : NULL;
}

static bool is_lost(const struct supervisor *s)
{
	return !s->servers.session || s->servers.paths == 0;
}

static void look_after(struct supervisor *s, double seconds)
{
	ev_timer_stop(s->loop, &s->servers.look);
	ev_timer_set(&s->servers.look, seconds, 0.0);
	ev_timer_start(s->loop, &s->servers.look);
}

/* --- where they are --------------------------------------------------------- */

static void add_address(struct server_addresses *a, const struct addr *addr)
{
	for (size_t i = 0; i < a->count; i++)
		if (addr_equal(&a->addr[i], addr))
			return;
	if (a->count < UPLINKS_ENDPOINTS)
		a->addr[a->count++] = *addr;
}

/* Endpoints that are addresses are known; of names, what was found last. */
static struct server_addresses addresses_of(const struct supervisor *s, size_t server)
{
	const struct config_peer *peer = &s->config->peer[server];
	struct server_addresses a = { 0 };

	for (size_t i = 0; i < peer->endpoint_count; i++)
		if (peer->endpoint[i].addr.family != ADDR_NONE)
			add_address(&a, &peer->endpoint[i].addr);
	for (size_t i = 0; i < s->servers.found[server].count; i++)
		add_address(&a, &s->servers.found[server].addr[i]);
	return a;
}

static void set_endpoints(struct supervisor *s, struct uplinks *u, size_t server)
{
	const struct server_addresses a = addresses_of(s, server);

	if (a.count > 0)
		uplinks_set_endpoints(u, a.addr, a.count);
	if (u != &s->uplinks || !s->host.session || s->host.endpoint_count == u->endpoint_count)
		return;
	s->host.endpoint_count = u->endpoint_count;
	supervisor_apply(s);
}

static void on_found(void *ctx, unsigned name, const struct addr *addr, size_t count)
{
	struct supervisor *s = ctx;
	unsigned server = name / CONFIG_ENDPOINTS;
	const struct config_endpoint *e = &s->config->peer[server].endpoint[name % CONFIG_ENDPOINTS];
	struct server_addresses *to = &s->servers.found[server];

	if (s->servers.stale & (1u << server))	/* what the round before had found */
		to->count = 0;
	s->servers.stale &= ~(1u << server);
	for (size_t i = 0; i < count; i++) {
		struct addr a = addr[i];

		a.port = e->port;
		add_address(to, &a);
	}
	if (server == s->servers.current)
		set_endpoints(s, &s->uplinks, server);
	else if (s->servers.asking && server == s->servers.candidate)
		set_endpoints(s, &s->servers.uplinks, server);
	supervisor_sync(s);
}

static bool knows_any(const struct supervisor *s)
{
	for (size_t i = 0; i < s->config->peer_count; i++)
		if (addresses_of(s, i).count > 0)
			return true;
	return false;
}

static void on_looked_up(void *ctx)
{
	struct supervisor *s = ctx;

	if (!s->ready && !knows_any(s))
		supervisor_fail(s, EXIT_FAILED, "%s: cannot find its address: no such name, or no DNS",
				s->config->peer[0].endpoint[0].host);
}

static void look_up(struct supervisor *s)
{
	struct resolver *r = s->servers.resolver;
	const struct message_tunnel *t = &s->host.tunnel;

	s->servers.looked_up_at = supervisor_now();
	s->servers.stale = ~0u;
	resolver_begin(r, host_links(&s->host), t->dns, t->dns_count);
	for (size_t i = 0; i < s->config->peer_count; i++)
		for (size_t k = 0; k < s->config->peer[i].endpoint_count; k++)
			if (s->config->peer[i].endpoint[k].addr.family == ADDR_NONE)
				resolver_ask(r, (unsigned)(i * CONFIG_ENDPOINTS + k), s->config->peer[i].endpoint[k].host);
	resolver_end(r);
}

static void look_up_again(struct supervisor *s)
{
	if (!resolver_is_busy(s->servers.resolver) &&
	    nsec_since(s->servers.looked_up_at, supervisor_now()) >= LOOK_UP_EVERY)
		look_up(s);
}

/* --- the candidate ------------------------------------------------------------ */

static void end_candidate(struct supervisor *s)
{
	ev_child_stop(s->loop, &s->servers.child);
	ev_timer_stop(s->loop, &s->servers.grace);
	worker_child_end(&s->servers.worker);
	s->servers.asking = false;
}

/* Its paths begin to carry the tunnel: the other worker, and its server, are left. */
static void take_over(struct supervisor *s)
{
	struct supervisor_servers *v = &s->servers;
	struct worker_child worker = v->worker;
	const struct message_tunnel tunnel = v->tunnel;

	log_info("%s answers: it takes over from %s", s->config->peer[v->candidate].name, current(s)->name);
	ev_child_stop(s->loop, &v->child);
	v->worker = (struct worker_child){ 0 };
	supervisor_change_worker(s, &worker);	/* the former one may have had last words */
	ev_timer_stop(s->loop, &v->look);
	v->asking = v->missing = s->host.direct = false;
	v->current = v->candidate;
	v->session = true;
	v->paths = v->candidate_paths;
	s->uplinks = v->uplinks;
	s->uplinks.quiet = false;
	supervisor_session_is_up(s, &tunnel);
}

static void on_grace(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	take_over(t->data);
}

static void probe_all(struct supervisor *s)
{
	struct message m = { .type = MESSAGE_PATH_PROBE };

	for (unsigned i = 0; i < ENDPOINT_SOCKETS && s->worker.channel != NULL; i++) {
		m.path_probe.socket = (uint8_t)i;
		if (s->uplinks.socket[i].open)
			channel_send(s->worker.channel, &m, -1);
	}
}

static void candidate_answers(struct supervisor *s, const struct message_tunnel *tunnel)
{
	s->servers.tunnel = *tunnel;
	if (!s->servers.session) {
		take_over(s);
		return;
	}
	probe_all(s);
	look_after(s, ASK_FOR);
	ev_timer_set(&s->servers.grace, GRACE, 0.0);
	ev_timer_start(s->loop, &s->servers.grace);
}

static void on_candidate_event(struct supervisor *s, const struct message_event *e)
{
	switch (e->type) {
	case MESSAGE_SESSION_UP:
		candidate_answers(s, &e->tunnel);
		break;
	case MESSAGE_PATH_UP:
		s->servers.candidate_paths |= 1u << e->path;
		break;
	case MESSAGE_PATH_DOWN:
		s->servers.candidate_paths &= ~(1u << e->path);
		break;
	case MESSAGE_SESSION_DOWN:
	case MESSAGE_PATH_ROAMED:
		break;
	}
}

static void on_candidate_message(void *ctx, const struct message *m, int fd)
{
	struct supervisor *s = ctx;

	if (fd >= 0)
		close(fd);
	if (s->ending)
		return;
	if (m->type == MESSAGE_EVENT)
		on_candidate_event(s, &m->event);
	else if (m->type == MESSAGE_SOCKET_ERROR)
		uplinks_note_error(&s->servers.uplinks, &m->socket_error);
}

/* The next look begins another. */
static void on_candidate_closed(void *ctx, int error)
{
	(void)error;
	end_candidate(ctx);
}

static void on_candidate_child(struct ev_loop *loop, ev_child *c, int events)
{
	struct supervisor *s = c->data;

	(void)loop;
	(void)events;
	s->servers.worker.pid = 0;	/* reaped by the loop */
	end_candidate(s);
}

static void ask(struct supervisor *s, size_t server)
{
	const struct channel_owner owner = { .message = on_candidate_message, .closed = on_candidate_closed, .ctx = s };
	struct supervisor_servers *v = &s->servers;
	int err = supervisor_make_empty_dir(s);

	if (v->telling) {
		log_info("%s does not answer: asking %s", current(s)->name, s->config->peer[server].name);
		v->told_at = supervisor_now();
	}
	v->candidate = server;
	v->candidate_paths = 0;
	if (err == 0)
		err = worker_child_begin(&v->worker, s->loop, s->config, &s->config->peer[server], s->strategy,
					 &s->worker_options, &s->said, &owner);
	if (err < 0) {
		log_error("cannot begin a worker for %s: %s", s->config->peer[server].name, strerror(-err));
		return;
	}
	v->asking = true;
	ev_child_set(&v->child, v->worker.pid, 0);
	ev_child_start(s->loop, &v->child);
	uplinks_forget(&v->uplinks);
	v->uplinks.quiet = true;
	v->uplinks.endpoint_count = 0;
	set_endpoints(s, &v->uplinks, server);
	supervisor_sync(s);
}

/* --- lost and found -------------------------------------------------------------- */

static void open_host(struct supervisor *s)
{
	if (!s->config->fallback_direct || s->host.direct || !s->ready)
		return;
	log_warning("no server answers: traffic leaves directly, not through the tunnel, until one does");
	s->host.direct = true;
	supervisor_apply(s);
}

static void close_host(struct supervisor *s)
{
	if (!s->host.direct)
		return;
	log_info("%s answers again: traffic goes through the tunnel", current(s)->name);
	s->host.direct = false;
	supervisor_apply(s);
}

static size_t next_of(const struct supervisor *s, size_t server)
{
	do
		server = (server + 1) % s->config->peer_count;
	while (server == s->servers.current);
	return server;
}

/* Still lost: the next one's turn.  Without a link nobody can answer. */
static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;
	struct supervisor_servers *v = &s->servers;
	size_t others = s->config->peer_count - 1;

	(void)loop;
	(void)events;
	look_after(s, ASK_FOR);
	if (host_links(&s->host)->count == 0) {
		end_candidate(s);
		return;
	}
	look_up_again(s);
	if (v->asked >= others) {
		open_host(s);
		v->asked = 0;
		v->telling = nsec_since(v->told_at, supervisor_now()) >= SAY_AGAIN;
	}
	end_candidate(s);
	if (others > 0) {
		ask(s, next_of(s, v->candidate));
		v->asked++;
	}
}

static void lose(struct supervisor *s, double look)
{
	s->servers.missing = true;
	s->servers.asked = 0;
	s->servers.telling = true;
	s->servers.candidate = s->servers.current;
	/* alone, it gets the time in which others would be asked */
	look_after(s, s->config->peer_count > 1 ? look : look + ASK_FOR);
}

static void regain(struct supervisor *s)
{
	s->servers.missing = false;
	ev_timer_stop(s->loop, &s->servers.look);
	end_candidate(s);
	close_host(s);
}

static void judge(struct supervisor *s)
{
	if (is_lost(s) && !s->servers.missing)
		lose(s, s->servers.session ? 0.0 : LOST_AFTER);
	else if (!is_lost(s) && s->servers.missing)
		regain(s);
}

void supervisor_note_event(struct supervisor *s, const struct message_event *e)
{
	struct supervisor_servers *v = &s->servers;

	switch (e->type) {
	case MESSAGE_SESSION_UP:
	case MESSAGE_SESSION_DOWN:
		v->session = e->type == MESSAGE_SESSION_UP;
		break;
	case MESSAGE_PATH_UP:
		v->paths |= 1u << e->path;
		break;
	case MESSAGE_PATH_DOWN:
		v->paths &= ~(1u << e->path);
		break;
	case MESSAGE_PATH_ROAMED:
		break;
	}
	judge(s);
}

void supervisor_forget_server(struct supervisor *s)
{
	s->servers.session = false;
	s->servers.paths = 0;
	judge(s);
}

/* --- what others ask ----------------------------------------------------------- */

void supervisor_sync_candidate(struct supervisor *s)
{
	if (s->servers.asking)
		uplinks_sync(&s->servers.uplinks, host_links(&s->host), &s->preferences, s->servers.worker.channel);
}

void supervisor_describe_servers(const struct supervisor *s, struct status *st)
{
	const struct supervisor_servers *v = &s->servers;

	if (s->config->peer_count > 1 && !v->missing)
		snprintf(st->note[st->note_count++], STATUS_NOTE, "the server is %s, one of %zu", current(s)->name,
			 s->config->peer_count);
	if (!v->missing)
		return;
	if (s->host.direct)
		text_copy(st->reason, sizeof(st->reason),
			  "no server answers: traffic leaves directly, not through the tunnel");
	else if (!supervisor_may_use_links(s))
		text_copy(st->reason, sizeof(st->reason),
			  "no link may carry the tunnel: each is tier = never, or its budget is spent");
	else if (v->asking)
		snprintf(st->reason, sizeof(st->reason), "%s does not answer: asking %s", current(s)->name,
			 s->config->peer[v->candidate].name);
	else
		snprintf(st->reason, sizeof(st->reason), "%s does not answer", current(s)->name);
}

bool supervisor_begin_servers(struct supervisor *s)
{
	const struct resolver_owner owner = { .found = on_found, .done = on_looked_up, .ctx = s };
	struct supervisor_servers *v = &s->servers;

	v->resolver = resolver_new(s->loop, s->config->marks.fwmark, &owner);
	if (v->resolver == NULL)
		return false;
	look_up(s);
	set_endpoints(s, &s->uplinks, v->current);
	lose(s, FIRST_FOR);
	return true;
}

void supervisor_init_servers(struct supervisor *s)
{
	ev_timer_init(&s->servers.look, on_look, 0.0, 0.0);
	ev_timer_init(&s->servers.grace, on_grace, 0.0, 0.0);
	ev_child_init(&s->servers.child, on_candidate_child, 0, 0);
	s->servers.look.data = s->servers.grace.data = s->servers.child.data = s;
}

void supervisor_end_servers(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->servers.look);
	end_candidate(s);
	resolver_free(s->servers.resolver);
}
