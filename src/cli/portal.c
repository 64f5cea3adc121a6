/*
 * portal: `ttt portal LINK COMMAND…`: one command goes past the tunnel and its
 * kill switch by that link, and asks that link's resolvers: to log in where a
 * network wants that, while everything else stays closed.
 *
 *	here (root)               the command (who called sudo)
 *	a group whose sockets     enters it
 *	carry the link's mark
 *	a view of the files in    is in it
 *	which the resolvers are
 *	the link's
 *	waits for all of it       and what it has left running
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "host/link_dns.h"
#include "io/cgroup.h"
#include "io/door.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define NO_COMMAND	127	/* as shells have it */
#define CANNOT_RUN	126
#define BY_SIGNAL	128

struct way {
	const char *link;
	uint32_t mark;
	int index;
	struct addr router;
};

/* --- what the daemon knows ------------------------------------------------------ */

static int find_way(const struct cli *cli, struct way *ret)
{
	json_t *request = json_pack("{s:s,s:s}", "command", "portal", "name", ret->link), *reply;
	char ifname[CONFIG_IFNAME];
	int code = EXIT_USAGE;

	if (request == NULL) {
		log_error("a link is named by its interface: see ttt --help");
		return code;
	}
	cli_interface(cli, ifname);
	code = cli_ask(cli, ifname, request, &reply, NULL);
	json_decref(request);
	if (code != EXIT_DONE)
		return code;
	ret->mark = (uint32_t)json_integer_value(json_object_get(reply, "mark"));
	ret->index = (int)json_integer_value(json_object_get(reply, "index"));
	if (!addr_parse(json_string_value(json_object_get(reply, "gateway")), &ret->router))
		ret->router = (struct addr){ 0 };
	json_decref(reply);
	return EXIT_DONE;
}

/* --- resolvers -------------------------------------------------------------------- */

static int write_text(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");

	if (out == NULL)
		return -errno;
	fputs(text, out);
	return fclose(out) == 0 ? 0 : -errno;
}

/* Who would be asked instead of the file; they ask through the tunnel. */
static void hide_daemons(void)
{
	static const char *const where[] = { "/run/systemd/resolve", "/run/nscd", "/var/run/nscd" };

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++)
		if (access(where[i], F_OK) == 0)
			mount("none", where[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
}

/* The file may be a link into what was just hidden: then it is written there. */
static int put_in_place(const char *file, const char *target, const char *text)
{
	if (access(target, F_OK) < 0)
		return write_text(target, text);
	return mount(file, target, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

/* In a view of the files that only we and the command have. */
static int use_resolvers(const struct cli *cli, const struct way *way)
{
	struct addr list[LINK_DNS];
	size_t count = link_dns(way->link, way->index, &way->router, list);
	char file[CONFIG_PATH], text[LINK_DNS * (ADDR_TEXT + 16) + 64], a[ADDR_TEXT];
	size_t len = (size_t)snprintf(text, sizeof(text), "# by ttt portal, for %s\n", way->link);
	char *target = realpath(RESOLV_CONF, NULL);
	int err;

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "nameserver %s\n", addr_print(&list[i], a));
	snprintf(file, sizeof(file), "%s/portal.%d", cli->runtime_dir, (int)getpid());
	err = target == NULL ? -errno : write_text(file, text);
	if (err == 0 && (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0))
		err = -errno;
	if (err == 0) {
		hide_daemons();
		err = put_in_place(file, target, text);
	}
	unlink(file);
	free(target);
	return err;
}

/* --- the command --------------------------------------------------------------------- */

/* Whom sudo or pkexec became root for; NULL: nobody, or root. */
static const struct passwd *caller(void)
{
	static const char *const name[] = { "SUDO_UID", "PKEXEC_UID" };

	for (size_t i = 0; i < 2; i++) {
		const char *text = getenv(name[i]);
		uid_t uid = text != NULL ? (uid_t)strtoul(text, NULL, 10) : 0;

		if (uid != 0)
			return getpwuid(uid);
	}
	return NULL;
}

static int become(const struct passwd *who)
{
	char dir[64];

	if (who == NULL)
		return 0;
	if (initgroups(who->pw_name, who->pw_gid) < 0 || setgid(who->pw_gid) < 0 || setuid(who->pw_uid) < 0)
		return -errno;
	setenv("HOME", who->pw_dir, 1);
	setenv("USER", who->pw_name, 1);
	setenv("LOGNAME", who->pw_name, 1);
	snprintf(dir, sizeof(dir), "/run/user/%u", (unsigned)who->pw_uid);
	if (access(dir, F_OK) == 0)
		setenv("XDG_RUNTIME_DIR", dir, 0);
	return 0;
}

static _Noreturn void be_command(const struct door *door, char **argv)
{
	const struct passwd *who = caller();
	int err = door_enter(door);

	if (err == 0)
		err = become(who);
	if (err < 0) {
		log_error("%s: cannot be run outside: %s", argv[0], strerror(-err));
		_exit(CANNOT_RUN);
	}
	execvp(argv[0], argv);
	log_error("%s: %m", argv[0]);
	_exit(errno == ENOENT ? NO_COMMAND : CANNOT_RUN);
}

static volatile sig_atomic_t command;

static void pass_on(int number)
{
	if (command > 0)
		kill((pid_t)command, number);
}

/* The terminal sends Ctrl-C to the command itself. */
static void mind_signals(void)
{
	const struct sigaction pass = { .sa_handler = pass_on, .sa_flags = SA_RESTART };

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &pass, NULL);
	sigaction(SIGHUP, &pass, NULL);
}

/* Until the command has ended, and all that it left running: they would lose their way out. */
static int wait_for_all(void)
{
	int status, code = EXIT_FAILED;
	pid_t pid;

	while ((pid = wait(&status)) > 0 || errno == EINTR)
		if (pid > 0 && pid == command)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status);
	return code;
}

static int run_by(const struct door *door, char **argv)
{
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid < 0) {
		log_error("cannot begin: %m");
		return EXIT_FAILED;
	}
	if (pid == 0)
		be_command(door, argv);
	command = pid;
	mind_signals();
	return wait_for_all();
}

int cli_portal(const struct cli *cli)
{
	struct way way = { .link = cli->operand_count > 0 ? cli->operand[0] : NULL };
	char name[DOOR_NAME];
	struct door door;
	int root, code, err;

	if (cli->operand_count < 2) {
		log_error("which link, and which command? ttt portal LINK COMMAND");
		return EXIT_USAGE;
	}
	if (geteuid() != 0) {
		log_error("only root can let a program past the tunnel: sudo ttt portal …");
		return EXIT_NOT_PERMITTED;
	}
	code = find_way(cli, &way);
	if (code != EXIT_DONE)
		return code;
	root = cgroup_open();
	snprintf(name, sizeof(name), "ttt-portal-%d", (int)getpid());
	err = root < 0 ? root : door_open(&door, root, name, way.mark);
	if (err < 0) {
		log_error("%s: cannot mark a program's sockets: %s: the kernel needs cgroup v2 and BPF", way.link,
			  strerror(-err));
		return EXIT_FAILED;
	}
	err = use_resolvers(cli, &way);
	if (err < 0)
		log_warning("%s: its resolvers cannot be used, names may not be found: %s", way.link, strerror(-err));
	code = run_by(&door, cli->operand + 1);
	door_close(&door);
	close(root);
	return code;
}
