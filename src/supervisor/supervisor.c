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
#include "supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "control/notify.h"
#include "io/crew.h"
#include "io/open.h"
#include "routing/apply.h"
#include "supervisor/supervisor_state.h"
#include "supervisor/worker_user.h"

#define UP_WITHIN		15.0	/* seconds for a client's first session */
#define GOODBYE_WITHIN		500	/* ms for the worker's CLOSE to go out */
#define SETTLE			MSEC(20)	/* events come in bunches: the first acts, the last acts again */
#define RESPAWN_AFTER		0.05	/* seconds */
#define ANSWER_WITHIN		SEC(1)	/* a daemon that lives */
#define DYING_MS		2000	/* and one that was killed is gone */
#define RESTARTS_QUICK		10	/* workers in a minute that follow at once; then each waits */
#define RESTARTS_FIRST		3	/* before the tunnel was ever up: it will not be */
#define RESPAWN_SLOW		5.0	/* seconds */
#define OUTSIDE			1.0	/* seconds between two looks at cgroups */
#define NAMES			1.0	/* and at resolv.conf */
#define SAY_AGAIN		SEC(3600)	/* what happens again and again */
#define OVER_AGAIN		SEC(10)		/* likewise, that a peer's session is over */

nsec_t supervisor_now(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

/* --- how it ends --------------------------------------------------------- */

static void say(struct supervisor *s, const char *line)
{
	size_t len = strlen(line);

	if (write(s->ready_fd, line, len) != (ssize_t)len)
		log_warning("cannot say how it went: %s", strerror(errno));
	close(s->ready_fd);
	s->ready_fd = -1;
}

/* Over, with a reason in words; the first one counts.  It is said once all is undone. */
__attribute__((format(printf, 3, 4)))
static void fail(struct supervisor *s, int code, const char *format, ...)
{
	va_list args;

	if (s->ending)
		return;
	va_start(args, format);
	vsnprintf(s->reason, sizeof(s->reason), format, args);
	va_end(args);
	s->ending = true;
	s->exit_code = code;
	ev_break(s->loop, EVBREAK_ALL);
}

void supervisor_fail(struct supervisor *s, int code, const char *format, ...)
{
	char text[sizeof(s->reason)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail(s, code, "%s", text);
}

static void report_failure(struct supervisor *s)
{
	char line[sizeof(s->reason) + 32];

	if (s->reason[0] == '\0')
		return;
	snprintf(line, sizeof(line), "failed %d %s\n", s->exit_code, s->reason);
	if (s->ready_fd >= 0)
		say(s, line);
	else
		log_error("%s", s->reason);
}

static void report_ready(struct supervisor *s)
{
	if (s->ready)
		return;
	s->ready = true;
	ev_timer_stop(s->loop, &s->up_within);
	if (s->ready_fd >= 0)
		say(s, "ready\n");
	notify_send("READY=1");
}

static void watch_names(struct supervisor *s)
{
	if (!s->host.dns_in_file)
		ev_timer_stop(s->loop, &s->names);
	else if (!ev_is_active(&s->names))
		ev_timer_again(s->loop, &s->names);
}

/* Events come often; what is wrong is wrong until it is another thing, or nothing. */
static void note_trouble(struct supervisor *s, const char *text)
{
	if (strcmp(text, s->trouble) == 0)
		return;
	if (text[0] != '\0')
		log_error("%s", text);
	else
		log_info("the kernel has taken everything now");
	text_copy(s->trouble, sizeof(s->trouble), text);
}

bool supervisor_apply(struct supervisor *s)
{
	int code = host_apply(&s->host);

	s->applied_at = supervisor_now();
	supervisor_watch_tables(s);
	watch_names(s);
	if (s->ready || code == EXIT_DONE)
		note_trouble(s, code == EXIT_DONE ? "" : s->host.error);
	else
		fail(s, code, "%s", s->host.error);
	return code == EXIT_DONE;
}

/* --- the worker ---------------------------------------------------------- */

static int hand_over_tun(const struct supervisor *s, struct channel *worker)
{
	const struct message m = { .type = MESSAGE_TUN, .tun = s->host.tun_kind };

	return channel_send(worker, &m, s->host.tun);
}

static int hand_over_listener(struct supervisor *s, unsigned number, const char *any)
{
	struct open_udp_options o = { .listener = true, .mark = s->config->marks.fwmark,
				      .one_by_one = !s->config->offload };
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

void supervisor_sync(struct supervisor *s)
{
	if (s->config->role == CONFIG_CLIENT && s->worker.channel != NULL)
		uplinks_sync(&s->uplinks, host_links(&s->host), &s->preferences, s->worker.channel);
	supervisor_sync_candidate(s);
}

static void on_message(void *ctx, const struct message *m, int fd);
static void on_closed(void *ctx, int error);

/* For each worker anew: whoever ends beside us, with the same runtime directory, takes it away. */
int supervisor_make_empty_dir(const struct supervisor *s)
{
	return mkdir(s->empty_dir, 0555) == 0 || errno == EEXIST ? 0 : -errno;
}

static int begin_worker(struct supervisor *s)
{
	const struct channel_owner owner = { .message = on_message, .closed = on_closed, .ctx = s };
	int err = supervisor_make_empty_dir(s);

	if (err == 0)
		err = worker_child_begin(&s->worker, s->loop, s->config, supervisor_server(s), s->strategy,
					 &s->worker_options, &owner);
	if (err < 0)
		return err;
	ev_child_set(&s->child, s->worker.pid, 0);
	ev_child_start(s->loop, &s->child);
	uplinks_forget(&s->uplinks);
	supervisor_forget_paths(s);
	err = hand_over_tun(s, s->worker.channel);
	if (err == 0 && s->config->role == CONFIG_SERVER)
		return hand_over_listeners(s);
	if (err == 0) {
		supervisor_forget_server(s);
		supervisor_sync(s);
	}
	return err;
}

static void respawn_after(struct supervisor *s, double seconds)
{
	ev_timer_stop(s->loop, &s->respawn);
	ev_timer_set(&s->respawn, seconds, 0.0);
	ev_timer_start(s->loop, &s->respawn);
}

static void lose_worker(struct supervisor *s)
{
	ev_child_stop(s->loop, &s->child);
	worker_child_end(&s->worker);
	if (s->ending)
		return;
	supervisor_answer_all(s);
	s->worker.restarts++;
	s->state_at = supervisor_now();
	if (++s->restarts_now > RESTARTS_FIRST && !s->ready) {
		fail(s, EXIT_FAILED, "the worker died %u times: %s", s->restarts_now,
		     s->worker.said.last[0] != '\0' ? s->worker.said.last : "see the log");
		return;
	}
	log_warning("the worker is gone; a new one begins, and nothing gets around the tunnel meanwhile");
	respawn_after(s, s->restarts_now > RESTARTS_QUICK ? RESPAWN_SLOW : RESPAWN_AFTER);
}

static void on_respawn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;
	int err = begin_worker(s);

	(void)loop;
	(void)events;
	if (err == 0)
		return;
	log_error("cannot begin a new worker: %s", strerror(-err));
	if (s->worker.pid == 0)
		respawn_after(s, RESPAWN_SLOW);
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

void supervisor_session_is_up(struct supervisor *s, const struct message_tunnel *tunnel)
{
	s->state_at = supervisor_now();
	host_set_tunnel(&s->host, tunnel, s->uplinks.endpoint, s->uplinks.endpoint_count);
	if (supervisor_apply(s))
		report_ready(s);
}

/* A client that wants to can end its session and begin another many times a second. */
static void say_over(struct supervisor *s, unsigned peer)
{
	const char *name = s->config->role == CONFIG_CLIENT ? supervisor_server(s)->name : s->config->peer[peer].name;
	unsigned unsaid;

	if (!rarely_say(&s->over[peer], OVER_AGAIN, supervisor_now(), &unsaid))
		return;
	if (unsaid == 0)
		log_info("%s: the session is over", name);
	else
		log_info("%s: the session is over, and %u before it were since this was last said", name, unsaid);
}

static void on_event(struct supervisor *s, const struct message_event *e)
{
	switch (e->type) {
	case MESSAGE_SESSION_UP:
		if (s->config->role == CONFIG_CLIENT) {
			supervisor_end_looking(s);
			supervisor_session_is_up(s, &e->tunnel);
		}
		break;
	case MESSAGE_SESSION_DOWN:
		supervisor_begin_looking(s);
		s->state_at = supervisor_now();
		say_over(s, e->peer);
		break;
	case MESSAGE_PATH_UP:
	case MESSAGE_PATH_DOWN:
	case MESSAGE_PATH_ROAMED:
		break;
	}
	if (s->config->role == CONFIG_CLIENT)
		supervisor_note_event(s, e);
}

/* Somebody has deleted our device: the rules keep the host closed until there is another. */
static void renew_device(struct supervisor *s)
{
	int code = host_renew_device(&s->host);

	if (code == EXIT_DONE && hand_over_tun(s, s->worker.channel) < 0)
		code = EXIT_FAILED;
	if (code != EXIT_DONE)
		fail(s, code, "%s: the device is gone, and cannot be made anew", s->config->interface);
	else
		supervisor_apply(s);
}

static void on_tun_error(struct supervisor *s, const struct message_tun_error *e)
{
	log_warning("%s: %s", s->config->interface, strerror(e->error));
	/* writing fails while somebody sets the device down: packets are counted, and it may come back */
	if (e->operation != MESSAGE_ON_SEND)
		renew_device(s);
}

static void on_status(struct supervisor *s, const struct message *m)
{
	if (m->type == MESSAGE_STATUS_PATH)
		supervisor_count(s, &m->status_path);
	if (!report_take(&s->report, m))
		return;
	supervisor_settle_budgets(s, m->status_end.id);
	supervisor_answer_status(s);
}

static void on_message(void *ctx, const struct message *m, int fd)
{
	struct supervisor *s = ctx;

	if (fd >= 0)
		close(fd);
	if (s->ending && m->type != MESSAGE_STATUS_PATH)
		return;
	switch (m->type) {
	case MESSAGE_READY:
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
		on_tun_error(s, &m->tun_error);
		break;
	case MESSAGE_ACK:
		supervisor_answer_ack(s, &m->ack);
		break;
	case MESSAGE_STATUS:
	case MESSAGE_STATUS_PEER:
	case MESSAGE_STATUS_PATH:
	case MESSAGE_STATUS_DROPS:
	case MESSAGE_STATUS_END:
		on_status(s, m);
		break;
	default:
		break;	/* the channel lets no other type through */
	}
}

/* --- the kernel's events ------------------------------------------------- */

static void follow(struct supervisor *s)
{
	supervisor_apply(s);
	supervisor_sync(s);
}

static void on_settled(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	follow(t->data);
}

/* The first event of a bunch acts at once, since packets are being lost; the rest together. */
static void on_kernel_events(struct ev_loop *loop, ev_io *io, int events)
{
	struct supervisor *s = io->data;

	(void)events;
	if (!router_read_events(s->host.router) || ev_is_active(&s->settle))
		return;
	if (nsec_since(s->applied_at, supervisor_now()) >= SETTLE)
		follow(s);
	ev_timer_set(&s->settle, (double)SETTLE / NSEC_PER_SEC, 0.0);
	ev_timer_start(loop, &s->settle);
}

/* A service that begins anew is another group of processes, and no event tells of it. */
static void on_outside(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;

	(void)loop;
	(void)events;
	if (host_look_outside(&s->host))
		supervisor_apply(s);
}

/* No event tells of resolv.conf for certain: it may be replaced, or a link to what is. */
static void on_names(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;
	int code;

	(void)loop;
	(void)events;
	if (!host_names_are_overwritten(&s->host))
		return;
	code = host_set_names(&s->host);
	if (s->names_said_at != 0 && nsec_since(s->names_said_at, supervisor_now()) < SAY_AGAIN)
		return;		/* it may be one that does not give in either */
	s->names_said_at = supervisor_now();
	if (code == EXIT_DONE)
		log_info("another program has written to resolv.conf: the tunnel's DNS servers are set again");
	else
		log_error("%s", s->host.error);
}

/* --- beginning ----------------------------------------------------------- */

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct supervisor *s = signal->data;

	(void)events;
	s->signalled = true;
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
	const struct config_peer *server = supervisor_server(s);
	char who[ADDR_TEXT];

	(void)loop;
	(void)events;
	if (!supervisor_may_use_links(s))
		fail(s, EXIT_FAILED, "%s: no link may carry the tunnel: each is tier = never, or its budget is spent",
		     server->name);
	else if (s->config->peer_count > 1)
		fail(s, EXIT_FAILED, "none of the %zu servers answers: check their endpoints, that UDP gets through, "
		     "and the public keys on both ends", s->config->peer_count);
	else if (s->uplinks.refused != 0)
		fail(s, EXIT_FAILED, "%s: %s says over %s: %s: is the server running, and is that its address?",
		     server->name, addr_print(&s->uplinks.refused_by, who), s->uplinks.refused_link,
		     strerror(s->uplinks.refused));
	else
		fail(s, EXIT_FAILED, "%s: no answer from %s port %u: check the endpoint, that UDP gets through, "
		     "and the public keys on both ends", server->name, server->endpoint[0].host,
		     server->endpoint[0].port);
	supervisor_blame(s);
}

static bool make_directory(struct supervisor *s)
{
	const char *dir = s->options->runtime_dir;

	snprintf(s->empty_dir, sizeof(s->empty_dir), "%s/%s.empty", dir, s->config->interface);
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return true;
	fail(s, exit_code_of(-errno), "%s: %s", dir, strerror(errno));
	return false;
}

static bool choose_user(struct supervisor *s)
{
	struct worker_options *o = &s->worker_options;

	o->empty_dir = s->empty_dir;
	o->one_by_one = !s->config->offload;
	o->threads = s->config->threads == CONFIG_THREADS_AUTO ? crew_usual() : s->config->threads;
	if (worker_user(s->config->user, &o->uid, &o->gid))
		return true;
	fail(s, EXIT_USAGE, "user = %s: there is no such user, or it is root: the worker needs one without any right",
	     s->config->user);
	return false;
}

/* One that was killed a moment ago may still seem to listen. */
static bool is_answered(const char *path)
{
	json_t *request = json_pack("{s:s}", "command", "status"), *reply = NULL;
	int err = control_call(path, request, ANSWER_WITHIN, &reply, NULL);

	json_decref(request);
	json_decref(reply);
	return err == 0 || err == -ETIMEDOUT;
}

static bool open_control(struct supervisor *s)
{
	const struct control_handler handler = { supervisor_request, s };
	char path[CONTROL_PATH];
	int err = -ENAMETOOLONG;

	if (control_path(s->options->runtime_dir, s->config->interface, path))
		err = control_listen(s->loop, path, &handler, &s->control);
	for (int ms = 0; err == -EADDRINUSE && ms < DYING_MS && !is_answered(path); ms += 10) {
		usleep(10 * 1000);
		err = control_listen(s->loop, path, &handler, &s->control);
	}
	if (err == -EADDRINUSE)
		fail(s, EXIT_ALREADY_UP, "%s is already up", s->config->interface);
	else if (err == -ENOLCK)
		fail(s, EXIT_FAILED, "%s/lock: another process of ttt holds it, and does not let go",
		     s->options->runtime_dir);
	else if (err < 0)
		fail(s, exit_code_of(err), "%s: cannot listen: %s", path, strerror(-err));
	return err == 0;
}

static bool open_host(struct supervisor *s)
{
	int code = host_open(&s->host, s->config, s->options->runtime_dir);

	if (code == EXIT_DONE)
		code = host_find_links(&s->host);
	if (code != EXIT_DONE) {
		fail(s, code, "%s", s->host.error);
		return false;
	}
	return supervisor_apply(s);
}

static void watch(struct supervisor *s)
{
	ev_io_init(&s->events, on_kernel_events, router_fd(s->host.router), EV_READ);
	ev_timer_init(&s->minute, on_minute, 60.0, 60.0);
	ev_timer_init(&s->outside, on_outside, OUTSIDE, OUTSIDE);
	ev_timer_init(&s->up_within, on_too_late, UP_WITHIN, 0.0);
	s->events.data = s->minute.data = s->outside.data = s->up_within.data = s;
	ev_io_start(s->loop, &s->events);
	ev_timer_start(s->loop, &s->minute);
	supervisor_begin_looking(s);
	if (s->config->outside_cgroup_count > 0)
		ev_timer_start(s->loop, &s->outside);
	if (s->config->role == CONFIG_CLIENT)
		ev_timer_start(s->loop, &s->up_within);
}

static bool begin(struct supervisor *s)
{
	int err;

	if (!choose_user(s) || !make_directory(s) || !open_control(s) || !open_host(s))
		return false;
	watch(s);
	supervisor_begin_budgets(s);
	if (s->config->role == CONFIG_CLIENT && !supervisor_begin_servers(s)) {
		fail(s, EXIT_FAILED, "out of memory");
		return false;
	}
	err = begin_worker(s);
	if (err == -EADDRINUSE)
		fail(s, EXIT_FAILED, "UDP port %u is taken by another program", s->config->listen);
	else if (err < 0)
		fail(s, exit_code_of(err), "cannot begin the worker: %s", strerror(-err));
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
	channel_drain(s->worker.channel);	/* what its paths have carried */
}

void supervisor_change_worker(struct supervisor *s, const struct worker_child *worker)
{
	const struct channel_owner owner = { .message = on_message, .closed = on_closed, .ctx = s };
	unsigned restarts = s->worker.restarts;

	hand_over_tun(s, worker->channel);
	supervisor_answer_all(s);
	say_goodbye(s);
	ev_child_stop(s->loop, &s->child);
	ev_timer_stop(s->loop, &s->respawn);
	worker_child_end(&s->worker);
	s->worker = *worker;
	s->worker.restarts = restarts;
	channel_set_owner(s->worker.channel, &owner);
	ev_child_set(&s->child, s->worker.pid, 0);
	ev_child_start(s->loop, &s->child);
	supervisor_forget_paths(s);
}

/* The other tunnels' files, if there are any, keep the directory. */
static void remove_directories(struct supervisor *s)
{
	if (s->control != NULL)	/* else a daemon of this name lives */
		rmdir(s->empty_dir);
	rmdir(s->options->runtime_dir);
}

/*
 * A failure must not open the host that a kill switch was promised to keep closed;
 * nor must an `up` that comes to nothing, where the run before was killed.
 */
static bool is_to_stay_closed(const struct supervisor *s)
{
	return s->ready ? s->exit_code != EXIT_DONE : s->host.adopted && (s->exit_code != EXIT_DONE || s->signalled);
}

static void say_closed(struct supervisor *s)
{
	static const char stays[] = "the kill switch stays: `ttt up` begins anew, `ttt down` opens the host";
	size_t len;

	if (s->ready) {
		log_error("%s", stays);
		return;
	}
	if (s->reason[0] == '\0')
		text_copy(s->reason, sizeof(s->reason), "stopped before the tunnel was up");
	if (s->exit_code == EXIT_DONE)
		s->exit_code = EXIT_FAILED;
	len = strlen(s->reason);
	snprintf(s->reason + len, sizeof(s->reason) - len, "; %s", stays);
}

static void give_host_back(struct supervisor *s)
{
	if (is_to_stay_closed(s) && host_leave_closed(&s->host)) {
		say_closed(s);
		return;
	}
	if (host_close(&s->host) == EXIT_DONE)
		return;
	log_error("%s: `ttt down` tries again", s->host.error);
	if (s->exit_code == EXIT_DONE)
		s->exit_code = EXIT_FAILED;
}

static void end(struct supervisor *s)
{
	s->ending = true;
	notify_send("STOPPING=1");
	if (s->control != NULL)
		control_flush(s->control);	/* who asked to stop need not wait for the end */
	supervisor_end_servers(s);
	say_goodbye(s);
	ev_child_stop(s->loop, &s->child);
	worker_child_end(&s->worker);
	supervisor_end_budgets(s);
	supervisor_end_looking(s);
	give_host_back(s);
	report_done(&s->report);
	control_free(s->control);
	remove_directories(s);
	report_failure(s);
	if (s->ready_fd >= 0)
		close(s->ready_fd);
	ev_loop_destroy(s->loop);
}

int supervisor_run(const struct config *config, const struct supervisor_options *options)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct supervisor s = {
		.config = config, .options = options, .ready_fd = options->ready_fd,
		.host = { .tun = -1, .lock = -1, .outside = { .root = -1 } },
		.started_at = supervisor_now(), .state_at = supervisor_now(),
	};

	/* children are watched by the default loop only */
	s.loop = ev_default_loop(EVFLAG_NOENV);
	if (s.loop == NULL)
		return EXIT_FAILED;
	signal(SIGPIPE, SIG_IGN);
	text_copy(s.strategy, sizeof(s.strategy), config->strategy);
	s.preferences = (struct preferences){ .config = config, .budgets = &s.budgets };
	ev_child_init(&s.child, on_child, 0, 0);
	ev_timer_init(&s.settle, on_settled, 0.0, 0.0);
	ev_timer_init(&s.respawn, on_respawn, RESPAWN_AFTER, 0.0);
	ev_timer_init(&s.names, on_names, NAMES, NAMES);
	s.child.data = s.settle.data = s.respawn.data = s.names.data = &s;
	supervisor_init_servers(&s);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		ev_signal_init(&s.stop[i], on_signal, signals[i]);
		s.stop[i].data = &s;
		ev_signal_start(s.loop, &s.stop[i]);
	}
	if (begin(&s))
		ev_run(s.loop, 0);
	end(&s);
	return s.exit_code;
}

/* The next daemon may have begun meanwhile, and wait for what host_cleanup held: its socket stays. */
int supervisor_cleanup(const struct config *config, const struct supervisor_options *options,
		       const char *ifname)
{
	char path[CONFIG_PATH];
	int n = host_cleanup(config, options->runtime_dir, ifname), sockets = 0;

	if (n < 0)
		return n;
	if (control_path(options->runtime_dir, ifname, path))
		sockets = control_remove(path);
	if (sockets < 0)
		return sockets == -EADDRINUSE || sockets == -ENOENT ? n : sockets;
	n += sockets;
	snprintf(path, sizeof(path), "%s/%s.empty", options->runtime_dir, ifname);
	rmdir(path);
	rmdir(options->runtime_dir);
	return n;
}
