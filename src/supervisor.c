/*
 * supervisor: see supervisor.h.  Each function below turns one event of one
 * module into calls on others.
 *
 *   client:  links found → sockets → handshake → SESSION_UP → addresses, routes,
 *            firewall → "ready"
 *   server:  addresses, routes, firewall → sockets → READY → "ready"
 *
 * When the worker dies, the TUN device (whose descriptor is here too), routes
 * and rules stay as they are, so the host stays closed while a new one begins.
 */
#include "supervisor.h"

#include <errno.h>
#include <ev.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "control/notify.h"
#include "control/socket.h"
#include "control/status_json.h"
#include "io/open.h"
#include "nft/commit.h"
#include "report.h"
#include "routing/apply.h"
#include "spawn.h"
#include "uplinks.h"

#define EXIT_FAILED		1
#define EXIT_CONFIG		2
#define EXIT_PERMISSION		3
#define UP_WITHIN		15.0	/* seconds for a client's first session */
#define GOODBYE_WITHIN		500	/* ms for the worker's CLOSE to go out */
#define SETTLE			0.02	/* seconds: events come in bunches */
#define RESTARTS_MAX		10	/* workers in a minute; more is no accident */
#define NOBODY			65534
#define QUESTIONS		16	/* status requests that wait for the worker */

struct supervisor {
	const struct config *config;
	const struct supervisor_options *options;
	struct ev_loop *loop;
	struct router *router;
	struct commit *commit;
	struct control *control;
	struct spawn worker;
	struct uplinks uplinks;
	struct report report;
	struct worker_options worker_options;
	char empty_dir[CONFIG_PATH];
	int tun;
	bool worker_is_ready;
	bool session;			/* the client's: addresses are known, routes in place */
	bool ready;			/* said so */
	bool failed;
	int exit_code;
	int ready_fd;
	struct message_tunnel tunnel;
	nsec_t started_at, state_at;
	uint64_t question[QUESTIONS];	/* control requests for a status */
	size_t question_count;
	uint32_t question_id;
	unsigned restarts_now;		/* in this minute */
	ev_io events;
	ev_child child;
	ev_timer up_within, settle, respawn, minute;
	ev_signal stop[2];
};

static nsec_t boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (nsec_t)t.tv_sec * NSEC_PER_SEC + (nsec_t)t.tv_nsec;
}

/* --- how it ends --------------------------------------------------------- */

static void say(int fd, const char *line)
{
	size_t len = strlen(line);

	if (fd >= 0 && write(fd, line, len) != (ssize_t)len)
		log_warning("cannot say how it went: %s", strerror(errno));
}

/* Over, with a reason in words; the first one counts. */
__attribute__((format(printf, 3, 4)))
static void fail(struct supervisor *s, int code, const char *format, ...)
{
	char text[900], line[1000];
	va_list args;

	if (s->failed)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	s->failed = true;
	s->exit_code = code;
	snprintf(line, sizeof(line), "failed %d %s\n", code, text);
	if (s->ready_fd >= 0)
		say(s->ready_fd, line);
	else
		log_error("%s", text);
	ev_break(s->loop, EVBREAK_ALL);
}

static void report_ready(struct supervisor *s)
{
	if (s->ready)
		return;
	s->ready = true;
	ev_timer_stop(s->loop, &s->up_within);
	say(s->ready_fd, "ready\n");
	if (s->ready_fd >= 0)
		close(s->ready_fd);
	s->ready_fd = -1;
	notify_send("READY=1");
}

static int code_of(int err)
{
	return err == -EPERM || err == -EACCES ? EXIT_PERMISSION : EXIT_FAILED;
}

/* --- routing and firewall ------------------------------------------------ */

static struct route_marks marks_of(const struct config_marks *m)
{
	return (struct route_marks){
		.protocol = m->protocol,
		.fwmark = m->fwmark,
		.fwmask = 0xffff,
		.reply_mark = m->reply_mark,
		.table = m->table,
		.priority = m->priority,
	};
}

/* The networks of the server's own addresses, and what else is its peers'. */
static size_t server_routes(const struct config *c, struct prefix *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < c->peer_count; i++)
		for (size_t k = 0; k < c->peer[i].prefix_count && n < max; k++)
			ret[n++] = prefix_network(&c->peer[i].prefix[k]);
	return n;
}

static int apply_routing(struct supervisor *s)
{
	const struct config *c = s->config;
	bool server = c->role == CONFIG_SERVER;
	struct plan_options o = { .tun = c->interface, .server = server };
	struct prefix *route = calloc(PLAN_ROUTES, sizeof(*route));
	int result;

	if (route == NULL)
		return -ENOMEM;
	if (server) {
		o.address = c->address;
		o.address_count = c->address_count;
		o.mtu = c->mtu;
		o.route_count = server_routes(c, route, PLAN_ROUTES);
	} else if (s->session) {
		o.address = s->tunnel.address;
		o.address_count = s->tunnel.address_count;
		o.mtu = s->tunnel.mtu < c->mtu ? s->tunnel.mtu : c->mtu;
		o.full_tunnel = c->full_tunnel;
		o.kill_switch = c->kill_switch;
		for (; o.route_count < c->route_count; o.route_count++)
			route[o.route_count] = c->route[o.route_count];
	}
	o.route = route;
	result = router_apply(s->router, &o);
	free(route);
	return result < 0 ? result : 0;
}

static int commit_ruleset(struct supervisor *s, int built, struct ruleset *r)
{
	char error[COMMIT_ERROR] = "";
	int err = built == 0 ? commit_apply(s->commit, r, error) : built;

	if (err < 0)
		log_error("firewall: %s", error[0] != '\0' ? error : strerror(-err));
	ruleset_done(r);
	return err;
}

static int apply_firewall(struct supervisor *s)
{
	const struct config *c = s->config;
	struct ruleset r = { 0 };

	if (c->role == CONFIG_SERVER) {
		const struct ruleset_server_options o = {
			.tun = c->interface, .inner = c->address, .inner_count = c->address_count,
			.masquerade_ipv4 = true, .masquerade_ipv6 = true,
		};

		return commit_ruleset(s, ruleset_server(&o, &r), &r);
	}
	struct addr inner[MESSAGE_ADDRESSES];
	const struct ruleset_client_options o = {
		.tun = c->interface, .inner = inner, .inner_count = s->tunnel.address_count,
		.endpoint = s->uplinks.endpoint, .endpoint_count = s->uplinks.endpoint_count,
		.fwmark = c->marks.fwmark,
	};

	for (size_t i = 0; i < s->tunnel.address_count; i++)
		inner[i] = s->tunnel.address[i].addr;
	return commit_ruleset(s, ruleset_client(&o, &r), &r);
}

/* --- the worker ---------------------------------------------------------- */

static int hand_over_tun(struct supervisor *s)
{
	const struct message m = { .type = MESSAGE_TUN };

	return channel_send(s->worker.channel, &m, s->tun);
}

static int hand_over_listener(struct supervisor *s, unsigned number, const char *any)
{
	struct open_udp_options o = { .listener = true, .mark = s->config->marks.fwmark };
	struct message m = { .type = MESSAGE_SOCKET_ADD };
	int fd, err;

	addr_parse(any, &o.local);
	o.local.port = s->config->listen;
	fd = open_udp(&o);
	if (fd < 0)
		return fd;
	m.socket_add.socket = (uint8_t)number;
	m.socket_add.kind = MESSAGE_SOCKET_LISTEN;
	err = channel_send(s->worker.channel, &m, fd);
	close(fd);
	return err;
}

/* A host may have only one of the two families; none is a failure. */
static int hand_over_listeners(struct supervisor *s)
{
	int v4 = hand_over_listener(s, 0, "0.0.0.0"), v6 = hand_over_listener(s, 1, "::");

	if (v4 == -EADDRINUSE || v6 == -EADDRINUSE)
		return -EADDRINUSE;
	return v4 < 0 && v6 < 0 ? v4 : 0;
}

static void on_message(void *ctx, const struct message *m, int fd);
static void on_closed(void *ctx, int error);

static int begin_worker(struct supervisor *s)
{
	const struct channel_owner owner = { .message = on_message, .closed = on_closed, .ctx = s };
	int err = spawn_begin(&s->worker, s->loop, s->config, &s->worker_options, &owner);

	if (err < 0)
		return err;
	ev_child_set(&s->child, s->worker.pid, 0);
	ev_child_start(s->loop, &s->child);
	uplinks_forget(&s->uplinks);
	err = hand_over_tun(s);
	if (err == 0 && s->config->role == CONFIG_SERVER)
		return hand_over_listeners(s);
	if (err == 0)
		uplinks_sync(&s->uplinks, router_links(s->router), s->config, s->worker.channel);
	return err;
}

static void lose_worker(struct supervisor *s)
{
	ev_child_stop(s->loop, &s->child);
	spawn_end(&s->worker);
	s->worker_is_ready = false;
	if (s->failed)
		return;
	s->worker.restarts++;
	if (++s->restarts_now > RESTARTS_MAX) {
		fail(s, EXIT_FAILED, "the worker died %u times in a minute: see the log", RESTARTS_MAX);
		return;
	}
	log_warning("the worker is gone; a new one begins, and nothing gets around the tunnel meanwhile");
	ev_timer_set(&s->respawn, 0.05, 0.0);
	ev_timer_start(s->loop, &s->respawn);
}

static void on_respawn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;
	int err = begin_worker(s);

	(void)loop;
	(void)events;
	if (err < 0)
		fail(s, code_of(err), "cannot begin a new worker: %s", strerror(-err));
}

static void on_child(struct ev_loop *loop, ev_child *c, int events)
{
	struct supervisor *s = c->data;

	(void)loop;
	(void)events;
	s->worker.pid = 0;	/* reaped by the loop */
	lose_worker(s);
}

static void on_closed(void *ctx, int error)
{
	struct supervisor *s = ctx;

	if (error != 0)
		log_error("the worker's channel: %s", strerror(-error));
	lose_worker(s);
}

/* --- what the worker says ------------------------------------------------ */

static void session_is_up(struct supervisor *s, const struct message_tunnel *tunnel)
{
	int err;

	s->tunnel = *tunnel;
	s->session = true;
	s->state_at = boottime();
	err = apply_routing(s);
	if (err < 0) {
		fail(s, code_of(err), "routing: %s", router_error(s->router));
		return;
	}
	err = apply_firewall(s);
	if (err < 0) {
		fail(s, code_of(err), "firewall: %s", strerror(-err));
		return;
	}
	report_ready(s);
}

static void on_event(struct supervisor *s, const struct message_event *e)
{
	switch (e->type) {
	case MESSAGE_SESSION_UP:
		if (s->config->role == CONFIG_CLIENT)
			session_is_up(s, &e->tunnel);
		break;
	case MESSAGE_SESSION_DOWN:
		log_info("%s: the session is over", s->config->peer[e->peer].name);
		break;
	case MESSAGE_PATH_UP:
	case MESSAGE_PATH_DOWN:
	case MESSAGE_PATH_ROAMED:
		break;
	}
}

static void answer_questions(struct supervisor *s);

static void on_message(void *ctx, const struct message *m, int fd)
{
	struct supervisor *s = ctx;

	if (fd >= 0)
		close(fd);
	switch (m->type) {
	case MESSAGE_READY:
		s->worker_is_ready = true;
		if (s->config->role == CONFIG_SERVER)
			report_ready(s);
		break;
	case MESSAGE_EVENT:
		if (m->event.peer < s->config->peer_count)
			on_event(s, &m->event);
		break;
	case MESSAGE_SOCKET_ERROR:
		uplinks_note_error(&s->uplinks, &m->socket_error);
		break;
	case MESSAGE_TUN_ERROR:
		fail(s, EXIT_FAILED, "%s: %s", s->config->interface, strerror(m->tun_error.error));
		break;
	case MESSAGE_STATUS:
	case MESSAGE_STATUS_PEER:
	case MESSAGE_STATUS_PATH:
	case MESSAGE_STATUS_DROPS:
	case MESSAGE_STATUS_END:
		if (report_take(&s->report, m))
			answer_questions(s);
		break;
	default:
		break;
	}
}

/* --- links --------------------------------------------------------------- */

static void on_settle(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;

	(void)loop;
	(void)events;
	if (apply_routing(s) < 0)
		log_error("routing: %s", router_error(s->router));
	if (s->config->role == CONFIG_CLIENT && s->worker.channel != NULL)
		uplinks_sync(&s->uplinks, router_links(s->router), s->config, s->worker.channel);
}

static void on_kernel_events(struct ev_loop *loop, ev_io *io, int events)
{
	struct supervisor *s = io->data;

	(void)events;
	if (!router_read_events(s->router) || ev_is_active(&s->settle))
		return;
	ev_timer_set(&s->settle, SETTLE, 0.0);
	ev_timer_start(loop, &s->settle);
}

/* --- control ------------------------------------------------------------- */

static const char *state_of(const struct supervisor *s)
{
	if (s->worker.pid == 0)
		return "restarting";
	if (s->config->role == CONFIG_SERVER) {
		for (size_t i = 0; i < s->report.status.peer_count; i++)
			if (strcmp(s->report.status.peer[i].state, "up") == 0)
				return "up";
		return "waiting";
	}
	return s->report.status.peer_count > 0 ? s->report.status.peer[0].state : "connecting";
}

/* What the worker does not know. */
static void complete_status(struct supervisor *s, struct status *st)
{
	const struct config *c = s->config;
	const struct links *links = router_links(s->router);
	bool server = c->role == CONFIG_SERVER;

	snprintf(st->interface, sizeof(st->interface), "%s", c->interface);
	snprintf(st->role, sizeof(st->role), "%s", server ? "server" : "client");
	snprintf(st->state, sizeof(st->state), "%s", state_of(s));
	snprintf(st->strategy, sizeof(st->strategy), "%s", c->strategy);
	st->uptime = nsec_since(s->started_at, boottime());
	st->state_age = nsec_since(s->state_at, boottime());
	st->mtu = server ? c->mtu : s->tunnel.mtu;
	st->listen = c->listen;
	st->full_tunnel = c->full_tunnel;
	st->kill_switch = c->kill_switch;
	st->address_count = server ? c->address_count : s->tunnel.address_count;
	memcpy(st->address, server ? c->address : s->tunnel.address, sizeof(s->tunnel.address));
	st->supervisor_pid = getpid();
	st->worker_pid = s->worker.pid;
	st->worker_restarts = s->worker.restarts;
	for (size_t i = 0; !server && i < links->unused_count && i < STATUS_UNUSED; i++) {
		struct status_unused *u = &st->unused[st->unused_count++];

		snprintf(u->link, sizeof(u->link), "%s", links->unused[i].ifname);
		snprintf(u->reason, sizeof(u->reason), "%s", links->unused[i].reason);
	}
}

static void answer_questions(struct supervisor *s)
{
	json_t *status;

	complete_status(s, &s->report.status);
	for (size_t i = 0; i < s->question_count; i++) {
		status = status_to_json(&s->report.status);
		control_reply(s->control, s->question[i], json_pack("{s:b,s:o}", "ok", 1, "status", status));
	}
	s->question_count = 0;
	report_done(&s->report);
}

static void ask_worker(struct supervisor *s, uint64_t request)
{
	struct message m = { .type = MESSAGE_STATUS_REQUEST };

	if (s->question_count == QUESTIONS) {
		control_refuse(s->control, request, EXIT_FAILED, "busy: ask again in a moment");
		return;
	}
	s->question[s->question_count++] = request;
	m.status_request.id = ++s->question_id;
	if (s->worker.channel == NULL || channel_send(s->worker.channel, &m, -1) < 0)
		answer_questions(s);
}

static void answer_routing(struct supervisor *s, uint64_t request)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		control_refuse(s->control, request, EXIT_FAILED, "out of memory");
		return;
	}
	router_print(s->router, out);
	fclose(out);
	control_reply(s->control, request, json_pack("{s:b,s:s}", "ok", 1, "text", text));
	free(text);
}

static void set_strategy(struct supervisor *s, const struct control_request *request)
{
	const char *name = json_string_value(json_object_get(request->object, "name"));
	struct message m = { .type = MESSAGE_STRATEGY };

	if (name == NULL || strlen(name) >= sizeof(m.strategy.name)) {
		control_refuse(s->control, request->id, EXIT_CONFIG, "no such strategy");
		return;
	}
	strcpy(m.strategy.name, name);
	if (s->worker.channel == NULL || channel_send(s->worker.channel, &m, -1) < 0)
		control_refuse(s->control, request->id, EXIT_FAILED, "the worker is not there: try again");
	else
		control_accept(s->control, request->id);
}

static void on_request(void *ctx, const struct control_request *request)
{
	struct supervisor *s = ctx;

	if (strcmp(request->command, "status") == 0) {
		ask_worker(s, request->id);
	} else if (strcmp(request->command, "routing") == 0) {
		answer_routing(s, request->id);
	} else if (!request->may_change) {
		control_refuse(s->control, request->id, EXIT_PERMISSION, "only root may change the tunnel");
	} else if (strcmp(request->command, "strategy") == 0) {
		set_strategy(s, request);
	} else if (strcmp(request->command, "stop") == 0) {
		control_accept(s->control, request->id);
		ev_break(s->loop, EVBREAK_ALL);
	} else {
		control_refuse(s->control, request->id, EXIT_CONFIG, "no such command");
	}
}

/* --- beginning ----------------------------------------------------------- */

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)signal;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void on_minute(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;

	(void)loop;
	(void)events;
	s->restarts_now = 0;
}

static void on_too_late(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;
	const struct config_endpoint *e = &s->config->peer[0].endpoint[0];
	char who[ADDR_TEXT];

	(void)loop;
	(void)events;
	if (s->uplinks.refused != 0)
		fail(s, EXIT_FAILED, "%s: %s says over %s: %s: is the server running, and is that its address?",
		     s->config->peer[0].name, addr_print(&s->uplinks.refused_by, who),
		     s->uplinks.refused_link, strerror(s->uplinks.refused));
	else
		fail(s, EXIT_FAILED, "%s: no answer from %s port %u: check the endpoint, that UDP gets through, "
		     "and the public keys on both ends", s->config->peer[0].name, e->host, e->port);
}

static int make_directories(struct supervisor *s)
{
	snprintf(s->empty_dir, sizeof(s->empty_dir), "%s/empty", s->options->runtime_dir);
	if (mkdir(s->options->runtime_dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mkdir(s->empty_dir, 0555) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static void choose_user(struct supervisor *s)
{
	const struct passwd *p = getpwnam(s->config->user[0] != '\0' ? s->config->user : "ttt");

	s->worker_options = (struct worker_options){
		.uid = p != NULL ? p->pw_uid : NOBODY,
		.gid = p != NULL ? p->pw_gid : NOBODY,
		.empty_dir = s->empty_dir,
	};
}

static bool open_control(struct supervisor *s)
{
	const struct control_handler handler = { on_request, s };
	char path[CONTROL_PATH];
	int err = -ENAMETOOLONG;

	if (control_path(s->options->runtime_dir, s->config->interface, path))
		err = control_listen(s->loop, path, &handler, &s->control);
	if (err == -EADDRINUSE)
		fail(s, EXIT_FAILED, "%s is already up", s->config->interface);
	else if (err < 0)
		fail(s, code_of(err), "%s: %s", path, strerror(-err));
	return err == 0;
}

static bool open_device(struct supervisor *s)
{
	s->tun = open_tun(s->config->interface);
	if (s->tun == -ENOENT || s->tun == -ENODEV)
		fail(s, EXIT_FAILED, "this kernel has no TUN device: load the module tun");
	else if (s->tun == -EEXIST || s->tun == -EBUSY)
		fail(s, EXIT_FAILED, "%s: that interface is there already: choose another with -i",
		     s->config->interface);
	else if (s->tun < 0)
		fail(s, code_of(s->tun), "%s: %s", s->config->interface, strerror(-s->tun));
	return s->tun >= 0;
}

static bool open_router(struct supervisor *s)
{
	const struct config *c = s->config;
	const char *include[CONFIG_PATTERNS], *exclude[CONFIG_PATTERNS];
	struct link_gateway gateway[2 * CONFIG_LINKS];
	struct router_options o = {
		.marks = marks_of(&c->marks), .tun = c->interface, .runtime_dir = s->options->runtime_dir,
		.links = { .include = include, .include_count = c->include_count, .exclude = exclude,
			   .exclude_count = c->exclude_count, .gateway = gateway },
	};
	char error[ROUTER_ERROR] = "";
	int err;

	for (size_t i = 0; i < c->include_count; i++)
		include[i] = c->include[i];
	for (size_t i = 0; i < c->exclude_count; i++)
		exclude[i] = c->exclude[i];
	for (size_t i = 0; i < c->link_count; i++)
		for (size_t k = 0; k < c->link[i].gateway_count; k++)
			gateway[o.links.gateway_count++] =
				(struct link_gateway){ c->link[i].name, c->link[i].gateway[k] };
	err = router_new(&o, &s->router, error);
	if (err == 0)
		err = commit_new(&s->commit);
	if (err < 0)
		fail(s, code_of(err), "%s", error[0] != '\0' ? error : strerror(-err));
	return err == 0;
}

static bool prepare_links(struct supervisor *s)
{
	int err = router_refresh(s->router);

	if (err == 0 && s->config->role == CONFIG_CLIENT && router_links(s->router)->count == 0) {
		fail(s, EXIT_FAILED, "no link: no interface has carrier, an address and a default route");
		return false;
	}
	if (s->config->role == CONFIG_CLIENT && !uplinks_resolve(&s->uplinks, s->config)) {
		fail(s, EXIT_FAILED, "%s: cannot find its address: no such name, or no DNS",
		     s->config->peer[0].endpoint[0].host);
		return false;
	}
	if (err == 0)
		err = apply_routing(s);
	if (err < 0)
		fail(s, code_of(err), "routing: %s", router_error(s->router));
	return err >= 0;
}

static void watch(struct supervisor *s)
{
	ev_io_init(&s->events, on_kernel_events, router_fd(s->router), EV_READ);
	ev_timer_init(&s->minute, on_minute, 60.0, 60.0);
	ev_timer_init(&s->up_within, on_too_late, UP_WITHIN, 0.0);
	s->events.data = s->minute.data = s->up_within.data = s;
	ev_io_start(s->loop, &s->events);
	ev_timer_start(s->loop, &s->minute);
	if (s->config->role == CONFIG_CLIENT)
		ev_timer_start(s->loop, &s->up_within);
}

static bool begin(struct supervisor *s)
{
	int err = make_directories(s);

	if (err < 0) {
		fail(s, code_of(err), "%s: %s", s->options->runtime_dir, strerror(-err));
		return false;
	}
	choose_user(s);
	if (!open_control(s) || supervisor_cleanup(s->config, s->options, s->config->interface) < 0 ||
	    !open_device(s) || !open_router(s) || !prepare_links(s))
		return false;
	if (s->config->role == CONFIG_SERVER && (err = apply_firewall(s)) < 0) {
		fail(s, code_of(err), "firewall: %s", strerror(-err));
		return false;
	}
	watch(s);
	err = begin_worker(s);
	if (err == -EADDRINUSE)
		fail(s, EXIT_FAILED, "UDP port %u is taken by another program", s->config->listen);
	else if (err < 0)
		fail(s, code_of(err), "cannot begin the worker: %s", strerror(-err));
	return err == 0;
}

/* --- ending -------------------------------------------------------------- */

static void say_goodbye(struct supervisor *s)
{
	const struct message m = { .type = MESSAGE_STOP };

	if (s->worker.channel == NULL)
		return;
	channel_send(s->worker.channel, &m, -1);
	channel_flush(s->worker.channel, GOODBYE_WITHIN);
	for (int ms = 0; ms < GOODBYE_WITHIN && s->worker.pid > 0; ms += 10) {
		if (waitpid(s->worker.pid, NULL, WNOHANG) == s->worker.pid)
			s->worker.pid = 0;
		else
			usleep(10 * 1000);
	}
}

static void end(struct supervisor *s)
{
	notify_send("STOPPING=1");
	s->failed = true;	/* whatever ends now is meant to */
	say_goodbye(s);
	ev_child_stop(s->loop, &s->child);
	spawn_end(&s->worker);
	if (s->router != NULL && router_undo(s->router) < 0)
		log_error("routing: %s", router_error(s->router));
	commit_free(s->commit);
	router_free(s->router);
	if (s->tun >= 0)
		close(s->tun);
	control_free(s->control);
	report_done(&s->report);
	rmdir(s->empty_dir);
	rmdir(s->options->runtime_dir);
	if (s->ready_fd >= 0)
		close(s->ready_fd);
	ev_loop_destroy(s->loop);
}

int supervisor_run(const struct config *config, const struct supervisor_options *options)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct supervisor s = {
		.config = config, .options = options, .tun = -1, .ready_fd = options->ready_fd,
		.started_at = boottime(), .state_at = boottime(),
	};

	/* children are watched by the default loop only */
	s.loop = ev_default_loop(EVFLAG_NOENV);
	if (s.loop == NULL)
		return EXIT_FAILED;
	ev_child_init(&s.child, on_child, 0, 0);
	ev_timer_init(&s.settle, on_settle, SETTLE, 0.0);
	ev_timer_init(&s.respawn, on_respawn, 0.05, 0.0);
	s.child.data = s.settle.data = s.respawn.data = &s;
	for (size_t i = 0; i < 2; i++) {
		ev_signal_init(&s.stop[i], on_signal, signals[i]);
		ev_signal_start(s.loop, &s.stop[i]);
	}
	if (begin(&s))
		ev_run(s.loop, 0);
	end(&s);
	return s.exit_code;
}

int supervisor_cleanup(const struct config *config, const struct supervisor_options *options,
		       const char *ifname)
{
	const struct config_marks marks = config != NULL ? config->marks : config_marks_default(ifname);
	const struct router_options o = {
		.marks = marks_of(&marks), .tun = ifname,
		.runtime_dir = options->runtime_dir,
	};
	char routing_error[ROUTER_ERROR], nft_error[COMMIT_ERROR], table[RULESET_NAME];
	struct commit *commit;
	int routes = router_cleanup(&o, routing_error), tables = commit_new(&commit);

	if (tables == 0) {
		ruleset_table_name(ifname, table);
		tables = commit_remove(commit, table, nft_error);
		commit_free(commit);
	}
	if (routes < 0)
		return routes;
	return tables < 0 ? tables : routes + tables;
}
