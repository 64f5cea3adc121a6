/*
 * up: `ttt up`: the daemon begins; the command returns when the tunnel carries
 * data, or says why it does not.
 *
 * The daemon is a child in a session of its own.  One line comes back from it
 * over a pipe (supervisor.h).  Ctrl-C until then asks it to stop, and waits
 * until it has undone everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "config/load.h"
#include "supervisor/supervisor.h"

#define LINE	1024

static volatile sig_atomic_t daemon_pid;

static void pass_on(int number)
{
	(void)number;
	if (daemon_pid > 0)
		kill(daemon_pid, SIGTERM);
}

static int load(const struct cli *cli, struct config **ret)
{
	char error[CONFIG_ERROR];

	if (config_load(cli->config, cli_strategies(), ret, error) < 0) {
		log_error("%s", error);
		return EXIT_USAGE;
	}
	if (cli->interface != NULL)
		config_set_interface(*ret, cli->interface);
	return EXIT_DONE;
}

static int in_foreground(const struct cli *cli, const struct config *config)
{
	const struct supervisor_options options = {
		.runtime_dir = cli->runtime_dir, .state_dir = cli->state_dir, .ready_fd = -1, .foreground = true,
	};

	return supervisor_run(config, &options);
}

/* The child: away from the terminal, its log to the system's. */
static void be_daemon(const struct cli *cli, const struct config *config, int ready_fd)
{
	const struct supervisor_options options = {
		.runtime_dir = cli->runtime_dir, .state_dir = cli->state_dir, .ready_fd = ready_fd,
	};
	int null = open("/dev/null", O_RDWR);

	setsid();
	if (chdir("/") < 0 || null < 0)
		_exit(EXIT_FAILED);
	log_to_syslog();
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	_exit(supervisor_run(config, &options));
}

/* What the daemon says, up to its end of line; empty: it died without a word. */
static void read_line(int fd, char line[LINE])
{
	size_t len = 0;
	ssize_t got;

	while (len < LINE - 1) {
		got = read(fd, line + len, LINE - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

/* "failed CODE TEXT" */
static int report_failure(char *line)
{
	char *text;
	long code = strncmp(line, "failed ", 7) == 0 ? strtol(line + 7, &text, 10) : 0;

	if (code < EXIT_FAILED || code > EXIT_LAST) {
		log_error("the daemon ended without a word: see the system's log");
		return EXIT_FAILED;
	}
	log_error("%s", text + strspn(text, " "));
	return (int)code;
}

/* Its end was asked for: it says nothing, or has not yet learnt to listen. */
static bool was_stopped(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGTERM;
}

static int wait_for(pid_t pid, int fd)
{
	char line[LINE];
	int status;

	read_line(fd, line);
	if (strcmp(line, "ready") == 0)
		return EXIT_DONE;
	/* it undoes everything before it ends */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (line[0] == '\0' && was_stopped(status)) {
		log_error("stopped before the tunnel was up");
		return EXIT_FAILED;
	}
	return report_failure(line);
}

/* Ctrl-C waits until there is somebody to pass it on to. */
static pid_t fork_daemon(void)
{
	const struct sigaction stop = { .sa_handler = pass_on };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t held, was;
	pid_t pid;

	sigemptyset(&held);
	for (size_t i = 0; i < 3; i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, &was);
	pid = fork();
	if (pid > 0) {
		daemon_pid = pid;
		for (size_t i = 0; i < 3; i++)
			sigaction(signals[i], &stop, NULL);
	}
	sigprocmask(SIG_SETMASK, &was, NULL);
	return pid;
}

static int in_background(const struct cli *cli, const struct config *config)
{
	int pipe_fd[2], code;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0 || (pid = fork_daemon()) < 0) {
		log_error("cannot begin: %m");
		return EXIT_FAILED;
	}
	if (pid == 0) {
		close(pipe_fd[0]);
		be_daemon(cli, config, pipe_fd[1]);
	}
	close(pipe_fd[1]);
	code = wait_for(pid, pipe_fd[0]);
	close(pipe_fd[0]);
	return code;
}

int cli_up(const struct cli *cli)
{
	struct config *config;
	int code;

	if (geteuid() != 0) {
		log_error("only root can bring a tunnel up: sudo ttt up");
		return EXIT_NOT_PERMITTED;
	}
	code = load(cli, &config);
	if (code != EXIT_DONE)
		return code;
	code = cli->foreground ? in_foreground(cli, config) : in_background(cli, config);
	config_free(config);
	return code;
}
