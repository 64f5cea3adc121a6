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
	if (cli->operand_count == 0)
		return list();
	return cli_ask_for_text(cli, json_pack("{s:s,s:s}", "command", "strategy", "name", cli->operand[0]));
}
