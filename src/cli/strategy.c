/* strategy: `ttt strategy [NAME]`: which there are; use another from now on. */
#include <stdio.h>

#include "cli/cli.h"
#include "strategy/strategy.h"

static int list(void)
{
	for (size_t i = 0; strategy_at(i) != NULL; i++)
		printf("%-14s %s\n", strategy_at(i)->name, strategy_at(i)->summary);
	return EXIT_DONE;
}

int cli_strategy(const struct cli *cli)
{
	char ifname[CONFIG_IFNAME];
	json_t *request, *reply;
	const char *text;
	int code;

	if (cli->operand_count == 0)
		return list();
	cli_interface(cli, ifname);
	request = json_pack("{s:s,s:s}", "command", "strategy", "name", cli->operand[0]);
	code = cli_ask(cli, ifname, request, &reply, NULL);
	json_decref(request);
	if (code != EXIT_DONE)
		return code;
	text = json_string_value(json_object_get(reply, "text"));
	fputs(text != NULL ? text : "", stdout);
	json_decref(reply);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
