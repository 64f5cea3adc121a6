/* link: `ttt link [LINK [KEY=VALUE…]]`: how each link is to be used; change it until the tunnel goes down. */
#include "base/log.h"
#include "cli/cli.h"

/* NULL: a word is no text. */
static json_t *request_of(const struct cli *cli)
{
	json_t *request = json_pack("{s:s}", "command", cli->operand_count > 1 ? "link" : "links");
	json_t *set = json_array();
	int bad = 0;

	if (cli->operand_count > 0)
		bad |= json_object_set_new(request, "name", json_string(cli->operand[0]));
	for (int i = 1; i < cli->operand_count; i++)
		bad |= json_array_append_new(set, json_string(cli->operand[i]));
	json_object_set_new(request, "set", set);
	if (bad == 0)
		return request;
	json_decref(request);
	return NULL;
}

int cli_link(const struct cli *cli)
{
	json_t *request = request_of(cli);

	if (request == NULL) {
		log_error("a link is named by its interface, and a change is KEY=VALUE: see ttt --help");
		return EXIT_USAGE;
	}
	return cli_ask_for_text(cli, request);
}
