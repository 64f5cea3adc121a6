/*
 * supervisor_worker: the worker's life: what it is given, when another one has
 * to begin, and what it says.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/log.h"
#include "io/open.h"
#include "supervisor/supervisor_state.h"

#define GOODBYE_WITHIN		500	/* ms for the worker's CLOSE to go out */
#define RESPAWN_AFTER		0.05	/* seconds */
#define RESTARTS_QUICK		10	/* workers in a minute that follow at once; then each waits */
#define RESTARTS_FIRST		3	/* before the tunnel was ever up: it will not be */
#define RESPAWN_SLOW		5.0	/* seconds */
#define OVER_AGAIN		SEC(10)	/* that a peer's session is over */
#define SHARED_AGAIN		SEC(3600)	/* that its key seems to be two machines' */

/* --- what it is given ------------------------------------------------------ */

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

static void on_message(void *ctx, const struct message *m, int fd);
static void on_closed(void *ctx, int error);

/* --- its life --------------------------------------------------------------- */

/* For each worker anew: whoever ends beside us, with the same runtime directory, takes it away. */
int supervisor_make_empty_dir(const struct supervisor *s)
{
	return mkdir(s->empty_dir, 0555) == 0 || errno == EEXIST ? 0 : -errno;
}

int supervisor_begin_worker(struct supervisor *s)
{
	const struct channel_owner owner = { .message = on_message, .closed = on_closed, .ctx = s };
	int err = supervisor_make_empty_dir(s);

	if (err == 0)
		err = worker_child_begin(&s->worker, s->loop, s->config, supervisor_server(s), s->strategy,
					 &s->worker_options, &s->said, &owner);
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
	s->sessions = 0;
	memset(s->in_session, 0, sizeof(s->in_session));
	if (++s->restarts_now > RESTARTS_FIRST && !s->ready) {
		supervisor_fail(s, EXIT_FAILED, "the worker died %u times: %s", s->restarts_now,
		     s->worker.last[0] != '\0' ? s->worker.last : "see the log");
		return;
	}
	log_warning("the worker is gone; a new one begins, and nothing gets around the tunnel meanwhile");
	respawn_after(s, s->restarts_now > RESTARTS_QUICK ? RESPAWN_SLOW : RESPAWN_AFTER);
}

static void on_respawn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;
	int err = supervisor_begin_worker(s);

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

void supervisor_init_worker(struct supervisor *s)
{
	ev_child_init(&s->child, on_child, 0, 0);
	ev_timer_init(&s->respawn, on_respawn, RESPAWN_AFTER, 0.0);
	s->child.data = s->respawn.data = s;
}

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

void supervisor_end_worker(struct supervisor *s)
{
	say_goodbye(s);
	ev_child_stop(s->loop, &s->child);
	ev_timer_stop(s->loop, &s->respawn);
	worker_child_end(&s->worker);
}

void supervisor_change_worker(struct supervisor *s, const struct worker_child *worker)
{
	const struct channel_owner owner = { .message = on_message, .closed = on_closed, .ctx = s };
	unsigned restarts = s->worker.restarts;

	hand_over_tun(s, worker->channel);
	supervisor_answer_all(s);
	supervisor_end_worker(s);
	s->worker = *worker;
	s->worker.restarts = restarts;
	channel_set_owner(s->worker.channel, &owner);
	ev_child_set(&s->child, s->worker.pid, 0);
	ev_child_start(s->loop, &s->child);
	supervisor_forget_paths(s);
}

/* --- what it says ----------------------------------------------------------- */

void supervisor_session_is_up(struct supervisor *s, const struct message_tunnel *tunnel)
{
	s->state_at = supervisor_now();
	host_set_tunnel(&s->host, tunnel, s->uplinks.endpoint, s->uplinks.endpoint_count);
	if (supervisor_apply(s))
		supervisor_report_ready(s);
}

static const char *name_of(const struct supervisor *s, unsigned peer)
{
	return s->config->role == CONFIG_CLIENT ? supervisor_server(s)->name : s->config->peer[peer].name;
}

static const char begins_anew[] = "the session begins anew all the time: does another machine use the same key?";

static void note_begun(struct supervisor *s, unsigned peer)
{
	nsec_t now = supervisor_now();
	unsigned unsaid;

	if (takeovers_note(&s->begun[peer], now) && rarely_say(&s->shared[peer], SHARED_AGAIN, now, &unsaid))
		log_warning("%s: %s", name_of(s, peer), begins_anew);
}

void supervisor_describe_takeovers(const struct supervisor *s, struct status *st)
{
	for (unsigned i = 0; i < s->config->peer_count && st->note_count < STATUS_NOTES; i++)
		if (takeovers_are_many(&s->begun[i], supervisor_now()))
			snprintf(st->note[st->note_count++], STATUS_NOTE, "%s: %s", name_of(s, i), begins_anew);
}

/* A client that wants to can end its session and begin another many times a second. */
static void say_over(struct supervisor *s, unsigned peer)
{
	const char *name = name_of(s, peer);
	unsigned unsaid;

	if (!rarely_say(&s->over[peer], OVER_AGAIN, supervisor_now(), &unsaid))
		return;
	if (unsaid == 0)
		log_info("%s: the session is over", name);
	else
		log_info("%s: the session is over, and %u before it were since this was last said", name, unsaid);
}

/* A server is up as long as any client is. */
static void note_session(struct supervisor *s, unsigned peer, bool up)
{
	if (s->in_session[peer] == up)
		return;
	s->in_session[peer] = up;
	s->sessions += up ? 1 : -1u;
	if (s->sessions == (up ? 1 : 0))
		s->state_at = supervisor_now();
}

static void on_event(struct supervisor *s, const struct message_event *e)
{
	bool server = s->config->role == CONFIG_SERVER;

	switch (e->type) {
	case MESSAGE_SESSION_UP:
		note_begun(s, e->peer);
		if (server) {
			note_session(s, e->peer, true);
		} else {
			supervisor_end_looking(s);
			supervisor_session_is_up(s, &e->tunnel);
		}
		break;
	case MESSAGE_SESSION_DOWN:
		supervisor_begin_looking(s);
		if (server)
			note_session(s, e->peer, false);
		else
			s->state_at = supervisor_now();
		say_over(s, e->peer);
		break;
	case MESSAGE_PATH_UP:
	case MESSAGE_PATH_DOWN:
	case MESSAGE_PATH_ROAMED:
		break;
	}
	if (!server)
		supervisor_note_event(s, e);
}

/* Somebody has deleted our device: the rules keep the host closed until there is another. */
static void renew_device(struct supervisor *s)
{
	int code = host_renew_device(&s->host);

	if (code == EXIT_DONE && hand_over_tun(s, s->worker.channel) < 0)
		code = EXIT_FAILED;
	if (code != EXIT_DONE)
		supervisor_fail(s, code, "%s: the device is gone, and cannot be made anew", s->config->interface);
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
			supervisor_report_ready(s);
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
