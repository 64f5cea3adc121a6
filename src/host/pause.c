/* pause: see pause.h. */
#include "host/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "config/config.h"
#include "nft/commit.h"
#include "nft/connections.h"
#include "nft/ruleset.h"

#define LOOK_EVERY	20	/* ms, for the next run's table */
#define OTHER_ENDS	200	/* ms: who held the pause before sees our table, and goes */

static int commit_pause(struct commit *c, const struct config *config)
{
	char error[COMMIT_ERROR];
	struct ruleset r;
	int err = ruleset_paused(config->interface, config->address, config->address_count, &r);

	if (err < 0)
		return err;
	err = commit_apply(c, &r, error);
	for (int ms = 0; err == -EPERM && ms < OTHER_ENDS; ms += LOOK_EVERY) {
		usleep(LOOK_EVERY * 1000);
		err = commit_apply(c, &r, error);
	}
	ruleset_done(&r);
	return err;
}

struct commit *pause_begin(const struct config *config)
{
	struct commit *c;

	if (connections_established(config->address, config->address_count) <= 0 || commit_new(&c) < 0)
		return NULL;
	if (commit_pause(c, config) == 0)
		return c;
	commit_free(c);
	return NULL;
}

struct commit *pause_after_crash(const struct config *config)
{
	char table[RULESET_NAME];
	struct commit *c;
	bool is_left;

	if (config->role != CONFIG_SERVER || commit_new(&c) < 0)
		return NULL;
	ruleset_table_name(config->interface, table);
	is_left = commit_exists(c, table) > 0 && commit_is_owned(c, table) == 0;
	commit_free(c);
	return is_left ? pause_begin(config) : NULL;
}

/* Nothing of the daemon's is kept: neither its descriptors, nor its terminal, nor its signals. */
static void leave_daemon(const struct commit *pause)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	unsigned fd = (unsigned)commit_fd(pause);
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, fd - 1, 0);
	close_range(fd + 1, ~0U, 0);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (chdir("/") < 0)
		_exit(1);
}

static void hold(struct commit *pause, const char *ifname)
{
	char table[RULESET_NAME], error[COMMIT_ERROR];

	ruleset_table_name(ifname, table);
	for (int ms = 0; ms < PAUSE_SECONDS * 1000 && commit_exists(pause, table) == 0; ms += LOOK_EVERY)
		usleep(LOOK_EVERY * 1000);
	ruleset_paused_name(ifname, table);
	commit_remove(pause, table, error);	/* where tables have no owner it would stay */
}

void pause_keep(struct commit *pause, const struct config *config)
{
	if (pause == NULL)
		return;
	if (fork() == 0) {
		leave_daemon(pause);
		hold(pause, config->interface);
		_exit(0);
	}
	commit_free(pause);
}
