/*
 * down: `ttt down`: the daemon stops and undoes everything; what a killed one
 * left behind is removed.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "config/load.h"
#include "supervisor/supervisor.h"

#define END_WITHIN	15000	/* ms */
#define DYING_MS	2000

static bool ends(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 || poll(&p, 1, END_WITHIN) == 1;
}

/* One that was killed a moment ago may still take the call, and hang up: not yet gone, but no answer. */
static int find_daemon(const char *path, int *ret_pid)
{
	json_t *request = json_pack("{s:s}", "command", "status"), *reply = NULL;
	int err = control_call(path, request, SEC(5), &reply, ret_pid);

	for (int ms = 0; (err == -ECONNRESET || err == -EPIPE) && ms < DYING_MS; ms += 10) {
		usleep(10 * 1000);
		err = control_call(path, request, SEC(5), &reply, ret_pid);
	}
	json_decref(request);
	json_decref(reply);
	return err;
}

/* The daemon of that tunnel, if one answers.  *ret_stopped: it did, and is gone. */
static int stop_daemon(const struct cli *cli, const char *ifname, bool *ret_stopped)
{
	char path[CONTROL_PATH];
	json_t *request, *reply;
	int pid = 0, pidfd, code;
	bool gone;

	*ret_stopped = false;
	if (!control_path(cli->runtime_dir, ifname, path) || access(path, F_OK) < 0)
		return EXIT_DONE;
	code = find_daemon(path, &pid);
	if (code == -ECONNREFUSED || code == -ENOENT)
		return EXIT_DONE;
	pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	request = json_pack("{s:s}", "command", "stop");
	code = cli_ask(cli, ifname, request, &reply, NULL);
	json_decref(request);
	if (code != EXIT_DONE) {
		if (pidfd >= 0)
			close(pidfd);
		return code;
	}
	json_decref(reply);
	gone = ends(pidfd);
	if (pidfd >= 0)
		close(pidfd);
	*ret_stopped = gone;
	if (!gone)
		log_error("%s: process %d does not end", ifname, pid);
	return gone ? EXIT_DONE : EXIT_FAILED;
}

static int clean_up(const struct cli *cli, const char *ifname)
{
	const struct supervisor_options options = { .runtime_dir = cli->runtime_dir, .ready_fd = -1 };
	char error[CONFIG_ERROR];
	struct config *config = NULL;
	int n;

	if (config_read(cli->config, cli_strategies(), &config, error) == 0)
		config_set_interface(config, ifname);
	n = supervisor_cleanup(config, &options, ifname);
	config_free(config);
	return n;
}

int cli_down(const struct cli *cli)
{
	char ifname[CONFIG_IFNAME];
	bool stopped;
	int code, n;

	if (geteuid() != 0) {
		log_error("only root can take a tunnel down: sudo ttt down");
		return EXIT_NOT_PERMITTED;
	}
	cli_interface(cli, ifname);
	code = stop_daemon(cli, ifname, &stopped);
	if (code != EXIT_DONE)
		return code;
	n = clean_up(cli, ifname);
	if (n == -EWOULDBLOCK)
		n = 0;	/* what there is belongs to another tunnel */
	if (n == -EBUSY) {
		log_error("%s is up, with another runtime directory: see -r", ifname);
		return EXIT_FAILED;
	}
	if (n < 0) {
		log_error("%s: cannot remove what is left: %s", ifname, strerror(-n));
		return EXIT_FAILED;
	}
	if (stopped)
		return EXIT_DONE;
	if (n > 0) {
		log_info("%s was not running; what it had left behind is removed", ifname);
		return EXIT_DONE;
	}
	log_error("%s is not up", ifname);
	return EXIT_NOT_RUNNING;
}
