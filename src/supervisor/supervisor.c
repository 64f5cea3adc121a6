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
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "control/notify.h"
#include "io/crew.h"
#include "routing/apply.h"
#include "supervisor/supervisor_state.h"
#include "supervisor/worker_user.h"

#define UP_WITHIN		15.0	/* seconds for a client's first session */
#define SETTLE			MSEC(20)	/* events come in bunches: the first acts, the last acts again */
#define ANSWER_WITHIN		SEC(1)	/* a daemon that lives */
#define DYING_MS		2000	/* and one that was killed is gone */
#define OUTSIDE			1.0	/* seconds between two looks at cgroups */
#define AGAIN_FIRST		5.0	/* seconds until what was refused is tried again; twice that the next time, */
#define AGAIN_MOST		60.0	/* and so on */

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

void supervisor_report_ready(struct supervisor *s)
{
	if (s->ready)
		return;
	s->ready = true;
	ev_timer_stop(s->loop, &s->up_within);
	if (s->ready_fd >= 0)
		say(s, "ready\n");
	notify_send("READY=1");
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

/* Memory that was short, or a disk that was full, comes back without an event. */
static void try_later(struct supervisor *s, bool good)
{
	if (good) {
		ev_timer_stop(s->loop, &s->again);
		s->again_wait = 0.0;
	} else if (!ev_is_active(&s->again)) {
		s->again_wait = s->again_wait == 0.0 ? AGAIN_FIRST : 2.0 * s->again_wait;
		if (s->again_wait > AGAIN_MOST)
			s->again_wait = AGAIN_MOST;
		ev_timer_set(&s->again, s->again_wait, 0.0);
		ev_timer_start(s->loop, &s->again);
	}
}

bool supervisor_apply(struct supervisor *s)
{
	int code = host_apply(&s->host);

	try_later(s, code == EXIT_DONE);
	s->applied_at = supervisor_now();
	supervisor_watch_tables(s);
	supervisor_watch_names(s);
	if (s->ready || code == EXIT_DONE)
		note_trouble(s, code == EXIT_DONE ? "" : s->host.error);
	else
		fail(s, code, "%s", s->host.error);
	return code == EXIT_DONE;
}

void supervisor_sync(struct supervisor *s)
{
	if (s->config->role == CONFIG_CLIENT && s->worker.channel != NULL)
		uplinks_sync(&s->uplinks, host_links(&s->host), &s->preferences, s->worker.channel);
	supervisor_sync_candidate(s);
}

/* --- the kernel's events ------------------------------------------------- */

static void follow(struct supervisor *s)
{
	supervisor_apply(s);
	supervisor_sync(s);
}

static void on_again(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	follow(t->data);
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
	err = supervisor_begin_worker(s);
	if (err == -EADDRINUSE)
		fail(s, EXIT_FAILED, "UDP port %u is taken by another program", s->config->listen);
	else if (err < 0)
		fail(s, exit_code_of(err), "cannot begin the worker: %s", strerror(-err));
	return err == 0;
}

/* --- ending -------------------------------------------------------------- */

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
	supervisor_end_worker(s);
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
	ev_timer_init(&s.settle, on_settled, 0.0, 0.0);
	ev_timer_init(&s.again, on_again, 0.0, 0.0);
	s.settle.data = s.again.data = &s;
	supervisor_init_names(&s);
	supervisor_init_worker(&s);
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
