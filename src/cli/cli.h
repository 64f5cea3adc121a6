/*
 * cli: what the commands share: the options of the command line, where the
 * daemon is, and how a failure is said.  One command, one file; the table is
 * in main.c.
 */
#ifndef TTT_CLI_CLI_H
#define TTT_CLI_CLI_H

#include <stdbool.h>

#include <jansson.h>

#include "base/exit_code.h"
#include "config/config.h"
#include "control/socket.h"

#define CLI_CONFIG	"/etc/ttt/ttt.conf"
#define CLI_RUNTIME_DIR	"/run/ttt"
#define CLI_STATE_DIR	"/var/lib/ttt"

struct cli {
	const char *interface;		/* -i; NULL: what the file says, else ttt0 */
	const char *config;		/* -c */
	const char *runtime_dir;	/* -r, else TTT_RUNTIME_DIR */
	const char *state_dir;		/* what outlives a boot; for another runtime directory, beside it */
	bool foreground, json, watch, routing;
	int operand_count;
	char **operand;			/* behind the command's name */
};

int cli_up(const struct cli *cli);
int cli_down(const struct cli *cli);
int cli_status(const struct cli *cli);
int cli_strategy(const struct cli *cli);
int cli_link(const struct cli *cli);
int cli_portal(const struct cli *cli);
int cli_genkey(const struct cli *cli);
int cli_pubkey(const struct cli *cli);
int cli_genpsk(const struct cli *cli);

/* Names of all strategies, the default first, ended by NULL. */
const char *const *cli_strategies(void);
/* Which tunnel is meant: -i, else what the configuration says, else ttt0. */
void cli_interface(const struct cli *cli, char ret[CONFIG_IFNAME]);
/*
 * One request to the daemon of that tunnel, nobody's reference taken.  *ret is
 * the reply of a daemon that said yes, to be given back with json_decref;
 * ret_pid (or NULL) the daemon.  Anything else has been said, and its exit code
 * is returned.
 */
int cli_ask(const struct cli *cli, const char *ifname, const json_t *request, json_t **ret, int *ret_pid);
/* The same of the tunnel that the command is for, and print the text of its reply, if there is one; takes the request. */
int cli_ask_for_text(const struct cli *cli, json_t *request);

#endif
