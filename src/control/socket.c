/*
 * socket: see socket.h.
 *
 * A connection is in one of three states: it reads a request, it waits for
 * the handler's answer, it writes the reply.  Only what that state needs is
 * watched, so a client cannot make us read ahead.
 */
#include "control/socket.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"

struct client {
	struct control *control;
	int fd;			/* -1: this place is free */
	struct ev_io io;
	struct ev_timer idle;
	struct ucred who;
	uint64_t arrival;	/* counts up */
	uint64_t waiting;	/* id of the request that is being answered; 0: none */
	char *in;		/* CONTROL_REQUEST bytes */
	size_t in_len;
	char *out;		/* the rest of a reply, or NULL */
	size_t out_len, out_done;
};

struct control {
	struct ev_loop *loop;
	struct control_handler handler;
	struct ev_io accept;
	int fd;
	char path[CONTROL_PATH];
	dev_t dev;		/* of our file, so that nobody else's is removed */
	ino_t ino;
	uint64_t last_id, arrivals;
	struct client client[CONTROL_CLIENTS];
};

bool control_path(const char *runtime_dir, const char *ifname, char buf[CONTROL_PATH])
{
	int n = snprintf(NULL, 0, "%s/%s.sock", runtime_dir, ifname);

	if (n < 0 || n >= CONTROL_PATH)
		return false;
	snprintf(buf, CONTROL_PATH, "%s/%s.sock", runtime_dir, ifname);
	return true;
}

static void client_close(struct client *c)
{
	ev_io_stop(c->control->loop, &c->io);
	ev_timer_stop(c->control->loop, &c->idle);
	close(c->fd);
	free(c->in);
	free(c->out);
	c->fd = -1;
	c->waiting = 0;
	c->in = c->out = NULL;
	c->in_len = c->out_len = c->out_done = 0;
}

static void watch(struct client *c, int events)
{
	ev_io_stop(c->control->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	if (events != 0)
		ev_io_start(c->control->loop, &c->io);
}

/* False: the client is gone. */
static bool client_write(struct client *c)
{
	while (c->out_done < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch(c, EV_WRITE);
			return true;
		}
		if (n < 0) {
			client_close(c);
			return false;
		}
		c->out_done += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_done = 0;
	ev_timer_again(c->control->loop, &c->idle);
	watch(c, EV_READ);
	return true;
}

static struct client *find(struct control *c, uint64_t id)
{
	for (size_t i = 0; i < CONTROL_CLIENTS && id != 0; i++)
		if (c->client[i].fd >= 0 && c->client[i].waiting == id)
			return &c->client[i];
	return NULL;
}

void control_reply(struct control *c, uint64_t id, json_t *reply)
{
	struct client *to = find(c, id);
	char *text = to != NULL && reply != NULL ? json_dumps(reply, JSON_COMPACT) : NULL;
	size_t len = text != NULL ? strlen(text) : 0;

	json_decref(reply);
	if (to == NULL)
		return;
	to->waiting = 0;
	if (text == NULL) {
		client_close(to);
		return;
	}
	text[len] = '\n';	/* in place of the NUL: the length is known */
	to->out = text;
	to->out_len = len + 1;
	to->out_done = 0;
	ev_timer_again(c->loop, &to->idle);
	/* written from the loop, so that a handler never loses its client under its feet */
	watch(to, EV_WRITE);
}

void control_accept(struct control *c, uint64_t id)
{
	control_reply(c, id, json_pack("{s:b}", "ok", 1));
}

void control_refuse(struct control *c, uint64_t id, int code, const char *text)
{
	control_reply(c, id, json_pack("{s:b, s:i, s:s}", "ok", 0, "code", code, "error", text));
}

static void serve(struct client *c, const char *line, size_t len)
{
	struct control *control = c->control;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *command = json_string_value(json_object_get(object, "command"));
	struct control_request request = {
		.id = ++control->last_id, .command = command, .object = object,
		.may_change = c->who.uid == 0 || c->who.uid == geteuid(),
		.uid = c->who.uid, .pid = c->who.pid,
	};

	c->waiting = request.id;
	watch(c, 0);
	if (command == NULL)
		control_refuse(control, request.id, 2,
			       "not a request: one JSON object with a \"command\" per line is wanted");
	else
		control->handler.request(control->handler.ctx, &request);
	json_decref(object);
}

/* Serve a whole line, if there is one. */
static void take_line(struct client *c)
{
	char *end = memchr(c->in, '\n', c->in_len);
	size_t len;

	if (c->waiting != 0 || c->out != NULL)
		return;
	if (end == NULL) {
		if (c->in_len == CONTROL_REQUEST)
			client_close(c);	/* too long: no reply could be matched to it */
		return;
	}
	len = (size_t)(end - c->in);
	serve(c, c->in, len);
	c->in_len -= len + 1;
	memmove(c->in, end + 1, c->in_len);
}

static void on_client(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct client *c = io->data;
	ssize_t n;

	(void)loop;
	if (events & EV_WRITE) {
		if (client_write(c) && c->out == NULL)
			take_line(c);
		return;
	}
	n = recv(c->fd, c->in + c->in_len, CONTROL_REQUEST - c->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->in_len += (size_t)n;
	take_line(c);
}

static void on_idle(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	client_close(timer->data);
}

static struct client *free_place(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->client[i].fd < 0)
			return &control->client[i];
	return NULL;
}

static bool gives_way(const struct client *a, const struct client *b)
{
	return (a->who.uid == 0) != (b->who.uid == 0) ? b->who.uid == 0 : a->arrival < b->arrival;
}

/*
 * Whoever connects and says nothing must not keep others out: the oldest gives
 * way, but root to nobody except root.  One whose question is being answered stays.
 */
static struct client *make_place(struct control *control, const struct ucred *comer)
{
	struct client *found = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *c = &control->client[i];

		if (c->waiting != 0 || (c->who.uid == 0 && comer->uid != 0))
			continue;
		if (found == NULL || gives_way(c, found))
			found = c;
	}
	if (found != NULL)
		client_close(found);
	return found;
}

static void on_accept(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct control *control = io->data;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	socklen_t len = sizeof(struct ucred);
	struct client *c = NULL;
	struct ucred who;

	(void)events;
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && (c = free_place(control)) == NULL)
		c = make_place(control, &who);
	if (c == NULL || (c->in = malloc(CONTROL_REQUEST)) == NULL) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->who = who;
	c->arrival = ++control->arrivals;
	ev_io_init(&c->io, on_client, fd, EV_READ);
	ev_timer_init(&c->idle, on_idle, 0., (double)CONTROL_IDLE / NSEC_PER_SEC);
	c->io.data = c->idle.data = c;
	ev_io_start(loop, &c->io);
	ev_timer_again(loop, &c->idle);
}

static socklen_t unix_address(const char *path, struct sockaddr_un *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(ret->sun_path))
		return 0;
	strcpy(ret->sun_path, path);
	return sizeof(*ret);
}

/* Nobody listens: the file may go.  A full queue (EAGAIN) is somebody. */
static bool is_stale(const char *path)
{
	struct sockaddr_un at;
	socklen_t len = unix_address(path, &at);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale;

	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)&at, len) < 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int bind_and_listen(int fd, const char *path)
{
	struct sockaddr_un at;
	socklen_t len = unix_address(path, &at);

	if (is_stale(path))
		unlink(path);
	if (bind(fd, (const struct sockaddr *)&at, len) < 0)
		return -errno;
	/* everybody may ask; who may change something is looked at per request */
	if (chmod(path, 0666) < 0 || listen(fd, CONTROL_CLIENTS) < 0) {
		int r = -errno;

		unlink(path);
		return r;
	}
	return 0;
}

/* Looking, removing and binding are one step for everybody who locks the folder. */
static int lock_folder_of(const char *path, char ret[LOCK_PATH])
{
	char folder[CONTROL_PATH];
	char *slash;

	strcpy(folder, path);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return -EINVAL;
	slash[slash == folder] = '\0';
	return lock_folder(folder, ret);
}

static int bind_locked(int fd, const char *path)
{
	char name[LOCK_PATH];
	int lock = lock_folder_of(path, name), r = lock < 0 ? lock : bind_and_listen(fd, path);

	lock_release(name, lock);
	return r;
}

int control_remove(const char *path)
{
	char name[LOCK_PATH];
	int lock = lock_folder_of(path, name), r = lock;

	if (lock >= 0 && is_stale(path))
		r = unlink(path) < 0 ? -errno : 1;
	else if (lock >= 0)
		r = access(path, F_OK) < 0 ? 0 : -EADDRINUSE;
	lock_release(name, lock);
	return r;
}

int control_listen(struct ev_loop *loop, const char *path, const struct control_handler *handler,
		   struct control **ret)
{
	struct control *c;
	struct stat st;
	int r;

	if (strlen(path) >= CONTROL_PATH)
		return -ENAMETOOLONG;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = c->fd < 0 ? -errno : bind_locked(c->fd, path);
	if (r < 0) {
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return r;
	}
	if (stat(path, &st) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
	strcpy(c->path, path);
	c->loop = loop;
	c->handler = *handler;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		c->client[i].control = c;
		c->client[i].fd = -1;
	}
	ev_io_init(&c->accept, on_accept, c->fd, EV_READ);
	c->accept.data = c;
	ev_io_start(loop, &c->accept);
	*ret = c;
	return 0;
}

void control_flush(struct control *c)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (c->client[i].fd >= 0 && c->client[i].out != NULL)
			client_write(&c->client[i]);
}

void control_free(struct control *c)
{
	struct stat st;

	if (c == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &c->client[i];

		if (client->fd >= 0 && (client->out == NULL || client_write(client)))
			client_close(client);
	}
	ev_io_stop(c->loop, &c->accept);
	if (stat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino)
		unlink(c->path);
	close(c->fd);
	free(c);
}

/* The client's side. */

/* 0, or -ETIMEDOUT. */
static int wait_for(int fd, short events, nsec_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		nsec_t left = nsec_since(clock_read(CLOCK_BOOTTIME), deadline);
		int n = poll(&p, 1, (int)nsec_min((left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, 60000));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (left == 0)
			return -ETIMEDOUT;
	}
}

static int send_all(int fd, const char *text, size_t len, nsec_t deadline)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		int r;

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wait_for(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A line, without its end, to be freed. */
static int receive_line(int fd, nsec_t deadline, char **ret, size_t *ret_len)
{
	size_t room = 0, len = 0;
	char *text = NULL;
	int r;

	for (;;) {
		ssize_t n;

		if (len == room) {
			char *larger = room >= CONTROL_REPLY ? NULL : realloc(text, room = room ? 2 * room : 4096);

			r = larger == NULL ? -EMSGSIZE : 0;
			if (r < 0)
				break;
			text = larger;
		}
		r = wait_for(fd, POLLIN, deadline);
		if (r < 0)
			break;
		n = recv(fd, text + len, room - len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		r = n < 0 ? -errno : n == 0 ? -ECONNRESET : 0;
		if (r < 0)
			break;
		len += (size_t)n;
		if (text[len - 1] == '\n') {
			*ret = text;
			*ret_len = len - 1;
			return 0;
		}
	}
	free(text);
	return r;
}

static int exchange(int fd, const json_t *request, nsec_t deadline, json_t **ret)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = 0;
	json_t *reply;
	int r;

	if (text == NULL)
		return -ENOMEM;
	r = send_all(fd, text, strlen(text), deadline);
	free(text);
	if (r == 0)
		r = send_all(fd, "\n", 1, deadline);
	if (r == 0)
		r = receive_line(fd, deadline, &text, &len);
	if (r < 0)
		return r;
	reply = json_loadb(text, len, 0, NULL);
	free(text);
	if (!json_is_object(reply)) {
		json_decref(reply);
		return -EPROTO;
	}
	*ret = reply;
	return 0;
}

int control_call(const char *path, const json_t *request, nsec_t timeout, json_t **ret,
		 pid_t *ret_pid)
{
	nsec_t deadline = clock_read(CLOCK_BOOTTIME) + timeout;
	struct sockaddr_un at;
	struct ucred who;
	socklen_t len = unix_address(path, &at), who_len = sizeof(who);
	int fd, r = 0;

	if (len == 0)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&at, len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) < 0)
		r = -errno;
	if (r == 0)
		r = exchange(fd, request, deadline, ret);
	if (r == 0 && ret_pid != NULL)
		*ret_pid = who.pid;
	close(fd);
	return r;
}
