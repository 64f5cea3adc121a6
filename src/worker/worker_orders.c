/*
 * worker_orders: what the supervisor says, one function per message, and the
 * table that finds it.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "worker/worker_state.h"

#define HELP_FROM	16384	/* bytes to be sealed or opened at once: decision 028 */
#define LAST_WORDS_MS	100

static void refuse(struct worker *w, const char *what)
{
	log_error("worker: the supervisor said something out of order: %s", what);
	worker_finish(w, 1);
}

static void fill_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	randombytes_buf(buf, len);
}

static void take_setup(struct worker *w, const struct message *m, int fd)
{
	(void)fd;
	if (w->peer != NULL || w->engine != NULL) {
		refuse(w, "a second setup");
		return;
	}
	w->setup = m->setup;
	log_set_level(m->setup.log_level);
	w->peer = calloc(MESSAGE_PEERS, sizeof(*w->peer));
	w->pool = buf_pool_new(w->setup.pool);
	w->inlet = w->pool != NULL ? inlet_new(w->pool) : NULL;
	if (w->peer == NULL || w->inlet == NULL) {
		log_error("worker: no memory for %u packet buffers", w->setup.pool);
		worker_finish(w, 1);
	}
}

static void take_peer(struct worker *w, const struct message *m, int fd)
{
	struct engine_peer_config *to;

	(void)fd;
	if (w->peer == NULL || w->peers == w->setup.peer_count || m->peer.index != w->peers) {
		refuse(w, "a peer");
		return;
	}
	to = &w->peer[w->peers++];
	memcpy(to->name, m->peer.name, sizeof(to->name));
	memcpy(to->public_key, m->peer.public_key, sizeof(to->public_key));
	memcpy(to->preshared_key, m->peer.preshared_key, sizeof(to->preshared_key));
	memcpy(to->prefix, m->peer.prefix, sizeof(to->prefix));
	to->prefix_count = m->peer.prefix_count;
	to->rate = m->peer.rate;
}

static struct engine *new_engine(struct worker *w)
{
	struct engine_config config = {
		.role = w->setup.role == MESSAGE_SERVER ? ENGINE_SERVER : ENGINE_CLIENT,
		.copies_ppm = w->setup.copies_ppm != 0 ? w->setup.copies_ppm : ENGINE_NO_COPIES,
		.alone = !w->setup.coalesce,
		.mtu = w->setup.mtu,
		.address_count = w->setup.address_count,
		.dns_count = w->setup.dns_count,
		.peer = w->peer,
		.peer_count = w->peers,
		.random = { .fill = fill_random },
		.suite = &w->suite,
		.hands = { crew_run, w->crew, w->threads + 1, HELP_FROM },
		.pool = w->pool,
	};
	struct engine *e;

	memcpy(config.private_key, w->setup.private_key, sizeof(config.private_key));
	memcpy(config.strategy, w->setup.strategy, sizeof(config.strategy));
	memcpy(config.address, w->setup.address, sizeof(config.address));
	memcpy(config.dns, w->setup.dns, sizeof(config.dns));
	e = engine_new(&config, w->now);
	message_wipe(&config, sizeof(config));
	return e;
}

static void take_start(struct worker *w, const struct message *m, int fd)
{
	(void)m;
	(void)fd;
	if (w->peer == NULL || w->peers != w->setup.peer_count) {
		refuse(w, "start before setup and its peers");
		return;
	}
	w->engine = new_engine(w);
	worker_forget_setup(w);
	if (w->engine == NULL) {
		log_error("worker: the engine refuses its setup (strategy %s)", w->setup.strategy);
		worker_finish(w, 1);
		return;
	}
	worker_tell(w, &(struct message){ .type = MESSAGE_READY });
}

static void take_tun(struct worker *w, const struct message *m, int fd)
{
	ev_io_stop(w->loop, &w->tun_readable);
	worker_tun_close(&w->tun);
	worker_tun_use(&w->tun, fd, &m->tun);
	ev_io_set(&w->tun_readable, fd, EV_READ);
	ev_io_start(w->loop, &w->tun_readable);
}

static void report_socket_error(void *ctx, const struct message_socket_error *error)
{
	struct message m = { .type = MESSAGE_SOCKET_ERROR, .socket_error = *error };

	worker_tell(ctx, &m);
}

static void tell_too_big(void *ctx, uint8_t socket, const struct udp_error *error)
{
	struct worker *w = ctx;
	struct endpoint to = { .socket = socket, .remote = error->remote };

	engine_too_big(w->engine, &to, error->mtu, w->now);
}

/* 0: fd is the socket's now. */
static int add_port(struct worker *w, const struct message_socket_add *add, int fd)
{
	struct port *p = &w->port[add->socket];
	struct endpoint to = { .socket = add->socket, .remote = add->remote };
	struct engine_link link = report_engine_link(&add->preferences);
	const struct worker_socket_owner owner = { report_socket_error, tell_too_big, w };
	int error = 0;

	if (p->socket != NULL)
		return -EEXIST;
	/* a plain file is always ready to poll: the loop would spin on it */
	if (udp_check(fd) == -ENOTSOCK)
		return -ENOTSOCK;
	if ((add->kind == MESSAGE_SOCKET_LISTEN) != (w->setup.role == MESSAGE_SERVER))
		return -EINVAL;
	p->socket = worker_socket_new(fd, add, w->udp.segment, &owner);
	if (p->socket == NULL)
		return -ENOMEM;
	memcpy(w->known[add->socket].link, add->link, MESSAGE_NAME);
	w->known[add->socket].local = add->local;
	ev_io_set(&p->readable, fd, EV_READ);
	ev_io_set(&p->writable, fd, EV_WRITE);
	ev_io_start(w->loop, &p->readable);
	if (add->kind == MESSAGE_SOCKET_PATH)
		error = engine_path_add(w->engine, &to, &link, w->now);
	if (error < 0) {
		p->socket->fd = -1;	/* the caller closes it */
		worker_remove_port(p);
	}
	return error;
}

static void take_socket_add(struct worker *w, const struct message *m, int fd)
{
	struct message refused = { .type = MESSAGE_SOCKET_ERROR };
	int error = add_port(w, &m->socket_add, fd);

	if (error == 0)
		return;
	close(fd);
	refused.socket_error = (struct message_socket_error){
		.socket = m->socket_add.socket, .operation = MESSAGE_ON_ADD, .error = -error,
		.count = 1, .remote = m->socket_add.remote,
	};
	worker_tell(w, &refused);
}

static void take_socket_remove(struct worker *w, const struct message *m, int fd)
{
	struct port *p = &w->port[m->socket_remove.socket];

	(void)fd;
	worker_tell_last(w, m->socket_remove.socket);
	engine_path_remove(w->engine, m->socket_remove.socket, w->now);
	if (p->socket == NULL)
		return;
	worker_collect(w);
	worker_send_port(p);
	worker_remove_port(p);
}

static void take_link_set(struct worker *w, const struct message *m, int fd)
{
	struct engine_link link = report_engine_link(&m->link_set.preferences);
	char *name = w->known[m->link_set.socket].link;

	(void)fd;
	if (m->link_set.link[0] != '\0' && strcmp(m->link_set.link, name) != 0) {
		worker_tell_last(w, m->link_set.socket);	/* what it has carried under its old name */
		memcpy(name, m->link_set.link, MESSAGE_NAME);
	}
	engine_path_set_link(w->engine, m->link_set.socket, &link, w->now);
}

static void take_path_probe(struct worker *w, const struct message *m, int fd)
{
	(void)fd;
	engine_path_probe(w->engine, m->path_probe.socket, w->now);
}

static void take_strategy(struct worker *w, const struct message *m, int fd)
{
	struct message answer = { .type = MESSAGE_ACK, .ack = { .id = m->strategy.id } };

	(void)fd;
	answer.ack.error = engine_set_strategy(w->engine, m->strategy.name, w->now);
	worker_tell(w, &answer);
}

/* Messages are obeyed in their order, so what came before it is done. */
static void take_barrier(struct worker *w, const struct message *m, int fd)
{
	(void)fd;
	worker_tell(w, &(struct message){ .type = MESSAGE_ACK, .ack = { .id = m->barrier.id } });
}

static void take_status_request(struct worker *w, const struct message *m, int fd)
{
	(void)fd;
	report_begin(&w->walk, m->status_request.id);
}

static void take_stop(struct worker *w, const struct message *m, int fd)
{
	(void)m;
	(void)fd;
	if (w->engine != NULL) {
		for (unsigned i = 0; i < ENDPOINT_SOCKETS; i++)
			worker_tell_last(w, i);
		engine_close(w->engine, w->now);
		worker_collect(w);
		worker_send_all(w);
		worker_tell_events(w);
		channel_flush(w->channel, LAST_WORDS_MS);
	}
	worker_finish(w, 0);
}

/* A row without a function is a message that is not for us; the channel keeps those away. */
static const struct {
	void (*take)(struct worker *w, const struct message *m, int fd);
	bool any_time;		/* also before START */
} order[] = {
	[MESSAGE_SETUP] = { take_setup, true },
	[MESSAGE_PEER] = { take_peer, true },
	[MESSAGE_START] = { take_start, true },
	[MESSAGE_TUN] = { take_tun, false },
	[MESSAGE_SOCKET_ADD] = { take_socket_add, false },
	[MESSAGE_SOCKET_REMOVE] = { take_socket_remove, false },
	[MESSAGE_LINK_SET] = { take_link_set, false },
	[MESSAGE_PATH_PROBE] = { take_path_probe, false },
	[MESSAGE_STRATEGY] = { take_strategy, false },
	[MESSAGE_BARRIER] = { take_barrier, false },
	[MESSAGE_STATUS_REQUEST] = { take_status_request, false },
	[MESSAGE_STOP] = { take_stop, true },
};

void worker_obey(struct worker *w, const struct message *m, int fd)
{
	if (w->engine == NULL && !order[m->type].any_time) {
		if (fd >= 0)
			close(fd);
		refuse(w, "a message before start");
		return;
	}
	order[m->type].take(w, m, fd);
}
