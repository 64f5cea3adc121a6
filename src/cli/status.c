/* status: `ttt status`: what the tunnel does, once or every second. */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "control/status_json.h"
#include "control/status_text.h"

#define CLEAR	"\033[H\033[J"

static int show_text(const json_t *reply)
{
	struct status status;
	int err = status_from_json(json_object_get(reply, "status"), &status);

	if (err < 0) {
		log_error("the daemon's status makes no sense: is it another version?");
		return EXIT_FAILED;
	}
	status_print(&status, stdout);
	status_done(&status);
	return EXIT_DONE;
}

static int show(const struct cli *cli, const json_t *reply)
{
	const char *text = json_string_value(json_object_get(reply, "text"));

	if (cli->routing) {
		fputs(text != NULL ? text : "", stdout);
		return EXIT_DONE;
	}
	if (!cli->json)
		return show_text(reply);
	json_dumpf(json_object_get(reply, "status"), stdout, cli->watch ? JSON_COMPACT : JSON_INDENT(2));
	putchar('\n');
	return EXIT_DONE;
}

static int look(const struct cli *cli, const char *ifname)
{
	json_t *request = json_pack("{s:s}", "command", cli->routing ? "routing" : "status"), *reply;
	int code = cli_ask(cli, ifname, request, &reply, NULL);

	json_decref(request);
	if (code != EXIT_DONE)
		return code;
	if (cli->watch && !cli->json && isatty(STDOUT_FILENO))
		fputs(CLEAR, stdout);
	code = show(cli, reply);
	json_decref(reply);
	return fflush(stdout) == 0 ? code : EXIT_FAILED;
}

int cli_status(const struct cli *cli)
{
	char ifname[CONFIG_IFNAME];
	int code;

	cli_interface(cli, ifname);
	while ((code = look(cli, ifname)) == EXIT_DONE && cli->watch)
		sleep(1);
	return code;
}
