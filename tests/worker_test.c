/*
 * worker: two real workers, each in its sandbox, driven over their channels:
 *
 *	inside netns                          outside netns
 *	TUN 10.84.0.1   server worker ==UDP over loopback== client worker   TUN 10.84.0.2
 *
 * The client has two "links", 127.0.0.2 and 127.0.0.3, to 127.0.0.1.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/channel.h"
#include "core/crypto/initiator.h"
#include "core/frame.h"
#include "core/packet.h"
#include "core/session.h"
#include "inner_packet.h"
#include "io/open.h"
#include "tap.h"
#include "worker/worker.h"

#define UID		65534
#define PATIENCE	10.0	/* seconds until a wait has failed */

struct side {
	struct channel *channel;
	pid_t pid;
	bool ready, closed, session, session_down, status_end;
	unsigned paths_up, paths_down, roamed;
	struct message_tunnel tunnel;
	struct message_ack ack;
	struct message_socket_error socket_error;
	unsigned socket_errors;
	struct message_tun_error tun_error;
	struct message_status status;
	struct message_status_peer peer;
	struct message_status_path path[8];
	unsigned peers, paths, drops;
};

static struct {
	struct ev_loop *loop;
	struct side client, server;
	int inside, outside;		/* UDP sockets on the two TUN devices */
	int tun_inside, tun_outside;
	char dir[64];
	uint8_t client_key[32], client_public[32], server_key[32], server_public[32];
	struct addr listen;		/* the server's */
	unsigned threads;		/* of workers that start now */
} t;

static void fill(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	randombytes_buf(buf, len);
}

/* --- namespaces and descriptors ----------------------------------------- */

static void address(int fd, const char *name, const char *ip, int prefix_len)
{
	struct ifreq r = { 0 };
	struct sockaddr_in sa = { .sin_family = AF_INET };

	strcpy(r.ifr_name, name);
	if (ip != NULL) {
		assert_int_equal(inet_pton(AF_INET, ip, &sa.sin_addr), 1);
		memcpy(&r.ifr_addr, &sa, sizeof(sa));
		assert_int_equal(ioctl(fd, SIOCSIFADDR, &r), 0);
		sa.sin_addr.s_addr = htonl(~0u << (32 - prefix_len));
		memcpy(&r.ifr_netmask, &sa, sizeof(sa));
		assert_int_equal(ioctl(fd, SIOCSIFNETMASK, &r), 0);
	}
	r.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

static int device(const char *name, const char *ip)
{
	struct ifreq r = { .ifr_mtu = 1400 };
	int fd = open_tun(name), s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && s >= 0);
	address(s, name, ip, 24);
	strcpy(r.ifr_name, name);
	assert_int_equal(ioctl(s, SIOCSIFMTU, &r), 0);
	close(s);
	return fd;
}

/* Bound to a free port; ret_bound, if it is not NULL, says which. */
static int socket_at(const char *ip, bool listener, struct addr *ret_bound)
{
	struct open_udp_options options = { .listener = listener };
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd;

	assert_true(addr_parse(ip, &options.local));
	fd = open_udp(&options);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	if (ret_bound != NULL)
		*ret_bound = addr_from_sockaddr((struct sockaddr *)&sa);
	return fd;
}

static void new_netns(void)
{
	int s;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	address(s, "lo", NULL, 0);
	close(s);
}

/* --- a worker and what it says ------------------------------------------ */

static void take_status(struct side *s, const struct message *m)
{
	switch (m->type) {
	case MESSAGE_STATUS:
		s->status = m->status;
		s->peers = s->paths = s->drops = 0;
		s->status_end = false;
		break;
	case MESSAGE_STATUS_PEER:
		s->peer = m->status_peer;
		s->peers++;
		break;
	case MESSAGE_STATUS_PATH:
		if (s->paths < 8)
			s->path[s->paths] = m->status_path;
		s->paths++;
		break;
	case MESSAGE_STATUS_DROPS: s->drops++; break;
	case MESSAGE_STATUS_END: s->status_end = true; break;
	default: break;
	}
}

static void take_event(struct side *s, const struct message_event *e)
{
	switch (e->type) {
	case MESSAGE_SESSION_UP:
		s->session = true;
		s->tunnel = e->tunnel;
		break;
	case MESSAGE_SESSION_DOWN: s->session_down = true; break;
	case MESSAGE_PATH_UP: s->paths_up++; break;
	case MESSAGE_PATH_DOWN: s->paths_down++; break;
	case MESSAGE_PATH_ROAMED: s->roamed++; break;
	}
}

static void on_message(void *ctx, const struct message *m, int fd)
{
	struct side *s = ctx;

	(void)fd;
	take_status(s, m);
	if (m->type == MESSAGE_READY)
		s->ready = true;
	if (m->type == MESSAGE_ACK)
		s->ack = m->ack;
	if (m->type == MESSAGE_EVENT)
		take_event(s, &m->event);
	if (m->type == MESSAGE_TUN_ERROR)
		s->tun_error = m->tun_error;
	if (m->type == MESSAGE_SOCKET_ERROR) {
		s->socket_error = m->socket_error;
		s->socket_errors++;
	}
}

static void on_closed(void *ctx, int error)
{
	(void)error;
	((struct side *)ctx)->closed = true;
}

static pid_t fork_worker(int fd)
{
	const struct worker_options options = { .uid = UID, .gid = UID, .empty_dir = t.dir, .threads = t.threads };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(worker_run(fd, &options));
	return pid;
}

static void start_worker(struct side *s)
{
	const struct channel_owner owner = { on_message, on_closed, NULL, s };
	int fd[2];

	memset(s, 0, sizeof(*s));
	assert_int_equal(channel_pair(fd), 0);
	s->pid = fork_worker(fd[1]);
	close(fd[1]);
	s->channel = channel_new(t.loop, fd[0], CHANNEL_SUPERVISOR, &owner);
}

static void say(struct side *s, const struct message *m, int fd)
{
	assert_int_equal(channel_send(s->channel, m, fd), 0);
}

/* The exit code of a worker that ends by itself; -signal when one ended it. */
static int exit_code(pid_t pid)
{
	double until = ev_time() + PATIENCE;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		assert_true(ev_time() < until);
		poll(NULL, 0, 5);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

#define WAIT(condition) do {						\
		ev_timer tick;						\
		double until = ev_time() + PATIENCE;			\
									\
		ev_timer_init(&tick, on_tick, 0.01, 0.01);		\
		ev_timer_start(t.loop, &tick);				\
		while (!(condition) && ev_time() < until)		\
			ev_run(t.loop, EVRUN_ONCE);			\
		ev_timer_stop(t.loop, &tick);				\
		if (!(condition))					\
			fail_msg("still not: %s", #condition);		\
	} while (0)

static void set_up_peers(struct side *s, enum message_role role, const char *strategy, unsigned peers)
{
	struct message m = { .type = MESSAGE_SETUP };
	bool server = role == MESSAGE_SERVER;

	m.setup.role = role;
	memcpy(m.setup.private_key, server ? t.server_key : t.client_key, 32);
	strcpy(m.setup.strategy, strategy);
	m.setup.coalesce = true;
	m.setup.mtu = server ? 1400 : 0;
	m.setup.address_count = server;
	prefix_parse("10.84.0.1/24", &m.setup.address[0]);
	m.setup.pool = MESSAGE_POOL_MIN;
	m.setup.log_level = 3;
	m.setup.peer_count = (uint16_t)peers;
	say(s, &m, -1);
	m = (struct message){ .type = MESSAGE_PEER };
	strcpy(m.peer.name, server ? "laptop" : "vps");
	memcpy(m.peer.public_key, server ? t.client_public : t.server_public, 32);
	m.peer.prefix_count = server;
	prefix_parse("10.84.0.2/32", &m.peer.prefix[0]);
	for (unsigned i = 0; i < peers; i++) {
		say(s, &m, -1);
		m.peer.index++;
		m.peer.public_key[0]++;
		m.peer.prefix[0].addr.ip[3]++;
	}
	say(s, &(struct message){ .type = MESSAGE_START }, -1);
}

static void set_up(struct side *s, enum message_role role, const char *strategy)
{
	set_up_peers(s, role, strategy, 1);
}

static void add_link(uint8_t number, const char *name, const char *ip, const struct addr *to)
{
	struct message m = { .type = MESSAGE_SOCKET_ADD };
	int fd = socket_at(ip, false, &m.socket_add.local);

	m.socket_add.socket = number;
	m.socket_add.kind = MESSAGE_SOCKET_PATH;
	strcpy(m.socket_add.link, name);
	m.socket_add.remote = *to;
	say(&t.client, &m, fd);
	close(fd);
}

/* fd stays the caller's. */
static void start_server_at(int fd)
{
	struct message m = { .type = MESSAGE_SOCKET_ADD };

	start_worker(&t.server);
	set_up(&t.server, MESSAGE_SERVER, "weighted");
	m.socket_add.kind = MESSAGE_SOCKET_LISTEN;
	strcpy(m.socket_add.link, "listen");
	say(&t.server, &m, fd);
	say(&t.server, &(struct message){ .type = MESSAGE_TUN }, t.tun_inside);
}

static void start_server(void)
{
	int fd = socket_at("127.0.0.1", true, &t.listen);

	start_server_at(fd);
	close(fd);
}

static void start_client(void)
{
	start_worker(&t.client);
	set_up(&t.client, MESSAGE_CLIENT, "weighted");
	say(&t.client, &(struct message){ .type = MESSAGE_TUN }, t.tun_outside);
}

static void start_both(void)
{
	start_server();
	start_client();
	add_link(1, "wan1", "127.0.0.2", &t.listen);
	add_link(2, "wan2", "127.0.0.3", &t.listen);
	WAIT(t.client.session && t.client.paths_up >= 2);
}

static int stop(struct side *s)
{
	int code;

	say(s, &(struct message){ .type = MESSAGE_STOP }, -1);
	code = exit_code(s->pid);
	channel_free(s->channel);
	s->channel = NULL;
	return code;
}

static void ask_status(struct side *s, uint32_t id)
{
	s->status_end = false;
	say(s, &(struct message){ .type = MESSAGE_STATUS_REQUEST, .status_request = { id } }, -1);
	WAIT(s->status_end);
	assert_int_equal(s->status.id, id);
}

/* --- through the tunnel -------------------------------------------------- */

static struct sockaddr_in inner(const char *ip)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(9) };

	inet_pton(AF_INET, ip, &sa.sin_addr);
	return sa;
}

static int inner_socket(const char *ip)
{
	struct sockaddr_in sa = inner(ip);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), room = 1 << 22;

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	return fd;
}

/* n datagrams of 1300 bytes in a row, numbered; false: one did not come, or not as it was. */
static bool carry(int from, int to, const char *ip, int n)
{
	struct sockaddr_in sa = inner(ip);
	uint8_t sent[1300], got[1500];

	for (int i = 0; i < n; i++) {
		struct pollfd pfd = { .fd = to, .events = POLLIN };

		randombytes_buf(sent, sizeof(sent));
		if (sendto(from, sent, sizeof(sent), 0, (struct sockaddr *)&sa, sizeof(sa)) < 0)
			return false;
		if (poll(&pfd, 1, 2000) <= 0 || recv(to, got, sizeof(got), 0) != sizeof(sent))
			return false;
		if (memcmp(sent, got, sizeof(sent)) != 0)
			return false;
	}
	return true;
}

static int burst(int from, int to, const char *ip, int n)
{
	struct sockaddr_in sa = inner(ip);
	struct pollfd pfd = { .fd = to, .events = POLLIN };
	uint8_t data[1300] = { 0 };
	int came = 0;

	for (int i = 0; i < n; i++)
		sendto(from, data, sizeof(data), 0, (struct sockaddr *)&sa, sizeof(sa));
	while (came < n && poll(&pfd, 1, 500) > 0)
		while (recv(to, data, sizeof(data), 0) > 0)
			came++;
	return came;
}

/* --- tests --------------------------------------------------------------- */

static void two_workers_carry_packets_both_ways_over_both_links(void **state)
{
	(void)state;
	start_both();
	assert_int_equal(t.client.tunnel.mtu, 1400);
	assert_int_equal(t.client.tunnel.address_count, 1);
	assert_true(carry(t.outside, t.inside, "10.84.0.1", 50));
	assert_true(carry(t.inside, t.outside, "10.84.0.2", 50));
	ask_status(&t.client, 7);
	assert_int_equal(t.client.status.role, MESSAGE_CLIENT);
	assert_int_equal(t.client.peers, 1);
	assert_string_equal(t.client.peer.name, "vps");
	assert_true(t.client.peer.session);
	assert_true(t.client.peer.tx_packets >= 50 && t.client.peer.rx_packets >= 50);
	assert_int_equal(t.client.paths, 2);
	assert_string_equal(t.client.path[0].link, "wan1");
	assert_string_equal(t.client.path[1].link, "wan2");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(t.client.path[i].state, MESSAGE_PATH_OK);
		assert_true(addr_equal(&t.client.path[i].endpoint.remote, &t.listen));
		assert_true(t.client.path[i].endpoint.local.ip[3] == 2 + i);
		assert_true(t.client.path[i].tx_packets >= 20);
		assert_true(t.client.path[i].srtt > 0 && t.client.path[i].srtt < SEC(1));
	}
	assert_int_equal(t.client.drops, 1);
	assert_int_equal(t.client.status.threads, 0);
	ask_status(&t.server, 8);
	assert_string_equal(t.server.path[0].link, "listen");
	assert_true(burst(t.outside, t.inside, "10.84.0.1", 400) >= 390);
	/* the first to go says so, and the other hears it */
	assert_int_equal(stop(&t.client), 0);
	WAIT(t.server.session_down);
	assert_int_equal(stop(&t.server), 0);
}

static void barrier(struct side *s, uint32_t id)
{
	say(s, &(struct message){ .type = MESSAGE_BARRIER, .barrier = { id } }, -1);
	WAIT(s->ack.id == id);
	assert_int_equal(s->ack.error, 0);
}

static void a_changed_link_is_in_force_behind_the_barrier(void **state)
{
	struct message m = { .type = MESSAGE_LINK_SET, .link_set = { .socket = 1, .preferences = {
		.weight = 7, .priority = 3, .tier = MESSAGE_TIER_BACKUP, .max_latency_ms = 150, .max_loss_ppm = 30000,
		.rate = 1250000, .fixed = true, .metered = true, .interface = 9 } } };
	const struct message_link *got = &t.client.path[0].preferences;

	(void)state;
	start_both();
	say(&t.client, &m, -1);
	barrier(&t.client, 11);
	ask_status(&t.client, 12);
	assert_string_equal(t.client.path[0].link, "wan1");
	assert_int_equal(got->weight, 7);
	assert_int_equal(got->priority, 3);
	assert_int_equal(got->tier, MESSAGE_TIER_BACKUP);
	assert_int_equal(got->max_latency_ms, 150);
	assert_int_equal(got->max_loss_ppm, 30000);
	assert_int_equal(got->rate, 1250000);
	assert_true(got->fixed && got->metered);
	assert_int_equal(got->interface, 9);
	assert_int_equal(t.client.path[1].preferences.tier, MESSAGE_TIER_PRIMARY);
	assert_int_equal(stop(&t.client), 0);
	assert_int_equal(stop(&t.server), 0);
}

/* What a status says comes behind it. */
static void a_server_says_of_its_clients_only_who_is_there(void **state)
{
	unsigned before, tries = 0;

	(void)state;
	start_both();
	say(&t.client, &(struct message){ .type = MESSAGE_SOCKET_REMOVE, .socket_remove = { 1 } }, -1);
	WAIT(t.client.paths_down > 0);
	do {
		before = t.server.paths;
		ask_status(&t.server, ++tries);
	} while (t.server.paths > before + 1 && tries < 10000);
	assert_int_equal(t.server.paths, before + 1);
	assert_true(t.server.session);
	assert_int_equal(t.server.paths_up + t.server.paths_down + t.server.roamed, 0);
	assert_int_equal(stop(&t.client), 0);
	assert_int_equal(stop(&t.server), 0);
}

static void a_renamed_link_keeps_its_path(void **state)
{
	struct message m = { .type = MESSAGE_LINK_SET, .link_set = { .socket = 1, .link = "lte0" } };

	(void)state;
	start_both();
	say(&t.client, &m, -1);
	barrier(&t.client, 11);
	ask_status(&t.client, 12);
	assert_string_equal(t.client.path[0].link, "lte0");
	m.link_set.link[0] = '\0';
	say(&t.client, &m, -1);
	barrier(&t.client, 13);
	ask_status(&t.client, 14);
	assert_string_equal(t.client.path[0].link, "lte0");
	assert_int_equal(stop(&t.client), 0);
	assert_int_equal(stop(&t.server), 0);
}

/* What it carried since it was last asked must not get lost with it. */
static void a_path_that_is_closed_says_what_it_has_carried(void **state)
{
	uint64_t before;

	(void)state;
	start_both();
	ask_status(&t.client, 7);
	before = t.client.path[0].tx_bytes;
	assert_true(carry(t.outside, t.inside, "10.84.0.1", 50));
	say(&t.client, &(struct message){ .type = MESSAGE_SOCKET_REMOVE, .socket_remove = { 1 } }, -1);
	barrier(&t.client, 11);
	assert_int_equal(t.client.paths, 3);	/* two that were asked for */
	assert_int_equal(t.client.path[2].id, 0);
	assert_string_equal(t.client.path[2].link, "wan1");
	assert_int_equal(t.client.path[2].path, t.client.path[0].path);
	assert_true(t.client.path[2].tx_bytes >= before + 15 * 1300);
	say(&t.client, &(struct message){ .type = MESSAGE_STOP }, -1);
	assert_int_equal(exit_code(t.client.pid), 0);
	channel_drain(t.client.channel);
	channel_free(t.client.channel);
	assert_int_equal(t.client.paths, 4);
	assert_string_equal(t.client.path[3].link, "wan2");
	assert_int_equal(stop(&t.server), 0);
}

static bool status_line(pid_t pid, const char *key, char *ret, size_t size)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':') {
			snprintf(ret, size, "%s", line + strlen(key) + 2);
			ret[strcspn(ret, "\n")] = '\0';
			found = true;
		}
	fclose(f);
	return found;
}

/* Value of a line in the status of each of its threads; gives how many there are. */
static unsigned check_threads(pid_t pid, const char *key, const char *value)
{
	char path[64], got[256];
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		assert_true(status_line(atoi(entry->d_name), key, got, sizeof(got)));
		assert_string_equal(got, value);
		count++;
	}
	closedir(dir);
	return count;
}

static void a_worker_has_no_right_left(void **state)
{
	static const struct { const char *key, *value; } want[] = {
		{ "Uid", "65534\t65534\t65534\t65534" }, { "Gid", "65534\t65534\t65534\t65534" },
		{ "CapInh", "0000000000000000" }, { "CapPrm", "0000000000000000" },
		{ "CapEff", "0000000000000000" }, { "CapBnd", "0000000000000000" },
		{ "CapAmb", "0000000000000000" },
		{ "NoNewPrivs", "1" }, { "Seccomp", "2" }, { "Threads", "1" },
	};
	char path[64], root[128] = "";

	(void)state;
	start_client();
	WAIT(t.client.ready);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(check_threads(t.client.pid, want[i].key, want[i].value), 1);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)t.client.pid);
	assert_true(readlink(path, root, sizeof(root) - 1) > 0);
	assert_string_equal(root, t.dir);
	assert_int_equal(stop(&t.client), 0);
}

static void its_threads_help_and_have_no_right_either(void **state)
{
	static const struct { const char *key, *value; } want[] = {
		{ "Uid", "65534\t65534\t65534\t65534" }, { "Gid", "65534\t65534\t65534\t65534" },
		{ "CapEff", "0000000000000000" }, { "CapBnd", "0000000000000000" },
		{ "NoNewPrivs", "1" }, { "Seccomp", "2" }, { "Threads", "3" },
	};

	(void)state;
	t.threads = 2;
	start_both();
	t.threads = 0;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(check_threads(t.client.pid, want[i].key, want[i].value), 3);
	ask_status(&t.client, 7);
	assert_int_equal(t.client.status.threads, 2);
	assert_true(carry(t.outside, t.inside, "10.84.0.1", 50));
	for (int i = 0; i < 5; i++) {
		assert_true(burst(t.outside, t.inside, "10.84.0.1", 400) >= 390);
		assert_true(burst(t.inside, t.outside, "10.84.0.2", 400) >= 390);
	}
	/* who speaks last has not been killed by what it may not call */
	assert_int_equal(stop(&t.client), 0);
	WAIT(t.server.session_down);
	assert_int_equal(stop(&t.server), 0);
}

static void a_worker_holds_no_descriptor_of_its_parent(void **state)
{
	int secret = open("/etc/passwd", O_RDONLY), kept = 0;
	char path[64];

	(void)state;
	start_worker(&t.client);
	set_up(&t.client, MESSAGE_CLIENT, "failover");
	WAIT(t.client.ready);
	for (int fd = 3; fd < 256; fd++) {
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)t.client.pid, fd);
		kept += lstat(path, &st) == 0;
	}
	assert_int_equal(kept, 1);	/* the channel */
	close(secret);
	assert_int_equal(stop(&t.client), 0);
}

static void garbage_on_the_channel_ends_it_with_an_error(void **state)
{
	static const char *const garbage[] = { "x", "garbage garbage garbage", "\1\0\5\0\0" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		int fd[2];
		pid_t pid;

		assert_int_equal(channel_pair(fd), 0);
		pid = fork_worker(fd[1]);
		close(fd[1]);
		assert_true(send(fd[0], garbage[i], strlen(garbage[i]), 0) > 0);
		assert_int_equal(exit_code(pid), 1);
		close(fd[0]);
	}
}

static void messages_out_of_order_end_it_with_an_error(void **state)
{
	static const struct message early[] = {
		{ .type = MESSAGE_START }, { .type = MESSAGE_STATUS_REQUEST },
		{ .type = MESSAGE_PEER, .peer = { .index = 0 } },
		{ .type = MESSAGE_SOCKET_REMOVE }, { .type = MESSAGE_PATH_PROBE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(early); i++) {
		start_worker(&t.client);
		say(&t.client, &early[i], -1);
		assert_int_equal(exit_code(t.client.pid), 1);
		channel_free(t.client.channel);
	}
	start_worker(&t.client);
	say(&t.client, &(struct message){ .type = MESSAGE_TUN }, t.tun_outside);
	assert_int_equal(exit_code(t.client.pid), 1);
	channel_free(t.client.channel);
	/* twice the same */
	start_worker(&t.client);
	set_up(&t.client, MESSAGE_CLIENT, "weighted");
	set_up(&t.client, MESSAGE_CLIENT, "weighted");
	assert_int_equal(exit_code(t.client.pid), 1);
	channel_free(t.client.channel);
}

static void an_unknown_strategy_ends_it_at_start_and_is_refused_later(void **state)
{
	struct message m = { .type = MESSAGE_STRATEGY, .strategy = { .id = 42, .name = "nonsense" } };

	(void)state;
	start_worker(&t.client);
	set_up(&t.client, MESSAGE_CLIENT, "nonsense");
	assert_int_equal(exit_code(t.client.pid), 1);
	channel_free(t.client.channel);
	start_client();
	say(&t.client, &m, -1);
	WAIT(t.client.ack.id == 42);
	assert_int_equal(t.client.ack.error, -ENOENT);
	m.strategy.id = 43;
	strcpy(m.strategy.name, "redundant");
	say(&t.client, &m, -1);
	WAIT(t.client.ack.id == 43);
	assert_int_equal(t.client.ack.error, 0);
	ask_status(&t.client, 1);
	assert_string_equal(t.client.peer.strategy, "redundant");
	assert_int_equal(stop(&t.client), 0);
}

static void the_channel_s_end_ends_it(void **state)
{
	(void)state;
	start_client();
	WAIT(t.client.ready);
	channel_free(t.client.channel);
	assert_int_equal(exit_code(t.client.pid), 1);
}

/* A parent between us and the worker; another process keeps the channel open, so only the signal can tell. */
static void the_parent_s_death_ends_it(void **state)
{
	int fd[2], pid_pipe[2];
	pid_t parent, worker = 0;
	double until = ev_time() + PATIENCE;

	(void)state;
	assert_int_equal(channel_pair(fd), 0);
	assert_int_equal(pipe2(pid_pipe, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		worker = fork_worker(fd[1]);
		if (write(pid_pipe[1], &worker, sizeof(worker)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pid_pipe[0], &worker, sizeof(worker)), sizeof(worker));
	close(fd[1]);
	/* in its sandbox it is tied to its parent; seen from outside */
	for (char value[64] = ""; strcmp(value, "2") != 0;) {
		assert_true(ev_time() < until);
		assert_true(status_line(worker, "Seccomp", value, sizeof(value)));
		poll(NULL, 0, 5);
	}
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	for (;;) {
		char value[64] = "";

		/* an orphan is reaped by init; until then it is a zombie */
		if (kill(worker, 0) < 0)
			break;
		if (status_line(worker, "State", value, sizeof(value)) && value[0] == 'Z')
			break;
		assert_true(ev_time() < until);
		poll(NULL, 0, 5);
	}
	close(fd[0]);
	close(pid_pipe[0]);
	close(pid_pipe[1]);
}

static void a_refused_connection_is_told_with_its_address_and_not_in_floods(void **state)
{
	struct addr nobody;
	int fd = socket_at("127.0.0.1", false, &nobody);

	(void)state;
	close(fd);	/* its port is free now, so the kernel answers */
	start_client();
	add_link(5, "wan1", "127.0.0.2", &nobody);
	WAIT(t.client.socket_errors > 0);
	assert_int_equal(t.client.socket_error.socket, 5);
	assert_int_equal(t.client.socket_error.operation, MESSAGE_ON_PATH);
	assert_int_equal(t.client.socket_error.error, ECONNREFUSED);
	assert_true(addr_equal(&t.client.socket_error.remote, &nobody));
	for (int i = 0; i < 50; i++)
		say(&t.client, &(struct message){ .type = MESSAGE_PATH_PROBE, .path_probe = { 5 } }, -1);
	ask_status(&t.client, 2);
	assert_true(t.client.socket_errors <= 3);
	assert_int_equal(stop(&t.client), 0);
}

/* The kernel says it instead of giving a datagram, so that each would take a turn of the loop. */
static void what_came_beside_an_answer_is_read_in_the_same_turn(void **state)
{
	int listener = socket_at("127.0.0.1", true, &t.listen), gone, stranger, status;
	struct pollfd answered = { .fd = listener };
	struct sockaddr_storage nobody, to;
	struct addr at;
	uint64_t before;
	socklen_t len;

	(void)state;
	gone = socket_at("127.0.0.1", false, &at);
	close(gone);	/* its port is nobody's now */
	stranger = socket_at("127.0.0.9", false, NULL);
	addr_to_sockaddr(&at, &nobody);
	len = (socklen_t)addr_to_sockaddr(&t.listen, &to);
	start_server_at(listener);
	WAIT(t.server.ready);
	ask_status(&t.server, 1);
	before = t.server.status.rx_datagrams;
	kill(t.server.pid, SIGSTOP);
	assert_int_equal(waitpid(t.server.pid, &status, WUNTRACED), t.server.pid);
	assert_int_equal(sendto(stranger, "noise", 5, 0, (struct sockaddr *)&to, len), 5);
	assert_int_equal(sendto(listener, "noise", 5, 0, (struct sockaddr *)&nobody, len), 5);
	assert_int_equal(poll(&answered, 1, 2000), 1);
	say(&t.server, &(struct message){ .type = MESSAGE_STATUS_REQUEST, .status_request = { 2 } }, -1);
	kill(t.server.pid, SIGCONT);
	WAIT(t.server.status.id == 2 && t.server.status_end);
	assert_int_equal(t.server.status.rx_datagrams, before + 1);
	close(stranger);
	close(listener);
	assert_int_equal(stop(&t.server), 0);
}

static void a_socket_that_cannot_be_used_is_refused_and_closed(void **state)
{
	struct message m = { .type = MESSAGE_SOCKET_ADD };
	int fd = socket_at("127.0.0.1", true, &t.listen);

	(void)state;
	start_client();
	m.socket_add.kind = MESSAGE_SOCKET_LISTEN;	/* on a client */
	m.socket_add.socket = 3;
	say(&t.client, &m, fd);
	WAIT(t.client.socket_errors == 1);
	assert_int_equal(t.client.socket_error.operation, MESSAGE_ON_ADD);
	assert_int_equal(t.client.socket_error.error, EINVAL);
	add_link(4, "wan1", "127.0.0.2", &t.listen);
	add_link(4, "wan1", "127.0.0.2", &t.listen);
	WAIT(t.client.socket_errors == 2);
	assert_int_equal(t.client.socket_error.error, EEXIST);
	close(fd);
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m.socket_add.kind = MESSAGE_SOCKET_PATH;
	m.socket_add.remote = t.listen;
	say(&t.client, &m, fd);
	WAIT(t.client.socket_errors == 3);
	assert_int_equal(t.client.socket_error.error, ENOTSOCK);
	close(fd);
	assert_int_equal(stop(&t.client), 0);
}

static void a_link_can_go_and_come_back_while_packets_flow(void **state)
{
	struct message gone = { .type = MESSAGE_SOCKET_REMOVE, .socket_remove = { 1 } };

	(void)state;
	start_both();
	say(&t.client, &gone, -1);
	assert_true(carry(t.outside, t.inside, "10.84.0.1", 20));
	ask_status(&t.client, 3);
	assert_int_equal(t.client.paths, 1);
	assert_string_equal(t.client.path[0].link, "wan2");
	say(&t.client, &gone, -1);	/* once more is nothing */
	t.client.paths_up = 0;
	add_link(1, "wan1", "127.0.0.2", &t.listen);
	WAIT(t.client.paths_up > 0);
	assert_true(carry(t.outside, t.inside, "10.84.0.1", 20));
	ask_status(&t.client, 4);
	assert_int_equal(t.client.paths, 2);
	assert_int_equal(stop(&t.client), 0);
	assert_int_equal(stop(&t.server), 0);
}

static void a_descriptor_that_is_no_device_is_told_and_left_alone(void **state)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	start_client();
	WAIT(t.client.ready);
	say(&t.client, &(struct message){ .type = MESSAGE_TUN }, fd);
	WAIT(t.client.tun_error.error == EISDIR);
	assert_int_equal(t.client.tun_error.operation, MESSAGE_ON_RECEIVE);
	close(fd);
	assert_int_equal(stop(&t.client), 0);
}

/* CPU time that a process uses while nothing happens for a moment. */
static nsec_t used_in(pid_t pid, int ms)
{
	struct timespec before, after;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &before), 0);
	poll(NULL, 0, ms);
	assert_int_equal(clock_gettime(clock, &after), 0);
	return SEC(after.tv_sec - before.tv_sec) + (nsec_t)after.tv_nsec - (nsec_t)before.tv_nsec;
}

static void a_device_that_goes_away_is_told_and_not_spun_on(void **state)
{
	int here, tun;

	(void)state;
	start_client();
	WAIT(t.client.ready);
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	new_netns();
	tun = device("gone0", "10.84.0.3");
	say(&t.client, &(struct message){ .type = MESSAGE_TUN }, tun);
	ask_status(&t.client, 1);
	assert_int_equal(system("ip link del dev gone0"), 0);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	WAIT(t.client.tun_error.error == EBADFD);
	assert_int_equal(t.client.tun_error.operation, MESSAGE_ON_RECEIVE);
	assert_true(used_in(t.client.pid, 200) < MSEC(50));
	close(tun);
	close(here);
	assert_int_equal(stop(&t.client), 0);
}

static void a_server_takes_as_many_peers_as_there_may_be(void **state)
{
	(void)state;
	start_worker(&t.server);
	set_up_peers(&t.server, MESSAGE_SERVER, "weighted", MESSAGE_PEERS);
	WAIT(t.server.ready);
	ask_status(&t.server, 1);
	assert_int_equal(t.server.peers, MESSAGE_PEERS);
	assert_int_equal(t.server.peer.peer, MESSAGE_PEERS - 1);
	assert_true(used_in(t.server.pid, 200) < MSEC(50));
	assert_int_equal(stop(&t.server), 0);
}

static void strangers_datagrams_are_counted_and_nothing_more(void **state)
{
	struct sockaddr_storage to;
	socklen_t len;
	int fd;

	(void)state;
	start_server();
	WAIT(t.server.ready);
	len = (socklen_t)addr_to_sockaddr(&t.listen, &to);
	fd = socket_at("127.0.0.9", false, NULL);
	for (int i = 0; i < 300; i++) {
		uint8_t noise[4096];

		randombytes_buf(noise, sizeof(noise));
		sendto(fd, noise, (size_t)(i * 13), 0, (struct sockaddr *)&to, len);
	}
	ask_status(&t.server, 5);
	assert_false(t.server.peer.session);
	assert_int_equal(t.server.status.pool_left, t.server.status.pool);
	close(fd);
	assert_int_equal(stop(&t.server), 0);
}

/* --- a client that is none of ours ----------------------------------------- */

/* It shakes hands with the server: what its data is sealed with. */
static struct keypair *join(int fd, const struct sockaddr_storage *to, socklen_t len)
{
	const struct random_source random = { fill, NULL };
	const uint8_t psk[32] = { 0 };
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	struct initiator initiator;
	struct keypair *keys;
	struct suite suite;
	uint8_t at[2048];
	ssize_t n;

	suite_plain(&suite);
	initiator_init(&initiator, t.client_key, t.server_public, psk, CIPHER_BIT(CIPHER_CHACHA20_POLY1305), &random);
	initiator_start(&initiator, 5, NULL, SEC(1));
	initiator_round(&initiator, SEC(1));
	initiator_message(&initiator, 0, SEC(1), at);
	assert_int_equal(sendto(fd, at, HANDSHAKE_INIT_SIZE, 0, (const struct sockaddr *)to, len), HANDSHAKE_INIT_SIZE);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	n = recv(fd, at, sizeof(at), 0);
	assert_true(n > 0);
	assert_int_equal(initiator_input(&initiator, 0, at, (size_t)n, SEC(1)), INITIATOR_DONE);
	keys = keypair_new(initiator_keys(&initiator), &suite, 1, SEC(1));
	assert_non_null(keys);
	initiator_done(&initiator);
	return keys;
}

#define EACH	30	/* packets in a datagram, each but a header, */
#define RUN	64	/* and datagrams that go out as one message */
#define RUNS	3
#define CROWD	(PACKET_HEADER + EACH * (FRAME_AMONG_HEADER + 20) + PACKET_TAG)

/* A datagram of that number. */
static void write_crowd(const struct keypair *keys, uint32_t number, uint8_t at[CROWD])
{
	const struct packet_header header = { 0, keys->remote, number };
	uint8_t frames[CROWD], *p = frames;

	for (unsigned i = 0; i < EACH; i++) {
		const struct piece place = { .lane = 3, .seq = number * EACH + i, .unordered = true };

		frame_write_data_among(p, &place, true, 20);
		p += FRAME_AMONG_HEADER;
		/* RFC 3692: nobody waits for protocol 253 */
		inner_packet_ipv4(p, 20, 253, (uint8_t[]){ 10, 84, 0, 2 }, (uint8_t[]){ 10, 84, 0, 1 });
		p += 20;
	}
	packet_write_header(at, &header);
	aead_seal(&keys->send, 0, number, at, PACKET_HEADER, at + PACKET_HEADER, frames, (size_t)(p - frames));
}

/* More packets than there are buffers, and all of them in one turn. */
static void what_few_datagrams_bring_does_not_take_all_buffers(void **state)
{
	static uint8_t run[RUN][CROWD];
	int segment = CROWD, room = 1 << 22, fd;
	struct sockaddr_storage to;
	struct keypair *keys;
	socklen_t len;

	(void)state;
	start_server();
	WAIT(t.server.ready);
	len = (socklen_t)addr_to_sockaddr(&t.listen, &to);
	fd = socket_at("127.0.0.9", false, NULL);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	keys = join(fd, &to, len);
	kill(t.server.pid, SIGSTOP);
	setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	for (uint32_t i = 0; i < RUNS; i++) {
		for (uint32_t n = 0; n < RUN; n++)
			write_crowd(keys, i * RUN + n, run[n]);
		assert_int_equal(sendto(fd, run, sizeof(run), 0, (struct sockaddr *)&to, len), sizeof(run));
	}
	kill(t.server.pid, SIGCONT);
	ask_status(&t.server, 5);
	assert_true(RUNS * RUN * EACH > MESSAGE_POOL_MIN);
	assert_int_equal(t.server.peer.rx_packets, RUNS * RUN * EACH);
	keypair_free(keys);
	close(fd);
	assert_int_equal(stop(&t.server), 0);
}

/* --- the stage ----------------------------------------------------------- */

static int open_stage(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	strcpy(t.dir, "/tmp/worker-test-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	chmod(t.dir, 0555);
	crypto_box_keypair(t.client_public, t.client_key);
	crypto_box_keypair(t.server_public, t.server_key);
	t.loop = ev_loop_new(EVFLAG_AUTO);
	/* descriptors stay in the namespace they were made in */
	new_netns();
	t.tun_inside = device("in0", "10.84.0.1");
	t.inside = inner_socket("10.84.0.1");
	new_netns();
	t.tun_outside = device("out0", "10.84.0.2");
	t.outside = inner_socket("10.84.0.2");
	return 0;
}

static int close_stage(void **state)
{
	(void)state;
	rmdir(t.dir);
	ev_loop_destroy(t.loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("two workers carry packets both ways over both links",
		     two_workers_carry_packets_both_ways_over_both_links),
		TEST("a changed link is in force behind the barrier",
		     a_changed_link_is_in_force_behind_the_barrier),
		TEST("a renamed link keeps its path", a_renamed_link_keeps_its_path),
		TEST("a server says of its clients only who is there",
		     a_server_says_of_its_clients_only_who_is_there),
		TEST("a path that is closed says what it has carried",
		     a_path_that_is_closed_says_what_it_has_carried),
		TEST("a worker has no right left", a_worker_has_no_right_left),
		TEST("its threads help, and have no right either", its_threads_help_and_have_no_right_either),
		TEST("a worker holds no descriptor of its parent",
		     a_worker_holds_no_descriptor_of_its_parent),
		TEST("garbage on the channel ends it with an error",
		     garbage_on_the_channel_ends_it_with_an_error),
		TEST("messages out of order end it with an error",
		     messages_out_of_order_end_it_with_an_error),
		TEST("an unknown strategy ends it at start and is refused later",
		     an_unknown_strategy_ends_it_at_start_and_is_refused_later),
		TEST("the channel's end ends it", the_channel_s_end_ends_it),
		TEST("the parent's death ends it", the_parent_s_death_ends_it),
		TEST("a refused connection is told with its address, and not in floods",
		     a_refused_connection_is_told_with_its_address_and_not_in_floods),
		TEST("what came beside an answer of the network is read in the same turn",
		     what_came_beside_an_answer_is_read_in_the_same_turn),
		TEST("a socket that cannot be used is refused and closed",
		     a_socket_that_cannot_be_used_is_refused_and_closed),
		TEST("a link can go and come back while packets flow",
		     a_link_can_go_and_come_back_while_packets_flow),
		TEST("a descriptor that is no device is told and left alone",
		     a_descriptor_that_is_no_device_is_told_and_left_alone),
		TEST("a device that goes away is told and not spun on",
		     a_device_that_goes_away_is_told_and_not_spun_on),
		TEST("a server takes as many peers as there may be",
		     a_server_takes_as_many_peers_as_there_may_be),
		TEST("what few datagrams bring does not take all buffers",
		     what_few_datagrams_bring_does_not_take_all_buffers),
		TEST("strangers' datagrams are counted and nothing more",
		     strangers_datagrams_are_counted_and_nothing_more),
	};

	if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
		printf("1..0 # SKIP needs root and /dev/net/tun for namespaces and devices\n");
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_stage, close_stage);
}
