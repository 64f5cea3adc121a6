/* plot: gnuplot as a child; see plot.h. */
#include "sim/tool/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* gnuplot with that argument, reading from one descriptor and writing to another; 0, or an errno. */
static int start(const char *argument, int in, int out, pid_t *ret)
{
	char *argv[] = { (char *)"gnuplot", (char *)argument, NULL };
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);

	if (err != 0)
		return err;
	err = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (err == 0)
		err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (err == 0)
		err = posix_spawnp(ret, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

static bool ended_well(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool not_there(int err, struct complaint *c)
{
	return complain(c, "--plot: cannot run gnuplot: %s; install the package gnuplot-nox", strerror(err));
}

bool plot_check(struct complaint *c)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), err;
	pid_t child;

	err = null >= 0 ? start("--version", null, null, &child) : EBADF;
	if (null >= 0)
		close(null);
	if (err != 0)
		return not_there(err, c);
	return ended_well(child) || complain(c, "--plot: gnuplot --version fails; install the package gnuplot-nox");
}

/* Both ends close themselves in the child, but for the copy that it reads. */
static bool make_pipe(int fd[2])
{
	return pipe2(fd, O_CLOEXEC) == 0;
}

bool plot_draw(FILE *f, const struct scenario *plan, const struct series *series, struct complaint *c)
{
	int fd[2], err;
	pid_t child;
	FILE *to;

	if (!make_pipe(fd))
		return complain(c, "--plot: %s", strerror(errno));
	err = start("-", fd[0], fileno(f), &child);
	close(fd[0]);
	to = fdopen(fd[1], "w");
	if (err != 0 || to == NULL) {
		close(fd[1]);
		return not_there(err != 0 ? err : ENOMEM, c);
	}
	plot_script(to, plan, series);
	fclose(to);
	return ended_well(child) || complain(c, "--plot: gnuplot could not draw it");
}
