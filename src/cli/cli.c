/* cli: see cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "config/load.h"
#include "strategy/strategy.h"

#define ANSWER_WITHIN	SEC(5)
#define STRATEGIES	16

const char *const *cli_strategies(void)
{
	static const char *name[STRATEGIES + 1];

	for (size_t i = 0; i < STRATEGIES && strategy_at(i) != NULL; i++)
		name[i] = strategy_at(i)->name;
	return name;
}

void cli_interface(const struct cli *cli, char ret[CONFIG_IFNAME])
{
	char error[CONFIG_ERROR];
	struct config *config;

	if (cli->interface != NULL) {
		text_copy(ret, CONFIG_IFNAME, cli->interface);
	} else if (config_read(cli->config, cli_strategies(), &config, error) == 0) {
		text_copy(ret, CONFIG_IFNAME, config->interface);
		config_free(config);
	} else {
		text_copy(ret, CONFIG_IFNAME, CONFIG_INTERFACE);
	}
}

static int say_why(const char *ifname, int err)
{
	if (err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET || err == -EPIPE) {
		log_error("%s is not up", ifname);
		return EXIT_NOT_RUNNING;
	}
	log_error("%s: %s", ifname, err == -ETIMEDOUT ? "the daemon does not answer" : strerror(-err));
	return err == -EACCES || err == -EPERM ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

static int refusal(json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	json_int_t code = json_integer_value(json_object_get(reply, "code"));

	log_error("%s", error != NULL ? error : "the daemon refused, and did not say why");
	json_decref(reply);
	return code >= EXIT_FAILED && code <= EXIT_LAST ? (int)code : EXIT_FAILED;
}

int cli_ask(const struct cli *cli, const char *ifname, const json_t *request, json_t **ret, int *ret_pid)
{
	char path[CONTROL_PATH];
	json_t *reply;
	int err = -ENAMETOOLONG;

	if (control_path(cli->runtime_dir, ifname, path))
		err = control_call(path, request, ANSWER_WITHIN, &reply, ret_pid);
	if (err < 0)
		return say_why(ifname, err);
	if (!json_is_true(json_object_get(reply, "ok")))
		return refusal(reply);
	*ret = reply;
	return EXIT_DONE;
}

int cli_ask_for_text(const struct cli *cli, json_t *request)
{
	char ifname[CONFIG_IFNAME];
	const char *text;
	json_t *reply;
	int code;

	cli_interface(cli, ifname);
	code = cli_ask(cli, ifname, request, &reply, NULL);
	json_decref(request);
	if (code != EXIT_DONE)
		return code;
	text = json_string_value(json_object_get(reply, "text"));
	fputs(text != NULL ? text : "", stdout);
	json_decref(reply);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
