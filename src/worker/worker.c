/*
 * worker: see worker.h.
 *
 * One turn of the loop: `woken` reads the clock; then sockets, channel, TUN
 * and timer put a bounded number of packets into the engine, in this order;
 * `settle` takes out everything it has to say and sets the timer.  The order
 * is libev's priority, so that a flood on one side does not starve the rest.
 */
#include "worker/worker.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/inlet.h"
#include "io/sandbox.h"
#include "io/udp.h"
#include "worker/worker_state.h"

#define TUN_BATCH	64	/* packets per turn */
#define COLLECT_EVERY	64	/* datagrams from the network */
#define CHANNEL_FD	3
#define TUN_ERROR_AGAIN	SEC(1)
#define LARGE		(128 * 1024)	/* bytes of memory that come from the kernel, and are none until they are used */

/* libev's priorities; the channel has 0 */
enum { FIRST = 2, SOCKETS = 1, TUN = -1, TIMER = -2 };

/* Ours alone, so that a busy machine makes no cipher look slow. */
static nsec_t read_cpu_time(void *ctx)
{
	(void)ctx;
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

void worker_finish(struct worker *w, int exit_code)
{
	w->exit_code = exit_code;
	ev_break(w->loop, EVBREAK_ALL);
}

void worker_tell(struct worker *w, const struct message *m)
{
	if (channel_send(w->channel, m, -1) < 0)
		w->count[REPORT_UNSENT]++;
}

/* --- out of the engine -------------------------------------------------- */

/* The engine's outbox is bounded: emptied after each batch that goes in. */
void worker_collect(struct worker *w)
{
	struct endpoint to;
	struct buf *b;

	while ((b = engine_net_out(w->engine, w->now, &to)) != NULL) {
		struct worker_socket *s = w->port[to.socket].socket;

		if (s != NULL) {
			worker_socket_push(s, b, &to, w->now);
		} else {
			w->count[REPORT_SOCKET_GONE]++;
			buf_put(b);
		}
	}
}

void worker_send_port(struct port *p)
{
	if (p->socket == NULL || p->socket->count == 0)
		return;
	if (worker_socket_send(p->socket, p->worker->now))
		ev_io_stop(p->worker->loop, &p->writable);
	else
		ev_io_start(p->worker->loop, &p->writable);
}

void worker_send_all(struct worker *w)
{
	for (unsigned i = 0; i < ENDPOINT_SOCKETS; i++)
		worker_send_port(&w->port[i]);
}

static void tun_failed(struct worker *w, enum message_operation operation, int error)
{
	struct message m = { .type = MESSAGE_TUN_ERROR };

	m.tun_error.operation = operation;
	m.tun_error.error = -error;
	w->tun_reported_at = w->now;
	worker_tell(w, &m);
}

/* All of a turn's packets, so that those which follow each other leave together. */
static void write_tun(struct worker *w)
{
	struct worker_tun_failure failure = { 0 };
	struct buf *b;

	while ((b = engine_tun_out(w->engine, w->now)) != NULL)
		worker_tun_push(&w->tun, b, &failure);
	worker_tun_flush(&w->tun, &failure);
	w->count[REPORT_TUN_FAILED] += failure.packets;
	if (failure.packets > 0 && nsec_since(w->tun_reported_at, w->now) >= TUN_ERROR_AGAIN)
		tun_failed(w, MESSAGE_ON_SEND, failure.error);
}

/* A server's supervisor has no links: and of paths each client can make as much news as it likes. */
static bool is_news(const struct worker *w, const struct engine_event *e)
{
	return w->setup.role == MESSAGE_CLIENT || e->type == ENGINE_SESSION_UP || e->type == ENGINE_SESSION_DOWN;
}

void worker_tell_events(struct worker *w)
{
	struct engine_event event;
	struct message m;

	/* what the channel has no room for waits in the engine */
	while (channel_queued(w->channel) < CHANNEL_QUEUE && engine_event_out(w->engine, &event)) {
		if (!is_news(w, &event))
			continue;
		report_event(&event, &m);
		worker_tell(w, &m);
	}
}

/* count: REPORT_COUNTS of them. */
static struct report_source source_of(const struct worker *w, const uint64_t *count)
{
	return (struct report_source){
		.engine = w->engine, .role = w->setup.role, .socket = w->known, .count = count,
		.pool = w->setup.pool, .pool_left = (uint32_t)(buf_pool_left(w->pool) + inlet_held(w->inlet)),
		.threads = w->threads,
	};
}

void worker_tell_last(struct worker *w, unsigned socket)
{
	struct report_source from = source_of(w, w->count);
	struct message m;

	if (w->setup.role == MESSAGE_CLIENT && report_socket(&from, socket, w->now, &m))
		worker_tell(w, &m);
}

static void add_socket(const struct worker *w, const struct worker_socket *s, uint64_t *count, struct report_udp *udp)
{
	count[REPORT_SEND_FAILED] += s->failed;
	count[REPORT_SEND_BLOCKED] += s->blocked;
	udp->sockets++;
	udp->segmenting += worker_socket_segments(s, w->now);
	udp->tx_datagrams += s->datagrams;
	udp->tx_messages += s->messages;
}

static void tell_status(struct worker *w)
{
	const struct inlet_counts *in = inlet_counts(w->inlet);
	uint64_t count[REPORT_COUNTS];
	struct report_source from = source_of(w, count);
	struct message m;

	if (!w->walk.active)
		return;
	memcpy(count, w->count, sizeof(count));
	count[REPORT_TOO_LONG] += in->too_long;
	count[REPORT_NO_BUFFER] += in->no_buffer;
	from.udp = (struct report_udp){
		.gro = w->udp.gro, .tx_datagrams = w->tx_datagrams, .tx_messages = w->tx_messages,
		.rx_datagrams = in->datagrams, .rx_messages = in->messages,
	};
	for (unsigned i = 0; i < ENDPOINT_SOCKETS; i++)
		if (w->port[i].socket != NULL)
			add_socket(w, w->port[i].socket, count, &from.udp);
	/* once parts wait, the channel's owner->drained wakes us for more */
	while (channel_queued(w->channel) == 0 && report_next(&w->walk, &from, w->now, &m))
		worker_tell(w, &m);
}

static void set_deadline(struct worker *w)
{
	nsec_t at = engine_deadline(w->engine, w->now);

	ev_timer_stop(w->loop, &w->deadline);
	if (at == NSEC_NEVER)
		return;
	ev_timer_set(&w->deadline, (double)nsec_since(w->now, at) / (double)NSEC_PER_SEC, 0.0);
	ev_timer_start(w->loop, &w->deadline);
}

/*
 * So many buffers are left to what comes from the network.  What waits in the
 * engine never takes them (engine.h): only what passes through does.
 */
static size_t tun_reserve(const struct worker *w)
{
	size_t quarter = w->setup.pool / 4;

	return quarter < ENGINE_BUFS_RESERVE / 2 ? quarter : ENGINE_BUFS_RESERVE / 2;
}

/* Reading rests while buffers are short; the TUN rests first, since what is inside must get out. */
static void set_reading(struct worker *w)
{
	size_t left = buf_pool_left(w->pool);

	for (unsigned i = 0; i < ENDPOINT_SOCKETS; i++)
		if (w->port[i].socket != NULL && left >= INLET_ENOUGH)
			ev_io_start(w->loop, &w->port[i].readable);
	if (w->tun.fd >= 0 && left >= tun_reserve(w))
		ev_io_start(w->loop, &w->tun_readable);
}

static void on_settle(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct worker *w = watcher->data;

	(void)loop;
	(void)events;
	if (w->engine == NULL)
		return;
	worker_collect(w);
	worker_send_all(w);
	write_tun(w);
	worker_tell_events(w);
	tell_status(w);
	set_reading(w);
	set_deadline(w);
}

static void on_woken(struct ev_loop *loop, ev_check *watcher, int events)
{
	(void)loop;
	(void)events;
	((struct worker *)watcher->data)->now = clock_read(CLOCK_BOOTTIME);
}

/* --- into the engine ---------------------------------------------------- */

static void on_deadline(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct worker *w = watcher->data;

	(void)loop;
	(void)events;
	engine_tick(w->engine, w->now);
}

/* The outbox has room for what so many packets may become on all paths. */
static void hand_over(struct worker *w, struct buf_queue *packets)
{
	struct buf *b;

	for (int n = 1; (b = buf_queue_pop(packets)) != NULL; n++) {
		engine_tun_in(w->engine, b, w->now);
		if (n % TUN_BATCH == 0)
			worker_collect(w);
	}
	worker_collect(w);
}

/* One large packet of the device's may be more than a batch, but is always taken whole. */
static int read_tun(struct worker *w, struct buf_queue *ret)
{
	int error = 0;

	for (int i = 0; i < TUN_BATCH && ret->count < TUN_BATCH && error == 0; i++) {
		if (buf_pool_left(w->pool) < tun_reserve(w))
			break;
		error = worker_tun_read(&w->tun, w->pool, w->count, ret);
	}
	return error;
}

static void on_tun(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;
	struct buf_queue packets = { 0 };
	int error;

	(void)events;
	if (buf_pool_left(w->pool) < tun_reserve(w)) {
		w->count[REPORT_NO_BUFFER]++;
		ev_io_stop(loop, watcher);
		return;
	}
	error = read_tun(w, &packets);
	hand_over(w, &packets);
	if (error == 0 || error == -EAGAIN || error == -EINTR)
		return;
	ev_io_stop(loop, watcher);
	worker_tun_close(&w->tun);
	tun_failed(w, MESSAGE_ON_RECEIVE, error);
}

/* All that the next datagrams may bring find a buffer each. */
static bool has_room(const struct worker *w)
{
	return buf_pool_left(w->pool) >= COLLECT_EVERY * ENGINE_TOGETHER;
}

/*
 * What came in, to the engine, many together; its outbox holds the answers to so many.
 * What they bring goes to the device when the turn ends, if there is room until then.
 */
static void deliver(struct worker *w, const struct worker_socket *s)
{
	struct engine_arrival arrival[COLLECT_EVERY];
	struct udp_datagram d;
	size_t count;

	do {
		for (count = 0; count < COLLECT_EVERY && inlet_next(w->inlet, &d);) {
			struct engine_arrival *a = &arrival[count];

			if (d.remote.family == ADDR_NONE) {
				buf_put(d.buf);
				continue;
			}
			*a = (struct engine_arrival){ { .socket = s->number, .remote = d.remote }, d.buf };
			/* a link's socket is bound to its one address */
			if (s->kind == MESSAGE_SOCKET_LISTEN)
				a->from.local = d.local;
			count++;
		}
		engine_net_in_all(w->engine, arrival, count, w->now);
		worker_collect(w);
		if (!has_room(w))
			write_tun(w);
	} while (count == COLLECT_EVERY);
}

static bool is_answer(int got)
{
	return got < 0 && got != -EAGAIN && got != -EINTR && got != -ENOBUFS;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct port *p = watcher->data;
	struct worker *w = p->worker;
	int got = inlet_receive(w->inlet, p->socket->fd, &p->socket->habit);

	(void)events;
	/* the network has answered one of ours, and the kernel says that first: what has come is behind it */
	if (is_answer(got) && worker_socket_errors(p->socket, w->now))
		got = inlet_receive(w->inlet, p->socket->fd, &p->socket->habit);
	if (got == -ENOBUFS) {
		w->count[REPORT_NO_BUFFER]++;
		ev_io_stop(loop, watcher);
		return;
	}
	deliver(w, p->socket);
	/* woken without a datagram: the network has answered one of ours */
	if (got <= 0 && !worker_socket_errors(p->socket, w->now) && got != -EAGAIN && got != -EINTR)
		worker_socket_note(p->socket, MESSAGE_ON_RECEIVE, -got, NULL, w->now);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	worker_send_port(watcher->data);
}

/* --- the channel -------------------------------------------------------- */

static void on_message(void *ctx, const struct message *m, int fd)
{
	worker_obey(ctx, m, fd);
}

static void on_closed(void *ctx, int error)
{
	if (error == -EPROTO)
		log_error("worker: what came from the supervisor is no message");
	else if (error < 0)
		log_error("worker: the supervisor's channel: %s", strerror(-error));
	worker_finish(ctx, 1);
}

static void on_drained(void *ctx)
{
	(void)ctx;	/* being woken is enough: on_settle goes on with the status */
}

/* --- life --------------------------------------------------------------- */

/* The fork had the supervisor's signals and descriptors: netlink, nftables, control socket. */
static int leave_parent(int channel_fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (channel_fd != CHANNEL_FD && dup3(channel_fd, CHANNEL_FD, O_CLOEXEC) < 0)
		return -errno;
	return close_range(CHANNEL_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

static bool prepare(struct worker *w)
{
	const struct channel_owner owner = { on_message, on_closed, on_drained, w };

	/*
	 * poll, not epoll: the supervisor has our descriptors too, so one that we
	 * close would stay in an epoll set, and libev would have to make a new set.
	 */
	w->loop = ev_loop_new(EVBACKEND_POLL | EVFLAG_NOENV);
	if (w->loop == NULL)
		return false;
	w->channel = channel_new(w->loop, CHANNEL_FD, CHANNEL_WORKER, &owner);
	if (w->channel == NULL)
		return false;
	ev_check_init(&w->woken, on_woken);
	ev_prepare_init(&w->settle, on_settle);
	ev_timer_init(&w->deadline, on_deadline, 0.0, 0.0);
	ev_init(&w->tun_readable, on_tun);
	w->woken.data = w->settle.data = w->deadline.data = w->tun_readable.data = w;
	ev_set_priority(&w->woken, FIRST);
	ev_set_priority(&w->tun_readable, TUN);
	ev_set_priority(&w->deadline, TIMER);
	for (unsigned i = 0; i < ENDPOINT_SOCKETS; i++) {
		struct port *p = &w->port[i];

		p->worker = w;
		ev_init(&p->readable, on_readable);
		ev_init(&p->writable, on_writable);
		ev_set_priority(&p->readable, SOCKETS);
		ev_set_priority(&p->writable, SOCKETS);
		p->readable.data = p->writable.data = p;
	}
	ev_check_start(w->loop, &w->woken);
	ev_prepare_start(w->loop, &w->settle);
	worker_tun_init(&w->tun);
	w->exit_code = 1;
	return true;
}

void worker_remove_port(struct port *p)
{
	struct worker *w = p->worker;

	ev_io_stop(w->loop, &p->readable);
	ev_io_stop(w->loop, &p->writable);
	w->count[REPORT_SEND_FAILED] += p->socket->failed;
	w->count[REPORT_SEND_BLOCKED] += p->socket->blocked;
	w->tx_datagrams += p->socket->datagrams;
	w->tx_messages += p->socket->messages;
	worker_socket_free(p->socket);
	p->socket = NULL;
}

void worker_forget_setup(struct worker *w)
{
	message_wipe(w->setup.private_key, sizeof(w->setup.private_key));
	if (w->peer != NULL)
		message_wipe(w->peer, MESSAGE_PEERS * sizeof(*w->peer));
	free(w->peer);
	w->peer = NULL;
}

static void done(struct worker *w)
{
	for (unsigned i = 0; i < ENDPOINT_SOCKETS; i++)
		if (w->port[i].socket != NULL)
			worker_remove_port(&w->port[i]);
	engine_free(w->engine);
	worker_forget_setup(w);
	inlet_free(w->inlet);
	worker_tun_close(&w->tun);
	buf_pool_free(w->pool);
	crew_free(w->crew);
	channel_free(w->channel);
	if (w->loop != NULL)
		ev_loop_destroy(w->loop);
}

/*
 * Helpers, made when the process is what it will be, but for the filter, which
 * lets no thread be made and no memory be protected: so they have no heaps of
 * their own.  Without them all goes as well, if slower.
 */
static int hire(void *ctx)
{
	struct worker *w = ctx;
	int error;

	if (w->threads == 0)
		return 0;
	mallopt(M_ARENA_MAX, 1);
	error = crew_new(w->threads, &w->crew);
	if (error < 0) {
		log_warning("worker: no threads to help: %s", strerror(-error));
		w->threads = 0;
	}
	return 0;
}

int worker_run(int channel_fd, const struct worker_options *options)
{
	static struct worker worker;
	struct sandbox sandbox = {
		.uid = options->uid, .gid = options->gid, .empty_dir = options->empty_dir,
		.parent = getppid(), .last = hire, .ctx = &worker,
	};
	const char *step = NULL;
	int error = leave_parent(channel_fd);

	/* said, or the first such piece that is freed raises it: then 256 clients that are away take 60 MB more */
	mallopt(M_MMAP_THRESHOLD, LARGE);
	if (error < 0 || sodium_init() < 0 || !prepare(&worker)) {
		log_error("worker: cannot begin: %s", strerror(error < 0 ? -error : errno));
		return 1;
	}
	/* the libraries are loaded, libsodium has its source of randomness now and the loop its descriptors */
	suite_fastest(&worker.suite, read_cpu_time, NULL);
	if (!options->one_by_one)
		worker.udp = udp_offload();
	worker.now = clock_read(CLOCK_BOOTTIME);
	worker.threads = options->threads;
	error = sandbox_enter(&sandbox, &step);
	if (error < 0) {
		log_error("worker: cannot shut itself in: %s: %s", step, strerror(-error));
		return 1;
	}
	ev_run(worker.loop, 0);
	done(&worker);
	return worker.exit_code;
}
