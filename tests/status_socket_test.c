/* socket: requests and replies over a real control socket, and what strangers may do to it. */
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "control/socket.h"
#include "control/status_json.h"
#include "tap.h"

struct server {
	char dir[32], path[CONTROL_PATH];
	struct ev_loop *loop;
	struct control *control;
	ev_async quit;
	pthread_t thread;
};

/* Of the largest server, whose clients have all the paths there are, and long names and figures. */
static json_t *largest_status(void)
{
	static const struct status_path path = {
		.link = "a-link-with-a-name-of-31-letter", .id = 15, .state = "validating", .tier = "overflow", .ecn = "testing",
		.state_age = UINT32_MAX * MSEC(1), .srtt = SEC(9), .min_rtt = SEC(9), .loss_ppm = 999999,
		.tx_packets = INT64_MAX, .tx_bytes = INT64_MAX, .rx_packets = INT64_MAX, .rx_bytes = INT64_MAX,
		.lost_packets = INT64_MAX, .tx_rate = INT64_MAX, .rx_rate = INT64_MAX, .share_ppm = 999999,
		.in_flight = INT64_MAX, .mtu = 65535, .marked = INT64_MAX, .weight = 1000, .priority = 255,
		.max_latency = SEC(9), .max_loss_ppm = 999999,
	};
	struct status s = { .role = "server" };
	json_t *object;

	for (unsigned i = 0; i < STATUS_PEERS; i++) {
		struct status_peer *peer = status_add_peer(&s);

		text_copy(peer->name, sizeof(peer->name), "a-client-with-a-name-of-31-letter");
		text_copy(peer->public_key, sizeof(peer->public_key), "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
		for (peer->path_count = 0; peer->path_count < STATUS_PATHS; peer->path_count++) {
			struct status_path *p = &peer->path[peer->path_count];

			*p = path;
			addr_parse_port("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 0, &p->local);
			p->remote = p->local;
		}
	}
	object = json_pack("{s:b,s:o}", "ok", 1, "status", status_to_json(&s));
	status_done(&s);
	return object;
}

/* Answers echo with what it was sent, status as the largest; everything else is refused. */
static void on_request(void *ctx, const struct control_request *request)
{
	struct server *s = ctx;

	if (strcmp(request->command, "echo") == 0)
		control_reply(s->control, request->id,
			      json_pack("{s:b, s:O}", "ok", 1, "was", request->object));
	else if (strcmp(request->command, "status") == 0)
		control_reply(s->control, request->id, largest_status());
	else
		control_refuse(s->control, request->id, 2, "no such command");
}

static void on_quit(struct ev_loop *loop, struct ev_async *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void *serve(void *ctx)
{
	struct server *s = ctx;

	ev_run(s->loop, 0);
	return NULL;
}

static int start(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	const struct control_handler handler = { on_request, s };

	strcpy(s->dir, "/tmp/ttt-socket-XXXXXX");
	if (mkdtemp(s->dir) == NULL || !control_path(s->dir, "t0", s->path))
		return -1;
	s->loop = ev_loop_new(0);
	if (control_listen(s->loop, s->path, &handler, &s->control) < 0)
		return -1;
	ev_async_init(&s->quit, on_quit);
	ev_async_start(s->loop, &s->quit);
	*state = s;
	return pthread_create(&s->thread, NULL, serve, s);
}

static int stop(void **state)
{
	struct server *s = *state;
	struct stat st;
	int left;

	ev_async_send(s->loop, &s->quit);
	pthread_join(s->thread, NULL);
	control_free(s->control);
	ev_loop_destroy(s->loop);
	left = stat(s->path, &st);
	rmdir(s->dir);
	free(s);
	return left == 0 ? -1 : 0;	/* the file is gone */
}

static int connected(const struct server *s)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, s->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void assert_answers(const struct server *s)
{
	json_t *request = json_pack("{s:s}", "command", "echo"), *reply;
	pid_t pid;

	assert_int_equal(control_call(s->path, request, SEC(5), &reply, &pid), 0);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	assert_true(json_equal(json_object_get(reply, "was"), request));
	assert_int_equal(pid, getpid());
	json_decref(reply);
	json_decref(request);
}

static void a_request_gets_its_reply_and_the_daemons_pid(void **state)
{
	assert_answers(*state);
	assert_answers(*state);
}

static void the_status_of_the_largest_server_comes_through(void **state)
{
	const struct server *s = *state;
	json_t *request = json_pack("{s:s}", "command", "status"), *reply;
	struct status status;
	char *text;

	assert_int_equal(control_call(s->path, request, SEC(5), &reply, NULL), 0);
	text = json_dumps(reply, JSON_COMPACT);
	assert_in_range(strlen(text), STATUS_PEERS * STATUS_PATHS * 100, CONTROL_REPLY / 2);
	free(text);
	assert_int_equal(status_from_json(json_object_get(reply, "status"), &status), 0);
	assert_int_equal(status.peer_count, STATUS_PEERS);
	for (unsigned i = 0; i < STATUS_PEERS; i++)
		assert_int_equal(status.peer[i].path_count, STATUS_PATHS);
	status_done(&status);
	json_decref(reply);
	json_decref(request);
	assert_answers(s);
}

static void garbage_gets_an_error_and_the_next_line_is_served(void **state)
{
	static const char lines[] = "}{\n[]\n{\"command\":7}\n\n{\"command\":\"x\"}\n";
	char text[4096];
	size_t len = 0, replies = 0;
	int fd = connected(*state);

	assert_int_equal(send(fd, lines, strlen(lines), 0), strlen(lines));
	while (replies < 5) {
		ssize_t n = recv(fd, text + len, sizeof(text) - len, 0);

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			replies += text[len + (size_t)i] == '\n';
		len += (size_t)n;
	}
	assert_int_equal(strncmp(text, "{\"ok\":false,\"code\":2,", 21), 0);
	close(fd);
	assert_answers(*state);
}

static void an_endless_request_is_cut(void **state)
{
	static char big[CONTROL_REQUEST];
	int fd = connected(*state);
	char c;

	memset(big, 'x', sizeof(big));
	for (size_t sent = 0; sent < sizeof(big);) {
		ssize_t n = send(fd, big + sent, sizeof(big) - sent, MSG_NOSIGNAL);

		assert_true(n > 0);
		sent += (size_t)n;
	}
	assert_true(recv(fd, &c, 1, 0) <= 0);
	close(fd);
	assert_answers(*state);
}

static void in_a_crowd_who_was_silent_longest_gives_way_and_others_are_served_after_it(void **state)
{
	int fd[CONTROL_CLIENTS + 1];
	char c;

	for (size_t i = 0; i <= CONTROL_CLIENTS; i++)
		fd[i] = connected(*state);
	assert_int_equal(recv(fd[0], &c, 1, 0), 0);
	/* once one of them has been heard to leave, there is room: its place is
	 * free before a later connection is accepted, or that one is refused once */
	for (size_t i = 0; i <= CONTROL_CLIENTS; i++)
		close(fd[i]);
	for (int tries = 0; tries < 1000; tries++) {
		json_t *request = json_pack("{s:s}", "command", "echo"), *reply = NULL;
		int r = control_call(((struct server *)*state)->path, request, SEC(5), &reply, NULL);

		json_decref(request);
		json_decref(reply);
		if (r == 0)
			return;
	}
	fail_msg("nobody is served after a crowd");
}

/* The file stays: what a killed daemon leaves. */
static void leave_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
}

static void a_live_socket_is_not_taken_and_a_stale_one_is(void **state)
{
	struct server *s = *state;
	const struct control_handler handler = { on_request, s };
	struct control *second = NULL;
	struct ev_loop *loop = ev_loop_new(0);
	char path[CONTROL_PATH];

	assert_int_equal(control_listen(loop, s->path, &handler, &second), -EADDRINUSE);
	assert_true(control_path(s->dir, "t1", path));
	leave_socket(path);
	assert_int_equal(control_listen(loop, path, &handler, &second), 0);
	control_free(second);
	ev_loop_destroy(loop);
	assert_answers(s);
}

static void a_live_socket_is_not_removed_and_a_stale_one_is(void **state)
{
	const struct server *s = *state;
	char path[CONTROL_PATH];

	assert_int_equal(control_remove(s->path), -EADDRINUSE);
	assert_answers(s);
	assert_true(control_path(s->dir, "t1", path));
	assert_int_equal(control_remove(path), 0);
	leave_socket(path);
	assert_int_equal(control_remove(path), 1);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void nobody_there_is_told_apart(void **state)
{
	json_t *request = json_pack("{s:s}", "command", "echo"), *reply = NULL;
	char path[CONTROL_PATH];

	(void)state;
	assert_int_equal(control_call("/nonexistent/t0.sock", request, SEC(1), &reply, NULL), -ENOENT);
	json_decref(request);
	assert_false(control_path("/a-folder-whose-name-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on"
				  "-and-on-and-on-and-on", "ttt0", path));
}

#define WITH_SERVER(sentence, function) \
	{ .name = (sentence), .test_func = (function), .setup_func = start, .teardown_func = stop }

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER("a request gets its reply and the daemon's pid", a_request_gets_its_reply_and_the_daemons_pid),
		WITH_SERVER("the status of the largest server comes through", the_status_of_the_largest_server_comes_through),
		WITH_SERVER("garbage gets an error and the next line is served", garbage_gets_an_error_and_the_next_line_is_served),
		WITH_SERVER("an endless request is cut", an_endless_request_is_cut),
		WITH_SERVER("in a crowd who was silent longest gives way, and others are served after it",
			    in_a_crowd_who_was_silent_longest_gives_way_and_others_are_served_after_it),
		WITH_SERVER("a live socket is not taken and a stale one is", a_live_socket_is_not_taken_and_a_stale_one_is),
		WITH_SERVER("a live socket is not removed and a stale one is", a_live_socket_is_not_removed_and_a_stale_one_is),
		TEST("nobody there is told apart", nobody_there_is_told_apart),
	};

	return RUN_TESTS(tests);
}
